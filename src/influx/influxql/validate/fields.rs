//! The columns of a `SELECT`: what each may be, and what they may be together.

use super::super::ast::{Call, Expr, Select};
use super::super::reduce::{Scope, is_math_function, reduce};
use super::InvalidStatement;

/// What is learnt from all columns.
#[derive(Debug)]
pub(super) struct Fields {
    /// Whether the query has intervals at all.
    pub(super) has_interval: bool,
    /// Whether they are the outer query's.
    pub(super) inherited_interval: bool,
    /// `LIMIT`; 0 is none.
    pub(super) limit: u64,
    /// `INTO`
    pub(super) has_target: bool,
    /// Columns but time.
    pub(super) columns: usize,
    /// Calls of functions that aggregate, select or transform.
    pub(super) calls: usize,
    /// No call but selectors, which return a point as it is.
    pub(super) only_selectors: bool,
    /// `distinct()` outside another call.
    pub(super) has_distinct: bool,
    /// Fields or tags as they are.
    pub(super) has_plain: bool,
    /// The `top` or `bottom` in use.
    pub(super) top_bottom: Option<String>,
}

/// Whether a wildcard may stand where we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wildcards {
    Allowed,
    Refused,
}

pub(super) type Check = Result<(), InvalidStatement>;

impl Fields {
    /// Checks each column by itself.
    pub(super) fn check(
        select: &Select,
        has_interval: bool,
        inherited_interval: bool,
    ) -> Result<Self, InvalidStatement> {
        let mut fields = Self {
            has_interval,
            inherited_interval,
            limit: select.rows.limit,
            has_target: select.target.is_some(),
            columns: 0,
            calls: 0,
            only_selectors: true,
            has_distinct: false,
            has_plain: false,
            top_bottom: None,
        };
        for field in &select.fields {
            // Time is always there; only here its name must be in lower case.
            if matches!(&field.expr, Expr::Ref(reference) if reference.name == "time") {
                continue;
            }
            fields.columns += 1;
            let expr = reduce(&field.expr, &Scope::math());
            fields.expr(&expr, &mut Wildcards::Allowed)?;
        }
        Ok(fields)
    }

    /// Checks all columns together. `fill` is an option that needs a function.
    pub(super) fn check_together(&self, fill: Option<&str>) -> Check {
        if self.columns == 0 {
            return fault("at least 1 non-time field must be queried");
        }
        match &self.top_bottom {
            Some(name) if self.calls > 1 => return not_combined(name),
            _ => {}
        }
        if self.calls == 0 {
            if let Some(fill) = fill {
                return fault(format!("fill({fill}) must be used with a function"));
            }
            if self.has_interval && !self.inherited_interval {
                return fault("GROUP BY requires at least one aggregate function");
            }
        }
        if self.has_distinct && (self.calls != 1 || self.has_plain) {
            return fault("aggregate function distinct() cannot be combined with other functions or fields");
        }
        if self.has_plain && !self.only_selectors {
            return fault("mixing aggregate and non-aggregate queries is not supported");
        }
        if self.has_plain && self.calls > 1 {
            return fault("mixing multiple selector functions with tags or fields is not supported");
        }
        Ok(())
    }

    pub(super) fn expr(&mut self, expr: &Expr, wildcards: &mut Wildcards) -> Check {
        match expr {
            Expr::Ref(_) => {
                self.has_plain = true;
                Ok(())
            }
            Expr::Wildcard(_) | Expr::Regex(_) => {
                self.has_plain = true;
                if *wildcards == Wildcards::Allowed {
                    return Ok(());
                }
                let what = if matches!(expr, Expr::Regex(_)) {
                    "regex"
                } else {
                    "wildcard"
                };
                fault(format!("unable to use {what} in a binary expression"))
            }
            Expr::Call(call) if is_math_function(&call.name) => self.math(call, wildcards),
            Expr::Call(call) => {
                self.calls += 1;
                self.function(call, wildcards)
            }
            Expr::Distinct(name) => {
                self.calls += 1;
                self.distinct(&[Expr::name(name)], false)
            }
            Expr::Binary(chain) => {
                // From the first binary expression on, nothing in this column may be a wildcard.
                *wildcards = Wildcards::Refused;
                let second = chain.rest().first().map(|(_, operand)| operand);
                if chain.first().is_literal() && second.is_some_and(Expr::is_literal) {
                    return fault("cannot perform a binary expression on two literals");
                }
                let mut variable = chain.operands().filter(|operand| !operand.is_literal());
                variable.try_for_each(|operand| self.expr(operand, wildcards))
            }
            Expr::Paren(inner) => self.expr(inner, wildcards),
            _ => fault("field must contain at least one variable"),
        }
    }

    /// A call as the argument of another; `distinct` there does not forbid other columns.
    pub(super) fn nested(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        if call.name == "distinct" {
            self.distinct(&call.args, true)
        } else {
            self.expr(&Expr::Call(call.clone()), wildcards)
        }
    }

    /// The argument that names the field.
    pub(super) fn symbol(&mut self, function: &str, arg: &Expr, wildcards: Wildcards) -> Check {
        match arg {
            Expr::Ref(_) => Ok(()),
            Expr::Wildcard(_) if wildcards == Wildcards::Refused => {
                fault(format!("unsupported expression with wildcard: {function}()"))
            }
            Expr::Regex(_) if wildcards == Wildcards::Refused => {
                fault(format!("unsupported expression with regex field: {function}()"))
            }
            Expr::Wildcard(_) | Expr::Regex(_) => {
                self.only_selectors = false;
                Ok(())
            }
            _ => fault(format!("expected field argument in {function}()")),
        }
    }

    pub(super) fn distinct(&mut self, args: &[Expr], nested: bool) -> Check {
        match args {
            [] => fault("distinct function requires at least one argument"),
            [Expr::Ref(_)] => {
                self.has_distinct |= !nested;
                self.only_selectors = false;
                Ok(())
            }
            [_] => fault("expected field argument in distinct()"),
            _ => fault("distinct function can only have one argument"),
        }
    }
}

pub(super) fn fault(message: impl Into<String>) -> Check {
    Err(InvalidStatement::new(message))
}

pub(super) fn not_combined(function: &str) -> Check {
    fault(format!(
        "selector function {function}() cannot be combined with other functions"
    ))
}
