//! The control plane: nodes, versioned metadata and hosts, on one Gyre and on several that share a store.

mod linear;
mod processes;
mod scale;
mod stores;
