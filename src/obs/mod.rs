//! How Gyre shows itself: metrics, logs, and panics that do not pass unseen.

mod gauges;
mod logging;
mod metrics;

pub use gauges::{Labels, Sample, observe};
pub use logging::{LogFormat, install_logging, install_panic_hook};
pub use metrics::{BackendMetrics, HttpMetrics, Metrics, WriteMetrics};
