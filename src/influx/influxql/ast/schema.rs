//! Databases, retention policies, continuous queries, subscriptions, and deleting data.

use super::super::duration::DurationNs;
use super::{Expr, Select, Source};

/// `DELETE` and `DROP SERIES`: `[FROM sources] [WHERE condition]`, at least one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Delete {
    /// Which measurements; empty is all. Never a subquery, and never with a database or policy.
    pub sources: Vec<Source>,
    /// Which points or series.
    pub condition: Option<Expr>,
}

/// `CREATE DATABASE name [WITH ...]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateDatabase {
    /// The database.
    pub name: String,
    /// Its first retention policy, when one is described.
    pub policy: Option<NewPolicy>,
}

/// `WITH [DURATION d] [REPLICATION n] [SHARD DURATION d] [NAME name]`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewPolicy {
    /// How long points are kept; 0 is for ever.
    pub duration: Option<DurationNs>,
    /// Copies, at least 1.
    pub replication: Option<i32>,
    /// How much time a shard group spans; 0 is chosen by the server.
    pub shard_duration: DurationNs,
    /// The policy's name.
    pub name: Option<String>,
}

/// `CREATE RETENTION POLICY name ON database DURATION d REPLICATION n [SHARD DURATION d] [DEFAULT]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRetentionPolicy {
    /// The policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// How long points are kept; 0 is for ever.
    pub duration: DurationNs,
    /// Copies, at least 1.
    pub replication: i32,
    /// How much time a shard group spans; 0 is chosen by the server.
    pub shard_duration: DurationNs,
    /// Whether it becomes the default.
    pub default: bool,
}

/// `ALTER RETENTION POLICY name ON database`, with at least one change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlterRetentionPolicy {
    /// The policy.
    pub name: String,
    /// Its database.
    pub database: String,
    /// How long points are kept; 0 is for ever.
    pub duration: Option<DurationNs>,
    /// Copies, at least 1.
    pub replication: Option<i32>,
    /// How much time a shard group spans; 0 is chosen by the server.
    pub shard_duration: Option<DurationNs>,
    /// Whether it becomes the default.
    pub default: bool,
}

/// `DROP RETENTION POLICY name ON database`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropRetentionPolicy {
    /// The policy.
    pub name: String,
    /// Its database.
    pub database: String,
}

/// `CREATE CONTINUOUS QUERY name ON database [RESAMPLE [EVERY d] [FOR d]] BEGIN select END`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateContinuousQuery {
    /// The query's name.
    pub name: String,
    /// Its database.
    pub database: String,
    /// How often it runs; 0 is once an interval.
    pub resample_every: DurationNs,
    /// How far back it reaches; 0 is one interval.
    pub resample_for: DurationNs,
    /// The query, which always has a target.
    pub select: Box<Select>,
}

/// `DROP CONTINUOUS QUERY name ON database`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropContinuousQuery {
    /// The query's name.
    pub name: String,
    /// Its database.
    pub database: String,
}

/// To how many destinations each point of a subscription goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionMode {
    /// To every one.
    All,
    /// To one of them, in turn.
    Any,
}

/// `CREATE SUBSCRIPTION name ON database.policy DESTINATIONS ALL|ANY 'url', ...`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSubscription {
    /// The subscription.
    pub name: String,
    /// Its database.
    pub database: String,
    /// Its retention policy.
    pub policy: String,
    /// To how many destinations.
    pub mode: SubscriptionMode,
    /// URLs, at least one.
    pub destinations: Vec<String>,
}

/// `DROP SUBSCRIPTION name ON database.policy`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropSubscription {
    /// The subscription.
    pub name: String,
    /// Its database.
    pub database: String,
    /// Its retention policy.
    pub policy: String,
}
