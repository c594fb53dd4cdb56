//! What every implementation of [`MetaStore`] must do, whatever is below it.
//!
//! [`run`] works on a store that nobody else uses meanwhile; it need not be empty. Every case owns the keys under its own
//! prefix. Nothing here knows how a store keeps time or history: expiry is awaited, never hastened.

use std::time::Duration;

use futures_util::{StreamExt, future};
use gyre::{
    base::ErrorKind,
    meta::{
        Batch, Compare, Condition, Error, Event, KeyValue, LeaseId, MAX_KEY, MAX_OPS, MAX_TTL, MAX_VALUE, MetaStore,
        Op, Response, Revision, Txn, TxnResult, Watch,
    },
};

/// Runs every case.
pub(crate) async fn run(store: &dyn MetaStore) {
    a_key_has_one_life_after_another(store, "/conformance/life/").await;
    a_transaction_takes_the_branch_its_conditions_choose(store, "/conformance/branch/").await;
    a_transaction_is_one_revision(store, "/conformance/revision/").await;
    reads_in_a_transaction_see_its_writes(store, "/conformance/reads/").await;
    lists_are_ordered_and_paged(store, "/conformance/list/").await;
    bad_requests_change_nothing(store, "/conformance/bad/").await;
    increments_under_contention_are_not_lost(store, "/conformance/increment/").await;
    watches_see_past_and_coming_changes(store, "/conformance/watch/").await;
    watches_are_ordered_under_concurrent_writers(store, "/conformance/order/").await;
    revoking_a_lease_deletes_its_keys_at_once(store, "/conformance/revoke/").await;
    the_last_put_decides_the_lease(store, "/conformance/lease/").await;
    a_persisted_key_outlives_its_lease(store, "/conformance/persist/").await;
    a_lease_that_is_not_kept_alive_expires(store, "/conformance/expiry/").await;
}

async fn clear(store: &dyn MetaStore, prefix: &str) -> Revision {
    let clear = Txn::always(vec![Op::DeletePrefix(prefix.into())]);
    store.txn(clear).await.unwrap().revision
}

async fn get(store: &dyn MetaStore, key: &str) -> Option<KeyValue> {
    store.get(key).await.unwrap()
}

async fn always(store: &dyn MetaStore, ops: Vec<Op>) -> TxnResult {
    store.txn(Txn::always(ops)).await.unwrap()
}

async fn keys(store: &dyn MetaStore, prefix: &str) -> Vec<String> {
    let page = store.load(prefix).await.unwrap();
    page.entries.into_iter().map(|kv| kv.key.to_string()).collect()
}

/// The next changes, which must come soon.
async fn next(watch: &mut Watch) -> Batch {
    let soon = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
    soon.expect("a change in time").expect("no end").unwrap()
}

async fn a_key_has_one_life_after_another(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let key = &format!("{prefix}ключ");
    assert_eq!(get(store, key).await, None);
    assert!(!store.delete(key).await.unwrap());
    let first = store.put(key, "1".into()).await.unwrap();
    let second = store.put(key, "2".into()).await.unwrap();
    let expect = |value: &'static str, created, modified, version| KeyValue {
        key: key.as_str().into(),
        value: value.into(),
        created,
        modified,
        version,
        lease: None,
    };
    assert_eq!(get(store, key).await, Some(expect("2", first, second, 2)));
    assert!(store.delete(key).await.unwrap());
    assert_eq!(get(store, key).await, None);
    let third = store.put(key, "".into()).await.unwrap();
    assert_eq!(get(store, key).await, Some(expect("", third, third, 1)));
}

async fn a_transaction_takes_the_branch_its_conditions_choose(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let here = &format!("{prefix}here");
    let absent = &format!("{prefix}absent");
    let created = store.put(here, "1".into()).await.unwrap();
    let modified = store.put(here, "2".into()).await.unwrap();
    let rows = [
        (here, Condition::Absent, false),
        (absent, Condition::Absent, true),
        (here, Condition::Present, true),
        (absent, Condition::Present, false),
        (here, Condition::Created(created), true),
        (here, Condition::Created(modified), false),
        (here, Condition::Modified(modified), true),
        (here, Condition::Modified(created), false),
        (absent, Condition::Modified(Revision(0)), false),
        (here, Condition::Version(2), true),
        (here, Condition::Version(1), false),
        (absent, Condition::Version(0), false),
        (here, Condition::Value("2".into()), true),
        (here, Condition::Value("1".into()), false),
        (absent, Condition::Value("".into()), false),
    ];
    for (key, condition, expect) in rows {
        let compare = Compare::new(key.as_str(), condition);
        let probe = Txn {
            when: vec![compare.clone()],
            then: vec![Op::Get(here.as_str().into())],
            otherwise: vec![],
        };
        let result = store.txn(probe).await.unwrap();
        assert_eq!(
            (result.succeeded, result.responses.len()),
            (expect, usize::from(expect)),
            "{compare:?}"
        );
    }
    let one_fails = Txn {
        when: vec![
            Compare::new(here.as_str(), Condition::Present),
            Compare::new(absent.as_str(), Condition::Present),
        ],
        then: vec![Op::Delete(here.as_str().into())],
        otherwise: vec![Op::put(absent.as_str(), "3")],
    };
    assert!(!store.txn(one_fails).await.unwrap().succeeded);
    assert_eq!(keys(store, prefix).await, [absent.as_str(), here]);
}

