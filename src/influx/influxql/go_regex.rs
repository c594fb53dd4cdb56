//! Regular expressions in Go's dialect: checked with Go's error texts, and translated to the dialect of `regex`.
//!
//! Go's `regexp` (RE2 syntax with Perl classes and Unicode groups) and the `regex` crate have the same semantics but
//! differ in spelling: in Go `\d \s \w \b` are ASCII, `\Q...\E` quotes, a class has no nested sets or set operations
//! (`[a&&b]`, `[[a]`), octal escapes exist, and a `{` that begins no repetition is a literal.
//!
//! Grammar and error texts: <https://pkg.go.dev/regexp/syntax>.

mod class;
mod escape;

use regex::Regex;

use super::ast::Pattern;

/// The greatest count in `{n,m}`, and the greatest product of nested ones, from Go's `regexp/syntax`.
const MAX_REPEAT: i64 = 1000;

/// The pattern is not a regular expression, in Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {fault}: `{part}`")]
pub struct InvalidRegex {
    fault: &'static str,
    part: String,
}

impl Pattern {
    /// The pattern ready to match text.
    ///
    /// # Errors
    /// When it is not a regular expression, or would take too much memory to run.
    pub fn compile(&self) -> Result<Regex, InvalidRegex> {
        Regex::new(&translate(&self.0)?).map_err(|_| InvalidRegex {
            fault: "expression too large",
            part: self.0.clone(),
        })
    }
}

/// Checks the pattern and spells it for the `regex` crate.
///
/// # Errors
/// When Go would refuse it.
pub(super) fn translate(pattern: &str) -> Result<String, InvalidRegex> {
    let mut translator = Translator {
        pattern,
        at: 0,
        out: String::with_capacity(pattern.len() + 8),
        groups: Vec::new(),
        operand: None,
    };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
    /// For every group begun and not ended, the greatest product of counts inside so far.
    groups: Vec<i64>,
    /// The product of counts in what a repetition would repeat; `None` when there is nothing to repeat.
    operand: Option<i64>,
}

impl<'a> Translator<'a> {
    fn run(&mut self) -> Result<(), InvalidRegex> {
        let mut last_repeat = None;
        while let Some(c) = self.peek() {
            let begin = self.at;
            let repeated = match c {
                '*' | '+' | '?' => {
                    self.next();
                    self.repeat(begin, last_repeat)?;
                    true
                }
                '{' => self.counted(last_repeat)?,
                c => {
                    self.item(c)?;
                    false
                }
            };
            last_repeat = repeated.then_some(begin);
        }
        if !self.groups.is_empty() {
            return Err(fault("missing closing )", self.pattern));
        }
        Ok(())
    }

    fn item(&mut self, c: char) -> Result<(), InvalidRegex> {
        match c {
            '(' => return self.open_group(),
            '[' => self.class()?,
            '\\' => self.escape()?,
            '|' => {
                self.next();
                self.out.push('|');
                self.operand = None;
                return Ok(());
            }
            ')' => return self.close_group(),
            '^' | '$' | '.' => {
                self.next();
                self.out.push(c);
            }
            c => {
                self.next();
                self.literal(c);
            }
        }
        self.operand = Some(1);
        Ok(())
    }

    /// A repetition that began at `begin` and whose sign was just read.
    fn repeat(&mut self, begin: usize, last_repeat: Option<usize>) -> Result<(), InvalidRegex> {
        if self.peek() == Some('?') {
            self.next();
        }
        if let Some(last) = last_repeat {
            return Err(fault("invalid nested repetition operator", self.since(last)));
        }
        if self.operand.is_none() {
            return Err(fault("missing argument to repetition operator", self.since(begin)));
        }
        let sign = self.since(begin);
        self.out.push_str(sign);
        Ok(())
    }

