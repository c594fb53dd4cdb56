//! PURE. The rules of telemetry: what a task says, which metrics and plugins it means, when it runs, what it counts.
//!
//! The words are Snap's (`snapteld`, archived in 2022), whose clients, manifests and plugins are served: a *task* has a
//! *schedule* and a *workflow*; the workflow collects metrics, named by *namespaces*, from collectors, hands them to
//! processors and on to publishers; a *policy* says which configuration a plugin wants.

pub mod cache;
pub mod catalogue;
pub mod config;
pub mod cron;
pub mod event;
pub mod godur;
pub mod gojson;
pub mod gotime;
pub mod manifest;
pub mod metric;
pub mod namespace;
pub mod plan;
pub mod plugin;
pub mod policy;
pub mod pool;
pub mod schedule;
pub mod tags;
pub mod task;

pub use config::{Config, ConfigValue};
pub use metric::{Data, Metric, Tags};
pub use namespace::{Element, Namespace};
pub use plugin::{PluginKey, PluginMeta, PluginType, Routing};
