//! Users, privileges, running queries.

use std::fmt;

/// A password in plain text, which neither `Debug` nor printing a statement reveals.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// What a user may do with a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Privilege {
    /// `READ`
    Read,
    /// `WRITE`
    Write,
    /// `ALL [PRIVILEGES]`
    All,
}

impl Privilege {
    /// The privilege as it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Read => "READ",
            Self::Write => "WRITE",
            Self::All => "ALL PRIVILEGES",
        }
    }
}

/// `CREATE USER name WITH PASSWORD 'password' [WITH ALL PRIVILEGES]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateUser {
    /// The user.
    pub name: String,
    /// The password.
    pub password: Password,
    /// Whether the user is an administrator.
    pub admin: bool,
}

/// `SET PASSWORD FOR name = 'password'`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPassword {
    /// The user.
    pub name: String,
    /// The new password.
    pub password: Password,
}

/// `GRANT privilege ON database TO user`, and its `REVOKE ... FROM`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is granted or revoked.
    pub privilege: Privilege,
    /// On which database.
    pub database: String,
    /// To or from whom.
    pub user: String,
}

/// `KILL QUERY id [ON "host"]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KillQuery {
    /// The query, as `SHOW QUERIES` numbers it.
    pub id: u64,
    /// The server that runs it, in a cluster.
    pub host: Option<String>,
}
