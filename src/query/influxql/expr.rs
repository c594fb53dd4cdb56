//! Arithmetic and comparisons over one row.
//!
//! The rules are those of InfluxDB's `ValuerEval`: nothing combined with a value is nothing, except that next to a
//! boolean it counts as false, unless it is a field of a measurement; integers wrap around; division by zero is 0; what
//! cannot be compared compares as false.

use std::cmp::Ordering;
use std::sync::Arc;

use regex::Regex;

use super::error::QueryError;
use super::functions::Scalar;
use super::math::MathFunction;
use crate::influx::influxql::ast::{Chain, Expr, Op};

/// A value of a row, or none.
pub(super) type Cell = Option<Scalar>;

/// Where an expression stands, on which some rules depend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// A column of a `SELECT`: the quotient of two integers is a float.
    Column,
    /// `WHERE` over a measurement: the quotient of two integers is an integer, and nothing equals nothing.
    Stored,
    /// `WHERE` over a subquery: the quotient of two integers is an integer.
    Nested,
}

/// An expression whose references are positions in a row.
#[derive(Debug, Clone)]
pub(super) enum Program {
    /// The cell at this position.
    Slot(usize),
    /// A constant.
    Value(Scalar),
    /// No value.
    Nothing,
    /// The right side of `=~` and `!~`.
    Regex(Arc<Regex>),
    /// Operators from left to right.
    Chain(Box<Program>, Vec<(Op, Program)>),
    /// A function of one row.
    Math(MathFunction, Vec<Program>),
}

impl Program {
    /// Compiles an expression. `slot` knows the position of a reference or call; what it does not know and is no math
    /// function is nothing.
    ///
    /// # Errors
    /// When a regular expression cannot be run.
    pub(super) fn compile(expr: &Expr, slot: &mut impl FnMut(&Expr) -> Option<usize>) -> Result<Self, QueryError> {
        Ok(match expr {
            Expr::Ref(_) => slot(expr).map_or(Self::Nothing, Self::Slot),
            Expr::Call(call) => match MathFunction::from_name(&call.name) {
                Some(function) => {
                    let args = call.args.iter().map(|arg| Self::compile(arg, slot));
                    Self::Math(function, args.collect::<Result<_, _>>()?)
                }
                None => slot(expr).map_or(Self::Nothing, Self::Slot),
            },
            Expr::Paren(inner) => Self::compile(inner, slot)?,
            Expr::Binary(chain) => Self::compile_chain(chain, slot)?,
            Expr::Regex(pattern) => Self::Regex(Arc::new(pattern.compile()?)),
            Expr::Number(value) => Self::Value(Scalar::Float(*value)),
            Expr::Integer(value) => Self::Value(Scalar::Integer(*value)),
            Expr::Unsigned(value) => Self::Value(Scalar::Unsigned(*value)),
            Expr::String(value) => Self::Value(Scalar::String(value.as_str().into())),
            Expr::Boolean(value) => Self::Value(Scalar::Boolean(*value)),
            Expr::Distinct(_) | Expr::Wildcard(_) | Expr::Duration(_) | Expr::Time(_) | Expr::Nil => Self::Nothing,
        })
    }

    fn compile_chain(chain: &Chain, slot: &mut impl FnMut(&Expr) -> Option<usize>) -> Result<Self, QueryError> {
        let first = Self::compile(chain.first(), slot)?;
        let mut rest = Vec::with_capacity(chain.rest().len());
        for (op, operand) in chain.rest() {
            rest.push((*op, Self::compile(operand, slot)?));
        }
        Ok(Self::Chain(Box::new(first), rest))
    }

    /// The value for a row.
    pub(super) fn eval(&self, row: &[Cell], place: Use) -> Cell {
        match self {
            Self::Slot(at) => row.get(*at).cloned().flatten(),
            Self::Value(value) => Some(value.clone()),
            Self::Nothing | Self::Regex(_) => None,
            Self::Chain(first, rest) => {
                let operand = |program: &Self| (program.eval(row, place), program.is_field(place));
                let (value, _) = rest.iter().fold(operand(first), |left, (op, right)| {
                    let value = match right {
                        Self::Regex(regex) => matches(*op, left.0.as_ref(), regex),
                        right => {
                            let (left, right) = with_booleans(left, operand(right));
                            binary(*op, left, right, place)
                        }
                    };
                    (value, false)
                });
                value
            }
            Self::Math(function, args) => {
                let args: Vec<Cell> = args.iter().map(|arg| arg.eval(row, place)).collect();
                function.eval(&args)
            }
        }
    }

