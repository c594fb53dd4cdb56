//! Backends by name in the meta store: the number each has in the journal, and whether it is detached.

use serde::{Deserialize, Serialize};

use crate::meta::{self, Compare, Condition, MetaStore, Op, Txn};

use super::fleet::Backend;

const PREFIX: &str = "/backends/";
const NEXT_ID: &str = "/backend-ids/next";

/// What is remembered of one backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// Its number in the journal.
    pub id: u32,
    /// It missed data for good.
    #[serde(default)]
    pub detached: bool,
}

/// The numbers could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] meta::Error),
    /// A stored document is not what it should be.
    #[error("{key} in the meta store cannot be read: {source}")]
    Document {
        /// Which document.
        key: String,
        /// Why.
        source: serde_json::Error,
    },
}

/// What is remembered of the backend `name`; a new one gets the next number, which is never given again.
///
/// # Errors
/// When the store fails or holds something else under this name.
pub async fn remember(store: &dyn MetaStore, name: &str) -> Result<Remembered, Error> {
    loop {
        let key = format!("{PREFIX}{name}");
        if let Some(known) = store.get(&key).await? {
            return serde_json::from_slice(&known.value).map_err(|source| Error::Document { key, source });
        }
        let next = store.get(NEXT_ID).await?;
        let id = match &next {
            Some(entry) => serde_json::from_slice(&entry.value).map_err(|source| Error::Document {
                key: NEXT_ID.to_owned(),
                source,
            })?,
            None => 1_u32,
        };
        let new = Remembered { id, detached: false };
        let unchanged = next.map_or(Condition::Absent, |entry| Condition::Modified(entry.modified));
        let txn = Txn {
            when: vec![
                Compare::new(NEXT_ID, unchanged),
                Compare::new(key.as_str(), Condition::Absent),
            ],
            then: vec![
                Op::put(NEXT_ID, document(&(id + 1))),
                Op::put(key.as_str(), document(&new)),
            ],
            otherwise: Vec::new(),
        };
        if store.txn(txn).await?.succeeded {
            return Ok(new);
        }
    }
}

/// Remembers whether `backend` is detached.
///
/// # Errors
/// When the store fails.
pub async fn set_detached(store: &dyn MetaStore, backend: &Backend, detached: bool) -> Result<(), meta::Error> {
    let remembered = Remembered {
        id: backend.id.0,
        detached,
    };
    let key = format!("{PREFIX}{}", backend.config.name);
    store.put(&key, document(&remembered).into()).await.map(drop)
}

fn document(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("numbers and flags always serialise")
}
