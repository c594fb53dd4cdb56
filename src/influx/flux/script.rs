//! The sources and filters of a script, and how the one flows into the other.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::token::{self, Token};
use super::{Bucket, FluxError, Restriction};

/// Steps that keep `_measurement` as it is and treat every series by itself, so that they may precede the filter.
///
/// These names are taken to mean the standard functions, which a script could redefine.
/// Others may not precede it: `group` mixes measurements, `map`, `rename` and `set` change what they are called, `yield` gives out.
const PER_SERIES: [&str; 14] = [
    "count", "drop", "filter", "first", "keep", "last", "limit", "max", "mean", "min", "range", "sort", "sum", "window",
];

/// Parentheses inside a predicate that are looked into; deeper ones count as not restricting.
const MAX_DEPTH: usize = 64;

/// A script as tokens, with its brackets paired.
#[derive(Debug)]
pub(super) struct Script<'a> {
    tokens: Vec<Token<'a>>,
    /// For each bracket the index of its partner, or the number of tokens when it has none; for other tokens their own.
    partner: Vec<usize>,
}

/// Where a piped stream of tables stands in the script: a call of a source, or the use of a name.
struct Stream {
    start: usize,
    end: usize,
}

/// How a chain of `|>` steps goes on.
enum Chain {
    /// Into a filter that restricts.
    Restricted,
    /// Into a step behind which a filter comes too late.
    Spoilt,
    /// Nowhere: whoever gets its value has all of it.
    Ended,
}

impl<'a> Script<'a> {
    /// Reads a script's tokens.
    pub(super) fn scan(script: &'a str) -> Result<Self, FluxError> {
        let tokens = token::scan(script)?;
        let partner = pair_brackets(&tokens);
        Ok(Self { tokens, partner })
    }

    /// The bucket that all sources name.
    pub(super) fn bucket(&self) -> Result<Bucket, FluxError> {
        let mut sources = self.sources().peekable();
        if sources.peek().is_none() && self.uses().contains_key("from") {
            return Err(FluxError::Illegal);
        }
        Bucket::only(sources.map(|open| self.literal(self.argument(open, "bucket")?)))
    }

    /// The measurement that all filters name, if every source flows into one.
    pub(super) fn measurement(&self) -> Result<String, FluxError> {
        let all = Restriction::all_of(self.filters().map(|open| self.restriction_of_filter(open)));
        let name = all.single()?;
        if self.is_every_source_restricted() {
            Ok(name)
        } else {
            Err(self.fault())
        }
    }

    /// Why a source is not restricted, as far as the filters tell.
    fn fault(&self) -> FluxError {
        let mut faults = self.filters().map(|open| self.restriction_of_filter(open).fault());
        faults
            .find(|fault| *fault == FluxError::NotByEquality)
            .unwrap_or(FluxError::NoMeasurement)
    }

    /// The opening parentheses of all calls that read a bucket.
    fn sources(&self) -> impl Iterator<Item = usize> {
        let names_bucket = |open| {
            ["bucket", "bucketID"]
                .iter()
                .any(|name| self.argument(open, name).is_some())
        };
        self.parentheses()
            .filter(move |&open| self.is_call_of("from", open) || names_bucket(open))
    }

    fn filters(&self) -> impl Iterator<Item = usize> {
        self.parentheses().filter(|&open| self.is_call_of("filter", open))
    }

    fn parentheses(&self) -> impl Iterator<Item = usize> {
        (0..self.tokens.len()).filter(|&at| self.is_op(at, "("))
    }

    /// Whether the parenthesis opens a call of this function, not of one in a package.
    fn is_call_of(&self, name: &str, open: usize) -> bool {
        match self.before(open) {
            [.., Token::Op("."), Token::Word(_)] => false,
            [.., Token::Word(callee)] => *callee == name,
            _ => false,
        }
    }

    /// The value of a named argument.
    fn argument(&self, open: usize, name: &str) -> Option<Range<usize>> {
        let arguments = self.split(self.inside(open), &Token::Op(","));
        let found = arguments
            .into_iter()
            .find(|argument| matches!(self.slice(argument), [Token::Word(key), Token::Op(":"), ..] if *key == name))?;
        Some(found.start + 2..found.end)
    }

