//! What routing must know of a statement: its kind, what it reads and writes, and who may run it.

use super::ast::{Measurement, MeasurementName, Select, Show, Source, Statement};

/// What has to happen with a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reads points, and writes them when it has a target.
    Select,
    /// `EXPLAIN`
    Explain,
    /// Reads the schema of stored series.
    ShowSchema,
    /// Reads what is known of databases, policies, continuous queries, subscriptions.
    ShowMeta,
    /// Reads users and their rights.
    ShowUsers,
    /// Reads the state of the server: shards, statistics, diagnostics, running queries.
    ShowServer,
    /// Creates, changes or drops a database.
    Database,
    /// Creates, changes or drops a retention policy.
    RetentionPolicy,
    /// Creates or drops a continuous query.
    ContinuousQuery,
    /// Creates or drops a subscription.
    Subscription,
    /// Deletes points or series of some measurements: `DELETE`, `DROP SERIES`, `DROP MEASUREMENT`.
    DeleteData,
    /// Drops one shard of one server.
    DropShard,
    /// Creates, changes or drops users and their rights.
    Users,
    /// Ends a running query.
    Kill,
}

/// The right that running a statement takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Right {
    /// None; the answer shows only what the user may see.
    Anyone,
    /// To read the database; `None` is the request's.
    Read(Option<String>),
    /// To write to the database; `None` is the request's.
    Write(Option<String>),
    /// To administer.
    Admin,
}

/// A measurement that a statement reads, with its database filled in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResolvedSource {
    /// The database; empty when neither the statement nor the request names one.
    pub database: String,
    /// The retention policy; `None` is the database's default.
    pub policy: Option<String>,
    /// Which measurements.
    pub name: MeasurementName,
}

impl Statement {
    /// What has to happen with the statement.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Select(_) => Kind::Select,
            Self::Explain(_) => Kind::Explain,
            Self::Show(show) => show.kind(),
            Self::Delete(_) | Self::DropSeries(_) | Self::DropMeasurement(_) => Kind::DeleteData,
            Self::DropShard(_) => Kind::DropShard,
            Self::CreateDatabase(_) | Self::DropDatabase(_) => Kind::Database,
            Self::CreateRetentionPolicy(_) | Self::AlterRetentionPolicy(_) | Self::DropRetentionPolicy(_) => {
                Kind::RetentionPolicy
            }
            Self::CreateContinuousQuery(_) | Self::DropContinuousQuery(_) => Kind::ContinuousQuery,
            Self::CreateSubscription(_) | Self::DropSubscription(_) => Kind::Subscription,
            Self::CreateUser(_)
            | Self::DropUser(_)
            | Self::SetPassword(_)
            | Self::Grant(_)
            | Self::GrantAdmin(_)
            | Self::Revoke(_)
            | Self::RevokeAdmin(_) => Kind::Users,
            Self::KillQuery(_) => Kind::Kill,
        }
    }

    /// Whether the statement changes nothing. A `SELECT` with `INTO` writes.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        match self {
            Self::Select(select) => select.target.is_none(),
            Self::Explain(_) | Self::Show(_) => true,
            _ => false,
        }
    }

    /// The warning that InfluxDB adds to the result of a statement that changes something and came by GET. It runs all
    /// the same. `DELETE` and `KILL QUERY` get none. InfluxDB shows database and policy of every measurement, also where
    /// the request left them out: fill them in first.
    #[must_use]
    pub fn read_only_warning(&self) -> Option<String> {
        if self.is_read_only() || matches!(self, Self::Delete(_) | Self::KillQuery(_)) {
            return None;
        }
        Some(format!(
            "deprecated use of '{self}' in a read only context, please use a POST request instead"
        ))
    }

    /// The rights that running the statement takes, all of them.
    #[must_use]
    pub fn rights(&self) -> Vec<Right> {
        match self {
            Self::Select(select) => select_rights(select),
            Self::Explain(explain) => select_rights(&explain.select),
            Self::Show(show) => show.rights(),
            Self::Delete(_) | Self::DropSeries(_) => vec![Right::Write(None)],
            Self::DropRetentionPolicy(policy) => vec![Right::Write(Some(policy.database.clone()))],
            Self::DropContinuousQuery(query) => vec![Right::Write(Some(query.database.clone()))],
            Self::CreateContinuousQuery(query) => {
                let target = query.select.target.as_ref().and_then(|target| target.database.clone());
                let mut rights = vec![Right::Read(Some(query.database.clone()))];
                rights.extend(target.map(|database| Right::Write(Some(database))));
                rights
            }
            _ => vec![Right::Admin],
        }
    }

    /// The database a statement names for itself as a whole, which then takes the place of the request's.
    #[must_use]
    pub fn default_database(&self) -> Option<&str> {
        match self {
            Self::CreateRetentionPolicy(policy) => Some(&policy.database),
            Self::AlterRetentionPolicy(policy) => Some(&policy.database),
            Self::DropRetentionPolicy(policy) => Some(&policy.database),
            Self::CreateContinuousQuery(query) => Some(&query.database),
            Self::DropContinuousQuery(query) => Some(&query.database),
            Self::CreateSubscription(subscription) => Some(&subscription.database),
            Self::DropSubscription(subscription) => Some(&subscription.database),
            Self::Grant(grant) | Self::Revoke(grant) => Some(&grant.database),
            Self::Show(show) => show.database(),
            _ => None,
        }
    }

    /// Every measurement the statement reads or deletes from, also inside subqueries; `request_database` is used where
    /// none is named.
    #[must_use]
    pub fn resolved_sources(&self, request_database: &str) -> Vec<ResolvedSource> {
        let database = self
            .default_database()
            .filter(|name| !name.is_empty())
            .unwrap_or(request_database);
        if let Self::DropMeasurement(name) = self {
            return vec![resolve(&Measurement::named(name), database)];
        }
        self.measurements().into_iter().map(|m| resolve(m, database)).collect()
    }
}

