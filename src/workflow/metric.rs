//! PURE. A metric: a value with a name, a time and tags, or the request for one.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;

use crate::base::TimestampNs;

use super::{Config, Namespace};

/// Tags of a metric, ordered by key.
pub type Tags = BTreeMap<String, String>;

/// What a plugin collects, gets and hands on. Cheap to clone.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub namespace: Namespace,
    /// The version that its collector gave it; at least 1 in the catalogue.
    pub version: i64,
    /// What it is to be collected with.
    pub config: Arc<Config>,
    /// The value; [`Data::None`] in requests and catalogues.
    pub data: Data,
    /// Its tags.
    pub tags: Arc<Tags>,
    /// When it was collected.
    pub timestamp: Option<TimestampNs>,
    /// When its collector said last that it exists.
    pub last_advertised: Option<TimestampNs>,
    /// The unit of the value, free text.
    pub unit: Arc<str>,
    /// What it means, free text.
    pub description: Arc<str>,
}

/// A value, in the types that plugins know.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Data {
    /// No value.
    #[default]
    None,
    /// A text.
    String(String),
    /// A number.
    Float32(f32),
    /// A number.
    Float64(f64),
    /// A number.
    Int32(i32),
    /// A number.
    Int64(i64),
    /// A number.
    Uint32(u32),
    /// A number.
    Uint64(u64),
    /// Yes or no.
    Bool(bool),
    /// Bytes; base64 in JSON.
    Bytes(Bytes),
}

impl Metric {
    /// A metric without value, time, tags and texts.
    #[must_use]
    pub fn new(namespace: Namespace, version: i64) -> Self {
        Self {
            namespace,
            version,
            config: Arc::default(),
            data: Data::None,
            tags: Arc::default(),
            timestamp: None,
            last_advertised: None,
            unit: Arc::from(""),
            description: Arc::from(""),
        }
    }
}
