//! `gyre meta get|put|history|watch`: the versioned metadata of clusters.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Subcommand;
use gyre::cluster::key::escape;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{
    out::{self, StandardOutput},
    remote::{Remote, Session, refusal, wait_for},
};

/// The pause after a failed poll.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What to do with the metadata of a cluster.
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
    /// Write the current version to the standard output or a file.
    Get {
        /// Whose.
        cluster: String,
        /// The file; without one `--json` has the bytes as base64.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Store a new version over the one that its author has seen.
    Put {
        /// Whose.
        cluster: String,
        /// The version that was seen: the current one, or 0 when there must be none.
        #[arg(long)]
        version: u64,
        /// The bytes; `-` is the standard input.
        file: PathBuf,
    },
    /// Show the versions that are kept, newest first.
    History {
        /// Whose.
        cluster: String,
    },
    /// Print the current version and every later one, until interrupted.
    Watch {
        /// Whose.
        cluster: String,
    },
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::end(try_run(arguments), "")
}

fn try_run(Arguments { remote, json, action }: &Arguments) -> anyhow::Result<()> {
    let session = remote.session()?;
    wait_for(async {
        match action {
            Action::Get { cluster, out } => get(&session, cluster, out.as_ref(), *json).await,
            Action::Put { cluster, version, file } => put(&session, (cluster, *version), file, *json).await,
            Action::History { cluster } => history(&session, cluster, *json).await,
            Action::Watch { cluster } => watch(&session, cluster, *json).await,
        }
    })
}

async fn get(session: &Session<'_>, cluster: &str, out: Option<&PathBuf>, as_json: bool) -> anyhow::Result<()> {
    // No version is 0: the answer is the current one, at once.
    let answer = session
        .request(Method::GET, &version_path(cluster, 0), Vec::new())
        .await?;
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer).await);
    }
    let version = version_of(&answer)?;
    let body = answer.bytes().await?;
    if let Some(file) = out {
        fs::write(file, &body).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let mut described = json!({"version": version, "size": body.len()});
    match (out, as_json) {
        (None, true) => {
            described["body"] = STANDARD.encode(&body).into();
            out::json(&described)?;
        }
        (None, false) => {
            StandardOutput.write_all(&body)?;
            StandardOutput.flush()?;
        }
        (Some(_), true) => out::json(&described)?,
        (Some(_), false) => out::line(format_args!("version {version}, {} bytes", body.len()))?,
    }
    Ok(())
}

async fn put(session: &Session<'_>, (cluster, seen): (&str, u64), file: &PathBuf, as_json: bool) -> anyhow::Result<()> {
    let body = if file.as_os_str() == "-" {
        let mut body = Vec::new();
        io::stdin().read_to_end(&mut body)?;
        body
    } else {
        fs::read(file).with_context(|| format!("cannot read {}", file.display()))?
    };
    let answer = session
        .request(Method::POST, &version_path(cluster, seen), body)
        .await?;
    match answer.status() {
        StatusCode::OK if as_json => out::json(&json!({"version": version_of(&answer)?}))?,
        StatusCode::OK => out::line(format_args!("stored version {}", version_of(&answer)?))?,
        StatusCode::CONFLICT => anyhow::bail!("nothing stored: the current version is {}", version_of(&answer)?),
        _ => return Err(refusal(answer).await),
    }
    Ok(())
}

async fn history(session: &Session<'_>, cluster: &str, as_json: bool) -> anyhow::Result<()> {
    let path = format!("/clusters/{}/history", escape(cluster));
    let answer = session.request(Method::GET, &path, Vec::new()).await?;
    if answer.status() != StatusCode::OK {
        return Err(refusal(answer).await);
    }
    let list: Value = serde_json::from_slice(&answer.bytes().await?)?;
    if as_json {
        out::json(&list)?;
        return Ok(());
    }
    out::line(format_args!(
        "{:>10}  {:>10}  {:<30}  sha256",
        "version", "bytes", "written"
    ))?;
    for entry in list.as_array().into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        out::line(format_args!(
            "{:>10}  {:>10}  {:<30}  {}",
            entry["version"].to_string(),
            entry["size"].to_string(),
            text("time"),
            text("sha256")
        ))?;
    }
    Ok(())
}

/// Polls for ever. What may pass is told and tried again.
async fn watch(session: &Session<'_>, cluster: &str, as_json: bool) -> anyhow::Result<()> {
    let mut version = 0;
    loop {
        let path = format!("{}?wait=5m", version_path(cluster, version));
        let answer = match session.request(Method::GET, &path, Vec::new()).await {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("{error:#}: trying again");
                tokio::time::sleep(RETRY_AFTER).await;
                continue;
            }
        };
        match answer.status() {
            StatusCode::OK => {
                version = version_of(&answer)?;
                let size = answer.bytes().await?.len();
                if as_json {
                    out::line(json!({"version": version, "size": size}))?;
                } else {
                    out::line(format_args!("version {version}, {size} bytes"))?;
                }
            }
            StatusCode::NO_CONTENT | StatusCode::GATEWAY_TIMEOUT => {}
            // Not written yet, or deleted: whatever comes next is new.
            StatusCode::NOT_FOUND => version = 0,
            status if status.is_server_error() => {
                eprintln!("{:#}: trying again", refusal(answer).await);
                tokio::time::sleep(RETRY_AFTER).await;
            }
            _ => return Err(refusal(answer).await),
        }
    }
}

fn version_path(cluster: &str, version: u64) -> String {
    format!("/clusters/{}/versions/{version}", escape(cluster))
}

fn version_of(answer: &Response) -> anyhow::Result<u64> {
    let version = answer.headers().get("version").and_then(|value| value.to_str().ok());
    let version = version.and_then(|text| text.parse().ok());
    version.with_context(|| format!("{}: the answer names no version", answer.url()))
}
