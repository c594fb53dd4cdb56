//! What is left of tasks when their actors or their process end.

use super::*;

#[test]
fn tasks_go_on_in_the_state_they_had() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let running = fixture.running(manifest()).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        let stopped = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        tokio::time::sleep(Duration::from_millis(1)).await;
        let once = Window {
            interval: SECOND,
            start: None,
            stop: None,
            count: 1,
        };
        let ended = fixture.running(windowed(once)).await;
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        let before: Vec<_> = fixture.tasks.list().iter().map(|task| task.id.clone()).collect();

        let next = fixture.restarted().await;
        let listed: Vec<_> = next.tasks.list().iter().map(|task| task.id.clone()).collect();
        assert_eq!(listed, before);
        let states = [&running, &stopped, &ended].map(|id| next.state(id));
        assert_eq!(states, [TaskState::Running, TaskState::Stopped, TaskState::Ended]);
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert_eq!(next.counted(&running), (4, 0, 0));
        assert_eq!(next.counted(&ended), (1, 0, 0));
        assert_eq!(next.plugins.holds(), 1);
    });
}

#[test]
fn a_stop_before_the_tasks_go_on_is_kept() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let [stopped, other] = [fixture.running(manifest()).await, fixture.running(manifest()).await];
        tokio::time::sleep(Duration::from_millis(500)).await;
        fixture.tasks.shut_down().await;
        let next = Fixture::on(fixture.plugins, fixture.store, fixture.clock).await;
        next.tasks.stop(&stopped).await.unwrap();
        let again = next.tasks.stop(&stopped).await.unwrap_err();
        assert_eq!(again.to_string(), "error 0: Task is already stopped. ");
        next.tasks.resume().await;
        let states = |fixture: &Fixture| [&stopped, &other].map(|id| fixture.state(id));
        assert_eq!(states(&next), [TaskState::Stopped, TaskState::Running]);
        let later = next.restarted().await;
        assert_eq!(states(&later), [TaskState::Stopped, TaskState::Running]);
    });
}

#[test]
fn a_task_goes_on_without_its_plugins_until_they_are_there() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.running(manifest()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        fixture.plugins.script().unresolved = vec!["Plugin not found".to_owned()];
        let next = fixture.restarted().await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let view = next.view(&id);
        assert_eq!((view.state, view.hits, view.failures), (TaskState::Running, 3, 2));
        assert_eq!(view.last_failure, "Plugin not found");
        next.plugins.script().unresolved.clear();
        tokio::time::sleep(SECOND).await;
        assert_eq!(next.counted(&id), (4, 0, 2));
    });
}

#[test]
fn a_window_that_closed_meanwhile_has_ended() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let json = format!(
            r#"{{"start": true, "schedule": {{"type": "windowed", "interval": "1s", "stop_timestamp": "{}"}},
                "workflow": {{"collect": {{"metrics": {{"/a/b": {{}}}}}}}}}}"#,
            jiff::Timestamp::from_second(BEGUN + 60).unwrap()
        );
        let id = fixture.tasks.create(json.as_bytes()).await.unwrap().id.clone();
        fixture.tasks.shut_down().await;
        tokio::time::sleep(120 * SECOND).await;
        let next = fixture.restarted().await;
        assert_eq!(next.state(&id), TaskState::Ended);
    });
}

#[test]
fn actors_that_died_are_replaced_and_tasks_go_on() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.running(manifest()).await;
        let stopped = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        fixture.tasks.resume().await;
        tokio::time::sleep(Duration::from_millis(60_500)).await;
        fixture.tasks.crash().await;
        tokio::time::sleep(Duration::from_millis(1_600)).await;
        assert_eq!(fixture.restarts.get(), 4, "two tasks, the recorder and the keeper");
        assert_eq!(
            (fixture.state(&id), fixture.state(&stopped)),
            (TaskState::Running, TaskState::Stopped)
        );
        let hits = fixture.view(&id).hits;
        assert!((61..=64).contains(&hits), "{hits} hits");
        assert_eq!(fixture.plugins.holds(), 1);
        fixture.tasks.stop(&id).await.unwrap();
        fixture.tasks.remove(&id).await.unwrap();
        fixture.tasks.add(None, manifest()).await.unwrap();
    });
}

#[test]
fn a_process_that_ends_waits_for_the_run_and_keeps_what_it_counted() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.running(manifest()).await;
        let mut watcher = fixture.tasks.watch(&id).unwrap();
        tokio::time::sleep(Duration::from_millis(2_900)).await;
        fixture.plugins.script().takes = SECOND;
        tokio::time::sleep(Duration::from_millis(200)).await;
        let begun = Instant::now();
        let next = fixture.restarted().await;
        assert!(begun.elapsed().as_millis().abs_diff(900) < 10, "{:?}", begun.elapsed());
        assert_eq!(next.view(&id).hits, 5, "four before, and one at once");
        for _ in 0..3 {
            assert!(matches!(watcher.next().await, Watched::Event(_)));
        }
        assert_eq!(watcher.next().await, Watched::Closed, "not stopped: it goes on");
    });
}
