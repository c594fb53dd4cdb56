//! Walks over expressions, sources and statements.

use std::collections::HashMap;

use super::ast::{Call, Delete, Expr, Field, Measurement, Select, Show, Source, Statement, VarRef};

impl Expr {
    /// Calls `see` with this expression and everything in it, outer before inner, left before right.
    ///
    /// `see` returns whether to look inside.
    pub fn walk<'a>(&'a self, see: &mut impl FnMut(&'a Expr) -> bool) {
        if !see(self) {
            return;
        }
        match self {
            Self::Binary(chain) => chain.operands().for_each(|operand| operand.walk(see)),
            Self::Paren(inner) => inner.walk(see),
            Self::Call(call) => call.args.iter().for_each(|arg| arg.walk(see)),
            _ => {}
        }
    }

    /// Every reference in the expression, also inside calls.
    #[must_use]
    pub fn refs(&self) -> Vec<&VarRef> {
        let mut refs = Vec::new();
        self.walk(&mut |expr| {
            if let Self::Ref(reference) = expr {
                refs.push(reference);
            }
            true
        });
        refs
    }

    /// Every call in the expression, outer before inner.
    #[must_use]
    pub fn calls(&self) -> Vec<&Call> {
        let mut calls = Vec::new();
        self.walk(&mut |expr| {
            if let Self::Call(call) = expr {
                calls.push(call);
            }
            true
        });
        calls
    }

    /// Whether the expression is or contains a wildcard or a regular expression.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        let mut found = false;
        self.walk(&mut |expr| {
            found |= matches!(expr, Self::Wildcard(_) | Self::Regex(_));
            !found
        });
        found
    }

    /// Whether a comparison of `time` is part of the condition.
    #[must_use]
    pub fn has_time(&self) -> bool {
        match self {
            Self::Paren(inner) => inner.has_time(),
            Self::Binary(chain) if chain.precedence() <= 2 => chain.operands().any(Self::has_time),
            Self::Binary(chain) => {
                chain.rest().len() == 1 && matches!(chain.first(), Self::Ref(reference) if reference.is_time())
            }
            _ => false,
        }
    }
}

impl Field {
    /// The column's name: the alias, or what the expression suggests; empty when it suggests nothing.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.alias {
            Some(alias) => alias.clone(),
            None => suggested_name(&self.expr),
        }
    }
}

fn suggested_name(expr: &Expr) -> String {
    match expr {
        Expr::Call(call) => call.name.clone(),
        Expr::Ref(reference) => reference.name.clone(),
        Expr::Paren(inner) => suggested_name(inner),
        Expr::Binary(_) => {
            let mut names = Vec::new();
            expr.walk(&mut |inner| match inner {
                Expr::Ref(reference) => {
                    names.push(reference.name.as_str());
                    true
                }
                Expr::Call(call) => {
                    names.push(&call.name);
                    false
                }
                _ => true,
            });
            names.join("_")
        }
        _ => String::new(),
    }
}

impl Select {
    /// Whether any column is computed by a function. Without, the query returns points as they are.
    #[must_use]
    pub fn has_calls(&self) -> bool {
        self.fields.iter().any(|field| !field.expr.calls().is_empty())
    }

    /// Whether any column is a wildcard or regular expression.
    #[must_use]
    pub fn has_field_wildcard(&self) -> bool {
        self.fields.iter().any(|field| field.expr.has_wildcard())
    }

    /// Whether `GROUP BY` has a wildcard or regular expression.
    #[must_use]
    pub fn has_dimension_wildcard(&self) -> bool {
        self.dimensions
            .iter()
            .any(|dimension| matches!(dimension, Expr::Wildcard(_) | Expr::Regex(_)))
    }

    /// The columns of the result without time. Names that repeat get `_1`, `_2` ...; `top` and `bottom` bring a
    /// column for each tag or field they name. Wildcards must have been replaced.
    #[must_use]
    pub fn column_names(&self) -> Vec<String> {
        let mut columns: Vec<(Option<&str>, String)> = Vec::new();
        for field in &self.fields {
            columns.push((field.alias.as_deref(), suggested_name(&field.expr)));
            if let Expr::Call(call) = &field.expr
                && matches!(call.name.as_str(), "top" | "bottom")
                && self.target.is_none()
            {
                let extra = call.args.iter().skip(1).filter_map(|arg| match arg {
                    Expr::Ref(reference) => Some((None, reference.name.clone())),
                    _ => None,
                });
                columns.extend(extra);
            }
        }
        let aliases = columns.iter().filter_map(|(alias, _)| alias.map(str::to_owned));
        let mut seen: HashMap<String, usize> = aliases.map(|alias| (alias, 1)).collect();
        let unique = |(alias, suggested): (Option<&str>, String)| match alias {
            Some(alias) => alias.to_owned(),
            None => free_name(&mut seen, suggested),
        };
        columns.into_iter().map(unique).collect()
    }

    /// Every measurement that is read, also inside subqueries, from left to right.
    #[must_use]
    pub fn measurements(&self) -> Vec<&Measurement> {
        measurements(&self.sources)
    }

    /// This query and every one inside it, outer before inner.
    #[must_use]
    pub fn with_subqueries(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for source in &self.sources {
            if let Source::Subquery(select) = source {
                all.extend(select.with_subqueries());
            }
        }
        all
    }
}

/// `name`, or `name_1`, `name_2` ... when it is taken. `seen` counts how often each name was wanted.
fn free_name(seen: &mut HashMap<String, usize>, name: String) -> String {
    let mut number = seen.get(&name).copied().unwrap_or(0);
    let mut free = name.clone();
    if number > 0 {
        free = format!("{name}_{number}");
        while seen.contains_key(&free) {
            number += 1;
            free = format!("{name}_{number}");
        }
    }
    seen.insert(name, number + 1);
    seen.entry(free.clone()).or_insert(1);
    free
}

/// Every measurement among the sources, also inside subqueries.
pub(super) fn measurements(sources: &[Source]) -> Vec<&Measurement> {
    let mut found = Vec::new();
    for source in sources {
        match source {
            Source::Measurement(measurement) => found.push(measurement),
            Source::Subquery(select) => found.extend(select.measurements()),
        }
    }
    found
}

impl Statement {
    /// What stands after `FROM`, or after `WITH MEASUREMENT`; empty when the statement reads no measurement by name.
    #[must_use]
    pub fn measurements(&self) -> Vec<&Measurement> {
        match self {
            Self::Select(select) => select.measurements(),
            Self::Explain(explain) => explain.select.measurements(),
            Self::CreateContinuousQuery(query) => query.select.measurements(),
            Self::Delete(Delete { sources, .. }) | Self::DropSeries(Delete { sources, .. }) => measurements(sources),
            Self::Show(show) => show.measurements(),
            _ => Vec::new(),
        }
    }
}

impl Show {
    /// What stands after `FROM`, or after `WITH MEASUREMENT`.
    #[must_use]
    pub fn measurements(&self) -> Vec<&Measurement> {
        match self {
            Self::Cardinality(show) => measurements(&show.filter.sources),
            Self::FieldKeys(show) => measurements(&show.sources),
            Self::Series(show) => measurements(&show.filter.sources),
            Self::TagKeys(show) => measurements(&show.filter.sources),
            Self::TagValues(show) => measurements(&show.filter.sources),
            Self::Measurements(show) => show.with.iter().collect(),
            _ => Vec::new(),
        }
    }
}
