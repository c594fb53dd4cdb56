//! `…/plugins`: what is loaded, what runs, and the files of what is loaded.

use std::io::Write;

use actix_web::{HttpResponse, http::StatusCode, web};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde::Serialize;

use crate::{
    actors::{Loaded, PluginsError, Running},
    workflow::{PluginKey, PluginType},
};

use super::{
    super::params,
    Call, answer,
    error::SnapError,
    policy::{self, ShownRule},
    route::Version,
    unix_seconds,
};

/// A loaded plugin.
#[derive(Serialize)]
struct ShownPlugin<'a> {
    name: &'a str,
    version: i64,
    r#type: &'static str,
    signed: bool,
    status: &'static str,
    /// Unix seconds.
    loaded_timestamp: i64,
    href: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    policy: Vec<ShownRule<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    config_policy: Vec<ShownRule<'a>>,
}

/// A running instance, in version 1.
#[derive(Serialize)]
struct ShownInstance<'a> {
    name: &'a str,
    version: i64,
    r#type: &'static str,
    hitcount: u64,
    /// Unix seconds.
    last_hit_timestamp: i64,
    id: u64,
    href: String,
    pprof_port: &'static str,
}

/// A running instance, in version 2.
#[derive(Serialize)]
struct ShownRunning<'a> {
    name: &'a str,
    version: i64,
    r#type: &'static str,
    signed: bool,
    status: &'static str,
    href: String,
    #[serde(skip_serializing_if = "is_zero")]
    hitcount: u64,
    /// Unix seconds.
    last_hit_timestamp: i64,
    id: u64,
}

#[derive(Serialize)]
struct ListV1<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    loaded_plugins: Vec<ShownPlugin<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    available_plugins: Vec<ShownInstance<'a>>,
}

#[derive(Serialize)]
struct ListV2<T> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<T>,
}

#[derive(Serialize)]
struct Unloaded<'a> {
    name: &'a str,
    version: i64,
    r#type: &'static str,
}

/// Whether with the configuration that the plugin wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Policy {
    Hidden,
    Shown,
}

/// All plugins of a type, and of a name, if these are given.
pub(super) fn list(call: &Call<'_>) -> HttpResponse {
    let has = |name| params::first(&call.query, name).is_some();
    let (kind, name) = match call.version {
        Version::V1 => (call.param(0), call.param(1)),
        Version::V2 => (params::text(&call.query, "type"), params::text(&call.query, "name")),
    };
    let wanted =
        |key: &PluginKey| (kind.is_empty() || kind == key.kind.as_str()) && (name.is_empty() || name == key.name);
    let view = call.services.plugins.view();
    let loaded = view.loaded.iter().filter(|loaded| wanted(loaded.key()));
    let loaded = loaded.map(|loaded| plugin(call, loaded, Policy::Hidden)).collect();
    let mut running = call.services.plugins.running();
    running.retain(|running| wanted(&running.key));
    match call.version {
        Version::V2 if has("running") => {
            let plugins = running.iter().map(|running| running_v2(call, running)).collect();
            answer::v2(StatusCode::OK, &ListV2 { plugins })
        }
        Version::V2 => answer::v2(StatusCode::OK, &ListV2 { plugins: loaded }),
        Version::V1 => {
            let list = ListV1 {
                loaded_plugins: loaded,
                available_plugins: match has("details") {
                    true => running.iter().map(|running| instance(call, running)).collect(),
                    false => vec![],
                },
            };
            answer::v1(StatusCode::OK, "plugin_list_returned", "Plugin list returned", &list)
        }
    }
}

/// One plugin, or its file.
pub(super) async fn get(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let key = key(call)?;
    let view = call.services.plugins.view();
    let loaded = key.as_ref().and_then(|key| view.get(key));
    let loaded = loaded.ok_or_else(|| about(call, SnapError::not_found(PluginsError::NotFound)))?;
    if params::text(&call.query, "download") == "true" {
        let file = call.services.plugins.file(loaded.key()).await;
        let file = file.map_err(|error| about(call, error.into()))?;
        let file = web::block(move || compressed(&file)).await.map_err(SnapError::failed)?;
        return Ok(answer::file(call.version, file.map_err(SnapError::failed)?));
    }
    let plugin = plugin(call, loaded, Policy::Shown);
    Ok(match call.version {
        Version::V1 => answer::v1(StatusCode::OK, "plugin_returned", "Plugin returned", &plugin),
        Version::V2 => answer::v2(StatusCode::OK, &plugin),
    })
}

