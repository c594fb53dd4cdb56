//! What needs a look below the public interface: damaged files, formats, and commits that fail or wait.

use std::{env, sync::mpsc};

use futures_util::future;

use super::*;
use crate::{
    base::{ErrorKind, ManualClock},
    meta::{MAX_PAGE, Op},
};

fn reopen(path: &Path) -> Result<Embedded, Error> {
    Embedded::open(path, Arc::new(ManualClock::default()), HistoryLimit::DEFAULT)
}

/// The bytes of a file whose owner was killed, of the same file closed, and the documents in both.
async fn images(path: &Path) -> ([Vec<u8>; 2], Page) {
    let store = reopen(path).unwrap();
    let lease = store.lease_grant(Duration::from_secs(1)).await.unwrap();
    for group in 0..5 {
        let put = |i: usize| Op::put_leased(format!("/docs/{group}/{i}"), vec![b'x'; 99], lease);
        store.txn(Txn::always((0..8).map(put).collect())).await.unwrap();
    }
    store.delete("/docs/0/0").await.unwrap();
    let killed = fs::read(path).unwrap();
    let expect = store.load("").await.unwrap();
    drop(store);
    ([killed, fs::read(path).unwrap()], expect)
}

/// The byte of redb's header whose lowest bit names the newer of its two commit slots. Neither bit nor byte has a checksum.
const NEWER_SLOT: usize = 9;

/// A prime stride visits all positions within pages in turn; a tenth of it in the long run.
fn stride(short: usize) -> usize {
    if env::var_os("GYRE_TEST_LONG").is_some() {
        (short / 10) | 1
    } else {
        short
    }
}

