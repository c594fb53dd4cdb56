//! `…/tasks`: what is collected when, processed and published.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Serialize;
use serde_json::Value;

use crate::workflow::{godur, task::TaskView};

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
    let views = call.services.tasks.list();
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
    // Here version 2 tells apart what does not exist as well.
    let found = call.services.tasks.get(call.param(0));
    let view = found.map_err(|error| SnapError::of_task(Version::V1, error))?;
    let message = format!("Scheduled task ({}) returned", view.id);
    let task = task(call, &view, Detail::Full);
    Ok(match call.version {
        Version::V1 => answer::v1(StatusCode::OK, "scheduled_task_returned", &message, &task),
        Version::V2 => answer::v2(StatusCode::OK, &task),
    })
}

/// Creates the task of a manifest.
pub(super) async fn create(call: &Call<'_>, payload: web::Payload) -> Result<HttpResponse, SnapError> {
    let body = call.document(payload).await?;
    let created = call.services.tasks.create(&body).await;
    let view = created.map_err(|error| SnapError::of_task(call.version, error))?;
    let message = format!("Scheduled task created ({})", view.id);
    let task = task(call, &view, Detail::Full);
    Ok(match call.version {
        Version::V1 => answer::v1(StatusCode::CREATED, "scheduled_task_created", &message, &task),
        Version::V2 => answer::v2(StatusCode::CREATED, &task),
    })
}

/// Starts a task.
pub(super) async fn start(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let started = call.services.tasks.start(call.param(0)).await;
    started.map_err(|error| SnapError::of_task(call.version, error))?;
    Ok(changed(call, "started"))
}

/// Stops a task, once what it does now is done.
pub(super) async fn stop(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let stopped = call.services.tasks.stop(call.param(0)).await;
    stopped.map_err(|error| SnapError::of_task(call.version, error))?;
    Ok(changed(call, "stopped"))
}

/// Makes a task that failed too often ready to be started again.
pub(super) async fn enable(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let id = call.param(0);
    let enabled = call.services.tasks.enable(id).await;
    let view = enabled.map_err(|error| SnapError::of_task(call.version, error))?;
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
    removed.map_err(|error| SnapError::of_task(call.version, error))?;
    Ok(match call.version {
        Version::V1 => changed(call, "removed"),
        Version::V2 => answer::no_content(),
    })
}

/// What version 2 does to a task: the parameter says which.
pub(super) async fn act(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let (tasks, id) = (&call.services.tasks, call.param(0));
    let failed = |error| SnapError::of_task(call.version, error);
    match params::text(&call.query, "action") {
        "start" => tasks.start(id).await.map_err(failed)?,
        "stop" => tasks.stop(id).await.map_err(failed)?,
        // Version 2 counts the reasons of all its refusals.
        "enable" => drop(tasks.enable(id).await.map_err(|error| failed(error).counted())?),
        _ => return Err(SnapError::invalid("wrong action requested").counted()),
    }
    Ok(answer::no_content())
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
