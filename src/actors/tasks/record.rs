//! Where tasks are stored: `/telemetry/tasks/<id>`, as JSON.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    cluster::key::escape,
    meta::{self, MetaStore},
    workflow::task::{Resume, Task},
};

use super::directory::Entry;

/// What the keys of all tasks start with.
pub(super) const PREFIX: &str = "/telemetry/tasks/";

/// The key of a task.
pub(super) fn key(id: &str) -> Arc<str> {
    format!("{PREFIX}{}", escape(id)).into()
}

/// The document of a task as it is now.
pub(super) fn document(entry: &Entry) -> Bytes {
    entry.look(Task::to_record).to_string().into()
}

/// Reads one task again; `None` when it is not stored, or not readable, which is logged.
pub(super) async fn read(store: &dyn MetaStore, id: &str) -> Result<Option<(Task, Resume)>, meta::Error> {
    let stored = store.get(&key(id)).await?;
    Ok(stored.and_then(|stored| parse(&stored)))
}

/// Reads all tasks, in the order of their creation. Those that cannot be read are left where they are, and logged.
pub(super) async fn read_all(store: &dyn MetaStore) -> Result<Vec<(Task, Resume)>, meta::Error> {
    let stored = store.load(PREFIX).await?;
    let mut tasks: Vec<_> = stored.entries.iter().filter_map(parse).collect();
    tasks.sort_by_key(|(task, _)| task.created());
    Ok(tasks)
}

fn parse(stored: &meta::KeyValue) -> Option<(Task, Resume)> {
    match Task::from_record(&stored.value) {
        Ok(task) => Some(task),
        Err(error) => {
            tracing::error!(key = %stored.key, %error, "task is left out");
            None
        }
    }
}
