//! The control plane: registered nodes, and what follows from them.

mod bound;
