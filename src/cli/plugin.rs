//! `gyre plugin load|unload|swap|list|config`.

use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use gyre::workflow::{PluginKey, PluginType};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::{
    out,
    remote::{Remote, wait_for},
    snap::{Snap, part, plain},
    table, time,
};

/// What to do with the plugins of a running Gyre.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Load a plugin: an executable here, or one that is built in, by its name.
    Load {
        /// The executable, or a name such as `mock` or `mock:1`.
        plugin: PathBuf,
        #[command(flatten)]
        companions: Companions,
    },
    /// Unload a plugin.
    Unload {
        /// TYPE NAME VERSION, or TYPE:NAME:VERSION.
        #[arg(num_args = 1..=3, required = true)]
        plugin: Vec<String>,
    },
    /// Load a plugin, then unload another; when that fails the first is unloaded again.
    Swap {
        /// The executable to load, or a built-in name.
        plugin: PathBuf,
        /// What to unload: TYPE:NAME:VERSION.
        other: String,
        #[command(flatten)]
        companions: Companions,
    },
    /// Show the plugins that are loaded, or their running instances.
    List {
        /// Show running instances.
        #[arg(long)]
        running: bool,
    },
    /// Show or change the settings that a plugin gets whatever the task.
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
}

/// Files that go with a plugin.
#[derive(Debug, clap::Args)]
struct Companions {
    /// Its detached signature.
    #[arg(short = 'a', long)]
    plugin_asc: Option<PathBuf>,
    /// Its certificate, a path where Gyre runs.
    #[arg(short = 'c', long)]
    plugin_cert: Option<String>,
    /// The key of its certificate, a path where Gyre runs.
    #[arg(short = 'k', long)]
    plugin_key: Option<String>,
    /// The authorities that it trusts, paths where Gyre runs.
    #[arg(short = 'r', long)]
    plugin_ca_certs: Option<String>,
}

