//! Functions of one row: `abs`, `pow` and the like.

use super::expr::Cell;
use super::functions::Scalar;

/// A function that computes a value from each row by itself.
#[derive(Debug, Clone, Copy)]
pub(super) enum MathFunction {
    /// A float of a number.
    Float(fn(f64) -> f64),
    /// A float of two numbers.
    Floats(fn(f64, f64) -> f64),
    /// The absolute value.
    Abs,
    /// Rounding of floats, which leaves integers alone.
    Round(fn(f64) -> f64),
}

impl MathFunction {
    /// The function of that name.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "floor" => Self::Round(f64::floor),
            "ceil" => Self::Round(f64::ceil),
            "round" => Self::Round(f64::round),
            "sin" => Self::Float(f64::sin),
            "cos" => Self::Float(f64::cos),
            "tan" => Self::Float(f64::tan),
            "asin" => Self::Float(f64::asin),
            "acos" => Self::Float(f64::acos),
            "atan" => Self::Float(f64::atan),
            "exp" => Self::Float(f64::exp),
            "ln" => Self::Float(f64::ln),
            "log2" => Self::Float(f64::log2),
            "log10" => Self::Float(f64::log10),
            "sqrt" => Self::Float(f64::sqrt),
            "atan2" => Self::Floats(f64::atan2),
            "pow" => Self::Floats(f64::powf),
            "log" => Self::Floats(|x, base| x.ln() / base.ln()),
            _ => return None,
        })
    }

    /// Whether the result has the type of the argument, and is no float of whatever.
    pub(super) fn keeps_type(self) -> bool {
        matches!(self, Self::Abs | Self::Round(_))
    }

    /// The value for these arguments; nothing for those that are no numbers.
    pub(super) fn eval(self, args: &[Cell]) -> Cell {
        let float = |at: usize| args.get(at)?.as_ref()?.as_f64();
        match self {
            Self::Float(function) => Some(Scalar::Float(function(float(0)?))),
            Self::Floats(function) => Some(Scalar::Float(function(float(0)?, float(1)?))),
            Self::Abs => match args.first()?.as_ref()? {
                Scalar::Float(value) => Some(Scalar::Float(value.abs())),
                Scalar::Integer(value) => Some(Scalar::Integer(value.wrapping_abs())),
                Scalar::Unsigned(value) => Some(Scalar::Unsigned(*value)),
                Scalar::String(_) | Scalar::Boolean(_) => None,
            },
            Self::Round(function) => match args.first()?.as_ref()? {
                Scalar::Float(value) => Some(Scalar::Float(function(*value))),
                whole @ (Scalar::Integer(_) | Scalar::Unsigned(_)) => Some(whole.clone()),
                Scalar::String(_) | Scalar::Boolean(_) => None,
            },
        }
    }
}
