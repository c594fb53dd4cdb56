//! What watchers see.

use super::*;

#[test]
fn a_stopped_task_can_be_watched_until_it_is_stopped_again() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        let watched = watch_all(fixture.tasks.watch(&id).unwrap());
        let (watched, ()) = tokio::join!(watched, async {
            tokio::time::sleep(60 * SECOND).await;
            fixture.tasks.start(&id).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            fixture.tasks.stop(&id).await.unwrap();
        });
        assert_eq!(
            watched,
            ["task-started", "metric-event", "metric-event", "task-stopped"]
        );
    });
}

#[test]
fn a_watcher_that_lags_is_closed_and_holds_up_nobody() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        let (mut lagging, quick) = (fixture.tasks.watch(&id).unwrap(), fixture.tasks.watch(&id).unwrap());
        fixture.tasks.start(&id).await.unwrap();
        let (quick, ()) = tokio::join!(watch_all(quick), async {
            tokio::time::sleep(Duration::from_millis(9_500)).await;
            assert_eq!(lagging.next().await, Watched::TooSlow);
            fixture.tasks.stop(&id).await.unwrap();
        });
        assert_eq!(
            (quick.len(), quick.last().map(String::as_str)),
            (12, Some("task-stopped"))
        );
        assert_eq!(fixture.counted(&id), (10, 0, 0));
    });
}

#[test]
fn watches_end_with_their_task_and_with_the_process() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        let mut watcher = fixture.tasks.watch(&id).unwrap();
        fixture.tasks.remove(&id).await.unwrap();
        assert_eq!(watcher.next().await, Watched::Closed);
        assert!(fixture.tasks.watch(&id).is_err());

        let id = fixture.running(manifest()).await;
        let mut watcher = fixture.tasks.watch(&id).unwrap();
        fixture.tasks.end_watches();
        let mut later = fixture.tasks.watch(&id).unwrap();
        assert_eq!(later.next().await, Watched::Closed);
        while watcher.next().await != Watched::Closed {}
    });
}
