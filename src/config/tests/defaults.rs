use std::{num::NonZeroUsize, time::Duration};

use serde_json::Value;

use super::{super::*, *};
use crate::{
    base::ByteSize,
    config::{raw, schema},
};

const GYRE_TOML: &str = include_str!("../../../config/gyre.toml");
const TWO_CIRCLES: &str = include_str!("../../../config/examples/two-circles.toml");

#[test]
fn the_shipped_file_says_what_an_empty_one_means() {
    let empty = accept("gyre.toml", "");
    assert_eq!(accept("gyre.toml", GYRE_TOML), empty);
    assert_eq!(accept("gyre.yaml", ""), empty);
    assert_eq!(accept("gyre.json", "{}"), empty);
    assert_eq!(accept("gyre.yaml", "http:\njournal:\n  sync: ~\n"), empty);
}

#[test]
fn the_shipped_file_shows_every_key() {
    // A table without defaults of its own cannot miss a key: the typed reading of an empty file would fail.
    let refused = serde_json::from_str::<raw::Backend>(r#"{"?": 0}"#)
        .err()
        .unwrap()
        .to_string();
    let mut keys: Vec<_> = refused.split('`').skip(3).step_by(2).collect();
    keys.sort_unstable();
    let shown = &schema::defaults()["circles"][0]["backends"][0];
    let Value::Object(shown) = shown else { panic!("a table") };
    assert_eq!(shown.keys().collect::<Vec<_>>(), keys);
}

#[test]
fn every_key_is_explained() {
    // A comment explains the keys right below it.
    let mut explained = false;
    for line in GYRE_TOML.lines() {
        let is_key = line.contains(" = ") && !line.starts_with('#');
        assert!(!is_key || explained, "{line}");
        explained = line.starts_with('#') || is_key;
    }
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let config = accept("gyre.toml", "");
    assert_eq!(config.http.listen, ["127.0.0.1:7076".parse().unwrap()]);
    assert_eq!(config.http.workers, Workers::PerCore);
    assert_eq!(config.http.max_body, ByteSize::mib(64));
    assert_eq!(config.http.tls, None);
    assert_eq!(config.auth, None);
    assert_eq!(config.journal.sync, JournalSync::Always);
    assert_eq!(config.delivery.connections, NonZeroUsize::new(4).unwrap());
    assert_eq!(config.query.timeout, None);
    assert_eq!(config.query.stall_timeout, Duration::from_secs(60));
    assert_eq!(config.query.max_concurrent, NonZeroUsize::new(256).unwrap());
    assert_eq!(
        (
            config.query.max_points,
            config.query.max_series,
            config.query.max_buckets
        ),
        (0, 0, 0)
    );
    assert_eq!(config.meta.store, SharedStore::Embedded);
    assert_eq!(config.meta.history, NonZeroUsize::new(10).unwrap());
    assert_eq!(config.meta.longpoll_timeout, LongpollTimeout::NoContent);
    assert_eq!(config.nodes.ttl, Duration::from_secs(15));
    assert_eq!(config.nodes.advertise, None);
    assert_eq!(config.proxy.api, Api::V2_4_7);
    assert_eq!(
        config.proxy.ack,
        Ack::Applied {
            timeout: Duration::from_secs(1)
        }
    );
    assert!(config.proxy.databases.allows("any"));
    let [circle] = config.circles.as_slice() else {
        panic!("one circle")
    };
    let [backend] = circle.backends.as_slice() else {
        panic!("one backend")
    };
    assert_eq!(
        (circle.name.as_str(), backend.name.as_str()),
        ("circle-1", "embedded-1")
    );
    assert_eq!(backend.url.as_configured(), "embedded:");
    assert_eq!(backend.trust, Trust::System);
}

#[test]
fn reads_the_example() {
    let config = accept("two-circles.toml", TWO_CIRCLES);
    let names = |circle: &Circle| {
        circle
            .backends
            .iter()
            .map(|backend| backend.name.clone())
            .collect::<Vec<_>>()
    };
    let names: Vec<_> = config.circles.iter().map(names).collect();
    assert_eq!(
        names,
        [["influxdb-1-1", "influxdb-1-2"], ["influxdb-2-1", "influxdb-2-2"]]
    );
    assert_eq!(config.circles[1].node_keys(&config.proxy.hash_key), ["0", "1"]);
}

#[test]
fn reads_everything_in_every_format() {
    let toml = r#"
http = { workers = 3, tls = { cert = "c.pem", key = "k.pem" } }
journal = { sync = "interval", sync_interval = "1m30s" }
meta = { store = "etcd", longpoll_timeout_status = 504, etcd = { endpoints = ["https://e:2379"], username = "u", ca = "e.pem" } }
nodes = { advertise = "[::1]:8000", revive_window = "1m" }
proxy = { ack = "journal", databases = ["a", "b"], hash_key = "n-%idx" }
[[circles]]
name = "one"
backends = [{ name = "b", url = "https://h", username = "HNuE5KxI!nNofosmqZR!mw", auth_encrypted = true, ca = "ca.pem" }]
"#;
    let config = accept("a.toml", toml);
    let values: Value = toml::from_str(toml).unwrap();
    assert_eq!(accept("a.json", &values.to_string()), config);
    assert_eq!(accept("a.YML", &serde_json::to_string_pretty(&values).unwrap()), config);
    assert_eq!(config.http.workers, Workers::Exactly(NonZeroUsize::new(3).unwrap()));
    let tls = config.http.tls.unwrap();
    assert_eq!((tls.cert.to_str(), tls.key.to_str()), (Some("c.pem"), Some("k.pem")));
    assert_eq!(config.journal.sync, JournalSync::Interval(Duration::from_secs(90)));
    assert_eq!(config.proxy.ack, Ack::Journal);
    assert!(config.proxy.databases.allows("b") && !config.proxy.databases.allows("B"));
    assert_eq!(config.meta.longpoll_timeout, LongpollTimeout::GatewayTimeout);
    let SharedStore::Etcd(etcd) = &config.meta.store else {
        panic!("etcd")
    };
    assert_eq!(
        (etcd.endpoints[0].base().as_str(), etcd.prefix.as_str()),
        ("https://e:2379", "/gyre")
    );
    assert_eq!(etcd.credentials.as_ref().unwrap().username, "u");
    assert_eq!(
        (etcd.ca.as_ref().unwrap().to_str(), etcd.timeout),
        (Some("e.pem"), Duration::from_secs(5))
    );
    let advertise = config.nodes.advertise.as_ref().unwrap();
    assert_eq!((advertise.host(), advertise.port()), ("::1", 8000));
    assert_eq!(advertise.to_string(), "[::1]:8000");
    let backend = &config.circles[0].backends[0];
    let credentials = backend.credentials.as_ref().unwrap();
    assert_eq!(
        (credentials.username.as_str(), credentials.password.expose()),
        ("root", "")
    );
    assert_eq!(backend.trust, Trust::Authorities("ca.pem".into()));
}

#[test]
fn debugging_shows_no_password() {
    let config = accept("two-circles.toml", TWO_CIRCLES);
    let shown = format!("{config:?}");
    assert!(shown.contains("admin") && !shown.contains("change-me"), "{shown}");
}

#[test]
fn loads_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gyre.toml");
    std::fs::write(&file, "[log]\nlevel = \"debug\"\n").unwrap();
    assert_eq!(load(&file, []).unwrap().log.level, LogLevel::Debug);
}
