//! What is stored of a loaded plugin: enough to load it again.

use std::{path::PathBuf, sync::Arc};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    plugin::{Checksum, PluginTls},
    workflow::{PluginKey, PluginType},
};

/// Where the documents of loaded plugins are.
pub(super) const PLUGINS: &str = "/telemetry/plugins/";
/// Where the configuration is that was changed at run time.
pub(super) const CONFIG: &str = "/telemetry/config";

/// A plugin to be loaded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// An executable.
    File {
        path: PathBuf,
        /// Its checksum when it was sent along; `None`: it is run where it is, whatever it has become.
        checksum: Option<Checksum>,
        signature: Option<Bytes>,
        tls: Option<Arc<PluginTls>>,
    },
    /// One that stands alone.
    Remote { url: String },
    /// One that is built in.
    BuiltIn(PluginKey),
}

/// The stored form.
#[derive(Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "snake_case", deny_unknown_fields)]
enum Document {
    File {
        path: PathBuf,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tls: Option<TlsDocument>,
    },
    Remote {
        url: String,
    },
    BuiltIn {
        kind: String,
        name: String,
        version: i64,
    },
}

#[derive(Serialize, Deserialize)]
struct TlsDocument {
    cert: PathBuf,
    key: PathBuf,
    ca: Vec<PathBuf>,
}

/// A document is not one of a plugin.
#[derive(Debug, thiserror::Error)]
pub enum BadDocument {
    /// It is no such JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The checksum is none.
    #[error("{0:?} is no checksum")]
    Checksum(String),
    /// The signature is no base64.
    #[error(transparent)]
    Signature(#[from] base64::DecodeError),
    /// There is no such type of plugin.
    #[error(transparent)]
    Kind(#[from] crate::workflow::plugin::UnknownType),
}

/// The key of a plugin's document.
pub(super) fn key(plugin: &PluginKey) -> String {
    format!("{PLUGINS}{plugin}")
}

impl Source {
    /// The checksum of its executable, if it was sent along and is kept.
    pub(super) fn kept(&self) -> Option<Checksum> {
        match self {
            Self::File { checksum, .. } => *checksum,
            Self::Remote { .. } | Self::BuiltIn(_) => None,
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Bytes, serde_json::Error> {
        Ok(serde_json::to_vec(&Document::from(self))?.into())
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, BadDocument> {
        Ok(match serde_json::from_slice(bytes)? {
            Document::File {
                path,
                sha256,
                signature,
                tls,
            } => Self::File {
                path,
                checksum: sha256.map(checksum).transpose()?,
                signature: signature
                    .map(|text| BASE64_STANDARD.decode(text))
                    .transpose()?
                    .map(Bytes::from),
                tls: tls.map(|TlsDocument { cert, key, ca }| Arc::new(PluginTls { cert, key, ca })),
            },
            Document::Remote { url } => Self::Remote { url },
            Document::BuiltIn { kind, name, version } => Self::BuiltIn(PluginKey {
                kind: kind.parse::<PluginType>()?,
                name,
                version,
            }),
        })
    }
}

impl From<&Source> for Document {
    fn from(source: &Source) -> Self {
        match source {
            Source::File {
                path,
                checksum,
                signature,
                tls,
            } => Self::File {
                path: path.clone(),
                sha256: checksum.map(|checksum| checksum.to_string()),
                signature: signature.as_ref().map(|bytes| BASE64_STANDARD.encode(bytes)),
                tls: tls.as_deref().map(|tls| TlsDocument {
                    cert: tls.cert.clone(),
                    key: tls.key.clone(),
                    ca: tls.ca.clone(),
                }),
            },
            Source::Remote { url } => Self::Remote { url: url.clone() },
            Source::BuiltIn(key) => Self::BuiltIn {
                kind: key.kind.to_string(),
                name: key.name.clone(),
                version: key.version,
            },
        }
    }
}

fn checksum(text: String) -> Result<Checksum, BadDocument> {
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..text.len()).step_by(2).map(byte).collect();
    let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
    bytes.map(Checksum).ok_or(BadDocument::Checksum(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_say_all_that_loading_needs() {
        let sources = [
            Source::File {
                path: "/data/plugins/x".into(),
                checksum: Some(Checksum::of(b"x")),
                signature: Some(Bytes::from_static(&[0, 255])),
                tls: Some(Arc::new(PluginTls {
                    cert: "/c".into(),
                    key: "/k".into(),
                    ca: vec!["/a".into()],
                })),
            },
            Source::File {
                path: "/opt/x".into(),
                checksum: None,
                signature: None,
                tls: None,
            },
            Source::Remote {
                url: "http://h:1".to_owned(),
            },
            Source::BuiltIn(PluginKey {
                kind: PluginType::StreamingCollector,
                name: "n".to_owned(),
                version: 3,
            }),
        ];
        for source in sources {
            assert_eq!(Source::from_bytes(&source.to_bytes().unwrap()).unwrap(), source);
        }
    }

    #[test]
    fn other_documents_are_refused() {
        let check = |document: &str, expect: &str| {
            let error = Source::from_bytes(document.as_bytes()).unwrap_err();
            assert!(error.to_string().contains(expect), "{error}");
        };
        check("{}", "missing field `origin`");
        check(
            r#"{"origin":"file","path":"/x","sha256":"00"}"#,
            "\"00\" is no checksum",
        );
        check(r#"{"origin":"file","path":"/x","signature":"?"}"#, "Invalid symbol");
        check(
            r#"{"origin":"built_in","kind":"x","name":"n","version":1}"#,
            "invalid plugin type name given x",
        );
    }
}
