//! Whole bodies.

mod bodies;
mod conformance;
mod lines;
mod properties;

use super::*;

const NOW: TimestampNs = TimestampNs(1_700_000_000_123_456_789);

const LIMITS: Limits = Limits {
    max_line: 1 << 20,
    max_errors: 1 << 20,
};

fn scan_all(body: &[u8]) -> (Vec<Line<'_>>, Report) {
    let mut lines = Vec::new();
    let report = scan(body, Precision::Nanoseconds, NOW, &LIMITS, |line| lines.push(line));
    assert_eq!(lines.len(), report.accepted);
    (lines, report)
}
