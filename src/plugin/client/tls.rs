//! The files of mutual TLS.

use std::{
    io,
    path::{Path, PathBuf},
};

use tonic::transport::{Certificate, ClientTlsConfig, Identity};

use crate::plugin::{PluginTls, os_error};

/// What the client shows and believes: the authorities given, or without any those of the system.
pub(super) async fn client_config(tls: &PluginTls) -> Result<ClientTlsConfig, String> {
    let no_pair = |(path, error): (&Path, io::Error)| {
        let words = os_error::words(&error);
        format!("unable to load TLS key pair: open {}: {words}", path.display())
    };
    let cert = read(&tls.cert).await.map_err(no_pair)?;
    let key = read(&tls.key).await.map_err(no_pair)?;
    let config = ClientTlsConfig::new().identity(Identity::from_pem(cert, key));
    if tls.ca.is_empty() {
        return Ok(config.with_native_roots());
    }
    Ok(config.ca_certificates(authorities(&tls.ca).await?))
}

/// All files named, and those directly in directories named.
async fn authorities(places: &[PathBuf]) -> Result<Vec<Certificate>, String> {
    let mut found = Vec::new();
    for place in places {
        let unusable = |error: io::Error| {
            let (place, words) = (place.display(), os_error::words(&error));
            format!("unable to process CA cert source path {place}: {words}")
        };
        if !tokio::fs::metadata(place).await.map_err(unusable)?.is_dir() {
            found.push(Certificate::from_pem(tokio::fs::read(place).await.map_err(unusable)?));
            continue;
        }
        let mut entries = tokio::fs::read_dir(place).await.map_err(unusable)?;
        while let Some(entry) = entries.next_entry().await.map_err(unusable)? {
            if entry.metadata().await.map_err(unusable)?.is_file() {
                found.push(Certificate::from_pem(
                    tokio::fs::read(entry.path()).await.map_err(unusable)?,
                ));
            }
        }
    }
    Ok(found)
}

async fn read(path: &Path) -> Result<Vec<u8>, (&Path, io::Error)> {
    tokio::fs::read(path).await.map_err(|error| (path, error))
}
