//! One answer out of several owners' answers to the same statement, as if one InfluxDB held all the data.
//!
//! Which rule a statement needs:
//!
//! | statement | rule | `LIMIT`/`OFFSET` |
//! |---|---|---|
//! | `SHOW MEASUREMENTS`, `TAG KEYS`, `TAG VALUES`, `FIELD KEYS` | [`MergeRule::Rows`] | [`page`], rows of each series |
//! | `SHOW SERIES` | [`MergeRule::SeriesKeys`] | [`page`] |
//! | `SHOW DATABASES`, `RETENTION POLICIES` | [`MergeRule::FirstSeen`] | not in the grammar |
//! | `SHOW … CARDINALITY`, exact or not | [`MergeRule::Sum`] | by the owners: each series is one row |
//! | `SHOW STATS`, `DIAGNOSTICS`, `SHARDS`, `SHARD GROUPS`, `QUERIES`; statements without data | [`MergeRule::Concat`] | not in the grammar |
//! | `SELECT` whose measurements have different owners | [`MergeRule::Select`] | by the owners |
//!
//! What [`page`] cuts must be asked from the owners without `LIMIT` and `OFFSET`. `SLIMIT` and `SOFFSET` never apply to a
//! merged answer: in a `SELECT` they count the tag sets of each measurement, which its owner does, and `SHOW TAG KEYS`, the
//! only `SHOW` whose grammar has them, ignores them (influxd 1.6.7).
//!
//! An owner's error becomes the error of the whole, and then no data are shown, since they would not be all of them. The
//! caller names the errors that only mean that this owner has nothing (`database not found: …` where others have the
//! database); when all owners say so, it is the answer.
//!
//! Series are the same when name, tags and columns are equal, and are listed in the order of these, as influxd does
//! ([`MergeRule::Concat`] leaves them as they are). The list rules are associative and idempotent, sums associative.

mod order;

use std::collections::BTreeSet;

use super::{Message, Number, Series, StatementResult, Value};

/// How the series of several owners become one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MergeRule {
    /// The same series become one with all the different rows, in the order of their values.
    Rows,
    /// As [`MergeRule::Rows`], ordered by measurement and tags as influxd orders series: `cpu,host=a` before `cpu!`,
    /// though `,` comes after `!`.
    SeriesKeys,
    /// The same series become one with the rows whose first value is new, in order of appearance: influxd lists
    /// databases and policies as they were created. Of two rows with the same name the first owner's is kept.
    FirstSeen,
    /// The same series become one row of sums, column by column: right as each series and measurement has one owner per
    /// circle. Rows that are not made of whole numbers stay side by side.
    Sum,
    /// All series of all owners, in the order of the owners; nothing is joined.
    Concat,
    /// All series ordered by name and tags; descending when the statement orders by time descending, as influxd does.
    /// A measurement must have been answered by one owner only, since rows of different owners are not interleaved; and
    /// every owner must have been asked for the same columns and tags, with `*` expanded from the schema of all.
    Select {
        /// `ORDER BY time DESC`.
        descending: bool,
    },
}

/// Merges the owners' answers to one statement; the statement's id is the first answer's.
///
/// `means_nothing_here` tells errors that only say that an owner has no such data from those that are the answer.
pub fn merge(
    rule: MergeRule,
    answers: impl IntoIterator<Item = StatementResult>,
    means_nothing_here: impl Fn(&str) -> bool,
) -> StatementResult {
    let mut answers = answers.into_iter().peekable();
    let mut merged = StatementResult {
        statement_id: answers.peek().map_or(0, |first| first.statement_id),
        ..StatementResult::default()
    };
    let mut absent = None;
    let mut is_answered = false;
    for answer in answers {
        merged.partial |= answer.partial;
        add_new_messages(&mut merged.messages, answer.messages);
        match answer.error {
            Some(error) if means_nothing_here(&error) => absent = absent.or(Some(error)),
            Some(error) => merged.error = merged.error.or(Some(error)),
            None => {
                is_answered = true;
                merged.series.extend(answer.series);
            }
        }
    }
    merged.error = merged.error.or(absent.filter(|_| !is_answered));
    merged.series = match merged.error {
        Some(_) => Vec::new(),
        None => merge_series(rule, merged.series),
    };
    merged
}

/// Applies `LIMIT` and `OFFSET` to the rows of each series; series that become empty vanish. 0 means no limit, as in
/// InfluxQL.
pub fn page(result: &mut StatementResult, limit: usize, offset: usize) {
    if limit == 0 && offset == 0 {
        return;
    }
    for series in &mut result.series {
        series.values.drain(..offset.min(series.values.len()));
        if limit > 0 {
            series.values.truncate(limit);
        }
    }
    result.series.retain(|series| !series.values.is_empty());
}

fn add_new_messages(messages: &mut Vec<Message>, more: Vec<Message>) {
    for message in more {
        if !messages.contains(&message) {
            messages.push(message);
        }
    }
}

fn merge_series(rule: MergeRule, mut series: Vec<Series>) -> Vec<Series> {
    match rule {
        MergeRule::Concat => series,
        MergeRule::Select { descending } => {
            series.sort_by(|a, b| {
                let ascending = (&a.name, &a.tags).cmp(&(&b.name, &b.tags));
                if descending { ascending.reverse() } else { ascending }
            });
            series
        }
        MergeRule::Rows => joined(series, order::by_value),
        MergeRule::SeriesKeys => joined(series, order::by_series_key),
        MergeRule::FirstSeen => joined(series, first_of_each_name),
        MergeRule::Sum => joined(series, sum),
    }
}

/// One series for each name, tags and columns, with the rows of all in the order of the owners, then settled.
fn joined(mut series: Vec<Series>, settle: fn(&mut Vec<Vec<Value>>)) -> Vec<Series> {
    series.sort_by(|a, b| a.identity().cmp(&b.identity()));
    let mut merged: Vec<Series> = Vec::new();
    for next in series {
        match merged.last_mut() {
            Some(last) if last.identity() == next.identity() => {
                last.values.extend(next.values);
                last.partial |= next.partial;
            }
            _ => merged.push(next),
        }
    }
    merged.iter_mut().for_each(|series| settle(&mut series.values));
    merged
}

fn first_of_each_name(rows: &mut Vec<Vec<Value>>) {
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.first().cloned()));
}

fn sum(rows: &mut Vec<Vec<Value>>) {
    if rows.len() > 1
        && let Some(total) = column_sums(rows)
    {
        *rows = vec![total];
    }
}

/// The sums of rows of equal length that hold nothing but whole numbers.
fn column_sums(rows: &[Vec<Value>]) -> Option<Vec<Value>> {
    let mut sums = vec![0_i128; rows.first()?.len()];
    for row in rows.iter() {
        if row.len() != sums.len() {
            return None;
        }
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value.as_whole()?;
        }
    }
    Some(sums.into_iter().map(whole).collect())
}

fn whole(number: i128) -> Value {
    i64::try_from(number).map_or_else(|_| Value::Number(Number::from(number)), Value::Integer)
}

#[cfg(test)]
mod tests;
