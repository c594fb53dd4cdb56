//! What a long command has done so far: one line on standard error, rewritten in place when that is a terminal.

use std::{
    io::{IsTerminal as _, stderr},
    time::Duration,
};

use tokio::time::Instant;

const REDRAW: Duration = Duration::from_millis(250);

/// What was moved since the start: points or the like, and bytes.
#[derive(Debug)]
pub(crate) struct Progress {
    verb: &'static str,
    unit: &'static str,
    count: u64,
    bytes: u64,
    started: Instant,
    shown: Instant,
    terminal: bool,
}

impl Progress {
    /// Starts counting; `verb` says in the past what happens to what is counted in `unit`, a plural.
    pub(crate) fn new(verb: &'static str, unit: &'static str) -> Self {
        let now = Instant::now();
        Self {
            verb,
            unit,
            count: 0,
            bytes: 0,
            started: now,
            shown: now,
            terminal: stderr().is_terminal(),
        }
    }

    /// Counts what was moved, in units and bytes.
    pub(crate) fn add(&mut self, count: u64, bytes: usize) {
        self.count += count;
        self.bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
        if self.terminal && self.shown.elapsed() >= REDRAW {
            self.shown = Instant::now();
            eprint!("\r{}\x1b[K", self.text());
        }
    }

    /// A remark on a line of its own.
    pub(crate) fn remark(&self, text: std::fmt::Arguments<'_>) {
        self.clear();
        eprintln!("{text}");
    }

    /// The summary.
    pub(crate) fn finish(&self) {
        self.clear();
        eprintln!("{}", self.text());
    }

    fn clear(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }

    fn text(&self) -> String {
        let Self {
            verb,
            unit,
            count,
            bytes,
            ..
        } = self;
        let seconds = self.started.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
        let rate = *count as f64 / seconds.max(1e-3);
        format!("{verb} {count} {unit}, {bytes} bytes in {seconds:.1} s ({rate:.0} {unit}/s)")
    }
}
