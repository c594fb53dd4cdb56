//! The embedded store: the conformance suite, and what is its own: files, restarts, bounded history, injected time.

use std::{path::Path, sync::Arc, time::Duration};

use futures_util::{StreamExt, future};
use gyre::{
    base::{ManualClock, SystemClock},
    meta::{Embedded, Error, Event, HistoryLimit, MetaStore, Op, Revision, Txn, Watch},
};

use super::conformance;
use crate::support::wait::Instant;

fn open(path: &Path, clock: &ManualClock) -> Embedded {
    Embedded::open(path, Arc::new(clock.clone()), HistoryLimit::DEFAULT).unwrap()
}

async fn outcome(watch: &mut Watch) -> Option<Result<Revision, Error>> {
    let soon = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
    soon.expect("an outcome in time")
        .map(|next| next.map(|batch| batch.revision))
}

/// Answered once the writer has looked at the clock and at all deadlines.
async fn settle(store: &Embedded) {
    store.txn(Txn::default()).await.unwrap();
}

#[tokio::test]
async fn conforms() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    let store = Embedded::open(&path, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT).unwrap();
    conformance::run(&store).await;
    conformance::run(&store).await;
}

#[tokio::test]
async fn a_restart_keeps_everything_but_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    let clock = ManualClock::default();
    let store = open(&path, &clock);
    let revoked = store.lease_grant(Duration::from_secs(5)).await.unwrap();
    let lease = store.lease_grant(Duration::from_secs(5)).await.unwrap();
    store
        .txn(Txn::always(vec![Op::put_leased("/a", "1", lease), Op::put("/b", "2")]))
        .await
        .unwrap();
    store.put("/b", vec![0; 1 << 20].into()).await.unwrap();
    store.delete("/c").await.unwrap();
    let last = store.lease_grant(Duration::from_secs(5)).await.unwrap();
    store.lease_revoke(last).await.unwrap();
    store.lease_revoke(revoked).await.unwrap();
    let before = store.load("").await.unwrap();
    assert_eq!(before.revision, Revision(3));
    drop(store);

    let store = open(&path, &clock);
    assert_eq!(store.load("").await.unwrap(), before);
    assert!(store.lease_grant(Duration::from_secs(5)).await.unwrap() > last);
    let compacted = outcome(&mut store.watch("", Revision(3))).await;
    assert!(matches!(compacted, Some(Err(Error::Compacted { oldest: Revision(4) }))));
    let mut watch = store.watch("", Revision(4));
    let (seen, written) = future::join(outcome(&mut watch), store.put("/d", "".into())).await;
    assert_eq!(seen.unwrap().unwrap(), written.unwrap());
}

#[test]
fn a_file_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    let store = open(&path, &ManualClock::default());
    let second = Embedded::open(&path, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT);
    assert!(matches!(second, Err(Error::InUse(_))));
    drop(store);
    open(&path, &ManualClock::default());
}

#[tokio::test]
async fn leases_end_by_the_injected_clock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    let clock = ManualClock::default();
    let mut store = open(&path, &clock);
    let lease = store.lease_grant(Duration::from_secs(10)).await.unwrap();
    let put = Txn::always(vec![Op::put_leased("/a", "", lease), Op::put_leased("/b", "", lease)]);
    let put = store.txn(put).await.unwrap();
    let alive = async |store: &Embedded| {
        settle(store).await;
        store.get("/a").await.unwrap().is_some()
    };
    clock.advance(Duration::from_secs(9));
    assert!(alive(&store).await);
    store.lease_keep_alive(lease).await.unwrap();
    clock.advance(Duration::from_millis(9_999));
    assert!(alive(&store).await, "kept alive");

    drop(store);
    store = open(&path, &clock);
    clock.advance(Duration::from_millis(9_999));
    assert!(alive(&store).await, "a full time to live after the restart");
    let mut watch = store.watch("", put.revision.next());
    clock.advance(Duration::from_millis(1));
    assert!(!alive(&store).await);
    let batch = watch.next().await.unwrap().unwrap();
    assert_eq!(batch.revision, put.revision.next());
    assert_eq!(batch.events, [Event::Delete("/a".into()), Event::Delete("/b".into())]);
    assert!(matches!(
        store.lease_keep_alive(lease).await,
        Err(Error::LeaseNotFound(_))
    ));
}

#[tokio::test]
async fn keeping_alive_in_the_last_moment_wins() {
    let dir = tempfile::tempdir().unwrap();
    let clock = ManualClock::default();
    let store = open(&dir.path().join("meta.redb"), &clock);
    let lease = store.lease_grant(Duration::from_secs(10)).await.unwrap();
    clock.advance(Duration::from_secs(10));
    assert!(store.lease_keep_alive(lease).await.is_ok());
}

#[tokio::test]
async fn ten_thousand_leases_are_kept_alive_at_a_small_cost() {
    const LEASES: usize = 10_000;
    /// A tenth of a core at 2,000 a second: 10,000 leases, each kept alive every 5 s.
    const BOUND: Duration = Duration::from_micros(50);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    let store = Embedded::open(&path, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT).unwrap();
    let grants = (0..LEASES).map(|_| store.lease_grant(Duration::from_secs(600)));
    let leases: Vec<_> = future::join_all(grants).await.into_iter().map(Result::unwrap).collect();
    let start = Instant::now();
    for lease in &leases {
        store.lease_keep_alive(*lease).await.unwrap();
    }
    let each = start.elapsed() / u32::try_from(LEASES).unwrap();
    assert!(each < BOUND, "{each:?} each");
}

#[tokio::test]
async fn history_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let limit = HistoryLimit {
        revisions: 5,
        bytes: 1000,
    };
    let path = dir.path().join("meta.redb");
    let store = Embedded::open(&path, Arc::new(ManualClock::default()), limit).unwrap();
    let mut slow = store.watch("/", Revision(1).next());
    store.put("/a", "".into()).await.unwrap();
    assert_eq!(outcome(&mut slow).await.unwrap().unwrap(), Revision(2));
    for _ in 0..6 {
        store.put("/a", "".into()).await.unwrap();
    }
    let fell_behind = outcome(&mut slow).await;
    assert!(
        matches!(fell_behind, Some(Err(Error::Compacted { oldest: Revision(4) }))),
        "{fell_behind:?}"
    );
    assert!(outcome(&mut slow).await.is_none());
    assert_eq!(
        outcome(&mut store.watch("/", Revision(4))).await.unwrap().unwrap(),
        Revision(4)
    );
    store.put("/large", vec![0; 1001].into()).await.unwrap();
    let too_large_to_keep = outcome(&mut store.watch("/", Revision(9))).await;
    assert!(matches!(
        too_large_to_keep,
        Some(Err(Error::Compacted { oldest: Revision(10) }))
    ));
}

#[tokio::test]
async fn closing_ends_watches() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("meta.redb"), &ManualClock::default());
    let mut watch = store.watch("/", Revision(2));
    store.put("/a", "".into()).await.unwrap();
    drop(store);
    assert_eq!(outcome(&mut watch).await.unwrap().unwrap(), Revision(2));
    assert!(matches!(outcome(&mut watch).await, Some(Err(Error::Closed))));
    assert!(outcome(&mut watch).await.is_none());
}
