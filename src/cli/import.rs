//! `gyre import`: a file of line protocol, plain or as `gyre export` and `influx_inspect export` write it, into a running Gyre.
//!
//! ```text
//! # DDL                              statements that create databases and policies, one a line
//! # DML                              from here on points
//! # CONTEXT-DATABASE: name           where the points after it go
//! # CONTEXT-RETENTION-POLICY: name
//! ```
//!
//! A line is parsed here, so that a bad one has its number, and sent with a time of its own, so that sending it again changes
//! nothing. A batch that is refused is halved until the lines at fault are found.

use std::{collections::VecDeque, path::PathBuf, process::ExitCode, time::Duration};

use gyre::{
    base::{Clock as _, SystemClock, TimestampNs},
    influx::{
        influxql::{
            Params,
            ast::{CreateDatabase, CreateRetentionPolicy, Statement},
            parse,
        },
        line::{self, InvalidPrecision, Limits, Precision},
    },
};
use reqwest::StatusCode;

use super::{
    lines::{Lines, NumberedLine},
    out,
    progress::Progress,
    remote::{Remote, Session, wait_for},
};

const LIMITS: Limits = Limits {
    max_line: 1 << 20,
    max_errors: 4096,
};

/// A batch is sent when it is as long as this, in bytes, however few its lines.
const MAX_BATCH_BYTES: usize = 8 << 20;

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How often a batch is tried while Gyre is not available: some five minutes.
const TRIES: u32 = 35;

/// What to import into a running Gyre.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// The file, plain or gzip, or `-` for standard input.
    file: PathBuf,
    /// The database, instead of the one that the file names.
    #[arg(long)]
    db: Option<String>,
    /// The retention policy, instead of the one that the file names; it must exist.
    #[arg(long)]
    rp: Option<String>,
    /// Points sent at once.
    #[arg(long, default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    batch: u32,
    /// Unit of the timestamps: n, u, ms, s, m or h.
    #[arg(long, default_value = "n", value_parser = precision)]
    precision: Precision,
}

fn precision(name: &str) -> Result<Precision, InvalidPrecision> {
    Precision::from_v1(name)
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match wait_for(import(arguments)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(refused) => {
            eprintln!("{refused} lines were refused");
            ExitCode::FAILURE
        }
        Err(error) => out::end(Err(error), "the import is not complete: "),
    }
}

/// The number of refused lines.
async fn import(arguments: &Arguments) -> anyhow::Result<u64> {
    let mut lines = Lines::open(&arguments.file)?;
    let mut import = Import {
        arguments,
        session: arguments.remote.session()?,
        now: SystemClock::new().now(),
        db: arguments.db.clone().unwrap_or_default(),
        rp: arguments.rp.clone().unwrap_or_default(),
        in_ddl: false,
        batch: Batch::default(),
        progress: Progress::new("imported", "points"),
        refused: 0,
    };
    while let Some(line) = lines.next()? {
        import.take(&line).await?;
    }
    import.flush().await?;
    import.progress.finish();
    Ok(import.refused)
}

#[derive(Debug)]
struct Import<'a> {
    arguments: &'a Arguments,
    session: Session<'a>,
    /// The time of lines that have none.
    now: TimestampNs,
    db: String,
    /// Empty is the database's default.
    rp: String,
    in_ddl: bool,
    batch: Batch,
    progress: Progress,
    refused: u64,
}

/// Lines to send at once: their bytes, and of each its number and where it ends.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<(u64, usize)>,
}

