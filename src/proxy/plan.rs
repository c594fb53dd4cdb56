//! Who can answer a statement, and how several answers become one. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::TimestampNs,
    influx::{
        influxql::{
            ast::{Expr, Fill, Measurement, MeasurementName, Page, Pattern, Select, Show, Source, Statement, Target},
            reduce, timestamp,
        },
        line,
        result::MergeRule,
    },
};

use super::{
    fleet::{Fleet, Placement},
    watermark::Slot,
};

/// Measurement names by database, as far as they were asked for.
pub type Names = BTreeMap<String, Vec<String>>;

/// What to do with a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// Any of these replicas answers it alone.
    One(Replicas),
    /// A `SELECT` whose measurements have different owners: each part has its replicas, the answers are ordered by name.
    Split {
        /// The parts.
        parts: Vec<(Select, Replicas)>,
        /// Rows come newest first.
        descending: bool,
    },
    /// Every owner of a circle answers for its part.
    Merge(Merge),
    /// It changes data or schema on these backends (positions in the fleet), in order with the writes.
    Change(Vec<usize>),
    /// What the select answers is written to the target.
    Into {
        /// The select without its target.
        select: Select,
        /// Where the points go.
        target: Target,
    },
    /// The names of this database's measurements must be known first.
    NeedsNames(String),
    /// It cannot be answered; why.
    Refuse(String),
}

/// Backends of which each has everything that a statement reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replicas {
    /// Positions in [`Fleet::backends`].
    pub backends: Vec<usize>,
    /// What they must have applied; empty means everything.
    pub slots: Vec<Slot>,
}

/// A `SHOW` over all owners.
#[derive(Debug, Clone, PartialEq)]
pub struct Merge {
    /// What is asked of every owner.
    pub statement: Statement,
    /// How the answers are joined.
    pub rule: MergeRule,
    /// Cut from the joined answer.
    pub page: Page,
    /// Whose answers are needed.
    pub scope: Scope,
}

/// Whose answers a merge needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All owners of one circle, or of several as long as nothing is missing: the answers are joined as sets.
    Covering,
    /// All owners of one circle exactly: the answers are added up.
    OneCircle,
    /// Every backend speaks for itself.
    Everyone,
}

/// Plans `statement`, sent with the default database `db`; `names` are the measurement names asked for so far.
#[must_use]
pub fn plan(statement: &Statement, db: &str, fleet: &Fleet, names: &Names) -> Plan {
    let planner = Planner { db, fleet, names };
    match statement {
        Statement::Select(select) => planner.select(select),
        Statement::Explain(explain) => planner.one_owner(&explain.select.measurements(), "EXPLAIN"),
        Statement::Show(show) => planner.show(statement, show),
        Statement::Delete(delete) | Statement::DropSeries(delete) => planner.change_measurements(&delete.sources),
        Statement::DropMeasurement(name) => Plan::Change(planner.place(db, name).owners.to_vec()),
        Statement::CreateDatabase(_)
        | Statement::DropDatabase(_)
        | Statement::CreateRetentionPolicy(_)
        | Statement::AlterRetentionPolicy(_)
        | Statement::DropRetentionPolicy(_) => Plan::Change(fleet.everyone()),
        Statement::DropShard(_) => {
            refuse("DROP SHARD is not supported: shards are numbered by each backend for itself")
        }
        Statement::KillQuery(_) => {
            refuse("KILL QUERY is not supported: queries are numbered by each backend for itself")
        }
        Statement::CreateContinuousQuery(_) | Statement::DropContinuousQuery(_) => {
            refuse("continuous queries are not supported yet")
        }
        Statement::CreateSubscription(_) | Statement::DropSubscription(_) => refuse("subscriptions are not supported"),
        Statement::CreateUser(_)
        | Statement::DropUser(_)
        | Statement::SetPassword(_)
        | Statement::Grant(_)
        | Statement::GrantAdmin(_)
        | Statement::Revoke(_)
        | Statement::RevokeAdmin(_) => refuse("user management is not supported yet"),
    }
}

