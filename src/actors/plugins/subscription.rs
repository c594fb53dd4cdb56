//! What a started task holds of its plugins.

use std::sync::Arc;

use tokio::time::Instant;

use crate::{
    plugin::{Batches, CallError, StreamRequest},
    workflow::{
        Metric,
        plan::{Collect, Step},
    },
};

/// A started task's hold on the plugins of its plan. Dropping it lets go.
#[derive(Debug)]
pub struct Subscription {}

impl Subscription {
    /// Collects, from the cache what is fresh there.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Overdue`] when it cannot begin before `deadline`.
    pub async fn collect(&self, collect: &Collect, deadline: Instant) -> Result<Vec<Metric>, CallError> {
        let _ = (collect, deadline);
        Err(CallError::Unsupported("not supported yet".to_owned()))
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
        let _ = (step, metrics, deadline);
        Err(CallError::Unsupported("not supported yet".to_owned()))
    }

    /// Takes metrics away.
    ///
    /// # Errors
    /// See [`CallError`]; [`CallError::Overdue`] when it cannot begin before `deadline`.
    pub async fn publish(&self, step: &Step, metrics: Arc<[Metric]>, deadline: Instant) -> Result<(), CallError> {
        let _ = (step, metrics, deadline);
        Err(CallError::Unsupported("not supported yet".to_owned()))
    }

    /// Lets a streaming collector send.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn stream(&self, collect: &Collect, request: StreamRequest) -> Result<Batches, CallError> {
        let _ = (collect, request);
        Err(CallError::Unsupported("not supported yet".to_owned()))
    }

    /// Lets go of the plugins, and returns when those that nobody else holds are stopped. A second call does nothing.
    pub async fn end(&self) {}
}