#[tokio::test]
async fn damage_is_refused_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let (images, expect) = images(&dir.path().join("good.redb")).await;
    let path = dir.path().join("damaged.redb");
    let mut refused = 0;
    for image in images {
        let used = |at: &usize| image[*at] != 0 && *at != NEWER_SLOT;
        let header = (0..320).filter(used).map(|at| (at, 1 << (at % 8)));
        let pages = (320..image.len())
            .filter(used)
            .step_by(stride(499))
            .map(|at| (at, 0xff));
        for (at, flip) in header.chain(pages) {
            let mut damaged = image.clone();
            damaged[at] ^= flip;
            fs::write(&path, &damaged).unwrap();
            // The second time shows that a refusal did not turn the file into something that is accepted.
            for _ in 0..2 {
                match reopen(&path) {
                    Ok(store) => assert!(store.load("").await.unwrap() == expect, "damage at {at}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Corrupt, "damage at {at}: {error:?}");
                        refused += 1;
                    }
                }
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

#[tokio::test]
async fn a_cut_or_foreign_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (images, _) = images(&dir.path().join("good.redb")).await;
    let path = dir.path().join("cut.redb");
    let check = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = reopen(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{} bytes: {error:?}", bytes.len());
    };
    check(b"not a database");
    for image in images {
        for length in (0..320).chain((320..image.len()).step_by(stride(4099))) {
            check(&image[..length]);
        }
    }
}

#[test]
fn a_newer_format_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    drop(reopen(&path).unwrap());
    let database = open(&path).unwrap();
    let txn = begin_commit(&database).unwrap();
    txn.open_table(STORE).unwrap().insert("format", FORMAT + 1).unwrap();
    txn.commit().unwrap();
    drop(database);
    let error = reopen(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(
        error.to_string(),
        "metadata file has format 2, this version reads up to 1"
    );
}

#[test]
fn an_unfinished_creation_is_started_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("meta.redb");
    fs::write(dir.path().join("meta.redb.new"), b"torn").unwrap();
    drop(reopen(&path).unwrap());
    assert!(reopen(&path).is_ok());
}

/// A writer whose commits first wait for `gate`, then fail when it says so.
fn gated(gate: mpsc::Receiver<bool>) -> (Arc<View>, Handle) {
    let stored = Stored::empty();
    let view = Arc::new(View::new(stored.documents.clone(), HistoryLimit::DEFAULT));
    let machine = Machine::restore(stored, Duration::ZERO);
    let commit = Box::new(move |_: &[Effect]| match gate.recv() {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(failed(io::Error::other("disk on fire"))),
    });
    let clock = Arc::new(ManualClock::default());
    let handle = Handle::start(machine, Arc::clone(&view), clock, commit).unwrap();
    (view, handle)
}

async fn put(writer: &Handle, key: &str) -> Result<TxnResult, Error> {
    let txn = Txn::always(vec![Op::put(key, "")]);
    writer.submit(0, move |machine, _| machine.txn(&txn)).await
}

#[tokio::test]
async fn requests_in_flight_share_a_commit() {
    let (open_gate, gate) = mpsc::channel();
    let (_, writer) = gated(gate);
    let keys: Vec<_> = (0..64).map(|i| format!("/{i}")).collect();
    let puts = future::join_all(keys.iter().map(|key| put(&writer, key)));
    // Submitted in the first poll of all puts; the gate opens in the poll after them.
    let open = async { (0..64).for_each(|_| open_gate.send(true).unwrap()) };
    let (results, ()) = future::join(puts, open).await;
    assert!(results.into_iter().all(|result| result.is_ok()));
    let CommitStats { requests, commits } = writer.stats();
    assert_eq!(requests, 64);
    assert!(commits <= 2, "{commits}");
}

#[tokio::test]
async fn a_failed_commit_closes_the_store() {
    let (open_gate, gate) = mpsc::channel();
    let (view, writer) = gated(gate);
    open_gate.send(true).unwrap();
    open_gate.send(false).unwrap();
    assert!(put(&writer, "/durable").await.is_ok());
    assert!(matches!(put(&writer, "/lost").await, Err(Error::Storage(_))));
    assert!(matches!(put(&writer, "/late").await, Err(Error::Closed)));
    assert!(matches!(writer.keep_alive(LeaseId(1)), Err(Error::Closed)));
    let keys: Vec<_> = view
        .page("", None, MAX_PAGE)
        .entries
        .into_iter()
        .map(|kv| kv.key)
        .collect();
    assert_eq!(keys, ["/durable".into()]);
    let mut watching = Watching {
        view,
        published: writer.published(),
        prefix: "/".into(),
        from: Revision(2),
    };
    assert_eq!(watching.next().await.unwrap().revision, Revision(2));
    assert!(matches!(watching.next().await, Err(Error::Closed)));
}

#[tokio::test]
async fn a_restored_store_has_the_documents_and_their_revisions() {
    let dir = tempfile::tempdir().unwrap();
    let store = reopen(&dir.path().join("source.redb")).unwrap();
    for value in ["one", "two"] {
        store.put("/docs/a", value.into()).await.unwrap();
    }
    store.put("/docs/b", vec![0, 0xff].into()).await.unwrap();
    let expect = store.load("").await.unwrap();
    let lease = store.lease_grant(Duration::from_secs(9)).await.unwrap();
    let leased = Txn::always(vec![Op::put_leased("/nodes/1", "alive", lease)]);
    let revision = store.txn(leased).await.unwrap().revision;
    let snapshot = Snapshot::from_json(&store.snapshot().to_json()).unwrap();
    let path = dir.path().join("restored.redb");
    Embedded::restore(&path, snapshot).unwrap();
    let restored = reopen(&path).unwrap();
    assert_eq!(restored.load("").await.unwrap().entries, expect.entries);
    let next = restored.put("/docs/a", "three".into()).await.unwrap();
    assert_eq!(next, revision.next());
    let broken = br#"{"revision":2,"documents":[{"key":"/a","value":"?","created":2,"modified":2,"version":1}]}"#;
    let broken = Snapshot::from_json(broken).unwrap();
    let refused = Embedded::restore(&dir.path().join("broken.redb"), broken).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    assert!(matches!(Snapshot::from_json(b"{}"), Err(Error::Corrupt(_))));
}
