//! The publisher `prometheus`: keeps the last value of every series for whoever scrapes `GET /telemetry/metrics`.

mod last_values;

pub use last_values::LastValues;
