//! PURE. Metrics as line protocol.
//!
//! Snap's way makes a point of each metric: its measurement is the static elements joined by `/`, its field `value`. With
//! several fields a point, metrics of one time and the same tags that differ in their last static element share a point:
//! `/host/cpu/[core]/usage` is the field `usage` of the measurement `host_cpu`. Both ways, dynamic elements become tags by
//! their names, beside the metric's own tags.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    base::TimestampNs,
    influx::line::write::{self, Point, Value},
    workflow::{Data, Metric},
};

/// The field of a metric that has no other name for it.
const VALUE: &str = "value";

/// Lines, and how many values have no form in them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) lines: Vec<u8>,
    /// Values that are not finite, too large for InfluxDB's integers or absent, or whose names cannot be written.
    pub(super) dropped: u64,
}

/// A point's measurement, tags and time.
type Key<'a> = (String, BTreeMap<&'a str, &'a str>, TimestampNs);
type Fields<'a> = Vec<(Cow<'a, str>, Owned<'a>)>;

/// The value of a field.
enum Owned<'a> {
    Plain(Value<'a>),
    Text(String),
}

/// Encodes metrics; those without a time get `now`.
pub(super) fn encode(metrics: &[Metric], multi_fields: bool, now: TimestampNs) -> Encoded {
    let mut encoded = Encoded::default();
    if !multi_fields {
        for metric in metrics {
            match field(metric) {
                Some(value) => encoded.push(
                    &key(metric, static_elements(metric).join("/"), now),
                    &[(VALUE.into(), value)],
                ),
                None => encoded.dropped += 1,
            }
        }
        return encoded;
    }
    let mut points: BTreeMap<Key<'_>, Fields<'_>> = BTreeMap::new();
    for metric in metrics {
        match field(metric) {
            Some(value) => {
                let (measurement, name) = split(metric);
                points
                    .entry(key(metric, measurement, now))
                    .or_default()
                    .push((name.into(), value));
            }
            None => encoded.dropped += 1,
        }
    }
    points.iter().for_each(|(key, fields)| encoded.push(key, fields));
    encoded
}

impl Encoded {
    fn push(&mut self, (measurement, tags, time): &Key<'_>, fields: &[(Cow<'_, str>, Owned<'_>)]) {
        let tags: Vec<_> = tags
            .iter()
            .map(|(key, value)| (key.as_bytes(), value.as_bytes()))
            .collect();
        let values: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_bytes(), value.view()))
            .collect();
        let point = Point {
            measurement: measurement.as_bytes(),
            tags: &tags,
            fields: &values,
            time: *time,
        };
        if write::append(&mut self.lines, &point).is_err() {
            self.dropped += fields.len() as u64;
        }
    }
}

impl Owned<'_> {
    fn view(&self) -> Value<'_> {
        match self {
            Self::Plain(value) => *value,
            Self::Text(text) => Value::String(text.as_bytes()),
        }
    }
}

fn key(metric: &Metric, measurement: String, now: TimestampNs) -> Key<'_> {
    let own = metric.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let dynamic = metric.namespace.0.iter().filter(|element| element.is_dynamic());
    let dynamic = dynamic.map(|element| (element.name.as_str(), element.value.as_str()));
    (
        measurement,
        own.chain(dynamic).collect(),
        metric.timestamp.unwrap_or(now),
    )
}

fn static_elements(metric: &Metric) -> Vec<&str> {
    let elements = metric.namespace.0.iter().filter(|element| !element.is_dynamic());
    elements.map(|element| element.value.as_str()).collect()
}

/// Measurement and field.
fn split(metric: &Metric) -> (String, &str) {
    let elements = static_elements(metric);
    match elements.split_last() {
        Some((field, measurement)) if !measurement.is_empty() => (measurement.join("_"), field),
        _ => (elements.concat(), VALUE),
    }
}

