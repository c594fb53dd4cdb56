use serde_json::json;

use super::*;
use crate::workflow::ConfigValue;

mod stored;

/// 2026-11-20T13:00:00Z
const NOW: TimestampNs = TimestampNs(1_795_179_600_000_000_000);

/// A manifest with that in place of its parts.
fn with(changes: Value) -> Value {
    let mut manifest = json!({
        "version": 1,
        "schedule": {"type": "simple", "interval": "1s"},
        "workflow": {"collect": {"metrics": {"/a": {}}}},
    });
    for (key, value) in changes.as_object().unwrap() {
        manifest[key] = value.clone();
    }
    manifest
}

fn error_of(manifest: &Value) -> String {
    from_json(manifest.to_string().as_bytes(), NOW).unwrap_err().to_string()
}

fn read(manifest: &Value) -> Manifest {
    from_json(manifest.to_string().as_bytes(), NOW).unwrap()
}

#[test]
fn texts_that_are_no_manifests() {
    let check = |text: &str, expect: &str| {
        assert_eq!(from_json(text.as_bytes(), NOW).unwrap_err().to_string(), expect);
    };
    check("", "unexpected end of JSON input");
    check("---\nversion: 1", "invalid character '-' in numeric literal");
    check("{} {}", "invalid character '{' after top-level value");
    check(
        "[]",
        "json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
    );
    check(
        "\"a\"",
        "json: cannot unmarshal string into Go value of type map[string]json.RawMessage",
    );
    for nothing in [
        "{}",
        "null",
        r#"{"schedule": {}}"#,
        r#"{"schedule": null, "workflow": {}}"#,
        r#"{"schedule": {"a": 1}}"#,
    ] {
        check(
            nothing,
            "Task must include a schedule, and the schedule must not be empty",
        );
    }
}

#[test]
fn settings_of_wrong_types() {
    let check = |key: &str, value: Value, expect: &str| {
        assert_eq!(
            error_of(&with(json!({ key: value }))),
            format!("{expect} (while parsing '{key}')")
        );
    };
    let found = |found: &str, wanted: &str| format!("json: cannot unmarshal {found} into Go value of type {wanted}");
    check("start", json!("yes"), &found("string", "bool"));
    check("name", json!(3), &found("number", "string"));
    check("deadline", json!(5), &found("number", "string"));
    check("max-collect-duration", json!({}), &found("object", "string"));
    check("max-failures", json!("x"), &found("string", "int"));
    check("max-failures", json!(1.5), &found("number 1.5", "int"));
    check("max-metrics-buffer", json!([]), &found("array", "int64"));
    check("version", json!("1"), &found("string", "int"));
}

#[test]
fn keys_that_are_not_known() {
    let check =
        |changes: Value, expect: &str| assert_eq!(error_of(&with(changes)), format!("Unrecognized key {expect}"));
    let collect = |collect: Value| json!({"workflow": {"collect": collect}});
    check(json!({"foo": 1}), "'foo' in task creation request");
    check(json!({"Name": "a"}), "'Name' in task creation request");
    check(json!({"workflow": {"x": 1}}), "'x' in workflow of task.");
    check(collect(json!({"foo": 1})), "'foo' in collect workflow of task.");
    check(
        collect(json!({"metrics": {"/a": {"ver": 1}}})),
        "'ver' in metrics in collect workflow of task",
    );
    check(
        collect(json!({"process": [{"foo": 1}]})),
        "'foo' in process workflow of task.",
    );
    check(
        collect(json!({"process": [{"process": [{"publish": [{"publish": []}]}]}]})),
        "'publish' in publish workflow of task.",
    );
}

#[test]
fn parts_of_wrong_types() {
    let check = |collect: Value, expect: &str| {
        let error = error_of(&with(json!({"workflow": {"collect": collect}})));
        assert_eq!(error, format!("json: cannot unmarshal {expect}"));
    };
    check(json!([]), "array into Go value of type map[string]json.RawMessage");
    check(
        json!({"metrics": []}),
        "array into Go value of type map[string]wmap.metricInfo",
    );
    check(
        json!({"metrics": {"/a": 1}}),
        "number into Go value of type map[string]json.RawMessage",
    );
    check(
        json!({"metrics": {"/a": {"version": "1"}}}),
        "string into Go value of type int (while parsing 'version')",
    );
    check(
        json!({"config": []}),
        "array into Go value of type map[string]map[string]interface {}",
    );
    check(
        json!({"config": {"/a": 1}}),
        "number into Go value of type map[string]interface {}",
    );
    check(json!({"tags": {"/a": {"k": 1}}}), "number into Go value of type string");
    check(
        json!({"process": {}}),
        "object into Go value of type []wmap.ProcessWorkflowMapNode",
    );
    check(
        json!({"publish": "x"}),
        "string into Go value of type []wmap.PublishWorkflowMapNode",
    );
    check(
        json!({"publish": [{"plugin_version": "1"}]}),
        "string into Go value of type int (while parsing 'plugin_version')",
    );
}

