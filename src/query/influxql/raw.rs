//! Queries without functions: points as they are.

use std::sync::Arc;

use super::env::Env;
use super::error::QueryError;
use super::group::{Group, Key};
use super::plan::Query;
use super::run::{Limiter, Row, RowIter, RowMaker};
use super::sample::Merge;

/// The rows of a group, read as they are asked for.
///
/// # Errors
/// Those of the source.
pub(super) fn rows<'a>(query: &'a Query, group: Group<'a>, env: &'a Env<'a>) -> Result<RowIter<'a>, QueryError> {
    Ok(Box::new(RawRows {
        subs: group.subs.clone(),
        samples: group.samples(query, env, query.read)?,
        maker: RowMaker::new(query),
        limiter: Limiter::new(query.rows),
    }))
}

struct RawRows<'a> {
    subs: Vec<Arc<Key>>,
    samples: Merge<'a>,
    maker: RowMaker<'a>,
    limiter: Limiter,
}

impl RawRows<'_> {
    fn next_row(&mut self) -> Result<Option<Row>, QueryError> {
        loop {
            if self.subs.len() == 1 && self.limiter.is_done() {
                return Ok(None);
            }
            let Some(sample) = self.samples.next()? else {
                return Ok(None);
            };
            if !self.limiter.admits(sample.sub) {
                continue;
            }
            self.maker.begin(sample.sub);
            for (at, cell) in sample.cells.iter().enumerate().take(self.maker.cells.len()) {
                self.maker.set(at, cell.clone());
            }
            let key = usize::try_from(sample.sub).ok().and_then(|sub| self.subs.get(sub));
            if let Some(key) = key {
                return Ok(Some(self.maker.row(sample.time, key)));
            }
        }
    }
}

impl Iterator for RawRows<'_> {
    type Item = Result<Row, QueryError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}