#[derive(Debug, Subcommand)]
enum ConfigAction {
    /// Show them.
    Get {
        /// TYPE:NAME:VERSION.
        plugin: String,
    },
    /// Add or replace some.
    Set {
        /// TYPE:NAME:VERSION.
        plugin: String,
        /// NAME=VALUE; numbers, true and false are what they look like, everything else is text.
        #[arg(required = true)]
        settings: Vec<String>,
    },
    /// Take some away.
    Delete {
        /// TYPE:NAME:VERSION.
        plugin: String,
        /// Their names.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::end(try_run(arguments), "")
}

fn try_run(Arguments { remote, json, action }: &Arguments) -> anyhow::Result<()> {
    let snap = Snap(remote.session()?);
    let json = *json;
    wait_for(async {
        match action {
            Action::Load { plugin, companions } => {
                let loaded = load(&snap, plugin, companions).await?;
                show_loaded(&loaded, json)?;
            }
            Action::Unload { plugin } => {
                let body = unload(&snap, &parse_key(&plugin.join(":"))?).await?;
                show_unloaded(&body, json)?;
            }
            Action::Swap {
                plugin,
                other,
                companions,
            } => swap(&snap, plugin, companions, &parse_key(other)?, json).await?,
            Action::List { running } => list(&snap, *running, json).await?,
            Action::Config { action } => config(&snap, action, json).await?,
        }
        Ok(())
    })
}

async fn load(snap: &Snap<'_>, plugin: &Path, companions: &Companions) -> anyhow::Result<Vec<Value>> {
    let answer = if plugin.is_file() {
        let mut parts = vec![part(plugin)?];
        if let Some(signature) = &companions.plugin_asc {
            parts.push(part(signature)?);
        }
        let Companions {
            plugin_asc: _,
            plugin_cert,
            plugin_key,
            plugin_ca_certs,
        } = companions;
        let paths = [
            ("crt.", plugin_cert),
            ("key.", plugin_key),
            ("cacerts.", plugin_ca_certs),
        ];
        let paths = paths
            .into_iter()
            .filter_map(|(name, path)| Some((name, path.as_ref()?)));
        parts.extend(paths.map(|(name, path)| (name.to_owned(), path.clone().into_bytes())));
        snap.upload("/v1/plugins", &parts).await
    } else {
        let name = plugin.to_str().context("a name must be UTF-8")?;
        snap.send(Method::POST, "/v1/plugins", &json!({ "uri": name })).await
    };
    let body = answer.context("Error loading plugin")?;
    Ok(body["loaded_plugins"].as_array().cloned().unwrap_or_default())
}

async fn unload(snap: &Snap<'_>, key: &PluginKey) -> anyhow::Result<Value> {
    let path = path_of(key);
    snap.ask(Method::DELETE, &path).await.context("Error unloading plugin")
}

async fn swap(
    snap: &Snap<'_>,
    plugin: &Path,
    companions: &Companions,
    other: &PluginKey,
    json: bool,
) -> anyhow::Result<()> {
    let loaded = load(snap, plugin, companions).await?;
    match unload(snap, other).await {
        Ok(body) => {
            show_loaded(&loaded, json)?;
            show_unloaded(&body, json)?;
            Ok(())
        }
        Err(error) => {
            for plugin in &loaded {
                unload(snap, &key_of(plugin)?).await.context("and cannot be undone")?;
            }
            Err(error.context("nothing swapped"))
        }
    }
}

fn show_loaded(plugins: &[Value], json: bool) -> io::Result<()> {
    if json {
        return out::json(&Value::from(plugins));
    }
    for plugin in plugins {
        let loaded = time::rfc1123(plugin["loaded_timestamp"].as_i64().unwrap_or_default());
        let [name, version, kind, signed] = ["name", "version", "type", "signed"].map(|key| plain(&plugin[key]));
        out::line(format_args!(
            "Plugin loaded\nName: {name}\nVersion: {version}\nType: {kind}\nSigned: {signed}\nLoaded Time: {loaded}\n"
        ))?;
    }
    Ok(())
}

fn show_unloaded(body: &Value, json: bool) -> io::Result<()> {
    if json {
        return out::json(body);
    }
    let [name, version, kind] = ["name", "version", "type"].map(|key| plain(&body[key]));
    out::line(format_args!(
        "Plugin unloaded\nName: {name}\nVersion: {version}\nType: {kind}"
    ))
}

async fn list(snap: &Snap<'_>, running: bool, json: bool) -> anyhow::Result<()> {
    let (path, name) = match running {
        true => ("/v1/plugins?details", "available_plugins"),
        false => ("/v1/plugins", "loaded_plugins"),
    };
    let mut body = snap.ask(Method::GET, path).await?;
    let plugins = body[name].take();
    let plugins = plugins.as_array().cloned().unwrap_or_default();
    match (json, running) {
        (true, _) => out::json(&plugins.into())?,
        (false, true) => show_running(&plugins)?,
        (false, false) => show_plugins(&plugins)?,
    }
    Ok(())
}

fn show_plugins(plugins: &[Value]) -> io::Result<()> {
    if plugins.is_empty() {
        return out::line("No plugins found. Have you loaded a plugin?");
    }
    let row = |plugin: &Value| {
        let [name, version, kind, signed, status] =
            ["name", "version", "type", "signed", "status"].map(|key| plain(&plugin[key]));
        let loaded = time::rfc1123(plugin["loaded_timestamp"].as_i64().unwrap_or_default());
        [name, version, kind, signed, status, loaded]
    };
    let rows: Vec<_> = plugins.iter().map(row).collect();
    table::print(["NAME", "VERSION", "TYPE", "SIGNED", "STATUS", "LOADED TIME"], &rows)
}

fn show_running(plugins: &[Value]) -> io::Result<()> {
    if plugins.is_empty() {
        return out::line("No running plugins found. Have you started a task?");
    }
    let row = |plugin: &Value| {
        let [name, hits, kind, port] = ["name", "hitcount", "type", "pprof_port"].map(|key| plain(&plugin[key]));
        let last = time::rfc1123(plugin["last_hit_timestamp"].as_i64().unwrap_or_default());
        [name, hits, last, kind, port]
    };
    let rows: Vec<_> = plugins.iter().map(row).collect();
    table::print(["NAME", "HIT COUNT", "LAST HIT", "TYPE", "PPROF PORT"], &rows)
}

async fn config(snap: &Snap<'_>, action: &ConfigAction, json: bool) -> anyhow::Result<()> {
    let path = |plugin: &str| anyhow::Ok(format!("{}/config", path_of(&parse_key(plugin)?)));
    let body = match action {
        ConfigAction::Get { plugin } => snap.ask(Method::GET, &path(plugin)?).await?,
        ConfigAction::Set { plugin, settings } => {
            let settings: Map<_, _> = settings
                .iter()
                .map(|text| setting(text))
                .collect::<anyhow::Result<_>>()?;
            snap.send(Method::PUT, &path(plugin)?, &settings.into()).await?
        }
        ConfigAction::Delete { plugin, names } => snap.send(Method::DELETE, &path(plugin)?, &json!(names)).await?,
    };
    if json {
        out::json(&body)?;
        return Ok(());
    }
    let settings = body.as_object().into_iter().flatten();
    let rows: Vec<_> = settings
        .map(|(name, value)| [name.clone(), plain(value), type_of(value).to_owned()])
        .collect();
    table::print(["NAME", "VALUE", "TYPE"], &rows)?;
    Ok(())
}

/// `NAME=VALUE`, the value as JSON when it is a scalar there, else as text.
fn setting(text: &str) -> anyhow::Result<(String, Value)> {
    let (name, value) = text
        .split_once('=')
        .with_context(|| format!("{text:?} is no setting: write NAME=VALUE"))?;
    let scalar = serde_json::from_str(value)
        .ok()
        .filter(|value: &Value| value.is_number() || value.is_boolean() || value.is_string());
    Ok((name.to_owned(), scalar.unwrap_or_else(|| value.into())))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        _ => "string",
    }
}

