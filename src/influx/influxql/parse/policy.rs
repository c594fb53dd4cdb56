//! Databases and retention policies.

use super::super::ast::{
    AlterRetentionPolicy, CreateDatabase, CreateRetentionPolicy, DropRetentionPolicy, NewPolicy, Statement,
};
use super::super::duration::{self, DurationNs};
use super::super::error::ParseError;
use super::super::token::{Keyword, Scanned, Token};
use super::{Parsed, Parser, non_empty};

impl Parser<'_> {
    pub(super) fn create_database(&mut self) -> Parsed<Statement> {
        let name = self.ident()?;
        let policy = if self.accept_key(Keyword::With) {
            Some(self.new_policy()?)
        } else {
            None
        };
        Ok(Statement::CreateDatabase(CreateDatabase { name, policy }))
    }

    /// The parts come in this order, at least one of them.
    fn new_policy(&mut self) -> Parsed<NewPolicy> {
        let first = self.next();
        self.back();
        if !matches!(
            first.token,
            Token::Key(Keyword::Duration | Keyword::Name | Keyword::Replication | Keyword::Shard)
        ) {
            let expected = ["DURATION", "NAME", "REPLICATION", "SHARD"];
            return Err(ParseError::unexpected(&first, &expected));
        }
        let mut policy = NewPolicy::default();
        if self.accept_key(Keyword::Duration) {
            policy.duration = Some(self.duration()?);
        }
        if self.accept_key(Keyword::Replication) {
            policy.replication = Some(self.replication()?);
        }
        if self.accept_key(Keyword::Shard) {
            self.expect_key(Keyword::Duration)?;
            policy.shard_duration = self.duration()?;
        }
        if self.accept_key(Keyword::Name) {
            policy.name = non_empty(self.ident()?);
        }
        Ok(policy)
    }

    pub(super) fn create_retention_policy(&mut self) -> Parsed<Statement> {
        let (name, database) = self.name_on_database()?;
        self.expect_key(Keyword::Duration)?;
        let duration = self.duration()?;
        self.expect_key(Keyword::Replication)?;
        let replication = self.replication()?;
        let shard_duration = if self.accept_key(Keyword::Shard) {
            self.shard_duration()?
        } else {
            DurationNs(0)
        };
        let default = self.accept_key(Keyword::Default);
        Ok(Statement::CreateRetentionPolicy(CreateRetentionPolicy {
            name,
            database,
            duration,
            replication,
            shard_duration,
            default,
        }))
    }

    pub(super) fn alter_retention_policy(&mut self) -> Parsed<Statement> {
        let name = match self.next() {
            Scanned {
                token: Token::Key(Keyword::Default),
                ..
            } => "default".to_owned(),
            Scanned {
                token: Token::Ident,
                text,
                ..
            } => text,
            other => return Err(ParseError::unexpected(&other, &["identifier"])),
        };
        self.expect_key(Keyword::On)?;
        let mut altered = AlterRetentionPolicy {
            name,
            database: self.ident()?,
            duration: None,
            replication: None,
            shard_duration: None,
            default: false,
        };
        self.alterations(&mut altered)?;
        Ok(Statement::AlterRetentionPolicy(altered))
    }

    /// The changes in any order, each at most once.
    fn alterations(&mut self, altered: &mut AlterRetentionPolicy) -> Parsed<()> {
        let mut any = false;
        loop {
            let next = self.next();
            let seen = match next.token {
                Token::Key(Keyword::Duration) => altered.duration.is_some(),
                Token::Key(Keyword::Replication) => altered.replication.is_some(),
                Token::Key(Keyword::Shard) => altered.shard_duration.is_some(),
                Token::Key(Keyword::Default) => altered.default,
                _ if !any => {
                    let expected = ["DURATION", "REPLICATION", "SHARD", "DEFAULT"];
                    return Err(ParseError::unexpected(&next, &expected));
                }
                _ => {
                    self.back();
                    return Ok(());
                }
            };
            if seen {
                return Err(ParseError::at(
                    format!("found duplicate {} option", next.shown()),
                    next.at,
                ));
            }
            any = true;
            match next.token {
                Token::Key(Keyword::Duration) => altered.duration = Some(self.duration()?),
                Token::Key(Keyword::Replication) => altered.replication = Some(self.replication()?),
                Token::Key(Keyword::Shard) => altered.shard_duration = Some(self.shard_duration()?),
                _ => altered.default = true,
            }
        }
    }

    pub(super) fn drop_retention_policy(&mut self) -> Parsed<Statement> {
        let (name, database) = self.name_on_database()?;
        Ok(Statement::DropRetentionPolicy(DropRetentionPolicy { name, database }))
    }

    /// `name ON database`
    pub(super) fn name_on_database(&mut self) -> Parsed<(String, String)> {
        let name = self.ident()?;
        self.expect_key(Keyword::On)?;
        Ok((name, self.ident()?))
    }

    /// `DURATION d` after `SHARD`, where `INF` makes no sense.
    fn shard_duration(&mut self) -> Parsed<DurationNs> {
        self.expect_key(Keyword::Duration)?;
        let next = self.next();
        if next.token == Token::Key(Keyword::Inf) {
            return Err(ParseError::at("invalid duration INF for shard duration", next.at));
        }
        self.back();
        self.duration()
    }

    /// A duration; `INF` is 0.
    fn duration(&mut self) -> Parsed<DurationNs> {
        if self.accept_key(Keyword::Inf) {
            Ok(DurationNs(0))
        } else {
            self.finite_duration()
        }
    }

    pub(super) fn finite_duration(&mut self) -> Parsed<DurationNs> {
        let next = self.expect(Token::Duration, "duration")?;
        duration::parse(&next.text).map_err(|error| ParseError::at(error, next.at))
    }

    fn replication(&mut self) -> Parsed<i32> {
        let next = self.expect(Token::Integer, "integer")?;
        let Ok(value) = next.text.parse::<i64>() else {
            return Err(out_of_range("Atoi", &next));
        };
        match i32::try_from(value) {
            Ok(copies) if copies >= 1 => Ok(copies),
            _ => {
                let message = format!("invalid value {value}: must be 1 <= n <= {}", i32::MAX);
                Err(ParseError::at(message, next.at))
            }
        }
    }

    pub(super) fn unsigned(&mut self) -> Parsed<u64> {
        let next = self.expect(Token::Integer, "integer")?;
        next.text.parse().map_err(|_| out_of_range("ParseUint", &next))
    }
}

/// Go's words for a number that does not fit; a sign does not belong to an unsigned number at all.
fn out_of_range(function: &str, number: &Scanned) -> ParseError {
    let reason = match number.text.strip_prefix('-') {
        Some(_) if function == "ParseUint" => "invalid syntax",
        _ => "value out of range",
    };
    ParseError::at(
        format!("strconv.{function}: parsing {:?}: {reason}", number.text),
        number.at,
    )
}
