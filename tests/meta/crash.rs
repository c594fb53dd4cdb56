//! Acknowledged is durable: a process writes, says what was acknowledged, and is killed at an arbitrary moment.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use futures_util::future;
use gyre::{
    base::SystemClock,
    meta::{Embedded, HistoryLimit, MetaStore, Op, Txn},
};

/// Set for the process that is to be killed: the store's file.
const FILE: &str = "GYRE_TEST_META_CRASH_FILE";
const WRITERS: usize = 8;

fn open(path: &Path) -> Embedded {
    Embedded::open(path, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT).unwrap()
}

/// The victim: every writer counts its own pair of keys up, and reports each number once it was acknowledged.
#[tokio::test]
async fn victim() {
    let Some(file) = env::var_os(FILE) else { return };
    let store = open(Path::new(&file));
    let count_up = async |writer: usize| {
        let [one, two] = ["one", "two"].map(|half| format!("/{writer}/{half}"));
        let before = store.get(&one).await.unwrap().map_or(0, |kv| kv.version);
        for number in before + 1.. {
            let value = number.to_string();
            let ops = vec![Op::put(one.as_str(), value.clone()), Op::put(two.as_str(), value)];
            store.txn(Txn::always(ops)).await.unwrap();
            writeln!(std::io::stderr(), "ack {writer} {number}").unwrap();
        }
    };
    future::join_all((0..WRITERS).map(count_up)).await;
}

/// Starts the victim, kills it after so many acknowledgements, and adds to `acknowledged` what it said.
fn kill_after(reports: usize, file: &Path, acknowledged: &mut BTreeMap<usize, u64>) {
    let (_, this_module) = module_path!().split_once("::").unwrap();
    let mut victim = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", &format!("{this_module}::victim")])
        .env(FILE, file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = BufReader::new(victim.stderr.take().unwrap());
    for (line, count) in stderr.split(b'\n').zip(1..) {
        if count == reports {
            victim.kill().unwrap();
        }
        let line = String::from_utf8(line.unwrap()).unwrap();
        // The kill may cut the last line.
        if let ["ack", writer, number] = line.split(' ').collect::<Vec<_>>()[..]
            && let (Ok(writer), Ok(number)) = (writer.parse(), number.parse())
        {
            acknowledged.insert(writer, number);
        } else {
            assert!(count >= reports, "{line}");
        }
    }
    assert!(!victim.wait().unwrap().success());
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("meta.redb");
    let mut acknowledged = BTreeMap::new();
    for reports in [1, 7, 50, 123, 200] {
        kill_after(reports, &file, &mut acknowledged);
        let store = open(&file);
        for (writer, number) in &acknowledged {
            let halves = store.load(&format!("/{writer}/")).await.unwrap().entries;
            assert_eq!(halves.len(), 2);
            for kv in &halves {
                let value: u64 = std::str::from_utf8(&kv.value).unwrap().parse().unwrap();
                assert_eq!(
                    (value, kv.modified),
                    (kv.version, halves[0].modified),
                    "whole transactions, each once"
                );
                assert!(value >= *number, "{kv:?} was acknowledged as {number}");
            }
        }
    }
}