async fn a_transaction_is_one_revision(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let key = |name: &str| format!("{prefix}{name}");
    let before = store.put(&key("a"), "".into()).await.unwrap();
    let unchanged = vec![
        Op::Get(key("a").into()),
        Op::Delete(key("x").into()),
        Op::DeletePrefix(key("x").into()),
    ];
    let result = always(store, unchanged).await;
    assert_eq!(result.revision, before);
    assert_eq!(result.responses[1..], [Response::Deleted(0), Response::Deleted(0)]);
    let result = always(
        store,
        vec![
            Op::put(key("b"), ""),
            Op::put(key("c"), ""),
            Op::Delete(key("a").into()),
        ],
    )
    .await;
    assert_eq!(result.revision, before.next());
    assert_eq!(result.responses, [Response::Put, Response::Put, Response::Deleted(1)]);
    let page = store.list(prefix, None, 9).await.unwrap();
    assert_eq!(page.revision, before.next());
    assert!(page.entries.iter().all(|kv| kv.created == before.next()), "{page:?}");
    let result = always(store, vec![Op::DeletePrefix(prefix.into())]).await;
    assert_eq!(
        (result.revision, result.responses),
        (before.next().next(), vec![Response::Deleted(2)])
    );
}

async fn reads_in_a_transaction_see_its_writes(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let key = format!("{prefix}a");
    let read = || Op::Get(key.as_str().into());
    let result = always(store, vec![read(), Op::put(key.as_str(), "1"), read()]).await;
    let [Response::Got(None), Response::Put, Response::Got(Some(kv))] = result.responses.as_slice() else {
        panic!("{result:?}");
    };
    assert_eq!((&*kv.value, kv.modified, kv.version), (&b"1"[..], result.revision, 1));
}

async fn lists_are_ordered_and_paged(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let names = ["", "!", "0", "Z", "a", "a/", "a/b", "aa", "é", "😀"];
    let ops = names.iter().rev().map(|name| Op::put(format!("{prefix}{name}"), *name));
    always(store, ops.collect()).await;
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(prefix, after.as_deref(), 3).await.unwrap();
        assert!(page.entries.len() <= 3);
        found.extend(page.entries.iter().map(|kv| kv.key.replacen(prefix, "", 1)));
        after = page.entries.last().map(|kv| kv.key.to_string());
        if !page.more {
            break;
        }
    }
    assert_eq!(found, names);
    let beneath = keys(store, &format!("{prefix}a/")).await;
    assert_eq!(beneath, [format!("{prefix}a/"), format!("{prefix}a/b")]);
    let puts = |range: std::ops::Range<u32>| range.map(|i| Op::put(format!("{prefix}many/{i:04}"), "")).collect();
    for start in (0..1100).step_by(100) {
        always(store, puts(start..start + 100)).await;
    }
    assert_eq!(keys(store, &format!("{prefix}many/")).await.len(), 1100);
}

