//! Tables of statements with what a live server answered.

/// Statements that fail as a whole request.
pub(super) const PARSE_ERRORS: &str = include_str!("testdata/parse_errors.txt");
/// Statements that parse and fail by themselves.
pub(super) const STATEMENT_ERRORS: &str = include_str!("testdata/statement_errors.txt");
/// Statements that run.
pub(super) const ACCEPTED: &str = include_str!("testdata/accepted.txt");

/// The lines of a table that are no remarks.
pub(super) fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The statements of a table with their errors.
pub(super) fn errors(table: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    lines(table).filter_map(|line| line.split_once(" => "))
}
