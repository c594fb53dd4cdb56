//! Math functions of constants.

use super::super::ast::Expr;

/// Whether `name` computes a value from each point by itself.
pub(in super::super) fn is_math_function(name: &str) -> bool {
    unary(name).is_some() || matches!(name, "abs" | "floor" | "ceil" | "round" | "atan2" | "pow" | "log")
}

/// The value of a call; [`Expr::Nil`] when the arguments are of the wrong type, `None` when there is no such function
/// of that many arguments.
pub(super) fn call(name: &str, args: &[Expr]) -> Option<Expr> {
    match (name, args) {
        ("abs", [Expr::Integer(value)]) => Some(Expr::Integer(value.wrapping_abs())),
        ("floor" | "ceil" | "round", [Expr::Integer(value)]) => Some(Expr::Integer(*value)),
        ("abs", [arg]) => Some(rounded(arg, f64::abs)),
        ("floor", [arg]) => Some(rounded(arg, f64::floor)),
        ("ceil", [arg]) => Some(rounded(arg, f64::ceil)),
        ("round", [arg]) => Some(rounded(arg, f64::round)),
        (name, [arg]) => {
            let function = unary(name)?;
            Some(float(arg).map_or(Expr::Nil, |x| Expr::Number(function(x))))
        }
        ("atan2", [a, b]) => Some(of_two(a, b, f64::atan2)),
        ("pow", [a, b]) => Some(of_two(a, b, f64::powf)),
        ("log", [a, b]) => Some(of_two(a, b, |x, base| x.ln() / base.ln())),
        _ => None,
    }
}

/// The functions of one float.
fn unary(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "exp" => f64::exp,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sqrt" => f64::sqrt,
        _ => return None,
    })
}

/// The functions that leave integers alone (InfluxDB has no literal for an unsigned result).
fn rounded(arg: &Expr, round: fn(f64) -> f64) -> Expr {
    match arg {
        Expr::Number(value) => Expr::Number(round(*value)),
        _ => Expr::Nil,
    }
}

fn of_two(a: &Expr, b: &Expr, function: fn(f64, f64) -> f64) -> Expr {
    match (float(a), float(b)) {
        (Some(a), Some(b)) => Expr::Number(function(a, b)),
        _ => Expr::Nil,
    }
}

fn float(expr: &Expr) -> Option<f64> {
    match expr {
        Expr::Number(value) => Some(*value),
        Expr::Integer(value) => Some(*value as f64),
        Expr::Unsigned(value) => Some(*value as f64),
        _ => None,
    }
}