fn resolve(measurement: &Measurement, database: &str) -> ResolvedSource {
    ResolvedSource {
        database: measurement.database.clone().unwrap_or_else(|| database.to_owned()),
        policy: measurement.policy.clone(),
        name: measurement.name.clone(),
    }
}

fn select_rights(select: &Select) -> Vec<Right> {
    let mut rights = source_rights(&select.sources);
    rights.extend(
        select
            .target
            .as_ref()
            .map(|target| Right::Write(target.database.clone())),
    );
    rights
}

fn source_rights(sources: &[Source]) -> Vec<Right> {
    sources
        .iter()
        .flat_map(|source| match source {
            Source::Measurement(measurement) => vec![Right::Read(measurement.database.clone())],
            Source::Subquery(select) => select_rights(select),
        })
        .collect()
}

impl Show {
    /// What has to happen with the statement.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cardinality(_)
            | Self::FieldKeys(_)
            | Self::Measurements(_)
            | Self::Series(_)
            | Self::TagKeys(_)
            | Self::TagValues(_) => Kind::ShowSchema,
            Self::ContinuousQueries | Self::Databases | Self::RetentionPolicies(_) | Self::Subscriptions => {
                Kind::ShowMeta
            }
            Self::GrantsFor(_) | Self::Users => Kind::ShowUsers,
            Self::Diagnostics(_) | Self::Queries | Self::ShardGroups | Self::Shards | Self::Stats(_) => {
                Kind::ShowServer
            }
        }
    }

    /// `ON database`
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        match self {
            Self::Cardinality(show) => show.filter.database.as_deref(),
            Self::FieldKeys(show) => show.database.as_deref(),
            Self::Measurements(show) => show.database.as_deref(),
            Self::Series(show) => show.filter.database.as_deref(),
            Self::TagKeys(show) => show.filter.database.as_deref(),
            Self::TagValues(show) => show.filter.database.as_deref(),
            Self::RetentionPolicies(database) => database.as_deref(),
            _ => None,
        }
    }

    fn rights(&self) -> Vec<Right> {
        match self {
            Self::Databases => vec![Right::Anyone],
            Self::Cardinality(show) => {
                use super::ast::Counted;
                let estimated = matches!(show.counted, Counted::Series | Counted::Measurements) && !show.exact;
                if estimated || show.filter.sources.is_empty() {
                    vec![Right::Read(show.filter.database.clone())]
                } else {
                    source_rights(&show.filter.sources)
                }
            }
            Self::FieldKeys(_)
            | Self::Measurements(_)
            | Self::Series(_)
            | Self::TagKeys(_)
            | Self::TagValues(_)
            | Self::RetentionPolicies(_)
            | Self::ContinuousQueries
            | Self::Queries => vec![Right::Read(self.database().map(str::to_owned))],
            Self::GrantsFor(_)
            | Self::Users
            | Self::Diagnostics(_)
            | Self::ShardGroups
            | Self::Shards
            | Self::Stats(_)
            | Self::Subscriptions => vec![Right::Admin],
        }
    }
}

#[cfg(test)]
mod tests;
