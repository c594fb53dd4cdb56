//! Moving averages and the technical indicators, which take a period, a hold period and a warm-up.

use super::super::ast::{Call, Expr};
use super::fields::{Check, Fields, Wildcards, fault};
use super::functions::wrong_count;
use super::go_type;

impl Fields {
    pub(super) fn moving_average(&mut self, args: &[Expr], wildcards: &mut Wildcards) -> Check {
        match args {
            [field, Expr::Integer(2..)] => self.transformed("moving_average", field, wildcards),
            [_, Expr::Integer(window)] => fault(format!("moving_average window must be greater than 1, got {window}")),
            [_, other] => {
                let kind = go_type(other);
                fault(format!(
                    "second argument for moving_average must be an integer, got {kind}"
                ))
            }
            _ => wrong_count("moving_average", "2", args),
        }
    }

    pub(super) fn technical(&mut self, call: &Call, wildcards: &mut Wildcards) -> Check {
        let (name, args) = (call.name.as_str(), call.args.as_slice());
        let most = if name.starts_with("kaufmans") { 3 } else { 4 };
        let [field, period, options @ ..] = args else {
            return wrong_count(name, &format!("at least 2 but no more than {most}"), args);
        };
        if args.len() > most {
            return wrong_count(name, &format!("at least 2 but no more than {most}"), args);
        }
        check_period(name, period)?;
        if let Some(hold) = options.first() {
            check_hold(name, hold)?;
        }
        if let Some(warmup) = options.get(1) {
            check_warmup(name, warmup)?;
        }
        match field {
            // Unlike the older functions these count a nested distinct() as one of its own.
            Expr::Call(inner) if inner.name == "distinct" && self.has_interval => {
                self.only_selectors = false;
                self.expr(field, wildcards)
            }
            _ => self.transformed(name, field, wildcards),
        }
    }
}

fn check_period(name: &str, period: &Expr) -> Check {
    match period {
        Expr::Integer(1..) => Ok(()),
        Expr::Integer(_) => fault(format!("{name} period must be greater than or equal to 1")),
        _ => fault(format!("{name} period must be an integer")),
    }
}

/// -1 leaves the choice to the function.
fn check_hold(name: &str, hold: &Expr) -> Check {
    match hold {
        Expr::Integer(-1 | 1..) => Ok(()),
        Expr::Integer(0) if name != "triple_exponential_derivative" => Ok(()),
        Expr::Integer(_) => {
            let least = i32::from(name == "triple_exponential_derivative");
            fault(format!("{name} hold period must be greater than or equal to {least}"))
        }
        _ => fault(format!("{name} hold period must be an integer")),
    }
}

fn check_warmup(name: &str, warmup: &Expr) -> Check {
    let oscillator = name == "chande_momentum_oscillator";
    match warmup {
        Expr::String(kind) if matches!(kind.as_str(), "exponential" | "simple") => Ok(()),
        Expr::String(kind) if oscillator && kind == "none" => Ok(()),
        Expr::String(_) => {
            let none = if oscillator { "'none' " } else { "" };
            fault(format!(
                "{name} warmup type must be one of: {none}'exponential' 'simple'"
            ))
        }
        _ => fault(format!("{name} warmup type must be a string")),
    }
}
