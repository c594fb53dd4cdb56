//! Followers of the embedded store, directly and through a link that can be cut.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::{sync::Notify, time::Instant};

use super::*;
use crate::{
    base::ManualClock,
    meta::{Answer, Embedded, HistoryLimit, KeyValue, LeaseId, Revision, Txn, TxnResult},
};

/// A store behind a link: while it is cut, every request and every watch fails.
#[derive(Debug)]
struct Linked {
    store: Embedded,
    cut: AtomicBool,
    closed: AtomicBool,
    changed: Arc<Notify>,
    refused: AtomicUsize,
    _dir: TempDir,
}

impl Linked {
    fn new(history: HistoryLimit) -> Arc<Self> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("meta.redb");
        Arc::new(Self {
            store: Embedded::open(&path, Arc::new(ManualClock::default()), history).unwrap(),
            cut: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            changed: Arc::default(),
            refused: AtomicUsize::new(0),
            _dir: dir,
        })
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }

    async fn put(&self, key: &str) -> Revision {
        self.store.put(key, Bytes::from(key.to_owned())).await.unwrap()
    }
}

fn no_route() -> Error {
    Error::Unavailable(Arc::new(std::io::Error::other("cut")))
}

impl MetaStore for Linked {
    fn get<'a>(&'a self, key: &'a str) -> Answer<'a, Option<KeyValue>> {
        self.store.get(key)
    }

    fn list<'a>(&'a self, prefix: &'a str, after: Option<&'a str>, limit: usize) -> Answer<'a, Page> {
        Box::pin(async move {
            if self.closed.load(Ordering::SeqCst) {
                return Err(Error::Closed);
            }
            if self.cut.load(Ordering::SeqCst) {
                self.refused.fetch_add(1, Ordering::SeqCst);
                return Err(no_route());
            }
            self.store.list(prefix, after, limit).await
        })
    }

    fn txn(&self, txn: Txn) -> Answer<'_, TxnResult> {
        self.store.txn(txn)
    }

    fn watch(&self, prefix: &str, from: Revision) -> Watch {
        let changed = Arc::clone(&self.changed);
        let failed = stream::once(async move {
            changed.notified().await;
            Err(no_route())
        });
        stream::select(self.store.watch(prefix, from), failed).boxed()
    }

    fn lease_grant(&self, ttl: Duration) -> Answer<'_, LeaseId> {
        self.store.lease_grant(ttl)
    }

    fn lease_keep_alive(&self, lease: LeaseId) -> Answer<'_, ()> {
        self.store.lease_keep_alive(lease)
    }

    fn lease_revoke(&self, lease: LeaseId) -> Answer<'_, ()> {
        self.store.lease_revoke(lease)
    }
}

async fn reset(updates: &mut BoxStream<'static, Update>) -> Vec<String> {
    match updates.next().await {
        Some(Update::Reset(page)) => page.entries.iter().map(|kv| kv.key.to_string()).collect(),
        other => panic!("{other:?}"),
    }
}

async fn changed(updates: &mut BoxStream<'static, Update>) -> Revision {
    match updates.next().await {
        Some(Update::Changed(batch)) => batch.revision,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn loads_then_watches() {
    let linked = Linked::new(HistoryLimit::DEFAULT);
    linked.put("/a/1").await;
    linked.put("/b/1").await;
    let mut updates = follow(Arc::<Linked>::clone(&linked), "/a/");
    assert_eq!(reset(&mut updates).await, ["/a/1"]);
    let second = linked.put("/a/2").await;
    linked.put("/b/2").await;
    let third = linked.put("/a/3").await;
    assert_eq!(changed(&mut updates).await, second);
    assert_eq!(changed(&mut updates).await, third);
}

#[tokio::test]
async fn loads_again_when_it_fell_behind_history() {
    let one = HistoryLimit {
        revisions: 1,
        ..HistoryLimit::DEFAULT
    };
    let linked = Linked::new(one);
    let mut updates = follow(Arc::<Linked>::clone(&linked), "/a/");
    assert!(reset(&mut updates).await.is_empty());
    linked.put("/a/1").await;
    linked.put("/a/2").await;
    assert_eq!(reset(&mut updates).await, ["/a/1", "/a/2"]);
    let third = linked.put("/a/3").await;
    assert_eq!(changed(&mut updates).await, third);
}

#[tokio::test(start_paused = true)]
async fn ends_when_the_store_is_closed() {
    let linked = Linked::new(HistoryLimit::DEFAULT);
    linked.cut();
    let mut updates = follow(Arc::<Linked>::clone(&linked), "/a/");
    assert!(matches!(updates.next().await, Some(Update::Lost(_))));
    linked.closed.store(true, Ordering::SeqCst);
    assert!(updates.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn says_once_that_the_store_is_lost_and_comes_back() {
    let linked = Linked::new(HistoryLimit::DEFAULT);
    let mut updates = follow(Arc::<Linked>::clone(&linked), "/a/");
    for _ in 0..2 {
        assert!(matches!(updates.next().await, Some(Update::Reset(_))));
        // The watch waits for its end before the link is cut.
        let cut = async {
            tokio::task::yield_now().await;
            linked.cut();
        };
        let (lost, ()) = futures_util::future::join(updates.next(), cut).await;
        assert!(matches!(lost, Some(Update::Lost(Error::Unavailable(_)))), "{lost:?}");
        linked.refused.store(0, Ordering::SeqCst);
        let start = Instant::now();
        let outage = Duration::from_secs(60);
        let still_lost = tokio::time::timeout(outage, updates.next()).await;
        assert!(still_lost.is_err(), "said once");
        let tries = linked.refused.load(Ordering::SeqCst);
        // 0.1 s doubling to 3 s, then every 3 s.
        assert!((20..=26).contains(&tries), "{tries} tries in a minute");
        linked.mend();
        linked.put("/a/1").await;
        let update = updates.next().await;
        assert!(matches!(&update, Some(Update::Reset(page)) if page.entries.len() == 1));
        assert!(start.elapsed() <= outage + LONGEST_WAIT);
        updates = follow(Arc::<Linked>::clone(&linked), "/a/");
    }
}
