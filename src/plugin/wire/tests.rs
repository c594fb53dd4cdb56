use std::sync::Arc;

use prost::Message;

use crate::{
    base::TimestampNs,
    workflow::{
        self, Config, ConfigValue, Element,
        policy::{Policy, Rule, RuleKind},
    },
};

use super::*;

const CAME: TimestampNs = TimestampNs(42);

fn sample(data: workflow::Data) -> workflow::Metric {
    let namespace = [
        Element::new("py"),
        Element::dynamic("sensor", "sensor id"),
        Element::new("temp"),
    ];
    let config: Config = [
        ("i".to_owned(), ConfigValue::Integer(i64::MIN)),
        ("f".to_owned(), ConfigValue::Float(0.5)),
        ("s".to_owned(), ConfigValue::String("bob".to_owned())),
        ("b".to_owned(), ConfigValue::Bool(false)),
    ]
    .into();
    workflow::Metric {
        config: Arc::new(config),
        data,
        tags: Arc::new([("k".to_owned(), "v".to_owned())].into()),
        timestamp: Some(TimestampNs(1_700_000_000_123_456_789)),
        last_advertised: Some(TimestampNs(1_600_000_000_123_456_789)),
        unit: "°C".into(),
        description: "how warm it is".into(),
        ..workflow::Metric::new(namespace.into_iter().collect(), 3)
    }
}

fn there_and_back(metric: &workflow::Metric, purpose: Purpose) -> workflow::Metric {
    let sent = MetricsArg {
        metrics: encode_metrics(std::slice::from_ref(metric), purpose),
    };
    let got = MetricsArg::decode(sent.encode_to_vec().as_slice()).unwrap();
    decode_metrics(got.metrics, CAME).remove(0)
}

#[test]
fn nothing_of_a_metric_is_lost() {
    use workflow::Data;
    for data in [
        Data::None,
        Data::String(String::new()),
        Data::String("text".to_owned()),
        Data::Float32(-0.25),
        Data::Float64(f64::MAX),
        Data::Int32(i32::MIN),
        Data::Int64(0),
        Data::Uint32(u32::MAX),
        Data::Uint64(u64::MAX),
        Data::Bool(false),
        Data::Bytes(bytes::Bytes::from_static(&[0, 255])),
    ] {
        let metric = sample(data);
        assert_eq!(there_and_back(&metric, Purpose::HandOn), metric);
    }
}

#[test]
fn metrics_to_collect_carry_no_description() {
    let metric = sample(workflow::Data::None);
    let got = there_and_back(&metric, Purpose::Collect);
    assert_eq!(&*got.description, "");
    assert_eq!(got.namespace.0[1].description, "sensor id");
}

#[test]
fn times() {
    let metric = workflow::Metric {
        timestamp: None,
        last_advertised: Some(TimestampNs(5_000_000_007)),
        ..sample(workflow::Data::None)
    };
    let sent = encode_metrics(&[metric], Purpose::Collect).remove(0);
    assert_eq!(sent.timestamp, Some(Time::UNSET));
    assert_eq!(
        sent.last_advertised,
        Some(Time { sec: 5, nsec: 0 }),
        "nanoseconds of the other time"
    );

    let before_1970 = workflow::Metric {
        timestamp: Some(TimestampNs(-1)),
        ..sample(workflow::Data::None)
    };
    let sent = encode_metrics(std::slice::from_ref(&before_1970), Purpose::HandOn).remove(0);
    assert_eq!(
        sent.timestamp,
        Some(Time {
            sec: -1,
            nsec: 999_999_999
        })
    );
    assert_eq!(
        there_and_back(&before_1970, Purpose::HandOn).timestamp,
        before_1970.timestamp
    );

    let decoded = |timestamp| {
        let metric = Metric {
            timestamp,
            ..Metric::default()
        };
        decode_metrics(vec![metric], CAME)[0].timestamp
    };
    assert_eq!(decoded(None), Some(CAME), "absent: when it came");
    assert_eq!(decoded(Some(Time::UNSET)), None);
    assert_eq!(
        decoded(Some(Time { sec: i64::MAX, nsec: 1 })),
        Some(TimestampNs(i64::MAX)),
        "out of reach"
    );
}

/// A policy for a whole plugin, and one with a dot in its path.
fn policy() -> GetConfigPolicyReply {
    let path = || vec!["py".to_owned(), "de.mo".to_owned()];
    let strict = BoolPolicy {
        rules: [("strict".to_owned(), BoolRule::default())].into(),
        key: vec![],
    };
    let scale = IntegerRule {
        default: 2,
        has_default: true,
        minimum: 1,
        has_min: true,
        maximum: 100,
        ..IntegerRule::default()
    };
    let scale = IntegerPolicy {
        rules: [("scale".to_owned(), scale)].into(),
        key: path(),
    };
    let password = StringRule {
        required: true,
        ..StringRule::default()
    };
    let password = StringPolicy {
        rules: [("password".to_owned(), password)].into(),
        key: path(),
    };
    GetConfigPolicyReply {
        bools: [(String::new(), strict)].into(),
        integers: [("py.de.mo".to_owned(), scale)].into(),
        strings: [("py.de.mo".to_owned(), password)].into(),
        ..GetConfigPolicyReply::default()
    }
}

#[test]
fn a_policy_is_where_its_key_list_says() {
    let got = decode_policy(GetConfigPolicyReply::decode(policy().encode_to_vec().as_slice()).unwrap());
    let rule = |kind, required| Rule { kind, required };
    let scale = RuleKind::Integer {
        default: Some(2),
        minimum: Some(1),
        maximum: None,
    };
    let mut expected = Policy::default();
    let root = expected.nodes.entry(vec![]).or_default();
    root.insert("strict".to_owned(), rule(RuleKind::Bool { default: None }, false));
    let node = expected
        .nodes
        .entry(vec!["py".to_owned(), "de.mo".to_owned()])
        .or_default();
    node.insert("scale".to_owned(), rule(scale, false));
    node.insert("password".to_owned(), rule(RuleKind::String { default: None }, true));
    assert_eq!(got, expected);
}

/// The bytes that protoc's Python code makes of the same message: the numbers and types of all fields of a metric.
#[test]
fn field_numbers() {
    let metric = Metric {
        namespace: vec![NamespaceElement {
            value: "a".to_owned(),
            description: "b".to_owned(),
            name: "c".to_owned(),
        }],
        version: 1,
        config: Some(ConfigMap {
            integers: [("i".to_owned(), 1)].into(),
            strings: [("s".to_owned(), "t".to_owned())].into(),
            floats: [("f".to_owned(), 1.0)].into(),
            bools: [("b".to_owned(), true)].into(),
        }),
        last_advertised: Some(Time { sec: 1, nsec: 2 }),
        tags: [("k".to_owned(), "v".to_owned())].into(),
        timestamp: Some(Time { sec: 3, nsec: 4 }),
        unit: "u".to_owned(),
        description: "d".to_owned(),
        data: Some(Data::Uint64(9)),
    };
    let hex: String = metric
        .encode_to_vec()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let of_python = "0a090a01611201621a016310011a240a050a0169100112060a01731201741a0c0a016611000000000000f03f\
                     22050a016210012204080110022a060a016b1201763204080310043a0175420164880109";
    assert_eq!(hex, of_python);
}
