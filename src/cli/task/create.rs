//! `gyre task create`: manifests and workflows in files, schedules on the command line.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use jiff::{SpanRelativeTo, Timestamp, Zoned};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::super::{
    out,
    snap::{Snap, plain},
    time,
};

/// The task to create.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("source").required(true))]
pub(crate) struct Arguments {
    /// A manifest, JSON or YAML.
    #[arg(short, long, group = "source")]
    task_manifest: Option<PathBuf>,
    /// A workflow, JSON or YAML, which needs an interval.
    #[arg(short, long, group = "source", requires = "interval")]
    workflow_manifest: Option<PathBuf>,
    /// How often: a duration such as `1s`, or a cron expression such as `0 * * * * *`.
    #[arg(short, long)]
    interval: Option<String>,
    /// How many times; for ever if not given.
    #[arg(long)]
    count: Option<u64>,
    /// The day on which it begins, `11-20-2026` or `2026-11-20`.
    #[arg(long)]
    start_date: Option<String>,
    /// The time of day at which it begins, `3:04PM` or `15:04`.
    #[arg(long)]
    start_time: Option<String>,
    /// The day on which it ends.
    #[arg(long)]
    stop_date: Option<String>,
    /// The time of day at which it ends.
    #[arg(long)]
    stop_time: Option<String>,
    /// How long it runs: from its begin, or up to its end when only that is given.
    #[arg(short, long)]
    duration: Option<String>,
    /// Its name.
    #[arg(short, long)]
    name: Option<String>,
    /// How long after it fires its last job may begin, such as `5s`.
    #[arg(long)]
    deadline: Option<String>,
    /// Failures in a row that disable it; -1 never does.
    #[arg(long, allow_negative_numbers = true)]
    max_failures: Option<i64>,
    /// Do not start it.
    #[arg(long)]
    no_start: bool,
}

/// Creates it and tells its id.
pub(super) async fn run(snap: &Snap<'_>, arguments: &Arguments, as_json: bool) -> anyhow::Result<()> {
    let now = Zoned::now();
    let (task, source) = match (&arguments.task_manifest, &arguments.workflow_manifest) {
        (Some(file), _) => (manifest(read(file)?, arguments, &now)?, "task manifest"),
        (None, Some(file)) => (around_workflow(read(file)?, arguments, &now)?, "workflow manifest"),
        (None, None) => bail!("a task manifest or a workflow manifest is needed"),
    };
    let created = snap.send(Method::POST, "/v1/tasks", &Value::Object(task)).await;
    let created = created.context("Error creating task")?;
    if as_json {
        out::json(&created)?;
        return Ok(());
    }
    let [id, name, state] = ["id", "name", "task_state"].map(|key| plain(&created[key]));
    out::line(format_args!(
        "Using {source} to create task\nTask created\nID: {id}\nName: {name}\nState: {state}"
    ))?;
    Ok(())
}

/// A file of JSON, or of YAML, which is a superset of it.
fn read(file: &PathBuf) -> anyhow::Result<Value> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {shown}"))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{shown} is neither JSON nor YAML"))
}

/// The manifest with what the command line says otherwise.
fn manifest(manifest: Value, arguments: &Arguments, now: &Zoned) -> anyhow::Result<Map<String, Value>> {
    let Value::Object(mut task) = manifest else {
        bail!("the manifest must hold keys with values");
    };
    if task.get("version") != Some(&json!(1)) {
        bail!("Invalid version provided");
    }
    if let Some(schedule) = schedule(task.get("schedule"), arguments, now)? {
        task.insert("schedule".to_owned(), schedule);
    }
    apply(&mut task, arguments);
    Ok(task)
}

/// A manifest around a workflow; a document with the key `workflow` holds it there.
fn around_workflow(mut workflow: Value, arguments: &Arguments, now: &Zoned) -> anyhow::Result<Map<String, Value>> {
    if let Some(inner) = workflow.get_mut("workflow") {
        workflow = inner.take();
    }
    let schedule = schedule(None, arguments, now)?.context("an interval is needed")?;
    let mut task = Map::from_iter([
        ("version".to_owned(), json!(1)),
        ("schedule".to_owned(), schedule),
        ("workflow".to_owned(), workflow),
    ]);
    apply(&mut task, arguments);
    Ok(task)
}

fn apply(task: &mut Map<String, Value>, arguments: &Arguments) {
    let given = [
        ("name", arguments.name.as_deref().map(Value::from)),
        ("deadline", arguments.deadline.as_deref().map(Value::from)),
        ("max-failures", arguments.max_failures.map(Value::from)),
        ("start", Some(Value::from(!arguments.no_start))),
    ];
    let given = given
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    task.extend(given);
}

