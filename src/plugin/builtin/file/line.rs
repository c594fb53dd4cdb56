//! PURE. A metric as `mock-file` writes it: `time|namespace|value|tags[key:value; key:value]`, as Go prints each.

use std::fmt::Write as _;

use crate::{
    base::TimestampNs,
    workflow::{Data, Metric},
};

/// A line for each metric.
pub(super) fn print(metrics: &[Metric]) -> String {
    let mut lines = String::new();
    for metric in metrics {
        // Printing into a string cannot fail.
        let _printed = push(&mut lines, metric);
    }
    lines
}

fn push(out: &mut String, metric: &Metric) -> std::fmt::Result {
    let time = time(metric.timestamp.unwrap_or_default());
    write!(out, "{time}|{}|{}|tags[", metric.namespace, value(&metric.data))?;
    for (at, (key, value)) in metric.tags.iter().enumerate() {
        let separator = if at == 0 { "" } else { "; " };
        write!(out, "{separator}{key}:{value}")?;
    }
    out.push_str("]\n");
    Ok(())
}

/// Go's `time.Time.String` in UTC: `2026-11-20 13:04:38.27004338 +0000 UTC`.
fn time(time: TimestampNs) -> String {
    let text = time.to_string().replace('T', " ");
    format!("{} +0000 UTC", text.trim_end_matches('Z'))
}

/// Go's `%v`.
fn value(data: &Data) -> String {
    match data {
        Data::None => "<nil>".to_owned(),
        Data::String(text) => text.clone(),
        Data::Float32(float) => float_text(f64::from(*float), format!("{float}"), &format!("{float:e}")),
        Data::Float64(float) => float_text(*float, format!("{float}"), &format!("{float:e}")),
        Data::Int32(integer) => integer.to_string(),
        Data::Int64(integer) => integer.to_string(),
        Data::Uint32(integer) => integer.to_string(),
        Data::Uint64(integer) => integer.to_string(),
        Data::Bool(bool) => bool.to_string(),
        Data::Bytes(bytes) => {
            let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
            format!("[{}]", numbers.join(" "))
        }
    }
}

/// Go's `%v` of a float: shortest digits, an exponent of at least two digits below 1e-4 and from 1e21 on.
fn float_text(float: f64, plain: String, exponential: &str) -> String {
    match float {
        float if float.is_nan() => "NaN".to_owned(),
        float if float.is_infinite() => if float > 0.0 { "+Inf" } else { "-Inf" }.to_owned(),
        float if float == 0.0 || (1e-4..1e21).contains(&float.abs()) => plain,
        _ => match exponential.split_once('e') {
            Some((digits, exponent)) => {
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                format!("{digits}e{sign}{exponent:0>2}")
            }
            None => plain,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::workflow::{Element, Tags};

    #[test]
    fn a_line_is_what_snap_wrote() {
        let namespace = ["intel", "mock", "host0", "baz"]
            .map(Element::new)
            .into_iter()
            .collect();
        let metric = Metric {
            data: Data::Int64(78),
            timestamp: Some(TimestampNs(1_795_179_878_270_043_380)),
            tags: Arc::new(Tags::from(
                [("dc", "x1"), ("plugin_running_on", "vm")].map(|(k, v)| (k.to_owned(), v.to_owned())),
            )),
            ..Metric::new(namespace, 1)
        };
        assert_eq!(
            print(&[metric]),
            "2026-11-20 13:04:38.27004338 +0000 UTC|/intel/mock/host0/baz|78|tags[dc:x1; plugin_running_on:vm]\n"
        );
    }

    #[test]
    fn values_are_printed_as_go_does() {
        for (float, text) in [
            (0.0, "0"),
            (21.5, "21.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-2.5e-7, "-2.5e-07"),
            (1e-4, "0.0001"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(value(&Data::Float64(float)), text);
        }
        assert_eq!(value(&Data::Float32(0.1)), "0.1");
        assert_eq!(value(&Data::Bytes(vec![1, 255].into())), "[1 255]");
        assert_eq!(value(&Data::None), "<nil>");
    }
}
