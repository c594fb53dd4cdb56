//! The control plane: nodes, hosts and versioned metadata, and what follows from them.

mod bound;
mod scale;
