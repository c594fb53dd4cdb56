use std::{path::Path, time::Duration};

use proptest::prelude::*;

use super::{super::*, *};

fn with(text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
    parse(Path::new("gyre.toml"), text, variables(pairs))
}

#[test]
fn sets_values_of_every_type() {
    let pairs = [
        ("PATH", "/bin"),
        ("GYRE_OTHER", "ignored"),
        ("GYRE__HTTP__WORKERS", "2"),
        ("GYRE__HTTP__PING_AUTH", "true"),
        ("GYRE__HTTP__TLS", "{ cert = \"c\", key = \"k\" }"),
        ("GYRE__HTTP__LISTEN", "[\":1\", \":2\"]"),
        ("GYRE__PROXY__ACK_TIMEOUT", "5s"),
        ("GYRE__PROXY__DATABASES", "a, b"),
        ("GYRE__AUTH__PASSWORD", "[1]"),
    ];
    let config = with("[proxy]\nack_timeout = \"9s\"", &pairs).unwrap();
    assert_eq!(config.http.workers, Workers::Exactly(2.try_into().unwrap()));
    assert!(config.http.ping_auth && config.http.tls.is_some());
    assert_eq!(
        config.http.listen.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [":1", ":2"]
    );
    assert_eq!(
        config.proxy.ack,
        Ack::Applied {
            timeout: Duration::from_secs(5)
        }
    );
    assert_eq!(config.proxy.databases.names(), ["a", "b"]);
    assert_eq!(config.auth.unwrap().password.expose(), "[1]");
}

#[test]
fn plain_text_is_a_list_of_one() {
    let config = with("", &[("GYRE__HTTP__LISTEN", "localhost:1")]).unwrap();
    assert_eq!(config.http.listen, ["localhost:1".parse().unwrap()]);
    let config = with("", &[("GYRE__HTTP__LISTEN", "[::1]:80, :81")]).unwrap();
    assert_eq!(
        config.http.listen,
        ["[::1]:80".parse().unwrap(), ":81".parse().unwrap()]
    );
    let config = with("", &[("GYRE__HTTP__LISTEN__1", ":1")]).unwrap();
    assert_eq!(config.http.listen.len(), 2);
    let config = with("[proxy]\ndatabases = [\"a\"]", &[("GYRE__PROXY__DATABASES", "")]).unwrap();
    assert!(config.proxy.databases.names().is_empty());
}

#[test]
fn reaches_into_lists() {
    let pairs = [
        ("GYRE__CIRCLES__0__BACKENDS__1__URL", "http://b:8086"),
        ("GYRE__CIRCLES__0__BACKENDS__1__NAME", "b"),
        ("GYRE__CIRCLES__0__BACKENDS__0__URL", "http://a:8086"),
        (
            "GYRE__CIRCLES__1",
            "{ name = \"second\", backends = [{ name = \"c\", url = \"http://c\" }] }",
        ),
    ];
    let config = with("", &pairs).unwrap();
    let urls = |circle: usize| {
        config.circles[circle]
            .backends
            .iter()
            .map(|b| b.url.as_configured())
            .collect::<Vec<_>>()
    };
    assert_eq!(urls(0), ["http://a:8086", "http://b:8086"]);
    assert_eq!(urls(1), ["http://c"]);
}

#[test]
fn refuses_with_the_name_of_the_variable() {
    let check = |name: &str, value: &str, message: &str| {
        let refused = with("[http]\nworkers = 1", &[(name, value)]).unwrap_err();
        assert_eq!(refused.to_string(), format!("environment variable {name}: {message}"));
    };
    check(
        "GYRE__PROXY__ACK_TIMOUT",
        "1s",
        "unknown key `proxy.ack_timout`: did you mean `ack_timeout`?",
    );
    check("GYRE__PROXI__ACK", "1s", "unknown key `proxi`: did you mean `proxy`?");
    check("GYRE__HTTP__WORKERS__X", "1", "unknown key `http.workers.x`");
    check("GYRE__CIRCLES__FIRST__NAME", "1", "unknown key `circles.first`");
    check(
        "GYRE__HTTP__TLS",
        "{ crt = \"\" }",
        "unknown key `http.tls.crt`: did you mean `cert`?",
    );
    check(
        "GYRE__HTTP__TLS",
        "cert",
        "http.tls: string values must be quoted, expected literal string",
    );
    check(
        "GYRE__HTTP__WORKERS",
        "two",
        "http.workers: invalid type: string \"two\", expected usize",
    );
    check(
        "GYRE__HTTP__PING_AUTH",
        "1",
        "http.ping_auth: invalid type: integer `1`, expected a boolean",
    );
    check(
        "GYRE__PROXY__ACK",
        "none",
        "proxy.ack: \"none\" is none of \"applied\", \"journal\"",
    );
    check(
        "GYRE__HTTP__LISTEN__2",
        ":1",
        "http.listen[2]: the list has 1 items, so the next position is 1",
    );
    check(
        "GYRE__CIRCLES__0__BACKENDS__1__NAME",
        "b",
        "circles[0].backends[1]: missing field `url`",
    );
    check(
        "GYRE__MEMORY__BUDGET",
        "1MiB",
        "memory.budget: 1MiB is less than http.max_decompressed, 256MiB",
    );
}

#[test]
fn overrides_imported_files() {
    let text = r#"{"listen_addr": ":1", "circles": [{"backends": [{"name": "a", "url": "http://a"}]}]}"#;
    let pairs = variables(&[("GYRE__PROXY__API", "2.4.7"), ("GYRE__HTTP__LISTEN", ":2")]);
    let config = parse(Path::new("proxy.json"), text, pairs).unwrap();
    assert_eq!(
        (config.proxy.api, config.http.listen[0].to_string().as_str()),
        (Api::V2_4_7, ":2")
    );
}

proptest! {
    #[test]
    fn any_input_is_answered(text in "[a-z\\[\\]{}=\"':,. \n0-9-]{0,60}", name in "(HTTP|CIRCLES|[A-Z0-9_]{0,9})(__[A-Z0-9_]{0,9}){0,3}", value in ".{0,20}") {
        let pairs = [(format!("GYRE__{name}"), value)];
        for file in ["a.toml", "a.json", "a.yaml"] {
            drop(parse(Path::new(file), &text, pairs.clone()));
            drop(parse(Path::new(file), &text, []));
        }
    }
}
