use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::json;

use super::*;
use crate::workflow::manifest;

const SECOND: i64 = 1_000_000_000;

fn at(seconds: i64) -> TimestampNs {
    TimestampNs((1_795_179_600 + seconds) * SECOND)
}

/// A task that fires every second and fails for good after two failures.
fn task() -> Task {
    task_with(json!({"type": "simple", "interval": "1s"}))
}

fn task_with(schedule: serde_json::Value) -> Task {
    let manifest = json!({
        "schedule": schedule,
        "max-failures": 2,
        "workflow": {"collect": {"metrics": {"/a": {}}}},
    });
    let manifest = manifest::from_json(manifest.to_string().as_bytes(), at(0)).unwrap();
    Task::new("x".to_owned(), Arc::new(manifest), at(0))
}

fn start(task: &mut Task, now: TimestampNs) {
    assert_eq!(task.may_start(now), Ok(Start::Subscribe));
    task.started(now, &TimeZone::UTC).unwrap();
}

/// Fires at that second, which must be when it is due, as it was known so many seconds before.
fn fire(task: &mut Task, second: i64, before: i64) {
    let due = at(second);
    let next = task.next(at(second - before));
    assert_eq!(next, Some(Next::Fire { at: due, missed: 0 }));
    task.fire(due, due, 0);
}

fn in_state(state: TaskState) -> Task {
    let mut task = task();
    match state {
        TaskState::Stopped => {}
        TaskState::Running => start(&mut task, at(0)),
        TaskState::Stopping => {
            start(&mut task, at(0));
            fire(&mut task, 0, 0);
            assert_eq!(task.stop(), Ok(Stop::AfterFire));
        }
        TaskState::Ended => {
            start(&mut task, at(0));
            task.ended();
        }
        TaskState::Disabled => {
            start(&mut task, at(0));
            for second in 0..2 {
                task.fire(at(second), at(second), 0);
                task.finished(&["no".to_owned()]);
            }
        }
    }
    assert_eq!(task.state(), state);
    task
}

#[test]
fn every_operation_in_every_state() {
    use TaskState::{Disabled, Ended, Running, Stopped, Stopping};
    let text = |result: Result<(), Refusal>| result.err().map(|refusal| refusal.to_string()).unwrap_or_default();
    let check = |state, [start, stop, enable, remove]: [&str; 4]| {
        assert_eq!(text(in_state(state).may_start(at(1)).map(drop)), start, "start {state}");
        assert_eq!(text(in_state(state).stop().map(drop)), stop, "stop {state}");
        assert_eq!(text(in_state(state).enable()), enable, "enable {state}");
        assert_eq!(text(in_state(state).may_remove()), remove, "remove {state}");
    };
    let (not_disabled, not_stopped) = ("Task must be disabled", "Task must be stopped");
    check(Stopped, ["", "Task is already stopped.", not_disabled, ""]);
    check(Running, ["Task is already running.", "", not_disabled, not_stopped]);
    check(Stopping, ["", "", not_disabled, not_stopped]);
    let ended = "Task is ended. Only running tasks can be stopped.";
    check(Ended, ["", ended, not_disabled, ""]);
    let (start, stop) = (
        "Task is disabled. Cannot be started.",
        "Task is disabled. Only running tasks can be stopped.",
    );
    check(Disabled, [start, stop, "", ""]);
}

#[test]
fn a_fire_is_counted_and_its_failures_too() {
    let mut task = task();
    assert_eq!(task.next(at(0)), None);
    start(&mut task, at(0));
    fire(&mut task, 0, 0);
    assert_eq!(task.next(at(0)), None, "it fires");
    assert_eq!(task.finished(&["one".to_owned(), "two".to_owned()]), None);
    assert_eq!(task.next(at(3)), Some(Next::Fire { at: at(4), missed: 3 }));
    task.fire(at(4), at(4), 3);
    assert_eq!(task.finished(&[]), None);
    let view = task.view();
    assert_eq!((view.hits, view.misses, view.failures), (2, 3, 2));
    assert_eq!((view.last_failure.as_str(), view.name.as_str()), ("two", "Task-x"));
    assert_eq!((view.created, view.last_run), (1_795_179_600, Some(1_795_179_604)));
}

#[test]
fn of_a_failure_the_beginning_is_kept() {
    let mut task = task();
    start(&mut task, at(0));
    fire(&mut task, 0, 0);
    task.finished(&[format!("x{}", "é".repeat(MAX_FAILURE))]);
    assert_eq!(task.last_failure().len(), MAX_FAILURE - 1);
}

