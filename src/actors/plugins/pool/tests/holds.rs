//! Instances start and end with the tasks that need them.

use proptest::prelude::*;

use super::{
    scripted::{World, manifest},
    *,
};
use crate::workflow::{PluginKey, PluginMeta, PluginType};

/// Lets everything that was set off happen.
async fn settled() {
    tokio::time::sleep(60 * SECOND).await;
}

#[test]
fn instances_start_and_end_with_their_tasks() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 2);
        let one = world.subscribe("a").await.unwrap();
        let two = world.subscribe("b").await.unwrap();
        assert_eq!(world.instances(), [1]);
        let three = world.subscribe("c").await.unwrap();
        assert_eq!(world.instances(), [1, 2]);
        one.end().await;
        one.end().await;
        assert_eq!(world.alive(), 2);
        two.end().await;
        assert_eq!((world.instances(), world.alive()), (vec![1], 1));
        drop(three);
        settled().await;
        assert_eq!((world.instances(), world.alive()), (vec![], 0));
    });
}

#[test]
fn a_task_that_holds_twice_counts_once_and_goes_with_its_last_hold() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let before = world.subscribe("a").await.unwrap();
        let after = world.subscribe("a").await.unwrap();
        assert_eq!(world.instances(), [1]);
        before.end().await;
        assert_eq!(world.alive(), 1);
        after.end().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn a_restarted_task_does_not_lose_its_instance_to_its_end() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let old = world.subscribe("a").await.unwrap();
        let (new, ()) = tokio::join!(world.subscribe("a"), old.end());
        let _new = new.unwrap();
        assert_eq!(world.publish("a", soon()).await, Ok(()));
        settled().await;
        assert_eq!(world.alive(), 1);
        assert_eq!(world.publish("a", soon()).await, Ok(()));
    });
}

#[test]
fn an_instance_ends_its_calls_before_it_ends() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let (one, two) = (world.subscribe("a").await.unwrap(), world.subscribe("b").await.unwrap());
        let calls = join_all((0..8).map(|_| world.publish("a", soon())));
        let end = async {
            tokio::time::sleep(SECOND / 2).await;
            let started = Instant::now();
            two.end().await;
            // It does not wait for calls of others.
            assert_eq!(started.elapsed(), Duration::ZERO);
            assert_eq!((world.instances().len(), world.alive()), (1, 2));
        };
        let (calls, ()) = tokio::join!(calls, end);
        assert!(calls.iter().all(Result::is_ok));
        settled().await;
        assert_eq!(world.alive(), 1);
        one.end().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn who_waits_for_an_instance_that_goes_gets_another() {
    run(async {
        let world = World::new(Routing::ConfigBased, 1);
        let (one, two) = (world.subscribe("a").await.unwrap(), world.subscribe("b").await.unwrap());
        world.publish("b", soon()).await.unwrap();
        assert_eq!(world.instances(), [1, 2]);
        // All with the same configuration, on one instance: some wait for it.
        let calls = join_all((0..6).map(|_| world.publish("a", soon())));
        let closed = async {
            tokio::time::sleep(SECOND / 2).await;
            two.end().await;
            one.end().await;
        };
        let (calls, ()) = tokio::join!(calls, closed);
        let done = calls.iter().filter(|call| call.is_ok()).count();
        assert_eq!(done, CALLS_AT_ONCE);
        assert!(
            calls[CALLS_AT_ONCE..]
                .iter()
                .all(|call| *call == Err(NoInstance.into()))
        );
        settled().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn tasks_that_start_together_wait_for_one_instance() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        *world.script.starts_in.lock().unwrap() = SECOND;
        let started = Instant::now();
        let holds = join_all(["a", "b", "c"].map(|id| world.subscribe(id))).await;
        assert!(holds.iter().all(Result::is_ok));
        assert_eq!((started.elapsed(), world.instances()), (SECOND, vec![1]));
    });
}

#[test]
fn a_start_that_fails_is_tried_by_the_next_one_who_waits() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        *world.script.starts_in.lock().unwrap() = SECOND;
        world.script.broken_starts.store(1, Ordering::SeqCst);
        let (one, two) = tokio::join!(world.subscribe("a"), world.subscribe("b"));
        assert_eq!(one.unwrap_err().to_string(), "no plugin of the name broken is built in");
        let two = two.unwrap();
        assert_eq!((world.instances(), world.pool.subscribers().len()), (vec![2], 1));
        two.end().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn calls_wait_for_an_instance_that_is_being_started() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        *world.script.starts_in.lock().unwrap() = SECOND;
        let (hold, published) = join(world.subscribe("t"), world.publish("t", soon())).await;
        assert_eq!((hold.is_ok(), published), (true, Ok(())));
        drop(hold);
        settled().await;

        world.script.broken_starts.store(1, Ordering::SeqCst);
        let (hold, published) = join(world.subscribe("t"), world.publish("t", soon())).await;
        assert_eq!(
            (hold.is_err(), published),
            (true, Err(CallError::NoInstance(NoInstance)))
        );
    });
}

