//! Pools of scripted instances, in paused time.

mod holds;
mod scripted;

use std::sync::atomic::Ordering;

use futures_util::future::{join, join_all, select};

use super::*;
use crate::workflow::Routing;
use scripted::{World, collect, metric};

const SECOND: Duration = Duration::from_secs(1);

fn run(test: impl Future<Output = ()>) {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test);
}

fn soon() -> Instant {
    Instant::now() + 60 * SECOND
}

fn task(id: &str) -> Arc<str> {
    Arc::from(id)
}

#[test]
fn an_instance_does_four_calls_at_once_in_the_order_of_their_coming() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _hold = world.subscribe("t").await.unwrap();
        let started = Instant::now();
        let calls = (0..6u64).map(|n| {
            let world = &world;
            async move {
                world.publish("t", soon()).await.unwrap();
                (n, started.elapsed())
            }
        });
        let ends = join_all(calls).await;
        let expect = [(0, 1), (1, 1), (2, 1), (3, 1), (4, 2), (5, 2)].map(|(n, at)| (n, at * SECOND));
        assert_eq!(ends, expect);
        assert_eq!(world.script.most_at_once.load(Ordering::SeqCst), CALLS_AT_ONCE);
        assert_eq!(world.pool.running()[0].hit_count, 6);
    });
}

#[test]
fn what_would_begin_after_its_deadline_is_refused() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _hold = world.subscribe("t").await.unwrap();
        let long = join_all((0..4).map(|_| world.publish("t", soon())));
        let late = world.publish("t", Instant::now() + SECOND / 2);
        let (long, late) = tokio::join!(long, late);
        assert!(long.iter().all(Result::is_ok));
        assert_eq!(late, Err(CallError::Overdue));
        let overdue = world.publish("t", Instant::now() - SECOND).await;
        assert_eq!(overdue, Err(CallError::Overdue));
        let refused = world.collect("t", &collect(&["a"]), Instant::now() - SECOND).await;
        assert_eq!(refused, Err(CallError::Overdue));
        assert_eq!(world.pool.running()[0].hit_count, 4);
    });
}

#[test]
fn more_than_the_queue_holds_is_refused() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _hold = world.subscribe("t").await.unwrap();
        let deadline = Instant::now() + SECOND / 2;
        let all = join_all((0..CALLS_AT_ONCE + state::MAX_WAITING + 3).map(|_| world.publish("t", deadline))).await;
        let count = |wanted: Result<(), CallError>| all.iter().filter(|one| **one == wanted).count();
        assert_eq!(count(Ok(())), CALLS_AT_ONCE);
        assert_eq!(count(Err(CallError::Overdue)), state::MAX_WAITING);
        assert_eq!(count(Err(CallError::LimitExceeded)), 3);
        // Those who gave up take no room.
        assert_eq!(world.publish("t", soon()).await, Ok(()));
    });
}

#[test]
fn a_call_that_is_given_up_frees_its_place() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _hold = world.subscribe("t").await.unwrap();
        let given_up = join_all((0..9).map(|_| world.publish("t", soon())));
        let timer = std::pin::pin!(tokio::time::sleep(SECOND / 2));
        drop(select(given_up, timer).await);
        let started = Instant::now();
        assert_eq!(world.publish("t", soon()).await, Ok(()));
        assert_eq!(started.elapsed(), SECOND);
    });
}

#[test]
fn the_cache_answers_without_a_call_and_unchanged() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _holds = (world.subscribe("t").await.unwrap(), world.subscribe("u").await.unwrap());
        let first = world.collect("t", &collect(&["a"]), soon()).await.unwrap();
        tokio::time::advance(SECOND / 4).await;
        let second = world.collect("u", &collect(&["a", "b"]), soon()).await.unwrap();
        assert_eq!(first[0], second[0]);
        assert_eq!(second.len(), 2);
        assert_eq!(
            *world.script.asked.lock().unwrap(),
            [vec![metric("a")], vec![metric("b")]]
        );
        assert_eq!(world.pool.running()[0].hit_count, 2);
        tokio::time::advance(SECOND).await;
        let third = world.collect("t", &collect(&["a"]), soon()).await.unwrap();
        assert_ne!(first, third);
    });
}

#[test]
fn who_waited_gets_what_others_collected_meanwhile() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let _hold = world.subscribe("t").await.unwrap();
        let same = collect(&["a"]);
        let all = join_all((0..20).map(|_| world.collect("t", &same, soon()))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(world.pool.running()[0].hit_count, CALLS_AT_ONCE as u64);
    });
}

#[test]
fn an_instance_that_hangs_does_not_hold_up_the_others() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let _holds = (world.subscribe("t").await.unwrap(), world.subscribe("u").await.unwrap());
        world.script.hang(1);
        let hung = join_all((0..8).map(|_| world.publish("t", Instant::now() + 3 * SECOND)));
        let timer = std::pin::pin!(async {
            // The four that the other instance got are done; the hung one is full.
            tokio::time::sleep(SECOND * 3 / 2).await;
            let started = Instant::now();
            assert_eq!(world.publish("u", soon()).await, Ok(()));
            assert_eq!(started.elapsed(), SECOND);
        });
        drop(select(hung, timer).await);
    });
}

#[test]
fn sticky_tasks_keep_their_instances() {
    run(async {
        let world = World::new(Routing::Sticky, 5);
        let mut holds = vec![];
        for id in ["a", "b", "c", "d"] {
            holds.push(world.subscribe(id).await.unwrap());
        }
        for id in ["a", "a", "b", "c"] {
            world.publish(id, soon()).await.unwrap();
        }
        let hits: Vec<_> = world.pool.running().iter().map(|one| one.hit_count).collect();
        assert_eq!(hits, [2, 1, 1]);
        let none = world.publish("d", soon()).await;
        assert_eq!(none.unwrap_err().to_string(), "could not select a plugin");
        holds.remove(0).end().await;
        assert_eq!(world.publish("d", soon()).await, Ok(()));
    });
}

#[test]
fn equal_configurations_share_an_instance() {
    run(async {
        let world = World::new(Routing::ConfigBased, 1);
        let _holds = (world.subscribe("t").await.unwrap(), world.subscribe("u").await.unwrap());
        for _ in 0..3 {
            world.publish("t", soon()).await.unwrap();
            world.publish("u", soon()).await.unwrap();
        }
        let hits: Vec<_> = world.pool.running().iter().map(|one| one.hit_count).collect();
        assert_eq!(hits, [6, 0]);
    });
}

#[test]
fn errors_of_the_plugin_are_those_of_the_call() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let _hold = world.subscribe("t").await.unwrap();
        world.script.fail("asked to fail");
        let failed = world.collect("t", &collect(&["a"]), soon()).await;
        assert_eq!(failed, Err(CallError::Plugin("asked to fail".to_owned())));
        assert_eq!(world.pool.running()[0].hit_count, 1);
    });
}
