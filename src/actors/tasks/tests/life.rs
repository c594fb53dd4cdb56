//! What may be done with tasks, and what is answered.

use super::*;

#[test]
fn every_order_has_its_answer_in_every_state() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let tasks = &fixture.tasks;
        let id = &tasks.add(None, manifest()).await.unwrap().id.clone();
        let refused = |outcome: Result<(), super::super::TaskError>| outcome.unwrap_err().to_string();
        let enable = async || tasks.enable(id).await.map(drop);
        assert_eq!(refused(tasks.stop(id).await), "error 0: Task is already stopped. ");
        assert_eq!(refused(enable().await), "Task must be disabled");
        tasks.start(id).await.unwrap();
        assert_eq!(refused(tasks.start(id).await), "error 0: Task is already running. ");
        assert_eq!(refused(tasks.remove(id).await), "Task must be stopped");
        assert_eq!(refused(enable().await), "Task must be disabled");
        tasks.stop(id).await.unwrap();
        assert_eq!(
            (fixture.view(id).last_run, fixture.state(id)),
            (None, TaskState::Stopped)
        );
        assert_eq!(fixture.store.keys().len(), 1);
        tasks.remove(id).await.unwrap();
        assert!(fixture.store.keys().is_empty(), "{:?}", fixture.store.keys());
        let gone = format!("Task not found: ID({id})");
        assert_eq!(refused(tasks.remove(id).await), gone);
        assert_eq!(refused(tasks.get(id).map(drop)), gone);
        assert_eq!(refused(enable().await), gone);
        assert_eq!(refused(tasks.start(id).await), format!("error 0: {gone} "));
        assert_eq!(refused(tasks.stop(id).await), format!("error 0: {gone} "));
    });
}

#[test]
fn a_stop_waits_for_the_run_and_a_start_meanwhile_changes_nothing() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().takes = Duration::from_millis(700);
        let id = fixture.running(manifest()).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        let (stopped, ()) = tokio::join!(fixture.tasks.stop(&id), async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(fixture.state(&id), TaskState::Stopping);
            fixture.tasks.start(&id).await.unwrap();
        });
        stopped.unwrap();
        assert!(begun.elapsed().as_millis().abs_diff(600) < 10, "{:?}", begun.elapsed());
        assert_eq!((fixture.state(&id), fixture.plugins.holds()), (TaskState::Stopped, 0));
    });
}

#[test]
fn a_run_without_end_is_cut_off_by_a_stop() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().takes = 86_400 * SECOND;
        let id = fixture.running(manifest()).await;
        tokio::time::sleep(SECOND).await;
        let begun = Instant::now();
        fixture.tasks.stop(&id).await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 10);
        assert_eq!((fixture.counted(&id), fixture.plugins.holds()), ((1, 0, 1), 0));
        fixture.plugins.script().takes = Duration::ZERO;
        fixture.tasks.start(&id).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(fixture.counted(&id), (3, 0, 1));
    });
}

#[test]
fn a_task_that_cannot_start_stays_stopped() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().unsubscribed = vec!["a".to_owned(), "b".to_owned()];
        let manifest = Manifest {
            start: true,
            ..manifest()
        };
        let error = fixture.tasks.add(None, manifest.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), "a -- b");
        let listed = fixture.tasks.list();
        assert_eq!((listed.len(), listed[0].state), (1, TaskState::Stopped));
        let error = fixture.tasks.start(&listed[0].id).await.unwrap_err();
        assert_eq!(error.to_string(), "error 0: a error 1: b ");

        fixture.plugins.script().unresolved = vec!["c".to_owned(), "d".to_owned()];
        let error = fixture.tasks.add(None, manifest).await.unwrap_err();
        assert_eq!((error.to_string().as_str(), fixture.tasks.list().len()), ("c -- d", 1));
    });
}

#[test]
fn tasks_are_listed_as_they_were_created_and_are_not_too_many() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let mut ids = vec![fixture.tasks.add(Some("fixed"), manifest()).await.unwrap().id.clone()];
        let again = fixture.tasks.add(Some("fixed"), manifest()).await.unwrap_err();
        assert_eq!(again.to_string(), "task fixed exists already");
        for _ in 0..4 {
            ids.push(fixture.tasks.add(None, manifest()).await.unwrap().id.clone());
        }
        let listed: Vec<_> = fixture.tasks.list().iter().map(|task| task.id.clone()).collect();
        assert_eq!(listed, ids);
        assert_eq!(fixture.view("fixed").name, "Task-fixed");
        let error = fixture.tasks.add(None, manifest()).await.unwrap_err();
        assert_eq!(error.to_string(), "no more than 5 tasks are allowed");
    });
}

#[test]
fn a_task_that_cannot_be_stored_is_none() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.store.set_closed(true);
        let error = fixture.tasks.add(None, manifest()).await.unwrap_err();
        assert_eq!(error.to_string(), "task could not be stored: metadata store is closed");
        assert!(fixture.tasks.list().is_empty());
    });
}

#[test]
fn a_change_that_cannot_be_stored_is_not_acknowledged() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.tasks.add(None, manifest()).await.unwrap().id.clone();
        fixture.store.set_closed(true);
        let unstored = "error 0: task could not be stored: metadata store is closed ";
        let started = fixture.tasks.start(&id).await;
        assert_eq!(started.unwrap_err().to_string(), unstored);
        assert_eq!(fixture.view(&id).state, TaskState::Running);
        let stopped = fixture.tasks.stop(&id).await;
        assert_eq!(stopped.unwrap_err().to_string(), unstored);
        assert_eq!(fixture.view(&id).state, TaskState::Stopped);
    });
}

#[test]
fn metrics_are_tagged_with_the_host_and_by_the_workflow() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let mut tagged = manifest();
        let tags = BTreeMap::from([("dc".to_owned(), "x1".to_owned())]);
        tagged.workflow.tags.insert("/a".to_owned(), tags);
        fixture.running(tagged).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let script = fixture.plugins.script();
        let tags: Vec<_> = script.published[0].tags.iter().collect();
        let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let expected = [text("dc", "x1"), text("plugin_running_on", "h")];
        assert_eq!(
            tags,
            expected.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>()
        );
    });
}
