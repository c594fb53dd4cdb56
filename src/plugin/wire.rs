//! PURE. What is said to plugins and by them: Snap's gRPC messages, version 1 of package `rpc`.
//!
//! The numbers and types of the fields are the protocol; their names are only ours. [`convert`] makes them of the words
//! of workflows, and the other way round.

mod convert;

use std::collections::BTreeMap;

pub(super) use convert::{Purpose, decode_metrics, decode_policy, encode_config, encode_metrics};

/// Nothing to say.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Empty {}

/// How something went; an empty text is well.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ErrReply {
    #[prost(string, tag = "1")]
    pub(super) error: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct KillArg {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
}

/// A point in time since 1970; [`Time::UNSET`] is none.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Time {
    #[prost(int64, tag = "1")]
    pub(super) sec: i64,
    #[prost(int64, tag = "2")]
    pub(super) nsec: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NamespaceElement {
    #[prost(string, tag = "1")]
    pub(super) value: String,
    #[prost(string, tag = "2")]
    pub(super) description: String,
    #[prost(string, tag = "3")]
    pub(super) name: String,
}

/// A configuration, a table for each type.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ConfigMap {
    #[prost(btree_map = "string, int64", tag = "1")]
    pub(super) integers: BTreeMap<String, i64>,
    #[prost(btree_map = "string, string", tag = "2")]
    pub(super) strings: BTreeMap<String, String>,
    #[prost(btree_map = "string, double", tag = "3")]
    pub(super) floats: BTreeMap<String, f64>,
    #[prost(btree_map = "string, bool", tag = "4")]
    pub(super) bools: BTreeMap<String, bool>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Metric {
    #[prost(message, repeated, tag = "1")]
    pub(super) namespace: Vec<NamespaceElement>,
    #[prost(int64, tag = "2")]
    pub(super) version: i64,
    #[prost(message, optional, tag = "3")]
    pub(super) config: Option<ConfigMap>,
    #[prost(message, optional, tag = "4")]
    pub(super) last_advertised: Option<Time>,
    #[prost(btree_map = "string, string", tag = "5")]
    pub(super) tags: BTreeMap<String, String>,
    #[prost(message, optional, tag = "6")]
    pub(super) timestamp: Option<Time>,
    #[prost(string, tag = "7")]
    pub(super) unit: String,
    #[prost(string, tag = "8")]
    pub(super) description: String,
    #[prost(oneof = "Data", tags = "9, 10, 11, 12, 13, 14, 15, 16, 17")]
    pub(super) data: Option<Data>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Data {
    #[prost(string, tag = "9")]
    String(String),
    #[prost(float, tag = "10")]
    Float32(f32),
    #[prost(double, tag = "11")]
    Float64(f64),
    #[prost(int32, tag = "12")]
    Int32(i32),
    #[prost(int64, tag = "13")]
    Int64(i64),
    #[prost(bytes = "bytes", tag = "14")]
    Bytes(bytes::Bytes),
    #[prost(bool, tag = "15")]
    Bool(bool),
    #[prost(uint32, tag = "16")]
    Uint32(u32),
    #[prost(uint64, tag = "17")]
    Uint64(u64),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MetricsArg {
    #[prost(message, repeated, tag = "1")]
    pub(super) metrics: Vec<Metric>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct MetricsReply {
    #[prost(message, repeated, tag = "1")]
    pub(super) metrics: Vec<Metric>,
    #[prost(string, tag = "2")]
    pub(super) error: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetMetricTypesArg {
    #[prost(message, optional, tag = "1")]
    pub(super) config: Option<ConfigMap>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PubProcArg {
    #[prost(message, repeated, tag = "1")]
    pub(super) metrics: Vec<Metric>,
    #[prost(message, optional, tag = "2")]
    pub(super) config: Option<ConfigMap>,
}

/// What a streaming collector is told: which metrics, or how to gather; what is not set stays as it was.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CollectArg {
    #[prost(message, optional, tag = "1")]
    pub(super) metrics: Option<MetricsArg>,
    #[prost(int64, tag = "2")]
    pub(super) max_collect_duration_ns: i64,
    #[prost(int64, tag = "3")]
    pub(super) max_metrics_buffer: i64,
    #[prost(bytes = "bytes", tag = "4")]
    pub(super) other: bytes::Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CollectReply {
    #[prost(message, optional, tag = "1")]
    pub(super) metrics: Option<MetricsReply>,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<ErrReply>,
}

/// The rules of a plugin, a table for each type; its keys say the same as `key` in the values, less exactly.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct GetConfigPolicyReply {
    #[prost(string, tag = "1")]
    pub(super) error: String,
    #[prost(btree_map = "string, message", tag = "2")]
    pub(super) bools: BTreeMap<String, BoolPolicy>,
    #[prost(btree_map = "string, message", tag = "3")]
    pub(super) floats: BTreeMap<String, FloatPolicy>,
    #[prost(btree_map = "string, message", tag = "4")]
    pub(super) integers: BTreeMap<String, IntegerPolicy>,
    #[prost(btree_map = "string, message", tag = "5")]
    pub(super) strings: BTreeMap<String, StringPolicy>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BoolPolicy {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) rules: BTreeMap<String, BoolRule>,
    #[prost(string, repeated, tag = "2")]
    pub(super) key: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BoolRule {
    #[prost(bool, tag = "1")]
    pub(super) required: bool,
    #[prost(bool, tag = "2")]
    pub(super) default: bool,
    #[prost(bool, tag = "3")]
    pub(super) has_default: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FloatPolicy {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) rules: BTreeMap<String, FloatRule>,
    #[prost(string, repeated, tag = "2")]
    pub(super) key: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FloatRule {
    #[prost(bool, tag = "1")]
    pub(super) required: bool,
    #[prost(double, tag = "2")]
    pub(super) minimum: f64,
    #[prost(double, tag = "3")]
    pub(super) maximum: f64,
    #[prost(double, tag = "4")]
    pub(super) default: f64,
    #[prost(bool, tag = "5")]
    pub(super) has_default: bool,
    #[prost(bool, tag = "6")]
    pub(super) has_min: bool,
    #[prost(bool, tag = "7")]
    pub(super) has_max: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IntegerPolicy {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) rules: BTreeMap<String, IntegerRule>,
    #[prost(string, repeated, tag = "2")]
    pub(super) key: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IntegerRule {
    #[prost(bool, tag = "1")]
    pub(super) required: bool,
    #[prost(int64, tag = "2")]
    pub(super) minimum: i64,
    #[prost(int64, tag = "3")]
    pub(super) maximum: i64,
    #[prost(int64, tag = "4")]
    pub(super) default: i64,
    #[prost(bool, tag = "5")]
    pub(super) has_default: bool,
    #[prost(bool, tag = "6")]
    pub(super) has_min: bool,
    #[prost(bool, tag = "7")]
    pub(super) has_max: bool,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StringPolicy {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) rules: BTreeMap<String, StringRule>,
    #[prost(string, repeated, tag = "2")]
    pub(super) key: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct StringRule {
    #[prost(bool, tag = "1")]
    pub(super) required: bool,
    #[prost(string, tag = "2")]
    pub(super) default: String,
    #[prost(bool, tag = "3")]
    pub(super) has_default: bool,
}

#[cfg(test)]
mod tests;
