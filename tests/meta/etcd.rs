//! The store in one real etcd: the conformance suite, compaction, restarts, users, broken connections, large values.

use std::{sync::Arc, time::Duration};

use futures_util::{StreamExt, future};
use gyre::{
    base::ErrorKind,
    meta::{self, Error, EtcdOptions, Event, MetaStore, Op, Revision, Txn, Update, Watch, large},
};

use super::conformance;
use crate::support::{
    etcd::Etcd,
    tcp_proxy::{Link, TcpProxy},
    wait::Instant,
};

/// Of a request.
pub(super) const TIMEOUT: Duration = Duration::from_secs(4);
/// What a loaded machine may add to any time.
pub(super) const SLACK: Duration = Duration::from_secs(20);

pub(super) fn options(urls: Vec<String>) -> EtcdOptions {
    EtcdOptions {
        endpoints: urls,
        prefix: "/gyre".to_owned(),
        user: None,
        ca: None,
        timeout: TIMEOUT,
    }
}

pub(super) fn open(urls: Vec<String>) -> meta::Etcd {
    meta::Etcd::new(options(urls)).unwrap()
}

/// The next outcome of a watch, which must come.
pub(super) async fn outcome(watch: &mut Watch) -> Option<Result<Revision, Error>> {
    let soon = tokio::time::timeout(SLACK * 2, watch.next()).await;
    soon.expect("an outcome in time")
        .map(|next| next.map(|batch| batch.revision))
}

async fn put(store: &meta::Etcd, key: &str) -> Revision {
    store.put(key, "".into()).await.unwrap()
}

#[tokio::test]
async fn conforms() {
    let etcd = Etcd::start();
    let store = open(etcd.urls());
    conformance::run(&store).await;
    conformance::run(&store).await;
}

#[tokio::test]
async fn keys_have_the_prefix_and_foreign_ones_are_not_seen() {
    let etcd = Etcd::start();
    let store = open(etcd.urls());
    let slashed = EtcdOptions {
        prefix: "/gyre/".to_owned(),
        ..options(etcd.urls())
    };
    let bare = EtcdOptions {
        prefix: String::new(),
        ..options(etcd.urls())
    };
    let mut watch = store.watch("/", Revision(2));
    etcd.control(&["put", "/other/a", "foreign"]);
    let own = put(&store, "/a").await;
    assert_eq!(outcome(&mut watch).await.unwrap().unwrap(), own);
    let keys = etcd.control(&["get", "", "--from-key", "--keys-only"]);
    assert_eq!(keys.split_whitespace().collect::<Vec<_>>(), ["/gyre/a", "/other/a"]);
    let same = meta::Etcd::new(slashed).unwrap();
    assert_eq!(same.load("").await.unwrap(), store.load("").await.unwrap());
    let all = meta::Etcd::new(bare).unwrap();
    assert_eq!(all.load("").await.unwrap().entries.len(), 2);
    let cleared = all.txn(Txn::always(vec![Op::DeletePrefix("".into())])).await.unwrap();
    assert_eq!(cleared.responses, [meta::Response::Deleted(2)]);
}

#[tokio::test]
async fn a_watch_that_fell_behind_is_told_and_a_follower_loads_again() {
    let etcd = Etcd::start();
    let store = Arc::new(open(etcd.urls()));
    let first = put(&store, "/a").await;
    for _ in 0..3 {
        put(&store, "/a").await;
    }
    let last = put(&store, "/a").await;
    etcd.compact(last.0);
    let behind = outcome(&mut store.watch("/", first)).await;
    assert!(
        matches!(behind, Some(Err(Error::Compacted { oldest })) if oldest == last),
        "{behind:?}"
    );
    assert_eq!(outcome(&mut store.watch("/", last)).await.unwrap().unwrap(), last);
    let mut updates = meta::follow(Arc::<meta::Etcd>::clone(&store), "/");
    assert!(matches!(updates.next().await, Some(Update::Reset(page)) if page.entries.len() == 1));
    let next = put(&store, "/b").await;
    assert!(matches!(updates.next().await, Some(Update::Changed(batch)) if batch.revision == next));
}

