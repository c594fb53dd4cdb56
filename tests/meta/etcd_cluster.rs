//! The store in an etcd of three members, of which some die, hang and come back.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::{StreamExt, future};
use gyre::meta::{self, Compare, Condition, Error, Event, MetaStore, Op, Revision, Txn};
use tokio::task::spawn_blocking;

use super::etcd::{SLACK, TIMEOUT, open};
use crate::support::{etcd::Etcd, wait::Instant};

/// Adds one to the number at `key`, however often it must try; whether an answer was ever lost.
async fn increment(store: &meta::Etcd, key: &str) -> bool {
    let mut lost = false;
    loop {
        let Ok(current) = store.get(key).await else { continue };
        let number = current.as_ref().map_or(0, |kv| kv.version);
        let unchanged = current.map_or(Condition::Absent, |kv| Condition::Modified(kv.modified));
        let txn = Txn {
            when: vec![Compare::new(key, unchanged)],
            then: vec![Op::put(key, (number + 1).to_string())],
            otherwise: vec![],
        };
        match store.txn(txn).await {
            Ok(result) if result.succeeded => return lost,
            Ok(_) | Err(Error::Unavailable(_)) => {}
            // It may have been done: that increment is somebody's, and the next one ours.
            Err(Error::Unanswered(_)) => lost = true,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn increments_and_watches_survive_the_death_of_the_leader() {
    const CLIENTS: usize = 8;
    const EACH: usize = 25;
    let mut etcd = Etcd::cluster(3);
    let leader = etcd.leader();
    let mut urls = etcd.urls();
    urls.rotate_left(leader);
    let store = open(urls);
    let done = AtomicBool::new(false);
    let clients = async {
        let counting = (0..CLIENTS).map(|_| async {
            let mut lost = 0;
            for _ in 0..EACH {
                lost += u64::from(increment(&store, "/n").await);
            }
            lost
        });
        let lost: u64 = future::join_all(counting).await.into_iter().sum();
        done.store(true, Ordering::SeqCst);
        lost
    };
    let watching = async {
        let mut watch = store.watch("/n", Revision(2));
        let mut versions = Vec::new();
        loop {
            let quiet = if done.load(Ordering::SeqCst) {
                Duration::from_secs(2)
            } else {
                SLACK * 3
            };
            let Ok(next) = tokio::time::timeout(quiet, watch.next()).await else {
                return versions;
            };
            let batch = next.expect("no end").expect("it finds another member");
            versions.extend(batch.events.into_iter().map(|event| match event {
                Event::Put(kv) => kv.version,
                Event::Delete(key) => panic!("{key} deleted"),
            }));
        }
    };
    let killing = spawn_blocking(move || {
        etcd.kill9(leader);
        let next = etcd.leader();
        etcd.restart(leader);
        etcd.kill9(next);
        etcd.restart(next);
        etcd
    });
    let (lost, versions, _etcd) = future::join3(clients, watching, killing).await;
    let acknowledged = (CLIENTS * EACH) as u64;
    let last = store.get("/n").await.unwrap().unwrap().version;
    assert!(
        (acknowledged..=acknowledged + lost).contains(&last),
        "{last}, {lost} unanswered"
    );
    assert_eq!(versions, (1..=last).collect::<Vec<_>>(), "no gap, no duplicate");
}

#[tokio::test]
async fn a_lease_that_is_kept_alive_outlives_its_leader_and_one_that_is_not_ends() {
    let mut etcd = Etcd::cluster(3);
    let store = open(etcd.urls());
    let ttl = Duration::from_secs(6);
    let [kept, left] = [
        store.lease_grant(ttl).await.unwrap(),
        store.lease_grant(ttl).await.unwrap(),
    ];
    let keys = vec![Op::put_leased("/kept", "", kept), Op::put_leased("/left", "", left)];
    store.txn(Txn::always(keys)).await.unwrap();
    let leader = etcd.leader();
    let changing = spawn_blocking(move || {
        etcd.kill9(leader);
        etcd.leader();
        etcd.restart(leader);
        etcd
    });
    let deadline = Instant::now() + SLACK * 3;
    let mut refused = 0;
    while store.get("/left").await.is_ok_and(|kv| kv.is_some()) {
        assert!(Instant::now() < deadline, "a lease that nobody keeps alive ends");
        match store.lease_keep_alive(kept).await {
            Ok(()) => tokio::time::sleep(Duration::from_millis(100)).await,
            Err(Error::LeaseNotFound(_)) => panic!("a false death"),
            Err(_) => refused += 1,
        }
    }
    assert!(store.get("/kept").await.unwrap().is_some(), "{refused} were refused");
    assert!(matches!(
        store.lease_keep_alive(left).await,
        Err(Error::LeaseNotFound(_))
    ));
    changing.await.unwrap();
}

#[tokio::test]
async fn thousands_of_leases_are_kept_alive_through_any_member() {
    const LEASES: usize = 2_000;
    const ROUNDS: usize = 5;
    let etcd = Etcd::cluster(3);
    let leader = etcd.leader();
    for member in [leader, (leader + 1) % 3] {
        let store = open(vec![etcd.url(member)]);
        let grants = (0..LEASES).map(|_| store.lease_grant(Duration::from_secs(600)));
        let leases: Vec<_> = future::join_all(grants).await.into_iter().map(Result::unwrap).collect();
        let start = Instant::now();
        for _ in 0..ROUNDS {
            for kept in future::join_all(leases.iter().map(|lease| store.lease_keep_alive(*lease))).await {
                kept.unwrap();
            }
        }
        // Ten thousand in a row take one second through the leader, and three through another member.
        assert!(start.elapsed() < SLACK, "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn a_member_that_hangs_is_left() {
    let etcd = Etcd::cluster(3);
    let follower = (etcd.leader() + 1) % 3;
    let mut urls = etcd.urls();
    urls.rotate_left(follower);
    let store = open(urls);
    let lease = store.lease_grant(Duration::from_secs(60)).await.unwrap();
    store.lease_keep_alive(lease).await.unwrap();
    let first = store.put("/a", "".into()).await.unwrap();
    let mut watch = store.watch("/", first);
    assert_eq!(super::etcd::outcome(&mut watch).await.unwrap().unwrap(), first);
    etcd.stop(follower);
    let start = Instant::now();
    assert!(store.get("/a").await.unwrap().is_some());
    let second = store.put("/a", "".into()).await.unwrap();
    assert!(start.elapsed() < TIMEOUT + SLACK);
    assert_eq!(super::etcd::outcome(&mut watch).await.unwrap().unwrap(), second);
    while store.lease_keep_alive(lease).await.is_err() {
        assert!(start.elapsed() < TIMEOUT * 2 + SLACK, "another member keeps it alive");
    }
    etcd.resume(follower);
}

#[tokio::test]
async fn without_a_quorum_every_request_is_answered_in_time() {
    let mut etcd = Etcd::cluster(3);
    let store = open(etcd.urls());
    let lease = store.lease_grant(Duration::from_secs(60)).await.unwrap();
    store.put("/a", "".into()).await.unwrap();
    let survivor = (etcd.leader() + 1) % 3;
    for member in (0..3).filter(|member| *member != survivor) {
        etcd.kill9(member);
    }
    for _ in 0..2 {
        let start = Instant::now();
        let (read, written, kept) = future::join3(
            store.get("/a"),
            store.put("/a", "".into()),
            store.lease_keep_alive(lease),
        )
        .await;
        assert!(
            start.elapsed() < TIMEOUT + Duration::from_secs(2),
            "{:?}",
            start.elapsed()
        );
        assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
        assert!(
            matches!(written, Err(Error::Unavailable(_) | Error::Unanswered(_))),
            "{written:?}"
        );
        assert!(kept.is_err());
    }
    let known = store.put("/a", "".into()).await;
    assert!(
        matches!(known, Err(Error::Unavailable(_))),
        "known to be lost: {known:?}"
    );
    for member in (0..3).filter(|member| *member != survivor) {
        etcd.start_again(member);
    }
    (0..3).for_each(|member| etcd.wait_ready(member));
    assert!(store.get("/a").await.unwrap().is_some());
    store.lease_keep_alive(lease).await.unwrap();
}
