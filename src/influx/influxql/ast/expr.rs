//! Expressions.
//!
//! Operators of one precedence that follow each other make one [`Chain`] instead of a left-leaning tree, so that a
//! condition with ten thousand `OR`s is a list, and no walk over an expression can exhaust the stack.

use std::cmp::Ordering;

use super::super::duration::DurationNs;

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Op {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `=`
    Eq,
    /// `!=` or `<>`
    Neq,
    /// `=~`
    EqRegex,
    /// `!~`
    NeqRegex,
    /// `<`
    Lt,
    /// `<=`
    Lte,
    /// `>`
    Gt,
    /// `>=`
    Gte,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `|`
    BitOr,
    /// `^`
    BitXor,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Mod,
    /// `&`
    BitAnd,
}

impl Op {
    /// The operator as it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Or => "OR",
            Self::And => "AND",
            Self::Eq => "=",
            Self::Neq => "!=",
            Self::EqRegex => "=~",
            Self::NeqRegex => "!~",
            Self::Lt => "<",
            Self::Lte => "<=",
            Self::Gt => ">",
            Self::Gte => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::BitOr => "|",
            Self::BitXor => "^",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::BitAnd => "&",
        }
    }

    /// How tightly the operator binds, 1 (`OR`) to 5 (`*`).
    #[must_use]
    pub fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Eq | Self::Neq | Self::EqRegex | Self::NeqRegex | Self::Lt | Self::Lte | Self::Gt | Self::Gte => 3,
            Self::Add | Self::Sub | Self::BitOr | Self::BitXor => 4,
            Self::Mul | Self::Div | Self::Mod | Self::BitAnd => 5,
        }
    }

    /// Whether the right operand is a regular expression.
    #[must_use]
    pub fn takes_regex(self) -> bool {
        matches!(self, Self::EqRegex | Self::NeqRegex)
    }

    /// Whether the result is a boolean, so that the operator has no place in a `SELECT` list.
    #[must_use]
    pub fn is_condition(self) -> bool {
        self.precedence() <= 3
    }
}

/// The type named after `::`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// `::float`
    Float,
    /// `::integer`
    Integer,
    /// `::unsigned`
    Unsigned,
    /// `::string`
    String,
    /// `::boolean`
    Boolean,
    /// `::tag`
    Tag,
    /// `::field`: a field of any type.
    AnyField,
}

impl DataType {
    /// The type as it is written after `::`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Integer => "integer",
            Self::Unsigned => "unsigned",
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Tag => "tag",
            Self::AnyField => "field",
        }
    }
}

/// A regular expression in Go's dialect, without the slashes around it and with `\/` turned to `/`.
///
/// The parser has checked its syntax; [`Pattern::compile`] makes it run.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pattern(pub String);

/// Nanoseconds since 1970 that may lie outside what InfluxDB stores: a literal such as `'0001-01-01'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WideTime(pub i128);

/// A field, tag or variable by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VarRef {
    /// The name; `a.b` and `"a.b"` are the same.
    pub name: String,
    /// What stood after `::`.
    pub cast: Option<DataType>,
}

impl VarRef {
    /// Whether this is the time column in a condition or dimension, which ignore case.
    #[must_use]
    pub fn is_time(&self) -> bool {
        self.name.eq_ignore_ascii_case("time")
    }
}

/// A function call.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name in lower case.
    pub name: String,
    /// The arguments in order.
    pub args: Vec<Expr>,
}

/// What `*` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wildcard {
    /// `*`: fields and tags.
    Any,
    /// `*::field`
    Fields,
    /// `*::tag`
    Tags,
}

