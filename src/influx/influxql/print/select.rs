//! `SELECT` to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    Explain, Field, Fill, FillNumber, Measurement, MeasurementName, Page, Select, Sort, Source, Target,
};
use super::{condition, count, join, list, quote_ident, quote_string};

impl Display for Select {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "SELECT {}", join(&self.fields, Field::to_string))?;
        if let Some(target) = &self.target {
            write!(f, " INTO {target}")?;
        }
        list(f, "FROM", &self.sources)?;
        condition(f, self.condition.as_ref())?;
        list(f, "GROUP BY", &self.dimensions)?;
        fill(f, self.fill)?;
        order(f, self.order)?;
        page(f, self.rows)?;
        count(f, "SLIMIT", self.series.limit)?;
        count(f, "SOFFSET", self.series.offset)?;
        match &self.time_zone {
            Some(name) => write!(f, " TZ({})", quote_string(name)),
            None => Ok(()),
        }
    }
}

impl Display for Explain {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let analyze = if self.analyze { "ANALYZE " } else { "" };
        write!(f, "EXPLAIN {analyze}{}", self.select)
    }
}

impl Display for Field {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.expr.fmt(f)?;
        match &self.alias {
            Some(alias) => write!(f, " AS {}", quote_ident(alias)),
            None => Ok(()),
        }
    }
}

impl Display for Source {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measurement(measurement) => measurement.fmt(f),
            Self::Subquery(select) => write!(f, "({select})"),
        }
    }
}

impl Display for Measurement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        qualifiers(f, self.database.as_deref(), self.policy.as_deref())?;
        self.name.fmt(f)
    }
}

impl Display for MeasurementName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) if name.is_empty() => Ok(()),
            Self::Name(name) => f.write_str(&quote_ident(name)),
            Self::Regex(pattern) => pattern.fmt(f),
        }
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        qualifiers(f, self.database.as_deref(), self.policy.as_deref())?;
        f.write_str(&self.name.as_deref().map_or(":MEASUREMENT".to_owned(), quote_ident))
    }
}

/// `database.policy.`, `database..`, `policy.` or nothing.
fn qualifiers(f: &mut Formatter<'_>, database: Option<&str>, policy: Option<&str>) -> fmt::Result {
    if let Some(database) = database {
        write!(f, "{}.", quote_ident(database))?;
    }
    if let Some(policy) = policy {
        f.write_str(&quote_ident(policy))?;
    }
    if database.is_some() || policy.is_some() {
        f.write_str(".")?;
    }
    Ok(())
}

fn fill(f: &mut Formatter<'_>, fill: Fill) -> fmt::Result {
    match fill {
        Fill::Null => Ok(()),
        Fill::None => f.write_str(" fill(none)"),
        Fill::Previous => f.write_str(" fill(previous)"),
        Fill::Linear => f.write_str(" fill(linear)"),
        Fill::Number(FillNumber::Integer(value)) => write!(f, " fill({value})"),
        Fill::Number(FillNumber::Float(value)) => {
            let text = super::go_float(value);
            let point = if text.contains('.') { "" } else { ".0" };
            write!(f, " fill({text}{point})")
        }
    }
}

/// ` ORDER BY ...`, if there is one.
pub(super) fn order(f: &mut Formatter<'_>, order: Option<Sort>) -> fmt::Result {
    let Some(order) = order else {
        return Ok(());
    };
    let name = if order.named { "time " } else { "" };
    let direction = if order.ascending { "ASC" } else { "DESC" };
    write!(f, " ORDER BY {name}{direction}")
}

/// ` LIMIT n OFFSET n`, what there is of it.
pub(super) fn page(f: &mut Formatter<'_>, page: Page) -> fmt::Result {
    count(f, "LIMIT", page.limit)?;
    count(f, "OFFSET", page.offset)
}
