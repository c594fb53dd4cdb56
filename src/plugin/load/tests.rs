use tempfile::TempDir;

use crate::{
    plugin::{
        CallError, HandshakeError, PluginTls, Running,
        testing::{Reply, Server, answer, executable, http, install_crypto, launch, messages, script},
        wire,
    },
    workflow::{ConfigValue, Data, PluginType},
};

use super::*;

struct Plugin {
    dir: TempDir,
    launch: Launch,
}

/// A plugin that prints that line, and then goes on until it is killed.
fn plugin(first_line: &str) -> Plugin {
    plugin_that(first_line, "exec sleep 1000")
}

fn plugin_that(first_line: &str, then: &str) -> Plugin {
    let dir = tempfile::tempdir().unwrap();
    let launch = launch(script(dir.path(), first_line, then));
    Plugin { dir, launch }
}

async fn loaded(plugin: &Plugin) -> Result<Description, LoadError> {
    load(&plugin.launch, &|_| Config::new()).await
}

async fn error_of(plugin: &Plugin) -> String {
    loaded(plugin).await.unwrap_err().to_string()
}

fn offer(values: &[(&str, &str)], version: i64) -> wire::Metric {
    let element = |(value, name): &(&str, &str)| wire::NamespaceElement {
        value: (*value).to_owned(),
        name: (*name).to_owned(),
        ..wire::NamespaceElement::default()
    };
    wire::Metric {
        namespace: values.iter().map(element).collect(),
        version,
        ..wire::Metric::default()
    }
}

#[tokio::test]
async fn a_collector() {
    let metrics = vec![
        offer(&[("a", ""), ("b", "")], 0),
        offer(&[("a", ""), ("*", "host"), ("c", "")], 3),
    ];
    let server = Server::good(metrics).await;
    let description = loaded(&plugin(&server.handshake("", ""))).await.unwrap();
    assert_eq!(description.meta.key.to_string(), "collector:fake:7");
    let versions = description.metrics.iter().map(|metric| metric.version);
    assert_eq!(versions.collect::<Vec<_>>(), [7, 3], "those without have the plugin's");
    assert_eq!(description.metrics[0].data, Data::None);
    let methods = server.calls().into_iter().map(|(path, ..)| path);
    assert_eq!(
        methods.collect::<Vec<_>>(),
        ["Ping", "GetConfigPolicy", "GetMetricTypes", "Kill"].map(|method| format!("/rpc.Collector/{method}"))
    );
}

