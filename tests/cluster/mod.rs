//! The control plane: nodes, hosts and versioned metadata.

mod nodes;
mod scale;
