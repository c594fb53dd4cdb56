//! `gyre dead-letters list|replay|drop`.

use std::{io, process::ExitCode};

use clap::Subcommand;
use gyre::base::TimestampNs;
use reqwest::Method;
use serde_json::Value;

use super::{out, remote::Remote};

/// What to do with the dead letters of a running Gyre.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the oldest ones.
    List {
        /// Show those after this number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Send those up to a number to their backends again; what is refused again becomes a dead letter again.
    Replay {
        /// The last number to replay.
        through: u64,
    },
    /// Forget those up to a number.
    Drop {
        /// The last number to forget.
        through: u64,
    },
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    out::end(try_run(arguments), "")
}

fn try_run(Arguments { remote, action }: &Arguments) -> anyhow::Result<()> {
    match action {
        Action::List { after, limit, json } => {
            let answer = remote.ask(Method::GET, &format!("/gyre/dead-letters?after={after}&limit={limit}"))?;
            if *json {
                out::json(&answer)?;
            } else {
                print_letters(&answer)?;
            }
        }
        Action::Replay { through } => {
            let answer = remote.ask(Method::POST, &format!("/gyre/dead-letters/replay?through={through}"))?;
            out::line(format_args!("replayed {}", answer["replayed"]))?;
        }
        Action::Drop { through } => {
            let answer = remote.ask(Method::POST, &format!("/gyre/dead-letters/drop?through={through}"))?;
            out::line(format_args!("dropped {}", answer["dropped"]))?;
        }
    }
    Ok(())
}

fn print_letters(answer: &Value) -> io::Result<()> {
    out::line(format_args!("{} waiting", answer["count"]))?;
    for letter in answer["letters"].as_array().into_iter().flatten() {
        let text = |name: &str| letter[name].as_str().unwrap_or_default();
        let time = TimestampNs(letter["time"].as_i64().unwrap_or_default());
        out::line(format_args!(
            "{}  {time}  {}  {} {}  {}",
            letter["id"],
            text("backend"),
            text("db"),
            text("policy"),
            text("reason")
        ))?;
        text("lines")
            .lines()
            .try_for_each(|line| out::line(format_args!("    {line}")))?;
    }
    Ok(())
}
