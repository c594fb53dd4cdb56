//! A backend far behind: first its part is spilled, then it is detached; the others do not notice.

use std::{fs, time::Duration};

use serde_json::Value;

use super::{DELIVERY, impatient};
use crate::support::{
    gyre::{Config, Gyre},
    null_backend::NullBackend,
    tcp_proxy::{Link, TcpProxy},
    wait,
};

/// Two circles of one backend each; the second one is behind a network that can break.
struct Circles {
    gyre: Gyre,
    near: NullBackend,
    far: NullBackend,
    link: TcpProxy,
}

impl Circles {
    fn start(adjust: impl FnOnce(Config) -> Config) -> Self {
        let (near, far) = (NullBackend::start(&["d"]), NullBackend::start(&["d"]));
        let address = far.url().trim_start_matches("http://").parse();
        let link = TcpProxy::start(address.expect("the URL is an address"));
        let config = impatient(vec![vec![near.url()], vec![link.url()]])
            .set("journal", "segment", "64KiB")
            .set("proxy", "ack_timeout", "5s");
        let gyre = Gyre::start(adjust(config));
        Self { gyre, near, far, link }
    }

    /// Writes lines of a kibibyte with these numbers.
    #[track_caller]
    fn write(&self, numbers: std::ops::Range<usize>) {
        for number in numbers {
            assert_eq!(self.gyre.client().write("d", &line(number)).0, 204, "line {number}");
        }
    }

    /// What `/gyre/backends` says of the one behind the network.
    #[track_caller]
    fn far_now(&self) -> Value {
        self.gyre.client().get("/gyre/backends").json()["backends"][1].clone()
    }

    #[track_caller]
    fn await_far(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        wait::until(what, DELIVERY, || holds(&self.far_now()).then_some(()));
    }

    /// Waits until the far backend was sent these lines, each once, in order.
    #[track_caller]
    fn await_delivered(&self, numbers: std::ops::Range<usize>) {
        let expect: Vec<String> = numbers.map(line).collect();
        wait::until("the last line arrives", DELIVERY, || {
            (self.far.lines().last() == expect.last()).then_some(())
        });
        let (got, count) = (self.far.lines(), expect.len());
        assert!(got == expect, "{} lines instead of {count}", got.len());
    }

    /// Waits until the far backend was sent the first `count` lines. A crash repeats what was sent or spilled since the
    /// cursors were saved: the last time of each line must come in the order of writing.
    #[track_caller]
    fn await_repeated(&self, count: usize) {
        wait::until("the last line arrives", DELIVERY, || {
            (self.far.lines().last() == Some(&line(count - 1))).then_some(())
        });
        let mut seen = std::collections::HashSet::new();
        let lines = self.far.lines();
        let mut last_times: Vec<&String> = lines.iter().rev().filter(|line| seen.insert(*line)).collect();
        last_times.reverse();
        assert!(last_times.iter().map(|line| (*line).clone()).eq((0..count).map(line)));
    }
}

fn line(number: usize) -> String {
    format!("m s=\"{number:0>1000}\" {number}")
}

#[test]
fn too_much_waiting_detaches_one_and_only_one() {
    let circles = Circles::start(|config| {
        config
            .set("delivery", "max_pending", "200KiB")
            .set("delivery", "spill_after", "100KiB")
    });
    circles.link.set(Link::Refuse);
    circles.write(0..400);
    circles.await_far("the backend is detached", |far| far["detached"] == true);
    assert_eq!(
        circles.gyre.metric("gyre_backend_detached{backend=\"backend-1-1\"}"),
        0.0
    );
    assert_eq!(
        circles.gyre.metric("gyre_backend_detached{backend=\"backend-2-1\"}"),
        1.0
    );
    assert_eq!(circles.gyre.metric("gyre_backend_alive{backend=\"backend-2-1\"}"), 0.0);
    circles.await_far("what waited is given up", |far| far["waiting_bytes"] == 0);
    assert_eq!(circles.near.lines(), (0..400).map(line).collect::<Vec<_>>());

    circles.link.set(Link::Pass);
    circles.await_far("it answers again", |far| far["alive"] == true);
    circles.write(400..410);
    assert!(circles.far.writes().is_empty(), "a detached backend is not written");
    let client = circles.gyre.client();
    assert_eq!(client.post("/gyre/backends/nobody/attach", b"").status, 404);
    assert_eq!(client.post("/gyre/backends/backend-2-1/attach", b"").status, 204);
    circles.write(410..420);
    circles.await_delivered(410..420);
    assert_eq!(circles.far_now()["detached"], false);
}