#[test]
fn schedules_that_cannot_be_followed() {
    let check = |schedule: Value, expect: &str| assert_eq!(error_of(&with(json!({ "schedule": schedule }))), expect);
    check(
        json!({"type": "weird", "interval": "1s"}),
        "unknown schedule type `weird`",
    );
    check(json!({"interval": "1s"}), "unknown schedule type ``");
    check(json!({"count": 1}), "unknown schedule type ``");
    check(
        json!({"type": "Simple", "interval": "1s"}),
        "unknown schedule type `Simple`",
    );
    for kind in ["simple", "windowed", "cron"] {
        check(
            json!({ "type": kind }),
            "missing `interval` in configuration of schedule",
        );
    }
    check(
        json!({"type": "simple", "interval": "abc"}),
        "time: invalid duration \"abc\"",
    );
    check(
        json!({"type": "simple", "interval": "5"}),
        "time: missing unit in duration \"5\"",
    );
    check(
        json!({"type": "simple", "interval": "-1s"}),
        "Interval must be greater than 0",
    );
    check(
        json!({"type": "cron", "interval": "1 2 3"}),
        "Expected 5 or 6 fields, found 3: 1 2 3",
    );
    check(
        json!("simple"),
        "json: cannot unmarshal string into Go value of type core.Schedule",
    );
    check(
        json!({"type": "simple", "interval": 5}),
        "json: cannot unmarshal number into Go struct field Schedule.interval of type string",
    );
    check(
        json!({"type": "simple", "interval": "1s", "Count": -1}),
        "json: cannot unmarshal number -1 into Go struct field Schedule.count of type uint",
    );
    // A time that is none is found first, whatever else is wrong.
    check(
        json!({"type": "simple", "interval": "1s", "count": -1, "start_timestamp": 5}),
        r#"parsing time "5" as "\"2006-01-02T15:04:05Z07:00\"": cannot parse "5" as "\"""#,
    );
}

#[test]
fn the_order_of_the_checks() {
    let mut manifest = with(json!({
        "schedule": {"type": "simple", "interval": "x"},
        "deadline": "y",
        "max-collect-duration": "z",
        "workflow": {"collect": {"publish": [{"config": {"a": [1, null]}}]}},
    }));
    manifest["foo"] = json!(1);
    let mut check = |expect: &str, key: &str, better: Value| {
        assert_eq!(error_of(&manifest), expect);
        manifest[key] = better;
    };
    check("Unrecognized key 'foo' in task creation request", "foo", Value::Null);
    manifest.as_object_mut().unwrap().remove("foo");
    let mut check = |expect: &str, key: &str, better: Value| {
        assert_eq!(error_of(&manifest), expect);
        manifest[key] = better;
    };
    let schedule = json!({"type": "simple", "interval": "1s", "stop_timestamp": "2016-10-28T16:30:00Z"});
    check("time: invalid duration \"x\"", "schedule", schedule);
    let schedule = json!({"type": "simple", "interval": "1s"});
    check("Stop time is in the past", "schedule", schedule);
    check("time: invalid duration \"y\"", "deadline", json!(""));
    check("time: invalid duration \"z\"", "max-collect-duration", json!("0s"));
    let workflow = json!({"collect": {
        "metrics": {"/a": {}},
        "config": {"/a": {"x": {"b": 1}}},
        "publish": [{"config": {"a": [1, null]}}],
    }});
    check(
        "Collection node has not metrics defined to collect",
        "workflow",
        workflow,
    );
    let workflow = json!({"collect": {"metrics": {"/a": {}}, "publish": [{"config": {"a": [1, null]}}]}});
    check(
        "Cannot convert config value to config data node: /a=>map[b:1]",
        "workflow",
        workflow,
    );
    check(
        "Cannot convert config value to config data node: =>[1 <nil>]",
        "workflow",
        json!({"collect": null}),
    );
    check(
        "Task must include a workflow, and the workflow must not be empty",
        "name",
        json!("n"),
    );
}

#[test]
fn what_is_read() {
    let manifest = read(&with(json!({
        "name": null,
        "deadline": "-1s",
        "max-failures": -5,
        "max-metrics-buffer": 7,
        "start": true,
        "schedule": {"TYPE": "windowed", "interval": "90s", "count": 3, "foo": 1},
        "workflow": {"collect": {
            "metrics": {"/b": {"version": -1}, "/a": null},
            "config": {"/a": {"i": 5, "f": 1.5, "whole": 1.0, "big": 1e20, "s": "x", "b": false}, "/b": null},
            "process": [{"plugin_name": "P", "publish": [{"plugin_name": "Q", "target": "h:1"}]}, null],
        }},
    })));
    assert_eq!(manifest.name, None);
    assert_eq!(manifest.deadline, Duration::ZERO);
    assert_eq!(manifest.max_failures, None);
    assert_eq!(manifest.max_collect_duration, DEFAULT_MAX_COLLECT_DURATION);
    let Schedule::Windowed(window) = &manifest.schedule else {
        panic!("{:?}", manifest.schedule)
    };
    assert_eq!((window.interval, window.count), (Duration::from_secs(90), 3));
    let workflow = &manifest.workflow;
    let metrics = [("/a".to_owned(), 0), ("/b".to_owned(), -1)];
    assert_eq!(workflow.metrics, BTreeMap::from(metrics));
    let config = &workflow.config["/a"];
    assert_eq!(config["i"], ConfigValue::Integer(5));
    assert_eq!(config["f"], ConfigValue::Float(1.5));
    assert_eq!(config["whole"], ConfigValue::Integer(1));
    assert_eq!(config["big"], ConfigValue::Float(1e20));
    assert_eq!(workflow.process[0].publish[0].target, "h:1");
    assert_eq!(workflow.process[1], Node::default());
}

