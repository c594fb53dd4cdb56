//! Functions in `WHERE`: only those that compute a value from one point.

use super::super::ast::{Call, Expr};
use super::super::reduce::is_math_function;
use super::InvalidStatement;
use super::functions::exact_count;

pub(super) fn check(condition: &Expr) -> Result<(), InvalidStatement> {
    match condition {
        Expr::Binary(chain) => chain.operands().try_for_each(check),
        Expr::Call(call) => check_call(call),
        _ => Ok(()),
    }
}

fn check_call(call: &Call) -> Result<(), InvalidStatement> {
    if !is_math_function(&call.name) {
        return Err(InvalidStatement::new(format!(
            "invalid function call in condition: {call}"
        )));
    }
    // InfluxDB forgets that log takes two.
    let wanted = if matches!(call.name.as_str(), "atan2" | "pow") {
        2
    } else {
        1
    };
    exact_count(&call.name, &call.args, wanted)?;
    call.args.iter().try_for_each(check)
}
