//! What is loaded, configured and kept over restarts.

use std::time::Duration;

use serde_json::json;

use super::world::{World, address, key, load, mock, names, run, upload};
use crate::{
    actors::plugins::{LoadRequest, PluginsError},
    base::ErrorKind,
    workflow::{Config, ConfigValue, Namespace, PluginType},
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn settings(entries: &[(&str, i64)]) -> Config {
    let entry = |(name, value): &(&str, i64)| ((*name).to_owned(), ConfigValue::Integer(*value));
    entries.iter().map(entry).collect()
}

#[test]
fn a_plugin_is_loaded_once_and_found_until_it_is_unloaded() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let empty = plugins.epoch();
        assert_eq!(load(&plugins, "builtin:mock:1").await.unwrap(), mock(1));
        let again = load(&plugins, "builtin:mock:1").await.unwrap_err();
        assert_eq!(
            (again.to_string().as_str(), again.kind()),
            ("plugin is already loaded", ErrorKind::AlreadyExists)
        );
        assert_eq!(load(&plugins, "mock").await.unwrap(), mock(2));
        assert_eq!(names(&plugins), ["collector:mock:1", "collector:mock:2"]);
        let below = plugins
            .view()
            .catalogue
            .below(&Namespace::parse("/intel/mock/foo"))
            .unwrap();
        assert_eq!(below.len(), 2);
        let loaded = plugins.epoch();
        assert!(loaded > empty);
        plugins.unload(&mock(1)).await.unwrap();
        assert_eq!(names(&plugins), ["collector:mock:2"]);
        assert!(plugins.epoch() > loaded);
        let gone = plugins.unload(&mock(1)).await.unwrap_err();
        assert_eq!(gone.to_string(), "plugin not found");
        assert!(matches!(
            load(&plugins, "builtin:nope").await,
            Err(PluginsError::NoBuiltIn(_))
        ));
        assert!(matches!(plugins.file(&mock(2)).await, Err(PluginsError::NoFile)));
        assert!(matches!(plugins.file(&mock(1)).await, Err(PluginsError::NotFound)));
        plugins.stop().await;
    });
}

#[test]
fn an_empty_upload_with_the_name_of_a_snap_plugin_is_its_built_in() {
    run(|world: World| async move {
        let plugins = world.start().await;
        plugins.load(upload("snap-plugin-collector-mock1", "")).await.unwrap();
        assert_eq!(names(&plugins), ["collector:mock:1"]);
    });
}

#[test]
fn what_is_loaded_and_configured_comes_back_after_a_restart() {
    run(|mut world: World| async move {
        world.config = json!({"all": {"a": 1, "b": 1}});
        let plugins = world.start().await;
        load(&plugins, "mock").await.unwrap();
        load(&plugins, "passthru").await.unwrap();
        load(&plugins, "mock-file").await.unwrap();
        plugins
            .unload(&key(PluginType::Processor, "passthru", 1))
            .await
            .unwrap();
        let before = names(&plugins);
        let merged = plugins
            .set_config(&address(1), settings(&[("b", 2), ("c", 3)]))
            .await
            .unwrap();
        assert_eq!(merged, settings(&[("a", 1), ("b", 2), ("c", 3)]));
        let left = plugins.remove_config(&address(1), &["c".to_owned()]).await.unwrap();
        assert_eq!(left, settings(&[("a", 1), ("b", 2)]));
        plugins.stop().await;

        // What the operator changes holds, but for what was changed at run time.
        world.config = json!({"all": {"a": 10, "b": 10}});
        let plugins = world.start().await;
        assert_eq!(names(&plugins), before);
        assert_eq!(plugins.config(&address(1)), settings(&[("a", 10), ("b", 2)]));
        assert_eq!(plugins.config(&address(0)), settings(&[("a", 10), ("b", 10)]));
        plugins.stop().await;
    });
}

#[test]
fn global_configuration_is_there_when_a_plugin_is_loaded() {
    run(|world: World| async move {
        let plugins = world.start().await;
        plugins.set_config(&address(0), settings(&[("test", 1)])).await.unwrap();
        load(&plugins, "mock").await.unwrap();
        assert!(
            plugins
                .view()
                .catalogue
                .get(&Namespace::parse("/intel/mock/test"), -1)
                .is_ok()
        );
        plugins
            .set_config(&address(0), settings(&[("test-fail", 1)]))
            .await
            .unwrap();
        assert!(matches!(load(&plugins, "mock:1").await, Err(PluginsError::Describe(_))));
    });
}

#[test]
fn what_cannot_be_loaded_leaves_nothing() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let error = plugins.load(upload("plugin", "no executable")).await.unwrap_err();
        assert!(error.to_string().ends_with("exec format error"), "{error}");
        assert_eq!((world.kept(), names(&plugins).len()), (0, 0));
        let error = plugins.load(upload("..", "x")).await.unwrap_err();
        assert!(matches!(error, PluginsError::File(_)), "{error}");
        let request = LoadRequest::Path {
            path: "/nonexistent/plugin".into(),
            signature: None,
            tls: None,
        };
        let error = plugins.load(request).await.unwrap_err();
        assert_eq!(error.to_string(), "open /nonexistent/plugin: no such file or directory");
        assert!(world.store.load("/telemetry/").await.unwrap().entries.is_empty());
        plugins.stop().await;
    });
}

