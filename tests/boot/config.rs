//! Files and environment variables, good and bad.

use super::{File, await_start, failure};
use crate::support::{
    cli::{self, Finished},
    gyre::{Config, Gyre},
    http::Client,
    null_backend::NullBackend,
    ports,
};

const GOOD: &str = r#"
[http]
listen = ["127.0.0.1:7076"]
[proxy]
ack_timeout = "2s"
[[circles]]
name = "c"
[[circles.backends]]
name = "b"
url = "http://127.0.0.1:8086"
"#;

/// The exit code of a wrong configuration: `EX_CONFIG`.
const WRONG: Option<i32> = Some(78);

fn check(name: &str, text: &str, environment: &[(&str, &str)]) -> (Finished, File) {
    let file = File::write(name, text);
    (cli::gyre_with(&["check-config", file.name()], environment), file)
}

#[test]
fn a_good_file_is_fine() {
    let (finished, file) = check("gyre.toml", GOOD, &[]);
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        finished.stdout,
        format!("{}: fine: 1 circles, 1 backends\n", file.name())
    );
    assert_eq!(check("gyre.toml", "", &[]).0.code, Some(0));
    let bound = GOOD.replace("http://127.0.0.1:8086", "node://default/influx-1:8086");
    assert_eq!(check("gyre.toml", &bound, &[]).0.code, Some(0));
}

#[test]
fn mistakes_are_named_with_file_line_and_key() {
    let cases = [
        (
            "gyre.toml",
            "[http]\nlistn = []\n",
            ":2: unknown key `http.listn`: did you mean `listen`?",
        ),
        (
            "gyre.toml",
            "[proxy]\n\nack = \"soon\"\n",
            ":3: proxy.ack: \"soon\" is none of \"applied\", \"journal\"",
        ),
        (
            "gyre.toml",
            "[telemetry]\nplugins = { collektor = {} }\n",
            ": telemetry.plugins: collektor: invalid plugin type name given collektor",
        ),
        (
            "gyre.toml",
            "[delivery]\ntimeout = \"fast\"\n",
            ":2: delivery.timeout: ",
        ),
        ("gyre.toml", "[http]\nmax_body = 7\n", ":2: http.max_body: "),
        ("gyre.toml", "[http]\nmax_line = \"1GiB\"\n", ":2: http.max_line: "),
        ("gyre.toml", "circles = []\n", ":1: circles: circles cannot be empty"),
        ("gyre.toml", "[http\n", ":1: "),
        (
            "proxy.json",
            "{\"circles\": [{\"name\": \"c\",\n \"backends\": []}]}",
            ":2: ",
        ),
        ("proxy.json", "{\"circles\":\n", ":2: "),
        ("gyre.ini", "x", "unsupported config type \"ini\""),
    ];
    for (name, text, expect) in cases {
        let (finished, file) = check(name, text, &[]);
        assert_eq!(finished.code, WRONG, "{text}: {finished:?}");
        assert!(finished.stderr.starts_with(file.name()), "{text}: {}", finished.stderr);
        assert!(finished.stderr.contains(expect), "{text}: {}", finished.stderr);
        assert_eq!(
            (finished.stderr.lines().count(), finished.stdout.as_str()),
            (1, ""),
            "{text}: {finished:?}"
        );
        let (code, said) = failure(file.serve(&[]));
        assert_eq!(
            (code, said),
            (WRONG, finished.stderr),
            "serve refuses it with the same words"
        );
    }
}

#[test]
fn a_file_that_is_missing_is_named() {
    for arguments in [
        ["check-config", "/nonexistent/gyre.toml"].as_slice(),
        &["serve", "--config", "/nonexistent/gyre.toml"],
    ] {
        let finished = cli::gyre(arguments);
        assert_eq!(finished.code, WRONG);
        assert!(finished.stderr.starts_with("/nonexistent/gyre.toml: "), "{finished:?}");
    }
}

#[test]
fn the_environment_overrides_and_is_checked() {
    let cases = [
        ("GYRE__PROXY__ACK_TIMEOUT", "3s", Some(0), ""),
        ("GYRE__CIRCLES__0__BACKENDS__0__URL", "http://other:8086", Some(0), ""),
        (
            "GYRE__PROXY__ACK",
            "soon",
            WRONG,
            "environment variable GYRE__PROXY__ACK: proxy.ack: \"soon\"",
        ),
        ("GYRE__HTTP__LISTN", "x", WRONG, "did you mean `listen`?"),
        (
            "GYRE__CIRCLES__0__BACKENDS__7__URL",
            "http://x:1",
            WRONG,
            "environment variable GYRE__CIRCLES__0__BACKENDS__7__URL",
        ),
    ];
    for (name, value, code, expect) in cases {
        let (finished, _file) = check("gyre.toml", GOOD, &[(name, value)]);
        assert_eq!(finished.code, code, "{name}: {finished:?}");
        assert!(finished.stderr.contains(expect), "{name}: {}", finished.stderr);
    }
}

#[test]
fn the_environment_counts_when_serving() {
    let (file, backend, address) = (
        File::write("gyre.toml", GOOD),
        NullBackend::start(&["d"]),
        ports::free(),
    );
    let data = file.dir().join("elsewhere");
    let mut process = file.serve(&[
        ("GYRE__HTTP__LISTEN", &format!("[\"{address}\"]")),
        ("GYRE__CIRCLES__0__BACKENDS__0__URL", &backend.url()),
        ("GYRE__DATA__DIR", data.to_str().expect("temporary paths are UTF-8")),
    ]);
    await_start(&mut process, || Client::new(address).pings());
    assert_eq!(Client::new(address).write("d", "m v=1 1"), (204, String::new()));
    assert_eq!(backend.lines(), ["m v=1 1"]);
    assert!(data.join("journal").exists());
}

#[test]
fn an_address_in_use_is_an_error_at_start() {
    let backend = NullBackend::start(&["d"]);
    let first = Gyre::start(Config::new(vec![vec![backend.url()]]));
    let text = format!(
        "[http]\nlisten = [\"{}\"]\n[[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{}\"\n",
        first.addr(),
        backend.url()
    );
    let file = File::write("gyre.toml", &text);
    let (code, said) = failure(file.serve(&[]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(&format!("cannot listen on {}", first.addr())), "{said}");
    assert!(first.client().pings());
}

#[test]
fn a_data_directory_in_use_is_an_error_at_start() {
    let backend = NullBackend::start(&["d"]);
    let first = Gyre::start(Config::new(vec![vec![backend.url()]]));
    assert_eq!(first.client().write("d", "m v=1 1").0, 204);
    let text = format!(
        "[http]\nlisten = [\"{}\"]\n[data]\ndir = \"{}\"\n[[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{}\"\n",
        ports::free(),
        first.data().display(),
        backend.url()
    );
    let (code, said) = failure(File::write("gyre.toml", &text).serve(&[]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot start: ") && !said.contains("panicked"), "{said}");
    assert_eq!(first.client().write("d", "m v=2 2").0, 204);
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let (code, said) = failure(File::write("gyre.toml", GOOD).serve(&[("GYRE__DATA__DIR", "/proc/gyre")]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("/proc/gyre"), "{said}");
}