#[tokio::test]
async fn others_are_not_asked_for_metrics() {
    let server = Server::good(vec![]).await;
    let description = loaded(&plugin(&server.handshake("", r#","Type":2"#))).await.unwrap();
    assert_eq!(description.meta.key.kind, PluginType::Publisher);
    assert_eq!(server.count("GetMetricTypes"), 0);
}

#[tokio::test]
async fn a_collector_is_given_defaults_and_what_is_configured_for_it() {
    let rule = |default: &str| wire::StringRule {
        default: default.to_owned(),
        has_default: true,
        required: false,
    };
    let policy = wire::StringPolicy {
        rules: [("name".to_owned(), rule("bob")), ("user".to_owned(), rule("root"))].into(),
        key: vec!["a".to_owned()],
    };
    let reply = wire::GetConfigPolicyReply {
        strings: [("a".to_owned(), policy)].into(),
        ..wire::GetConfigPolicyReply::default()
    };
    let server = Server::start(move |method| match method {
        "GetConfigPolicy" => messages(std::slice::from_ref(&reply)),
        _ => answer(method, &[]),
    });
    let server = server.await;
    let plugin = plugin(&server.handshake("", ""));
    let global = |key: &PluginKey| {
        assert_eq!(key.to_string(), "collector:fake:7");
        Config::from([("name".to_owned(), ConfigValue::String("jane".to_owned()))])
    };
    load(&plugin.launch, &global).await.unwrap();
    let calls = server.calls();
    let (.., bytes) = calls
        .iter()
        .find(|(path, ..)| path.ends_with("GetMetricTypes"))
        .unwrap();
    let sent = crate::plugin::testing::unframed(bytes).remove(0);
    let sent: wire::GetMetricTypesArg = prost::Message::decode(sent).unwrap();
    let expected = [
        ("name".to_owned(), "jane".to_owned()),
        ("user".to_owned(), "root".to_owned()),
    ];
    assert_eq!(sent.config.unwrap().strings, expected.into());
}

#[tokio::test]
async fn the_process_is_gone_afterwards() {
    let server = Server::good(vec![]).await;
    let plugin = plugin(&server.handshake("", ""));
    let running = Running::start(&plugin.launch).await.unwrap();
    let process = format!("/proc/{}", running.pid().unwrap());
    assert!(std::fs::exists(&process).unwrap());
    running.end(REASON, Duration::from_millis(1)).await;
    assert!(!std::fs::exists(&process).unwrap());
}

#[tokio::test]
async fn one_that_stands_alone_goes_on() {
    install_crypto();
    let server = Server::good(vec![]).await;
    let url = http(server.handshake("", r#","Type":1"#)).await;
    let launch = launch(Program::StandAlone { url });
    let description = load(&launch, &|_| Config::new()).await.unwrap();
    assert_eq!(description.meta.key.to_string(), "processor:fake:7");
    assert_eq!((server.count("GetConfigPolicy"), server.count("Kill")), (1, 0));
}

#[tokio::test]
async fn what_does_not_start() {
    let mut broken = plugin("");
    let Program::File { path, .. } = &broken.launch.program else {
        unreachable!("it is a file")
    };
    let path = path.clone();
    std::fs::write(&path, "junk").unwrap();
    let error = error_of(&broken).await;
    assert!(error.starts_with("Current plugin checksum ("), "{error}");
    broken.launch.program = Program::File {
        checksum: crate::plugin::Checksum::of(b"junk"),
        path: path.clone(),
    };
    let path = path.display();
    assert_eq!(error_of(&broken).await, format!("fork/exec {path}: exec format error"));
    broken.dir.close().unwrap();
    assert_eq!(
        load(&broken.launch, &|_| Config::new()).await.unwrap_err().to_string(),
        format!("open {path}: no such file or directory")
    );
}

#[tokio::test]
async fn what_says_no_handshake() {
    assert_eq!(
        error_of(&plugin("hello")).await,
        "invalid character 'h' looking for beginning of value"
    );
    let silent = plugin_that("", "exit 0");
    assert_eq!(error_of(&silent).await, "unexpected end of JSON input", "an empty line");
    let mut silent = plugin("");
    for text in ["#!/bin/sh\nexit 1\n", "#!/bin/sh\nexec sleep 1000\n"] {
        silent.launch.program = executable(silent.dir.path(), text);
        assert_eq!(error_of(&silent).await, "timed out waiting for plugin to load");
        silent.launch.load_timeout = Duration::from_millis(50);
    }
    silent.launch.program = executable(silent.dir.path(), "#!/bin/sh\nexec head -c 1000000 /dev/zero\n");
    silent.launch.load_timeout = Duration::from_secs(10);
    assert_eq!(error_of(&silent).await, "first line of plugin is longer than 64 KiB");
}

#[tokio::test]
async fn a_failure_counts_when_the_plugin_answers() {
    let failed = r#","State":1,"ErrorMessage":"no disk""#;
    let server = Server::good(vec![]).await;
    assert_eq!(
        error_of(&plugin(&server.handshake("", failed))).await,
        "plugin loading did not succeed: no disk\n"
    );
    assert_eq!(
        error_of(&plugin(&Server::nobody().handshake("", failed))).await,
        "rpc error: code = Unavailable desc = grpc: the connection is unavailable"
    );
}

#[tokio::test]
async fn what_may_not_be_offered() {
    for (metric, version, expected) in [
        (
            offer(&[("a", ""), ("*", "host")], 1),
            "1",
            "Metric namespace /a/* ends with an asterisk is not allowed",
        ),
        (offer(&[("a", "")], -1), "0", "Bad metric version from plugin"),
    ] {
        let server = Server::good(vec![metric]).await;
        let line = server.handshake(&format!(r#","Version":{version}"#), "");
        assert_eq!(error_of(&plugin(&line)).await, expected);
    }
}

#[tokio::test]
async fn calls_that_fail() {
    let server = Server::start(|method| match method {
        "GetConfigPolicy" => Reply::Status(2, "no policy"),
        _ => answer(method, &[]),
    });
    let error = loaded(&plugin(&server.await.handshake("", ""))).await.unwrap_err();
    assert!(matches!(error, LoadError::Call(CallError::Plugin(_))), "{error:?}");
}

#[tokio::test]
async fn gob_plugins_are_told_what_to_take_instead() {
    let native = r#","RPCType":0,"Name":"#;
    let line = Server::nobody().handshake(&format!(r#"{native}"mock","Version":2"#), "");
    let error = error_of(&plugin(&line)).await;
    assert!(
        error.ends_with(r#"Gyre has it built in: load {"uri": "builtin:collector:mock:2"} instead"#),
        "{error}"
    );
    let line = Server::nobody().handshake(&format!(r#"{native}"own""#), "");
    let error = loaded(&plugin(&line)).await.unwrap_err();
    assert!(
        matches!(error, LoadError::Handshake(HandshakeError::Native(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn certificates_that_are_not_there() {
    let server = Server::good(vec![]).await;
    let mut plugin = plugin(&server.handshake(r#","TLSEnabled":true"#, ""));
    let missing = plugin.dir.path().join("missing");
    plugin.launch.own_tls = Some(std::sync::Arc::new(PluginTls {
        cert: missing.clone(),
        key: missing.clone(),
        ca: vec![],
    }));
    let reason = format!("open {}: no such file or directory", missing.display());
    assert_eq!(
        error_of(&plugin).await,
        format!("error while creating client connection: unable to load TLS key pair: {reason}")
    );
}
