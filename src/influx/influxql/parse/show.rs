//! `SHOW`.

use super::super::ast::{
    Counted, KeyMatch, Op, Show, ShowCardinality, ShowFieldKeys, ShowFilter, ShowMeasurements, ShowSeries, ShowTagKeys,
    ShowTagValues, Statement,
};
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::{Parsed, Parser, non_empty};

impl Parser<'_> {
    /// `[FOR 'module']`
    pub(super) fn module(&mut self) -> Parsed<Option<String>> {
        if self.accept_key(Keyword::For) {
            self.string().map(non_empty)
        } else {
            Ok(None)
        }
    }

    /// `[ON database]`
    pub(super) fn on_database(&mut self) -> Parsed<Option<String>> {
        if self.accept_key(Keyword::On) {
            self.ident().map(non_empty)
        } else {
            Ok(None)
        }
    }

    pub(super) fn show_field_keys(&mut self) -> Parsed<Statement> {
        Ok(Statement::Show(Show::FieldKeys(ShowFieldKeys {
            database: self.on_database()?,
            sources: self.optional_sources()?,
            order: self.order()?,
            page: self.page()?,
        })))
    }

    pub(super) fn show_measurements(&mut self) -> Parsed<Statement> {
        let database = self.on_database()?;
        let with = if self.accept_key(Keyword::With) {
            self.expect_key(Keyword::Measurement)?;
            let next = self.next();
            if !matches!(next.token, Token::Op(Op::Eq | Op::EqRegex)) {
                return Err(ParseError::unexpected(&next, &["=", "=~"]));
            }
            Some(self.measurement()?)
        } else {
            None
        };
        Ok(Statement::Show(Show::Measurements(ShowMeasurements {
            database,
            with,
            condition: self.condition()?,
            order: self.order()?,
            page: self.page()?,
        })))
    }

    pub(super) fn show_series(&mut self) -> Parsed<Statement> {
        let exact = self.accept_key(Keyword::Exact);
        if self.accept_key(Keyword::Cardinality) {
            return self.show_cardinality(Counted::Series, exact);
        }
        Ok(Statement::Show(Show::Series(ShowSeries {
            filter: self.show_filter()?,
            order: self.order()?,
            page: self.page()?,
        })))
    }

    pub(super) fn show_tag_keys(&mut self) -> Parsed<Statement> {
        let database = self.on_database()?;
        let sources = self.optional_sources()?;
        let has_key = self.accept_key(Keyword::With);
        let key = if has_key {
            self.back();
            Some(self.key_match()?)
        } else {
            None
        };
        let condition = self.condition()?;
        Ok(Statement::Show(Show::TagKeys(ShowTagKeys {
            filter: ShowFilter {
                database,
                sources,
                condition,
            },
            key,
            order: self.order()?,
            page: self.page()?,
            series: self.series_page()?,
        })))
    }

    pub(super) fn show_tag_values(&mut self) -> Parsed<Statement> {
        let exact = self.accept_key(Keyword::Exact);
        if exact {
            self.expect_key(Keyword::Cardinality)?;
        }
        if exact || self.accept_key(Keyword::Cardinality) {
            return self.show_tag_values_cardinality(exact);
        }
        let (filter, key) = self.key_filter()?;
        Ok(Statement::Show(Show::TagValues(ShowTagValues {
            filter,
            key,
            order: self.order()?,
            page: self.page()?,
        })))
    }

    fn show_tag_values_cardinality(&mut self, exact: bool) -> Parsed<Statement> {
        let (filter, key) = self.key_filter()?;
        self.cardinality(Counted::TagValues(key), exact, filter)
    }

    /// What follows `SHOW MEASUREMENT EXACT`.
    pub(super) fn show_exact_measurement_cardinality(&mut self) -> Parsed<Statement> {
        self.expect_key(Keyword::Cardinality)?;
        self.show_cardinality(Counted::Measurements, true)
    }

    /// What follows `SHOW TAG KEY` and `SHOW FIELD KEY`.
    pub(super) fn show_key_cardinality(&mut self, counted: Counted) -> Parsed<Statement> {
        let exact = self.accept_key(Keyword::Exact);
        let expected: &[&str] = if exact {
            &["CARDINALITY"]
        } else {
            &["EXACT", "CARDINALITY"]
        };
        let next = self.next();
        if next.token != Token::Key(Keyword::Cardinality) {
            return Err(ParseError::unexpected(&next, expected));
        }
        self.show_cardinality(counted, exact)
    }

    /// What follows `CARDINALITY`.
    pub(super) fn show_cardinality(&mut self, counted: Counted, exact: bool) -> Parsed<Statement> {
        let filter = self.show_filter()?;
        self.cardinality(counted, exact, filter)
    }

    fn cardinality(&mut self, counted: Counted, exact: bool, filter: ShowFilter) -> Parsed<Statement> {
        Ok(Statement::Show(Show::Cardinality(ShowCardinality {
            counted,
            exact,
            filter,
            dimensions: self.dimensions()?,
            page: self.page()?,
        })))
    }

    fn show_filter(&mut self) -> Parsed<ShowFilter> {
        Ok(ShowFilter {
            database: self.on_database()?,
            sources: self.optional_sources()?,
            condition: self.condition()?,
        })
    }

    /// A filter with `WITH KEY ...` before its condition.
    fn key_filter(&mut self) -> Parsed<(ShowFilter, KeyMatch)> {
        let database = self.on_database()?;
        let sources = self.optional_sources()?;
        let key = self.key_match()?;
        let condition = self.condition()?;
        Ok((
            ShowFilter {
                database,
                sources,
                condition,
            },
            key,
        ))
    }

    fn key_match(&mut self) -> Parsed<KeyMatch> {
        self.expect_key(Keyword::With)?;
        self.expect_key(Keyword::Key)?;
        let next = self.next();
        match next.token {
            Token::Key(Keyword::In) => {
                self.expect(Token::OpenParen, "(")?;
                let keys = self.list(Self::ident)?;
                self.expect(Token::CloseParen, ")")?;
                Ok(KeyMatch::In(keys))
            }
            Token::Op(Op::Eq) => self.ident().map(KeyMatch::Is),
            Token::Op(Op::Neq) => self.ident().map(KeyMatch::IsNot),
            Token::Op(Op::EqRegex) => self.required_regex().map(KeyMatch::Matches),
            Token::Op(Op::NeqRegex) => self.required_regex().map(KeyMatch::MatchesNot),
            _ => Err(ParseError::unexpected(&next, &["IN", "=", "=~"])),
        }
    }
}
