//! The arguments of each function.

use super::super::ast::{Call, Expr};
use super::fields::{Check, Fields, Wildcards, fault, not_combined};
use super::{InvalidStatement, go_type};

impl Fields {
    pub(super) fn math(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        let wanted = if matches!(call.name.as_str(), "atan2" | "pow" | "log") {
            2
        } else {
            1
        };
        exact_count(&call.name, &call.args, wanted)?;
        let mut variable = call.args.iter().filter(|arg| !arg.is_literal());
        variable.try_for_each(|arg| self.expr(arg, wildcards))
    }

    pub(super) fn function(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        let (name, args) = (call.name.as_str(), call.args.as_slice());
        match name {
            "percentile" => self.percentile(args, *wildcards),
            "sample" => self.sample(args, *wildcards),
            "distinct" => self.distinct(args, false),
            "top" | "bottom" => self.top_bottom(call),
            "derivative" | "non_negative_derivative" | "elapsed" => self.with_unit(call, wildcards),
            "difference" | "non_negative_difference" | "cumulative_sum" => {
                let [arg] = args else {
                    return wrong_count(name, "1", args);
                };
                self.transformed(name, arg, wildcards)
            }
            "moving_average" => self.moving_average(args, wildcards),
            "exponential_moving_average"
            | "double_exponential_moving_average"
            | "triple_exponential_moving_average"
            | "relative_strength_index"
            | "triple_exponential_derivative"
            | "kaufmans_efficiency_ratio"
            | "kaufmans_adaptive_moving_average"
            | "chande_momentum_oscillator" => self.technical(call, wildcards),
            "integral" => self.integral(args, *wildcards),
            "holt_winters" | "holt_winters_with_fit" => self.holt_winters(call, wildcards),
            _ => self.simple(call, *wildcards),
        }
    }

    /// Functions of one field.
    fn simple(&mut self, call: &Call, wildcards: Wildcards) -> Check {
        let name = call.name.as_str();
        match name {
            "max" | "min" | "first" | "last" => {}
            "count" | "sum" | "mean" | "median" | "mode" | "stddev" | "spread" => self.only_selectors = false,
            _ => return fault(format!("undefined function {name}()")),
        }
        exact_count(name, &call.args, 1)?;
        match call.args.as_slice() {
            [Expr::Call(inner)] if name == "count" && inner.name == "distinct" => self.distinct(&inner.args, true),
            [Expr::Distinct(field)] if name == "count" => self.distinct(&[Expr::name(field)], true),
            [arg] => self.symbol(name, arg, wildcards),
            _ => Ok(()),
        }
    }

    fn percentile(&mut self, args: &[Expr], wildcards: Wildcards) -> Check {
        match args {
            [field, Expr::Integer(_) | Expr::Number(_)] => self.symbol("percentile", field, wildcards),
            [_, _] => fault("expected float argument in percentile()"),
            _ => wrong_count("percentile", "2", args),
        }
    }

    fn sample(&mut self, args: &[Expr], wildcards: Wildcards) -> Check {
        match args {
            [field, Expr::Integer(1..)] => self.symbol("sample", field, wildcards),
            [_, Expr::Integer(size)] => fault(format!("sample window must be greater than 1, got {size}")),
            [_, _] => fault("expected integer argument in sample()"),
            _ => wrong_count("sample", "2", args),
        }
    }

    /// `derivative` and its kind, with an optional unit of time.
    fn with_unit(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        let name = call.name.as_str();
        let (field, unit) = match call.args.as_slice() {
            [field] => (field, None),
            [field, unit] => (field, Some(unit)),
            args => return wrong_count(name, "at least 1 but no more than 2", args),
        };
        match unit {
            None => {}
            Some(Expr::Duration(unit)) if unit.0 > 0 => {}
            Some(Expr::Duration(unit)) => return fault(format!("duration argument must be positive, got {unit}")),
            Some(other) => {
                let kind = go_type(other);
                return fault(format!("second argument to {name} must be a duration, got {kind}"));
            }
        }
        self.transformed(name, field, wildcards)
    }

