//! From a parsed query to one that names what there is: measurements found, wildcards replaced, references typed.
//!
//! The rules are those of InfluxDB's `RewriteFields`. A reference gets its type as if it were written with `::type`;
//! one without stays unknown, because nothing has that name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cast::data_type;
use super::env::Context;
use super::error::QueryError;
use super::types;
use super::wildcard;
use crate::influx::influxql::ast::{Call, DataType, Expr, Measurement, MeasurementName, Select, Source};
use crate::influx::influxql::reduce::{Scope, reduce};
use crate::query::source::{FieldType, Place, SeriesSource};

/// One query with its sources known.
#[derive(Debug)]
pub(super) struct Resolved {
    /// The query without wildcards and without `time` among its fields. Its sources are not to be looked at.
    pub(super) select: Select,
    /// What it reads.
    pub(super) sources: Vec<Input>,
    /// The name of the first column.
    pub(super) time_name: String,
}

/// Something that is read.
#[derive(Debug)]
pub(super) enum Input {
    /// A measurement that exists.
    Table(Table),
    /// A subquery.
    Nested(Box<Resolved>),
}

/// A measurement with its schema.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) db: String,
    pub(super) policy: String,
    pub(super) name: Arc<str>,
    pub(super) fields: BTreeMap<Arc<str>, FieldType>,
    pub(super) tags: BTreeSet<Arc<str>>,
}

impl Table {
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            db: &self.db,
            policy: &self.policy,
            measurement: &self.name,
        }
    }
}

/// Fields with their types, and tag keys.
#[derive(Debug, Default)]
pub(super) struct Schema {
    pub(super) fields: BTreeMap<String, Option<DataType>>,
    pub(super) tags: BTreeSet<String>,
}

impl Input {
    /// The type of a name; `None`: there is no such thing.
    pub(super) fn kind(&self, name: &str) -> Result<Option<DataType>, QueryError> {
        match self {
            Self::Table(table) => {
                let field = table.fields.get(name).map(|field| data_type(*field));
                Ok(field.or_else(|| table.tags.contains(name).then_some(DataType::Tag)))
            }
            Self::Nested(query) => {
                let mut kind = None;
                for field in query.select.fields.iter().filter(|field| field.name() == name) {
                    kind = types::stronger(kind, types::of(&field.expr)?);
                }
                let is_tag = || query.dimensions().any(|dimension| dimension == name);
                Ok(kind.or_else(|| is_tag().then_some(DataType::Tag)))
            }
        }
    }

    /// Adds what a wildcard stands for.
    pub(super) fn add_schema(&self, schema: &mut Schema) -> Result<(), QueryError> {
        let mut add = |name: &str, kind: Option<DataType>| {
            let known = schema.fields.entry(name.to_owned()).or_default();
            *known = types::stronger(*known, kind);
        };
        match self {
            Self::Table(table) => {
                table
                    .fields
                    .iter()
                    .for_each(|(name, field)| add(name, Some(data_type(*field))));
                schema.tags.extend(table.tags.iter().map(|tag| tag.as_ref().to_owned()));
            }
            Self::Nested(query) => {
                for field in &query.select.fields {
                    add(&field.name(), types::of(&field.expr)?);
                }
                schema.tags.extend(query.dimensions().map(str::to_owned));
            }
        }
        Ok(())
    }
}

impl Resolved {
    /// The tags of `GROUP BY`.
    pub(super) fn dimensions(&self) -> impl Iterator<Item = &str> {
        self.select.dimensions.iter().filter_map(|dimension| match dimension {
            Expr::Ref(reference) => Some(reference.name.as_str()),
            _ => None,
        })
    }
}

/// Finds what a query reads, and types it.
///
/// # Errors
/// When a database or policy does not exist, or types do not go together.
pub(super) fn resolve(
    source: &dyn SeriesSource,
    select: &Select,
    context: &Context<'_>,
) -> Result<Resolved, QueryError> {
    let mut sources = Vec::new();
    for from in &select.sources {
        match from {
            Source::Measurement(measurement) => tables(source, measurement, context, &mut sources)?,
            Source::Subquery(inner) => sources.push(Input::Nested(Box::new(resolve(source, inner, context)?))),
        }
    }
    let (mut select, time_name) = without_time(select);
    wildcard::expand(&mut select, &sources)?;
    for field in &mut select.fields {
        field.expr = typed(&field.expr, &sources)?;
    }
    for field in &select.fields {
        types::of(&field.expr)?;
    }
    Ok(Resolved {
        select,
        sources,
        time_name,
    })
}