#[test]
fn what_is_not_loaded_again_stays_stored() {
    run(|world: World| async move {
        let file = world.files().join("00/plugin");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "no executable").unwrap();
        let sha256 = crate::plugin::Checksum::of(b"no executable").to_string();
        let broken = json!({"origin": "file", "path": file, "sha256": sha256});
        let documents = [
            ("collector:broken:1", broken.to_string()),
            ("collector:odd:1", "{".to_owned()),
            (
                "collector:mock:1",
                json!({"origin": "built_in", "kind": "collector", "name": "mock", "version": 1}).to_string(),
            ),
        ];
        for (plugin, document) in &documents {
            let key = format!("/telemetry/plugins/{plugin}");
            world.store.put(&key, document.clone().into()).await.unwrap();
        }
        let plugins = world.start().await;
        assert_eq!(names(&plugins), ["collector:mock:1"]);
        assert!(file.exists());
        let stored = world.store.load("/telemetry/plugins/").await.unwrap();
        assert_eq!(stored.entries.len(), documents.len());
        plugins.stop().await;
    });
}

#[test]
fn what_is_sent_again_in_vain_stays_for_the_next_start() {
    run(|world: World| async move {
        let sum = crate::plugin::Checksum::of(b"no executable").to_string();
        let file = world.files().join(&sum).join("plugin");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "no executable").unwrap();
        let document = json!({"origin": "file", "path": file, "sha256": sum}).to_string();
        let key = "/telemetry/plugins/collector:broken:1";
        world.store.put(key, document.into()).await.unwrap();
        let plugins = world.start().await;
        plugins.load(upload("plugin", "no executable")).await.unwrap_err();
        assert!(file.exists());
        plugins.stop().await;
    });
}

#[test]
fn damaged_configuration_keeps_no_plugin_from_being_loaded_again() {
    run(|world: World| async move {
        let plugins = world.start().await;
        load(&plugins, "mock").await.unwrap();
        plugins.stop().await;
        world.store.put("/telemetry/config", "{".into()).await.unwrap();
        let plugins = world.start().await;
        assert_eq!(names(&plugins), ["collector:mock:2"]);
        // It is not overwritten either: there may be something to save.
        plugins
            .set_config(&address(1), settings(&[("a", 1)]))
            .await
            .unwrap_err();
        plugins.stop().await;
    });
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let request = LoadRequest::Path {
            path: "/dev/zero".into(),
            signature: None,
            tls: None,
        };
        let error = plugins.load(request).await.unwrap_err();
        assert_eq!(error.to_string(), "open /dev/zero: not a regular file");
    });
}

#[test]
fn executables_of_no_plugin_are_swept() {
    run(|world: World| async move {
        std::fs::create_dir_all(world.files().join("left")).unwrap();
        std::fs::write(world.files().join("left/plugin"), "x").unwrap();
        world.start().await.stop().await;
        assert_eq!(world.kept(), 0);
    });
}

#[test]
fn a_slow_load_holds_up_nobody() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let slow = plugins.load(upload("slow", "#!/bin/sh\nexec sleep 60\n"));
        let others = async {
            load(&plugins, "mock").await.unwrap();
            plugins.set_config(&address(1), settings(&[("a", 1)])).await.unwrap();
            plugins.unload(&mock(2)).await.unwrap();
        };
        tokio::select! {
            biased;
            slow = slow => panic!("{slow:?}"),
            done = tokio::time::timeout(PATIENCE, others) => done.expect("nothing waits for the slow load"),
        }
        plugins.stop().await;
    });
}

#[test]
fn what_lies_in_a_directory_is_loaded_or_reported() {
    run(|world: World| async move {
        let plugins = world.start().await;
        let found = world.dir.path().join("found");
        std::fs::create_dir(&found).unwrap();
        std::fs::write(found.join("b.json"), "{}").unwrap();
        std::fs::write(found.join("a.yaml"), "").unwrap();
        let missing = world.dir.path().join("missing");
        let tasks = plugins.discover(&[missing, found.clone()]).await;
        assert_eq!(tasks, [found.join("a.yaml"), found.join("b.json")]);
    });
}

#[test]
fn a_crash_of_the_actor_loses_nothing() {
    run(|world: World| async move {
        let plugins = world.start().await;
        load(&plugins, "mock").await.unwrap();
        plugins.crash().await;
        assert_eq!(names(&plugins), ["collector:mock:2"]);
        let loaded = async {
            while load(&plugins, "passthru").await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, loaded)
            .await
            .expect("the actor is started anew");
        assert_eq!(names(&plugins), ["collector:mock:2", "processor:passthru:1"]);
        plugins.stop().await;
    });
}
