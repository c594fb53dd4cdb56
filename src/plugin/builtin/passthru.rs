//! The processor `passthru`: Snap's example; its output is its input.

use std::{future::ready, sync::Arc};

use crate::workflow::{Config, Metric, PluginType};

use super::{
    super::{Answer, Instance},
    Builtin, description,
    options::{optional_flag, rules},
};

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Processor,
    name: "passthru",
    version: 1,
    prefix: &[],
    files: &["snap-plugin-processor-passthru"],
    describe: |_| Ok(description(&V1, rules([("debug", optional_flag(None))]), Vec::new())),
    start: |_| Arc::new(Passthru),
};

#[derive(Debug)]
struct Passthru;

impl Instance for Passthru {
    fn process(&self, metrics: Arc<[Metric]>, _config: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        Box::pin(ready(Ok(metrics.to_vec())))
    }
}