#[test]
fn failures_in_a_row_disable() {
    let mut task = task();
    start(&mut task, at(0));
    let outcomes: [&[String]; 4] = [
        &["a".to_owned()],
        &[],
        &["b".to_owned(), "c".to_owned()],
        &["d".to_owned()],
    ];
    for (second, failures) in (0..).zip(outcomes) {
        fire(&mut task, second, second.min(1));
        let left = task.finished(failures);
        assert_eq!(left, (second == 3).then_some(Left::Disabled));
    }
    assert_eq!(task.state(), TaskState::Disabled);
    assert_eq!(task.last_failure(), "d");
    assert_eq!(task.view().last_run, Some(1_795_179_603));
    task.enable().unwrap();
    assert_eq!((task.state(), task.view().failures), (TaskState::Stopped, 4));
    // The row begins anew.
    start(&mut task, at(9));
    fire(&mut task, 9, 0);
    assert_eq!(task.finished(&["e".to_owned()]), None);
}

#[test]
fn a_stop_waits_for_the_fire() {
    let mut task = in_state(TaskState::Stopping);
    assert_eq!(task.may_start(at(1)), Ok(Start::Nothing));
    task.started(at(1), &TimeZone::UTC).unwrap();
    assert_eq!(task.state(), TaskState::Stopping);
    assert_eq!(task.stop(), Ok(Stop::AfterFire));
    assert_eq!(task.finished(&["late".to_owned()]), Some(Left::Stopped));
    let view = task.view();
    assert_eq!(
        (view.state, view.last_run, view.failures),
        (TaskState::Stopped, None, 1)
    );
    assert_eq!(task.finished(&["later".to_owned()]), None);
    assert_eq!(task.view().failures, 1);
}

#[test]
fn an_ended_task_may_be_started_while_its_window_is_open() {
    let mut task = task_with(json!({"type": "simple", "interval": "1s", "count": 2}));
    for begin in [0, 5] {
        start(&mut task, at(begin));
        for second in begin..begin + 2 {
            fire(&mut task, second, second - begin);
            task.finished(&[]);
        }
        assert_eq!(task.next(at(begin + 1)), Some(Next::End { at: at(begin + 2) }));
        task.ended();
        assert_eq!(task.state(), TaskState::Ended);
    }
    assert_eq!(task.view().hits, 4);
    let stop = json!({"type": "simple", "interval": "1s", "stop_timestamp": "2026-11-20T13:00:01Z"});
    let task = task_with(stop);
    assert_eq!(task.may_start(at(1)), Ok(Start::Subscribe));
    let refusal = task.may_start(at(2)).unwrap_err();
    assert_eq!(numbered(&[refusal]), "error 0: Stop time is in the past ");
}

#[test]
fn batches_of_a_stream_are_hits_but_no_runs() {
    let mut task = task_with(json!({"type": "streaming"}));
    start(&mut task, at(0));
    assert_eq!(task.next(at(0)), Some(Next::Stream));
    task.receive();
    assert_eq!(task.finished(&[]), None);
    // The stream breaks.
    assert_eq!(task.finished(&["broken".to_owned()]), None);
    let view = task.view();
    assert_eq!((view.hits, view.failures, view.last_run), (1, 1, None));
    assert_eq!(task.finished(&["broken".to_owned()]), Some(Left::Disabled));
}

#[test]
fn what_was_stored_is_read() {
    use TaskState::{Disabled, Ended, Running, Stopped, Stopping};
    for state in [Stopped, Running, Stopping, Ended, Disabled] {
        let task = in_state(state);
        let document = task.to_record().to_string();
        let (read, resume) = Task::from_record(document.as_bytes()).unwrap();
        assert_eq!(resume == Resume::Start, state == Running);
        let expect = TaskView {
            state: if matches!(state, Running | Stopping) {
                Stopped
            } else {
                state
            },
            ..task.view()
        };
        assert_eq!(read.view(), expect);
    }
    assert!(matches!(Task::from_record(b"{}"), Err(Damaged::Document(_))));
    let mut document = task().to_record();
    document["manifest"] = json!({});
    let damaged = Task::from_record(document.to_string().as_bytes()).unwrap_err();
    assert!(
        damaged.to_string().starts_with("stored task: Task must include"),
        "{damaged}"
    );
}

#[test]
fn errors_are_numbered() {
    assert_eq!(numbered(&["a", "b"]), "error 0: a error 1: b ");
    assert_eq!(Refusal::NotFound("x".to_owned()).to_string(), "Task not found: ID(x)");
}