/// The answer to a plugin that was loaded.
pub(super) fn created(call: &Call<'_>, loaded: &Loaded) -> HttpResponse {
    let shown = plugin(call, loaded, Policy::Hidden);
    match call.version {
        Version::V1 => {
            let PluginKey { kind, name, version } = loaded.key();
            let message = format!("Plugins loaded: {name}({kind} v{version})");
            let list = ListV1 {
                loaded_plugins: vec![shown],
                available_plugins: vec![],
            };
            answer::v1(StatusCode::CREATED, "plugins_loaded", &message, &list)
        }
        Version::V2 => answer::v2(StatusCode::CREATED, &shown),
    }
}

/// Unloads a plugin.
pub(super) async fn unload(call: &Call<'_>) -> Result<HttpResponse, SnapError> {
    let unloaded = match key(call)? {
        Some(key) => call.services.plugins.unload(&key).await,
        None => Err(PluginsError::NotFound),
    };
    let unloaded = unloaded.map_err(|error| about(call, SnapError::of_unload(call.version, error)))?;
    if call.version == Version::V2 {
        return Ok(answer::no_content());
    }
    let PluginKey { kind, name, version } = unloaded.key();
    let message = format!("Plugin successfully unloaded ({name}v{version})");
    let body = Unloaded {
        name,
        version: *version,
        r#type: kind.as_str(),
    };
    Ok(answer::v1(StatusCode::OK, "plugin_unloaded", &message, &body))
}

/// The plugin that the path names; `None` when its type does not exist.
fn key(call: &Call<'_>) -> Result<Option<PluginKey>, SnapError> {
    let Ok(version) = call.param(2).parse() else {
        let text = match call.version {
            Version::V1 => "invalid version",
            Version::V2 => "missing or invalid parameter(s)",
        };
        return Err(about_version(call, "0", SnapError::invalid(text)));
    };
    let kind: Option<PluginType> = call.param(0).parse().ok();
    Ok(kind.map(|kind| PluginKey {
        kind,
        name: call.param(1).to_owned(),
        version,
    }))
}

/// The error with the plugin that it is about.
fn about(call: &Call<'_>, error: SnapError) -> SnapError {
    about_version(call, call.param(2), error)
}

fn about_version(call: &Call<'_>, version: &str, error: SnapError) -> SnapError {
    error.with_fields([
        ("plugin-name", call.param(1).to_owned()),
        ("plugin-type", call.param(0).to_owned()),
        ("plugin-version", version.to_owned()),
    ])
}

fn plugin<'a>(call: &Call<'_>, loaded: &'a Loaded, policy: Policy) -> ShownPlugin<'a> {
    let key = loaded.key();
    // What collectors want is shown with each metric.
    let own = loaded.description.policy.nodes.get(&[] as &[String]);
    let own = own.filter(|_| policy == Policy::Shown && !key.kind.collects());
    let rules = |version| {
        let own = own.filter(|_| call.version == version);
        own.map_or_else(Vec::new, |rules| policy::shown(rules, true))
    };
    ShownPlugin {
        name: &key.name,
        version: key.version,
        r#type: key.kind.as_str(),
        signed: loaded.signed,
        status: "loaded",
        loaded_timestamp: unix_seconds(loaded.loaded_at),
        href: href(call, key),
        policy: rules(Version::V1),
        config_policy: rules(Version::V2),
    }
}

fn instance<'a>(call: &Call<'_>, running: &'a Running) -> ShownInstance<'a> {
    ShownInstance {
        name: &running.key.name,
        version: running.key.version,
        r#type: running.key.kind.as_str(),
        hitcount: running.hit_count,
        last_hit_timestamp: unix_seconds(running.last_hit),
        id: running.id,
        href: href(call, &running.key),
        pprof_port: "",
    }
}

fn running_v2<'a>(call: &Call<'_>, running: &'a Running) -> ShownRunning<'a> {
    ShownRunning {
        name: &running.key.name,
        version: running.key.version,
        r#type: running.key.kind.as_str(),
        signed: running.signed,
        status: "",
        href: href(call, &running.key),
        hitcount: running.hit_count,
        last_hit_timestamp: unix_seconds(running.last_hit),
        id: running.id,
    }
}

fn href(call: &Call<'_>, key: &PluginKey) -> String {
    call.href(&format!("plugins/{}/{}/{}", key.kind, key.name, key.version))
}

fn compressed(file: &Bytes) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(file)?;
    encoder.finish()
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}
