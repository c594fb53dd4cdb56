//! A running plugin: started, watched, and started anew when it dies.

mod handle;

pub use handle::{InstanceHandle, InstanceState, InstanceView};
