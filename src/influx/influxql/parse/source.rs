//! What a statement reads and where it writes.

use super::super::ast::{Measurement, MeasurementName, Pattern, Source, Target};
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::{Parsed, Parser, non_empty};

/// Whether `INTO` must be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Into {
    Optional,
    Required,
}

impl Parser<'_> {
    /// `FROM a, b, ...`, if it is there.
    pub(super) fn optional_sources(&mut self) -> Parsed<Vec<Source>> {
        if self.accept_key(Keyword::From) {
            self.measurements()
        } else {
            Ok(Vec::new())
        }
    }

    /// Measurements without subqueries.
    pub(super) fn measurements(&mut self) -> Parsed<Vec<Source>> {
        self.list(|p| p.measurement().map(Source::Measurement))
    }

    /// Measurements and subqueries.
    pub(super) fn sources(&mut self) -> Parsed<Vec<Source>> {
        self.list(Self::source)
    }

    fn source(&mut self) -> Parsed<Source> {
        if let Some(pattern) = self.regex()? {
            return Ok(Source::Measurement(matching(pattern, Vec::new())));
        }
        if !self.accept(Token::OpenParen) {
            return self.named_measurement().map(Source::Measurement);
        }
        self.nested(|p| {
            p.expect_key(Keyword::Select)?;
            let select = p.select(Into::Optional)?;
            p.expect(Token::CloseParen, ")")?;
            Ok(Source::Subquery(Box::new(select)))
        })
    }

    pub(super) fn measurement(&mut self) -> Parsed<Measurement> {
        match self.regex()? {
            Some(pattern) => Ok(matching(pattern, Vec::new())),
            None => self.named_measurement(),
        }
    }

    /// `m`, `rp.m`, `db.rp.m`, `db..m`, or with a regular expression in place of the measurement.
    fn named_measurement(&mut self) -> Parsed<Measurement> {
        let mut names = self.segments()?;
        if names.len() < 3
            && let Some(pattern) = self.regex()?
        {
            return Ok(matching(pattern, names));
        }
        let name = MeasurementName::Name(names.pop().unwrap_or_default());
        Ok(qualified(name, names))
    }

    pub(super) fn target(&mut self, into: Into) -> Parsed<Option<Target>> {
        let next = self.next();
        if next.token != Token::Key(Keyword::Into) {
            if into == Into::Required {
                return Err(ParseError::unexpected(&next, &["INTO"]));
            }
            self.back();
            return Ok(None);
        }
        let mut names = self.segments()?;
        if names.len() < 3 && self.lexer.peek() == ':' {
            self.expect(Token::Colon, ":")?;
            self.expect_key(Keyword::Measurement)?;
            names.push(String::new());
        }
        let name = names.pop().and_then(non_empty);
        let policy = names.pop().and_then(non_empty);
        let database = names.pop().and_then(non_empty);
        Ok(Some(Target { database, policy, name }))
    }
}

fn matching(pattern: Pattern, qualifiers: Vec<String>) -> Measurement {
    qualified(MeasurementName::Regex(pattern), qualifiers)
}

fn qualified(name: MeasurementName, mut qualifiers: Vec<String>) -> Measurement {
    let policy = qualifiers.pop().and_then(non_empty);
    let database = qualifiers.pop().and_then(non_empty);
    Measurement { database, policy, name }
}
