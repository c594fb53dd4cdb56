//! `gyre task create|list|watch|start|stop|enable|remove|export`.

mod create;
mod watch;

use std::{io::stdout, process::ExitCode};

use clap::Subcommand;
use gyre::cluster::key::escape;
use reqwest::Method;
use serde_json::Value;

use super::{
    out,
    remote::{Remote, wait_for},
    snap::{Snap, plain},
    table, time,
};

/// Terminals from this width on show names and failures cut to fit; narrower ones cannot, and wrap.
const WIDE: usize = 165;
/// What the other columns of the list take.
const OTHER_COLUMNS: usize = 153;
/// The longest name shown in a wide terminal.
const NAME: usize = 41;

/// What to do with the tasks of a running Gyre.
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
    /// Create a task from a manifest, or from a workflow and a schedule, and start it.
    Create(Box<create::Arguments>),
    /// Show all tasks.
    List {
        /// Show names and failures whole.
        #[arg(long)]
        verbose: bool,
    },
    /// Show what a task collects, as it does.
    Watch {
        /// Its id.
        id: String,
        /// Show tags as well.
        #[arg(long)]
        verbose: bool,
    },
    /// Start a task.
    Start {
        /// Its id.
        id: String,
    },
    /// Stop a task.
    Stop {
        /// Its id.
        id: String,
    },
    /// Let a task that was disabled be started again.
    Enable {
        /// Its id.
        id: String,
    },
    /// Remove a task that does not run.
    Remove {
        /// Its id.
        id: String,
    },
    /// Print a task as JSON on one line.
    Export {
        /// Its id.
        id: String,
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
            Action::Create(arguments) => create::run(&snap, arguments, json).await,
            Action::List { verbose } => list(&snap, *verbose, json).await,
            Action::Watch { id, verbose } => watch::run(&snap, id, *verbose, json).await,
            Action::Start { id } => change(&snap, (Method::PUT, "/start"), id, ("started", "starting"), json).await,
            Action::Stop { id } => change(&snap, (Method::PUT, "/stop"), id, ("stopped", "stopping"), json).await,
            Action::Enable { id } => change(&snap, (Method::PUT, "/enable"), id, ("enabled", "enabling"), json).await,
            Action::Remove { id } => change(&snap, (Method::DELETE, ""), id, ("removed", "removing"), json).await,
            Action::Export { id } => {
                out::line(snap.ask(Method::GET, &path_of(id)).await?)?;
                Ok(())
            }
        }
    })
}

fn path_of(id: &str) -> String {
    format!("/v1/tasks/{}", escape(id))
}

async fn change(
    snap: &Snap<'_>,
    (method, verb): (Method, &str),
    id: &str,
    (done, doing): (&str, &str),
    json: bool,
) -> anyhow::Result<()> {
    match snap.ask(method, &format!("{}{verb}", path_of(id))).await {
        Ok(body) if json => out::json(&body)?,
        Ok(_) => out::line(format_args!("Task {done}:\nID: {id}"))?,
        // What is so already is no failure: scripts may say it twice.
        Err(error) if error.to_string().contains("already") => {
            let text = error.to_string();
            let text = text.trim_end_matches('.');
            out::line(format_args!("{text}\nID: {id}"))?;
        }
        Err(error) => return Err(error.context(format!("Error {doing} task"))),
    }
    Ok(())
}

async fn list(snap: &Snap<'_>, verbose: bool, json: bool) -> anyhow::Result<()> {
    let mut body = snap.ask(Method::GET, "/v1/tasks").await?;
    let tasks = body["ScheduledTasks"].take();
    if json {
        out::json(&tasks)?;
        return Ok(());
    }
    let tasks = tasks.as_array().cloned().unwrap_or_default();
    if tasks.is_empty() {
        out::line("No task found. Have you created a task?")?;
        return Ok(());
    }
    let room = terminal_width().filter(|width| *width >= WIDE && !verbose);
    let rows: Vec<_> = tasks.iter().map(|task| row(task, room)).collect();
    let headings = ["ID", "NAME", "STATE", "HIT", "MISS", "FAIL", "CREATED", "LAST FAILURE"];
    table::print(headings, &rows)?;
    Ok(())
}

/// A task in the list, its texts cut to a terminal of that width.
fn row(task: &Value, width: Option<usize>) -> [String; 8] {
    let text = |key: &str| plain(&task[key]);
    let count = |key: &str| short_count(task[key].as_u64().unwrap_or_default());
    let (mut name, mut failure) = (text("name"), text("last_failure_message"));
    if let Some(width) = width {
        name = table::cut(&name, NAME);
        failure = table::cut(&failure, width - OTHER_COLUMNS);
    }
    [
        text("id"),
        name,
        text("task_state"),
        count("hit_count"),
        count("miss_count"),
        count("failed_count"),
        time::local(task["creation_timestamp"].as_i64().unwrap_or_default()),
        failure,
    ]
}

/// The columns of the terminal, if the output is one.
fn terminal_width() -> Option<usize> {
    rustix::termios::tcgetwinsize(stdout())
        .ok()
        .map(|size| usize::from(size.ws_col))
}

/// A count in at most a few characters: from 1,000 on in K, M or G, cut.
fn short_count(count: u64) -> String {
    match count {
        ..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}K", count / 1_000),
        1_000_000..1_000_000_000 => format!("{}M", count / 1_000_000),
        _ => format!("{}G", count / 1_000_000_000),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn large_counts_are_short() {
        let check = |count, expect: &str| assert_eq!(short_count(count), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1K");
        check(1_999_999, "1M");
        check(5_000_000_000, "5G");
    }

    #[test]
    fn wide_terminals_cut_what_is_too_long() {
        let task = json!({"id": "i", "name": "n".repeat(50), "last_failure_message": "f".repeat(50)});
        let [_, name, .., failure] = row(&task, Some(165));
        assert_eq!((name.len(), failure.len()), (41, 12));
        let [_, name, .., failure] = row(&task, None);
        assert_eq!((name.len(), failure.len()), (50, 50));
    }
}
