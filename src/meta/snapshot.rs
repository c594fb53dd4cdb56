//! All documents of a store at one revision, to be kept elsewhere: JSON, as other stores can read it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{Error, KeyValue, Revision, documents::Documents};

/// All documents at one revision, but those of leases. In JSON values are base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    revision: u64,
    documents: Vec<Document>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    key: String,
    value: String,
    created: u64,
    modified: u64,
    version: u64,
}

impl Snapshot {
    /// Reads what [`Snapshot::to_json`] wrote.
    ///
    /// # Errors
    /// [`Error::Corrupt`].
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        serde_json::from_slice(json).map_err(|error| Error::Corrupt(error.to_string()))
    }

    /// Its form outside.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and numbers always serialise")
    }

    pub(super) fn of(documents: &Documents) -> Self {
        let lasting = documents.all().filter(|kv| kv.lease.is_none());
        Self {
            revision: documents.revision().0,
            documents: lasting.map(Document::of).collect(),
        }
    }

    pub(super) fn into_documents(self) -> Result<Documents, Error> {
        let documents = self.documents.into_iter().map(Document::into_key_value);
        let documents = documents.collect::<Result<Vec<_>, _>>()?;
        Ok(Documents::new(Revision(self.revision), documents))
    }
}

impl Document {
    fn of(kv: &KeyValue) -> Self {
        Self {
            key: kv.key.as_ref().to_owned(),
            value: STANDARD.encode(&kv.value),
            created: kv.created.0,
            modified: kv.modified.0,
            version: kv.version,
        }
    }

    fn into_key_value(self) -> Result<KeyValue, Error> {
        let value = STANDARD.decode(&self.value);
        let value = value.map_err(|error| Error::Corrupt(format!("document {:?}: {error}", self.key)))?;
        Ok(KeyValue {
            key: self.key.into(),
            value: value.into(),
            created: Revision(self.created),
            modified: Revision(self.modified),
            version: self.version,
            lease: None,
        })
    }
}
