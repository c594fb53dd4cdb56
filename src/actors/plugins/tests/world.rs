//! A process's plugins, which can be ended and started anew.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::Bytes;
use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    actors::plugins::{LoadRequest, PluginsError, PluginsHandle, PluginsOptions, PluginsParts},
    base::{Clock, SystemClock, TimestampNs},
    meta::{Embedded, HistoryLimit, MetaStore},
    plugin::{
        Answer, LogLevel,
        builtin::{Deps, Sink},
        trust::Trust,
    },
    workflow::{
        PluginKey, PluginType,
        config::{Address, GlobalConfig},
        manifest::{self, Manifest},
    },
};

/// The durable part.
pub(super) struct World {
    pub(super) store: Arc<dyn MetaStore>,
    pub(super) dir: TempDir,
    /// The operator's configuration.
    pub(super) config: Value,
}

/// A sink that nobody writes to here.
#[derive(Debug)]
struct NoSink;

impl Sink for NoSink {
    fn write(&self, _: &str, _: &str, _: Bytes) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// Runs a test in a system, on a store of its own.
pub(super) fn run<T: Future<Output = ()>>(test: impl FnOnce(World) -> T) {
    // The first to install wins.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let dir = TempDir::new().unwrap();
    actix_rt::System::new().block_on(async {
        let file = dir.path().join("meta.redb");
        let store = Embedded::open(&file, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT).unwrap();
        let store: Arc<dyn MetaStore> = Arc::new(store);
        let config = json!({});
        test(World { store, dir, config }).await;
    });
}

impl World {
    /// Starts the plugins of a process and loads what was loaded.
    pub(super) async fn start(&self) -> PluginsHandle {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let parts = PluginsParts {
            store: Arc::clone(&self.store),
            deps: Deps::new(Arc::new(NoSink), Arc::clone(&clock)),
            clock,
            trust: Trust::off(),
            files: self.files(),
            config: GlobalConfig::from_document(&self.config).unwrap(),
            options: PluginsOptions {
                max_running: 3,
                max_restarts: Some(3),
                load_timeout: Duration::from_secs(30),
                cache_expiration: Duration::from_millis(500),
                log_level: LogLevel::Warn,
                own_tls: None,
                owner_marker: Arc::from("test"),
            },
        };
        let plugins = PluginsHandle::start(parts, Counter::default());
        plugins.restore().await.unwrap();
        plugins
    }

    /// Where executables are kept.
    pub(super) fn files(&self) -> PathBuf {
        self.dir.path().join("plugins")
    }

    /// How many executables are kept.
    pub(super) fn kept(&self) -> usize {
        std::fs::read_dir(self.files()).map_or(0, Iterator::count)
    }
}

pub(super) async fn load(plugins: &PluginsHandle, name: &str) -> Result<PluginKey, PluginsError> {
    let name = name.to_owned();
    let loaded = plugins.load(LoadRequest::BuiltIn { name }).await?;
    Ok(loaded.key().clone())
}

/// An executable that is sent along.
pub(super) fn upload(name: &str, body: &'static str) -> LoadRequest {
    LoadRequest::Upload {
        name: name.to_owned(),
        body: Bytes::from_static(body.as_bytes()),
        signature: None,
        tls: None,
    }
}

pub(super) fn names(plugins: &PluginsHandle) -> Vec<String> {
    plugins
        .view()
        .loaded
        .iter()
        .map(|loaded| loaded.key().to_string())
        .collect()
}

pub(super) fn key(kind: PluginType, name: &str, version: i64) -> PluginKey {
    PluginKey {
        kind,
        name: name.to_owned(),
        version,
    }
}

pub(super) fn mock(version: i64) -> PluginKey {
    key(PluginType::Collector, "mock", version)
}

pub(super) fn address(version: i64) -> Address {
    Address::from(&mock(version))
}

pub(super) fn manifest(workflow: &Value) -> Arc<Manifest> {
    let document = json!({
        "version": 1,
        "schedule": {"type": "simple", "interval": "1s"},
        "workflow": {"collect": workflow},
    });
    Arc::new(manifest::from_json(document.to_string().as_bytes(), TimestampNs(0)).unwrap())
}