    /// Whether this is a field of a measurement: InfluxDB tells one without a value from a computed nothing.
    fn is_field(&self, place: Use) -> bool {
        place == Use::Stored && matches!(self, Self::Slot(_))
    }

    /// Whether a row fulfils a condition.
    pub(super) fn holds(&self, row: &[Cell], place: Use) -> bool {
        self.eval(row, place) == Some(Scalar::Boolean(true))
    }
}

fn matches(op: Op, left: Option<&Scalar>, regex: &Regex) -> Cell {
    let found = match left {
        Some(Scalar::String(text)) => regex.is_match(text),
        _ => return (op.precedence() == Op::Eq.precedence() && !op.takes_regex()).then_some(Scalar::Boolean(false)),
    };
    match op {
        Op::EqRegex => Some(Scalar::Boolean(found)),
        Op::NeqRegex => Some(Scalar::Boolean(!found)),
        _ => None,
    }
}

/// Next to a boolean nothing counts as false, unless it is that of a field.
fn with_booleans((left, left_is_field): (Cell, bool), (right, right_is_field): (Cell, bool)) -> (Cell, Cell) {
    let no = Some(Scalar::Boolean(false));
    match (&left, &right) {
        (None, Some(Scalar::Boolean(_))) if !left_is_field => (no, right),
        (Some(Scalar::Boolean(_)), None) if !right_is_field => (left, no),
        _ => (left, right),
    }
}

/// The value of `left op right`.
pub(super) fn binary(op: Op, left: Cell, right: Cell, place: Use) -> Cell {
    let value = match (left, right) {
        (Some(Scalar::Boolean(a)), Some(Scalar::Boolean(b))) => booleans(op, a, Some(b)),
        (Some(Scalar::Boolean(a)), _) => booleans(op, a, None),
        (Some(Scalar::String(a)), Some(Scalar::String(b))) => match op {
            Op::Eq => Some(Scalar::Boolean(a == b)),
            Op::Neq => Some(Scalar::Boolean(a != b)),
            _ => None,
        },
        (Some(Scalar::Integer(a)), Some(Scalar::Integer(b))) => integers(op, a, b, place),
        (Some(Scalar::Unsigned(a)), Some(Scalar::Unsigned(b))) => unsigned(op, a, b, Some(a.cmp(&b))),
        (Some(Scalar::Integer(a)), Some(Scalar::Unsigned(b))) => unsigned(op, a.cast_unsigned(), b, mixed(op, a, b)),
        (Some(Scalar::Unsigned(a)), Some(Scalar::Integer(b))) => {
            let order = mixed(op, b, a).map(Ordering::reverse);
            unsigned(op, a, b.cast_unsigned(), order)
        }
        (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => floats(op, a, b),
            _ => None,
        },
        _ => None,
    };
    let is_comparison = op.precedence() == Op::Eq.precedence() && !op.takes_regex();
    value.or(is_comparison.then_some(Scalar::Boolean(false)))
}

/// `b` is `None` when the right side is no boolean.
fn booleans(op: Op, a: bool, b: Option<bool>) -> Cell {
    let value = match op {
        Op::And | Op::BitAnd => b.is_some_and(|b| a && b),
        Op::Or | Op::BitOr => b.is_some_and(|b| a || b),
        Op::Neq | Op::BitXor => b.is_some_and(|b| a != b),
        Op::Eq => b == Some(a),
        _ => return None,
    };
    Some(Scalar::Boolean(value))
}

/// What a comparison says of two values in that order; a NaN has no order.
fn compare(op: Op, order: Option<Ordering>) -> Cell {
    let value = match op {
        Op::Eq => order == Some(Ordering::Equal),
        Op::Neq => order != Some(Ordering::Equal),
        Op::Gt => order == Some(Ordering::Greater),
        Op::Gte => order.is_some_and(Ordering::is_ge),
        Op::Lt => order == Some(Ordering::Less),
        Op::Lte => order.is_some_and(Ordering::is_le),
        _ => return None,
    };
    Some(Scalar::Boolean(value))
}

fn floats(op: Op, a: f64, b: f64) -> Cell {
    let value = match op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div if b == 0.0 => 0.0,
        Op::Div => a / b,
        Op::Mod => a % b,
        _ => return compare(op, a.partial_cmp(&b)),
    };
    Some(Scalar::Float(value))
}

