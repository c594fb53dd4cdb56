//! Keeps what this process knows of the shared documents in step with their store.

use std::{collections::BTreeMap, sync::Arc};

use tokio::task::JoinHandle;

use crate::{
    actors::BackendHandle,
    meta::{Event, KeyValue, Update},
    proxy::{
        agreement::Agreement,
        attachment,
        lookup::Lookup,
        shared::{Contact, Shared, Topic},
    },
};

/// Whom changes concern.
pub(super) struct Sharing {
    pub(super) agreement: Arc<Agreement>,
    pub(super) lookup: Arc<Lookup>,
    /// By the backend's name.
    pub(super) backends: BTreeMap<String, BackendHandle>,
}

impl Sharing {
    /// Follows the store until the task is aborted; nothing is to be followed by a process that is alone.
    pub(super) fn start(self) -> JoinHandle<()> {
        tokio::task::spawn_local(async move {
            let mut follower = Shared::follow(self.agreement.shared());
            while let Some((topic, update)) = follower.next().await {
                match topic {
                    Topic::Backends => self.attach(&update).await,
                    Topic::Ring => self.agreement.changed(&update).await,
                    Topic::Schema => self.lookup.changed(&update),
                }
                follower.taken_up(topic, &update).await;
            }
        })
    }

    async fn attach(&self, update: &Update) {
        let documents: Vec<&KeyValue> = match update {
            Update::Lost(_) => Vec::new(),
            Update::Reset(page) => page.entries.iter().collect(),
            Update::Changed(batch) => batch.events.iter().filter_map(put).collect(),
        };
        for document in documents {
            let Some((name, detached)) = attachment::read(document) else {
                continue;
            };
            // Another process may be configured with backends that this one does not have.
            let Some(backend) = self.backends.get(&name) else {
                continue;
            };
            if let Err(error) = backend.follow(detached, document.modified).await {
                tracing::error!(backend = %name, %error, detached, "change of attachment not taken up");
            }
        }
    }
}

/// What was put; attachments are never deleted.
fn put(event: &Event) -> Option<&KeyValue> {
    match event {
        Event::Put(document) => Some(document),
        Event::Delete(_) => None,
    }
}

/// Waits until the shared store was read.
pub(super) async fn in_step(shared: &Shared) {
    let mut contact = shared.contact();
    // The sender lives as long as the store is borrowed.
    let _in_step = contact.wait_for(|contact| *contact == Contact::InStep).await;
}
