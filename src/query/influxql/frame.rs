//! The samples of a group in memory, for functions that look at them more than once.

use super::error::QueryError;
use super::expr::Cell;
use super::functions::Point;
use super::sample::Merge;

/// Samples in order of time.
#[derive(Debug, Default)]
pub(super) struct Frame {
    times: Vec<i64>,
    subs: Vec<u32>,
    /// As many for each sample as the query has needs.
    cells: Vec<Cell>,
    width: usize,
}

/// A point of one of the group's tag sets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TaggedPoint {
    pub(super) sub: u32,
    pub(super) point: Point,
}

impl Frame {
    /// Reads all samples.
    ///
    /// # Errors
    /// Those of the source.
    pub(super) fn read(mut samples: Merge<'_>, width: usize) -> Result<Self, QueryError> {
        let mut frame = Self {
            width,
            ..Self::default()
        };
        while let Some(sample) = samples.next()? {
            frame.times.push(sample.time);
            frame.subs.push(sample.sub);
            frame.cells.extend(sample.cells.iter().take(width).cloned());
        }
        Ok(frame)
    }

    /// A cell of a sample.
    pub(super) fn cell(&self, row: u32, need: usize) -> Cell {
        let row = usize::try_from(row).ok()?;
        self.cells.get(row * self.width + need)?.clone()
    }

    /// The samples that have a value for that need.
    pub(super) fn points(&self, need: usize) -> Vec<TaggedPoint> {
        let mut points = Vec::new();
        if need >= self.width {
            return points;
        }
        for (row, (&time, &sub)) in self.times.iter().zip(&self.subs).enumerate() {
            let value = self.cells.get(row * self.width + need).cloned().flatten();
            if let (Some(value), Ok(row)) = (value, u32::try_from(row)) {
                let point = Point { time, value, row };
                points.push(TaggedPoint { sub, point });
            }
        }
        points
    }
}
