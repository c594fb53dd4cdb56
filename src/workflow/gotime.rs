//! PURE. Points in time as Go reads and prints them: RFC 3339 with the offset that the author wrote.

use jiff::Timestamp;

use crate::base::TimestampNs;

/// A point in time and the offset from UTC that it was written with, and is printed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The point in time.
    pub at: Timestamp,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

impl Moment {
    /// The same, as near as nanoseconds in 64 bits can tell: the years 1677 to 2262.
    #[must_use]
    pub fn timestamp(self) -> TimestampNs {
        let nanos = self.at.as_nanosecond();
        let nearest = nanos.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        TimestampNs(i64::try_from(nearest).unwrap_or(i64::MAX))
    }
}