impl Import<'_> {
    async fn take(&mut self, line: &NumberedLine) -> anyhow::Result<()> {
        let text = line.text.trim_ascii();
        if text.starts_with(b"#") {
            return self.remark(&String::from_utf8_lossy(text)).await;
        }
        if self.in_ddl {
            let statement = String::from_utf8_lossy(text);
            return if text.is_empty() {
                Ok(())
            } else {
                self.define(line.number, &statement).await
            };
        }
        self.add(line);
        let limit = usize::try_from(self.arguments.batch).unwrap_or(usize::MAX);
        if self.batch.ends.len() >= limit || self.batch.bytes.len() >= MAX_BATCH_BYTES {
            self.flush().await?;
        }
        Ok(())
    }

    /// A comment, which may say where the next points go.
    async fn remark(&mut self, text: &str) -> anyhow::Result<()> {
        let (db, rp) = (
            text.strip_prefix("# CONTEXT-DATABASE:"),
            text.strip_prefix("# CONTEXT-RETENTION-POLICY:"),
        );
        if db.is_some() || rp.is_some() {
            self.flush().await?;
        }
        match (text, db, rp) {
            ("# DDL", ..) => self.in_ddl = true,
            ("# DML", ..) => self.in_ddl = false,
            (_, Some(db), _) if self.arguments.db.is_none() => db.trim().clone_into(&mut self.db),
            (_, _, Some(rp)) if self.arguments.rp.is_none() => rp.trim().clone_into(&mut self.rp),
            _ => {}
        }
        Ok(())
    }

    async fn define(&mut self, number: u64, text: &str) -> anyhow::Result<()> {
        let (db, rp) = (self.arguments.db.as_deref(), self.arguments.rp.as_deref());
        match redirected(text, db, rp.is_some()) {
            Ok(None) => {}
            Ok(Some(statement)) => {
                if let Err(error) = self.session.query(&statement).await {
                    // without a connection nothing else can be done either
                    if error.downcast_ref::<reqwest::Error>().is_some() {
                        return Err(error);
                    }
                    self.refuse(number, &format!("{error:#}"));
                }
            }
            Err(reason) => self.refuse(number, &reason),
        }
        Ok(())
    }

    /// Puts a good line into the batch and refuses a bad one.
    fn add(&mut self, line: &NumberedLine) {
        let Batch { bytes, ends } = &mut self.batch;
        let report = line::scan(&line.text, self.arguments.precision, self.now, &LIMITS, |point| {
            bytes.extend_from_slice(point.body);
            bytes.extend_from_slice(format!(" {}\n", point.time.0).as_bytes());
            ends.push((line.number, bytes.len()));
        });
        if let Some(reason) = report.message() {
            self.refuse(line.number, &reason);
        }
    }

    fn refuse(&mut self, number: u64, reason: &str) {
        self.refused += 1;
        self.progress
            .remark(format_args!("line {number}: {}", reason.trim_end()));
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        let Batch { bytes, ends } = std::mem::take(&mut self.batch);
        let mut parts = VecDeque::from([(0, ends.len())]);
        while let Some((from, to)) = parts.pop_front().filter(|(from, to)| from < to) {
            let start = from.checked_sub(1).map_or(0, |before: usize| ends[before].1);
            let lines = &bytes[start..ends[to - 1].1];
            match self.send(lines).await? {
                None => self.progress.add(u64::try_from(to - from)?, lines.len()),
                Some(reason) if to - from == 1 => self.refuse(ends[from].0, &reason),
                Some(_) => {
                    let middle = from.midpoint(to);
                    parts.push_front((middle, to));
                    parts.push_front((from, middle));
                }
            }
        }
        Ok(())
    }

    /// Sends lines until Gyre answers for good; why it refused some of them, if it did.
    async fn send(&self, lines: &[u8]) -> anyhow::Result<Option<String>> {
        anyhow::ensure!(!self.db.is_empty(), "the file names no database: give one with --db");
        let mut pause = FIRST_PAUSE;
        for tried in 1.. {
            let answer = self.session.write(&self.db, &self.rp, lines.to_vec()).await;
            let trouble = match answer {
                Ok((status, _)) if status.is_success() => return Ok(None),
                Ok((StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE, reason)) => return Ok(Some(reason)),
                Ok((StatusCode::SERVICE_UNAVAILABLE, reason)) => anyhow::anyhow!(reason),
                Ok((status, reason)) => anyhow::bail!("{status}: {reason}"),
                Err(error) => error,
            };
            if tried >= TRIES {
                return Err(trouble);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(None)
    }
}

/// A statement of the DDL part, for another database when one is given; nothing when it is of no use, because the points go
/// to a policy that the user chose.
fn redirected(text: &str, db: Option<&str>, own_policy: bool) -> Result<Option<String>, String> {
    let statements = parse(text, &Params::new()).map_err(|error| error.to_string())?;
    let mut printed = Vec::new();
    for mut statement in statements {
        match &mut statement {
            Statement::CreateDatabase(CreateDatabase { name, policy }) => {
                if let Some(db) = db {
                    db.clone_into(name);
                }
                if own_policy {
                    *policy = None;
                }
            }
            Statement::CreateRetentionPolicy(_) if own_policy => continue,
            Statement::CreateRetentionPolicy(CreateRetentionPolicy { database, .. }) => {
                if let Some(db) = db {
                    db.clone_into(database);
                }
            }
            _ => return Err("only databases and retention policies can be created".to_owned()),
        }
        printed.push(statement.to_string());
    }
    Ok((!printed.is_empty()).then(|| printed.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_follow_the_chosen_database() {
        let check = |text: &str, db: Option<&str>, own_policy: bool, expect: Result<Option<&str>, &str>| {
            let expect = expect.map(|some| some.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(redirected(text, db, own_policy), expect, "{text}");
        };
        let policy = "CREATE RETENTION POLICY p ON a DURATION 1h REPLICATION 1";
        check("CREATE DATABASE a", None, false, Ok(Some("CREATE DATABASE a")));
        check(
            "CREATE DATABASE a WITH NAME p",
            Some("b c"),
            true,
            Ok(Some("CREATE DATABASE \"b c\"")),
        );
        check(policy, None, true, Ok(None));
        let moved = "CREATE RETENTION POLICY p ON b DURATION 1h REPLICATION 1";
        check(policy, Some("b"), false, Ok(Some(moved)));
        let only = "only databases and retention policies can be created";
        check("DROP DATABASE a", None, false, Err(only));
    }
}
