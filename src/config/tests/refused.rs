use std::path::Path;

use super::{super::*, *};
use crate::base::ErrorKind;

#[test]
fn unknown_keys() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), message);
    check(
        "[proxy]\nack = \"journal\"\nack_timout = \"1s\"\n",
        "gyre.toml:3: unknown key `proxy.ack_timout`: did you mean `ack_timeout`?",
    );
    check("\n[htpp]\n", "gyre.toml:2: unknown key `htpp`: did you mean `http`?");
    check(
        "[telemetry]\ndefault_tsk = true\n",
        "gyre.toml:2: unknown key `telemetry.default_tsk`: did you mean `default_task`?",
    );
    check(
        "[log]\ncolour = 1\n",
        "gyre.toml:2: unknown key `log.colour`: known are `format`, `level`",
    );
    check(
        "[[circles]]\nname = \"a\"\n[[circles.backends]]\nname = \"b\"\nuri = \"http://h\"\n",
        "gyre.toml:5: unknown key `circles[0].backends[0].uri`: did you mean `url`?",
    );
    check(
        "[http]\ntls = { crt = \"\" }",
        "gyre.toml:2: unknown key `http.tls.crt`: did you mean `cert`?",
    );
}

#[test]
fn wrong_types() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), message);
    check(
        "http = 5",
        "gyre.toml:1: http: invalid type: integer `5`, expected a table",
    );
    check(
        "[http]\n\nworkers = \"x\"",
        "gyre.toml:3: http.workers: invalid type: string \"x\", expected usize",
    );
    check(
        "[proxy]\nack = nan",
        "gyre.toml:2: proxy.ack: invalid type: null, expected a string",
    );
    check(
        "[auth]\npassword = 12345",
        "gyre.toml:2: auth.password: invalid type: expected a string",
    );
    check(
        "[[circles]]\nname = \"a\"\n\n[[circles.backends]]\nname = \"b\"\n",
        "gyre.toml:4: circles[0].backends[0]: missing field `url`",
    );
}

#[test]
fn syntax() {
    let check = |file, text, message: &str| assert_eq!(refuse(file, text), message);
    check("a.toml", "x = 1\n[http\n", "a.toml:2: unclosed table, expected `]`");
    check("a.toml", "x = 1\n\nx = 2\n", "a.toml:3: duplicate key");
    check("a.json", "{\n\"a\": ]}", "a.json:2: expected value");
    check("a.json", "", "a.json:1: EOF while parsing a value");
    check("a.json", "[]", "a.json:1: the file must hold keys with values");
    check(
        "a.yaml",
        "a: 1\n b: 2\n",
        "a.yaml:2: mapping values are not allowed in this context",
    );
    check(
        "a.ini",
        "",
        "a.ini: unsupported config type \"ini\": name it .toml, .json, .yaml or .yml",
    );
    check(
        "gyre",
        "",
        "gyre: unsupported config type \"\": name it .toml, .json, .yaml or .yml",
    );
}

#[test]
fn values_out_of_range() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), format!("gyre.toml:{message}"));
    check("[http]\nlisten = []", "2: http.listen: at least one is needed");
    check(
        "[http]\nlisten = [\n\":80\",\n\"80\"]",
        "4: http.listen[1]: \"80\" is not an address to listen on: write \"host:port\", or \":port\" for every interface",
    );
    check(
        "[proxy]\nack_timeout = \"1x\"",
        "2: proxy.ack_timeout: \"1x\" is not a duration: write numbers with ns, us, ms, s, m, h, d or w, such as \"15s\" or \"1m30s\"",
    );
    check("[nodes]\nttl = \"0s\"", "2: nodes.ttl: 0s is not within 1s to 1d");
    check("[nodes]\nttl = \"25h\"", "2: nodes.ttl: 1d1h is not within 1s to 1d");
    check(
        "[nodes]\nadvertise = \"host:0\"",
        "2: nodes.advertise: \"host:0\" is not where a server is reached: write \"host:port\"",
    );
    check("[meta]\nhistory = 0", "2: meta.history: must be more than zero");
    check("[meta]\nhistory = 101", "2: meta.history: 101 is more than 100");
    check(
        "[meta]\nmax_blob = \"49MiB\"",
        "2: meta.max_blob: 49MiB is more than 48MiB",
    );
    check("[meta]\nlongpoll = \"0s\"", "2: meta.longpoll: must be more than zero");
    check(
        "[meta]\nlongpoll_timeout_status = 200",
        "2: meta.longpoll_timeout_status: 200 is none of 204, 504",
    );
    check(
        "[meta]\netcd = { timeout = \"0s\" }",
        "2: meta.etcd.timeout: must be more than zero",
    );
    check(
        "[http]\nmax_line = \"1MB\"",
        "2: http.max_line: \"1MB\" is not a size: write a number with B, KiB, MiB, GiB or TiB, such as \"64MiB\"",
    );
    check(
        "[query]\nmax_merged = \"0\"",
        "2: query.max_merged: must be more than zero",
    );
    check(
        "[query]\nstall_timeout = \"0s\"",
        "2: query.stall_timeout: must be more than zero",
    );
    check(
        "[query]\nmax_concurrent = 0",
        "2: query.max_concurrent: must be more than zero",
    );
    check(
        "[delivery]\nconnections = 0",
        "2: delivery.connections: must be more than zero",
    );
    check("[data]\ndir = \" \"", "2: data.dir: must not be empty");
}

