//! Continuous queries, subscriptions, and deleting data.

use super::super::ast::{
    Call, CreateContinuousQuery, CreateSubscription, Delete, DropContinuousQuery, DropSubscription, Expr, Measurement,
    Select, Source, Statement, SubscriptionMode,
};
use super::super::duration::DurationNs;
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::source::Into;
use super::{Parsed, Parser};

impl Parser<'_> {
    pub(super) fn create_continuous_query(&mut self) -> Parsed<Statement> {
        let (name, database) = self.name_on_database()?;
        let (every, reach) = if self.accept_key(Keyword::Resample) {
            self.resample()?
        } else {
            (DurationNs(0), DurationNs(0))
        };
        self.expect_key(Keyword::Begin)?;
        self.expect_key(Keyword::Select)?;
        let select = self.select(Into::Required)?;
        if select.has_calls() {
            self.require_interval(&select)?;
        }
        self.expect_key(Keyword::End)?;
        check_reach(&select, every, reach)?;
        Ok(Statement::CreateContinuousQuery(CreateContinuousQuery {
            name,
            database,
            resample_every: every,
            resample_for: reach,
            select: Box::new(select),
        }))
    }

    /// `[EVERY d] [FOR d]`, at least one of them.
    fn resample(&mut self) -> Parsed<(DurationNs, DurationNs)> {
        let mut optional = |keyword| {
            if self.accept_key(keyword) {
                self.finite_duration()
            } else {
                Ok(DurationNs(0))
            }
        };
        let every = optional(Keyword::Every)?;
        let reach = optional(Keyword::For)?;
        if every == DurationNs(0) && reach == DurationNs(0) {
            return Err(ParseError::unexpected(&self.next(), &["EVERY", "FOR"]));
        }
        Ok((every, reach))
    }

    /// The error shows one of the last tokens of the query; which one depends on how many are still put back.
    fn require_interval(&mut self, select: &Select) -> Parsed<()> {
        let mut expected = vec!["GROUP BY time(...)".to_owned()];
        match group_by_interval(select) {
            Ok(DurationNs(0)) => {}
            Ok(_) => return Ok(()),
            Err(why) => expected.push(why.to_owned()),
        }
        self.back();
        self.back();
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        Err(ParseError::unexpected(&self.next(), &expected))
    }

    pub(super) fn drop_continuous_query(&mut self) -> Parsed<Statement> {
        let (name, database) = self.name_on_database()?;
        Ok(Statement::DropContinuousQuery(DropContinuousQuery { name, database }))
    }

    pub(super) fn create_subscription(&mut self) -> Parsed<Statement> {
        let (name, database, policy) = self.name_on_policy()?;
        self.expect_key(Keyword::Destinations)?;
        let next = self.next();
        let mode = match next.token {
            Token::Key(Keyword::All) => SubscriptionMode::All,
            Token::Key(Keyword::Any) => SubscriptionMode::Any,
            _ => return Err(ParseError::unexpected(&next, &["ALL", "ANY"])),
        };
        Ok(Statement::CreateSubscription(CreateSubscription {
            name,
            database,
            policy,
            mode,
            destinations: self.list(Self::string)?,
        }))
    }

    pub(super) fn drop_subscription(&mut self) -> Parsed<Statement> {
        let (name, database, policy) = self.name_on_policy()?;
        Ok(Statement::DropSubscription(DropSubscription { name, database, policy }))
    }

    /// `name ON database.policy`, without blanks before the point.
    fn name_on_policy(&mut self) -> Parsed<(String, String, String)> {
        let (name, database) = self.name_on_database()?;
        let next = self.next_raw();
        if next.token != Token::Dot {
            return Err(ParseError::unexpected(&next, &["."]));
        }
        Ok((name, database, self.ident()?))
    }

    pub(super) fn delete(&mut self) -> Parsed<Statement> {
        Ok(Statement::Delete(self.sources_or_condition()?))
    }

    pub(super) fn drop_series(&mut self) -> Parsed<Statement> {
        Ok(Statement::DropSeries(self.sources_or_condition()?))
    }

    /// Measurements without database and policy, a condition, or both.
    fn sources_or_condition(&mut self) -> Parsed<Delete> {
        let first = self.next();
        self.back();
        let sources = self.optional_sources()?;
        // Of several faults InfluxDB reports the last.
        let mut faults = sources.iter().filter_map(|source| match source {
            Source::Measurement(Measurement { policy: Some(_), .. }) => Some("retention policy"),
            Source::Measurement(Measurement { database: Some(_), .. }) => Some("database"),
            _ => None,
        });
        if let Some(what) = faults.next_back() {
            return Err(ParseError::at(format!("{what} not supported"), Default::default()));
        }
        let condition = self.condition()?;
        if sources.is_empty() && condition.is_none() {
            return Err(ParseError::unexpected(&first, &["FROM", "WHERE"]));
        }
        Ok(Delete { sources, condition })
    }
}

/// The interval of `GROUP BY time(...)`; 0 when there is none.
fn group_by_interval(select: &Select) -> Result<DurationNs, &'static str> {
    let time = select.dimensions.iter().find_map(|dimension| match dimension {
        Expr::Call(Call { name, args }) if name == "time" => Some(args.as_slice()),
        _ => None,
    });
    match time {
        None => Ok(DurationNs(0)),
        Some([Expr::Duration(interval)] | [Expr::Duration(interval), _]) => Ok(*interval),
        Some([_] | [_, _]) => Err("time dimension must have duration argument"),
        Some(_) => Err("time dimension expected 1 or 2 arguments"),
    }
}

/// A query must not reach back less far than it advances.
fn check_reach(select: &Select, every: DurationNs, reach: DurationNs) -> Parsed<()> {
    let interval = group_by_interval(select).map_err(ParseError::new)?;
    let least = interval.max(every);
    if reach == DurationNs(0) || least <= reach {
        return Ok(());
    }
    Err(ParseError::new(format!(
        "FOR duration must be >= GROUP BY time duration: must be a minimum of {least}, got {reach}"
    )))
}