#[test]
fn a_detached_backend_stays_so_over_a_crash() {
    let mut circles = Circles::start(|config| {
        config
            .set("delivery", "max_pending", "64KiB")
            .set("delivery", "spill_after", "64KiB")
    });
    circles.link.set(Link::Refuse);
    circles.write(0..150);
    circles.await_far("what waited is given up", |far| {
        far["detached"] == true && far["waiting_bytes"] == 0
    });
    circles.link.set(Link::Pass);
    circles.gyre.restart();
    circles.write(150..160);
    assert_eq!(circles.far_now()["detached"], true);
    assert!(circles.far.writes().is_empty());
    assert_eq!(
        circles
            .gyre
            .client()
            .post("/gyre/backends/backend-2-1/attach", b"")
            .status,
        204
    );
    circles.gyre.restart();
    circles.write(160..170);
    circles.await_delivered(160..170);
}

#[test]
fn a_detached_backend_does_not_hold_the_journal_after_a_restart() {
    let mut circles = Circles::start(|config| {
        config
            .set("delivery", "max_pending", "64KiB")
            .set("delivery", "spill_after", "64KiB")
            .set("journal", "max_size", "512KiB")
    });
    circles.link.set(Link::Refuse);
    circles.write(0..150);
    circles.await_far("what waited is given up", |far| {
        far["detached"] == true && far["waiting_bytes"] == 0
    });
    circles.gyre.restart();
    let written = (150..1200).all(|number| {
        // Segments are deleted once a second: until then the journal may be full.
        let taken = || (circles.gyre.client().write("d", &line(number)).0 == 204).then_some(());
        wait::poll(Duration::from_secs(5), taken).is_some()
    });
    assert!(written, "the journal is kept for a backend that is detached");
}

#[test]
fn cursors_that_cannot_be_read_lose_nothing() {
    let mut circles = Circles::start(|config| config);
    circles.link.set(Link::Refuse);
    circles.write(0..10);
    circles.gyre.kill9();
    let cursors = circles.gyre.data().join("journal/cursors");
    for damage in [Some("no cursors"), None] {
        match damage {
            Some(text) => fs::write(&cursors, text).expect("the file is ours"),
            None => fs::remove_file(&cursors).expect("the file is there"),
        }
        circles.gyre.restart();
        circles.gyre.kill9();
    }
    circles.link.set(Link::Pass);
    circles.gyre.restart();
    circles.await_delivered(0..10);
}

fn spilling(config: Config) -> Config {
    config.set("delivery", "spill_after", "100KiB")
}

impl Circles {
    /// Breaks the network and writes until the journal is relieved of what waits.
    #[track_caller]
    fn fall_behind(&self, numbers: std::ops::Range<usize>) {
        self.link.set(Link::Refuse);
        self.write(numbers);
        let journal = self.gyre.data().join("journal");
        wait::until("the journal is relieved", DELIVERY, || {
            let size: u64 = fs::read_dir(&journal)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
                .sum();
            (size < 300 << 10 && self.spill_exists()).then_some(())
        });
        self.await_far("what is spilled waits", |far| {
            far["waiting_bytes"].as_u64() > Some(500 << 10)
        });
    }

    fn spill_exists(&self) -> bool {
        let spilled = fs::read_dir(self.gyre.data().join("spill"));
        spilled.is_ok_and(|mut entries| entries.next().is_some())
    }
}

#[test]
fn spilled_data_are_delivered_in_order() {
    let circles = Circles::start(spilling);
    circles.fall_behind(0..1000);
    circles.link.set(Link::Pass);
    circles.write(1000..1010);
    circles.await_delivered(0..1010);
    circles.await_far("nothing waits", |far| far["waiting_bytes"] == 0);
}

#[test]
fn spilled_data_survive_a_crash() {
    let mut circles = Circles::start(spilling);
    circles.fall_behind(0..1000);
    circles.gyre.restart();
    circles.write(1000..1010);
    circles.gyre.restart();
    circles.link.set(Link::Pass);
    circles.write(1010..1020);
    circles.await_repeated(1020);
}

#[test]
fn a_crash_while_spilled_data_are_delivered_repeats_but_never_loses() {
    let mut circles = Circles::start(|config| spilling(config).set("delivery", "batch_bytes", "16KiB"));
    circles.fall_behind(0..1000);
    circles.link.set(Link::Delay(Duration::from_millis(5)));
    wait::until("a part is delivered", DELIVERY, || {
        let some = circles.far.lines().len();
        (some > 100).then_some(())
    });
    circles.gyre.restart();
    circles.write(1000..1010);
    circles.await_repeated(1010);
}
