use std::{env, fs, num::NonZeroUsize, path::Path, time::Duration};

use super::{super::*, *};

/// A file in the shape of the one that influx-proxy 2.5.12 ships.
const NEW: &str = r#"{
  "circles": [
    {"name": "circle-1", "backends": [
      {"name": "influxdb-1-1", "url": "http://127.0.0.1:8086", "username": "", "password": ""},
      {"name": "influxdb-1-2", "url": "http://127.0.0.1:8087/", "write_only": true}]},
    {"name": "circle-2", "backends": [
      {"name": "influxdb-2-1", "url": "https://127.0.0.1:8088",
       "username": "YgvEyuPZlDYAH8sGDkC!Ag", "password": "HNuE5KxI!nNofosmqZR!mw", "auth_encrypt": true}]}],
  "listen_addr": ":7076", "db_list": ["db1"], "data_dir": "/var/data", "tlog_dir": "log",
  "hash_key": "exi", "shard_key": "%db",
  "flush_size": 500, "flush_time": 1, "check_interval": 2, "rewrite_interval": 20, "rewrite_threads": 5,
  "conn_pool_size": 8, "write_timeout": 1, "idle_timeout": 30,
  "username": "admin", "password": "pw", "ping_auth_enabled": true, "write_tracing": false, "query_tracing": false,
  "https_enabled": false, "https_cert": "c", "https_key": "", "tls": {"ciphers": [], "min_version": "", "max_version": ""}
}"#;

/// A file with the fewest keys, `more` at the top.
fn minimal(more: &str) -> String {
    format!("{{{more}\"circles\": [\n{{\"backends\": [\n{{\"name\": \"a\", \"url\": \"http://a\"}}]}}]}}")
}

#[test]
fn takes_over_2_5_12() {
    let config = accept("proxy.json", NEW);
    assert_eq!(config.proxy.api, Api::V2_5_12);
    assert_eq!(config.http.listen[0].to_string(), ":7076");
    assert_eq!(config.http.keep_alive, Duration::from_secs(30));
    assert!(config.http.ping_auth && config.http.tls.is_none());
    assert_eq!(config.data.dir, Path::new("/var/data"));
    assert_eq!(
        (config.proxy.hash_key.to_string(), config.proxy.shard_key.to_string()),
        ("exi".into(), "%db".into())
    );
    assert_eq!(config.proxy.databases.names(), ["db1"]);
    assert_eq!(config.delivery.batch_lines, NonZeroUsize::new(500).unwrap());
    assert_eq!(config.delivery.connections, NonZeroUsize::new(8).unwrap());
    assert_eq!(
        (config.delivery.timeout, config.delivery.check_interval),
        (Duration::from_secs(1), Duration::from_secs(2))
    );
    assert_eq!(config.delivery.backoff_max, Duration::from_secs(20));
    assert_eq!(config.auth.as_ref().unwrap().username, "admin");
    let [first, second] = config.circles.as_slice() else {
        panic!("two circles")
    };
    assert_eq!(first.backends[1].url.as_configured(), "http://127.0.0.1:8087/");
    assert!(first.backends[1].write_only && !first.backends[0].write_only);
    assert_eq!(first.backends[0].credentials, None);
    let credentials = second.backends[0].credentials.as_ref().unwrap();
    assert_eq!(
        (credentials.username.as_str(), credentials.password.expose()),
        ("admin", "root")
    );
    assert_eq!(second.backends[0].trust, Trust::System);
    assert_eq!(config.journal, accept("gyre.toml", "").journal);
}

#[test]
fn takes_over_2_4_7() {
    let text = r#"{"circles": [{"name": "c", "backends": [
        {"name": "a", "url": "http://a", "username": "YgvEyuPZlDYAH8sGDkC!Ag", "password": ""}]}],
        "mlog_dir": "log", "vnode_size": 256, "log_enabled": true, "auth_secure": true,
        "username": "YgvEyuPZlDYAH8sGDkC!Ag", "password": "HNuE5KxI!nNofosmqZR!mw"}"#;
    let config = accept("proxy.json", text);
    assert_eq!(config.proxy.api, Api::V2_4_7);
    assert_eq!(config.http.listen[0].to_string(), ":7076");
    assert_eq!(config.auth.as_ref().unwrap().password.expose(), "root");
    assert_eq!(
        config.circles[0].backends[0].credentials.as_ref().unwrap().username,
        "admin"
    );
}

