//! The control plane: nodes, hosts and versioned metadata.

mod scale;
mod shared;
