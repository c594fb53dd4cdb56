//! The actors: control state that changes, and nothing else. The only module that names actix.
//!
//! Callers hold handles; messages are private to an actor's file; [`guard`] restarts an actor that panicked.

mod backend;
mod circle;
mod guard;
mod nodes;
mod plugin;
mod plugins;
mod tasks;
mod versions;

pub use backend::{BackendHandle, BackendParts};
pub use circle::{CircleHandle, CircleParts};
pub use guard::Refused;
pub use nodes::{NodesError, NodesHandle, NodesParts, OwnNode, Registered};
pub use plugin::{InstanceHandle, InstanceState, InstanceView};
pub use plugins::{
    LoadRequest, Loaded, Origin, PluginsError, PluginsHandle, PluginsOptions, PluginsParts, PluginsView, Running,
    Subscription,
};
pub use tasks::{TaskError, TasksHandle, TasksParts, Watched, Watcher};
pub use versions::{Document, Read, VersionsError, VersionsHandle, VersionsParts, Wait, Write};
