//! What was sent, what was acknowledged, and what a replica may therefore hold: pure.
//!
//! The values that a writer gives to one key only grow. So after any fault a replica must hold, for each key, a value
//! from the last acknowledged to the last sent one: less means that an older write overtook a newer one or that the
//! newer one was lost; a key that was only sent may be missing, but then in every replica. A deletion takes a key back to
//! that when it is sent; once it is acknowledged, no value up to the last one sent before may ever be seen again.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// How many findings of a kind a report prints.
const SHOWN: usize = 10;

/// What makes a point one and the same: written again, it is replaced.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Measurement name, without characters that need escaping.
    pub(crate) measurement: String,
    /// Value of the tag `writer`.
    pub(crate) writer: String,
    /// Nanoseconds since the Unix epoch.
    pub(crate) time: i64,
}

/// A point with the one field `v`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    /// Where it belongs.
    pub(crate) key: Key,
    /// The integer value of its field.
    pub(crate) value: i64,
}

/// All points of one circle, or of whatever answers queries as if it held them all: the values found under each key.
pub(crate) type Replica = BTreeMap<Key, Vec<i64>>;

/// The account of a run; shared by its writers.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<BTreeMap<Key, Entry>>,
}

/// What happened to one key.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The last value acknowledged, unless it may have been deleted since.
    acknowledged: Option<i64>,
    /// The last value sent.
    sent: i64,
    /// Lesser values are deleted.
    least: i64,
}

/// What is wrong with one replica. Clean when empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Acknowledged, but not there.
    pub(crate) lost: Vec<Key>,
    /// There with another value than the last one: key, value found.
    pub(crate) altered: Vec<(Key, i64)>,
    /// Found more than once, on several backends of the circle.
    pub(crate) duplicated: Vec<Key>,
    /// There, but never sent.
    pub(crate) unknown: Vec<Key>,
    /// There, but deleted: key, value found.
    pub(crate) revived: Vec<(Key, i64)>,
}

impl Point {
    /// The point in line protocol, without the line's end.
    pub(crate) fn line(&self) -> String {
        self.padded("")
    }

    /// Reads what [`Point::line`] and [`Point::padded`] write.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let (series, rest) = line.split_once(' ')?;
        let (measurement, writer) = series.split_once(",writer=")?;
        let (fields, time) = rest.rsplit_once(' ')?;
        let value = fields.strip_prefix("v=")?.split_once('i')?.0;
        Some(Self {
            key: Key {
                measurement: measurement.to_owned(),
                writer: writer.to_owned(),
                time: time.parse().ok()?,
            },
            value: value.parse().ok()?,
        })
    }

    /// The same with more fields, given as `,name=value`.
    pub(crate) fn padded(&self, more_fields: &str) -> String {
        let Key {
            measurement,
            writer,
            time,
        } = &self.key;
        format!("{measurement},writer={writer} v={}i{more_fields} {time}", self.value)
    }
}

impl Ledger {
    /// To be called before the points leave: from now on a replica may hold them.
    pub(crate) fn sending(&self, points: &[Point]) {
        let mut entries = self.lock();
        for Point { key, value } in points {
            let entry = entries.entry(key.clone()).or_insert(Entry {
                acknowledged: None,
                sent: *value,
                least: i64::MIN,
            });
            assert!(entry.sent <= *value, "the values of a key must grow");
            entry.sent = *value;
        }
    }

    /// To be called after the answer was 2xx: from now on every replica must come to hold them.
    pub(crate) fn acknowledged(&self, points: &[Point]) {
        let mut entries = self.lock();
        for Point { key, value } in points {
            let entry = entries.get_mut(key).expect("only what was sent can be acknowledged");
            entry.acknowledged = Some(*value);
        }
    }

    /// To be called before a deletion leaves, by the only one who writes these keys: from now on they may be missing.
    pub(crate) fn deleting(&self, selects: impl Fn(&Key) -> bool) {
        self.lock()
            .iter_mut()
            .filter(|(key, _)| selects(key))
            .for_each(|(_, entry)| entry.acknowledged = None);
    }

    /// To be called after a deletion was acknowledged: what was sent of these keys must never be seen again. How many of
    /// them that are.
    pub(crate) fn deleted(&self, selects: impl Fn(&Key) -> bool) -> usize {
        let mut entries = self.lock();
        let selected = entries.iter_mut().filter(|(key, _)| selects(key));
        selected.map(|(_, entry)| entry.least = entry.sent + 1).count()
    }

    /// How many points were acknowledged, and not deleted since.
    pub(crate) fn len(&self) -> usize {
        self.lock()
            .values()
            .filter(|entry| entry.acknowledged.is_some())
            .count()
    }

