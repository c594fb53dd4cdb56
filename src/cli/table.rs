//! Tables for the eye.

use std::io;

use super::out;

/// Prints rows below their headings, each column as wide as its widest cell; control characters, which a name may hold,
/// are escaped. The error is for [`out::end`].
pub(crate) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> io::Result<()> {
    lines(headings, rows).into_iter().try_for_each(out::line)
}

/// The lines of such a table, the headings first.
pub(crate) fn lines<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Vec<String> {
    let rows = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| cell.escape_debug().to_string()));
    let rows: Vec<_> = [headings.map(str::to_owned)].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The first characters of a text that has more than `most`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["a".to_owned(), "long one".to_owned()],
            ["b\n".to_owned(), String::new()],
        ];
        assert_eq!(lines(["X", "Y"], &rows), ["X    Y", "a    long one", "b\\n"]);
    }

    #[test]
    fn cuts_characters_not_bytes() {
        assert_eq!(cut("größe", 3), "grö");
        assert_eq!(cut("a", 3), "a");
    }
}
