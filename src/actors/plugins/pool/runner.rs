//! What an instance is made of.

use std::sync::Arc;

use crate::{
    actors::plugin::{InstanceHandle, InstanceState},
    plugin::Instance,
};

/// An instance that was started. Clones share it.
#[derive(Debug, Clone)]
pub(in crate::actors::plugins) enum Runner {
    /// A process, or one that stands alone.
    External(InstanceHandle),
    /// A part of Gyre.
    BuiltIn(Arc<dyn Instance>),
}

impl Runner {
    pub(super) fn instance(&self) -> &dyn Instance {
        match self {
            Self::External(handle) => handle,
            Self::BuiltIn(instance) => &**instance,
        }
    }

    /// Whether it can be called now.
    pub(super) fn is_running(&self) -> bool {
        match self {
            Self::External(handle) => handle.view().state == InstanceState::Running,
            Self::BuiltIn(_) => true,
        }
    }

    /// Whether it can never be called again.
    pub(super) fn is_dead(&self) -> bool {
        match self {
            Self::External(handle) => {
                matches!(handle.view().state, InstanceState::Dead(_) | InstanceState::Stopped)
            }
            Self::BuiltIn(_) => false,
        }
    }

    pub(super) async fn stop(&self, reason: &str) {
        match self {
            Self::External(handle) => handle.stop(reason).await,
            // What it holds ends with its last clone.
            Self::BuiltIn(_) => {}
        }
    }
}
