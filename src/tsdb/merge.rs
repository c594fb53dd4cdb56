//! Newer rows over older ones: the rule of overwriting, field by field.

use std::{cmp::Ordering, ops::Range};

use crate::query::source::{Column, Rows};

use super::columns::{ColumnBuilder, has_value};

/// Merges rows with the same columns. Where both have a row of the same time, a field's newer value wins, and a field
/// that the newer row does not have keeps its older value.
pub(super) fn merge(older: &Rows, newer: &Rows) -> Rows {
    let steps = align(&older.times, &newer.times);
    let columns = older.columns.iter().zip(&newer.columns);
    Rows {
        times: steps
            .iter()
            .flat_map(|step| step.times(older, newer))
            .copied()
            .collect(),
        columns: columns
            .map(|(older, newer)| merge_column(&steps, older, newer))
            .collect(),
    }
}

/// A stretch of the result.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Older(Range<usize>),
    Newer(Range<usize>),
    /// Rows that both have, from these positions on.
    Both {
        older: usize,
        newer: usize,
        count: usize,
    },
}

impl Step {
    fn times<'a>(&self, older: &'a Rows, newer: &'a Rows) -> &'a [i64] {
        match self {
            Self::Older(range) => &older.times[range.clone()],
            Self::Newer(range) => &newer.times[range.clone()],
            Self::Both { newer: at, count, .. } => &newer.times[*at..at + count],
        }
    }
}

fn align(older: &[i64], newer: &[i64]) -> Vec<Step> {
    let (mut i, mut j, mut steps) = (0, 0, Vec::new());
    while i < older.len() && j < newer.len() {
        match older[i].cmp(&newer[j]) {
            Ordering::Less => {
                let end = i + older[i..].partition_point(|time| *time < newer[j]);
                steps.push(Step::Older(i..end));
                i = end;
            }
            Ordering::Greater => {
                let end = j + newer[j..].partition_point(|time| *time < older[i]);
                steps.push(Step::Newer(j..end));
                j = end;
            }
            Ordering::Equal => {
                let count = older[i..]
                    .iter()
                    .zip(&newer[j..])
                    .take_while(|(older, newer)| older == newer)
                    .count();
                steps.push(Step::Both {
                    older: i,
                    newer: j,
                    count,
                });
                (i, j) = (i + count, j + count);
            }
        }
    }
    steps.extend((i < older.len()).then_some(Step::Older(i..older.len())));
    steps.extend((j < newer.len()).then_some(Step::Newer(j..newer.len())));
    steps
}

fn merge_column(steps: &[Step], older: &Column, newer: &Column) -> Column {
    let mut builder = ColumnBuilder::untyped();
    for step in steps {
        match step {
            Step::Older(range) => builder.extend(older, range.clone()),
            Step::Newer(range) => builder.extend(newer, range.clone()),
            Step::Both {
                older: i,
                newer: j,
                count,
            } => {
                for at in 0..*count {
                    if has_value(newer, j + at) {
                        builder.extend(newer, j + at..j + at + 1);
                    } else {
                        builder.extend(older, i + at..i + at + 1);
                    }
                }
            }
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    use super::*;
    use crate::query::source::Values;

    type Model = BTreeMap<i64, [Option<i64>; 2]>;

    fn rows(model: &Model) -> Rows {
        let column = |at: usize| {
            let mut builder = ColumnBuilder::untyped();
            for row in model.values() {
                match row[at] {
                    Some(value) => builder.extend(
                        &Column {
                            values: Values::Integer(vec![value]),
                            valid: None,
                        },
                        0..1,
                    ),
                    None => builder.push_missing(1),
                }
            }
            builder.finish()
        };
        Rows {
            times: model.keys().copied().collect(),
            columns: vec![column(0), column(1)],
        }
    }

    fn any_model() -> impl Strategy<Value = Model> {
        prop::collection::btree_map(0_i64..20, [any::<Option<i64>>(), any::<Option<i64>>()], 0..15)
    }

    proptest! {
        #[test]
        fn newer_values_win(older in any_model(), newer in any_model()) {
            let mut expect = older.clone();
            for (time, row) in &newer {
                let kept = expect.entry(*time).or_default();
                for (kept, value) in kept.iter_mut().zip(row) {
                    *kept = value.or(*kept);
                }
            }
            prop_assert_eq!(merge(&rows(&older), &rows(&newer)), rows(&expect));
        }
    }
}
