//! Statements that change schema or data, applied to the embedded engine.

use std::collections::BTreeSet;

use crate::{
    influx::{
        influxql::{
            self,
            ast::{Delete, Measurement, MeasurementName, Source, Statement},
            condition, reduce,
        },
        result::StatementResult,
    },
    query::{
        influxql::tag_filter,
        source::{SeriesSource, TagFilter, Times},
    },
    tsdb::{self, PolicyChange, PolicySpec},
};

use super::{Local, failed, or_failed};

/// Which measurements a statement names.
enum Named {
    All,
    Some(BTreeSet<String>, Vec<regex::Regex>),
}

impl Named {
    fn of(sources: &[Source]) -> Result<Self, String> {
        if sources.is_empty() {
            return Ok(Self::All);
        }
        let (mut names, mut patterns) = (BTreeSet::new(), Vec::new());
        for source in sources {
            let Source::Measurement(Measurement { name, .. }) = source else {
                return Err("subqueries cannot be deleted from".to_owned());
            };
            match name {
                MeasurementName::Name(name) => {
                    names.insert(name.clone());
                }
                MeasurementName::Regex(pattern) => patterns.push(pattern.compile().map_err(|error| error.to_string())?),
            }
        }
        Ok(Self::Some(names, patterns))
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Some(names, patterns) => {
                names.contains(name) || patterns.iter().any(|pattern| pattern.is_match(name))
            }
        }
    }
}

impl Local {
    /// Applies the statement of record `seq`, sent with the default database `db`. Its own errors are in the result.
    pub(super) fn change(&self, seq: u64, db: &str, text: &str) -> StatementResult {
        let statements = match influxql::parse(text, &influxql::Params::new()) {
            Ok(statements) => statements,
            Err(error) => return failed(&error),
        };
        match statements.first() {
            Some(statement) => self.change_parsed(seq, db, statement),
            None => StatementResult::default(),
        }
    }

    fn change_parsed(&self, seq: u64, db: &str, statement: &Statement) -> StatementResult {
        let engine = &self.engine;
        if created_names(statement).iter().any(|name| !is_valid(name)) {
            return failed("invalid name");
        }
        let changed = match statement {
            Statement::CreateDatabase(create) => {
                engine.create_database(seq, &create.name, create.policy.as_ref().map(new_policy).as_ref())
            }
            Statement::DropDatabase(name) => {
                engine.drop_database(seq, name);
                Ok(())
            }
            Statement::CreateRetentionPolicy(policy) => engine.create_policy(
                seq,
                &policy.database,
                &PolicySpec {
                    name: policy.name.clone(),
                    duration_ns: Some(policy.duration.0),
                    replication: u32::try_from(policy.replication).ok(),
                    shard_duration_ns: Some(policy.shard_duration.0),
                    make_default: policy.default,
                },
            ),
            Statement::AlterRetentionPolicy(policy) => engine.alter_policy(
                seq,
                &policy.database,
                &policy.name,
                &PolicyChange {
                    duration_ns: policy.duration.map(|duration| duration.0),
                    replication: policy.replication.and_then(|copies| u32::try_from(copies).ok()),
                    shard_duration_ns: policy.shard_duration.map(|duration| duration.0),
                    make_default: policy.default,
                },
            ),
            Statement::DropRetentionPolicy(policy) => {
                engine.drop_policy(seq, &policy.database, &policy.name);
                Ok(())
            }
            Statement::DropMeasurement(name) => engine.drop_measurement(seq, db, name),
            Statement::Delete(delete) => return or_failed(self.delete(seq, db, delete, true)),
            Statement::DropSeries(delete) => return or_failed(self.delete(seq, db, delete, false)),
            _ => return failed("this statement changes nothing here"),
        };
        or_failed(changed.map(|()| StatementResult::default()))
    }

    fn delete(&self, seq: u64, db: &str, delete: &Delete, points: bool) -> Result<StatementResult, String> {
        let named = Named::of(&delete.sources)?;
        let has = |name: &str| named.has(name);
        let (rest, range) =
            condition::split(delete.condition.as_ref(), &reduce::Scope::none()).map_err(|error| error.to_string())?;
        let filter = self.filter(db, rest.as_ref())?;
        let has_time = range.min.is_some() || range.max.is_some();
        let done = if points {
            let (min, max) = range.bounds();
            self.engine
                .delete(seq, db, &has, &filter, Times { min: min.0, max: max.0 })
        } else if has_time {
            return Err("DROP SERIES doesn't support time in WHERE clause".to_owned());
        } else {
            self.engine.drop_series(seq, db, &has, &filter)
        };
        done.map(|()| StatementResult::default())
            .map_err(|error: tsdb::Error| error.to_string())
    }

    /// The series that a condition without time selects.
    fn filter(&self, db: &str, condition: Option<&influxql::ast::Expr>) -> Result<TagFilter, String> {
        let Some(condition) = condition else {
            return Ok(TagFilter::All);
        };
        let source: &dyn SeriesSource = &self.engine;
        let is_field = |name: &str| {
            let policies = source.policies(db).unwrap_or_default();
            source.measurements(db).iter().any(|measurement| {
                policies.iter().any(|policy| {
                    let place = crate::query::source::Place {
                        db,
                        policy: &policy.name,
                        measurement,
                    };
                    source.fields(place).iter().any(|(field, _)| &**field == name)
                })
            })
        };
        let split = tag_filter(condition, |name| !is_field(name)).map_err(|error| error.to_string())?;
        match split.rest {
            None => Ok(split.filter),
            Some(_) => Err("fields not supported in WHERE clause during deletion".to_owned()),
        }
    }
}

/// The names that a statement gives to something new.
fn created_names(statement: &Statement) -> Vec<&str> {
    match statement {
        Statement::CreateDatabase(create) => {
            let policy = create.policy.as_ref().and_then(|policy| policy.name.as_deref());
            [Some(create.name.as_str()), policy].into_iter().flatten().collect()
        }
        Statement::CreateRetentionPolicy(policy) => vec![policy.name.as_str()],
        _ => Vec::new(),
    }
}

/// InfluxDB's rule, whose names are directories: printable, no slash of either kind, not a dot or two.
fn is_valid(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && !name.contains(['/', '\\']) && !name.chars().any(char::is_control)
}

fn new_policy(policy: &influxql::ast::NewPolicy) -> PolicySpec {
    PolicySpec {
        name: policy.name.clone().unwrap_or_default(),
        duration_ns: policy.duration.map(|duration| duration.0),
        replication: policy.replication.and_then(|copies| u32::try_from(copies).ok()),
        shard_duration_ns: Some(policy.shard_duration.0),
        make_default: true,
    }
}