    fn integral(&mut self, args: &[Expr], wildcards: Wildcards) -> Check {
        let field = match args {
            [field] => field,
            [field, Expr::Duration(unit)] if unit.0 > 0 => field,
            [_, Expr::Duration(unit)] => return fault(format!("duration argument must be positive, got {unit}")),
            [_, _] => return fault("second argument must be a duration"),
            _ => return wrong_count("integral", "at least 1 but no more than 2", args),
        };
        self.only_selectors = false;
        self.symbol("integral", field, wildcards)
    }

    /// Functions over a row of points: of raw ones without intervals, of one aggregate each with them.
    pub(super) fn transformed(&mut self, name: &str, arg: &Expr, wildcards: &mut Wildcards) -> Check {
        self.only_selectors = false;
        match arg {
            Expr::Call(_) if !self.has_interval => fault(format!("{name} aggregate requires a GROUP BY interval")),
            Expr::Call(inner) => self.nested(inner, wildcards),
            _ if self.has_interval && !self.inherited_interval => {
                fault(format!("aggregate function required inside the call to {name}"))
            }
            field => self.symbol(name, field, *wildcards),
        }
    }

    fn holt_winters(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        let name = call.name.as_str();
        let [aggregate, points, season] = call.args.as_slice() else {
            return wrong_count(name, "3", &call.args);
        };
        match points {
            Expr::Integer(1..) => {}
            Expr::Integer(n) => return fault(format!("second arg to {name} must be greater than 0, got {n}")),
            _ => return fault(format!("expected integer argument as second arg in {name}")),
        }
        match season {
            Expr::Integer(0..) => {}
            Expr::Integer(n) => return fault(format!("third arg to {name} cannot be negative, got {n}")),
            _ => return fault(format!("expected integer argument as third arg in {name}")),
        }
        self.only_selectors = false;
        match aggregate {
            Expr::Call(_) if !self.has_interval => fault(format!("{name} aggregate requires a GROUP BY interval")),
            Expr::Call(inner) => self.nested(inner, wildcards),
            _ => fault(format!("must use aggregate function with {name}")),
        }
    }

    fn top_bottom(&mut self, call: &Call) -> Check {
        let name = call.name.as_str();
        if let Some(other) = &self.top_bottom {
            return not_combined(other);
        }
        let [field, dimensions @ .., limit] = call.args.as_slice() else {
            return wrong_count(name, "at least 2", &call.args);
        };
        self.top_bottom_limit(name, limit)?;
        if !matches!(field, Expr::Ref(_)) {
            return fault(format!(
                "expected first argument to be a field in {name}(), found {field}"
            ));
        }
        for dimension in dimensions {
            if !matches!(dimension, Expr::Ref(_)) {
                return fault(format!(
                    "only fields or tags are allowed in {name}(), found {dimension}"
                ));
            }
            if !self.has_target {
                self.columns += 1;
                self.has_plain = true;
            }
        }
        self.top_bottom = Some(call.name.clone());
        Ok(())
    }

    fn top_bottom_limit(&self, name: &str, limit: &Expr) -> Check {
        let Expr::Integer(limit) = limit else {
            return fault(format!("expected integer as last argument in {name}(), found {limit}"));
        };
        match u64::try_from(*limit) {
            Ok(1..) if self.limit == 0 || limit.unsigned_abs() <= self.limit => Ok(()),
            Ok(1..) => {
                let rows = self.limit;
                fault(format!(
                    "limit ({limit}) in {name} function can not be larger than the LIMIT ({rows}) in the select statement"
                ))
            }
            _ => fault(format!("limit ({limit}) in {name} function must be at least 1")),
        }
    }
}

pub(super) fn wrong_count(function: &str, expected: &str, args: &[Expr]) -> Check {
    let got = args.len();
    fault(format!(
        "invalid number of arguments for {function}, expected {expected}, got {got}"
    ))
}

pub(super) fn exact_count(function: &str, args: &[Expr], wanted: usize) -> Result<(), InvalidStatement> {
    if args.len() == wanted {
        Ok(())
    } else {
        wrong_count(function, &wanted.to_string(), args)
    }
}
