//! The control plane: nodes, hosts and versioned metadata.

mod nodes;
mod scale;

use crate::support::gyre::Gyre;

/// A name, and what must be true of a fresh server, whatever its store.
type Case = (&'static str, fn(&Gyre));
