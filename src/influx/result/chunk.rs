//! Chunked answers: cutting a statement's result into documents, and joining documents again.
//!
//! influxd sends one document per chunk, each with one statement and one series. It cuts in three ways, by statement:
//! see [`ChunkBy`]. `partial` on a series says that its rows go on in the next document, `partial` on a result that the
//! statement does.

use std::num::NonZeroUsize;

use super::{Response, Series, StatementResult, Value};

/// Rows per chunk when the client does not say (`chunk_size` missing, not a number, or not positive).
pub const DEFAULT_CHUNK_ROWS: NonZeroUsize = NonZeroUsize::new(10_000).expect("it is not zero");

/// Where influxd cuts the result of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChunkBy {
    /// After that many rows, and after each series: `SELECT` and what influxd rewrites to it (`SHOW SERIES`,
    /// `SHOW FIELD KEYS`, exact cardinalities).
    Rows(NonZeroUsize),
    /// After each series however long, without saying `partial`: `SHOW TAG KEYS`, `SHOW TAG VALUES`.
    Series,
    /// Not at all: every other statement.
    Statement,
}

/// Reads the parameter `chunk_size`.
#[must_use]
pub fn rows_per_chunk(parameter: &str) -> NonZeroUsize {
    parameter.parse().unwrap_or(DEFAULT_CHUNK_ROWS)
}

/// Cuts a result into chunks, at least one; the messages go with the first, error and `partial` with the last.
pub fn split(result: StatementResult, by: ChunkBy) -> impl Iterator<Item = StatementResult> {
    let mut tail = result;
    let mut pieces = cut_series(std::mem::take(&mut tail.series), by).peekable();
    let whole = (by == ChunkBy::Statement).then(|| pieces.by_ref().collect::<Vec<_>>());
    let mut messages = std::mem::take(&mut tail.messages);
    let mut next = Some(whole.unwrap_or_else(|| pieces.next().into_iter().collect()));
    std::iter::from_fn(move || {
        let series = next.take()?;
        next = pieces.next().map(|piece| vec![piece]);
        let is_last = next.is_none();
        Some(StatementResult {
            statement_id: tail.statement_id,
            series,
            messages: std::mem::take(&mut messages),
            error: tail.error.take_if(|_| is_last),
            partial: if is_last {
                tail.partial
            } else {
                matches!(by, ChunkBy::Rows(_))
            },
        })
    })
}

/// The series, each in pieces of the wanted length; one without rows stays one piece.
fn cut_series(series: Vec<Series>, by: ChunkBy) -> impl Iterator<Item = Series> {
    let most = match by {
        ChunkBy::Rows(rows) => rows.get(),
        ChunkBy::Series | ChunkBy::Statement => usize::MAX,
    };
    series.into_iter().flat_map(move |mut head| {
        let mut rows = std::mem::take(&mut head.values).into_iter();
        let mut next: Option<Vec<Vec<Value>>> = Some(rows.by_ref().take(most).collect());
        std::iter::from_fn(move || {
            let values = next.take()?;
            next = Some(rows.by_ref().take(most).collect()).filter(|values: &Vec<_>| !values.is_empty());
            let partial = next.is_some() || head.partial;
            Some(Series {
                values,
                partial,
                ..head.clone()
            })
        })
    })
}

impl Response {
    /// Continues this answer with the next document of the same stream.
    ///
    /// A result with the `statement_id` of the last one continues it; its first series continues the last series when
    /// that one was `partial` and they are the same by name, tags and columns.
    pub fn append(&mut self, next: Self) {
        for result in next.results {
            match self.results.last_mut() {
                Some(last) if last.statement_id == result.statement_id => last.append(result),
                _ => self.results.push(result),
            }
        }
        self.error = self.error.take().or(next.error);
    }
}

impl StatementResult {
    /// Continues this result with its next chunk. An error takes the place of the series, as in influxd's answers that
    /// are not chunked.
    pub fn append(&mut self, next: Self) {
        if next.error.is_some() {
            self.series.clear();
        }
        let mut series = next.series.into_iter().peekable();
        if let Some(last) = self.series.last_mut()
            && last.partial
            && let Some(more) = series.next_if(|more| more.identity() == last.identity())
        {
            last.values.extend(more.values);
            last.partial = more.partial;
        }
        self.series.extend(series);
        self.messages.extend(next.messages);
        self.error = self.error.take().or(next.error);
        self.partial = next.partial;
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::json, *};

    fn check(result: &str, by: ChunkBy, expect: &[&str]) {
        let whole = json(result);
        let chunks: Vec<Response> = split(whole.results[0].clone(), by).map(Response::from).collect();
        assert_eq!(chunks, expect.iter().map(|text| json(text)).collect::<Vec<_>>());
        let mut joined = Response::default();
        chunks.into_iter().for_each(|chunk| joined.append(chunk));
        assert_eq!(joined, whole);
    }

    const TWO_SERIES: &str = r#"{"results":[{"statement_id":3,"series":[
        {"name":"a","columns":["v"],"values":[[1],[2],[3]]},{"name":"b","columns":["v"],"values":[[4],[5]]}],
        "messages":[{"level":"warning","text":"t"}]}]}"#;

    #[test]
    fn rows_are_cut_and_said_to_go_on() {
        let rows = ChunkBy::Rows(NonZeroUsize::new(2).unwrap());
        check(
            TWO_SERIES,
            rows,
            &[
                r#"{"results":[{"statement_id":3,"series":[{"name":"a","columns":["v"],"values":[[1],[2]],"partial":true}],
                    "messages":[{"level":"warning","text":"t"}],"partial":true}]}"#,
                r#"{"results":[{"statement_id":3,"series":[{"name":"a","columns":["v"],"values":[[3]]}],"partial":true}]}"#,
                r#"{"results":[{"statement_id":3,"series":[{"name":"b","columns":["v"],"values":[[4],[5]]}]}]}"#,
            ],
        );
        let nothing = r#"{"results":[{"statement_id":1,"error":"e"}]}"#;
        check(nothing, rows, &[nothing]);
        let no_rows = r#"{"results":[{"statement_id":1,"series":[{"name":"a","columns":["v"]}]}]}"#;
        check(no_rows, rows, &[no_rows]);
        let cut_off = r#"{"results":[{"series":[{"columns":["v"],"values":[[1]],"partial":true}],"partial":true}]}"#;
        check(cut_off, rows, &[cut_off]);
    }

    #[test]
    fn listings_are_cut_between_series_or_not_at_all() {
        let listing = r#"{"results":[{"statement_id":0,"series":[
            {"name":"a","columns":["k"],"values":[[1],[2]]},{"name":"b","columns":["k"],"values":[[4]]}]}]}"#;
        check(
            listing,
            ChunkBy::Series,
            &[
                r#"{"results":[{"statement_id":0,"series":[{"name":"a","columns":["k"],"values":[[1],[2]]}]}]}"#,
                r#"{"results":[{"statement_id":0,"series":[{"name":"b","columns":["k"],"values":[[4]]}]}]}"#,
            ],
        );
        check(listing, ChunkBy::Statement, &[listing]);
        check(TWO_SERIES, ChunkBy::Statement, &[TWO_SERIES]);
    }

    #[test]
    fn chunk_size_falls_back() {
        for (parameter, rows) in [
            ("2", 2),
            ("", 10_000),
            ("0", 10_000),
            ("-1", 10_000),
            (" 2", 10_000),
            ("x", 10_000),
        ] {
            assert_eq!(rows_per_chunk(parameter).get(), rows);
        }
    }
}
