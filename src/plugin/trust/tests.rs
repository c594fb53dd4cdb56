//! Real keys and signatures, made by `gpg`.

use std::{fs, os::unix::fs::PermissionsExt, process};

use tempfile::TempDir;

use super::*;

/// A key pair in a home of its own.
struct Signer(TempDir);

impl Signer {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
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

    fn gpg(&self, args: &[&str]) -> Vec<u8> {
        let mut command = process::Command::new("gpg");
        command
            .args(["--batch", "--quiet", "--pinentry-mode", "loopback"])
            .args(args);
        let output = command.env("GNUPGHOME", self.0.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn keys(&self, armored: bool) -> PathBuf {
        let path = self.path(if armored { "keys.pub" } else { "keys.gpg" });
        let keys = self.gpg(if armored {
            &["--armor", "--export"]
        } else {
            &["--export"]
        });
        fs::write(&path, keys).unwrap();
        path
    }

    fn sign(&self, file: &[u8]) -> Vec<u8> {
        let path = self.path("file");
        fs::write(&path, file).unwrap();
        self.gpg(&["--armor", "--output", "-", "--detach-sign", path.to_str().unwrap()])
    }

    async fn trust(&self, level: Level, armored: bool) -> Trust {
        Trust::load(level, &[self.keys(armored)], &self.path("scratch"))
            .await
            .unwrap()
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        let mut command = process::Command::new("gpgconf");
        command
            .args(["--kill", "gpg-agent"])
            .env("GNUPGHOME", self.0.path())
            .status()
            .unwrap();
    }
}

#[tokio::test]
async fn a_signature_of_a_trusted_key_over_this_file_is_wanted() {
    let (ours, foreign) = (Signer::new(), Signer::new());
    let plugin = vec![7; 1 << 20];
    let (signature, other) = (ours.sign(&plugin), foreign.sign(&plugin));
    for armored in [true, false] {
        let on = ours.trust(Level::On, armored).await;
        assert!(on.check(&plugin, Some(&signature)).await.unwrap());
        let text = |error: TrustError| error.to_string();
        let changed = text(on.check(b"changed", Some(&signature)).await.unwrap_err());
        assert!(
            changed.starts_with("Error checking signature\nBAD signature"),
            "{changed}"
        );
        let foreign = text(on.check(&plugin, Some(&other)).await.unwrap_err());
        assert_eq!(
            foreign,
            "Error checking signature\nCan't check signature: No public key"
        );
        assert!(on.check(&plugin, Some(b"rubbish")).await.is_err());
        assert!(matches!(on.check(&plugin, None).await, Err(TrustError::Unsigned)));
    }
}

#[tokio::test]
async fn levels_differ_in_what_they_refuse() {
    let ours = Signer::new();
    let warn = ours.trust(Level::Warn, false).await;
    assert!(!warn.check(b"plugin", None).await.unwrap());
    assert!(warn.check(b"plugin", Some(b"rubbish")).await.is_err());
    assert!(warn.check(b"plugin", Some(&ours.sign(b"plugin"))).await.unwrap());
    assert!(!Trust::off().check(b"plugin", Some(b"rubbish")).await.unwrap());
}

#[tokio::test]
async fn an_expired_key_signs_nothing() {
    let ours = Signer::new();
    let signature = ours.sign(b"plugin");
    let list = String::from_utf8(ours.gpg(&["--list-keys", "--with-colons"])).unwrap();
    let key = list
        .lines()
        .find_map(|line| line.strip_prefix("fpr:::::::::"))
        .unwrap()
        .trim_end_matches(':');
    ours.gpg(&["--passphrase", "", "--quick-set-expire", key, "seconds=1"]);
    let deadline = time::Instant::now() + TIMEOUT;
    let on = ours.trust(Level::On, false).await;
    while on.check(b"plugin", Some(&signature)).await.is_ok() {
        assert!(time::Instant::now() < deadline, "it never expires");
        time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn keyrings_come_from_files_and_directories() {
    let (ours, scratch) = (Signer::new(), tempfile::tempdir().unwrap());
    let (keys, scratch) = (ours.keys(true), scratch.path());
    let dir = tempfile::tempdir().unwrap();
    let load = async |path: &Path| Trust::load(Level::On, &[path.to_owned()], scratch).await;
    assert!(load(dir.path()).await.is_err(), "nothing in it");
    fs::copy(&keys, dir.path().join("a.txt")).unwrap();
    assert!(load(dir.path()).await.is_err(), "no keyring in it");
    fs::copy(&keys, dir.path().join("a.pubring")).unwrap();
    let trust = load(dir.path()).await.unwrap();
    assert!(trust.check(b"x", Some(&ours.sign(b"x"))).await.unwrap());
    assert!(load(Path::new("/nonexistent")).await.is_err());
    assert!(Trust::load(Level::On, &[], scratch).await.is_err());
}
