//! What can be set.

/// Limits and sizes of an engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Memory of points at which a flush is due, bytes.
    pub memtable_bytes: usize,
    /// Series that one database may have; points of more are dropped. InfluxDB's `max-series-per-database`; 0: any.
    pub max_series_per_database: usize,
    /// Values that one tag key of a measurement may have. InfluxDB's `max-values-per-tag`; 0: any.
    pub max_values_per_tag: usize,
    /// Length at which compaction begins another block file.
    pub max_file_bytes: u64,
    /// Runs of a shard group that are compacted as soon as there are so many of like size.
    pub compaction_fan_in: usize,
    /// Length of a run that is not compacted any more with others.
    pub max_run_bytes: u64,
}

impl Default for Options {
    /// Fit for a machine with some gigabytes of memory.
    fn default() -> Self {
        Self {
            memtable_bytes: 128 << 20,
            max_series_per_database: 1_000_000,
            max_values_per_tag: 100_000,
            max_file_bytes: 256 << 20,
            compaction_fan_in: 4,
            max_run_bytes: 2 << 30,
        }
    }
}
