//! Tasks whose collectors send.

use super::*;

#[test]
fn every_batch_is_a_hit_and_a_broken_stream_is_opened_again() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().streams = vec![(3, "connection lost".to_owned()), (2, "again".to_owned())];
        let begun = Instant::now();
        let id = fixture.tasks.add(None, streaming()).await.unwrap().id.clone();
        let watcher = fixture.tasks.watch(&id).unwrap();
        fixture.tasks.start(&id).await.unwrap();
        tokio::time::sleep(10 * SECOND).await;
        assert_eq!(fixture.plugins.collected_since(begun), [0, 3_000, 6_000]);
        let view = fixture.view(&id);
        assert_eq!((view.hits, view.misses, view.failures, view.last_run), (5, 0, 2, None));
        assert_eq!(view.last_failure, "again");
        let published = fixture.plugins.script().published.clone();
        assert!(published.iter().all(|metric| metric.tags.is_empty()), "tagged");
        fixture.tasks.stop(&id).await.unwrap();
        assert_eq!((fixture.state(&id), fixture.plugins.holds()), (TaskState::Stopped, 0));
        let seen = watch_all(watcher).await;
        assert_eq!(seen, ["too slow"], "a backlog of four");
    });
}

#[test]
fn streams_that_break_disable_and_none_is_left() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().streams = vec![(0, "no".to_owned()); 20];
        let manifest = Manifest {
            max_failures: Some(2),
            ..streaming()
        };
        let id = fixture.running(manifest).await;
        fixture.until(&id, TaskState::Disabled).await;
        tokio::time::sleep(60 * SECOND).await;
        assert_eq!(fixture.plugins.script().collected.len(), 2);
        assert_eq!((fixture.counted(&id), fixture.plugins.holds()), ((0, 0, 2), 0));
    });
}
