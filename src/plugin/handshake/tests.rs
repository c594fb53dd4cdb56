use std::path::PathBuf;

use super::*;

/// As a plugin of Snap's Python library sends it.
const PYTHON: &str = r#"{"Meta": {"Name": "PyDemo", "Version": 3, "Type": 0, "RPCType": 2, "RPCVersion": 1,
    "ConcurrencyCount": 2, "Exclusive": false, "CacheTTL": 100000000, "RoutingStrategy": 0, "RootCertPaths": null,
    "CertPath": null, "KeyPath": null, "Ciphers": ["ECDHE-RSA-AES128-GCM-SHA256"], "TLSEnabled": false},
    "ListenAddress": "127.0.0.1:45009", "Token": null, "PublicKey": null, "Type": 0, "ErrorMessage": null, "State": 0}"#;

fn read(line: &str) -> Result<Handshake, HandshakeError> {
    Handshake::read(line.as_bytes(), Security::Plain)
}

/// A plugin that says nothing but the least, with some fields of `Meta` and of the whole.
fn least(meta: &str, all: &str) -> String {
    format!(r#"{{"Meta":{{"Name":"X","Version":1,"RPCType":2{meta}}},"ListenAddress":"127.0.0.1:1"{all}}}"#)
}

#[test]
fn the_argument_is_what_snap_sends() {
    assert_eq!(
        argument(LogLevel::Warn, None),
        r#"{"LogLevel":3,"PingTimeoutDuration":10000000000,"NoDaemon":false,"Pprof":false,"CertPath":"","KeyPath":"","RootCertPaths":"","TLSEnabled":false}"#
    );
    let tls = PluginTls {
        cert: PathBuf::from("/c.crt"),
        key: PathBuf::from("/c.key"),
        ca: vec![PathBuf::from("/a"), PathBuf::from("/b")],
    };
    let text = argument(LogLevel::Debug, Some(&tls));
    assert!(text.starts_with(r#"{"LogLevel":5,"#), "{text}");
    assert!(
        text.ends_with(r#""CertPath":"/c.crt","KeyPath":"/c.key","RootCertPaths":"/a:/b","TLSEnabled":true}"#),
        "{text}"
    );
}

#[test]
fn a_plugin_in_python() {
    let handshake = read(PYTHON).unwrap();
    assert_eq!(handshake.meta.key.to_string(), "collector:pydemo:3");
    assert_eq!(handshake.address, "127.0.0.1:45009");
    assert_eq!(handshake.failure, None);
    let meta = handshake.meta;
    assert_eq!((meta.concurrency, meta.exclusive), (2, false));
    assert_eq!(meta.cache_ttl, Duration::from_millis(100));
    assert_eq!(meta.routing, Routing::LeastRecentlyUsed);
}

#[test]
fn what_is_missing_is_zero() {
    let meta = read(&least("", "")).unwrap().meta;
    assert_eq!(meta.key.to_string(), "collector:x:1");
    assert_eq!((meta.concurrency, meta.cache_ttl), (1, Duration::ZERO));
    let nulls = r#","ConcurrencyCount":null,"CacheTTL":null,"Exclusive":null,"RoutingStrategy":null"#;
    assert_eq!(read(&least(nulls, r#","Type":null,"State":null"#)).unwrap().meta, meta);
    let other_case = least(r#","routingstrategy":1,"EXCLUSIVE":true"#, "");
    let meta = read(&other_case).unwrap().meta;
    assert_eq!((meta.routing, meta.exclusive), (Routing::Sticky, true));
}

#[test]
fn what_cannot_be_spoken_with() {
    for (line, expected) in [
        (least(r#","RPCType":1"#, ""), "Invalid RPCTYPE"),
        (least(r#","RPCType":9"#, ""), "Invalid RPCTYPE"),
        (least(r#","RPCType":3"#, r#","Type":2"#), "Invalid RPCTYPE"),
        (least("", r#","Type":3"#), "Invalid RPCTYPE"),
        (
            least("", r#","Type":4"#),
            "Cannot create a client for a plugin of the type: 4",
        ),
        (
            least("", r#","Type":-1"#),
            "Cannot create a client for a plugin of the type: -1",
        ),
        (
            least(r#","RPCType":0"#, r#","Type":2"#),
            "plugin publisher:x:1 speaks Go's net/rpc and gob, which is not supported: it must speak gRPC",
        ),
        (
            least(r#","TLSEnabled":true"#, ""),
            "insecure framework can't connect to secure plugin; plugin_name: X",
        ),
        (
            least("", r#","ListenAddress":"here""#),
            "error while creating client connection: bad address",
        ),
        (
            least("", r#","ListenAddress":":1""#),
            "error while creating client connection: bad address",
        ),
        (
            least(r#","Version":"1""#, ""),
            "json: cannot unmarshal string into Go struct field Meta.Version of type int",
        ),
        (
            "5".to_owned(),
            "json: cannot unmarshal number into Go value of type plugin.Response",
        ),
    ] {
        assert_eq!(read(&line).unwrap_err().to_string(), expected, "{line}");
    }
    assert_eq!(
        read(&least(r#","RPCType":3"#, r#","Type":3"#)).unwrap().meta.key.kind,
        PluginType::StreamingCollector
    );
}

#[test]
fn security_must_agree() {
    let secured = |line: &str| Handshake::read(line.as_bytes(), Security::Tls);
    assert!(secured(&least(r#","TLSEnabled":true"#, "")).is_ok());
    assert_eq!(
        secured(&least("", "")).unwrap_err().to_string(),
        "secure framework can't connect to insecure plugin; plugin_name: X"
    );
}

#[test]
fn a_failure_is_told() {
    let line = least("", r#","State":1,"ErrorMessage":"no disk""#);
    assert_eq!(read(&line).unwrap().failure.as_deref(), Some("no disk"));
    assert_eq!(read(&least("", r#","State":1"#)).unwrap().failure.as_deref(), Some(""));
}

#[test]
fn what_is_no_json_is_refused_in_gos_words() {
    for (line, expected) in [
        ("hello", "invalid character 'h' looking for beginning of value"),
        ("", "unexpected end of JSON input"),
        (r#"{"Meta":"#, "unexpected end of JSON input"),
        ("{} x", "invalid character 'x' after top-level value"),
    ] {
        assert_eq!(read(line).unwrap_err().to_string(), expected, "{line}");
    }
}
