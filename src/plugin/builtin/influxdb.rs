//! The publisher `influxdb`: metrics become points of Gyre's own databases, or of another InfluxDB.
//!
//! | setting | Snap's | meaning |
//! |---|---|---|
//! | `database` | | where to |
//! | `policy` | `retention` | the retention policy; its database's default when empty |
//! | `url` | `scheme`, `host`, `port` | the InfluxDB to write to; Gyre's own write path when empty |
//! | `username`, `password` | `user` | for that InfluxDB |
//! | `multi_fields` | `isMultiFields` | how metrics become points, see [`encode`] |
//!
//! What Snap's own publisher called a setting is understood too.

mod encode;
mod settings;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::workflow::{Config, Metric, PluginType, policy::Rules};

use super::{
    super::{Answer, CallError, Instance},
    Builtin, Deps, description,
    options::{optional_flag, optional_integer, optional_text, required_text, rules},
};

use settings::Settings;

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Publisher,
    name: "influxdb",
    version: 1,
    prefix: &[],
    files: &["snap-plugin-publisher-influxdb"],
    describe: |_| Ok(description(&V1, all_rules(), Vec::new())),
    start: |deps| Arc::new(Influxdb { deps: deps.clone() }),
};

/// Time for one write to another InfluxDB.
const TIMEOUT: Duration = Duration::from_secs(9);

fn all_rules() -> Rules {
    rules([
        ("database", required_text()),
        ("policy", optional_text(Some(""))),
        ("url", optional_text(Some(""))),
        ("username", optional_text(Some(""))),
        ("password", optional_text(Some(""))),
        ("multi_fields", optional_flag(Some(false))),
        ("retention", optional_text(None)),
        ("scheme", optional_text(None)),
        ("host", optional_text(None)),
        ("port", optional_integer(None, 1, 65_535)),
        ("user", optional_text(None)),
        ("isMultiFields", optional_flag(None)),
    ])
}

#[derive(Debug)]
struct Influxdb {
    deps: Deps,
}

impl Instance for Influxdb {
    fn publish(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, ()> {
        Box::pin(async move {
            let settings = Settings::of(&config);
            let encoded = encode::encode(&metrics, settings.multi_fields, self.deps.clock.now());
            self.deps.dropped_values.fetch_add(encoded.dropped, Ordering::Relaxed);
            if encoded.lines.is_empty() {
                return Ok(());
            }
            let lines = encoded.lines.into();
            let Some(server) = &settings.server else {
                return self.deps.sink.write(settings.database, settings.policy, lines).await;
            };
            let url = settings.write_url(server).map_err(CallError::Plugin)?;
            let sent = self.deps.http.post(&url, settings.user, lines, TIMEOUT).await;
            sent.map_err(|error| CallError::Plugin(format!("influxdb: {error}")))
        })
    }
}

#[cfg(test)]
mod tests;
