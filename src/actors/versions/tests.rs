//! The actor and its handle over the embedded store.

use futures_util::future::join_all;
use tempfile::TempDir;

use super::*;
use crate::{
    base::ManualClock,
    meta::{Embedded, HistoryLimit},
};

/// Longer than anything here takes; a poll that hangs fails.
const PATIENCE: Duration = Duration::from_secs(20);

const HOLD: Wait = Wait {
    time: Duration::from_secs(600),
    for_creation: false,
};
const AT_ONCE: Wait = Wait {
    time: Duration::ZERO,
    for_creation: false,
};

struct World {
    versions: VersionsHandle,
    store: Arc<Embedded>,
    _dir: TempDir,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let path = dir.path().join("meta.redb");
        let store = Arc::new(Embedded::open(&path, Arc::clone(&clock), HistoryLimit::DEFAULT).unwrap());
        let parts = VersionsParts {
            store: Arc::<Embedded>::clone(&store),
            clock,
            keep: Keep {
                versions: 3,
                bytes: 8 << 20,
            },
            max_blob: ByteSize::mib(4),
        };
        Self {
            versions: VersionsHandle::start(parts, Counter::default()),
            store,
            _dir: dir,
        }
    }

    async fn write(&self, seen: u64, body: &[u8]) -> Write {
        self.versions
            .write("c", seen, Bytes::copy_from_slice(body))
            .await
            .unwrap()
    }

    async fn read(&self, version: u64, wait: Wait) -> Read {
        let read = self.versions.read("c", version, wait);
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("no read hangs")
            .unwrap()
    }

    /// A read that is waiting when this returns.
    async fn waiting(&self, version: u64, wait: Wait) -> tokio::task::JoinHandle<Read> {
        let versions = self.versions.clone();
        let before = versions.reads();
        let read = tokio::task::spawn_local(async move { versions.read("c", version, wait).await.unwrap() });
        while self.versions.reads() == before {
            tokio::task::yield_now().await;
        }
        read
    }

    async fn keys(&self, prefix: &str) -> usize {
        self.store.load(prefix).await.unwrap().entries.len()
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

fn document(version: u64, body: &[u8]) -> Document {
    Document {
        version,
        body: Bytes::copy_from_slice(body),
    }
}

async fn done(read: tokio::task::JoinHandle<Read>) -> Read {
    tokio::time::timeout(PATIENCE, read)
        .await
        .expect("no read hangs")
        .unwrap()
}

#[test]
fn writes_and_reads_follow_the_tables() {
    run(async {
        let world = World::new();
        assert_eq!(world.read(0, HOLD).await, Read::NotFound);
        assert_eq!(world.write(3, b"x").await, Write::NotFound);
        assert_eq!(world.write(0, b"one").await, Write::Stored(1));
        assert_eq!(world.write(0, b"one").await, Write::Stored(1));
        assert_eq!(world.write(0, b"x").await, Write::Conflict(document(1, b"one")));
        assert_eq!(world.read(0, HOLD).await, Read::Newer(document(1, b"one")));
        assert_eq!(world.read(1, AT_ONCE).await, Read::NoNews(Some(1)));
        assert_eq!(world.write(1, b"").await, Write::Stored(2));
        assert_eq!(world.read(99, HOLD).await, Read::Newer(document(2, b"")));
        let large = world.versions.write("c", 2, vec![0; (4 << 20) + 1].into()).await;
        assert_eq!(large.unwrap_err().kind(), ErrorKind::TooLarge);
    });
}

#[test]
fn polls_hear_of_news_creation_deletion_and_the_end() {
    run(async {
        let world = World::new();
        let creation = Wait {
            for_creation: true,
            ..HOLD
        };
        let poll = world.waiting(1, creation).await;
        world.write(0, b"one").await;
        assert_eq!(done(poll).await, Read::Newer(document(1, b"one")));

        let polls = join_all((0..100).map(|_| world.waiting(1, HOLD))).await;
        world.write(1, b"two").await;
        for poll in polls {
            assert_eq!(done(poll).await, Read::Newer(document(2, b"two")));
        }

        let poll = world.waiting(2, creation).await;
        assert!(world.versions.delete("c").await.unwrap());
        assert_eq!(done(poll).await, Read::NotFound);
        assert!(!world.versions.delete("c").await.unwrap());
        assert_eq!(world.keys("/clusters/").await, 0);

        world.write(0, b"anew").await;
        let poll = world.waiting(1, HOLD).await;
        world.versions.end_waits();
        assert_eq!(done(poll).await, Read::NoNews(Some(1)));
        assert_eq!(world.read(1, HOLD).await, Read::NoNews(Some(1)));
        assert!(world.versions.directory.listened().is_empty());
    });
}

#[test]
fn what_is_written_after_a_deletion_is_news_even_under_the_same_number() {
    run(async {
        let world = World::new();
        world.write(0, b"old").await;
        let poll = world.waiting(1, HOLD).await;
        // The actor runs on this thread: it hears of both at once.
        assert!(world.versions.delete("c").await.unwrap());
        world.write(0, b"new").await;
        let read = done(poll).await;
        assert!(
            matches!(&read, Read::NotFound) || read == Read::Newer(document(1, b"new")),
            "{read:?}"
        );
    });
}

#[test]
fn polls_outlive_the_actor() {
    run(async {
        let world = World::new();
        world.write(0, b"one").await;
        let poll = world.waiting(1, HOLD).await;
        world.versions.crash().await;
        world.write(1, b"two").await;
        assert_eq!(done(poll).await, Read::Newer(document(2, b"two")));
    });
}

#[test]
fn large_bodies_come_back_whole_and_leave_nothing_behind() {
    run(async {
        let world = World::new();
        let body = |n: u8| {
            (0..(1 << 20) + 7)
                .map(|i: u32| i.to_le_bytes()[0] ^ n)
                .collect::<Vec<u8>>()
        };
        assert_eq!(world.write(0, &body(0)).await, Write::Stored(1));
        // Of two writers with chunks one is too late.
        let (a, b) = (body(1), body(2));
        let (first, second) = tokio::join!(world.write(1, &a), world.write(1, &b));
        let stored = [&first, &second]
            .iter()
            .filter(|write| ***write == Write::Stored(2))
            .count();
        assert_eq!(stored, 1);
        for n in 3..=6 {
            assert_eq!(world.write(u64::from(n) - 1, &body(n)).await, Write::Stored(n.into()));
        }
        assert_eq!(world.read(0, HOLD).await, Read::Newer(document(6, &body(6))));
        let history = world.versions.history("c").await.unwrap().unwrap();
        assert_eq!(history.iter().map(|entry| entry.version).collect::<Vec<_>>(), [6, 5, 4]);
        let older = world.versions.history_body("c", 4).await.unwrap();
        assert_eq!(older, Some(document(4, &body(4))));
        assert_eq!(world.versions.history_body("c", 3).await.unwrap(), None);
        assert_eq!(world.keys("/clusters/blobs/").await, 3 * 3);
    });
}

#[test]
fn a_poll_set_up_during_writes_neither_hangs_nor_tells_old_news() {
    run(async {
        let world = World::new();
        world.write(0, b"1").await;
        for seen in (1..200).step_by(2) {
            let poll = world.read(seen, HOLD);
            let writes = async {
                assert_eq!(world.write(seen, b"a").await, Write::Stored(seen + 1));
                assert_eq!(world.write(seen + 1, b"b").await, Write::Stored(seen + 2));
            };
            let (read, ()) = tokio::join!(poll, writes);
            assert!(
                matches!(&read, Read::Newer(document) if document.version > seen),
                "{read:?}"
            );
        }
    });
}
