//! The number that each backend has in the journal, by its name. The journal is this process's own, and so are the
//! numbers: they are kept in the local store.

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    base::BackendId,
    meta::{self, Compare, Condition, MetaStore, Op, Revision, Txn},
};

const PREFIX: &str = "/backend-ids/of/";
const NEXT_ID: &str = "/backend-ids/next";
/// Where the numbers were while no other process shared the documents of backends.
const FORMER_PREFIX: &str = "/backends/";

/// What a document of a backend was then.
#[derive(Deserialize)]
struct Former {
    id: Option<u32>,
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

/// The number of the backend `name`; a new one gets the next, which is never given again.
///
/// # Errors
/// When the local store fails or holds something else under this name.
pub async fn number(local: &dyn MetaStore, name: &str) -> Result<BackendId, Error> {
    let key = format!("{PREFIX}{name}");
    loop {
        if let Some((_, known)) = read(local, &key).await? {
            return Ok(BackendId(known));
        }
        let next = read(local, NEXT_ID).await?;
        let unchanged = next.map_or(Condition::Absent, |(modified, _)| Condition::Modified(modified));
        let mut when = vec![Compare::new(key.as_str(), Condition::Absent)];
        let (id, following) = match former(local, name).await? {
            Some(id) => (id, None),
            None => {
                when.push(Compare::new(NEXT_ID, unchanged));
                let id = next.map_or(1, |(_, id)| id);
                (id, Some(Op::put(NEXT_ID, document(id + 1))))
            }
        };
        let then = std::iter::once(Op::put(key.as_str(), document(id))).chain(following);
        let txn = Txn {
            when,
            then: then.collect(),
            otherwise: Vec::new(),
        };
        if local.txn(txn).await?.succeeded {
            return Ok(BackendId(id));
        }
    }
}

async fn former(local: &dyn MetaStore, name: &str) -> Result<Option<u32>, Error> {
    let document: Option<(_, Former)> = read(local, &format!("{FORMER_PREFIX}{name}")).await?;
    Ok(document.and_then(|(_, former)| former.id))
}

/// A document, with the revision at which it was put.
async fn read<T: DeserializeOwned>(local: &dyn MetaStore, key: &str) -> Result<Option<(Revision, T)>, Error> {
    let Some(entry) = local.get(key).await? else {
        return Ok(None);
    };
    match serde_json::from_slice(&entry.value) {
        Ok(read) => Ok(Some((entry.modified, read))),
        Err(source) => Err(Error::Document {
            key: key.to_owned(),
            source,
        }),
    }
}

fn document(number: u32) -> Vec<u8> {
    number.to_string().into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{
        base::SystemClock,
        meta::{Embedded, HistoryLimit},
    };

    use super::*;

    #[tokio::test]
    async fn numbers_stay_and_go_on_from_where_they_were_kept_before() {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(SystemClock::new());
        let store = Embedded::open(&dir.path().join("meta"), clock, HistoryLimit::DEFAULT).unwrap();
        let put = async |key: &str, value: &'static str| store.put(key, value.into()).await.unwrap();
        put("/backends/old", r#"{"id":7,"detached":true}"#).await;
        put("/backends/shared", r#"{"detached":true}"#).await;
        put("/backend-ids/next", "9").await;
        let number = async |name: &str| number(&store, name).await.unwrap().0;
        assert_eq!(number("old").await, 7);
        assert_eq!(number("shared").await, 9);
        put("/backends/old", r#"{"detached":false}"#).await;
        assert_eq!(
            (number("old").await, number("next").await, number("shared").await),
            (7, 10, 9)
        );
        put("/backend-ids/of/bad", "x").await;
        assert!(super::number(&store, "bad").await.is_err());
    }
}