#[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
fn integers(op: Op, a: i64, b: i64, place: Use) -> Cell {
    let value = match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Div if place == Use::Column => return floats(op, a as f64, b as f64),
        Op::Div if b == 0 => 0,
        Op::Div => a.wrapping_div(b),
        Op::Mod if b == 0 => 0,
        Op::Mod => a.wrapping_rem(b),
        Op::BitAnd => a & b,
        Op::BitOr => a | b,
        Op::BitXor => a ^ b,
        _ => return compare(op, Some(a.cmp(&b))),
    };
    Some(Scalar::Integer(value))
}

/// How a signed and an unsigned integer compare: a negative one is less than any, but equal to that of the same bits.
fn mixed(op: Op, signed: i64, unsigned: u64) -> Option<Ordering> {
    let is_ordering = !matches!(op, Op::Eq | Op::Neq);
    if is_ordering && signed < 0 {
        return Some(Ordering::Less);
    }
    Some(signed.cast_unsigned().cmp(&unsigned))
}

fn unsigned(op: Op, a: u64, b: u64, order: Option<Ordering>) -> Cell {
    let value = match op {
        Op::Add => a.wrapping_add(b),
        Op::Sub => a.wrapping_sub(b),
        Op::Mul => a.wrapping_mul(b),
        Op::Div => a.checked_div(b).unwrap_or(0),
        Op::Mod => a.checked_rem(b).unwrap_or(0),
        Op::BitAnd => a & b,
        Op::BitOr => a | b,
        Op::BitXor => a ^ b,
        _ => return compare(op, order),
    };
    Some(Scalar::Unsigned(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::influx::influxql::parse_expr;

    /// Evaluates with `f` = 2.5, `i` = 7, `j` = -2, `u` = 3, `s` = 'abc', `b` = true; everything else is missing.
    fn check(text: &str, expect: Cell) {
        let names = ["f", "i", "j", "u", "s", "b"];
        let row = [
            Scalar::Float(2.5),
            Scalar::Integer(7),
            Scalar::Integer(-2),
            Scalar::Unsigned(3),
            Scalar::String("abc".into()),
            Scalar::Boolean(true),
        ];
        let row: Vec<Cell> = row.into_iter().map(Some).collect();
        let mut slot = |expr: &Expr| match expr {
            Expr::Ref(reference) => names.iter().position(|name| *name == reference.name),
            _ => None,
        };
        let program = Program::compile(&parse_expr(text).unwrap(), &mut slot).unwrap();
        assert_eq!(program.eval(&row, Use::Column), expect, "{text}");
    }

    #[test]
    fn computes() {
        let float = |value| Some(Scalar::Float(value));
        let integer = |value| Some(Scalar::Integer(value));
        check("f + i", float(9.5));
        check("i / j", float(-3.5));
        check("i / 0", float(0.0));
        check("f / 0", float(0.0));
        check("i % j", integer(1));
        check("i % 0", integer(0));
        check("f % 2", float(0.5));
        check("i & 3 | 8 ^ 1", integer(10));
        check("i & f", None);
        check("u + 1", Some(Scalar::Unsigned(4)));
        check("u - 4", Some(Scalar::Unsigned(u64::MAX)));
        check("i - f * 2", float(2.0));
        check("i - i - 1", integer(-1));
        check("nosuch + 1", None);
        check("s + s", None);
        check("abs(j) + sqrt(4)", float(4.0));
        check("pow(f, 2)", float(6.25));
        check("sin(s)", None);
    }

    #[test]
    fn compares() {
        let check = |text: &str, expect: bool| check(text, Some(Scalar::Boolean(expect)));
        check("i > 6.5", true);
        check("i = 7", true);
        check("f >= 2.5 AND i != 7 OR b", true);
        check("s = 'abc'", true);
        check("s != 'abc'", false);
        check("s > 'a'", false);
        check("s = 5", false);
        check("s != 5", false);
        check("s =~ /b/", true);
        check("s !~ /b/", false);
        check("i =~ /7/ OR false", false);
        check("nosuch != 'x'", false);
        check("nosuch = false", true);
        check("b != nosuch", true);
        check("b > false", false);
        check("j < u", true);
        check("u > j", true);
        check("i = nosuch", false);
    }
}
