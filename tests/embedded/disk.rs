//! A full disk below embedded backends: what changes anything is refused while it lasts, reads go on, work on files fails
//! and is done later, nothing acknowledged is lost.

use std::time::Duration;

use serde_json::Value;

use crate::{
    faults::{
        ledger::{Key, Ledger, Point},
        replica,
        schedule::Random,
    },
    support::{
        gyre::Gyre,
        http::{Response, query_target},
        small_disk::SmallDisk,
        wait,
    },
};

const DB: &str = "full";
/// Longer than a check interval of anything, and than an idle engine waits before it flushes.
const SOON: Duration = Duration::from_secs(30);
const DISK_MEBIBYTES: u32 = 64;
/// Of a point; below InfluxDB's limit of 64 KiB for a string.
const PADDING: usize = 48 * 1024;

/// A server over one embedded backend on a small disk, and the account of what was written to it.
struct Machine {
    gyre: Gyre,
    disk: SmallDisk,
    ledger: Ledger,
    written: i64,
}

impl Machine {
    fn start() -> Self {
        let disk = SmallDisk::mount(DISK_MEBIBYTES);
        let config = super::busy(1, 1)
            .data_dir(&disk.path().join("data"))
            .launcher(disk.launcher())
            .set("log", "level", "debug");
        let gyre = Gyre::start(config);
        gyre.client().query("", &format!("CREATE DATABASE {DB}"));
        Self {
            gyre,
            disk,
            ledger: Ledger::default(),
            written: 0,
        }
    }

    /// Writes another point, so large that a few make a flush due.
    fn write(&mut self, measurement: &str) -> Response {
        self.written += 1;
        let key = Key {
            measurement: measurement.to_owned(),
            writer: "w".to_owned(),
            time: self.written,
        };
        let points = [Point {
            key,
            value: self.written,
        }];
        self.ledger.sending(&points);
        let line = points[0].padded(&format!(",pad=\"{}\"", rubbish(self.written)));
        let answer = self
            .gyre
            .client()
            .post(&format!("/write?db={DB}&precision=ns"), line.as_bytes());
        if answer.status == 204 {
            self.ledger.acknowledged(&points);
        }
        answer
    }

    fn write_some(&mut self, measurement: &str, count: usize) {
        for _ in 0..count {
            let answer = self.write(measurement);
            assert_eq!(answer.status, 204, "{}", answer.text());
        }
    }

    /// Fills the disk until a write is refused; how.
    fn fill(&mut self) -> Response {
        wait::until("writes are refused", SOON, || {
            self.disk.fill();
            let answer = self.write("m");
            (answer.status != 204).then_some(answer)
        })
    }

    fn free(&mut self) {
        self.disk.free();
        wait::until("writes work again", SOON, || {
            (self.write("m").status == 204).then_some(())
        });
    }

    /// What it logs from now on until a line has all of the words.
    fn wait_for_log(&self, offset: &mut u64, words: &[&str]) {
        wait::until(&format!("{words:?} is logged"), SOON, || {
            let log = self.gyre.process().log_since(offset);
            log.lines()
                .any(|line| words.iter().all(|word| line.contains(word)))
                .then_some(())
        });
    }

    fn log_end(&self) -> u64 {
        let mut end = 0;
        self.gyre.process().log_since(&mut end);
        end
    }

    fn assert_complete(&self) {
        let found = replica::read(&[self.gyre.client()], DB).expect("it answers");
        let report = self.ledger.check(&found);
        assert!(report.is_clean(), "of {} acknowledged:\n{report}", self.ledger.len());
        assert!(
            !self.gyre.process().log().contains(" panic "),
            "{}",
            self.gyre.process().log()
        );
    }
}

/// Text that does not compress, other for each number.
fn rubbish(number: i64) -> String {
    let mut random = Random(number.cast_unsigned());
    let digits = (0..PADDING / 16).map(|_| format!("{:016x}", random.next()));
    digits.collect()
}

fn error_of(answer: &Response) -> String {
    let body: Value = answer.json();
    let error = &body["error"];
    error
        .as_str()
        .unwrap_or_else(|| panic!("InfluxDB's errors are JSON: {body}"))
        .to_owned()
}

#[test]
fn what_changes_anything_is_refused_and_nothing_is_lost() {
    let mut machine = Machine::start();
    machine.write_some("m", 3);
    machine.write_some("n", 2);
    let mut log = machine.log_end();
    let refusal = machine.fill();
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    assert!(error_of(&refusal).contains("No space left"), "{}", refusal.text());
    for statement in [
        "DELETE FROM n WHERE time < 5",
        "DROP SERIES FROM n",
        "DROP MEASUREMENT n",
    ] {
        let answer = machine.gyre.client().post(&query_target(DB, statement), b"");
        assert_eq!(answer.status, 503, "{statement}: {}", answer.text());
        assert!(
            error_of(&answer).contains("No space left"),
            "{statement}: {}",
            answer.text()
        );
    }
    machine.wait_for_log(&mut log, &["flush failed"]);
    let answer = machine.gyre.client().query(DB, "SELECT count(v) FROM m");
    assert!(answer["results"][0]["series"].is_array(), "reads go on: {answer}");
    machine.assert_complete();

    machine.free();
    machine.wait_for_log(&mut log, &["flush ends", "done=true"]);
    machine.assert_complete();
    machine.gyre.restart();
    machine.assert_complete();

    machine.fill();
    machine.gyre.kill9();
    machine.disk.free();
    machine.gyre.restart();
    machine.write_some("m", 1);
    machine.assert_complete();
}

#[test]
fn compaction_without_space_is_done_later() {
    let mut machine = Machine::start();
    let mut log = machine.log_end();
    for _ in 0..3 {
        machine.write_some("m", 3);
        machine.wait_for_log(&mut log, &["flush ends", "done=true"]);
    }
    // enough for the journal and another flush, not for all files once more
    machine.disk.fill_but(8 * PADDING as u64);
    machine.write_some("m", 3);
    machine.wait_for_log(&mut log, &["compaction failed", "No space left"]);
    machine.assert_complete();
    machine.free();
    machine.wait_for_log(&mut log, &["compaction ends", "done=true"]);
    machine.assert_complete();
    machine.gyre.restart();
    machine.assert_complete();
}
