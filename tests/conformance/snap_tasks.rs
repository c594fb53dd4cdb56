//! Snap's tables on schedules and on the states of tasks, and what was recorded of tasks that were sent: errors, echoes,
//! watch streams.

use std::sync::Arc;

use bytes::Bytes;
use gyre::{
    base::TimestampNs,
    workflow::{
        Data, Metric, Namespace, event,
        manifest::{self, Manifest, Schedule},
        schedule::{Next, Timing},
        task::{Refusal, Task, numbered},
    },
};
use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use super::given;

const MS: i64 = 1_000_000;

/// When the recordings were made.
const NOW: TimestampNs = TimestampNs(1_795_179_600_000_000_000);

/// A part of the recorded cases; nothing without them.
fn rows(path: &str) -> Vec<Value> {
    let Some(cases) = given("snap/cases.json") else {
        return Vec::new();
    };
    let found = cases.pointer(path).and_then(Value::as_array);
    let rows = found.unwrap_or_else(|| panic!("no {path}")).clone();
    assert!(!rows.is_empty(), "nothing in {path}");
    rows
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn millis(value: &Value) -> Option<i64> {
    value.as_i64().map(|millis| millis * MS)
}

fn after(nanos: i64) -> TimestampNs {
    TimestampNs(NOW.0 + nanos)
}

/// A manifest with that schedule.
fn with(schedule: &Value) -> Result<Manifest, String> {
    let manifest = json!({"schedule": schedule, "workflow": {"collect": {"metrics": {"/a": {}}}}});
    manifest::from_json(manifest.to_string().as_bytes(), NOW).map_err(|error| error.to_string())
}

/// The schedule of a row, whose times are told as `now+60s`.
fn schedule_of(row: &Value) -> Value {
    let mut schedule = row["schedule"].clone();
    for (short, key) in [("start", "start_timestamp"), ("stop", "stop_timestamp")] {
        if let Some(time) = schedule[short].as_str().and_then(|time| time.strip_prefix("now")) {
            let seconds: i64 = time.trim_end_matches('s').parse().unwrap();
            schedule[key] = json!(after(seconds * 1000 * MS).to_string());
        }
    }
    schedule
}

#[test]
fn schedules_are_checked() {
    for row in rows("/schedule_validation") {
        let result = with(&schedule_of(&row)).map(drop);
        match (&row["error"], &row["error_prefix"]) {
            (Value::String(expect), _) => assert_eq!(result, Err(expect.clone()), "{row}"),
            (_, Value::String(start)) => assert!(result.unwrap_err().starts_with(start), "{row}"),
            (Value::Bool(true), _) => assert!(result.is_err(), "{row}"),
            _ => assert_eq!(result, Ok(()), "{row}"),
        }
    }
}

/// What a task did that fired until its schedule was over, or as often as wanted.
#[derive(Debug, Default)]
struct Ran {
    fires: i64,
    missed: u64,
    first: Option<i64>,
}

/// Lets time pass; a fire takes none but where a pause of some intervals and a bit follows it.
fn run(schedule: &Schedule, wanted: Option<i64>, pauses: &[(i64, i64)], interval: i64) -> Ran {
    let timing = Timing::begin(schedule, NOW, &TimeZone::UTC).unwrap();
    let (mut now, mut last) = (NOW, None);
    let mut ran = Ran::default();
    while wanted.is_none_or(|wanted| ran.fires < wanted) {
        let Next::Fire { at, missed } = timing.next(now, last) else {
            break;
        };
        ran.fires += 1;
        ran.missed += missed;
        ran.first.get_or_insert(at.0 - NOW.0);
        let pause = pauses.iter().find(|(fire, _)| *fire == ran.fires);
        now = after(at.0 - NOW.0 + pause.map_or(0, |(_, intervals)| intervals * interval + interval / 2));
        last = Some(at);
    }
    ran
}

/// After which fires there are pauses, and how many intervals these take.
fn pauses_of(row: &Value) -> Vec<(i64, i64)> {
    match &row["pauses"] {
        Value::String(_) => vec![(3, 1), (7, 1), (9, 2)],
        Value::Array(pauses) => {
            let numbered = (1..).zip(pauses);
            let pause = |(number, pause): (i64, &Value)| {
                let after = pause["after_fire"].as_i64().unwrap_or(2 * number);
                (after, pause["sleep_intervals"].as_i64().unwrap())
            };
            numbered.map(pause).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn fires_are_where_they_should_be() {
    for row in rows("/schedule_wait") {
        match (&row["cron"], &row["elapsed_since_last_ms"]) {
            (Value::String(cron), _) => cron_row(cron, &row),
            (_, Value::Number(elapsed)) => {
                let schedule = json!({"type": "simple", "interval": format!("{}ms", row["interval_ms"])});
                let timing = Timing::begin(&with(&schedule).unwrap().schedule, NOW, &TimeZone::UTC).unwrap();
                let now = after(elapsed.as_i64().unwrap() * MS);
                let at = TimestampNs(now.0 + millis(&row["waits_ms"]).unwrap());
                let missed = row["missed"].as_u64().unwrap();
                assert_eq!(timing.next(now, Some(NOW)), Next::Fire { at, missed }, "{row}");
            }
            _ => window_row(&row),
        }
    }
}

fn cron_row(cron: &str, row: &Value) {
    let schedule = Schedule::Cron(cron.to_owned());
    let timing = Timing::begin(&schedule, NOW, &TimeZone::UTC).unwrap();
    let ago: i64 = text(&row["last"])
        .trim_start_matches("now")
        .trim_end_matches('s')
        .parse()
        .unwrap_or(0);
    let Next::Fire { at, missed } = timing.next(NOW, Some(after(ago * 1000 * MS))) else {
        panic!("{row}")
    };
    if let Some(least) = row["missed_between"][0].as_u64() {
        assert!(
            (least..=row["missed_between"][1].as_u64().unwrap()).contains(&missed),
            "{row}: {missed}"
        );
    } else {
        assert_eq!(Some(missed), row["missed"].as_u64(), "{row}");
    }
    let most = millis(&row["fires_after_ms_at_most"]).unwrap_or(1000 * MS);
    assert!((1..=most).contains(&(at.0 - NOW.0)), "{row}");
}

fn window_row(row: &Value) {
    let interval = millis(&row["interval_ms"]).unwrap();
    // `T` is any time.
    let any = 7000 * MS;
    let time = |value: &Value| if text(value) == "T" { Some(any) } else { millis(value) };
    let mut schedule = json!({"type": "windowed", "interval": format!("{interval}ns"), "count": row["count"]});
    let start = time(&row["start_in_ms"]);
    let window = millis(&row["window_ms"]).map(|length| start.unwrap_or(0) + length);
    if let Some(start) = start {
        schedule["start_timestamp"] = json!(after(start).to_string());
    }
    if let Some(stop) = millis(&row["stop_in_ms"]).or(window) {
        schedule["stop_timestamp"] = json!(after(stop).to_string());
    }
    let is_bounded = window.is_some() || row["count"].is_u64();
    let wanted = if is_bounded {
        None
    } else {
        Some(row["waits"].as_i64().unwrap_or(3))
    };
    let ran = run(&with(&schedule).unwrap().schedule, wanted, &pauses_of(row), interval);
    if let Some(fires) = row["fires"].as_i64() {
        assert_eq!(ran.fires, fires, "{row}");
    }
    if let Some(missed) = row["total_missed"].as_u64() {
        assert_eq!(ran.missed, missed, "{row}");
    }
    if let Some([least, most]) = row["responses_between"].as_array().map(Vec::as_slice) {
        // The table counts the answer that the window is over, too.
        let answers = ran.fires + 1;
        assert!(
            (least.as_i64().unwrap()..=most.as_i64().unwrap()).contains(&answers),
            "{row}: {answers}"
        );
    }
    let first = ran.first.unwrap();
    if let Some(most) = millis(&row["first_fires_within_ms"]) {
        assert!((0..=most).contains(&first), "{row}: {first}");
    }
    if let Some([least, _]) = row["first_fire_between_ms"].as_array().map(Vec::as_slice) {
        assert_eq!(Some(first), time(least), "{row}");
    }
}

/// A task in that state; it is disabled by its first failure.
fn in_state(state: &str) -> Task {
    let mut manifest = with(&json!({"type": "simple", "interval": "1s"})).unwrap();
    manifest.max_failures = Some(1);
    let mut task = Task::new("x".to_owned(), Arc::new(manifest), NOW);
    if state != "Stopped" {
        task.started(NOW, &TimeZone::UTC).unwrap();
    }
    match state {
        "Ended" => task.ended(),
        "Disabled" => {
            task.fire(NOW, NOW, 0);
            task.finished(&["no".to_owned()]);
        }
        _ => {}
    }
    assert_eq!(task.state().to_string(), state);
    task
}

/// What the operation says, as Snap words it, and the state after it.
fn operate(operation: &str, state: &str) -> (Option<String>, Option<String>) {
    if state == "(absent)" {
        let refusal = Refusal::NotFound("x".to_owned());
        let is_numbered = matches!(operation, "start" | "stop");
        return (
            Some(if is_numbered {
                numbered(&[refusal])
            } else {
                refusal.to_string()
            }),
            None,
        );
    }
    let mut task = in_state(state);
    let numbered = |refusal| numbered(&[refusal]);
    let plain = |refusal: Refusal| refusal.to_string();
    let error = match operation {
        "start" => task.started(NOW, &TimeZone::UTC).map_err(numbered).err(),
        "stop" => task.stop().map_err(numbered).err(),
        "enable" => task.enable().map_err(plain).err(),
        "delete" => match task.may_remove() {
            Ok(()) => return (None, Some("(gone)".to_owned())),
            Err(refusal) => Some(plain(refusal)),
        },
        other => panic!("{other}"),
    };
    (error, Some(task.state().to_string()))
}

#[test]
fn states_change_as_they_should() {
    for row in rows("/task_transitions") {
        let (error, next) = operate(text(&row["op"]), text(&row["state"]));
        assert_eq!(error.as_deref(), row["message"].as_str(), "{row}");
        // Some say more: `Stopping then Stopped`, `Running (then ...)`.
        let expect = text(&row["next"]);
        let next = next.unwrap_or_default();
        assert!(expect.starts_with(&next) || expect.ends_with(&next), "{row}: {next}");
    }
}

/// Errors that depend on what is loaded; the manifests themselves are fine.
const OF_PLUGINS: [&str; 9] = [
    "Metric not found:",
    "Plugin not found:",
    "required key missing",
    "type mismatch",
    "Plugin is incompatible",
    "Multiple streaming plugins",
    "address ",
    "rpc error:",
    "value is ",
];

#[test]
fn manifests_are_read_and_echoed_as_recorded() {
    let groups = [
        "empty_daemon",
        "task_creation_errors",
        "task_lifecycle",
        "api_v2",
        "mock_pipeline",
    ];
    let (mut errors, mut echoes) = (0, 0);
    for row in groups.iter().flat_map(|group| rows(&format!("/rest_observed/{group}"))) {
        let is_manifest = row["method"] == "POST" && text(&row["path"]).ends_with("/tasks");
        // One root more than the original could bear is no error here.
        if !is_manifest || text(&row["body_text"]).starts_with("PANIC") {
            continue;
        }
        let (document, version) = (&row["body_json"], text(&row["path"]).starts_with("/v1"));
        let body = if version { &document["body"] } else { document };
        let read = manifest::from_json(text(&row["request_body"]).as_bytes(), NOW);
        let message = text(&body["message"]);
        if row["status"] == 201 {
            let manifest = read.unwrap_or_else(|error| panic!("{}: {error}", row["name"]));
            let id = text(&body["id"]).to_owned();
            let view = Task::new(id, Arc::new(manifest), NOW).view();
            assert_eq!(view.name, text(&body["name"]));
            assert_eq!(view.manifest.echo_workflow().to_string(), body["workflow"].to_string());
            assert_eq!(
                view.manifest.echo_schedule().unwrap_or_default(),
                body["schedule"],
                "{}",
                row["name"]
            );
            echoes += 1;
        } else if OF_PLUGINS.iter().any(|start| message.starts_with(start)) {
            assert!(read.is_ok(), "{}: {read:?}", row["name"]);
        } else {
            assert_eq!(read.unwrap_err().to_string(), message, "{}", row["name"]);
            errors += 1;
        }
    }
    println!("{errors} errors, {echoes} echoes");
}

/// The events of a recorded stream: what follows `data: ` up to the end of the line.
fn events(stream: &Value) -> Vec<String> {
    let chunks = stream["chunks"].as_array().unwrap();
    let text: String = chunks.iter().map(|chunk| text(&chunk[1])).collect();
    let data = |line: &str| line.strip_prefix("data: ").map(str::to_owned);
    text.lines().filter_map(data).collect()
}

#[test]
fn events_are_written_as_recorded() {
    for stream in rows("/watch_stream_raw") {
        for recorded in events(&stream) {
            let parsed: Value = serde_json::from_str(&recorded).unwrap();
            let message = text(&parsed["message"]);
            let ours = match text(&parsed["type"]) {
                "stream-open" => event::stream_open(),
                "task-started" => event::started(),
                "task-stopped" => event::stopped(),
                "task-ended" => event::ended(),
                "task-disabled" => event::disabled(message.strip_prefix("Task disabled with error: ").unwrap()),
                "metric-event" => metrics_again(&parsed["event"]),
                other => panic!("{other}"),
            };
            // `<tempdir>` and the like were put in place of paths after Go had escaped what it sent.
            let recorded = recorded.replace('<', "\\u003c").replace('>', "\\u003e");
            assert_eq!(String::from_utf8(ours.to_vec()).unwrap(), recorded);
        }
    }
}

fn metrics_again(metrics: &Value) -> Bytes {
    let metric = |metric: &Value| {
        let nanos = text(&metric["timestamp"]).parse::<Timestamp>().unwrap().as_nanosecond();
        let tags: serde_json::Map<String, Value> = metric["tags"].as_object().cloned().unwrap_or_default();
        let data = match &metric["data"] {
            Value::Number(number) => number
                .as_i64()
                .map_or(Data::Float64(number.as_f64().unwrap()), Data::Int64),
            other => Data::String(text(other).to_owned()),
        };
        Metric {
            data,
            tags: Arc::new(
                tags.iter()
                    .map(|(key, value)| (key.clone(), text(value).to_owned()))
                    .collect(),
            ),
            timestamp: Some(TimestampNs(i64::try_from(nanos).unwrap())),
            ..Metric::new(Namespace::parse(text(&metric["namespace"])), 1)
        }
    };
    let metrics: Vec<Metric> = metrics.as_array().unwrap().iter().map(metric).collect();
    event::metric_event(&metrics)
}