#[test]
fn telemetry_that_cannot_be() {
    let check = |text: &str, message: &str| {
        let text = format!("[telemetry]\n{text}");
        assert_eq!(refuse("gyre.toml", &text), format!("gyre.toml:2: telemetry.{message}"));
    };
    check(
        "allowed_origins = [\"https://a\", \"b.example.com\"]",
        "allowed_origins[1]: Invalid origin found: b.example.com",
    );
    check(
        "allowed_origins = [\"https://a/path\"]",
        "allowed_origins[0]: Invalid origin found: https://a/path",
    );
    check(
        "max_plugin_restarts = -2",
        "max_plugin_restarts: -2 is neither -1 nor a number of restarts",
    );
    check(
        "plugin_load_timeout = \"2m\"",
        "plugin_load_timeout: 2m is not within 1s to 1m",
    );
    check("plugin_trust = \"on\"", "plugin_trust: \"on\" needs keyrings");
    check(
        "plugin_tls = { cert = \"a\", key = \"b\" }",
        "plugin_tls.ca: TLS with plugins needs cert, key and ca",
    );
    check("max_tasks = 0", "max_tasks: must be more than zero");
}

#[test]
fn settings_of_plugins_are_free_and_never_printed() {
    let text = "[telemetry]\nplugins = { collector = { mock = { all = { password = \"hunter2\" } } } }\n\
                tags = { \"/\" = { dc = \"x1\" } }";
    let config = accept("gyre.toml", text);
    assert_eq!(config.telemetry.tags["/"]["dc"], "x1");
    let settings = &config.telemetry.plugins.settings;
    assert_eq!(settings.0["collector"]["mock"]["all"]["password"], "hunter2");
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn values_that_are_none_of_the_known() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), format!("gyre.toml:{message}"));
    check(
        "[proxy]\nack = \"none\"",
        "2: proxy.ack: \"none\" is none of \"applied\", \"journal\"",
    );
    check(
        "[proxy]\napi = \"3.0\"",
        "2: proxy.api: \"3.0\" is none of \"2.4.7\", \"2.5.12\"",
    );
    check(
        "[log]\nlevel = \"all\"",
        "2: log.level: \"all\" is none of \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
    );
    check(
        "[proxy]\ndatabases = [\"\"]",
        "2: proxy.databases: a database must have a name",
    );
    check(
        "[proxy]\nhash_key = \"id\"",
        "2: proxy.hash_key: invalid hash_key, require idx, exi, name, url or template containing %idx",
    );
    check(
        "[proxy]\nshard_key = \"db\"",
        "2: proxy.shard_key: invalid shard_key, require template containing %db or %mm",
    );
    check(
        "[http]\ntls = { cert = \"c\" }",
        "2: http.tls.cert: the certificate needs its private key",
    );
    check(
        "[http.tls]\nkey = \"k\"",
        "2: http.tls.key: the private key needs its certificate",
    );
    check(
        "[auth]\nusername = \"=\"\nencrypted = true",
        "2: auth.username: not a ciphertext: illegal base64 data at input byte 0",
    );
    check(
        "[meta]\netcd = { endpoints = [] }",
        "2: meta.etcd.endpoints: at least one is needed",
    );
    check(
        "[meta]\netcd = { prefix = \"/\" }",
        "2: meta.etcd.prefix: \"/\" must start with a slash, have a name after it, and not end with a slash",
    );
}