/// The databases that a statement names or, without naming one, uses.
#[must_use]
pub fn databases<'a>(statement: &'a Statement, db: &'a str) -> Vec<&'a str> {
    let named = |database: &'a Option<String>| database.as_deref().unwrap_or(db);
    let mut found: Vec<&str> = statement
        .measurements()
        .into_iter()
        .map(|measurement| named(&measurement.database))
        .collect();
    found.extend(match statement {
        Statement::CreateDatabase(create) => Some(create.name.as_str()),
        Statement::DropDatabase(name) => Some(name.as_str()),
        Statement::CreateRetentionPolicy(policy) => Some(policy.database.as_str()),
        Statement::AlterRetentionPolicy(policy) => Some(policy.database.as_str()),
        Statement::DropRetentionPolicy(policy) => Some(policy.database.as_str()),
        Statement::Show(show) => Some(show.database().unwrap_or(db)),
        Statement::Delete(_) | Statement::DropSeries(_) | Statement::DropMeasurement(_) => Some(db),
        _ => None,
    });
    found.retain(|name| !name.is_empty());
    found
}

/// The database whose schema a statement changes.
#[must_use]
pub fn changed_database(statement: &Statement) -> Option<&str> {
    match statement {
        Statement::CreateDatabase(create) => Some(&create.name),
        Statement::CreateRetentionPolicy(policy) => Some(&policy.database),
        Statement::AlterRetentionPolicy(policy) => Some(&policy.database),
        Statement::DropRetentionPolicy(policy) => Some(&policy.database),
        _ => None,
    }
}

/// The statement with `now()` replaced by `now`.
#[must_use]
pub fn at_time(statement: &Statement, now: TimestampNs) -> Statement {
    let mut statement = statement.clone();
    match &mut statement {
        Statement::Select(select) => fix_select(select, now),
        Statement::Delete(delete) | Statement::DropSeries(delete) => fix(&mut delete.condition, now, None),
        _ => {}
    }
    statement
}

fn fix_select(select: &mut Select, now: TimestampNs) {
    fix(&mut select.condition, now, select.time_zone.as_deref());
    for source in &mut select.sources {
        if let Source::Subquery(inner) = source {
            fix_select(inner, now);
        }
    }
}

fn fix(condition: &mut Option<Expr>, now: TimestampNs, zone: Option<&str>) {
    let scope = reduce::Scope::at(now, timestamp::zone(zone));
    *condition = condition.take().map(|condition| reduce::reduce(&condition, &scope));
}

fn into(select: &Select, target: &Target) -> Plan {
    let mut select = select.clone();
    select.target = None;
    // InfluxDB does so: there is nothing to write for an empty interval, and of `count()` no zeros.
    if select.fill == Fill::Null && select.fields.iter().any(|field| has_call(&field.expr)) {
        select.fill = Fill::None;
    }
    let target = target.clone();
    Plan::Into { select, target }
}

fn has_call(expr: &Expr) -> bool {
    let mut found = false;
    expr.walk(&mut |part| {
        found |= matches!(part, Expr::Call(_));
        !found
    });
    found
}

struct Planner<'a> {
    db: &'a str,
    fleet: &'a Fleet,
    names: &'a Names,
}