#[tokio::test]
async fn a_watch_outlives_a_quiet_time_and_large_revisions_come_whole() {
    let etcd = Etcd::start();
    let quick = EtcdOptions {
        timeout: Duration::from_millis(400),
        ..options(etcd.urls())
    };
    let (store, quick) = (open(etcd.urls()), meta::Etcd::new(quick).unwrap());
    let mut watch = quick.watch("/", Revision(2));
    // Many times the patience of this watch.
    let quiet = tokio::time::timeout(Duration::from_secs(2), watch.next()).await;
    assert!(quiet.is_err(), "nothing happened: {quiet:?}");
    let clear = Txn::always(vec![Op::DeletePrefix("/large/".into())]);
    let large = |i: usize| Op::put(format!("/large/{i}"), vec![7; 300 << 10]);
    for _ in 0..3 {
        let revision = store
            .txn(Txn::always((0..4).map(large).collect()))
            .await
            .unwrap()
            .revision;
        let batch = watch.next().await.unwrap().unwrap();
        assert_eq!((batch.revision, batch.events.len()), (revision, 4));
    }
    store.txn(clear).await.unwrap();
    let batch = watch.next().await.unwrap().unwrap();
    assert!(batch.events.iter().all(|event| matches!(event, Event::Delete(_))));
    // A new watch catches up with all of them in fragments.
    let mut late = store.watch("/", Revision(2));
    for events in [4, 4, 4, 4] {
        assert_eq!(late.next().await.unwrap().unwrap().events.len(), events);
    }
}

#[tokio::test]
async fn nothing_is_lost_over_a_restart() {
    let mut etcd = Etcd::start();
    let store = open(etcd.urls());
    let lease = store.lease_grant(Duration::from_secs(60)).await.unwrap();
    let mut watch = store.watch("/", Revision(2));
    let first = put(&store, "/a").await;
    assert_eq!(outcome(&mut watch).await.unwrap().unwrap(), first);
    etcd.kill9(0);
    let start = Instant::now();
    for answer in [
        store.put("/b", "".into()).await.unwrap_err(),
        store.get("/a").await.unwrap_err(),
        store.lease_keep_alive(lease).await.unwrap_err(),
        store.lease_grant(TIMEOUT).await.unwrap_err(),
    ] {
        assert!(matches!(answer, Error::Unavailable(_)), "{answer:?}");
        assert_eq!(answer.kind(), ErrorKind::Unavailable);
    }
    assert!(start.elapsed() < TIMEOUT + SLACK, "once it is lost, it is said at once");
    etcd.restart(0);
    let second = put(&store, "/a").await;
    store.lease_keep_alive(lease).await.unwrap();
    let seen = outcome(&mut watch).await.unwrap();
    match seen {
        Ok(revision) => assert_eq!(revision, second),
        // The outage was longer than the watch's patience.
        Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
    }
    let mut again = store.watch("/", first);
    assert_eq!(outcome(&mut again).await.unwrap().unwrap(), first);
    assert_eq!(outcome(&mut again).await.unwrap().unwrap(), second);
    drop(store);
    assert!(matches!(outcome(&mut again).await, Some(Err(Error::Closed))));
    assert!(outcome(&mut again).await.is_none());
}

#[tokio::test]
async fn a_follower_says_that_etcd_is_gone_and_when_it_is_back() {
    let mut etcd = Etcd::start();
    let store = Arc::new(open(etcd.urls()));
    put(&store, "/a").await;
    let mut updates = meta::follow(Arc::<meta::Etcd>::clone(&store), "/");
    assert!(matches!(updates.next().await, Some(Update::Reset(_))));
    etcd.kill9(0);
    let lost = tokio::time::timeout(TIMEOUT + SLACK, updates.next()).await.unwrap();
    assert!(matches!(lost, Some(Update::Lost(Error::Unavailable(_)))), "{lost:?}");
    etcd.restart(0);
    let back = tokio::time::timeout(SLACK, updates.next()).await.unwrap();
    assert!(
        matches!(&back, Some(Update::Reset(page)) if page.entries.len() == 1),
        "{back:?}"
    );
    let next = put(&store, "/b").await;
    assert!(matches!(updates.next().await, Some(Update::Changed(batch)) if batch.revision == next));
}

