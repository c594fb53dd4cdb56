//! Plugins behind mutual TLS, with certificates made by `openssl`.

use serde_json::json;
use tempfile::TempDir;

use crate::{
    snap::daemon::{Daemon, await_line, loaded, publish_to},
    support::{cli, dir, snap::Plugin},
};

/// An authority, and certificates by it for a plugin and for the server.
struct Certificates(TempDir);

impl Certificates {
    fn new() -> Self {
        let certificates = Self(dir::temp_dir());
        let subject = ["-nodes", "-days", "2", "-newkey", "rsa:2048"];
        let ca = [
            "req",
            "-x509",
            "-subj",
            "/CN=gyre-test-ca",
            "-keyout",
            "ca.key",
            "-out",
            "ca.crt",
        ];
        certificates.openssl(&[&ca[..], &subject[..]].concat());
        for name in ["plugin", "server"] {
            let (key, crt, subj) = (format!("{name}.key"), format!("{name}.crt"), format!("/CN={name}"));
            let signed = [
                "req",
                "-x509",
                "-CA",
                "ca.crt",
                "-CAkey",
                "ca.key",
                "-subj",
                &subj,
                "-keyout",
                &key,
                "-out",
                &crt,
                "-addext",
                "subjectAltName=IP:127.0.0.1,DNS:localhost",
                "-addext",
                "basicConstraints=critical,CA:FALSE",
            ];
            certificates.openssl(&[&signed[..], &subject[..]].concat());
        }
        certificates
    }

    fn openssl(&self, arguments: &[&str]) {
        let in_place: Vec<String> = arguments.iter().map(|argument| self.located(argument)).collect();
        let in_place: Vec<&str> = in_place.iter().map(String::as_str).collect();
        let finished = cli::run("openssl", &in_place);
        assert_eq!(finished.code, Some(0), "{finished:?}");
    }

    fn located(&self, argument: &str) -> String {
        let is_file = argument.ends_with(".key") || argument.ends_with(".crt");
        if is_file {
            self.path(argument)
        } else {
            argument.to_owned()
        }
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn daemon(&self) -> Daemon {
        let own = format!(
            "\n[telemetry.plugin_tls]\ncert = {:?}\nkey = {:?}\nca = [{:?}]\n",
            self.path("server.crt"),
            self.path("server.key"),
            self.path("ca.crt")
        );
        Daemon::start_with(|config| config.append(&own))
    }

    fn load(&self, daemon: &Daemon, plugin: &Plugin) -> Result<serde_json::Value, String> {
        let (cert, key, ca) = (self.path("plugin.crt"), self.path("plugin.key"), self.path("ca.crt"));
        let bytes = plugin.bytes();
        let files = [
            (plugin.file_name(), &*bytes),
            ("crt.plugin", cert.as_bytes()),
            ("key.plugin", key.as_bytes()),
            ("cacerts.plugin", ca.as_bytes()),
        ];
        loaded(&daemon.upload(&files))
    }
}

#[test]
fn both_sides_show_their_certificates() {
    let certificates = Certificates::new();
    let daemon = certificates.daemon();
    for name in ["pydemo", "pyfile"] {
        let loaded = certificates.load(&daemon, &Plugin::new(name));
        assert!(loaded.is_ok(), "{name}: {loaded:?}");
    }
    let file = daemon.file("out");
    let collect = json!({"metrics": {"/py/demo/int": {}}, "publish": publish_to(&file)});
    daemon.create("200ms", &json!({}), &collect);
    await_line(&file, 0, "/py/demo/int 42 ");
}

#[test]
fn one_side_alone_is_refused() {
    let certificates = Certificates::new();
    let plain = daemon_error(&Daemon::start(), |daemon| {
        certificates.load(daemon, &Plugin::new("pytag"))
    });
    assert_eq!(
        plain,
        "insecure framework can't connect to secure plugin; plugin_name: PyTag"
    );
    let secure = daemon_error(&certificates.daemon(), |daemon| daemon.try_load(&Plugin::new("pytag")));
    assert_eq!(
        secure,
        "secure framework can't connect to insecure plugin; plugin_name: PyTag"
    );
}

#[test]
fn a_plugin_signed_by_a_stranger_is_refused() {
    let (ours, foreign) = (Certificates::new(), Certificates::new());
    let daemon = ours.daemon();
    assert!(foreign.load(&daemon, &Plugin::new("pytag")).is_err());
    assert!(ours.load(&daemon, &Plugin::new("pytag")).is_ok());
}

fn daemon_error(daemon: &Daemon, load: impl FnOnce(&Daemon) -> Result<serde_json::Value, String>) -> String {
    load(daemon).expect_err("it is refused")
}
