//! One run of a workflow: what is collected gets its tags and goes through all steps; then the watchers see it.

use std::{future::ready, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{
    FutureExt,
    future::{BoxFuture, join, join_all},
};
use tokio::time::Instant;

use crate::{
    plugin::CallError,
    workflow::{
        Metric, event,
        manifest::Manifest,
        plan::{Plan, Step},
        tags::TagRules,
    },
};

use super::{
    calls::Calls,
    directory::Entry,
    source::{Held, hold},
    world::World,
};

/// Stands for "never" where a deadline is too far away to be said.
const FAR: Duration = Duration::from_secs(365 * 86_400);

/// What the runs of a task need, from one start of it to its end.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) world: Arc<World>,
    pub(super) entry: Arc<Entry>,
    pub(super) manifest: Arc<Manifest>,
    pub(super) tags: Arc<TagRules>,
}

/// What came of a run.
#[derive(Debug)]
pub(super) struct Done {
    /// What the task holds now.
    pub(super) held: Option<Held>,
    /// What the jobs that failed said.
    pub(super) failures: Vec<String>,
}

impl Job {
    /// Fires once. Never fails: whatever goes wrong is in the answer.
    pub(super) async fn fire(self, held: Option<Held>) -> Done {
        let before = held.clone();
        let fired = AssertUnwindSafe(self.try_fire(held)).catch_unwind().await;
        fired.unwrap_or_else(|_| Done {
            held: before,
            failures: vec![panicked()],
        })
    }

    async fn try_fire(&self, held: Option<Held>) -> Done {
        let deadline = self.deadline();
        let held = match self.hold(held.clone()).await {
            Ok(held) => held,
            Err(errors) => {
                let failures = vec![errors.join(" -- ")];
                return Done { held, failures };
            }
        };
        let (collected, mut failures) = collect(&held, deadline).await;
        if let Some(mut metrics) = collected {
            metrics.iter_mut().for_each(|metric| self.tags.apply(metric));
            failures.extend(self.hand_on(&held, metrics.into(), deadline).await);
        }
        let held = Some(held);
        Done { held, failures }
    }

    /// Holds what the manifest means now; everything that is wrong otherwise.
    pub(super) async fn hold(&self, held: Option<Held>) -> Result<Held, Vec<String>> {
        hold(&*self.world.plugins, (&self.entry.id, &self.manifest), held).await
    }

    /// Processes and publishes what was collected, then tells the watchers what that was; the failures.
    pub(super) async fn hand_on(&self, held: &Held, metrics: Arc<[Metric]>, deadline: Instant) -> Vec<String> {
        let Plan { process, publish, .. } = &*held.plan;
        let failures = hand_on((process, publish), Arc::clone(&metrics), (&*held.calls, deadline)).await;
        self.entry.channel.send(|| event::metric_event(&metrics));
        failures
    }

    /// The latest moment at which a job of a run that begins now may begin.
    pub(super) fn deadline(&self) -> Instant {
        let now = Instant::now();
        now.checked_add(self.manifest.deadline).unwrap_or_else(|| now + FAR)
    }
}

/// What watchers and the operator are told of a bug; the panic itself is in the log.
pub(super) fn panicked() -> String {
    "internal error: the task's run ended with a panic".to_owned()
}

/// Asks all collectors at once. One that fails keeps nobody from the metrics of the others; `None` when all failed.
async fn collect(held: &Held, deadline: Instant) -> (Option<Vec<Metric>>, Vec<String>) {
    let asked = held.plan.collect.iter();
    let answers = join_all(asked.map(|collect| held.calls.collect(collect, deadline))).await;
    let (mut collected, mut failures) = (None::<Vec<Metric>>, Vec::new());
    for answer in answers {
        match (answer, &mut collected) {
            (Ok(metrics), Some(collected)) => collected.extend(metrics),
            (Ok(metrics), None) => collected = Some(metrics),
            (Err(error), _) => failures.push(error.to_string()),
        }
    }
    (collected, failures)
}

/// Hands metrics to processors and publishers at once, and what a processor makes of them to its own; the failures in
/// the order of the workflow.
fn hand_on<'a>(
    (process, publish): (&'a [Step], &'a [Step]),
    metrics: Arc<[Metric]>,
    (calls, deadline): (&'a dyn Calls, Instant),
) -> BoxFuture<'a, Vec<String>> {
    if process.is_empty() && publish.is_empty() {
        return ready(Vec::new()).boxed();
    }
    let processed = join_all(process.iter().map(|step| {
        let processed = calls.process(step, Arc::clone(&metrics), deadline);
        processed.then(move |output| match output {
            Ok(output) => hand_on((&step.process, &step.publish), output.into(), (calls, deadline)),
            Err(error) => ready(vec![error.to_string()]).boxed(),
        })
    }));
    let published = join_all(publish.iter().map(|step| {
        let published = calls.publish(step, Arc::clone(&metrics), deadline);
        published.map(|outcome| outcome.err().as_ref().map(CallError::to_string))
    }));
    join(processed, published)
        .map(|(processed, published)| {
            processed
                .into_iter()
                .flatten()
                .chain(published.into_iter().flatten())
                .collect()
        })
        .boxed()
}
