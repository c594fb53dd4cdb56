//! The task of a first start: this machine's metrics into a database, so that there is something to see.

use crate::{
    base::TimestampNs,
    workflow::manifest::{self, Manifest, ManifestError},
};

/// Its id, by which it is known when Gyre starts again; "gyre" and "hostme" in hexadecimal.
pub(super) const ID: &str = "67797265-0000-4000-8000-686f73746d65";

/// It never gives up: the machine's metrics are wanted again when whatever was in their way is gone.
const TEXT: &str = r#"{
    "version": 1,
    "name": "host metrics",
    "schedule": {"type": "simple", "interval": "10s"},
    "start": true,
    "max-failures": -1,
    "workflow": {
        "collect": {
            "metrics": {"/host/*": {}},
            "publish": [
                {"plugin_name": "influxdb", "config": {"database": "gyre", "multi_fields": true}}
            ]
        }
    }
}"#;

/// The task's manifest.
///
/// # Errors
/// Never, as the text stands.
pub(super) fn manifest(now: TimestampNs) -> Result<Manifest, ManifestError> {
    manifest::from_json(TEXT.as_bytes(), now)
}