/// Operators of one precedence, applied from left to right. Never empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    first: Box<Expr>,
    rest: Vec<(Op, Expr)>,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `a + b - c`
    Binary(Chain),
    /// `( ... )`
    Paren(Box<Expr>),
    /// `mean(x)`
    Call(Call),
    /// `x`, `x::tag`
    Ref(VarRef),
    /// `DISTINCT x`
    Distinct(String),
    /// `*`
    Wildcard(Wildcard),
    /// `/re/`
    Regex(Pattern),
    /// `1.5`
    Number(f64),
    /// `15`
    Integer(i64),
    /// An integer beyond `i64`.
    Unsigned(u64),
    /// `'text'`
    String(String),
    /// `true`
    Boolean(bool),
    /// `10m`
    Duration(DurationNs),
    /// A point in time; only reduction makes one.
    Time(WideTime),
    /// No value; only reduction makes one, of a function that does not take its constant arguments.
    Nil,
}

impl Chain {
    /// The leftmost operand.
    #[must_use]
    pub fn first(&self) -> &Expr {
        &self.first
    }

    /// The other operands, each with the operator before it.
    #[must_use]
    pub fn rest(&self) -> &[(Op, Expr)] {
        &self.rest
    }

    /// The precedence that all operators share.
    #[must_use]
    pub fn precedence(&self) -> u8 {
        self.rest.first().map_or(0, |(op, _)| op.precedence())
    }

    /// All operands from left to right.
    pub fn operands(&self) -> impl Iterator<Item = &Expr> {
        std::iter::once(self.first()).chain(self.rest.iter().map(|(_, operand)| operand))
    }

    /// The last operator with what it stands between: all that is left of it, and the last operand.
    #[must_use]
    pub fn split_last(&self) -> (Expr, Op, &Expr) {
        let (op, last) = self
            .rest
            .last()
            .map_or((Op::And, self.first()), |(op, last)| (*op, last));
        let before = self.rest.get(..self.rest.len().saturating_sub(1)).unwrap_or_default();
        let left = if before.is_empty() {
            self.first().clone()
        } else {
            Expr::Binary(Self {
                first: self.first.clone(),
                rest: before.to_vec(),
            })
        };
        (left, op, last)
    }

    /// The same chain with every operand replaced.
    ///
    /// # Errors
    /// The first error of `change`.
    pub fn try_map<E>(&self, mut change: impl FnMut(&Expr) -> Result<Expr, E>) -> Result<Self, E> {
        let first = Box::new(change(&self.first)?);
        let rest = self
            .rest
            .iter()
            .map(|(op, operand)| Ok((*op, change(operand)?)))
            .collect::<Result<_, E>>()?;
        Ok(Self { first, rest })
    }
}

impl Expr {
    /// `left op right`, where `left` is evaluated first whatever it is.
    #[must_use]
    pub fn binary(op: Op, left: Self, right: Self) -> Self {
        match left {
            Self::Binary(mut chain) if chain.precedence() == op.precedence() => {
                chain.rest.push((op, right));
                Self::Binary(chain)
            }
            left => Self::Binary(Chain {
                first: Box::new(left),
                rest: vec![(op, right)],
            }),
        }
    }

    /// Appends ` op right` to an expression as if it were written: a tighter operator takes only the last operand.
    pub(in super::super) fn append(self, op: Op, right: Self) -> Self {
        match self {
            Self::Binary(mut chain) if chain.precedence().cmp(&op.precedence()) == Ordering::Less => {
                if let Some((last_op, last)) = chain.rest.pop() {
                    chain.rest.push((last_op, last.append(op, right)));
                }
                Self::Binary(chain)
            }
            left => Self::binary(op, left, right),
        }
    }

    /// A reference without a cast.
    #[must_use]
    pub fn name(name: impl Into<String>) -> Self {
        let name = name.into();
        Self::Ref(VarRef { name, cast: None })
    }

    /// Whether the expression is a constant as it stands.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        match self {
            Self::Binary(_) | Self::Paren(_) | Self::Call(_) | Self::Ref(_) | Self::Distinct(_) | Self::Wildcard(_) => {
                false
            }
            Self::Regex(_)
            | Self::Number(_)
            | Self::Integer(_)
            | Self::Unsigned(_)
            | Self::String(_)
            | Self::Boolean(_)
            | Self::Duration(_)
            | Self::Time(_)
            | Self::Nil => true,
        }
    }
}
