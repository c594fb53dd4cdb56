//! Embedded backends behind one journal: on a disk that forgets what was not synced, and with threads that die.

mod life;
mod log;
mod power;
mod sent;
mod threads;

use std::{num::NonZeroUsize, sync::Arc};

use super::Pool;

/// One query at a time.
fn pool() -> Arc<Pool> {
    Arc::new(Pool::new(NonZeroUsize::MIN, NonZeroUsize::MIN).expect("a runtime"))
}
