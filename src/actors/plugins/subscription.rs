//! What a started task holds of its plugins.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use crate::{
    plugin::{Batches, CallError, StreamRequest},
    workflow::{
        Metric, PluginKey,
        plan::{Collect, Step},
        pool::NoInstance,
    },
};

use super::pool::{Hold, Pool};

/// A started task's hold on the plugins of its plan. Dropping it lets go.
#[derive(Debug)]
pub struct Subscription {
    task: Arc<str>,
    holds: BTreeMap<PluginKey, Hold>,
}

impl Subscription {
    pub(super) fn new(task: Arc<str>, holds: BTreeMap<PluginKey, Hold>) -> Self {
        Self { task, holds }
    }

    /// Collects, from the cache what is fresh there.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Overdue`] when it cannot begin before `deadline`.
    pub async fn collect(&self, collect: &Collect, deadline: Instant) -> Result<Vec<Metric>, CallError> {
        self.pool(&collect.plugin)?.collect(&self.task, collect, deadline).await
    }

    /// Changes metrics.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Overdue`] when it cannot begin before `deadline`.
    pub async fn process(
        &self,
        step: &Step,
        metrics: Arc<[Metric]>,
        deadline: Instant,
    ) -> Result<Vec<Metric>, CallError> {
        self.pool(&step.plugin)?
            .process(&self.task, step, metrics, deadline)
            .await
    }

    /// Takes metrics away.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Overdue`] when it cannot begin before `deadline`.
    pub async fn publish(&self, step: &Step, metrics: Arc<[Metric]>, deadline: Instant) -> Result<(), CallError> {
        self.pool(&step.plugin)?
            .publish(&self.task, step, metrics, deadline)
            .await
    }

    /// Lets a streaming collector send.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stream(&self, collect: &Collect, request: StreamRequest) -> Result<Batches, CallError> {
        self.pool(&collect.plugin)?.stream(&self.task, collect, request).await
    }

    /// Lets go of the plugins, and returns when those that nobody else needs are stopped. A second call does nothing.
    pub async fn end(&self) {
        futures_util::future::join_all(self.holds.values().map(Hold::end)).await;
    }

    /// Whether a plugin of the plan was unloaded since: what is loaded under its key now is another one.
    #[must_use]
    pub fn is_outdated(&self) -> bool {
        self.holds.values().any(|hold| hold.pool().is_unloaded())
    }

    /// The pool of a plugin of the plan.
    fn pool(&self, key: &PluginKey) -> Result<&Pool, CallError> {
        let hold = self.holds.get(key).ok_or(NoInstance)?;
        Ok(hold.pool())
    }
}
