//! Writing points: from lines into memtables.
//!
//! The line of a known series with the fields of its last point takes no allocation and no look-up of a field: the
//! bytes of its key lead to the series, and its fields are compared with the layout of that point. Everything else goes
//! the slow way, see `admit.rs`, which also decides what is refused.

mod admit;
mod outcome;

use std::{ops::Range, sync::Arc};

use crate::{
    base::TimestampNs,
    influx::line::{FieldValue, Limits, Line, Precision, scan, unescape_string},
    query::source::FieldType,
};

use super::{
    Error, Options,
    block::SeriesId,
    engine::Engine,
    fields::{FieldSet, Layout},
    index::{Entry, Index},
    memtable::Texts,
    state::{Database, Policy},
};

pub use outcome::WriteOutcome;

/// Lines were validated when they came in; here they are only taken apart.
const NO_LIMITS: Limits = Limits {
    max_line: usize::MAX,
    max_errors: 1 << 16,
};

impl Engine {
    /// Writes lines with timestamps in nanoseconds, which [`scan`] has validated before, under a retention policy; an
    /// empty name means the default one. `seq` is the record's number in the journal; one call holds all of it.
    ///
    /// # Errors
    /// `NotFound`: no such database or policy; nothing is written then. That single points are refused is an outcome.
    pub fn write(&self, seq: u64, db: &str, policy: &str, lines: &[u8]) -> Result<WriteOutcome, Error> {
        self.write_at(seq, self.clock.now(), db, policy, lines)
    }

    /// [`Engine::write`] as at an earlier time, that of the first time when a record is applied again: which points are
    /// beyond the retention policy must not change, or points that were acknowledged would be lost.
    ///
    /// # Errors
    /// As [`Engine::write`].
    pub fn write_at(
        &self,
        seq: u64,
        now: TimestampNs,
        db: &str,
        policy: &str,
        lines: &[u8],
    ) -> Result<WriteOutcome, Error> {
        let _applying = self.lock_applying();
        let mut state = self.write_state();
        state.applied = seq;
        state.is_dirty = true;
        let database = state
            .database_mut(db)
            .ok_or_else(|| Error::WriteToUnknownDatabase(db.to_owned()))?;
        let mut batch = Batch::new(database, policy, &self.options, now)?;
        let report = scan(lines, Precision::Nanoseconds, now, &NO_LIMITS, |line| {
            batch.write(&line)
        });
        let Batch { outcome, bytes, .. } = batch;
        state.active_bytes += bytes;
        report
            .message()
            .map_or(Ok(outcome), |message| Err(Error::InvalidLines(message)))
    }
}

/// Lines being written to one policy.
#[derive(Debug)]
struct Batch<'a> {
    policy: &'a mut Policy,
    index: &'a mut Index,
    next_series: &'a mut u64,
    fresh: &'a mut Vec<Arc<Entry>>,
    options: &'a Options,
    /// Earlier points are beyond the retention policy.
    oldest: i64,
    outcome: WriteOutcome,
    /// Memory taken in memtables.
    bytes: usize,
    /// Room for the words of a point.
    words: Vec<u64>,
}

impl<'a> Batch<'a> {
    fn new(database: &'a mut Database, policy: &str, options: &'a Options, now: TimestampNs) -> Result<Self, Error> {
        let Database {
            default_policy,
            policies,
            index,
            next_series,
            fresh,
            ..
        } = database;
        let name = if policy.is_empty() {
            default_policy.as_str()
        } else {
            policy
        };
        let policy = policies.iter_mut().find(|policy| policy.name == name);
        let policy = policy.ok_or_else(|| Error::PolicyNotFound(name.to_owned()))?;
        let oldest = match policy.duration_ns {
            0 => i64::MIN,
            duration => now.0.saturating_sub(duration),
        };
        Ok(Self {
            policy,
            index,
            next_series,
            fresh,
            options,
            oldest,
            outcome: WriteOutcome::default(),
            bytes: 0,
            words: Vec::new(),
        })
    }

