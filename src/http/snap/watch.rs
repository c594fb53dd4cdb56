//! `…/tasks/ID/watch`: the events of a task as they happen.
//!
//! Version 1 ends with an envelope of its own, which is no event: its clients know by it that nothing follows. It is
//! written however the stream ends, since a client that only loses its connection would come back at once for ever.

use actix_web::{HttpResponse, http::StatusCode};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;

use crate::{
    actors::{Watched, Watcher},
    workflow::event,
};

use super::{super::sse, Call, answer, error::SnapError, route::Version};

#[derive(Serialize)]
struct Nothing {}

/// The stream of a task's events.
pub(super) fn watch(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let watcher = call.services.tasks.watch(call.param(0));
    let watcher = watcher.map_err(|error| SnapError::of_task(call.version, error))?;
    let last = (call.version == Version::V1).then(end);
    let opened = stream::once(std::future::ready(sse::event(&event::stream_open())));
    Ok(sse::response(opened.chain(events(watcher)), last, call.closing.clone()))
}

/// The events from now on, up to the last one.
fn events(watcher: Watcher) -> impl Stream<Item = Bytes> {
    stream::unfold(Some(watcher), |watcher| async {
        let mut watcher = watcher?;
        match watcher.next().await {
            Watched::Event(json) => Some((sse::event(&json), Some(watcher))),
            Watched::Last(json) => Some((sse::event(&json), None)),
            Watched::TooSlow | Watched::Closed => None,
        }
    })
}

fn end() -> Bytes {
    let end = answer::envelope(
        StatusCode::OK,
        "schedule_task_watch_ended",
        "Task watching ended",
        &Nothing {},
    );
    end.into()
}
