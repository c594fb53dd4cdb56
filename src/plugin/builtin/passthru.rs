//! The processor `passthru`: Snap's example; its output is its input.

use std::{collections::BTreeMap, future::ready, sync::Arc};

use crate::workflow::{
    Config, Metric, PluginType,
    policy::{Rule, RuleKind},
};

use super::{
    super::{Answer, Instance},
    Builtin, description,
};

/// Its only version.
pub(super) const V1: Builtin = Builtin {
    kind: PluginType::Processor,
    name: "passthru",
    version: 1,
    prefix: &[],
    files: &["snap-plugin-processor-passthru"],
    describe: |_| {
        let debug = Rule {
            kind: RuleKind::Bool { default: None },
            required: false,
        };
        let rules = BTreeMap::from([("debug".to_owned(), debug)]);
        Ok(description(&V1, rules, Vec::new()))
    },
    start: |_| Arc::new(Passthru),
};

#[derive(Debug)]
struct Passthru;

impl Instance for Passthru {
    fn process(&self, metrics: Arc<[Metric]>, _config: Arc<Config>) -> Answer<'_, Vec<Metric>> {
        Box::pin(ready(Ok(metrics.to_vec())))
    }
}