    /// `{n}`, `{n,}`, `{n,m}`; anything else begins with a literal brace. Returns whether it was a repetition.
    fn counted(&mut self, last_repeat: Option<usize>) -> Result<bool, InvalidRegex> {
        let begin = self.at;
        let Some((least, most)) = self.counts() else {
            self.at = begin + 1;
            self.literal('{');
            self.operand = Some(1);
            return Ok(false);
        };
        if least > MAX_REPEAT || most > MAX_REPEAT || most < least {
            return Err(fault("invalid repeat count", self.since(begin)));
        }
        self.repeat(begin, last_repeat)?;
        let product = self.operand.unwrap_or(1) * most;
        if product > MAX_REPEAT {
            return Err(fault("invalid repeat count", self.since(begin)));
        }
        self.finish(product);
        Ok(true)
    }

    /// Notes the product of counts in the operand just read.
    fn finish(&mut self, product: i64) {
        self.operand = Some(product);
        if let Some(group) = self.groups.last_mut() {
            *group = product.max(*group);
        }
    }

    /// The least count and the greatest, which without a bound is the least.
    fn counts(&mut self) -> Option<(i64, i64)> {
        self.next();
        let least = self.count()?;
        let most = if self.peek() == Some(',') {
            self.next();
            if self.peek() == Some('}') { least } else { self.count()? }
        } else {
            least
        };
        (self.next() == Some('}')).then_some((least, most))
    }

    fn count(&mut self) -> Option<i64> {
        let begin = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_digit()) {
            self.next();
        }
        let digits = self.since(begin);
        if digits.is_empty() || digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        Some(digits.parse().unwrap_or(i64::MAX))
    }

    fn open_group(&mut self) -> Result<(), InvalidRegex> {
        if self.rest().starts_with("(?") {
            return self.open_perl_group();
        }
        self.next();
        self.out.push('(');
        self.begin_group();
        Ok(())
    }

    fn begin_group(&mut self) {
        self.groups.push(1);
        self.operand = None;
    }

    fn close_group(&mut self) -> Result<(), InvalidRegex> {
        self.next();
        let Some(product) = self.groups.pop() else {
            return Err(fault("unexpected )", self.pattern));
        };
        self.out.push(')');
        self.finish(product);
        Ok(())
    }

    /// `(?P<name>`, `(?flags:`, `(?flags)`.
    fn open_perl_group(&mut self) -> Result<(), InvalidRegex> {
        let begin = self.at;
        if self.rest().starts_with("(?P<") {
            return self.open_named_group();
        }
        self.at += 2;
        let (mut negated, mut any_flag) = (false, false);
        while let Some(c) = self.next() {
            match c {
                'i' | 'm' | 's' | 'U' => any_flag = true,
                '-' if !negated => (negated, any_flag) = (true, false),
                ':' | ')' if !negated || any_flag => {
                    if c == ':' {
                        self.begin_group();
                    }
                    let group = self.since(begin);
                    // "(?)" changes nothing, and `regex` does not know it.
                    self.out.push_str(if group == "(?)" { "" } else { group });
                    return Ok(());
                }
                _ => break,
            }
        }
        Err(fault("invalid or unsupported Perl syntax", self.since(begin)))
    }

    fn open_named_group(&mut self) -> Result<(), InvalidRegex> {
        let begin = self.at;
        let rest = self.rest();
        let Some((head, _)) = rest.split_once('>') else {
            return Err(fault("invalid named capture", rest));
        };
        self.at += head.len() + 1;
        let name = head.strip_prefix("(?P<").unwrap_or_default();
        let valid = !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric());
        if !valid {
            return Err(fault("invalid named capture", self.since(begin)));
        }
        // Nobody asks for groups by name, and `regex` refuses those that begin with a digit or repeat.
        self.out.push('(');
        self.begin_group();
        Ok(())
    }

    /// One character that stands for itself.
    fn literal(&mut self, c: char) {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !c.is_ascii_whitespace() {
            self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])));
        } else {
            self.out.push(c);
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn rest(&self) -> &'a str {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    /// What was read since the place `begin`.
    fn since(&self, begin: usize) -> &'a str {
        self.pattern.get(begin..self.at).unwrap_or_default()
    }
}

fn fault(fault: &'static str, part: &str) -> InvalidRegex {
    let part = part.to_owned();
    InvalidRegex { fault, part }
}

#[cfg(test)]
mod tests;
