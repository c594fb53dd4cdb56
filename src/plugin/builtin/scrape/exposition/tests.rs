//! Lines of the format, written and broken.

use proptest::prelude::*;

use super::*;

fn one(line: &str) -> Sample<'_> {
    let mut samples = parse(line, Format::Prometheus).unwrap().samples;
    assert_eq!(samples.len(), 1);
    samples.remove(0)
}

fn labels<'a>(sample: &'a Sample<'_>) -> Vec<(&'a str, &'a str)> {
    sample
        .labels
        .iter()
        .map(|(name, value)| (name.as_ref(), value.as_ref()))
        .collect()
}

#[test]
fn samples_are_read() {
    let plain = one("up 1");
    assert_eq!((plain.name.as_ref(), plain.value, plain.time), ("up", 1.0, None));
    let full = one("  a:b_2{x = \"1\" ,\ty=\"q\\\"\\\\\\n\\z{},=\", } -2.5e-3 1395066363000 \r");
    assert_eq!(full.name, "a:b_2");
    assert_eq!(labels(&full), [("x", "1"), ("y", "q\"\\\n\\z{},=")]);
    assert_eq!(
        (full.value, full.time),
        (-0.0025, Some(TimestampNs(1_395_066_363_000_000_000)))
    );
    assert_eq!(labels(&one("empty{} 0")), []);
    assert_eq!(
        one("before_epoch 1 -3982045").time,
        Some(TimestampNs(-3_982_045_000_000))
    );
    let quoted = one("{\"my.metric\",\"a.b\"=\"ä\"} 2");
    assert_eq!(
        (quoted.name.as_ref(), labels(&quoted)),
        ("my.metric", vec![("a.b", "ä")])
    );
}

#[test]
fn values_that_are_not_finite_are_read() {
    assert!(one("a NaN").value.is_nan());
    assert_eq!(one("a +Inf").value, f64::INFINITY);
    assert_eq!(one("a{le=\"+Inf\"} -Inf").value, f64::NEG_INFINITY);
}

#[test]
fn what_is_said_of_a_family_holds_for_its_samples() {
    let text = "# HELP h time \\\\ to\\nanswer\n# TYPE h histogram\n# UNIT h seconds\n\n# a comment\nh_bucket{le=\"1\"} 3\nh_sum 2\nh_count 3\nother 1\n";
    let read = parse(text, Format::OpenMetrics).unwrap();
    assert_eq!(read.samples.len(), 4);
    for name in ["h_bucket", "h_sum", "h_count", "h"] {
        let family = read.family(name).unwrap();
        assert_eq!((family.help.as_ref(), family.unit), ("time \\ to\nanswer", "seconds"));
    }
    assert_eq!(read.family("other"), None);
}

#[test]
fn openmetrics_has_other_times_and_exemplars_and_an_end() {
    let text =
        "a_total{b=\"c\"} 1 1520879607.789 # {trace=\"x y\"} 0.5 1520879607\nb_bucket 2 # {} 1\n# EOF\nrubbish\n";
    let read = parse(text, Format::OpenMetrics).unwrap();
    let times: Vec<_> = read.samples.iter().map(|sample| sample.time).collect();
    assert_eq!(times, [Some(TimestampNs(1_520_879_607_789_000_000)), None]);
    assert_eq!(
        Format::of_content_type("application/openmetrics-text; version=1.0.0"),
        Format::OpenMetrics
    );
    assert_eq!(Format::of_content_type("text/plain; version=0.0.4"), Format::Prometheus);
}

#[test]
fn bad_lines_are_named() {
    for (line, reason) in [
        ("a", "there is no value"),
        ("a one", "the value is no number"),
        ("1a 2", "the metric has no name"),
        ("{} 2", "the metric has no name"),
        ("a{\"b\"} 2", "the metric has two names"),
        ("a{b=\"c} 2", "a quote is not closed"),
        ("a{b=\"c\\\"} 2", "a quote is not closed"),
        ("a{b=c} 2", "a quote is missing"),
        ("a{b} 2", "a label has no value"),
        ("a{=\"c\"} 2", "a label has no name"),
        ("a{b=\"c\"d=\"e\"} 2", "labels are not separated"),
        ("a{b=\"c\"", "labels are not separated"),
        ("a 1 now", "the timestamp is no number"),
        ("a 1 9223372036854775807", "the timestamp is out of range"),
        ("a 1 2 3", "something follows the timestamp"),
        ("a 1 # {} 1", "the timestamp is no number"),
    ] {
        let error = parse(&format!("ok 1\n{line}\nok 2"), Format::Prometheus).unwrap_err();
        assert_eq!(error, ParseError { line: 2, reason }, "{line}");
    }
    let far = parse("a 1 1e300", Format::OpenMetrics).unwrap_err();
    assert_eq!(far.to_string(), "line 1: the timestamp is out of range");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,8}",
        given in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,4}", any::<String>()), 0..4),
        value in any::<f64>(),
        millis in prop::option::of(-9_000_000_000_000_i64..9_000_000_000_000),
    ) {
        let written: Vec<_> = given.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        let time = millis.map(|millis| format!(" {millis}")).unwrap_or_default();
        let line = format!("{name}{{{}}} {value:?}{time}", written.join(","));
        let sample = one(&line);
        prop_assert_eq!(sample.name.as_ref(), name);
        let read: Vec<_> = sample.labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        prop_assert_eq!(read, given);
        prop_assert!(sample.value == value || sample.value.is_nan() && value.is_nan());
        prop_assert_eq!(sample.time, millis.map(|millis| TimestampNs(millis * 1_000_000)));
    }

    /// Nothing that an endpoint says makes the parser panic.
    #[test]
    fn rubbish_is_refused(text in "[a#{}\",=\\\\ \t\n01eE.+-äN]{0,60}", open in any::<bool>()) {
        let format = if open { Format::OpenMetrics } else { Format::Prometheus };
        let _read_or_refused = parse(&text, format);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _read_or_refused = parse(&text, Format::Prometheus);
    }
}
