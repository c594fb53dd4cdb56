//! What a task needs of the plugins: what its manifest means, a hold on them, and calls.
//!
//! [`PluginsHandle`] gives all that; tests put scripted plugins in its place.

use std::{fmt, sync::Arc};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::time::Instant;

use crate::{
    plugin::{Answer, Batches, StreamRequest},
    workflow::{
        Metric,
        manifest::Manifest,
        plan::{Collect, Plan, Step},
    },
};

use super::super::plugins::{PluginsHandle, Subscription};

/// Where the plugins of all tasks are found.
pub(super) trait Plugins: fmt::Debug + Send + Sync {
    /// Raised by everything that may change what a manifest means.
    fn epoch(&self) -> u64;

    /// What the manifest means now, or everything that is wrong with it.
    fn resolve<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<Plan, Vec<String>>>;

    /// Takes hold of every plugin of the plan for that task, and starts those that do not run.
    fn subscribe<'a>(
        &'a self,
        task: &'a str,
        manifest: &'a Arc<Manifest>,
        plan: &'a Plan,
    ) -> BoxFuture<'a, Result<Arc<dyn Calls>, Vec<String>>>;
}

/// The plugins that one task holds; dropping it lets go of them.
pub(super) trait Calls: fmt::Debug + Send + Sync {
    /// Collects; refused when it cannot begin before the deadline.
    fn collect<'a>(&'a self, collect: &'a Collect, deadline: Instant) -> Answer<'a, Vec<Metric>>;

    /// Changes metrics; refused when it cannot begin before the deadline.
    fn process<'a>(&'a self, step: &'a Step, metrics: Arc<[Metric]>, deadline: Instant) -> Answer<'a, Vec<Metric>>;

    /// Takes metrics away; refused when it cannot begin before the deadline.
    fn publish<'a>(&'a self, step: &'a Step, metrics: Arc<[Metric]>, deadline: Instant) -> Answer<'a, ()>;

    /// Lets a streaming collector send.
    fn stream<'a>(&'a self, collect: &'a Collect, request: StreamRequest) -> Answer<'a, Batches>;

    /// Whether a plugin was unloaded since, so that the same plan means another one now.
    fn is_outdated(&self) -> bool;

    /// Lets go of the plugins; returns when those that nobody else holds are stopped.
    fn end(&self) -> BoxFuture<'_, ()>;
}

impl Plugins for PluginsHandle {
    fn epoch(&self) -> u64 {
        self.epoch()
    }

    fn resolve<'a>(&'a self, manifest: &'a Manifest) -> BoxFuture<'a, Result<Plan, Vec<String>>> {
        self.resolve(manifest).boxed()
    }

    fn subscribe<'a>(
        &'a self,
        task: &'a str,
        manifest: &'a Arc<Manifest>,
        plan: &'a Plan,
    ) -> BoxFuture<'a, Result<Arc<dyn Calls>, Vec<String>>> {
        async move { Ok(Arc::new(self.subscribe(task, manifest, plan).await?) as Arc<dyn Calls>) }.boxed()
    }
}

impl Calls for Subscription {
    fn collect<'a>(&'a self, collect: &'a Collect, deadline: Instant) -> Answer<'a, Vec<Metric>> {
        self.collect(collect, deadline).boxed()
    }

    fn process<'a>(&'a self, step: &'a Step, metrics: Arc<[Metric]>, deadline: Instant) -> Answer<'a, Vec<Metric>> {
        self.process(step, metrics, deadline).boxed()
    }

    fn publish<'a>(&'a self, step: &'a Step, metrics: Arc<[Metric]>, deadline: Instant) -> Answer<'a, ()> {
        self.publish(step, metrics, deadline).boxed()
    }

    fn stream<'a>(&'a self, collect: &'a Collect, request: StreamRequest) -> Answer<'a, Batches> {
        self.stream(collect, request).boxed()
    }

    fn is_outdated(&self) -> bool {
        self.is_outdated()
    }

    fn end(&self) -> BoxFuture<'_, ()> {
        self.end().boxed()
    }
}