#[test]
fn a_start_that_is_given_up_leaves_nothing() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        *world.script.starts_in.lock().unwrap() = SECOND;
        let given_up = timeout(SECOND / 2, world.subscribe("a")).await;
        assert!(given_up.is_err() && world.pool.subscribers().is_empty());
        let hold = world.subscribe("b").await.unwrap();
        assert_eq!(world.instances(), [2]);
        hold.end().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn an_unloaded_plugin_serves_only_those_who_hold_it() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 5);
        let hold = world.subscribe("a").await.unwrap();
        world.pool.retire(true);
        assert!(matches!(world.subscribe("b").await, Err(PluginsError::NotLoaded)));
        assert_eq!(world.publish("a", soon()).await, Ok(()));
        hold.end().await;
        assert_eq!(world.alive(), 0);
    });
}

#[test]
fn closing_ends_all() {
    run(async {
        let world = World::new(Routing::LeastRecentlyUsed, 1);
        let _holds = (world.subscribe("a").await.unwrap(), world.subscribe("b").await.unwrap());
        world.pool.close().await;
        assert_eq!(world.alive(), 0);
        assert_eq!(world.publish("a", soon()).await, Err(NoInstance.into()));
    });
}

#[test]
fn the_instance_of_one_that_stands_alone_stays() {
    run(async {
        let world = World::new(Routing::Sticky, 1);
        let start = |_| -> BoxFuture<'_, _> { Box::pin(async { Err(PluginsError::NotFound) }) };
        let first = world.subscribe("a").await.unwrap();
        let runner = world.pool.state().members()[0].runner.clone();
        let pinned = Pool::new(
            Arc::clone(&world.pool.loaded),
            world.pool.setting.clone(),
            (Some(runner), None),
        );
        let pinned = Arc::new(pinned);
        let hold = pinned.subscribe(&task("b"), &manifest(), &start).await.unwrap();
        drop((hold, first));
        assert_eq!(pinned.running().len(), 1);
        pinned.unloaded();
        assert_eq!(pinned.running().len(), 0);
    });
}

/// What a task does: starts, so long after the one before, and ends so long after it started.
type Life = (u8, u64, u64);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However tasks come and go while instances start, the pool has as many as the rules say, and in the end none.
    #[test]
    fn counts_follow_the_tasks(
        lives in proptest::collection::vec((0..6u8, 0..900u64, 0..2500u64), 1..24),
        routing in proptest::sample::select(vec![Routing::LeastRecentlyUsed, Routing::Sticky, Routing::ConfigBased]),
        concurrency in 1..4usize,
        exclusive in any::<bool>(),
        broken_starts in 0..3usize,
    ) {
        let key = PluginKey { kind: PluginType::Publisher, name: "scripted".to_owned(), version: 1 };
        let meta = PluginMeta { key, concurrency, exclusive, cache_ttl: Duration::ZERO, routing };
        run(counts(lives, meta, broken_starts));
    }
}

async fn counts(lives: Vec<Life>, meta: PluginMeta, broken_starts: usize) {
    let world = Arc::new(World::with_meta(meta.clone()));
    *world.script.starts_in.lock().unwrap() = SECOND / 3;
    world.script.broken_starts.store(broken_starts, Ordering::SeqCst);
    let any = meta.routing == Routing::LeastRecentlyUsed;
    let mut running = vec![];
    for (id, pause, lives_for) in lives {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        check(&world, &meta);
        let world = Arc::clone(&world);
        running.push(tokio::spawn(async move {
            // One in three gives up while it starts.
            let patience = if lives_for % 3 == 0 { SECOND / 5 } else { 60 * SECOND };
            if let Ok(Ok(_hold)) = timeout(patience, world.subscribe(&id.to_string())).await {
                let call = world.publish(&id.to_string(), soon()).await;
                // Sticky routing has an instance for the first tasks only, and configurations may change theirs.
                assert!(call.is_ok() || !any && call == Err(NoInstance.into()), "{call:?}");
                tokio::time::sleep(Duration::from_millis(lives_for)).await;
            }
        }));
    }
    for task in running {
        task.await.unwrap();
        check(&world, &meta);
    }
    settled().await;
    assert_eq!(
        (world.instances().len(), world.alive(), world.pool.subscribers().len()),
        (0, 0, 0)
    );
}

/// Never more instances than tasks or than allowed.
fn check(world: &World, meta: &PluginMeta) {
    let (instances, tasks) = (world.instances().len(), world.pool.subscribers().len());
    assert!(instances <= tasks, "{instances} instances for {tasks} tasks");
    assert!(instances <= if meta.exclusive { 1 } else { 3 });
}
