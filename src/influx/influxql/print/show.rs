//! `SHOW` to text.

use std::fmt::{self, Display, Formatter};

use super::super::ast::{
    Counted, KeyMatch, MeasurementName, Show, ShowCardinality, ShowFieldKeys, ShowMeasurements, ShowSeries,
    ShowTagKeys, ShowTagValues,
};
use super::select::{order, page};
use super::{condition, count, join, list, on, quote_ident, quote_string};

impl Display for Show {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContinuousQueries => f.write_str("SHOW CONTINUOUS QUERIES"),
            Self::Databases => f.write_str("SHOW DATABASES"),
            Self::Diagnostics(module) => for_module(f, "SHOW DIAGNOSTICS", module.as_deref()),
            Self::Cardinality(show) => show.fmt(f),
            Self::FieldKeys(show) => show.fmt(f),
            Self::GrantsFor(user) => write!(f, "SHOW GRANTS FOR {}", quote_ident(user)),
            Self::Measurements(show) => show.fmt(f),
            Self::Queries => f.write_str("SHOW QUERIES"),
            Self::RetentionPolicies(database) => {
                f.write_str("SHOW RETENTION POLICIES")?;
                on(f, database.as_deref())
            }
            Self::Series(show) => show.fmt(f),
            Self::ShardGroups => f.write_str("SHOW SHARD GROUPS"),
            Self::Shards => f.write_str("SHOW SHARDS"),
            Self::Stats(module) => for_module(f, "SHOW STATS", module.as_deref()),
            Self::Subscriptions => f.write_str("SHOW SUBSCRIPTIONS"),
            Self::TagKeys(show) => show.fmt(f),
            Self::TagValues(show) => show.fmt(f),
            Self::Users => f.write_str("SHOW USERS"),
        }
    }
}

fn for_module(f: &mut Formatter<'_>, words: &str, module: Option<&str>) -> fmt::Result {
    f.write_str(words)?;
    match module {
        Some(module) => write!(f, " FOR {}", quote_string(module)),
        None => Ok(()),
    }
}

impl Display for ShowCardinality {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let what = match &self.counted {
            Counted::Series => "SERIES",
            Counted::Measurements => "MEASUREMENT",
            Counted::TagKeys => "TAG KEY",
            Counted::TagValues(_) => "TAG VALUES",
            Counted::FieldKeys => "FIELD KEY",
        };
        let exact = if self.exact { " EXACT" } else { "" };
        write!(f, "SHOW {what}{exact} CARDINALITY")?;
        on(f, self.filter.database.as_deref())?;
        list(f, "FROM", &self.filter.sources)?;
        if let Counted::TagValues(key) = &self.counted {
            write!(f, " WITH KEY {key}")?;
        }
        condition(f, self.filter.condition.as_ref())?;
        list(f, "GROUP BY", &self.dimensions)?;
        page(f, self.page)
    }
}

impl Display for KeyMatch {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Is(key) => write!(f, "= {}", quote_ident(key)),
            Self::IsNot(key) => write!(f, "!= {}", quote_ident(key)),
            Self::Matches(pattern) => write!(f, "=~ {pattern}"),
            Self::MatchesNot(pattern) => write!(f, "!~ {pattern}"),
            Self::In(keys) => write!(f, "IN ({})", join(keys, |key| quote_ident(key))),
        }
    }
}

impl Display for ShowFieldKeys {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW FIELD KEYS")?;
        on(f, self.database.as_deref())?;
        list(f, "FROM", &self.sources)?;
        order(f, self.order)?;
        page(f, self.page)
    }
}

impl Display for ShowMeasurements {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW MEASUREMENTS")?;
        on(f, self.database.as_deref())?;
        if let Some(with) = &self.with {
            let op = match with.name {
                MeasurementName::Name(_) => "=",
                MeasurementName::Regex(_) => "=~",
            };
            write!(f, " WITH MEASUREMENT {op} {with}")?;
        }
        condition(f, self.condition.as_ref())?;
        order(f, self.order)?;
        page(f, self.page)
    }
}

impl Display for ShowSeries {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW SERIES")?;
        on(f, self.filter.database.as_deref())?;
        list(f, "FROM", &self.filter.sources)?;
        condition(f, self.filter.condition.as_ref())?;
        order(f, self.order)?;
        page(f, self.page)
    }
}

impl Display for ShowTagKeys {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW TAG KEYS")?;
        on(f, self.filter.database.as_deref())?;
        list(f, "FROM", &self.filter.sources)?;
        if let Some(key) = &self.key {
            write!(f, " WITH KEY {key}")?;
        }
        condition(f, self.filter.condition.as_ref())?;
        order(f, self.order)?;
        page(f, self.page)?;
        count(f, "SLIMIT", self.series.limit)?;
        count(f, "SOFFSET", self.series.offset)
    }
}

impl Display for ShowTagValues {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("SHOW TAG VALUES")?;
        on(f, self.filter.database.as_deref())?;
        list(f, "FROM", &self.filter.sources)?;
        write!(f, " WITH KEY {}", self.key)?;
        condition(f, self.filter.condition.as_ref())?;
        order(f, self.order)?;
        page(f, self.page)
    }
}
