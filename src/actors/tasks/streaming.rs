//! The runs of a streaming task: its collector sends, and every batch is one.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, Stream, StreamExt, stream};

use crate::{
    plugin::{Batches, StreamRequest},
    workflow::Metric,
};

use super::{
    run::{Done, Job, panicked},
    source::Held,
};

/// Snap waits that long before it opens a stream again that broke.
const RETRY: Duration = Duration::from_secs(3);

/// What happens on a stream.
#[derive(Debug)]
pub(super) enum Streamed {
    /// A batch came and is processed from now on.
    Received,
    /// The batch is done, or the stream broke.
    Done(Done),
}

/// A stream between two things that happen.
struct Streaming {
    job: Job,
    held: Option<Held>,
    batches: Option<Batches>,
    received: Option<Vec<Metric>>,
    is_broken: bool,
}

/// Opens the stream, and again whenever it breaks; endless.
pub(super) fn stream(job: Job, held: Option<Held>) -> impl Stream<Item = Streamed> {
    let begun = Streaming {
        job,
        held,
        batches: None,
        received: None,
        is_broken: false,
    };
    stream::unfold(begun, |mut streaming| async {
        let streamed = AssertUnwindSafe(streaming.next()).catch_unwind().await;
        let streamed = streamed.unwrap_or_else(|_| Err(panicked()));
        let streamed = streamed.unwrap_or_else(|failure| streaming.broke(failure));
        Some((streamed, streaming))
    })
}

impl Streaming {
    async fn next(&mut self) -> Result<Streamed, String> {
        if let Some(metrics) = self.received.take() {
            return Ok(Streamed::Done(self.hand_on(metrics).await));
        }
        if self.is_broken {
            tokio::time::sleep(RETRY).await;
            self.is_broken = false;
        }
        let batches = self.open().await?;
        let batch = batches.next().await;
        let batch = batch.ok_or_else(|| "stream was closed by the plugin".to_owned())?;
        self.received = Some(batch.map_err(|error| error.to_string())?);
        Ok(Streamed::Received)
    }

    /// The stream, opened if it is not, or anew if plugins were loaded or unloaded and another one is meant now.
    async fn open(&mut self) -> Result<&mut Batches, String> {
        let held = self
            .job
            .hold(self.held.clone())
            .await
            .map_err(|errors| errors.join(" -- "))?;
        let is_same = self
            .held
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(&before.calls, &held.calls));
        let held = self.held.insert(held);
        let open = match self.batches.take().filter(|_| is_same) {
            Some(open) => open,
            None => {
                let collect = held.plan.collect.first();
                let collect = collect.ok_or_else(|| "task has no streaming collector".to_owned())?;
                let request = StreamRequest {
                    task: self.job.entry.id.to_string(),
                    metrics: Arc::clone(&collect.metrics),
                    max_collect_duration: self.job.manifest.max_collect_duration,
                    max_metrics_buffer: self.job.manifest.max_metrics_buffer,
                };
                let opened = held.calls.stream(collect, request).await;
                opened.map_err(|error| error.to_string())?
            }
        };
        Ok(self.batches.insert(open))
    }

    /// Metrics of streaming collectors get no tags.
    async fn hand_on(&self, metrics: Vec<Metric>) -> Done {
        let failures = match &self.held {
            Some(held) => self.job.hand_on(held, metrics.into(), self.job.deadline()).await,
            None => Vec::new(),
        };
        self.done(failures)
    }

    fn broke(&mut self, failure: String) -> Streamed {
        (self.batches, self.received, self.is_broken) = (None, None, true);
        Streamed::Done(self.done(vec![failure]))
    }

    fn done(&self, failures: Vec<String>) -> Done {
        let held = self.held.clone();
        Done { held, failures }
    }
}
