//! The table that is printed: a column for each server, and how the peers stand to the first.

use std::fmt::{self, Display, Formatter};

/// Width of a figure, and of a ratio behind it.
const FIGURE: usize = 12;
const RATIO: usize = 8;

/// Rows of figures; the first column is what the others are divided by.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<(String, Vec<f64>)>,
    notes: Vec<&'static str>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new(title: String, columns: impl Iterator<Item = &'static str>) -> Self {
        Self {
            title,
            columns: columns.collect(),
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Appends a row with a figure for each column.
    pub(crate) fn row(&mut self, name: String, figures: Vec<f64>) {
        self.rows.push((name, figures));
    }

    /// Appends a line below the table.
    pub(crate) fn note(&mut self, text: &'static str) {
        self.notes.push(text);
    }
}

impl Display for Table {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let names = self
            .rows
            .iter()
            .map(|(name, _)| name.chars().count())
            .max()
            .unwrap_or(0);
        writeln!(out, "{}\n", self.title)?;
        write!(out, "{:names$}", "")?;
        for (n, column) in self.columns.iter().enumerate() {
            let width = if n == 0 { FIGURE } else { FIGURE + RATIO };
            write!(out, " {column:>width$}")?;
        }
        writeln!(out)?;
        for (name, figures) in &self.rows {
            write!(out, "{name:names$}")?;
            let first = figures.first().copied().unwrap_or_default();
            for (n, figure) in figures.iter().enumerate() {
                write!(out, " {:>FIGURE$}", shortened(*figure))?;
                if n > 0 {
                    write!(out, "{:>RATIO$}", format!("x{:.2}", figure / first))?;
                }
            }
            writeln!(out)?;
        }
        writeln!(out, "\nx: the figure divided by that of the first column")?;
        self.notes.iter().try_for_each(|note| writeln!(out, "{note}"))
    }
}

/// Three digits, or all before the point.
fn shortened(figure: f64) -> String {
    let decimals = match figure {
        figure if figure < 1.0 => 3,
        figure if figure < 10.0 => 2,
        figure if figure < 100.0 => 1,
        _ => 0,
    };
    format!("{figure:.decimals$}")
}
