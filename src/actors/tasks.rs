//! The tasks: they collect metrics when their schedules say so, and hand them to processors and publishers.
//!
//! ```text
//! http -> TasksHandle --Add, Delete--> Keeper -> Directory: one Entry a task, shared with its TaskActor
//!                     --Start, Stop, Enable---------------> TaskActor: timer, run under way, hold on the plugins
//!         TaskActor -> workflow::task (PURE): what is due, what a run's failures lead to
//!                   -> run, streaming: collect, tag, process, publish -> watcher: events to all who watch
//!                   -> Recorder -> meta store: every change of state, counters once a minute
//! ```
//!
//! After a restart of the process tasks go on as they were stored, when the plugins are there again. While an operator
//! has paused this machine no task starts on it; what runs ends as failed when it is deactivated.

mod actor;
mod calls;
mod directory;
mod error;
mod handle;
mod host;
mod keeper;
mod record;
mod recorder;
mod run;
mod run_time;
mod source;
mod streaming;
mod watcher;
mod world;

pub use error::TaskError;
pub use handle::{TasksHandle, TasksParts};
pub use watcher::{Watched, Watcher};

#[cfg(test)]
mod tests;