#[tokio::test]
async fn lost_connections_are_made_again() {
    let etcd = Etcd::start();
    let link = TcpProxy::start(etcd.addr(0));
    let (store, direct) = (open(vec![link.url()]), open(etcd.urls()));
    let mut watch = store.watch("/", Revision(2));
    for _ in 0..3 {
        let expect = put(&direct, "/a").await;
        assert_eq!(
            outcome(&mut watch).await.unwrap().unwrap(),
            expect,
            "no gap, no duplicate"
        );
        link.cut();
    }
    // A request that was cut off may have been done; the next one finds a new connection.
    link.set(Link::BlackHole);
    let start = Instant::now();
    let (read, written) = future::join(store.get("/a"), store.put("/b", "".into())).await;
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(matches!(written, Err(Error::Unanswered(_))), "{written:?}");
    assert!(start.elapsed() < TIMEOUT + SLACK);
    let missed = put(&direct, "/c").await;
    link.cut();
    link.set(Link::Pass);
    let deadline = Instant::now() + SLACK;
    while store.get("/a").await.is_err() {
        assert!(Instant::now() < deadline, "the connection comes back");
    }
    let seen = outcome(&mut watch).await.unwrap();
    assert!(
        matches!(seen, Err(Error::Unavailable(_))) || matches!(seen, Ok(revision) if revision <= missed),
        "{seen:?}"
    );
}

#[tokio::test]
async fn users_log_in_and_again_after_a_restart() {
    let mut etcd = Etcd::start();
    for args in [
        &["user", "add", "root:secret"][..],
        &["user", "grant-role", "root", "root"],
        &["auth", "enable"],
    ] {
        etcd.control(args);
    }
    let user = |password: &str| EtcdOptions {
        user: Some(("root".to_owned(), password.to_owned())),
        ..options(etcd.urls())
    };
    let store = meta::Etcd::new(user("secret")).unwrap();
    let wrong = meta::Etcd::new(user("wrong")).unwrap();
    assert!(!format!("{store:?}").contains("secret"));
    let first = put(&store, "/a").await;
    let mut watch = store.watch("/", first);
    assert_eq!(outcome(&mut watch).await.unwrap().unwrap(), first);
    for refused in [wrong.get("/a").await, open(etcd.urls()).get("/a").await] {
        assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    }
    // Tokens do not outlive the member that gave them.
    etcd.start_again(0);
    let deadline = Instant::now() + SLACK;
    while let Err(error) = store.get("/a").await {
        assert!(Instant::now() < deadline, "{error:?}");
    }
    let second = put(&store, "/b").await;
    assert_eq!(outcome(&mut watch).await.unwrap().unwrap(), second);
}

#[tokio::test]
async fn connections_are_encrypted_and_certificates_verified() {
    let etcd = Etcd::start_tls();
    let (url, ca) = etcd.tls();
    let trusting = EtcdOptions {
        ca: Some(ca),
        ..options(vec![url.clone()])
    };
    let store = meta::Etcd::new(trusting).unwrap();
    let first = put(&store, "/a").await;
    assert_eq!(outcome(&mut store.watch("/", first)).await.unwrap().unwrap(), first);
    // The system's authorities have not signed it.
    let refused = open(vec![url]).put("/a", "".into()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
}

#[tokio::test]
async fn large_values_stay_when_committed_and_vanish_when_abandoned() {
    let etcd = Etcd::start();
    let store = open(etcd.urls());
    let bytes: bytes::Bytes = vec![5; 3 * large::CHUNK + 1].into();
    let kept = large::stage(&store, "/blobs/", "kept", &bytes).await.unwrap();
    let result = kept
        .commit(&store, Txn::always(vec![Op::put("/head", "kept")]))
        .await
        .unwrap();
    assert!(result.succeeded);
    let abandoned = large::stage(&store, "/blobs/", "abandoned", &bytes).await.unwrap();
    let leases = etcd.control(&["lease", "list"]);
    let [_, lease] = leases.lines().collect::<Vec<_>>()[..] else {
        panic!("one lease is left: {leases}");
    };
    etcd.control(&["lease", "revoke", lease]);
    assert_eq!(store.load("/blobs/").await.unwrap().entries.len(), 4);
    assert!(!abandoned.commit(&store, Txn::default()).await.unwrap().succeeded);
    let sha256 = sha256(&bytes);
    let found = large::read(&store, "/blobs/", "kept", bytes.len(), &sha256)
        .await
        .unwrap();
    assert_eq!(found.unwrap(), bytes);
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