#[test]
fn values_that_contradict_each_other() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), format!("gyre.toml:{message}"));
    check(
        "[http]\nmax_line = \"65MiB\"",
        "2: http.max_line: 65MiB is more than http.max_body, 64MiB",
    );
    check(
        "[http]\nmax_body = \"1KiB\"",
        "2: http.max_body: 1KiB is less than http.max_line, 1MiB",
    );
    check(
        "[http]\nmax_body = \"1GiB\"",
        "2: http.max_body: 1GiB is more than http.max_decompressed, 256MiB",
    );
    check(
        "[memory]\nbudget = \"1MiB\"",
        "2: memory.budget: 1MiB is less than http.max_decompressed, 256MiB",
    );
    check(
        "[journal]\nmax_size = \"1MiB\"",
        "2: journal.max_size: 1MiB is less than journal.segment, 64MiB",
    );
    check(
        "[journal]\ntail = \"1GiB\"",
        "2: journal.tail: 1GiB is more than memory.budget, 512MiB",
    );
    check(
        "[query]\nmax_merged = \"1GiB\"",
        "2: query.max_merged: 1GiB is more than memory.budget, 512MiB",
    );
    check(
        "[delivery]\nbatch_bytes = \"1GiB\"",
        "2: delivery.batch_bytes: 1GiB is more than memory.budget, 512MiB",
    );
    check(
        "[delivery]\nspill_after = \"9GiB\"",
        "2: delivery.spill_after: 9GiB is more than delivery.max_pending, 8GiB",
    );
    check(
        "[delivery]\nbackoff_min = \"1m\"",
        "2: delivery.backoff_min: 1m is more than delivery.backoff_max, 10s",
    );
}

#[test]
fn embedded_backends_with_etcd() {
    let check = |text, message: &str| assert_eq!(refuse("gyre.toml", text), format!("gyre.toml:{message}"));
    check(
        "[meta]\nstore = \"etcd\"\n[[circles]]\nname = \"a\"\n[[circles.backends]]\nname = \"b\"\nurl = \"http://h\"\n\
         [[circles.backends]]\nname = \"c\"\nurl = \"embedded:\"\n",
        "10: circles[0].backends[1].url: \"embedded:\" is in one process, but meta.store is \"etcd\", which several share",
    );
    check(
        "[meta]\nstore = \"etcd\"\n",
        "2: meta.store: \"etcd\" needs circles of servers: by default there is one embedded backend",
    );
}

#[test]
fn circles_and_backends() {
    let check = |text: &str, message: &str| assert_eq!(refuse("gyre.toml", text), format!("gyre.toml:{message}"));
    let backend =
        |name: &str, more: &str| format!("[[circles.backends]]\nname = \"{name}\"\nurl = \"http://h\"\n{more}\n");
    check("circles = []", "1: circles: circles cannot be empty");
    check(
        "[[circles]]\nname = \"a\"\nbackends = []",
        "3: circles[0].backends: backends cannot be empty",
    );
    check(
        "[[circles]]\nname = \"\"\nbackends = []",
        "2: circles[0].name: must not be empty",
    );
    let twice = format!(
        "[[circles]]\nname = \"a\"\n{}[[circles]]\nname = \"a\"\n{}",
        backend("b", ""),
        backend("c", "")
    );
    check(&twice, "8: circles[1].name: \"a\" is taken");
    let twice = format!(
        "[[circles]]\nname = \"a\"\n{}[[circles]]\nname = \"x\"\n{}",
        backend("b", ""),
        backend("b", "")
    );
    check(&twice, "10: circles[1].backends[0].name: \"b\" is taken");
    let unnamed = format!("[[circles]]\nname = \"a\"\n{}", backend("", ""));
    check(&unnamed, "4: circles[0].backends[0].name: must not be empty");
    let both = format!(
        "[[circles]]\nname = \"a\"\n{}",
        backend("b", "tls_insecure = true\nca = \"x\"")
    );
    check(&both, "7: circles[0].backends[0].ca: has no use with tls_insecure");
    check(
        "[[circles]]\nname = \"a\"\nbackends = [{ name = \"b\", url = \"http://h/x\" }]",
        "3: circles[0].backends[0].url: \"http://h/x\" is not the url of a server: nothing may follow the port",
    );
    let bound =
        |more: &str| format!("[[circles]]\nname = \"a\"\nbackends = [{{ name = \"b\", url = \"node://c/h{more} }}]");
    let followed = bound("/x\"");
    check(
        &followed,
        "3: circles[0].backends[0].url: \"node://c/h/x\" is not the url of a node: nothing may follow the host name and \
         its port",
    );
    for (more, key) in [("\", tls_insecure = true", "tls_insecure"), ("\", ca = \"x\"", "ca")] {
        let message = "has no use with the url of a node, which is spoken to over plain http";
        let bound = bound(more);
        check(&bound, &format!("3: circles[0].backends[0].{key}: {message}"));
    }
}

#[test]
fn files_that_cannot_be_read() {
    let refused = load(Path::new("nowhere/gyre.toml"), []).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "nowhere/gyre.toml: No such file or directory (os error 2)"
    );
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(load(folder.path(), []).unwrap_err().kind(), ErrorKind::Unavailable);
    let refused = parse(Path::new("gyre.toml"), "[http]\nx = 1", []).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
}
