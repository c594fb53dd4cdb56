//! Groups: what makes one series of the result, in the order of the result.
//!
//! A group has the tags by which the outermost query groups. Inside, each of its points has the tags by which the query
//! at hand groups, which in a subquery may be more; those are the group's tag sets.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::Arc;

use super::cast::cast;
use super::env::Env;
use super::error::QueryError;
use super::expr::{Cell, Use};
use super::filter::{Filter, Rest, tag_value};
use super::functions::Scalar;
use super::plan::{Mapping, Nested, Query, Reader};
use super::resolve::Table;
use super::run::{Row, RowIter, run};
use super::sample::{Cursor, Merge, Sample, SeriesCursor};
use crate::influx::influxql::ast::Page;
use crate::query::source::{Series, Times};

/// The name and tags of a series of a result, tags sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    pub(super) tags: Vec<(Arc<str>, Arc<str>)>,
}

/// What makes one series of the result.
pub(super) struct Group<'a> {
    /// The tag sets of its points, sorted.
    pub(super) subs: Vec<Arc<Key>>,
    /// What is to be read.
    pub(super) members: Vec<Member<'a>>,
}

/// A part of a group.
pub(super) enum Member<'a> {
    /// A stored series.
    Series(SeriesMember<'a>),
    /// Rows of a subquery.
    Rows(&'a Nested, Vec<(Row, Arc<Key>)>),
}

/// A stored series of a group.
pub(super) struct SeriesMember<'a> {
    pub(super) table: &'a Table,
    pub(super) series: Series,
    pub(super) rest: Rest,
    key: Arc<Key>,
}

impl<'a> Group<'a> {
    fn new(members: Vec<Member<'a>>) -> Self {
        let mut subs: BTreeSet<Arc<Key>> = BTreeSet::new();
        for member in &members {
            match member {
                Member::Series(member) => {
                    subs.insert(Arc::clone(&member.key));
                }
                Member::Rows(_, rows) => subs.extend(rows.iter().map(|(_, key)| Arc::clone(key))),
            }
        }
        Self {
            subs: subs.into_iter().collect(),
            members,
        }
    }

    /// Reads the samples of all members.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn samples(self, query: &Query, env: &'a Env<'a>, times: Times) -> Result<Merge<'a>, QueryError> {
        let sub = |key: &Arc<Key>| {
            let at = self.subs.binary_search(key).unwrap_or_default();
            u32::try_from(at).unwrap_or(u32::MAX)
        };
        let mut cursors = Vec::new();
        for member in self.members {
            match member {
                Member::Series(member) => {
                    let parts = (member.table, &member.series, &member.rest);
                    let cursor = SeriesCursor::new(query, env, parts, times, sub(&member.key))?;
                    cursors.extend(cursor.map(|cursor| Cursor::Series(Box::new(cursor))));
                }
                Member::Rows(nested, rows) => {
                    let samples = rows.into_iter().filter_map(|(row, key)| nested.sample(&row, sub(&key)));
                    cursors.push(Cursor::Rows(samples.collect::<Vec<_>>().into_iter()));
                }
            }
        }
        Merge::new(cursors, !query.ascending)
    }
}

impl Nested {
    /// The sample that the outer query makes of a row; `None`: its condition leaves the row out.
    fn sample(&self, row: &Row, sub: u32) -> Option<Sample> {
        let cell = |mapping: &Mapping| mapping.cell(row);
        if let Some((program, mappings)) = &self.condition {
            let cells: Vec<Cell> = mappings.iter().map(cell).collect();
            if !program.holds(&cells, Use::Nested) {
                return None;
            }
        }
        Some(Sample {
            time: row.time,
            sub,
            cells: self.mappings.iter().map(cell).collect(),
        })
    }
}

impl Mapping {
    fn cell(&self, row: &Row) -> Cell {
        match self {
            Self::Column(at, kind) => {
                let value = row.cells.get(*at)?.as_ref()?;
                kind.and_then(|kind| cast(value, kind)).or_else(|| Some(value.clone()))
            }
            Self::Tag(name) => {
                let value = row.key.tags.iter().find(|(key, _)| **key == **name);
                Some(Scalar::String(
                    value.map_or_else(|| "".into(), |(_, value)| Arc::clone(value)),
                ))
            }
            Self::Nothing => None,
        }
    }
}

/// The groups of one reader, in order.
enum Queue<'a> {
    Series(Peekable<std::vec::IntoIter<(Key, Vec<SeriesMember<'a>>)>>),
    Rows(&'a Nested, Box<Peekable<RowIter<'a>>>),
}

/// Yields the groups of a query.
pub(super) struct Groups<'a> {
    query: &'a Query,
    queues: Vec<Queue<'a>>,
}

impl<'a> Groups<'a> {
    /// Finds the series of measurements.
    ///
    /// # Errors
    /// When they are too many.
    pub(super) fn new(query: &'a Query, env: &'a Env<'a>) -> Result<Self, QueryError> {
        let mut queues = Vec::new();
        for reader in &query.readers {
            queues.push(match reader {
                Reader::Table(table, filter) => {
                    Queue::Series(tagged(query, env, table, filter)?.into_iter().peekable())
                }
                Reader::Nested(nested) => Queue::Rows(nested, Box::new(run(&nested.query, env).peekable())),
            });
        }
        Ok(Self { query, queues })
    }

