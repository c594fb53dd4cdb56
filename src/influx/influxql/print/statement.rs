//! The other statements to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    AlterRetentionPolicy, CreateContinuousQuery, CreateDatabase, CreateRetentionPolicy, CreateSubscription, CreateUser,
    Delete, Grant, KillQuery, Statement, SubscriptionMode,
};
use super::super::duration::DurationNs;
use super::{condition, join, list, quote_ident, quote_string};

impl Display for Statement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let ident = |name: &str| quote_ident(name);
        match self {
            Self::Select(select) => select.fmt(f),
            Self::Explain(explain) => explain.fmt(f),
            Self::Show(show) => show.fmt(f),
            Self::Delete(it) => delete(f, "DELETE", it),
            Self::DropSeries(it) => delete(f, "DROP SERIES", it),
            Self::DropMeasurement(name) => write!(f, "DROP MEASUREMENT {}", ident(name)),
            Self::DropShard(id) => write!(f, "DROP SHARD {id}"),
            Self::CreateDatabase(it) => create_database(f, it),
            Self::DropDatabase(name) => write!(f, "DROP DATABASE {}", ident(name)),
            Self::CreateRetentionPolicy(it) => create_retention_policy(f, it),
            Self::AlterRetentionPolicy(it) => alter_retention_policy(f, it),
            Self::DropRetentionPolicy(it) => {
                write!(
                    f,
                    "DROP RETENTION POLICY {} ON {}",
                    ident(&it.name),
                    ident(&it.database)
                )
            }
            Self::CreateContinuousQuery(it) => create_continuous_query(f, it),
            Self::DropContinuousQuery(it) => {
                write!(
                    f,
                    "DROP CONTINUOUS QUERY {} ON {}",
                    ident(&it.name),
                    ident(&it.database)
                )
            }
            Self::CreateSubscription(it) => create_subscription(f, it),
            Self::DropSubscription(it) => {
                let (name, database, policy) = (ident(&it.name), ident(&it.database), ident(&it.policy));
                write!(f, "DROP SUBSCRIPTION {name} ON {database}.{policy}")
            }
            Self::CreateUser(it) => create_user(f, it),
            Self::DropUser(name) => write!(f, "DROP USER {}", ident(name)),
            Self::SetPassword(it) => write!(f, "SET PASSWORD FOR {} = [REDACTED]", ident(&it.name)),
            Self::Grant(it) => grant(f, "GRANT", it, "TO"),
            Self::GrantAdmin(user) => write!(f, "GRANT ALL PRIVILEGES TO {}", ident(user)),
            Self::Revoke(it) => grant(f, "REVOKE", it, "FROM"),
            Self::RevokeAdmin(user) => write!(f, "REVOKE ALL PRIVILEGES FROM {}", ident(user)),
            Self::KillQuery(it) => kill_query(f, it),
        }
    }
}

fn delete(f: &mut Formatter<'_>, words: &str, it: &Delete) -> fmt::Result {
    f.write_str(words)?;
    list(f, "FROM", &it.sources)?;
    condition(f, it.condition.as_ref())
}

fn create_database(f: &mut Formatter<'_>, it: &CreateDatabase) -> fmt::Result {
    write!(f, "CREATE DATABASE {}", quote_ident(&it.name))?;
    let Some(policy) = &it.policy else {
        return Ok(());
    };
    f.write_str(" WITH")?;
    if let Some(duration) = policy.duration {
        write!(f, " DURATION {}", duration.to_go_string())?;
    }
    if let Some(replication) = policy.replication {
        write!(f, " REPLICATION {replication}")?;
    }
    // `WITH SHARD DURATION 0s` says nothing else, but `WITH` alone would not parse.
    let is_bare = policy.duration.is_none() && policy.replication.is_none() && policy.name.is_none();
    if policy.shard_duration > DurationNs(0) || is_bare {
        write!(f, " SHARD DURATION {}", policy.shard_duration.to_go_string())?;
    }
    match &policy.name {
        Some(name) => write!(f, " NAME {}", quote_ident(name)),
        None => Ok(()),
    }
}

fn create_retention_policy(f: &mut Formatter<'_>, it: &CreateRetentionPolicy) -> fmt::Result {
    let (name, database) = (quote_ident(&it.name), quote_ident(&it.database));
    write!(f, "CREATE RETENTION POLICY {name} ON {database}")?;
    write!(f, " DURATION {} REPLICATION {}", it.duration, it.replication)?;
    if it.shard_duration > DurationNs(0) {
        write!(f, " SHARD DURATION {}", it.shard_duration)?;
    }
    f.write_str(if it.default { " DEFAULT" } else { "" })
}

fn alter_retention_policy(f: &mut Formatter<'_>, it: &AlterRetentionPolicy) -> fmt::Result {
    let (name, database) = (quote_ident(&it.name), quote_ident(&it.database));
    write!(f, "ALTER RETENTION POLICY {name} ON {database}")?;
    if let Some(duration) = it.duration {
        write!(f, " DURATION {duration}")?;
    }
    if let Some(replication) = it.replication {
        write!(f, " REPLICATION {replication}")?;
    }
    if let Some(shard_duration) = it.shard_duration {
        write!(f, " SHARD DURATION {shard_duration}")?;
    }
    f.write_str(if it.default { " DEFAULT" } else { "" })
}

fn create_continuous_query(f: &mut Formatter<'_>, it: &CreateContinuousQuery) -> fmt::Result {
    let (name, database) = (quote_ident(&it.name), quote_ident(&it.database));
    write!(f, "CREATE CONTINUOUS QUERY {name} ON {database} ")?;
    let zero = DurationNs(0);
    if it.resample_every > zero || it.resample_for > zero {
        f.write_str("RESAMPLE ")?;
    }
    if it.resample_every > zero {
        write!(f, "EVERY {} ", it.resample_every)?;
    }
    if it.resample_for > zero {
        write!(f, "FOR {} ", it.resample_for)?;
    }
    write!(f, "BEGIN {} END", it.select)
}

fn create_subscription(f: &mut Formatter<'_>, it: &CreateSubscription) -> fmt::Result {
    let (name, database, policy) = (
        quote_ident(&it.name),
        quote_ident(&it.database),
        quote_ident(&it.policy),
    );
    let mode = match it.mode {
        SubscriptionMode::All => "ALL",
        SubscriptionMode::Any => "ANY",
    };
    let destinations = join(&it.destinations, |destination| quote_string(destination));
    write!(
        f,
        "CREATE SUBSCRIPTION {name} ON {database}.{policy} DESTINATIONS {mode} {destinations}"
    )
}

fn create_user(f: &mut Formatter<'_>, it: &CreateUser) -> fmt::Result {
    let admin = if it.admin { " WITH ALL PRIVILEGES" } else { "" };
    write!(
        f,
        "CREATE USER {} WITH PASSWORD [REDACTED]{admin}",
        quote_ident(&it.name)
    )
}

fn grant(f: &mut Formatter<'_>, verb: &str, it: &Grant, to: &str) -> fmt::Result {
    let (database, user) = (quote_ident(&it.database), quote_ident(&it.user));
    write!(f, "{verb} {} ON {database} {to} {user}", it.privilege.text())
}

fn kill_query(f: &mut Formatter<'_>, it: &KillQuery) -> fmt::Result {
    write!(f, "KILL QUERY {}", it.id)?;
    match &it.host {
        Some(host) => write!(f, " ON {}", quote_ident(host)),
        None => Ok(()),
    }
}