impl Planner<'_> {
    fn select(&self, select: &Select) -> Plan {
        if let Some(target) = &select.target {
            return into(select, target);
        }
        if select.with_subqueries().iter().any(|select| select.target.is_some()) {
            return refuse("INTO is not supported in a subquery");
        }
        let whole = self.one_owner(&select.measurements(), "SELECT");
        match whole {
            Plan::Refuse(_) => self.split(select).unwrap_or(whole),
            other => other,
        }
    }

    /// A select from several measurements, none of them a subquery, is the select from each of them side by side, unless
    /// its columns depend on all of them, or measurements of one name, which make one series, have different owners.
    fn split(&self, select: &Select) -> Option<Plan> {
        if select.has_field_wildcard() || select.has_dimension_wildcard() {
            return None;
        }
        let mut parts: Vec<(Select, Replicas)> = Vec::new();
        for source in &select.sources {
            let Source::Measurement(measurement) = source else {
                return None;
            };
            for name in self.expand(measurement).ok()? {
                let one = Measurement {
                    name: MeasurementName::Name(name),
                    ..measurement.clone()
                };
                let replicas = self.replicas(&[&one]).ok()?;
                match parts.iter_mut().find(|(_, other)| other.backends == replicas.backends) {
                    Some((part, other)) => {
                        part.sources.push(Source::Measurement(one));
                        other.slots.extend(replicas.slots);
                    }
                    None => parts.push((
                        Select {
                            sources: vec![Source::Measurement(one)],
                            ..select.clone()
                        },
                        replicas,
                    )),
                }
            }
        }
        let mut names = BTreeSet::new();
        if !parts
            .iter()
            .flat_map(|(part, _)| own_names(part))
            .all(|name| names.insert(name))
        {
            return None;
        }
        Some(Plan::Split {
            parts,
            descending: !select.is_ascending(),
        })
    }

    /// One backend in some circle that owns all of these measurements, or why there is none.
    fn one_owner(&self, measurements: &[&Measurement], what: &str) -> Plan {
        match self.replicas(measurements) {
            Ok(replicas) if replicas.backends.is_empty() => refuse(format!(
                "{what} over measurements of different backends is not supported yet in this form"
            )),
            Ok(replicas) => Plan::One(replicas),
            Err(db) => Plan::NeedsNames(db),
        }
    }

    /// The backends that own all of these measurements, at most one a circle; or the database whose names are needed.
    fn replicas(&self, measurements: &[&Measurement]) -> Result<Replicas, String> {
        let mut placements: Vec<Placement> = Vec::new();
        let mut needs = None;
        for measurement in measurements {
            match self.expand(measurement) {
                Ok(names) => placements.extend(names.iter().map(|name| self.place(self.database(measurement), name))),
                Err(db) => needs = Some(db),
            }
        }
        let slots: Vec<Slot> = if needs.is_some() {
            Vec::new()
        } else {
            placements.iter().map(|placement| placement.slot).collect()
        };
        let mut backends = Vec::new();
        let mut first = 0;
        for (at, circle) in self.fleet.circles.iter().enumerate() {
            let owner = placements.first().map_or(first, |placement| placement.owners[at]);
            let is_whole = circle.members.len() == 1;
            if is_whole || (needs.is_none() && placements.iter().all(|placement| placement.owners[at] == owner)) {
                backends.push(if is_whole { first } else { owner });
            }
            first += circle.members.len();
        }
        match needs {
            Some(db) if backends.is_empty() => Err(db),
            _ => Ok(Replicas { backends, slots }),
        }
    }

    /// The names that a source stands for; the error is the database whose names are needed.
    fn expand(&self, measurement: &Measurement) -> Result<Vec<String>, String> {
        match &measurement.name {
            MeasurementName::Name(name) => Ok(vec![name.clone()]),
            MeasurementName::Regex(pattern) => {
                let db = self.database(measurement);
                let names = self.names.get(db).ok_or_else(|| db.to_owned())?;
                Ok(matching(names, pattern))
            }
        }
    }

    fn database<'b>(&'b self, measurement: &'b Measurement) -> &'b str {
        measurement.database.as_deref().unwrap_or(self.db)
    }

    fn place(&self, db: &str, name: &str) -> Placement {
        self.fleet
            .placement(db.as_bytes(), &line::placement_name_of_stored(name.as_bytes()))
    }

    /// The owners of the named measurements; everybody when there is no name.
    fn change_measurements(&self, sources: &[Source]) -> Plan {
        let mut owners = Vec::new();
        for source in sources {
            match source {
                Source::Measurement(Measurement {
                    name: MeasurementName::Name(name),
                    ..
                }) => {
                    owners.extend(self.place(self.db, name).owners.iter().copied());
                }
                _ => return Plan::Change(self.fleet.everyone()),
            }
        }
        if owners.is_empty() {
            return Plan::Change(self.fleet.everyone());
        }
        owners.sort_unstable();
        owners.dedup();
        Plan::Change(owners)
    }

    fn show(&self, statement: &Statement, show: &Show) -> Plan {
        let merge = |rule, scope| {
            Plan::Merge(Merge {
                statement: statement.clone(),
                rule,
                page: Page::default(),
                scope,
            })
        };
        match show {
            Show::ContinuousQueries => refuse("continuous queries are not supported yet"),
            Show::Subscriptions => refuse("subscriptions are not supported"),
            Show::Users | Show::GrantsFor(_) => refuse("user management is not supported yet"),
            Show::Databases | Show::RetentionPolicies(_) => merge(MergeRule::FirstSeen, Scope::Covering),
            Show::Diagnostics(_) | Show::Queries | Show::ShardGroups | Show::Shards | Show::Stats(_) => {
                merge(MergeRule::Concat, Scope::Everyone)
            }
            Show::Cardinality(_) => self.owner_or(statement, || merge(MergeRule::Sum, Scope::OneCircle)),
            Show::FieldKeys(_) | Show::Measurements(_) | Show::TagKeys(_) | Show::TagValues(_) => {
                self.owner_or(statement, || paged(statement, MergeRule::Rows))
            }
            Show::Series(_) => self.owner_or(statement, || paged(statement, MergeRule::SeriesKeys)),
        }
    }

    /// A statement about named measurements of one owner is answered by it.
    fn owner_or(&self, statement: &Statement, otherwise: impl FnOnce() -> Plan) -> Plan {
        let measurements = statement.measurements();
        let named = |measurement: &&Measurement| matches!(measurement.name, MeasurementName::Name(_));
        if measurements.is_empty() || !measurements.iter().all(named) {
            return otherwise();
        }
        match self.replicas(&measurements) {
            Ok(replicas) if !replicas.backends.is_empty() => Plan::One(replicas),
            _ => otherwise(),
        }
    }
}

