//! A task's hold on its plugins, which is renewed when what its manifest means has changed.

use std::sync::Arc;

use crate::workflow::{manifest::Manifest, plan::Plan};

use super::calls::{Calls, Plugins};

/// What a running task calls.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// What to call.
    pub(super) plan: Arc<Plan>,
    /// How.
    pub(super) calls: Arc<dyn Calls>,
    /// When it was known to be what the manifest means.
    epoch: u64,
}

/// Holds what the manifest means now. What was held before and is wanted no more is let go.
///
/// # Errors
/// Everything that is wrong; what was held stays held.
pub(super) async fn hold(
    plugins: &dyn Plugins,
    (id, manifest): (&str, &Arc<Manifest>),
    held: Option<Held>,
) -> Result<Held, Vec<String>> {
    let epoch = plugins.epoch();
    let held = match held {
        Some(held) if held.epoch == epoch => return Ok(held),
        other => other,
    };
    let plan = plugins.resolve(manifest).await?;
    if let Some(held) = &held
        && *held.plan == plan
        && !held.calls.is_outdated()
    {
        return Ok(Held { epoch, ..held.clone() });
    }
    let calls = plugins.subscribe(id, manifest, &plan).await?;
    if let Some(held) = held {
        held.calls.end().await;
    }
    let plan = Arc::new(plan);
    Ok(Held { plan, calls, epoch })
}