fn parse_key(text: &str) -> anyhow::Result<PluginKey> {
    let parts: Vec<_> = text.split(':').collect();
    let [kind, name, version] = parts[..] else {
        bail!("{text:?} names no plugin: write TYPE:NAME:VERSION");
    };
    Ok(PluginKey {
        kind: kind.parse::<PluginType>()?,
        name: name.to_owned(),
        version: version.parse().with_context(|| format!("{version:?} is no version"))?,
    })
}

fn key_of(plugin: &Value) -> anyhow::Result<PluginKey> {
    parse_key(&["type", "name", "version"].map(|key| plain(&plugin[key])).join(":"))
}

fn path_of(key: &PluginKey) -> String {
    format!(
        "/v1/plugins/{}/{}/{}",
        key.kind,
        gyre::cluster::key::escape(&key.name),
        key.version
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_what_they_look_like() {
        let check = |text: &str, expect: Value| assert_eq!(setting(text).unwrap(), ("a".to_owned(), expect));
        check("a=1", json!(1));
        check("a=1.5", json!(1.5));
        check("a=true", json!(true));
        check("a=bob", json!("bob"));
        check("a=\"1\"", json!("1"));
        check("a={}", json!("{}"));
        check("a=b=c", json!("b=c"));
        assert!(setting("a").is_err());
    }

    #[test]
    fn plugins_are_named_by_three_parts() {
        let key = parse_key("collector:mock:1").unwrap();
        assert_eq!(path_of(&key), "/v1/plugins/collector/mock/1");
        for wrong in ["mock", "collector:mock", "collector:mock:x", "thing:mock:1", "a:b:c:d"] {
            assert!(parse_key(wrong).is_err(), "{wrong}");
        }
    }
}
