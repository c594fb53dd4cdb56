//! The statements of InfluxQL as values.
//!
//! Names are stored without quotes and escapes. An absent clause is `None`, an empty list, or 0 for a limit or
//! offset, as its field says; InfluxDB takes an empty quoted name (`ON ""`) for an absent one, and so does this.

mod expr;
mod schema;
mod select;
mod show;
mod users;

pub use expr::{Call, Chain, DataType, Expr, Op, Pattern, VarRef, WideTime, Wildcard};
pub use schema::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription, Delete,
    DropContinuousQuery, DropRetentionPolicy, DropSubscription, NewPolicy, SubscriptionMode,
};
pub use select::{Explain, Field, Fill, FillNumber, Measurement, MeasurementName, Page, Select, Sort, Source, Target};
pub use show::{
    Counted, KeyMatch, Show, ShowCardinality, ShowFieldKeys, ShowFilter, ShowMeasurements, ShowSeries, ShowTagKeys,
    ShowTagValues,
};
pub use users::{CreateUser, Grant, KillQuery, Password, Privilege, SetPassword};

/// One command.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `SELECT`
    Select(Box<Select>),
    /// `EXPLAIN [ANALYZE] SELECT`
    Explain(Explain),
    /// `SHOW ...`
    Show(Show),
    /// `DELETE [FROM ...] [WHERE ...]`
    Delete(Delete),
    /// `DROP SERIES [FROM ...] [WHERE ...]`
    DropSeries(Delete),
    /// `DROP MEASUREMENT name`
    DropMeasurement(String),
    /// `DROP SHARD id`
    DropShard(u64),
    /// `CREATE DATABASE`
    CreateDatabase(CreateDatabase),
    /// `DROP DATABASE name`
    DropDatabase(String),
    /// `CREATE RETENTION POLICY`
    CreateRetentionPolicy(CreateRetentionPolicy),
    /// `ALTER RETENTION POLICY`
    AlterRetentionPolicy(AlterRetentionPolicy),
    /// `DROP RETENTION POLICY`
    DropRetentionPolicy(DropRetentionPolicy),
    /// `CREATE CONTINUOUS QUERY`
    CreateContinuousQuery(CreateContinuousQuery),
    /// `DROP CONTINUOUS QUERY`
    DropContinuousQuery(DropContinuousQuery),
    /// `CREATE SUBSCRIPTION`
    CreateSubscription(CreateSubscription),
    /// `DROP SUBSCRIPTION`
    DropSubscription(DropSubscription),
    /// `CREATE USER`
    CreateUser(CreateUser),
    /// `DROP USER name`
    DropUser(String),
    /// `SET PASSWORD FOR`
    SetPassword(SetPassword),
    /// `GRANT privilege ON database TO user`
    Grant(Grant),
    /// `GRANT ALL PRIVILEGES TO user`
    GrantAdmin(String),
    /// `REVOKE privilege ON database FROM user`
    Revoke(Grant),
    /// `REVOKE ALL PRIVILEGES FROM user`
    RevokeAdmin(String),
    /// `KILL QUERY`
    KillQuery(KillQuery),
}