    /// Compares a replica with the account.
    pub(crate) fn check(&self, replica: &Replica) -> Report {
        let entries = self.lock();
        let mut report = Report::default();
        for (key, entry) in entries.iter() {
            let found = replica.get(key).map_or(&[][..], Vec::as_slice);
            if found.is_empty() && entry.acknowledged.is_some() {
                report.lost.push(key.clone());
            }
            if found.len() > 1 {
                report.duplicated.push(key.clone());
            }
            let valid = entry.acknowledged.unwrap_or(entry.least)..=entry.sent;
            for &value in found.iter().filter(|value| !valid.contains(value)) {
                let findings = if value < entry.least {
                    &mut report.revived
                } else {
                    &mut report.altered
                };
                findings.push((key.clone(), value));
            }
        }
        report
            .unknown
            .extend(replica.keys().filter(|key| !entries.contains_key(key)).cloned());
        report
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    /// Whether nothing is wrong.
    pub(crate) fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lost,
            altered,
            duplicated,
            unknown,
            revived,
        } = self;
        show(f, "lost", lost)?;
        show(f, "altered", altered)?;
        show(f, "duplicated", duplicated)?;
        show(f, "unknown", unknown)?;
        show(f, "revived", revived)
    }
}

fn show<T: fmt::Debug>(f: &mut fmt::Formatter<'_>, what: &str, found: &[T]) -> fmt::Result {
    writeln!(f, "  {what}: {}", found.len())?;
    found.iter().take(SHOWN).try_for_each(|one| writeln!(f, "    {one:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(time: i64) -> Key {
        Key {
            measurement: "m".to_owned(),
            writer: "w".to_owned(),
            time,
        }
    }

    fn point(time: i64, value: i64) -> Point {
        Point { key: key(time), value }
    }

    /// Acknowledged: time 1 with value 5; sent after it: time 1 with value 6 and time 2 with value 1.
    fn check(found: &[(i64, i64)]) -> Report {
        let ledger = Ledger::default();
        ledger.sending(&[point(1, 5)]);
        ledger.acknowledged(&[point(1, 5)]);
        ledger.sending(&[point(1, 6), point(2, 1)]);
        let mut replica = Replica::new();
        for &(time, value) in found {
            replica.entry(key(time)).or_default().push(value);
        }
        ledger.check(&replica)
    }

    #[test]
    fn accepts_what_was_acknowledged_or_sent_after_it() {
        for found in [&[(1, 5)][..], &[(1, 6)], &[(1, 5), (2, 1)]] {
            assert!(check(found).is_clean(), "{found:?}");
        }
    }

    #[test]
    fn reports_every_kind_of_damage() {
        assert_eq!(
            check(&[]),
            Report {
                lost: vec![key(1)],
                ..Report::default()
            }
        );
        assert_eq!(
            check(&[(1, 4)]),
            Report {
                altered: vec![(key(1), 4)],
                ..Report::default()
            }
        );
        assert_eq!(
            check(&[(1, 7)]),
            Report {
                altered: vec![(key(1), 7)],
                ..Report::default()
            }
        );
        assert_eq!(
            check(&[(1, 5), (1, 5)]),
            Report {
                duplicated: vec![key(1)],
                ..Report::default()
            }
        );
        assert_eq!(
            check(&[(1, 5), (3, 1)]),
            Report {
                unknown: vec![key(3)],
                ..Report::default()
            }
        );
    }

    #[test]
    fn what_was_deleted_must_not_be_seen_but_what_came_later_must() {
        let found = |ledger: &Ledger, values: &[i64]| {
            let values = values.to_vec();
            ledger.check(
                &[(key(1), values)]
                    .into_iter()
                    .filter(|(_, values)| !values.is_empty())
                    .collect(),
            )
        };
        let revived = |value| Report {
            revived: vec![(key(1), value)],
            ..Report::default()
        };
        let ledger = Ledger::default();
        ledger.sending(&[point(1, 5)]);
        ledger.acknowledged(&[point(1, 5)]);
        ledger.deleting(|_| true);
        assert!(found(&ledger, &[]).is_clean() && found(&ledger, &[5]).is_clean());
        assert_eq!(ledger.deleted(|_| true), 1);
        assert_eq!(
            (found(&ledger, &[]), found(&ledger, &[5])),
            (Report::default(), revived(5))
        );
        ledger.sending(&[point(1, 6)]);
        assert!(found(&ledger, &[]).is_clean() && found(&ledger, &[6]).is_clean());
        assert_eq!(found(&ledger, &[5]), revived(5));
        ledger.acknowledged(&[point(1, 6)]);
        assert_eq!(found(&ledger, &[]).lost, [key(1)]);
    }
}
