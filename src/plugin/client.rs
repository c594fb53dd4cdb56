//! gRPC with a plugin: unencrypted HTTP/2, or mutual TLS.
//!
//! The channel connects when it is first used, and again when the connection broke. Every call ends within
//! [`CALL_TIMEOUT`], but for streams, which end when they are dropped. What a plugin answers is taken for nothing but
//! bytes until it is decoded: rubbish is an error.

mod status;
mod stream;
mod times;
mod tls;

use std::{ops::RangeInclusive, sync::Arc, time::Duration};

use prost::Message;
use tonic::{
    Request,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use crate::{
    base::{Clock, TimestampNs},
    workflow::{Config, Metric, PluginType, policy::Policy},
};

use super::{
    CallError, PluginTls,
    wire::{self, Purpose},
};

/// As in Snap: what takes longer has failed.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// As in Snap.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The largest answer that is read: some ten thousand metrics. One of empty metrics takes a hundred times that once it is
/// decoded.
const MAX_ANSWER: usize = 8 << 20;

/// The way to a plugin. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
    service: &'static str,
    started: RangeInclusive<TimestampNs>,
    clock: Arc<dyn Clock>,
}

impl Client {
    /// A way to the plugin that listens there; nothing is sent yet. Its code began to run within `started`.
    ///
    /// # Errors
    /// When the files for TLS cannot be used; the text says which.
    pub(super) async fn new(
        kind: PluginType,
        address: &str,
        tls: Option<&PluginTls>,
        started: RangeInclusive<TimestampNs>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, String> {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(|error| error.to_string())?;
        let mut endpoint = endpoint.connect_timeout(CONNECT_TIMEOUT);
        if let Some(tls) = tls {
            let config = tls::client_config(tls).await?;
            endpoint = endpoint.tls_config(config).map_err(|error| status::chain(&error))?;
        }
        Ok(Self {
            channel: endpoint.connect_lazy(),
            service: match kind {
                PluginType::Collector => "Collector",
                PluginType::Processor => "Processor",
                PluginType::Publisher => "Publisher",
                PluginType::StreamingCollector => "StreamCollector",
            },
            started,
            clock,
        })
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn ping(&self) -> Result<(), CallError> {
        let reply: wire::ErrReply = self.call("Ping", wire::Empty {}).await?;
        said_well(reply.error)
    }

    /// Tells it to end. Plugins end so quickly that what comes back means nothing.
    pub async fn kill(&self, reason: &str) {
        let reason = reason.to_owned();
        let reply: Result<wire::ErrReply, CallError> = self.call("Kill", wire::KillArg { reason }).await;
        if let Err(error) = reply {
            tracing::debug!(%error, "plugin did not answer that it ends");
        }
    }

    /// Which configuration it wants.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn policy(&self) -> Result<Policy, CallError> {
        let reply: wire::GetConfigPolicyReply = self.call("GetConfigPolicy", wire::Empty {}).await?;
        said_well(reply.error.clone())?;
        Ok(wire::decode_policy(reply))
    }

    /// What it can collect with that configuration.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn metric_types(&self, config: &Config) -> Result<Vec<Metric>, CallError> {
        let config = Some(wire::encode_config(config));
        let request = wire::GetMetricTypesArg { config };
        self.metrics("GetMetricTypes", request).await
    }

    /// Collects metrics, each with its own configuration.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn collect(&self, wanted: &[Metric]) -> Result<Vec<Metric>, CallError> {
        let metrics = wire::encode_metrics(wanted, Purpose::Collect);
        self.metrics("CollectMetrics", wire::MetricsArg { metrics }).await
    }

    /// Changes metrics. Those that lose their time in Snap's library for Python get it back.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn process(&self, metrics: &[Metric], config: &Config) -> Result<Vec<Metric>, CallError> {
        let mut processed = self.metrics("Process", hand_on(metrics, config)).await?;
        times::restore(metrics, &mut processed, &self.started);
        Ok(processed)
    }

    /// Takes metrics away.
    ///
    /// # Errors
    /// When the plugin says why not, or does not answer in time.
    pub async fn publish(&self, metrics: &[Metric], config: &Config) -> Result<(), CallError> {
        let reply: wire::ErrReply = self.call("Publish", hand_on(metrics, config)).await?;
        said_well(reply.error)
    }

    async fn metrics<Q: Message + 'static>(&self, method: &str, request: Q) -> Result<Vec<Metric>, CallError> {
        let reply: wire::MetricsReply = self.call(method, request).await?;
        said_well(reply.error)?;
        Ok(wire::decode_metrics(reply.metrics, self.now()))
    }

    async fn call<Q, A>(&self, method: &str, request: Q) -> Result<A, CallError>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let path = self.path(method);
        let mut grpc = self.grpc();
        let answer = async {
            grpc.ready().await.map_err(|error| status::unavailable(&error))?;
            let answered = grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default());
            answered.await.map_err(|status| status::call_error(&status))
        };
        let answered = tokio::time::timeout(CALL_TIMEOUT, answer).await;
        Ok(answered.map_err(|_elapsed| status::deadline_exceeded())??.into_inner())
    }

    fn grpc(&self) -> Grpc<Channel> {
        Grpc::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER)
            .max_encoding_message_size(usize::MAX)
    }

    fn path(&self, method: &str) -> PathAndQuery {
        let path = format!("/rpc.{}/{method}", self.service);
        PathAndQuery::try_from(path).expect("services and methods have plain names")
    }

    fn now(&self) -> TimestampNs {
        self.clock.now()
    }
}

fn hand_on(metrics: &[Metric], config: &Config) -> wire::PubProcArg {
    wire::PubProcArg {
        metrics: wire::encode_metrics(metrics, Purpose::HandOn),
        config: Some(wire::encode_config(config)),
    }
}

/// Plugins answer with an empty text when it went well.
fn said_well(error: String) -> Result<(), CallError> {
    if error.is_empty() {
        return Ok(());
    }
    Err(CallError::Plugin(error))
}

#[cfg(test)]
mod tests;
