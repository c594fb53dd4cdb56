//! `SELECT`, `EXPLAIN`, and the clauses that other statements share with them.

use jiff::tz::TimeZone;

use super::super::ast::{Call, Explain, Expr, Field, Fill, FillNumber, Op, Page, Select, Sort, Statement};
use super::super::error::ParseError;
use super::super::token::{Keyword, Token};
use super::source::Into;
use super::{Parsed, Parser};

const ONLY_TIME: &str = "only ORDER BY time supported at this time";

impl Parser<'_> {
    pub(super) fn select_statement(&mut self) -> Parsed<Statement> {
        Ok(Statement::Select(Box::new(self.select(Into::Optional)?)))
    }

    pub(super) fn explain(&mut self) -> Parsed<Statement> {
        let analyze = self.accept_key(Keyword::Analyze);
        self.expect_key(Keyword::Select)?;
        let select = Box::new(self.select(Into::Optional)?);
        Ok(Statement::Explain(Explain { analyze, select }))
    }

    /// What follows `SELECT`.
    pub(super) fn select(&mut self, into: Into) -> Parsed<Select> {
        let fields = self.fields()?;
        let target = self.target(into)?;
        self.expect_key(Keyword::From)?;
        Ok(Select {
            fields,
            target,
            sources: self.sources()?,
            condition: self.condition()?,
            dimensions: self.dimensions()?,
            fill: self.fill()?,
            order: self.order()?,
            rows: self.page()?,
            series: self.series_page()?,
            time_zone: self.time_zone()?,
        })
    }

    fn fields(&mut self) -> Parsed<Vec<Field>> {
        let mut fields = vec![self.field()?];
        while self.comma_at_once() {
            fields.push(self.field()?);
        }
        Ok(fields)
    }

    /// A comma without blanks before it, which whoever came before has skipped.
    fn comma_at_once(&mut self) -> bool {
        let found = self.next_raw().token == Token::Comma;
        if !found {
            self.back();
        }
        found
    }

    fn field(&mut self) -> Parsed<Field> {
        let expr = match self.regex()? {
            Some(pattern) => Expr::Regex(pattern),
            None => {
                let at = self.next().at;
                self.back();
                let expr = self.expr()?;
                if let Some(op) = condition_op(&expr) {
                    let op = op.text();
                    return Err(ParseError::new(format!(
                        "invalid operator {op} in SELECT clause at {at}; operator is intended for WHERE clause"
                    )));
                }
                expr
            }
        };
        let alias = if self.accept_key(Keyword::As) {
            super::non_empty(self.ident()?)
        } else {
            None
        };
        self.skip_space();
        Ok(Field { expr, alias })
    }

    pub(super) fn condition(&mut self) -> Parsed<Option<Expr>> {
        if self.accept_key(Keyword::Where) {
            self.expr().map(Some)
        } else {
            Ok(None)
        }
    }

    pub(super) fn dimensions(&mut self) -> Parsed<Vec<Expr>> {
        if !self.accept_key(Keyword::Group) {
            return Ok(Vec::new());
        }
        self.expect_key(Keyword::By)?;
        let mut dimensions = vec![self.dimension()?];
        while self.comma_at_once() {
            dimensions.push(self.dimension()?);
        }
        Ok(dimensions)
    }

    fn dimension(&mut self) -> Parsed<Expr> {
        if let Some(pattern) = self.regex()? {
            return Ok(Expr::Regex(pattern));
        }
        let expr = self.expr()?;
        self.skip_space();
        Ok(expr)
    }

    /// The arguments of a clause that looks like a call of `name`, if it is there.
    fn clause_call(&mut self, name: &str) -> Parsed<Option<Vec<Expr>>> {
        let next = self.next();
        self.back();
        if next.token != Token::Ident || !next.text.eq_ignore_ascii_case(name) {
            return Ok(None);
        }
        match self.expr()? {
            Expr::Call(Call { args, .. }) => Ok(Some(args)),
            _ => Err(ParseError::new(format!("{name} must be a function call"))),
        }
    }

    fn fill(&mut self) -> Parsed<Fill> {
        let Some(args) = self.clause_call("fill")? else {
            return Ok(Fill::Null);
        };
        let [arg] = args.as_slice() else {
            let message = "fill requires an argument, e.g.: 0, null, none, previous, linear";
            return Err(ParseError::new(message));
        };
        match (arg.to_string().as_str(), arg) {
            ("null", _) => Ok(Fill::Null),
            ("none", _) => Ok(Fill::None),
            ("previous", _) => Ok(Fill::Previous),
            ("linear", _) => Ok(Fill::Linear),
            (_, Expr::Integer(value)) => Ok(Fill::Number(FillNumber::Integer(*value))),
            (_, Expr::Number(value)) => Ok(Fill::Number(FillNumber::of(*value))),
            _ => Err(ParseError::new("expected number argument in fill()")),
        }
    }

    fn time_zone(&mut self) -> Parsed<Option<String>> {
        let Some(args) = self.clause_call("tz")? else {
            return Ok(None);
        };
        match args.as_slice() {
            [Expr::String(name)] if name.is_empty() => Ok(Some("UTC".to_owned())),
            [Expr::String(name)] if is_time_zone(name) => Ok(Some(name.clone())),
            [Expr::String(name)] => Err(ParseError::new(format!("unable to find time zone {name}"))),
            [_] => Err(ParseError::new("expected string argument in tz()")),
            _ => Err(ParseError::new("tz requires exactly one argument")),
        }
    }

    pub(super) fn order(&mut self) -> Parsed<Option<Sort>> {
        if !self.accept_key(Keyword::Order) {
            return Ok(None);
        }
        self.expect_key(Keyword::By)?;
        let next = self.next();
        let sort = match next.token {
            Token::Key(Keyword::Asc) => Sort {
                named: false,
                ascending: true,
            },
            Token::Key(Keyword::Desc) => Sort {
                named: false,
                ascending: false,
            },
            Token::Ident => {
                let ascending = self.direction();
                if next.text != "time" {
                    return Err(ParseError::new(ONLY_TIME));
                }
                Sort { named: true, ascending }
            }
            _ => return Err(ParseError::unexpected(&next, &["identifier", "ASC", "DESC"])),
        };
        let mut more = false;
        while self.accept(Token::Comma) {
            self.ident()?;
            self.direction();
            more = true;
        }
        if more {
            Err(ParseError::new(ONLY_TIME))
        } else {
            Ok(Some(sort))
        }
    }

    /// Whether `ASC`, `DESC` or nothing stands here means ascending.
    fn direction(&mut self) -> bool {
        !self.accept_key(Keyword::Desc) && {
            self.accept_key(Keyword::Asc);
            true
        }
    }

    /// `[LIMIT n] [OFFSET n]`
    pub(super) fn page(&mut self) -> Parsed<Page> {
        let limit = self.optional_count(Keyword::Limit)?;
        let offset = self.optional_count(Keyword::Offset)?;
        Ok(Page { limit, offset })
    }

    /// `[SLIMIT n] [SOFFSET n]`
    pub(super) fn series_page(&mut self) -> Parsed<Page> {
        let limit = self.optional_count(Keyword::Slimit)?;
        let offset = self.optional_count(Keyword::Soffset)?;
        Ok(Page { limit, offset })
    }

    /// A number beyond `i64` counts as the greatest one.
    fn optional_count(&mut self, keyword: Keyword) -> Parsed<u64> {
        if !self.accept_key(keyword) {
            return Ok(0);
        }
        let next = self.expect(Token::Integer, "integer")?;
        if next.text.starts_with('-') {
            return Err(ParseError::at(format!("{} must be >= 0", keyword.text()), next.at));
        }
        let greatest = i64::MAX.unsigned_abs();
        Ok(next.text.parse::<u64>().map_or(greatest, |count| count.min(greatest)))
    }
}

impl FillNumber {
    /// A number without fraction is kept as an integer, which fills any field with the same value.
    fn of(value: f64) -> Self {
        const EXACT: f64 = 9_007_199_254_740_992.0;
        if value.fract() == 0.0 && value.abs() <= EXACT {
            #[expect(clippy::cast_possible_truncation, reason = "integral and at most 2^53")]
            return Self::Integer(value as i64);
        }
        Self::Float(value)
    }
}

/// An operator in `expr` that belongs to a condition: the outermost, and of several such the rightmost.
fn condition_op(expr: &Expr) -> Option<Op> {
    match expr {
        Expr::Binary(chain) => {
            for (op, operand) in chain.rest().iter().rev() {
                if op.is_condition() {
                    return Some(*op);
                }
                if let Some(inner) = condition_op(operand) {
                    return Some(inner);
                }
            }
            condition_op(chain.first())
        }
        Expr::Paren(inner) => condition_op(inner),
        Expr::Call(call) => call.args.iter().filter_map(condition_op).next_back(),
        _ => None,
    }
}

/// Whether the name is in the time zone database, spelled exactly so.
fn is_time_zone(name: &str) -> bool {
    if matches!(name, "UTC" | "Local") {
        return true;
    }
    TimeZone::get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}