#[test]
fn max_failures_has_a_default() {
    let check = |given: Value, expect: Option<u32>| {
        assert_eq!(read(&with(json!({ "max-failures": given }))).max_failures, expect);
    };
    check(Value::Null, Some(10));
    check(json!(0), Some(10));
    check(json!(3), Some(3));
    check(json!(-1), None);
    check(json!(1_i64 << 40), Some(u32::MAX));
}

#[test]
fn echoes_have_the_keys_in_snaps_order() {
    let manifest = read(&with(json!({
        "schedule": {"type": "simple", "interval": "90s", "count": 3,
            "stop_timestamp": "2046-10-28T16:30:00.50+01:00", "start_timestamp": "2046-10-27T16:00:00+00:00"},
        "workflow": {"collect": {
            "publish": [{"config": {"file": "x"}, "plugin_name": "F"}],
            "process": [{"config": {"b": 1, "a": 2.5}, "publish": [{"plugin_name": "f", "plugin_version": 3}],
                "plugin_name": "P", "process": [{"plugin_name": "p"}]}],
            "tags": {"/a": {"k": "v"}}, "config": {"/a": {}}, "metrics": {"/b": {"version": 2}, "/a": {}},
        }},
    })));
    let expect = concat!(
        r#"{"collect":{"metrics":{"/a":{"version":0},"/b":{"version":2}},"config":{"/a":{}},"tags":{"/a":{"k":"v"}},"#,
        r#""process":[{"plugin_name":"P","plugin_version":0,"#,
        r#""process":[{"plugin_name":"p","plugin_version":0,"target":""}],"#,
        r#""publish":[{"plugin_name":"f","plugin_version":3,"target":""}],"config":{"a":2.5,"b":1},"target":""}],"#,
        r#""publish":[{"plugin_name":"F","plugin_version":0,"config":{"file":"x"},"target":""}]}}"#,
    );
    assert_eq!(manifest.echo_workflow().to_string(), expect);
    let expect = concat!(
        r#"{"type":"windowed","interval":"1m30s","start_timestamp":"2046-10-27T16:00:00Z","#,
        r#""stop_timestamp":"2046-10-28T16:30:00.5+01:00"}"#,
    );
    assert_eq!(manifest.echo_schedule().unwrap().to_string(), expect);
    let cron = read(&with(json!({"schedule": {"type": "cron", "interval": "@hourly"}})));
    assert_eq!(
        cron.echo_schedule().unwrap(),
        json!({"type": "cron", "interval": "@hourly"})
    );
    let streaming = read(&with(json!({"schedule": {"type": "streaming"}})));
    assert_eq!(streaming.echo_schedule(), None);
}

#[test]
fn files_are_yaml() {
    let text = "
version: 1
name: host metrics
schedule: {type: cron, interval: '0 * * * * *'}
max-failures: 5
workflow:
  collect:
    metrics:
      /intel/mock/foo: {}
      /intel/mock/*/baz: {version: 2}
    config:
      /intel/mock: {password: secret, port: 7, on: true}
    publish:
      - plugin_name: mock-file
        config: {file: /tmp/out}
";
    let manifest = from_yaml(text, NOW).unwrap();
    assert_eq!(manifest.name.as_deref(), Some("host metrics"));
    assert_eq!(manifest.workflow.metrics["/intel/mock/*/baz"], 2);
    assert_eq!(manifest.workflow.config["/intel/mock"]["port"], ConfigValue::Integer(7));
    assert_eq!(
        from_yaml(&with(json!({})).to_string(), NOW).unwrap(),
        read(&with(json!({})))
    );
    let error = from_yaml("foo: 1", NOW).unwrap_err().to_string();
    assert_eq!(error, "Unrecognized key 'foo' in task creation request");
    assert!(matches!(from_yaml("a: [1", NOW), Err(ManifestError::Yaml(_))));
}

#[test]
fn stored_manifests_are_read_when_their_time_is_over() {
    let schedule = json!({"type": "windowed", "interval": "1s", "stop_timestamp": "2026-11-20T13:00:01Z"});
    let manifest = read(&with(json!({ "schedule": schedule })));
    assert_eq!(Manifest::from_stored(&manifest.to_json()), Ok(manifest));
}
