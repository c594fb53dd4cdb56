//! Signed plugins, with keys made by `gpg`.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use tempfile::TempDir;

use crate::{
    snap::daemon::{Daemon, loaded},
    support::{dir, snap::Plugin},
};

/// A key in a home of its own.
struct Signer(TempDir);

impl Signer {
    fn new() -> Self {
        let home = dir::temp_dir();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).expect("it is the test's own");
        let signer = Self(home);
        signer.gpg(&[
            "--passphrase",
            "",
            "--quick-generate-key",
            "tester",
            "ed25519",
            "sign",
            "never",
        ]);
        signer
    }

    fn gpg(&self, arguments: &[&str]) -> Vec<u8> {
        let mut command = Command::new("gpg");
        command
            .args(["--batch", "--quiet", "--pinentry-mode", "loopback"])
            .args(arguments);
        let output = command.env("GNUPGHOME", self.0.path()).output();
        let output = output.expect("Debian's gnupg is installed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn keyring(&self) -> String {
        let path = self.0.path().join("keys.asc");
        fs::write(&path, self.gpg(&["--armor", "--export"])).expect("it is the test's own");
        path.display().to_string()
    }

    fn sign(&self, plugin: &Plugin) -> Vec<u8> {
        self.gpg(&[
            "--armor",
            "--output",
            "-",
            "--detach-sign",
            &plugin.path().display().to_string(),
        ])
    }

    fn daemon(&self, level: &str) -> Daemon {
        let keyrings = vec![self.keyring()];
        Daemon::start_with(|config| {
            config
                .set("telemetry", "plugin_trust", level)
                .set("telemetry", "keyrings", keyrings)
        })
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let ended = Command::new("gpgconf")
            .args(["--kill", "gpg-agent"])
            .env("GNUPGHOME", self.0.path())
            .status();
        assert!(ended.is_ok(), "gpgconf comes with gpg");
    }
}

/// Whether it was loaded as signed, or why not at all.
fn load(daemon: &Daemon, plugin: &Plugin, signature: Option<&[u8]>) -> Result<bool, String> {
    let bytes = plugin.bytes();
    let mut files = vec![(plugin.file_name(), &*bytes)];
    files.extend(signature.map(|signature| ("plugin.asc", signature)));
    loaded(&daemon.upload(&files)).map(|plugin| plugin["signed"] == true)
}

#[test]
fn levels_of_trust() {
    let (ours, foreign) = (Signer::new(), Signer::new());
    let (demo, tag) = (Plugin::new("pydemo"), Plugin::new("pytag"));
    let (signature, other) = (ours.sign(&demo), foreign.sign(&demo));

    let on = ours.daemon("on");
    for (plugin, signature) in [(&demo, None), (&demo, Some(&*other)), (&tag, Some(&*signature))] {
        let refused = load(&on, plugin, signature).expect_err("it is not signed by a trusted key");
        assert!(refused.starts_with("Error checking signature\n"), "{refused}");
    }
    assert_eq!(load(&on, &demo, Some(&signature)), Ok(true));

    let warn = ours.daemon("warn");
    assert!(load(&warn, &demo, Some(&other)).is_err());
    assert_eq!(load(&warn, &demo, Some(&signature)), Ok(true));
    assert_eq!(load(&warn, &tag, None), Ok(false));

    let off = Daemon::start();
    assert_eq!(load(&off, &demo, Some(&other)), Ok(false));
}
