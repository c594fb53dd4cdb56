//! Streams of metrics.

use std::sync::Arc;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use tonic::{Request, Streaming, metadata::MetadataValue};
use tonic_prost::ProstCodec;

use crate::{
    plugin::{Batches, CallError, StreamRequest, wire},
    workflow::Metric,
};

use super::{Client, said_well, status};

impl Client {
    /// Opens a stream. Whether the plugin takes the request is seen in the first batch only: libraries for Python
    /// answer nothing before.
    ///
    /// # Errors
    /// When the task's id cannot be sent.
    pub fn stream(&self, request: StreamRequest) -> Result<Batches, CallError> {
        let task = MetadataValue::try_from(&request.task)
            .map_err(|_| CallError::Unsupported(format!("task id {:?} cannot be sent", request.task)))?;
        // The plugin ends the stream when nothing more can come.
        let arguments = stream::iter(arguments(&request)).chain(stream::pending());
        let mut message = Request::new(arguments);
        message.metadata_mut().insert("task-id", task);
        let client = self.clone();
        let replies = stream::once(async move { client.open(message).await }).try_flatten();
        let clock = Arc::clone(&self.clock);
        let batches = replies.map(move |reply| batch(reply?).map(|metrics| wire::decode_metrics(metrics, clock.now())));
        let batches = batches.try_filter(|metrics| std::future::ready(!metrics.is_empty()));
        Ok(until_error(batches).boxed())
    }

    async fn open(
        self,
        arguments: Request<impl Stream<Item = wire::CollectArg> + Send + 'static>,
    ) -> Result<impl Stream<Item = Result<wire::CollectReply, CallError>>, CallError> {
        let mut grpc = self.grpc();
        grpc.ready().await.map_err(|error| status::unavailable(&error))?;
        let path = self.path("StreamMetrics");
        let codec = ProstCodec::<wire::CollectArg, wire::CollectReply>::default();
        let replies: Streaming<_> = grpc
            .streaming(arguments, path, codec)
            .await
            .map_err(|status| status::call_error(&status))?
            .into_inner();
        Ok(replies.map_err(|status| status::call_error(&status)))
    }
}

/// First the metrics, then how to gather them: each changes one thing.
fn arguments(request: &StreamRequest) -> [wire::CollectArg; 3] {
    let metrics = wire::encode_metrics(&request.metrics, wire::Purpose::Collect);
    let duration_ns = i64::try_from(request.max_collect_duration.as_nanos()).unwrap_or(i64::MAX);
    [
        wire::CollectArg {
            metrics: Some(wire::MetricsArg { metrics }),
            ..wire::CollectArg::default()
        },
        wire::CollectArg {
            max_collect_duration_ns: duration_ns,
            ..wire::CollectArg::default()
        },
        wire::CollectArg {
            max_metrics_buffer: request.max_metrics_buffer,
            ..wire::CollectArg::default()
        },
    ]
}

fn batch(reply: wire::CollectReply) -> Result<Vec<wire::Metric>, CallError> {
    said_well(reply.error.unwrap_or_default().error)?;
    let metrics = reply.metrics.unwrap_or_default();
    said_well(metrics.error)?;
    Ok(metrics.metrics)
}

/// The same stream, that ends after its first error, and with one when the plugin ends it.
fn until_error(
    batches: impl Stream<Item = Result<Vec<Metric>, CallError>>,
) -> impl Stream<Item = Result<Vec<Metric>, CallError>> {
    let ended = || CallError::Transport("EOF".to_owned());
    let batches = batches.chain(stream::once(async move { Err(ended()) }));
    batches.scan(false, |is_over, batch| {
        let item = (!*is_over).then_some(batch);
        *is_over = matches!(item, Some(Err(_)));
        std::future::ready(item)
    })
}