    /// The text of a value that is nothing but a string literal.
    fn literal(&self, value: Range<usize>) -> Option<&str> {
        match self.slice(&value) {
            [Token::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What a filter says: only `fn: (row) => ...` says anything.
    fn restriction_of_filter(&self, open: usize) -> Restriction {
        let Some(function) = self.argument(open, "fn") else {
            return Restriction::Open;
        };
        let [Token::Op("("), Token::Word(row), Token::Op(")"), Token::Op("=>"), ..] = self.slice(&function) else {
            return Restriction::Open;
        };
        self.restriction(self.returned(function.start + 4..function.end), row, MAX_DEPTH)
    }

    /// The expression that a function's body returns.
    fn returned(&self, body: Range<usize>) -> Range<usize> {
        match self.slice(&body) {
            [Token::Op("{"), Token::Word("return"), ..] if self.is_one_group(&body) => body.start + 2..body.end - 1,
            _ => body,
        }
    }

    /// What a boolean expression over `row` says. Flux binds `not` tighter than `and`, and that tighter than `or`.
    fn restriction(&self, expression: Range<usize>, row: &str, depth: usize) -> Restriction {
        let is_split_by_other = |token: &Token| matches!(token, Token::Word("if") | Token::Op("=>"));
        if depth == 0
            || self
                .top_level(expression.clone())
                .any(|at| is_split_by_other(&self.tokens[at]))
        {
            return Restriction::Open;
        }
        Restriction::any_of(
            self.split(expression, &Token::Word("or"))
                .into_iter()
                .map(|alternative| {
                    let factors = self.split(alternative, &Token::Word("and"));
                    Restriction::all_of(
                        factors
                            .into_iter()
                            .map(|factor| self.restriction_of_factor(factor, row, depth)),
                    )
                }),
        )
    }

    fn restriction_of_factor(&self, factor: Range<usize>, row: &str, depth: usize) -> Restriction {
        if self.is_op(factor.start, "(") && self.is_one_group(&factor) {
            return self.restriction(factor.start + 1..factor.end - 1, row, depth - 1);
        }
        match self.slice(&factor) {
            [left @ .., Token::Op(operator), Token::Text(name)] if is_measurement_of(row, left) => {
                Restriction::of_comparison(operator, Some(name))
            }
            [Token::Text(name), Token::Op(operator), right @ ..] if is_measurement_of(row, right) => {
                Restriction::of_comparison(operator, Some(name))
            }
            [left @ .., Token::Op(operator), _] | [_, Token::Op(operator), left @ ..]
                if is_measurement_of(row, left) =>
            {
                Restriction::of_comparison(operator, None)
            }
            _ => Restriction::Open,
        }
    }

    /// Follows every source to a filter that restricts, through as many names as it is given.
    fn is_every_source_restricted(&self) -> bool {
        let uses = self.uses();
        let mut followed = HashSet::new();
        let mut pending: Vec<Stream> = self.sources().map(|open| self.call(open)).collect();
        while let Some(stream) = pending.pop() {
            match self.chain(stream.end) {
                Chain::Restricted => {}
                Chain::Spoilt => return false,
                Chain::Ended => {
                    let Some(name) = self.assigned_name(stream.start) else {
                        return false;
                    };
                    if followed.insert(name) {
                        pending.extend(uses.get(name).into_iter().flatten().map(|&at| self.stream_of_name(at)));
                    }
                }
            }
        }
        true
    }

    /// The steps that follow a stream.
    fn chain(&self, mut at: usize) -> Chain {
        while self.is_op(at, "|>") {
            let Some([Token::Word(step), Token::Op("(")]) = self.tokens.get(at + 1..at + 3) else {
                return Chain::Spoilt;
            };
            let open = at + 2;
            if *step == "filter" && matches!(self.restriction_of_filter(open), Restriction::Only(_)) {
                return Chain::Restricted;
            }
            if !PER_SERIES.contains(step) {
                return Chain::Spoilt;
            }
            at = self.next(open);
        }
        Chain::Ended
    }

    /// The name in `name = <here>` or `name = (parameters) => <here>`.
    fn assigned_name(&self, start: usize) -> Option<&'a str> {
        let value = match self.before(start) {
            [before @ .., Token::Op(")"), Token::Op("=>")] => self.partner[before.len()],
            _ => start,
        };
        match self.before(value) {
            [.., Token::Word(name), Token::Op("=")] => Some(name),
            _ => None,
        }
    }

    /// Where each name is used, not counting members, keys and assignments.
    fn uses(&self) -> HashMap<&'a str, Vec<usize>> {
        let mut uses: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let Token::Word(name) = token else { continue };
            let is_member = matches!(self.before(at), [.., Token::Op(".")]);
            if !is_member && !self.is_op(at + 1, ":") && !self.is_op(at + 1, "=") {
                uses.entry(name).or_default().push(at);
            }
        }
        uses
    }

