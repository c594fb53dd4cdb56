//! Plugins that fail while they are loaded: refused with a reason, in time, and nothing of them is left.

use std::time::Duration;

use super::{Daemon, Witness};
use crate::support::{snap::Plugin, wait::Instant};

/// A call's timeout, and what is around it.
const LONGEST: Duration = Duration::from_secs(20);

#[track_caller]
fn refused(daemon: &Daemon, what: &str, plugin: &Plugin) -> String {
    let begin = Instant::now();
    let why = daemon.try_load(plugin).expect_err(what);
    assert!(begin.elapsed() < LONGEST, "{what}: took {:?}", begin.elapsed());
    assert!(!why.is_empty(), "{what}");
    daemon.await_no_process("");
    why
}

#[test]
fn faults_in_the_calls_of_loading() {
    let daemon = Daemon::start();
    let witness = Witness::start(&daemon);
    for call in ["GetConfigPolicy", "GetMetricTypes"] {
        for fault in ["hang", "crash", "rubbish", "wrong-type"] {
            let what = format!("{call} {fault}");
            let why = refused(&daemon, &what, &Plugin::bad("collector", call, fault));
            assert!(why.starts_with("rpc error: code = "), "{what}: {why}");
        }
    }
    witness.check(&daemon);
}

#[test]
fn handshakes_that_are_none() {
    let daemon = Daemon::start_with(|config| config.set("telemetry", "plugin_load_timeout", "3s"));
    let witness = Witness::start(&daemon);
    let long = "timed out waiting for plugin to load";
    for (what, script, says) in [
        ("nothing", "sleep 600", long),
        ("the end", "exit 0", long),
        (
            "a word",
            "echo hello; sleep 600",
            "invalid character 'h' looking for beginning of value",
        ),
        ("half a line", "printf '{\"Meta\":'; sleep 600", long),
        ("an endless line", "exec cat /dev/zero", ""),
        (
            "a type of the future",
            r#"echo '{"Meta":{"Name":"x","Version":1,"Type":9,"RPCType":2},"Type":9,"ListenAddress":"127.0.0.1:1"}'; sleep 600"#,
            "Cannot create a client for a plugin of the type: ",
        ),
        (
            "a name that is none",
            r#"echo '{"Meta":{"Name":5}}'; sleep 600"#,
            "json: cannot unmarshal number into Go",
        ),
        (
            "another protocol",
            r#"echo '{"Meta":{"Name":"x","Version":1,"Type":0,"RPCType":7},"Type":0,"ListenAddress":"127.0.0.1:1"}'; sleep 600"#,
            "Invalid RPCTYPE",
        ),
        (
            "nobody there",
            r#"echo '{"Meta":{"Name":"x","Version":1,"Type":0,"RPCType":2},"Type":0,"ListenAddress":"127.0.0.1:1"}'; sleep 600"#,
            "rpc error: code = Unavailable",
        ),
    ] {
        let why = refused(
            &daemon,
            what,
            &Plugin::script("bad-plugin", &format!("#!/bin/sh\n{script}\n")),
        );
        assert!(why.starts_with(says), "{what}: {why}");
    }
    assert!(daemon.plugins().iter().all(|name| name == "mock" || name == "passthru"));
    witness.check(&daemon);
}
