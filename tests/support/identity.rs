//! Certificates for servers that the tests start.

use std::{net::SocketAddr, path::PathBuf};

use tempfile::TempDir;

use super::{cli, dir};

/// A self-signed certificate for an address.
#[derive(Debug)]
pub(crate) struct Identity {
    dir: TempDir,
}

impl Identity {
    /// Makes one with a key of its own.
    pub(crate) fn of(address: SocketAddr) -> Self {
        let dir = dir::temp_dir();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (key, cert) = (path("key.pem"), path("cert.pem"));
        let name = format!("subjectAltName=IP:{}", address.ip());
        let finished = cli::run(
            "openssl",
            &[
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=gyre-test",
                "-addext",
                &name,
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                "-keyout",
                &key,
                "-out",
                &cert,
            ],
        );
        assert_eq!(finished.code, Some(0), "{finished:?}");
        Self { dir }
    }

    /// A file of its directory: `cert.pem`, `key.pem`, or one that is to be.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The certificate's file.
    pub(crate) fn cert(&self) -> String {
        self.path("cert.pem").display().to_string()
    }

    /// The key's file.
    pub(crate) fn key(&self) -> String {
        self.path("key.pem").display().to_string()
    }
}
