//! What InfluxDB 1.x speaks. Pure: no runtime, no files, no sockets.

pub mod flux;
pub mod influxql;
pub mod line;
pub mod result;