    /// A call with its callee, which may be in a package.
    fn call(&self, open: usize) -> Stream {
        let start = match self.before(open) {
            [callee @ .., Token::Word(_), Token::Op("."), Token::Word(_)] | [callee @ .., Token::Word(_)] => {
                callee.len()
            }
            _ => open,
        };
        Stream {
            start,
            end: self.next(open),
        }
    }

    /// A name, called or not.
    fn stream_of_name(&self, at: usize) -> Stream {
        let end = if self.is_op(at + 1, "(") {
            self.next(at + 1)
        } else {
            at + 1
        };
        Stream { start: at, end }
    }

    fn slice(&self, range: &Range<usize>) -> &[Token<'a>] {
        self.tokens.get(range.clone()).unwrap_or_default()
    }

    fn before(&self, at: usize) -> &[Token<'a>] {
        self.slice(&(0..at))
    }

    fn is_op(&self, at: usize, op: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token::Op(found)) if *found == op)
    }

    fn inside(&self, open: usize) -> Range<usize> {
        open + 1..self.partner[open]
    }

    /// The index after a token, or after the whole group that it opens.
    fn next(&self, at: usize) -> usize {
        self.partner[at].max(at) + 1
    }

    fn is_one_group(&self, range: &Range<usize>) -> bool {
        self.partner
            .get(range.start)
            .is_some_and(|&close| close > range.start && close + 1 == range.end)
    }

    /// The indices of a range's tokens, leaving out what is inside groups.
    fn top_level(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        let first = Some(range.start).filter(|at| *at < range.end);
        std::iter::successors(first, move |&at| Some(self.next(at)).filter(|at| *at < range.end))
    }

    /// The parts of a range between separators that stand outside of groups.
    fn split(&self, range: Range<usize>, separator: &Token) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for at in self
            .top_level(range.clone())
            .filter(|&at| self.tokens[at] == *separator)
        {
            parts.push(start..at);
            start = at + 1;
        }
        parts.push(start..range.end);
        parts
    }
}

/// Whether the tokens are `row._measurement` or `row["_measurement"]`.
fn is_measurement_of(row: &str, tokens: &[Token]) -> bool {
    match tokens {
        [Token::Word(object), Token::Op("."), Token::Word(member)] => *object == row && *member == "_measurement",
        [Token::Word(object), Token::Op("["), Token::Text(member), Token::Op("]")] => {
            *object == row && member == "_measurement"
        }
        _ => false,
    }
}

/// Pairs brackets whatever their shape; a script in which shapes do not match is refused by the backend.
fn pair_brackets(tokens: &[Token]) -> Vec<usize> {
    let mut partner: Vec<usize> = (0..tokens.len()).collect();
    let mut open = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Op("(" | "[" | "{") => {
                partner[at] = tokens.len();
                open.push(at);
            }
            Token::Op(")" | "]" | "}") => {
                if let Some(opening) = open.pop() {
                    partner[opening] = at;
                    partner[at] = opening;
                }
            }
            _ => {}
        }
    }
    partner
}
