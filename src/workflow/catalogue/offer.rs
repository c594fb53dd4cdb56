//! PURE. What a collector offers when it is loaded.

use crate::{
    base::TimestampNs,
    workflow::{
        Metric,
        namespace::check::{BadNamespace, offered},
    },
};

/// A collector offers something that cannot be asked for. Snap's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadOffer {
    /// A namespace is not allowed.
    #[error(transparent)]
    Namespace(#[from] BadNamespace),
    /// A version is below 0.
    #[error("Bad metric version from plugin")]
    Version,
}

/// Checks what a collector of that version offers, and completes it: a metric of version 0 has the plugin's, and one
/// without a time of advertisement is advertised `now`.
///
/// # Errors
/// The first thing that is wrong.
pub fn accept(metrics: Vec<Metric>, plugin_version: i64, now: TimestampNs) -> Result<Vec<Metric>, BadOffer> {
    let complete = |mut metric: Metric| {
        offered(&metric.namespace)?;
        match metric.version {
            ..0 => return Err(BadOffer::Version),
            0 => metric.version = plugin_version,
            _ => {}
        }
        metric.last_advertised.get_or_insert(now);
        Ok(metric)
    };
    metrics.into_iter().map(complete).collect()
}
