//! What becomes of tasks whose jobs fail.

use super::*;

#[test]
fn too_many_failures_in_a_row_disable() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().publish_fails = Some("disk is full".to_owned());
        let manifest = Manifest {
            max_failures: Some(3),
            ..manifest()
        };
        let id = fixture.tasks.add(None, manifest).await.unwrap().id.clone();
        let watcher = fixture.tasks.watch(&id).unwrap();
        fixture.tasks.start(&id).await.unwrap();
        let watched = watch_all(watcher).await;
        assert_eq!(
            watched,
            [
                "task-started",
                "metric-event",
                "metric-event",
                "metric-event",
                "task-disabled"
            ]
        );
        fixture.until(&id, TaskState::Disabled).await;
        assert_eq!(fixture.counted(&id), (3, 0, 3));
        assert_eq!(fixture.view(&id).last_failure, "disk is full");
        tokio::time::sleep(SECOND).await;
        assert_eq!(fixture.plugins.holds(), 0);
        let refused = fixture.tasks.start(&id).await.unwrap_err();
        assert_eq!(refused.to_string(), "error 0: Task is disabled. Cannot be started. ");
        assert_eq!(fixture.tasks.enable(&id).await.unwrap().state, TaskState::Stopped);
        fixture.tasks.start(&id).await.unwrap();
    });
}

#[test]
fn a_failed_collection_is_no_event_and_one_success_forgives() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let manifest = Manifest {
            max_failures: Some(3),
            ..manifest()
        };
        let id = fixture.running(manifest).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        for round in 1..=3 {
            fixture.plugins.script().collect_fails = Some("no answer".to_owned());
            tokio::time::sleep(2 * SECOND).await;
            fixture.plugins.script().collect_fails = None;
            tokio::time::sleep(SECOND).await;
            assert_eq!(
                (fixture.state(&id), fixture.view(&id).failures),
                (TaskState::Running, 2 * round)
            );
        }
        assert_eq!(fixture.plugins.script().published.len(), 4);
    });
}

#[test]
fn a_panic_in_a_run_is_its_failure_and_disturbs_nobody() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let manifest = Manifest {
            max_failures: None,
            ..manifest()
        };
        let id = fixture.running(manifest.clone()).await;
        fixture.plugins.script().panics = true;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        fixture.plugins.script().panics = false;
        tokio::time::sleep(2 * SECOND).await;
        let view = fixture.view(&id);
        assert_eq!((view.hits, view.failures, view.state), (5, 2, TaskState::Running));
        assert!(view.last_failure.starts_with("internal error"), "{}", view.last_failure);
        assert_eq!(fixture.restarts.get(), 0);
    });
}

#[test]
fn what_is_meant_is_looked_at_again_when_plugins_change() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.running(manifest()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        fixture.plugins.script().version = 2;
        tokio::time::sleep(SECOND).await;
        fixture.plugins.raise_epoch();
        tokio::time::sleep(SECOND).await;
        assert_eq!(fixture.plugins.script().versions, [0, 0, 2]);
        assert_eq!(fixture.plugins.holds(), 1);

        fixture.plugins.script().unresolved = vec!["Metric not found: /a/b (version: 0)".to_owned()];
        fixture.plugins.raise_epoch();
        tokio::time::sleep(2 * SECOND).await;
        let view = fixture.view(&id);
        assert_eq!((view.hits, view.failures), (5, 2));
        assert_eq!(view.last_failure, "Metric not found: /a/b (version: 0)");
        fixture.plugins.script().unresolved.clear();
        tokio::time::sleep(SECOND).await;
        assert_eq!((fixture.counted(&id), fixture.plugins.holds()), ((6, 0, 2), 1));
    });
}

#[test]
fn a_plugin_that_was_unloaded_and_loaded_again_is_taken_hold_of_anew() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.running(manifest()).await;
        tokio::time::sleep(SECOND / 2).await;
        fixture.plugins.raise_epoch();
        tokio::time::sleep(SECOND).await;
        fixture.plugins.script().load = 1;
        fixture.plugins.raise_epoch();
        tokio::time::sleep(SECOND).await;
        assert_eq!(fixture.plugins.script().held, [0, 1]);
        assert_eq!(fixture.plugins.holds(), 1);
    });
}