    /// The next group.
    ///
    /// # Errors
    /// Those of subqueries.
    pub(super) fn next(&mut self) -> Result<Option<Group<'a>>, QueryError> {
        let query = self.query;
        let mut next: Option<Key> = None;
        for queue in &mut self.queues {
            let Some(key) = queue.peek(query)? else {
                continue;
            };
            let is_first = next.as_ref().is_none_or(|first| {
                let order = key.cmp(first);
                order
                    == if query.ascending {
                        Ordering::Less
                    } else {
                        Ordering::Greater
                    }
            });
            if is_first {
                next = Some(key);
            }
        }
        let Some(key) = next else {
            return Ok(None);
        };
        let mut members = Vec::new();
        for queue in &mut self.queues {
            queue.take(query, &key, &mut members)?;
        }
        Ok(Some(Group::new(members)))
    }
}

impl<'a> Queue<'a> {
    fn peek(&mut self, query: &Query) -> Result<Option<Key>, QueryError> {
        match self {
            Self::Series(groups) => Ok(groups.peek().map(|(key, _)| key.clone())),
            Self::Rows(_, rows) => match rows.peek() {
                Some(Ok(row)) => Ok(Some(subset(&row.key, &query.dimensions))),
                Some(Err(error)) => Err(error.clone()),
                None => Ok(None),
            },
        }
    }

    fn take(&mut self, query: &Query, key: &Key, members: &mut Vec<Member<'a>>) -> Result<(), QueryError> {
        match self {
            Self::Series(groups) => {
                if let Some((_, series)) = groups.next_if(|(head, _)| head == key) {
                    members.extend(series.into_iter().map(Member::Series));
                }
            }
            Self::Rows(nested, rows) => {
                let mut taken: Vec<(Row, Arc<Key>)> = Vec::new();
                let mut last: Option<(Arc<Key>, Arc<Key>)> = None;
                while let Some(row) = rows.next_if(|row| match row {
                    Ok(row) => belongs(&row.key, key),
                    Err(_) => true,
                }) {
                    let row = row?;
                    let sub = match &last {
                        Some((of, sub)) if Arc::ptr_eq(of, &row.key) => Arc::clone(sub),
                        _ => Arc::new(subset(&row.key, &query.group_by)),
                    };
                    last = Some((Arc::clone(&row.key), Arc::clone(&sub)));
                    taken.push((row, sub));
                }
                if !taken.is_empty() {
                    members.push(Member::Rows(nested, taken));
                }
            }
        }
        Ok(())
    }
}

impl Key {
    /// The value of a tag.
    fn value(&self, tag: &str) -> Option<&Arc<str>> {
        self.tags
            .iter()
            .find(|(known, _)| **known == *tag)
            .map(|(_, value)| value)
    }
}

/// The key with only those tags, which are sorted; one that it does not have is empty.
fn subset(key: &Key, tags: &[Arc<str>]) -> Key {
    let value = |tag: &Arc<str>| key.value(tag).map_or_else(|| "".into(), Arc::clone);
    Key {
        name: Arc::clone(&key.name),
        tags: tags.iter().map(|tag| (Arc::clone(tag), value(tag))).collect(),
    }
}

/// Whether a row with that key belongs to that group.
fn belongs(key: &Key, group: &Key) -> bool {
    let has = |(tag, value): &(Arc<str>, Arc<str>)| key.value(tag).map_or("", |found| found) == &**value;
    key.name == group.name && group.tags.iter().all(has)
}

/// The series of a measurement by group.
fn tagged<'a>(
    query: &Query,
    env: &Env<'_>,
    table: &'a Table,
    filter: &Filter,
) -> Result<Vec<(Key, Vec<SeriesMember<'a>>)>, QueryError> {
    let key = |series: &Series, tags: &[Arc<str>]| Key {
        name: Arc::clone(&table.name),
        tags: tags
            .iter()
            .map(|tag| (Arc::clone(tag), tag_value(series, tag).into()))
            .collect(),
    };
    let mut groups: BTreeMap<Key, Vec<SeriesMember<'a>>> = BTreeMap::new();
    let mut found = 0;
    for series in env.source.series(&table.db, &table.name, &filter.superset()) {
        let rest = filter.rest(&series);
        if rest == Rest::None {
            continue;
        }
        found += 1;
        let of = key(&series, &query.dimensions);
        let member = SeriesMember {
            table,
            key: Arc::new(key(&series, &query.group_by)),
            series,
            rest,
        };
        groups.entry(of).or_default().push(member);
    }
    env.check_series(found)?;
    let mut ranked: Vec<_> = groups.into_iter().collect();
    ranked.sort_by_cached_key(|(key, _)| rank(key));
    let mut groups = page(ranked, query.series);
    groups.sort_by(|(a, _), (b, _)| a.cmp(b));
    if !query.ascending {
        groups.reverse();
    }
    Ok(groups)
}

/// The place of a group for `SLIMIT`: which tags it has, then their values; InfluxDB's `MakeTagsKey`.
fn rank(key: &Key) -> String {
    let has = || key.tags.iter().filter(|(_, value)| !value.is_empty());
    let parts: Vec<&str> = has()
        .map(|(tag, _)| &**tag)
        .chain(has().map(|(_, value)| &**value))
        .collect();
    parts.join("|")
}

/// `SLIMIT` and `SOFFSET` of one measurement.
fn page<T>(items: impl IntoIterator<Item = T>, page: Page) -> Vec<T> {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let limit = if page.limit == 0 { usize::MAX } else { size(page.limit) };
    items.into_iter().skip(size(page.offset)).take(limit).collect()
}
