//! `…/tasks`: what is collected when, processed and published.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Serialize;
use serde_json::Value;

use crate::{
    actors::TaskError,
    base::ErrorKind,
    workflow::{godur, task::TaskView},
};

use super::{super::params, Call, answer, error::SnapError, route::Version};

#[derive(Serialize)]
struct ShownTask<'a> {
    id: &'a str,
    name: &'a str,
    deadline: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    workflow: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<Value>,
    /// Unix seconds.
    creation_timestamp: i64,
    /// Unix seconds; -1 when it has not run since it was started last.
    last_run_timestamp: i64,
    #[serde(skip_serializing_if = "is_zero")]
    hit_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    miss_count: u64,
    #[serde(skip_serializing_if = "is_zero")]
    failed_count: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    last_failure_message: &'a str,
    task_state: String,
    href: String,
}

#[derive(Serialize)]
struct ListV1<'a> {
    #[serde(rename = "ScheduledTasks")]
    tasks: Vec<ShownTask<'a>>,
}

#[derive(Serialize)]
struct ListV2<'a> {
    tasks: Vec<ShownTask<'a>>,
}

#[derive(Serialize)]
struct Id<'a> {
    id: &'a str,
}

/// How much of a task is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    Summary,
    Full,
}

/// All tasks, in the order of their creation.
pub(super) fn list(call: &Call<'_>) -> HttpResponse {
    let mut views = call.services.tasks.list();
    views.sort_by_key(|view| view.created);
    let tasks = views.iter().map(|view| task(call, view, Detail::Summary)).collect();
    let ok = StatusCode::OK;
    match call.version {
        Version::V1 => answer::v1(
            ok,
            "scheduled_task_list_returned",
            "Scheduled tasks retrieved",
            &ListV1 { tasks },
        ),
        Version::V2 => answer::v2(ok, &ListV2 { tasks }),
    }
}

/// One task.
pub(super) fn get(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let view = call.services.tasks.get(call.param(0)).map_err(of_v1)?;
    let message = format!("Scheduled task ({}) returned", view.id);
    let task = task(call, &view, Detail::Full);
    Ok(match call.version {
        Version::V1 => answer::v1(StatusCode::OK, "scheduled_task_returned", &message, &task),
        Version::V2 => answer::v2(StatusCode::OK, &task),
    })
}

/// Creates the task of a manifest.
pub(super) async fn create(call: &Call<'_>, payload: web::Payload) -> Result<HttpResponse, SnapError> {
    let text = call.text(payload).await?;
    let view = call.services.tasks.create(text.as_bytes()).await.map_err(failed)?;
    let message = format!("Scheduled task created ({})", view.id);
    let task = task(call, &view, Detail::Full);
    Ok(match call.version {
        Version::V1 => answer::v1(StatusCode::CREATED, "scheduled_task_created", &message, &task),
        Version::V2 => answer::v2(StatusCode::CREATED, &task),
    })
}

/// Starts a task.
pub(super) async fn start(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    call.services.tasks.start(call.param(0)).await.map_err(of_v1)?;
    Ok(changed(call, "started"))
}

/// Stops a task, once what it does now is done.
pub(super) async fn stop(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    call.services.tasks.stop(call.param(0)).await.map_err(of_v1)?;
    Ok(changed(call, "stopped"))
}

/// Makes a task that failed too often ready to be started again.
pub(super) async fn enable(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let id = call.param(0);
    let view = call.services.tasks.enable(id).await.map_err(of_v1)?;
    let enabled = ShownTask {
        href: String::new(),
        ..task(call, &view, Detail::Full)
    };
    let message = format!("Disabled task ({id}) enabled");
    Ok(answer::v1(StatusCode::OK, "scheduled_task_enabled", &message, &enabled))
}

/// Forgets a task.
pub(super) async fn remove(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let removed = call.services.tasks.remove(call.param(0)).await;
    match call.version {
        Version::V1 => {
            removed.map_err(of_v1)?;
            Ok(changed(call, "removed"))
        }
        Version::V2 => {
            removed.map_err(failed)?;
            Ok(answer::no_content())
        }
    }
}

/// What version 2 does to a task: the parameter says which.
pub(super) async fn act(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let (tasks, id) = (&call.services.tasks, call.param(0));
    match params::text(&call.query, "action") {
        "start" => tasks.start(id).await.map_err(failed)?,
        "stop" => tasks.stop(id).await.map_err(failed)?,
        // Version 2 counts the reasons of all its refusals.
        "enable" => drop(
            tasks
                .enable(id)
                .await
                .map_err(|error| SnapError::failed(format!("error 0: {error} ")))?,
        ),
        _ => return Err(SnapError::invalid("error 0: wrong action requested ")),
    }
    Ok(answer::no_content())
}

/// Version 1 tells apart what does not exist and what is disabled.
pub(super) fn of_v1(error: TaskError) -> SnapError {
    match error.kind() {
        ErrorKind::NotFound => SnapError::not_found(error),
        ErrorKind::Conflict => SnapError::new(StatusCode::CONFLICT, error),
        _ => failed(error),
    }
}

/// Version 2, and both at creation, do not.
pub(super) fn failed(error: TaskError) -> SnapError {
    SnapError::failed(error)
}

fn changed(call: &Call<'_>, done: &str) -> HttpResponse {
    let id = call.param(0);
    let message = format!("Scheduled task ({id}) {done}");
    answer::v1(StatusCode::OK, &format!("scheduled_task_{done}"), &message, &Id { id })
}

fn task<'a>(call: &Call<'_>, view: &'a TaskView, detail: Detail) -> ShownTask<'a> {
    let is_full = detail == Detail::Full;
    ShownTask {
        id: &view.id,
        name: &view.name,
        deadline: godur::print(i64::try_from(view.deadline.as_nanos()).unwrap_or(i64::MAX)),
        workflow: is_full.then(|| view.manifest.echo_workflow()),
        schedule: view.manifest.echo_schedule().filter(|_| is_full),
        creation_timestamp: view.created,
        last_run_timestamp: view.last_run.unwrap_or(-1),
        hit_count: view.hits,
        miss_count: view.misses,
        failed_count: view.failures,
        last_failure_message: &view.last_failure,
        task_state: view.state.to_string(),
        href: call.href(&format!("tasks/{}", view.id)),
    }
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