async fn bad_requests_change_nothing(store: &dyn MetaStore, prefix: &str) {
    let before = clear(store, prefix).await;
    let good = Op::put(format!("{prefix}good"), "");
    let long = format!("{prefix}{}", "k".repeat(MAX_KEY));
    let rows = [
        (Op::put("", ""), ErrorKind::InvalidArgument),
        (good.clone(), ErrorKind::InvalidArgument),
        (Op::Delete(format!("{prefix}good").into()), ErrorKind::InvalidArgument),
        (Op::DeletePrefix(prefix.into()), ErrorKind::InvalidArgument),
        (Op::put(long.as_str(), ""), ErrorKind::TooLarge),
        (
            Op::put(format!("{prefix}large"), vec![0; MAX_VALUE + 1]),
            ErrorKind::TooLarge,
        ),
        (
            Op::put_leased(format!("{prefix}leased"), "", LeaseId(u64::MAX >> 1)),
            ErrorKind::NotFound,
        ),
    ];
    for (bad, expect) in rows {
        let error = store.txn(Txn::always(vec![good.clone(), bad])).await.unwrap_err();
        assert_eq!(error.kind(), expect, "{error}");
    }
    let many = Txn::always(vec![Op::Get(prefix.into()); MAX_OPS + 1]);
    assert_eq!(store.txn(many).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(store.get("").await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert_eq!(store.get(&long).await.unwrap_err().kind(), ErrorKind::TooLarge);
    for ttl in [Duration::ZERO, MAX_TTL * 2] {
        assert_eq!(
            store.lease_grant(ttl).await.unwrap_err().kind(),
            ErrorKind::InvalidArgument
        );
    }
    let page = store.load(prefix).await.unwrap();
    assert_eq!((page.revision, page.entries), (before, vec![]));
    let largest = store.put(&format!("{prefix}large"), vec![7; MAX_VALUE].into()).await;
    assert_eq!(largest.unwrap(), before.next());
}

/// Adds one to the number at `key` by comparing and putting until nobody came in between.
async fn increment(store: &dyn MetaStore, key: &str) {
    loop {
        let current = get(store, key).await;
        let number: u64 = current
            .as_ref()
            .map_or(0, |kv| std::str::from_utf8(&kv.value).unwrap().parse().unwrap());
        let unchanged = current.map_or(Condition::Absent, |kv| Condition::Modified(kv.modified));
        let txn = Txn {
            when: vec![Compare::new(key, unchanged)],
            then: vec![Op::put(key, (number + 1).to_string())],
            otherwise: vec![],
        };
        if store.txn(txn).await.unwrap().succeeded {
            return;
        }
    }
}

async fn increments_under_contention_are_not_lost(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let counters: Vec<String> = (0..50).map(|i| format!("{prefix}{i}")).collect();
    let increments = (0..1000).map(|i| increment(store, &counters[i % 50]));
    future::join_all(increments).await;
    for counter in &counters {
        let kv = get(store, counter).await.unwrap();
        assert_eq!((&*kv.value, kv.version), (&b"20"[..], 20));
    }
}

async fn watches_see_past_and_coming_changes(store: &dyn MetaStore, prefix: &str) {
    let start = clear(store, prefix).await.next();
    let inside = format!("{prefix}in/1");
    let outside = format!("{prefix}out/1");
    let mut past = store.watch(&format!("{prefix}in/"), start);
    let mut future = store.watch(prefix, Revision(start.0 + 3));
    store.put(&inside, "1".into()).await.unwrap();
    store.put(&outside, "1".into()).await.unwrap();
    always(
        store,
        vec![Op::put(outside.as_str(), "2"), Op::Delete(inside.as_str().into())],
    )
    .await;
    let last = store.put(&inside, "3".into()).await.unwrap();
    assert_eq!(last, Revision(start.0 + 3));
    let put = next(&mut past).await;
    let [Event::Put(kv)] = put.events.as_slice() else {
        panic!("{put:?}")
    };
    assert_eq!(
        (put.revision, &*kv.key, &*kv.value, kv.modified),
        (start, inside.as_str(), &b"1"[..], start)
    );
    let deleted = next(&mut past).await;
    assert_eq!(deleted.events, [Event::Delete(inside.as_str().into())]);
    assert_eq!(deleted.revision, Revision(start.0 + 2));
    let again = get(store, &inside).await.map(Event::Put).unwrap();
    let expect = Batch {
        revision: last,
        events: vec![again],
    };
    assert_eq!(next(&mut past).await, expect);
    assert_eq!(next(&mut future).await, expect);
    let (coming, written) = future::join(next(&mut future), store.put(&outside, "4".into())).await;
    assert_eq!(coming.revision, written.unwrap());
}

async fn watches_are_ordered_under_concurrent_writers(store: &dyn MetaStore, prefix: &str) {
    let start = clear(store, prefix).await.next();
    let mut watch = store.watch(prefix, start);
    let writer = async |id: u32| {
        for i in 0..20 {
            let ops = vec![
                Op::put(format!("{prefix}{id}"), i.to_string()),
                Op::put(format!("{prefix}last"), id.to_string()),
            ];
            always(store, ops).await;
        }
    };
    let reader = async {
        let mut batches = Vec::new();
        while batches.len() < 160 {
            batches.push(next(&mut watch).await);
        }
        batches
    };
    let (_, batches) = future::join(future::join_all((0..8).map(writer)), reader).await;
    for (revision, batch) in (start.0..).zip(&batches) {
        assert_eq!((batch.revision, batch.events.len()), (Revision(revision), 2));
    }
    let mut replayed = std::collections::BTreeMap::new();
    for event in batches.into_iter().flat_map(|batch| batch.events) {
        let Event::Put(kv) = event else { panic!("{event:?}") };
        let before = replayed.insert(kv.key.to_string(), kv.clone());
        assert_eq!(kv.version, before.map_or(0, |kv| kv.version) + 1);
    }
    let stored = store.load(prefix).await.unwrap();
    assert_eq!(replayed.into_values().collect::<Vec<_>>(), stored.entries);
}

async fn revoking_a_lease_deletes_its_keys_at_once(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let ttl = Duration::from_secs(60);
    let lease = store.lease_grant(ttl).await.unwrap();
    let other = store.lease_grant(ttl).await.unwrap();
    assert_ne!(lease, other);
    let leased = |name: &str, lease| Op::put_leased(format!("{prefix}{name}"), "", lease);
    let put = always(store, vec![leased("a", lease), leased("b", lease), leased("c", other)]).await;
    assert_eq!(get(store, &format!("{prefix}a")).await.unwrap().lease, Some(lease));
    let mut watch = store.watch(prefix, put.revision.next());
    store.lease_revoke(lease).await.unwrap();
    let batch = next(&mut watch).await;
    let mut gone: Vec<_> = batch.events.iter().map(|event| event.key().to_string()).collect();
    gone.sort();
    assert_eq!(gone, [format!("{prefix}a"), format!("{prefix}b")]);
    assert!(batch.events.iter().all(|event| matches!(event, Event::Delete(_))));
    assert_eq!(batch.revision, put.revision.next());
    assert_eq!(keys(store, prefix).await, [format!("{prefix}c")]);
    for ended in [store.lease_revoke(lease).await, store.lease_keep_alive(lease).await] {
        assert!(
            matches!(ended, Err(Error::LeaseNotFound(id)) if id == lease),
            "{ended:?}"
        );
    }
    store.lease_keep_alive(other).await.unwrap();
    store.lease_revoke(other).await.unwrap();
}

async fn the_last_put_decides_the_lease(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let ttl = Duration::from_secs(60);
    let first = store.lease_grant(ttl).await.unwrap();
    let second = store.lease_grant(ttl).await.unwrap();
    let key = |name: &str| format!("{prefix}{name}");
    let all = ["freed", "moved", "reborn"];
    always(store, all.map(|name| Op::put_leased(key(name), "", first)).to_vec()).await;
    always(store, vec![Op::Delete(key("reborn").into())]).await;
    let freed = vec![
        Op::put(key("freed"), ""),
        Op::put_leased(key("moved"), "", second),
        Op::put(key("reborn"), ""),
    ];
    let before = always(store, freed).await.revision;
    store.lease_revoke(first).await.unwrap();
    let page = store.load(prefix).await.unwrap();
    assert_eq!((page.revision, page.entries.len()), (before, 3));
    store.lease_revoke(second).await.unwrap();
    assert_eq!(keys(store, prefix).await, [key("freed"), key("reborn")]);
}

async fn a_persisted_key_outlives_its_lease(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let lease = store.lease_grant(Duration::from_secs(60)).await.unwrap();
    let key = |name: &str| format!("{prefix}{name}");
    let persist = |name: &str| Op::Persist(key(name).into());
    let leased = ["a", "b"].map(|name| Op::put_leased(key(name), name.to_owned(), lease));
    let put = always(store, leased.to_vec()).await.revision;
    let mut watch = store.watch(prefix, put.next());
    let ops = vec![persist("a"), persist("missing"), Op::Get(key("a").into())];
    let result = always(store, ops).await;
    let kept = KeyValue {
        key: key("a").into(),
        value: "a".into(),
        created: put,
        modified: put.next(),
        version: 2,
        lease: None,
    };
    let expect = [
        Response::Persisted(true),
        Response::Persisted(false),
        Response::Got(Some(kept.clone())),
    ];
    assert_eq!((result.revision, result.responses), (put.next(), expect.to_vec()));
    assert_eq!(next(&mut watch).await.events, [Event::Put(kept.clone())]);
    let nothing = always(store, vec![persist("missing")]).await;
    assert_eq!(nothing.revision, put.next());
    store.lease_revoke(lease).await.unwrap();
    assert_eq!(keys(store, prefix).await, [key("a")]);
    always(store, vec![persist("a")]).await;
    assert_eq!(get(store, &key("a")).await.unwrap().version, 3, "a put like any other");
}

async fn a_lease_that_is_not_kept_alive_expires(store: &dyn MetaStore, prefix: &str) {
    clear(store, prefix).await;
    let lease = store.lease_grant(Duration::from_secs(1)).await.unwrap();
    let ops = ["a", "b"].map(|name| Op::put_leased(format!("{prefix}{name}"), "", lease));
    let put = always(store, ops.to_vec()).await;
    let batch = next(&mut store.watch(prefix, put.revision.next())).await;
    assert_eq!(batch.events.len(), 2, "{batch:?}");
    assert_eq!(keys(store, prefix).await, [""; 0]);
    assert_eq!(
        store.lease_keep_alive(lease).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
}
