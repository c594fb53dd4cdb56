//! Certificates, on both sides: clients verify Gyre's, Gyre verifies those of its backends.

use std::net::SocketAddr;

use super::{File, await_start, failure};
use crate::support::{
    cli::{self, Finished},
    gyre::{Config, Gyre},
    identity::Identity,
    null_backend::NullBackend,
    ports,
    process::Process,
};

fn curl(address: SocketAddr, more: &[&str], target: &str) -> Finished {
    let url = format!("https://{address}{target}");
    let arguments = [
        &["--silent", "--show-error", "--max-time", "10", "--noproxy", "*"],
        more,
        &[&url],
    ]
    .concat();
    cli::run("curl", &arguments)
}

/// A Gyre that serves HTTPS in front of a backend.
fn serve(backend: &NullBackend, address: SocketAddr, identity: &Identity) -> (File, Process) {
    let text = format!(
        "[http]\nlisten = [\"{address}\"]\ntls = {{ cert = \"{}\", key = \"{}\" }}\n\
         [[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{}\"\n",
        identity.cert(),
        identity.key(),
        backend.url()
    );
    let file = File::write("gyre.toml", &text);
    let mut process = file.serve(&[]);
    await_start(&mut process, || {
        curl(address, &["--cacert", &identity.cert()], "/ping").code == Some(0)
    });
    (file, process)
}

#[test]
fn clients_reach_it_by_its_certificate() {
    let (backend, address) = (NullBackend::start(&["d"]), ports::free());
    let identity = Identity::of(address);
    let (_file, mut process) = serve(&backend, address, &identity);
    let trusting = ["--cacert", &identity.cert(), "--fail"];
    let written = curl(
        address,
        &[&trusting[..], &["--data-binary", "m v=1i 1"]].concat(),
        "/write?db=d",
    );
    assert_eq!(written.code, Some(0), "{written:?}");
    assert_eq!(backend.lines(), ["m v=1i 1"]);
    let found = curl(address, &trusting, "/query?db=d&q=SELECT%20mean(v)%20FROM%20cpu");
    assert!(found.stdout.contains("\"columns\":[\"time\",\"mean\"]"), "{found:?}");
    let stranger = curl(address, &[], "/ping");
    assert_eq!(
        stranger.code,
        Some(60),
        "an unknown certificate is refused: {stranger:?}"
    );
    assert!(process.terminate(super::START).success());
}

#[test]
fn plain_http_to_it_fails_and_harms_nobody() {
    let (backend, address) = (NullBackend::start(&["d"]), ports::free());
    let identity = Identity::of(address);
    let (_file, _process) = serve(&backend, address, &identity);
    assert!(!crate::support::http::Client::new(address).pings());
    assert_eq!(curl(address, &["--cacert", &identity.cert()], "/ping").code, Some(0));
}

#[test]
fn unusable_certificates_are_errors_at_start() {
    let address = ports::free();
    let (identity, other) = (Identity::of(address), Identity::of(address));
    let cases = [
        (identity.cert(), other.key()),
        (identity.key(), identity.key()),
        (identity.cert(), identity.cert()),
        ("/nonexistent.pem".to_owned(), identity.key()),
    ];
    for (cert, key) in cases {
        let text = format!(
            "[http]\nlisten = [\"{address}\"]\ntls = {{ cert = \"{cert}\", key = \"{key}\" }}\n\
             [[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"http://127.0.0.1:1\"\n"
        );
        let (code, said) = failure(File::write("gyre.toml", &text).serve(&[]));
        assert!(matches!(code, Some(1 | 78)), "{said}");
        assert!(
            (said.contains(&cert) || said.contains(&key)) && !said.contains("panicked"),
            "{said}"
        );
    }
}

/// A Gyre behind TLS is a fine backend of another one.
#[test]
fn backends_over_https_are_verified() {
    let (backend, address) = (NullBackend::start(&["d"]), ports::free());
    let (identity, other) = (Identity::of(address), Identity::of(address));
    let (_file, _process) = serve(&backend, address, &identity);
    let front = |more: &str| {
        let url = format!("https://{address}");
        let circle =
            format!("[[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{url}\"\n{more}\n");
        Gyre::start(
            Config::new(Vec::new())
                .append(&circle)
                .set("proxy", "ack_timeout", "5s"),
        )
    };
    let alive = |gyre: &Gyre| gyre.client().get("/gyre/backends").json()["backends"][0]["alive"].clone();
    for (number, more) in [
        format!("ca = \"{}\"", identity.cert()),
        "tls_insecure = true".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let gyre = front(more);
        assert_eq!(alive(&gyre), true, "{more}");
        assert_eq!(
            gyre.client().write("d", &format!("m v={number}i 1")),
            (204, String::new())
        );
        assert_eq!(backend.lines().len(), number + 1, "{more}");
    }
    for more in [String::new(), format!("ca = \"{}\"", other.cert())] {
        let gyre = front(&more);
        assert_eq!(alive(&gyre), false, "{more}");
        assert_eq!(gyre.client().write("d", "m v=7i 1").0, 204, "the journal has it");
    }
    assert_eq!(backend.lines().len(), 2);
}

#[test]
fn authorities_without_a_certificate_are_an_error_at_start() {
    let broken = File::write("ca.pem", "no certificate");
    let text = format!(
        "[http]\nlisten = [\"{}\"]\n[[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"https://x\"\nca = \"{}\"\n",
        ports::free(),
        broken.name()
    );
    let (code, said) = failure(File::write("gyre.toml", &text).serve(&[]));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(broken.name()), "{said}");
}