/// The expression with the type of each reference.
pub(super) fn typed(expr: &Expr, sources: &[Input]) -> Result<Expr, QueryError> {
    Ok(match expr {
        Expr::Ref(reference) => {
            let mut reference = reference.clone();
            if matches!(reference.cast, None | Some(DataType::AnyField)) {
                let mut kind = None;
                for source in sources {
                    kind = types::stronger(kind, source.kind(&reference.name)?);
                }
                // A tag is no field.
                if !(reference.cast == Some(DataType::AnyField) && kind == Some(DataType::Tag)) {
                    reference.cast = kind;
                }
            }
            Expr::Ref(reference)
        }
        Expr::Paren(inner) => Expr::Paren(Box::new(typed(inner, sources)?)),
        Expr::Binary(chain) => Expr::Binary(chain.try_map(|operand| typed(operand, sources))?),
        Expr::Call(call) => {
            let args = call
                .args
                .iter()
                .map(|arg| typed(arg, sources))
                .collect::<Result<_, _>>()?;
            let name = call.name.clone();
            Expr::Call(Call { name, args })
        }
        other => other.clone(),
    })
}

/// The query with constants folded and `DISTINCT x` as a call, and the name under which time is shown, which is always
/// the first column.
fn without_time(select: &Select) -> (Select, String) {
    let mut select = select.clone();
    let mut time_name = None;
    select.fields.retain_mut(|field| {
        let is_time = matches!(&field.expr, Expr::Ref(reference) if reference.name == "time");
        if is_time {
            time_name = field.alias.take().or(time_name.take());
        }
        !is_time
    });
    for field in &mut select.fields {
        field.expr = with_distinct_calls(&reduce(&field.expr, &Scope::math()));
    }
    (select, time_name.unwrap_or_else(|| "time".to_owned()))
}

fn with_distinct_calls(expr: &Expr) -> Expr {
    let call = |name: &str, args| {
        Expr::Call(Call {
            name: name.to_owned(),
            args,
        })
    };
    match expr {
        Expr::Distinct(name) => call("distinct", vec![Expr::name(name)]),
        Expr::Call(inner) => call(&inner.name, inner.args.iter().map(with_distinct_calls).collect()),
        Expr::Paren(inner) => Expr::Paren(Box::new(with_distinct_calls(inner))),
        Expr::Binary(chain) => {
            let changed = chain.try_map(|operand| Ok::<_, std::convert::Infallible>(with_distinct_calls(operand)));
            match changed {
                Ok(chain) => Expr::Binary(chain),
            }
        }
        other => other.clone(),
    }
}

/// The measurements that a source stands for; those without points are left out.
fn tables(
    source: &dyn SeriesSource,
    measurement: &Measurement,
    context: &Context<'_>,
    found: &mut Vec<Input>,
) -> Result<(), QueryError> {
    let db = measurement.database.as_deref().unwrap_or(context.db);
    if db.is_empty() {
        return Err(QueryError::DatabaseNameRequired);
    }
    let policies = source
        .policies(db)
        .ok_or_else(|| QueryError::DatabaseNotFound(db.to_owned()))?;
    let inherited = (measurement.database.is_none() && !context.policy.is_empty()).then_some(context.policy);
    let policy = match measurement.policy.as_deref().or(inherited) {
        Some(policy) => policy.to_owned(),
        None => source
            .default_policy(db)
            .ok_or_else(|| QueryError::NoDefaultPolicy(db.to_owned()))?,
    };
    if !policies.iter().any(|known| known.name == policy) {
        return Err(QueryError::PolicyNotFound(policy));
    }
    let names: Vec<Arc<str>> = match &measurement.name {
        MeasurementName::Name(name) => vec![name.as_str().into()],
        MeasurementName::Regex(pattern) => {
            let regex = pattern.compile()?;
            let all = source.measurements(db).into_iter();
            all.filter(|name| regex.is_match(name)).collect()
        }
    };
    for name in names {
        let place = Place {
            db,
            policy: &policy,
            measurement: &name,
        };
        let fields: BTreeMap<_, _> = source.fields(place).into_iter().collect();
        if !fields.is_empty() {
            found.push(Input::Table(Table {
                db: db.to_owned(),
                policy: policy.clone(),
                tags: source.tag_keys(db, &name).into_iter().collect(),
                name,
                fields,
            }));
        }
    }
    Ok(())
}
