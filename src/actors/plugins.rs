//! The plugins that are loaded, and their running instances.

mod error;
mod handle;
mod pool;
mod subscription;
mod view;

pub use error::PluginsError;
pub use handle::{LoadRequest, PluginsHandle, PluginsOptions, PluginsParts};
pub use subscription::Subscription;
pub use view::{Loaded, Origin, PluginsView, Running};
