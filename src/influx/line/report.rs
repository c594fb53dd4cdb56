//! What became of a body: how many points were good, and what the client is told about the rest.

use std::fmt::Write as _;

use super::{
    Limits,
    reason::{self, Reason},
};

/// How much of a line that is too long is quoted, in bytes; enough to find it.
const QUOTE: usize = 128;

/// The outcome of one scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that are points.
    pub accepted: usize,
    /// Lines that are refused.
    pub rejected: usize,
    errors: String,
    unreported: usize,
}

impl Report {
    pub(super) fn reject(&mut self, line: &[u8], reason: &Reason, limits: &Limits) {
        self.rejected += 1;
        if self.errors.len() >= limits.max_errors {
            self.unreported += 1;
            return;
        }
        let shown = match reason {
            Reason::LineTooLong { .. } => line.get(..QUOTE).unwrap_or(line),
            _ => line,
        };
        if !self.errors.is_empty() {
            self.errors.push('\n');
        }
        self.errors.push_str("unable to parse '");
        reason::push_text(&mut self.errors, shown);
        let elided = if shown.len() < line.len() { "..." } else { "" };
        write!(self.errors, "{elided}': {reason}").expect("writing to a string cannot fail");
    }

    /// The client's error text, or nothing when every line was good.
    ///
    /// As InfluxDB's `/write` answers (status 400): the errors of all bad lines, one a line; `partial write: … dropped=0` around
    /// them when some lines were good, for those have been stored.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        if self.rejected == 0 {
            return None;
        }
        let mut errors = self.errors.clone();
        if self.unreported > 0 {
            write!(errors, "\nand {} more lines", self.unreported).expect("writing to a string cannot fail");
        }
        Some(match self.accepted {
            0 => errors,
            _ => format!("partial write: {errors} dropped=0"),
        })
    }
}
