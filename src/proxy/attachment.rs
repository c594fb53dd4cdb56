//! Which backends are detached: a document of the shared store for each that ever was.
//!
//! A backend that one process had to detach has missed data for good, whoever asks: no process reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::shared::{Shared, Topic};
use crate::meta::{self, KeyValue, Revision};

#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(default)]
    detached: bool,
}

/// Whether each backend of which something is stored is detached, by name.
///
/// # Errors
/// When the store cannot be read.
pub async fn known(shared: &Shared) -> Result<BTreeMap<String, bool>, meta::Error> {
    let documents = shared.known(Topic::Backends).await?;
    Ok(documents.iter().filter_map(read).collect())
}

/// The name of the backend that a document is about, and whether it is detached.
#[must_use]
pub fn read(document: &KeyValue) -> Option<(String, bool)> {
    let name = document.key.strip_prefix(Topic::Backends.prefix())?;
    match serde_json::from_slice::<Document>(&document.value) {
        Ok(read) => Some((name.to_owned(), read.detached)),
        Err(error) => {
            tracing::error!(backend = %name, %error, "stored attachment cannot be read");
            None
        }
    }
}

/// Remembers, for all, whether the backend `name` is detached.
///
/// # Errors
/// When the store fails.
pub async fn set_detached(shared: &Shared, name: &str, detached: bool) -> Result<Revision, meta::Error> {
    let key = format!("{}{name}", Topic::Backends.prefix());
    let document = serde_json::to_vec(&Document { detached }).expect("a flag always serialises");
    shared.put(&key, document.into()).await
}
