//! The control plane: nodes, hosts and versioned metadata, on one Gyre and on several that share a store.

mod linear;
mod nodes;
mod processes;
mod scale;
mod shared;
mod stores;
mod versions;
