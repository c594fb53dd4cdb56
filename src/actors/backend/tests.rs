use futures_util::FutureExt;

use super::*;
use crate::proxy::{
    attachment,
    testing::{Rig, server},
};

/// Nobody listens there.
const DEAD: &str = "http://127.0.0.1:1";

fn start(rig: &Rig) -> BackendHandle {
    let parts = BackendParts {
        courier: Arc::clone(&rig.courier),
        config: rig.config.delivery,
        linger: Duration::ZERO,
        fleet: Arc::clone(&rig.fleet),
        shared: Arc::clone(&rig.shared),
    };
    BackendHandle::start(parts, Counter::default())
}

fn run(paused: bool, test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(paused)
        .build()
        .unwrap();
    let _inside = runtime.enter();
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

/// Lets tasks run until it is so.
async fn until(so: impl Fn() -> bool) {
    while !so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn is_remembered_detached(rig: &Rig) -> bool {
    let name = &rig.courier.backend.config.name;
    attachment::known(&rig.shared).await.unwrap().get(name) == Some(&true)
}

#[test]
fn a_dead_backend_is_tried_less_and_less_often() {
    run(true, async {
        let rig = Rig::new(&[DEAD], "").await;
        rig.append("", "m v=1 1");
        let actor = start(&rig);
        let retries = &rig.courier.metrics.retries;
        until(|| retries.get() >= 1).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        // 100 ms, 200, 400, ...: after two seconds four to six tries, each wait being up to a quarter shorter.
        assert!((4..=7).contains(&retries.get()), "{}", retries.get());
        tokio::time::sleep(Duration::from_secs(60)).await;
        // And then one in 10 s.
        assert!((10..=17).contains(&retries.get()), "{}", retries.get());
        actor.stop().await.unwrap();
    });
}

#[test]
fn at_the_limit_a_backend_is_detached_and_holds_nothing_until_it_is_attached() {
    run(true, async {
        let limits = "[delivery]\nspill_after = \"1KiB\"\nmax_pending = \"2KiB\"";
        let rig = Rig::new(&[DEAD, DEAD], limits).await;
        (0..100).for_each(|time| rig.append("", &format!("m v=1 {time}")));
        let actor = start(&rig);
        let (condition, id) = (&rig.courier.backend.condition, rig.courier.backend.id.0);
        until(|| condition.is_detached() && rig.journal.cursor(id).is_none()).await;
        assert!(is_remembered_detached(&rig).await);
        assert_eq!(rig.courier.queue.waiting_bytes(), 0);
        actor.attach().await.unwrap();
        assert!(!condition.is_detached());
        assert!(!is_remembered_detached(&rig).await);
        assert_eq!(rig.journal.cursor(id), Some(rig.journal.committed()));
        actor.stop().await.unwrap();
    });
}

#[test]
fn the_last_one_that_holds_the_data_is_never_detached() {
    run(true, async {
        let limits = "[delivery]\nspill_after = \"1KiB\"\nmax_pending = \"1MiB\"";
        let rig = Rig::new(&[DEAD], limits).await;
        let big = "x".repeat(300 << 10);
        (0..4).for_each(|time| rig.append("", &format!("m v=\"{big}\" {time}")));
        let actor = start(&rig);
        until(|| rig.courier.metrics.retries.get() >= 5).await;
        assert!(!rig.courier.backend.condition.is_detached());
        assert!(rig.courier.queue.waiting_bytes() > 1 << 20);
        actor.stop().await.unwrap();
    });
}

#[test]
fn what_was_detached_when_the_process_died_is_given_up_at_the_next_start() {
    run(true, async {
        let rig = Rig::new(&[DEAD, DEAD], "").await;
        rig.append("", "m v=1 1");
        rig.courier.backend.condition.set_detached(true);
        let actor = start(&rig);
        until(|| rig.journal.cursor(rig.courier.backend.id.0).is_none()).await;
        assert!(is_remembered_detached(&rig).await);
        actor.stop().await.unwrap();
    });
}

#[test]
fn a_slow_backend_is_relieved_while_it_delivers() {
    run(false, async {
        let (url, mut writes) = server().await;
        let limits = "[delivery]\nspill_after = \"1KiB\"\nbatch_bytes = \"1KiB\"";
        let rig = Rig::new(&[&url], limits).await;
        (0..200).for_each(|time| rig.append("", &format!("m v=1 {time}")));
        let actor = start(&rig);
        let mut lines = 0;
        while lines < 200 {
            let arrived = writes.recv().await.unwrap();
            lines += arrived.body.lines().count();
            arrived.accept().await;
            if lines < 200 {
                until(|| rig.courier.queue.is_spilled()).await;
            }
        }
        until(|| !rig.courier.queue.has_more()).await;
        assert_eq!(lines, 200, "each point once");
        actor.stop().await.unwrap();
    });
}

#[test]
fn a_stop_is_answered_after_the_turn() {
    run(false, async {
        let (url, mut writes) = server().await;
        let rig = Rig::new(&[&url], "").await;
        rig.append("", "m v=1 1");
        let actor = start(&rig);
        let arrived = writes.recv().await.unwrap();
        let mut stopped = Box::pin(actor.stop());
        for _ in 0..100 {
            assert!((&mut stopped).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        arrived.accept().await;
        stopped.await.unwrap();
        assert!(!rig.courier.queue.has_more(), "the turn has ended well");
    });
}

#[test]
fn a_crash_ends_the_turn_and_the_next_life_begins_it_anew() {
    run(false, async {
        let (url, mut writes) = server().await;
        let rig = Rig::new(&[&url], "").await;
        let actor = start(&rig);
        let owners = Arc::strong_count(&rig.courier);
        for time in 0..3 {
            rig.append("", &format!("m v=1 {time}"));
            let first = writes.recv().await.unwrap();
            actor.crash().await;
            first.given_up().await;
            let second = writes.recv().await.unwrap();
            assert!(writes.try_recv().is_err(), "one turn at a time");
            second.accept().await;
            until(|| !rig.courier.queue.has_more()).await;
        }
        until(|| Arc::strong_count(&rig.courier) <= owners + 1).await;
        actor.stop().await.unwrap();
    });
}
