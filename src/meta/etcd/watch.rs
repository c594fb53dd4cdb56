//! One watch: a stream of one member, and another one when it breaks, from the first revision not yet delivered.
//!
//! A connection can be silent because nothing changes or because it is dead. So a silent member is asked for its
//! progress, and left when it does not answer. When no member can be reached within the timeout, the watch ends with
//! [`Error::Unavailable`]: whoever follows must know that it does not see what happens.

use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Weak},
    time::Duration,
};

use etcd_client::{GetOptions, WatchOptions, WatchResponse, WatchStream};
use futures_util::stream::{self, StreamExt};
use tokio::time::timeout;

use super::{
    super::{Batch, Error, Event, Revision, Watch},
    convert::{Space, signed, unsigned},
    members::{Connection, Members, Repeat},
};

/// A cluster of seven members that restart one after the other is still followed.
const MOST_FRUITLESS: u32 = 10;

/// Starts a watch; see [`super::super::MetaStore::watch`].
pub(super) fn watch(members: &Arc<Members>, space: &Space, prefix: &str, from: Revision) -> Watch {
    let watching = Watching {
        members: Arc::downgrade(members),
        space: space.clone(),
        prefix: prefix.into(),
        stream: None,
        fruitless: 0,
        assembly: Assembly::from(from),
    };
    stream::unfold(Some(watching), async |watching| {
        let mut watching = watching?;
        let next = watching.next().await;
        let rest = next.is_ok().then_some(watching);
        Some((next, rest))
    })
    .boxed()
}

struct Watching {
    /// Not held: the store is closed when its owner drops it.
    members: Weak<Members>,
    space: Space,
    prefix: Arc<str>,
    stream: Option<Open>,
    /// Streams in a row that ended before they delivered anything.
    fruitless: u32,
    assembly: Assembly,
}

struct Open {
    member: usize,
    stream: WatchStream,
}

impl Watching {
    async fn next(&mut self) -> Result<Batch, Error> {
        loop {
            if let Some(batch) = self.assembly.next() {
                return Ok(batch);
            }
            let members = self.members.upgrade().ok_or(Error::Closed)?;
            let patience = members.timeout() / 2;
            let open = match &mut self.stream {
                Some(open) => open,
                None => self
                    .stream
                    .insert(open(&members, &self.space, &self.prefix, self.assembly.from).await?),
            };
            let member = open.member;
            drop(members);
            let Some(response) = receive(&mut open.stream, patience).await else {
                self.reopen(member)?;
                continue;
            };
            if response.compact_revision() > 0 {
                let oldest = Revision(unsigned(response.compact_revision()));
                return Err(Error::Compacted { oldest });
            }
            if response.canceled() {
                tracing::warn!(reason = response.cancel_reason(), "etcd cancelled a watch");
                self.reopen(member)?;
            } else {
                self.fruitless = if response.created() { self.fruitless } else { 0 };
                self.assembly.add(&self.space, &response)?;
            }
        }
    }

    /// Has the next look open a stream to another member, and forgets what has come in part.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when streams are opened but never last.
    fn reopen(&mut self, member: usize) -> Result<(), Error> {
        self.stream = None;
        self.assembly.partial.clear();
        self.fruitless += 1;
        if let Some(members) = self.members.upgrade() {
            members.leave(member);
        }
        if self.fruitless > MOST_FRUITLESS {
            return Err(Error::Unavailable(Arc::new(io::Error::other("watches do not last"))));
        }
        Ok(())
    }
}

/// The next response; `None` when the stream ended, or the member answers nothing at all.
async fn receive(stream: &mut WatchStream, patience: Duration) -> Option<WatchResponse> {
    let response = match timeout(patience, stream.message()).await {
        Ok(response) => response,
        Err(_) => {
            stream.request_progress().await.ok()?;
            timeout(patience, stream.message()).await.ok()?
        }
    };
    response.ok().flatten()
}

/// Opens a stream at a member that a quorum stands behind: it has just answered a read.
async fn open(members: &Members, space: &Space, prefix: &str, from: Revision) -> Result<Open, Error> {
    let (first, end) = space.range(prefix);
    let options = WatchOptions::new()
        .with_range(end.clone())
        .with_start_revision(signed(from.0))
        .with_progress_notify()
        .with_fragment();
    let call = |connection: Connection| {
        let (first, end, options) = (first.clone(), end.clone(), options.clone());
        async move {
            let Connection {
                member,
                mut kv,
                mut watch,
                lease: _,
            } = connection;
            let probe = GetOptions::new().with_range(end).with_count_only();
            kv.get(first.clone(), Some(probe)).await?;
            let stream = watch.watch(first, Some(options)).await?;
            Ok(Ok(Open { member, stream }))
        }
    };
    members.request(Repeat::Yes, call).await
}

/// Makes whole revisions of what comes in pieces.
#[derive(Debug)]
struct Assembly {
    /// The first revision that has not been delivered.
    from: Revision,
    /// Events of a response of which more is to come.
    partial: Vec<(Revision, Event)>,
    ready: VecDeque<Batch>,
}

impl Assembly {
    fn from(from: Revision) -> Self {
        Self {
            from,
            partial: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    fn next(&mut self) -> Option<Batch> {
        let batch = self.ready.pop_front()?;
        self.from = batch.revision.next();
        Some(batch)
    }

    /// Takes a response in. A revision may be spread over the fragments of one response, but not over two responses.
    fn add(&mut self, space: &Space, response: &WatchResponse) -> Result<(), Error> {
        for event in response.events() {
            self.partial.push(space.event(event)?);
        }
        if !response.0.fragment {
            self.complete();
        }
        Ok(())
    }

    fn complete(&mut self) {
        for (revision, event) in self.partial.drain(..) {
            match self.ready.back_mut() {
                Some(batch) if batch.revision == revision => batch.events.push(event),
                _ => self.ready.push_back(Batch {
                    revision,
                    events: vec![event],
                }),
            }
        }
    }
}