/// The value as InfluxDB has them.
fn field(metric: &Metric) -> Option<Owned<'_>> {
    let value = match &metric.data {
        Data::None => return None,
        Data::Float32(float) => float_field(f64::from(*float))?,
        Data::Float64(float) => float_field(*float)?,
        Data::Int32(integer) => Value::Integer((*integer).into()),
        Data::Int64(integer) => Value::Integer(*integer),
        Data::Uint32(integer) => Value::Integer((*integer).into()),
        Data::Uint64(integer) => Value::Integer(i64::try_from(*integer).ok()?),
        Data::Bool(bool) => Value::Boolean(*bool),
        Data::String(text) => Value::String(text.as_bytes()),
        Data::Bytes(bytes) => return Some(Owned::Text(BASE64_STANDARD.encode(bytes))),
    };
    Some(Owned::Plain(value))
}

fn float_field(float: f64) -> Option<Value<'static>> {
    float.is_finite().then_some(Value::Float(float))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::workflow::{Element, Tags};

    /// `[name=value]` is a dynamic element.
    fn metric(path: &str, data: Data) -> Metric {
        let element = |text: &str| match text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']')?.split_once('='))
        {
            Some((name, value)) => Element {
                value: value.to_owned(),
                ..Element::dynamic(name, "")
            },
            None => Element::new(text),
        };
        Metric {
            data,
            timestamp: Some(TimestampNs(9)),
            ..Metric::new(path.split('|').map(element).collect(), 1)
        }
    }

    fn lines(metrics: &[Metric], multi_fields: bool) -> (String, u64) {
        let encoded = encode(metrics, multi_fields, TimestampNs(1));
        (String::from_utf8(encoded.lines).unwrap(), encoded.dropped)
    }

    #[test]
    fn each_metric_is_a_point() {
        let mut first = metric("intel|mock|[host=host 0]|baz", Data::Int32(7));
        first.tags = Arc::new(Tags::from([
            ("dc".to_owned(), "x1".to_owned()),
            ("empty".to_owned(), String::new()),
        ]));
        let second = Metric {
            timestamp: None,
            ..metric("intel|mock|foo", Data::String("a \"b\"".to_owned()))
        };
        let expected = "intel/mock/baz,dc=x1,host=host\\ 0 value=7i 9\nintel/mock/foo value=\"a \\\"b\\\"\" 1\n";
        assert_eq!(lines(&[first, second], false), (expected.to_owned(), 0));
    }

    #[test]
    fn metrics_of_one_thing_share_a_point() {
        let metrics = [
            metric("host|cpu|[core=0]|usage", Data::Float64(1.5)),
            metric("host|cpu|[core=1]|usage", Data::Float64(2.0)),
            metric("host|cpu|[core=0]|idle", Data::Bool(true)),
            metric("up", Data::Uint64(1)),
        ];
        let expected = "host_cpu,core=0 usage=1.5,idle=true 9\nhost_cpu,core=1 usage=2 9\nup value=1i 9\n";
        assert_eq!(lines(&metrics, true), (expected.to_owned(), 0));
    }

    #[test]
    fn what_has_no_form_is_dropped_and_counted() {
        let metrics = [
            metric("host|a|x", Data::Float64(f64::NAN)),
            metric("host|a|y", Data::Int64(1)),
            metric("host|a|z", Data::Uint64(u64::MAX)),
            metric("host|a|n", Data::None),
            metric("host|bad\n|x", Data::Float32(1.0)),
        ];
        assert_eq!(lines(&metrics, true), ("host_a y=1i 9\n".to_owned(), 4));
        assert_eq!(lines(&metrics, false), ("host/a/y value=1i 9\n".to_owned(), 4));
    }

    #[test]
    fn bytes_are_text() {
        let metrics = [metric("a|b", Data::Bytes(vec![0, 255].into()))];
        assert_eq!(lines(&metrics, false).0, "a/b value=\"AP8=\" 9\n");
    }
}
