//! Query execution over whoever holds the points.

pub mod influxql;
pub mod source;
