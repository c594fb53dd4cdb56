//! Telling a query the types of the fields that it names without one.

use std::collections::BTreeMap;

use super::ast::{Call, DataType, Expr, Field, Select, VarRef};

impl Select {
    /// The same query with a cast wherever one of these fields stands without; sources and dimensions are left alone.
    #[must_use]
    pub fn with_types(&self, types: &BTreeMap<String, DataType>) -> Self {
        if types.is_empty() {
            return self.clone();
        }
        let fields = self.fields.iter().map(|field| Field {
            expr: with_types(&field.expr, types),
            alias: field.alias.clone(),
        });
        Self {
            fields: fields.collect(),
            condition: self.condition.as_ref().map(|condition| with_types(condition, types)),
            ..self.clone()
        }
    }
}

fn with_types(expr: &Expr, types: &BTreeMap<String, DataType>) -> Expr {
    match expr {
        Expr::Ref(reference) => Expr::Ref(VarRef {
            cast: reference.cast.or_else(|| types.get(&reference.name).copied()),
            ..reference.clone()
        }),
        Expr::Binary(chain) => {
            let Ok(typed) = chain.try_map(|operand| Ok::<_, std::convert::Infallible>(with_types(operand, types)));
            Expr::Binary(typed)
        }
        Expr::Paren(inner) => Expr::Paren(Box::new(with_types(inner, types))),
        Expr::Call(call) => Expr::Call(Call {
            name: call.name.clone(),
            args: call.args.iter().map(|arg| with_types(arg, types)).collect(),
        }),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Params, ast::Statement, parse};
    use super::*;

    #[test]
    fn fields_without_a_type_get_one() {
        let types = BTreeMap::from([("v".to_owned(), DataType::Float)]);
        let check = |text: &str, expect: &str| {
            let statements = parse(text, &Params::new()).unwrap();
            let [Statement::Select(select)] = statements.as_slice() else {
                panic!("{text} is one SELECT");
            };
            assert_eq!(select.with_types(&types).to_string(), expect);
        };
        check(
            "SELECT v, w, v::integer FROM a",
            "SELECT v::float, w, v::integer FROM a",
        );
        check(
            "SELECT max(v) + 2 * (v - 1) AS x FROM a WHERE v > 1 AND w = 'v' GROUP BY v",
            "SELECT max(v::float) + 2 * (v::float - 1) AS x FROM a WHERE v::float > 1 AND w = 'v' GROUP BY v",
        );
    }
}
