//! PURE. What watchers of a task are told: one JSON object an event, compact, as Go's `json.Marshal` writes it.
//!
//! ```text
//! {"type":"metric-event","message":"","event":[{"namespace":"/a/b","data":42,"timestamp":"...Z","tags":{"k":"v"}}]}
//! ```
//!
//! Framing for the stream is the concern of whoever sends. An event is written once, however many watch.

use std::{fmt, io::Write};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;

use super::{
    Data, Metric, Tags,
    gojson::{write_f32, write_f64, write_string},
};

/// What Go prints for a time that was never set.
const NO_TIME: &str = "0001-01-01T00:00:00Z";

/// Bytes that one metric takes, about.
const METRIC_SIZE: usize = 160;

/// The first event of every watch.
#[must_use]
pub fn stream_open() -> Bytes {
    Bytes::from_static(br#"{"type":"stream-open","message":"Stream opened"}"#)
}

/// The task was started.
#[must_use]
pub fn started() -> Bytes {
    Bytes::from_static(br#"{"type":"task-started","message":""}"#)
}

/// The task was stopped; the last event.
#[must_use]
pub fn stopped() -> Bytes {
    Bytes::from_static(br#"{"type":"task-stopped","message":""}"#)
}

/// The schedule of the task is over; the last event.
#[must_use]
pub fn ended() -> Bytes {
    Bytes::from_static(br#"{"type":"task-ended","message":""}"#)
}

/// The task failed too often in a row, last with that text; the last event.
#[must_use]
pub fn disabled(last_failure: &str) -> Bytes {
    let mut out = br#"{"type":"task-disabled","message":"#.to_vec();
    write_string(&mut out, &format!("Task disabled with error: {last_failure}"));
    out.push(b'}');
    out.into()
}

/// What one fire collected.
#[must_use]
pub fn metric_event(metrics: &[Metric]) -> Bytes {
    let mut out = Vec::with_capacity(64 + metrics.len() * METRIC_SIZE);
    out.extend_from_slice(br#"{"type":"metric-event","message":"","event":["#);
    for (number, metric) in metrics.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write_metric(&mut out, metric);
    }
    out.extend_from_slice(b"]}");
    out.into()
}

fn write_metric(out: &mut Vec<u8>, metric: &Metric) {
    out.extend_from_slice(br#"{"namespace":"#);
    write_string(out, &metric.namespace.to_string());
    out.extend_from_slice(br#","data":"#);
    write_data(out, &metric.data);
    out.extend_from_slice(br#","timestamp":""#);
    match metric.timestamp {
        Some(time) => append(out, format_args!("{time}")),
        None => out.extend_from_slice(NO_TIME.as_bytes()),
    }
    out.extend_from_slice(br#"","tags":"#);
    write_tags(out, &metric.tags);
    out.push(b'}');
}

fn write_data(out: &mut Vec<u8>, data: &Data) {
    match data {
        Data::None => out.extend_from_slice(b"null"),
        Data::String(text) => write_string(out, text),
        Data::Float32(number) => write_f32(out, *number),
        Data::Float64(number) => write_f64(out, *number),
        Data::Int32(number) => append(out, format_args!("{number}")),
        Data::Int64(number) => append(out, format_args!("{number}")),
        Data::Uint32(number) => append(out, format_args!("{number}")),
        Data::Uint64(number) => append(out, format_args!("{number}")),
        Data::Bool(is) => append(out, format_args!("{is}")),
        Data::Bytes(bytes) => append(out, format_args!("\"{}\"", STANDARD.encode(bytes))),
    }
}

/// No tags are `null`: streaming collectors' metrics have no table at all.
fn write_tags(out: &mut Vec<u8>, tags: &Tags) {
    if tags.is_empty() {
        out.extend_from_slice(b"null");
        return;
    }
    for (number, (key, value)) in tags.iter().enumerate() {
        out.push(if number == 0 { b'{' } else { b',' });
        write_string(out, key);
        out.push(b':');
        write_string(out, value);
    }
    out.push(b'}');
}

fn append(out: &mut Vec<u8>, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "memory takes everything");
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{base::TimestampNs, workflow::Namespace};

    fn metric(namespace: &str, data: Data, tags: &[(&str, &str)]) -> Metric {
        let tag = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        Metric {
            data,
            tags: Arc::new(tags.iter().map(tag).collect()),
            timestamp: Some(TimestampNs(1_795_179_647_288_726_806)),
            ..Metric::new(Namespace::parse(namespace), 1)
        }
    }

    fn shown(metrics: &[Metric]) -> String {
        String::from_utf8(metric_event(metrics).to_vec()).unwrap()
    }

    #[test]
    fn metrics_as_recorded() {
        let tags = [("plugin_running_on", "vm")];
        let metrics = [
            metric("/py/demo/int", Data::Int64(42), &tags),
            metric("/py/demo/s1/temp", Data::Float64(21.5), &tags),
        ];
        let expect = concat!(
            r#"{"type":"metric-event","message":"","event":["#,
            r#"{"namespace":"/py/demo/int","data":42,"timestamp":"2026-11-20T13:00:47.288726806Z","#,
            r#""tags":{"plugin_running_on":"vm"}},"#,
            r#"{"namespace":"/py/demo/s1/temp","data":21.5,"timestamp":"2026-11-20T13:00:47.288726806Z","#,
            r#""tags":{"plugin_running_on":"vm"}}]}"#,
        );
        assert_eq!(shown(&metrics), expect);
    }

    #[test]
    fn every_type_of_data() {
        let check = |data: Data, expect: &str| {
            let text = shown(&[metric("/a", data, &[])]);
            let start = r#"{"type":"metric-event","message":"","event":[{"namespace":"/a","data":"#;
            let end = r#","timestamp":"2026-11-20T13:00:47.288726806Z","tags":null}]}"#;
            assert_eq!(text, format!("{start}{expect}{end}"));
        };
        check(Data::None, "null");
        check(
            Data::String("a<b>&\"c\"\n".to_owned()),
            r#""a\u003cb\u003e\u0026\"c\"\n""#,
        );
        check(Data::Float32(0.1), "0.1");
        check(Data::Float64(1.0), "1");
        check(Data::Float64(f64::NAN), "null");
        check(Data::Int32(-1), "-1");
        check(Data::Int64(i64::MIN), "-9223372036854775808");
        check(Data::Uint32(1), "1");
        check(Data::Uint64(u64::MAX), "18446744073709551615");
        check(Data::Bool(true), "true");
        check(Data::Bytes(Bytes::from_static(b"\x00\xffab")), "\"AP9hYg==\"");
    }

    #[test]
    fn metrics_without_a_time_and_with_odd_names() {
        let mut odd = metric("|a/b|c", Data::Int64(1), &[("k\"", "v"), ("a", "<")]);
        odd.timestamp = None;
        let expect = concat!(
            r#"{"type":"metric-event","message":"","event":[{"namespace":"|a/b|c","data":1,"#,
            r#""timestamp":"0001-01-01T00:00:00Z","tags":{"a":"\u003c","k\"":"v"}}]}"#,
        );
        assert_eq!(shown(&[odd]), expect);
        assert_eq!(shown(&[]), r#"{"type":"metric-event","message":"","event":[]}"#);
    }

    #[test]
    fn failures_are_told() {
        let text = String::from_utf8(disabled("a \"b\"\n^").to_vec()).unwrap();
        let expect = r#"{"type":"task-disabled","message":"Task disabled with error: a \"b\"\n^"}"#;
        assert_eq!(text, expect);
    }
}