#[test]
fn defaults_are_those_of_influx_proxy() {
    let config = accept("proxy.json", &minimal(""));
    assert_eq!(config.proxy.api, Api::V2_5_12);
    assert_eq!(config.http.listen[0].to_string(), ":7076");
    assert_eq!(config.http.keep_alive, Duration::from_secs(10));
    assert_eq!(config.delivery.connections, NonZeroUsize::new(20).unwrap());
    assert_eq!(config.proxy.hash_key.to_string(), "idx");
    assert!(!config.telemetry.default_task);
    assert_eq!(
        accept(
            "proxy.json",
            &minimal(r#""flush_size": 0, "idle_timeout": -5, "data_dir": "", "#)
        ),
        config
    );
}

#[test]
fn reads_weakly() {
    let text =
        minimal(r#""Flush_Size": "100", "PING_AUTH_ENABLED": 1, "db_list": "a,b", "nonsense": {}, "password": 7, "#);
    let config = accept("proxy.json", &text);
    assert_eq!(config.delivery.batch_lines, NonZeroUsize::new(100).unwrap());
    assert!(config.http.ping_auth);
    assert_eq!(config.proxy.databases.names(), ["a", "b"]);
    assert_eq!(config.auth.unwrap().password.expose(), "7");
    let yaml = "listen_addr: :1\ncircles:\n  backends:\n    NAME: a\n    Url: http://a\n";
    assert_eq!(accept("proxy.yaml", yaml).circles[0].backends[0].name, "a");
    let toml = "hash_key = \"url\"\n[[circles]]\n[[circles.backends]]\nname = \"a\"\nurl = \"http://a/\"\n[tls]\nmin_version = \"tls1.2\"";
    let config = accept("proxy.toml", toml);
    assert_eq!(config.circles[0].node_keys(&config.proxy.hash_key), ["http://a/"]);
}

#[test]
fn names_circles_that_have_none() {
    let backends = |name: &str| format!(r#""backends": [{{"name": "{name}", "url": "http://a"}}]"#);
    let text = format!(
        r#"{{"circles": [{{"name": "x", {}}}, {{"name": "x", {}}}, {{{}}}, {{"name": "circle-3", {}}}]}}"#,
        backends("a"),
        backends("b"),
        backends("c"),
        backends("d"),
    );
    let config = accept("proxy.json", &text);
    let names: Vec<_> = config.circles.iter().map(|circle| circle.name.as_str()).collect();
    assert_eq!(names, ["x", "circle-2", "circle-4", "circle-3"]);
}

#[test]
fn tells_the_two_kinds_of_files_apart() {
    let check = |file, text: &str, api| assert_eq!(accept(file, text).proxy.api, api, "{text}");
    let circles = "[[circles]]\nname = \"c\"\nbackends = [{ name = \"a\", url = \"http://a\" }]\n";
    check("a.toml", circles, Api::V2_4_7);
    check("a.toml", &format!("listen_addr = \":1\"\n{circles}"), Api::V2_5_12);
    check("a.toml", &format!("mlog_dir = \"log\"\n{circles}"), Api::V2_4_7);
    check(
        "a.toml",
        &format!("mlog_dir = \"log\"\ntlog_dir = \"log\"\n{circles}"),
        Api::V2_5_12,
    );
    check("a.json", &minimal(""), Api::V2_5_12);
    check("a.json", r#"{"proxy": {"api": "2.4.7"}}"#, Api::V2_4_7);
    assert_eq!(
        refuse("a.toml", &format!("[http]\n\n[data]\n\n{circles}\n[listen_addr]\n")),
        "a.toml:9: unknown key `listen_addr`: known are `auth`, `circles`, `data`, `delivery`, `embedded`, `http`, `journal`, \
         `log`, `memory`, `meta`, `nodes`, `proxy`, `query`, `telemetry`"
    );
}

#[test]
fn refuses_as_influx_proxy_does() {
    let check = |text: &str, message: &str| assert_eq!(refuse("proxy.json", text), format!("proxy.json:{message}"));
    check("{\"listen_addr\": \":1\"}", "1: circles: circles cannot be empty");
    check("{\"circles\": []}", "1: circles: circles cannot be empty");
    check(
        "{\"circles\": [\n{\"name\": \"c\"}]}",
        "2: circles[0].backends: backends cannot be empty",
    );
    check(
        "{\"circles\": [{\"backends\": [\n{}]}]}",
        "2: circles[0].backends[0].name: backend name cannot be empty",
    );
    let twice = "\"circles\": [{\"backends\": [{\"name\": \"a\"},\n{\"name\": \"a\"}]}]}";
    check(
        &format!("{{{twice}"),
        "2: circles[0].backends[1].name: backend name duplicated",
    );
    check(
        &format!("{{\"mlog_dir\": \"\",{twice}"),
        "2: circles[0].backends[1].name: backend name exists: a",
    );
    let check = |more: &str, message: &str| check(&minimal(&format!("\n{more},\n")), &format!("2: {message}"));
    check(
        "\"hash_key\": \"ip\"",
        "hash_key: invalid hash_key, require idx, exi, name, url or template containing %idx",
    );
    check(
        "\"HASH_KEY\": \"exi\", \"mlog_dir\": \"\"",
        "hash_key: invalid hash_key, should be idx, name or url",
    );
    check(
        "\"shard_key\": \"db\"",
        "shard_key: invalid shard_key, require template containing %db or %mm",
    );
    check(
        "\"tls\": {\"min_version\": \"9\"}",
        "tls.min_version: unknown tls version: \"9\". available versions: SSL3.0, TLS1.0, TLS1.1, TLS1.2, TLS1.3",
    );
    check("\"flush_size\": \"many\"", "flush_size: cannot be read as an int");
    check(
        "\"https_enabled\": \"maybe\"",
        "https_enabled: cannot be read as a bool",
    );
    check("\"password\": [\"secret\"]", "password: cannot be read as a string");
}

#[test]
fn ciphers_are_checked_in_any_case() {
    let with = |cipher: &str| {
        minimal(&format!(
            "\"tls\": {{\"ciphers\": [\"tls_aes_128_gcm_sha256\", \"{cipher}\"]}},"
        ))
    };
    accept("proxy.json", &with("TLS_FALLBACK_SCSV"));
    let refused = refuse("proxy.json", &with("rot13"));
    let start =
        "proxy.json:1: tls.ciphers: unknown cipher suite: \"rot13\". available ciphers: TLS_AES_128_GCM_SHA256, TLS_";
    assert!(
        refused.starts_with(start) && refused.ends_with(", TLS_RSA_WITH_RC4_128_SHA"),
        "{refused}"
    );
}

#[test]
fn refuses_what_gyre_cannot_do_in_their_words() {
    let check = |more: &str, message: &str| {
        let text = minimal(&format!("\n{more},\n"));
        assert_eq!(refuse("proxy.json", &text), format!("proxy.json:2: {message}"));
    };
    check(
        "\"listen_addr\": \"7076\"",
        "listen_addr: \"7076\" is not an address to listen on: write \"host:port\", or \":port\" for every interface",
    );
    check(
        "\"vnode_size\": 100",
        "vnode_size: only 256 is supported: another number would look for the data in other places",
    );
    check(
        "\"https_enabled\": true",
        "https_enabled: https_cert and https_key are needed",
    );
    check(
        "\"https_enabled\": true, \"https_cert\": \"c\"",
        "https_cert: the certificate needs its private key",
    );
    check(
        "\"auth_encrypt\": true, \"username\": \"=\"",
        "username: not a ciphertext: illegal base64 data at input byte 0",
    );
}

#[test]
fn conformance_files_are_accepted() {
    let Some(folder) = env::var_os("GYRE_CONFORMANCE") else {
        return;
    };
    let text = fs::read_to_string(Path::new(&folder).join("influx-proxy/wire.json")).unwrap();
    let shared: serde_json::Value = serde_json::from_str(&text).unwrap();
    for set in shared["sets"].as_array().unwrap() {
        let config = accept("proxy.json", &set["config"].to_string());
        let version = if set["name"].as_str().unwrap().starts_with("2.4.7") {
            Api::V2_4_7
        } else {
            Api::V2_5_12
        };
        assert_eq!(config.proxy.api, version);
        assert_eq!(config.circles.len(), set["config"]["circles"].as_array().unwrap().len());
    }
}
