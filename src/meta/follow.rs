//! The documents under a prefix as they are and as they become: load, then watch, over and over.
//!
//! A follower is never silently behind. It loads all documents, watches from the revision after them, loads again when
//! the watch fell behind history, and says once when the store is lost, before it tries again at growing intervals.

use std::{sync::Arc, time::Duration};

use futures_util::stream::{self, BoxStream, StreamExt};

use super::{Batch, Error, MetaStore, Page, Watch};

/// First wait after a failure.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// Longest wait: a store that is back is noticed so soon.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// What becomes of the documents under a prefix.
#[derive(Debug, Clone)]
pub enum Update {
    /// These are all of them now; whatever was known before is void.
    Reset(Page),
    /// The next changes. After a [`Update::Reset`] of several pages they may repeat what it has.
    Changed(Batch),
    /// The store is lost: what is known may be out of date until the next [`Update::Reset`].
    Lost(Error),
}

/// Follows the documents whose keys start with `prefix`; ends when the store is closed.
pub fn follow(store: Arc<dyn MetaStore>, prefix: &str) -> BoxStream<'static, Update> {
    let follower = Follower {
        store,
        prefix: prefix.into(),
        watch: None,
        wait: Duration::ZERO,
    };
    stream::unfold(follower, async |mut follower| {
        let update = follower.next().await?;
        Some((update, follower))
    })
    .boxed()
}

struct Follower {
    store: Arc<dyn MetaStore>,
    prefix: Arc<str>,
    /// The running watch; without one, the documents must be loaded.
    watch: Option<Watch>,
    /// The wait before the next load: zero as long as nothing failed.
    wait: Duration,
}

impl Follower {
    async fn next(&mut self) -> Option<Update> {
        loop {
            let outcome = match &mut self.watch {
                Some(watch) => watch.next().await.unwrap_or(Err(Error::Closed)).map(Update::Changed),
                None => self.load().await.map(Update::Reset),
            };
            let error = match outcome {
                Ok(update) => return Some(update),
                Err(error) => error,
            };
            self.watch = None;
            match error {
                Error::Closed => return None,
                Error::Compacted { .. } => {}
                error => {
                    let known = !self.wait.is_zero();
                    self.wait = (self.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
                    if !known {
                        return Some(Update::Lost(error));
                    }
                }
            }
        }
    }

    async fn load(&mut self) -> Result<Page, Error> {
        tokio::time::sleep(self.wait).await;
        let page = self.store.load(&self.prefix).await?;
        self.watch = Some(self.store.watch(&self.prefix, page.revision.next()));
        self.wait = Duration::ZERO;
        Ok(page)
    }
}

#[cfg(test)]
mod tests;