    #[inline]
    fn write(&mut self, line: &Line<'_>) {
        if line.time.0 < self.oldest {
            self.outcome.drop_as_too_old();
            return;
        }
        let series = self.index.find_spelling(&line.body[key_range(line)]);
        if series.is_some_and(|series| self.write_alike(series, line) || self.write_recent(series, line)) {
            self.outcome.written += 1;
            return;
        }
        match self.admit(series, line) {
            Ok((series, layout, values)) => {
                self.put(series, line.time.0, &layout, &values);
                self.outcome.written += 1;
            }
            Err(reason) => self.outcome.drop_because(reason),
        }
    }

    /// Writes the point if it has the fields of the series' last one.
    #[inline]
    fn write_alike(&mut self, series: SeriesId, line: &Line<'_>) -> bool {
        let memtable = &mut self.policy.group_of(line.time.0).active;
        let before = memtable.bytes();
        let encode = |layout: &Layout, words: &mut Vec<u64>, texts: &mut Texts| encode(line, layout, words, texts);
        let is_alike = memtable.push_alike(series, line.time.0, encode);
        self.bytes += memtable.bytes() - before;
        is_alike
    }

    /// Writes the first point of a known series since the last flush, if it has the fields of its measurement's recent one.
    fn write_recent(&mut self, series: SeriesId, line: &Line<'_>) -> bool {
        let policy = self.policy.id;
        let memtable = &mut self.policy.group_of(line.time.0).active;
        if memtable.contains(series) {
            return false;
        }
        let set = self
            .index
            .get(series)
            .and_then(|entry| self.index.measurement(&entry.measurement)?.fields.get(&policy));
        let Some(layout) = set.and_then(FieldSet::recent) else {
            return false;
        };
        let before = memtable.bytes();
        self.words.clear();
        let is_alike = encode(line, layout, &mut self.words, memtable.texts());
        if is_alike {
            memtable.push(series, line.time.0, layout, &self.words);
        }
        self.bytes += memtable.bytes() - before;
        is_alike
    }

    fn put(&mut self, series: SeriesId, time: i64, layout: &Layout, values: &[FieldValue<'_>]) {
        let memtable = &mut self.policy.group_of(time).active;
        let before = memtable.bytes();
        let words: Vec<u64> = values.iter().map(|value| word(*value, memtable.texts())).collect();
        memtable.push(series, time, layout, &words);
        self.bytes += memtable.bytes() - before;
    }
}

/// Where the key is in a line's body.
#[inline]
fn key_range(line: &Line<'_>) -> Range<usize> {
    let tags = if line.tags.is_empty() { 0 } else { 1 + line.tags.len() };
    0..line.measurement.len() + tags
}

/// Appends the words of a line's values if its fields are those of a layout.
#[inline]
fn encode(line: &Line<'_>, layout: &Layout, words: &mut Vec<u64>, texts: &mut Texts) -> bool {
    let mut expected = layout.iter();
    for (key, value) in line.fields() {
        match expected.next() {
            Some(known) if *known.written == *key && known.field.of == type_of(value) => words.push(word(value, texts)),
            _ => return false,
        }
    }
    expected.next().is_none()
}

#[inline]
fn word(value: FieldValue<'_>, texts: &mut Texts) -> u64 {
    match value {
        FieldValue::Float(value) => value.to_bits(),
        FieldValue::Integer(value) => value.cast_unsigned(),
        FieldValue::Unsigned(value) => value,
        FieldValue::Boolean(value) => u64::from(value),
        FieldValue::String(written) => texts.push(&unescape_string(written)),
    }
}

fn type_of(value: FieldValue<'_>) -> FieldType {
    match value {
        FieldValue::Float(_) => FieldType::Float,
        FieldValue::Integer(_) => FieldType::Integer,
        FieldValue::Unsigned(_) => FieldType::Unsigned,
        FieldValue::Boolean(_) => FieldType::Boolean,
        FieldValue::String(_) => FieldType::String,
    }
}