/// The schedule with what the command line says of it; `None` when it says nothing.
fn schedule(base: Option<&Value>, arguments: &Arguments, now: &Zoned) -> anyhow::Result<Option<Value>> {
    let (start, stop) = window(arguments, now)?;
    let given = [
        ("interval", arguments.interval.as_deref().map(Value::from)),
        ("count", arguments.count.map(Value::from)),
        ("start_timestamp", start.map(Value::from)),
        ("stop_timestamp", stop.map(Value::from)),
    ];
    let given: Map<_, _> = given
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect();
    if given.is_empty() {
        return Ok(None);
    }
    let mut schedule = base.and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(interval) = &arguments.interval {
        let kind = if is_duration(interval) { "windowed" } else { "cron" };
        schedule.insert("type".to_owned(), kind.into());
    }
    schedule.extend(given);
    Ok(Some(schedule.into()))
}

/// When it begins and ends, as far as the command line says.
fn window(arguments: &Arguments, now: &Zoned) -> anyhow::Result<(Option<String>, Option<String>)> {
    let Arguments {
        start_date,
        start_time,
        stop_date,
        stop_time,
        duration,
        ..
    } = arguments;
    let start = time::timestamp(start_date.as_deref(), start_time.as_deref(), now)?;
    let stop = time::timestamp(stop_date.as_deref(), stop_time.as_deref(), now)?;
    let Some(duration) = duration else {
        return Ok((start, stop));
    };
    let span: jiff::Span = duration
        .parse()
        .with_context(|| format!("{duration:?} is no duration"))?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours())?;
    Ok(match (start, stop) {
        (Some(_), Some(_)) => bail!("begin, end and duration: one too many"),
        (None, Some(stop)) => (Some(shifted(&stop, -length)?), Some(stop)),
        (Some(start), None) => {
            let stop = shifted(&start, length)?;
            (Some(start), Some(stop))
        }
        (None, None) => {
            let now = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
            (None, Some(shifted(&now, length)?))
        }
    })
}

fn shifted(timestamp: &str, by: jiff::SignedDuration) -> anyhow::Result<String> {
    let timestamp: Timestamp = timestamp.parse()?;
    Ok(timestamp.checked_add(by)?.to_string())
}

/// Whether it is a duration such as `1m30s`, not a cron expression.
fn is_duration(text: &str) -> bool {
    !text.contains(' ') && !text.starts_with('@')
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn arguments(line: &str) -> Arguments {
        let words = ["create", "-t", "f"].into_iter().chain(line.split_whitespace());
        Line::try_parse_from(words).unwrap().arguments
    }

    fn now() -> Zoned {
        "2026-11-20T12:00:00+00:00[UTC]".parse().unwrap()
    }

    fn schedule_of(base: Value, line: &str) -> Value {
        let task = json!({"version": 1, "schedule": base});
        let task = manifest(task, &arguments(line), &now()).unwrap();
        task["schedule"].clone()
    }

    #[test]
    fn the_command_line_overrides_the_manifest() {
        let base = json!({"type": "simple", "interval": "1s"});
        assert_eq!(schedule_of(base.clone(), ""), base);
        assert_eq!(
            schedule_of(base.clone(), "-i 5s --count 3"),
            json!({"type": "windowed", "interval": "5s", "count": 3}),
        );
        assert_eq!(
            schedule_of(base.clone(), "-d 1h"),
            json!({"type": "simple", "interval": "1s", "stop_timestamp": "2026-11-20T13:00:00Z"}),
        );
        assert_eq!(
            schedule_of(base, "--stop-time 3:00PM -d 30m")["start_timestamp"],
            "2026-11-20T14:30:00Z",
        );
        let task = manifest(
            json!({"version": 1}),
            &arguments("-n x --max-failures -1 --no-start"),
            &now(),
        )
        .unwrap();
        assert_eq!(
            Value::Object(task),
            json!({"version": 1, "name": "x", "max-failures": -1, "start": false})
        );
    }

    #[test]
    fn a_workflow_gets_a_schedule() {
        let workflow = json!({"collect": {"metrics": {}}});
        let expect = json!({
            "version": 1,
            "schedule": {"type": "windowed", "interval": "1s"},
            "workflow": workflow,
            "start": true,
        });
        let bare = around_workflow(workflow.clone(), &arguments("-i 1s"), &now()).unwrap();
        assert_eq!(Value::Object(bare), expect);
        let wrapped = around_workflow(json!({ "workflow": workflow }), &arguments("-i 1s"), &now()).unwrap();
        assert_eq!(Value::Object(wrapped), expect);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        assert!(manifest(json!([]), &arguments(""), &now()).is_err());
        assert!(manifest(json!({"version": 2}), &arguments(""), &now()).is_err());
        assert!(Line::try_parse_from(["create", "-w", "f"]).is_err());
        assert!(Line::try_parse_from(["create"]).is_err());
    }
}
