//! Loading: a plugin is started once, asked what it is and what it can do, and ended again.
//!
//! ```text
//! start -> Ping -> GetConfigPolicy -> GetMetricTypes (collectors) -> Kill -> SIGKILL when it is still there
//! ```

use std::time::Duration;

use crate::workflow::{Config, Metric, PluginKey, namespace::check, policy::Policy};

use super::{Description, Launch, LoadError, Program, Running};

/// The global configuration of a plugin that has just said which one it is.
pub type GlobalConfigOf<'a> = &'a (dyn Fn(&PluginKey) -> Config + Send + Sync);

/// What plugins are told when they are no longer needed after loading.
const REASON: &str = "Retrieved necessary plugin info";
/// How long a plugin that has done nothing yet may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Starts a plugin, asks what it is, and ends it; one that stands alone goes on.
///
/// # Errors
/// When it does not start, does not say what it is, cannot be spoken with, or says what no plugin may say.
pub async fn load(launch: &Launch, global: GlobalConfigOf<'_>) -> Result<Description, LoadError> {
    let running = Running::start(launch).await?;
    let description = describe(&running, global).await?;
    if matches!(launch.program, Program::File { .. }) {
        running.end(REASON, GRACE).await;
    }
    Ok(description)
}

async fn describe(running: &Running, global: GlobalConfigOf<'_>) -> Result<Description, LoadError> {
    let (meta, client) = (running.meta(), running.client());
    client.ping().await?;
    let policy = client.policy().await?;
    let metrics = if meta.key.kind.collects() {
        let config = with_defaults(&policy, global(&meta.key));
        offered(client.metric_types(&config).await?, meta.key.version)?
    } else {
        Vec::new()
    };
    // Snap too asks for all of it before it looks at this.
    match running.failure() {
        Some(failure) => Err(LoadError::Failed(failure.to_owned())),
        None => Ok(Description {
            meta: meta.clone(),
            policy,
            metrics,
        }),
    }
}

/// All defaults of a plugin, wherever they apply, and above them what is configured for it.
fn with_defaults(policy: &Policy, global: Config) -> Config {
    let rules = policy.nodes.values().flatten();
    let defaults = rules.filter_map(|(name, rule)| Some((name.clone(), rule.kind.default_value()?)));
    defaults.chain(global).collect()
}

/// What a collector may offer; metrics without a version have the plugin's.
fn offered(mut metrics: Vec<Metric>, version: i64) -> Result<Vec<Metric>, LoadError> {
    for metric in &mut metrics {
        if metric.version < 1 {
            metric.version = version;
        }
        if metric.version < 1 {
            return Err(LoadError::BadVersion);
        }
        check::offered(&metric.namespace)?;
    }
    Ok(metrics)
}

#[cfg(test)]
mod tests;