/// The different names of the measurements that a select reads itself.
fn own_names(select: &Select) -> BTreeSet<String> {
    let names = select.sources.iter().filter_map(|source| match source {
        Source::Measurement(Measurement {
            name: MeasurementName::Name(name),
            ..
        }) => Some(name.clone()),
        _ => None,
    });
    names.collect()
}

/// Asks the owners for everything, and cuts afterwards.
fn paged(statement: &Statement, rule: MergeRule) -> Plan {
    let mut whole = statement.clone();
    let page = match &mut whole {
        Statement::Show(Show::FieldKeys(show)) => std::mem::take(&mut show.page),
        Statement::Show(Show::Measurements(show)) => std::mem::take(&mut show.page),
        Statement::Show(Show::Series(show)) => std::mem::take(&mut show.page),
        Statement::Show(Show::TagKeys(show)) => std::mem::take(&mut show.page),
        Statement::Show(Show::TagValues(show)) => std::mem::take(&mut show.page),
        _ => Page::default(),
    };
    Plan::Merge(Merge {
        statement: whole,
        rule,
        page,
        scope: Scope::Covering,
    })
}

/// A pattern that does not compile matches nothing here; the parser has refused it before.
fn matching(names: &[String], pattern: &Pattern) -> Vec<String> {
    let Ok(regex) = pattern.compile() else {
        return Vec::new();
    };
    names.iter().filter(|name| regex.is_match(name)).cloned().collect()
}

fn refuse(why: impl Into<String>) -> Plan {
    Plan::Refuse(why.into())
}
