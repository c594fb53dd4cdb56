//! What tasks get: plans, built-ins that they name, plugins that stay while they are needed.

use std::{net::TcpListener, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::world::{World, load, manifest, mock, names, run};
use crate::{actors::plugins::PluginsHandle, plugin::CallError, workflow::plan::Collect};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// Collects `foo` of the mock in that version, and hands it through.
fn workflow(version: i64) -> Value {
    json!({
        "metrics": {"/intel/mock/foo": {"version": version}},
        "config": {"/intel/mock": {"password": "p"}},
        "process": [{"plugin_name": "passthru"}],
    })
}

async fn refused(plugins: &PluginsHandle, workflow: Value) -> String {
    plugins.resolve(&manifest(&workflow)).await.unwrap_err().join(" -- ")
}

#[test]
fn a_task_loads_the_built_ins_that_it_names() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let plan = plugins.resolve(&manifest(&workflow(0))).await.unwrap();
        assert_eq!(names(&plugins), ["collector:mock:2", "processor:passthru:1"]);
        assert_eq!(plan.plugins().len(), 2);
        // What is loaded does: nothing else is.
        load(&plugins, "mock-file").await.unwrap();
        plugins.resolve(&manifest(&workflow(0))).await.unwrap();
        assert_eq!(names(&plugins).len(), 3);
        plugins.resolve(&manifest(&workflow(1))).await.unwrap();
        assert!(names(&plugins).contains(&"collector:mock:1".to_owned()));
        plugins.stop().await;
    });
}

#[test]
fn what_means_nothing_is_refused_in_the_words_of_snap() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let nothing = json!({"metrics": {"/x": {}, "/y": {}}});
        let expect = "Metric not found: /x (version: 0) -- Metric not found: /y (version: 0)";
        assert_eq!(refused(&plugins, nothing).await, expect);
        let mut unknown = workflow(0);
        unknown["publish"] = json!([{"plugin_name": "Nofile"}]);
        let expect = "Plugin not found: type(publisher) name(nofile) version(-1)";
        assert_eq!(refused(&plugins, unknown).await, expect);
        let unused = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .to_string();
        let unavailable = "rpc error: code = Unavailable desc = grpc: the connection is unavailable";
        for (target, expect) in [
            ("nohost", "address nohost: missing port in address"),
            (unused.as_str(), unavailable),
        ] {
            let mut elsewhere = workflow(0);
            elsewhere["process"][0]["target"] = json!(target);
            assert_eq!(refused(&plugins, elsewhere).await, expect);
        }
        let there = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut elsewhere = workflow(0);
        elsewhere["process"][0]["target"] = json!(there.local_addr().unwrap().to_string());
        assert!(refused(&plugins, elsewhere).await.ends_with("is not supported"));
        plugins.stop().await;
    });
}

#[test]
fn a_task_collects_and_processes_while_it_holds_its_plugins() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let manifest = manifest(&workflow(0));
        let plan = plugins.resolve(&manifest).await.unwrap();
        let held = plugins.subscribe("t", &manifest, &plan).await.unwrap();
        let collected = held.collect(&plan.collect[0], soon()).await.unwrap();
        assert_eq!(collected.len(), 1);
        let again = held.collect(&plan.collect[0], soon()).await.unwrap();
        assert_eq!(again, collected);
        let processed = held
            .process(&plan.process[0], Arc::from(collected.clone()), soon())
            .await
            .unwrap();
        assert_eq!(processed, collected);
        let running = plugins.running();
        let hits: Vec<_> = running
            .iter()
            .map(|one| (one.key.name.as_str(), one.hit_count))
            .collect();
        assert_eq!(hits, [("mock", 1), ("passthru", 1)]);
        let other = Collect {
            plugin: mock(1),
            ..plan.collect[0].clone()
        };
        let not_held = held.collect(&other, soon()).await;
        assert!(matches!(not_held, Err(CallError::NoInstance(_))));
        held.end().await;
        assert_eq!(plugins.running(), []);
        plugins.stop().await;
    });
}

#[test]
fn a_plugin_that_a_started_task_needs_stays() {
    run(|world: World| async move {
        let plugins = world.start().await;
        load(&plugins, "mock:1").await.unwrap();
        load(&plugins, "mock:2").await.unwrap();
        let hold = |task: &'static str, version| {
            let (plugins, manifest) = (plugins.clone(), manifest(&workflow(version)));
            async move {
                let plan = plugins.resolve(&manifest).await.unwrap();
                plugins.subscribe(task, &manifest, &plan).await.unwrap()
            }
        };
        let (latest, second) = (hold("latest", 0).await, hold("second", 2).await);
        let needed = plugins.unload(&mock(2)).await.unwrap_err().to_string();
        let expect = "Plugin is used by running task. Stop the task to be able to unload the plugin:\nsecond";
        assert_eq!(needed, expect);
        // The task may go on with what it holds, and others may take hold.
        let third = hold("third", 2).await;
        drop((second, third));
        // Version 1 does for who wants the latest.
        let epoch = plugins.epoch();
        plugins.unload(&mock(2)).await.unwrap();
        assert!(plugins.epoch() > epoch);
        let manifest = manifest(&workflow(0));
        let plan = plugins.resolve(&manifest).await.unwrap();
        assert_eq!(plan.collect[0].plugin, mock(1));
        let renewed = plugins.subscribe("latest", &manifest, &plan).await.unwrap();
        latest.end().await;
        let running: Vec<_> = plugins.running().into_iter().map(|one| one.key).collect();
        assert_eq!(running, plan.plugins());
        let needed = plugins.unload(&mock(1)).await.unwrap_err().to_string();
        assert!(needed.ends_with("\nlatest"), "{needed}");
        renewed.end().await;
        plugins.unload(&mock(1)).await.unwrap();
        plugins.stop().await;
    });
}

#[test]
fn what_was_unloaded_cannot_be_held() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let manifest = manifest(&workflow(0));
        let plan = plugins.resolve(&manifest).await.unwrap();
        let held = plugins.subscribe("t", &manifest, &plan).await.unwrap();
        assert!(!held.is_outdated());
        load(&plugins, "mock:1").await.unwrap();
        plugins.unload(&mock(2)).await.unwrap();
        let refused = plugins.subscribe("t", &manifest, &plan).await.unwrap_err();
        assert_eq!(refused, ["plugin not found"]);
        load(&plugins, "mock:2").await.unwrap();
        assert!(held.is_outdated(), "another one is loaded now");
        held.end().await;
        assert_eq!(plugins.running(), []);
        plugins.stop().await;
    });
}
