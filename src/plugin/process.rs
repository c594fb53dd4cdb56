//! A plugin's process: spawned, its output drained, its end noticed, its whole group killed.
//!
//! ```text
//! Process  --- kill, or dropped --> keeper: owns the child, waits for its end, kills what is left of its group
//!          <-- ended --------------'        `-- reads stdout and stderr until then
//! ```
//!
//! The keeper is a task of the runtime that was current at the start. Signals are sent by the keeper alone, while the
//! child is not yet waited for or has just been: its number cannot mean another process by then.

mod exec;
mod output;
mod spawn;

use std::{io, path::Path, process::ExitStatus, sync::Arc, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    process::Child,
    sync::{Notify, oneshot, watch},
    task::JoinSet,
};

use output::{FirstLine, LastWords, Source};

/// How long the pipes of a dead plugin are still read: processes outside of its group may hold them.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// A running plugin. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    pid: u32,
    plugin: Arc<str>,
    kill: Arc<Notify>,
    ended: watch::Receiver<Option<Arc<str>>>,
    last_words: LastWords,
}

/// A plugin was spawned, but there is no first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoFirstLine {
    /// Not in time; also when it ended before.
    TimedOut,
    /// It is endless.
    TooLong,
}

impl Process {
    /// Spawns a plugin, and waits for its first line.
    ///
    /// # Errors
    /// The outer one when it cannot be executed, the inner one when it says nothing.
    pub(super) async fn start(
        file: &Path,
        argument: &str,
        marker: (&str, &str),
        within: Duration,
    ) -> io::Result<Result<(Self, Vec<u8>), NoFirstLine>> {
        let child = spawn::spawn(exec::command(file, argument, marker)?).await?;
        let plugin = file.file_name().unwrap_or_default().to_string_lossy();
        let (process, first) = Self::keep(child, plugin.into())?;
        Ok(match tokio::time::timeout(within, first).await {
            Ok(Ok(Ok(line))) => Ok((process, line)),
            Ok(Ok(Err(output::TooLong))) => Err(NoFirstLine::TooLong),
            Err(_elapsed) => Err(process.silent("says nothing")),
            Ok(Err(_dropped)) => Err(process.silent("ended without saying anything")),
        })
    }

    /// Its number.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Waits until it has ended; how.
    pub(super) async fn ended(&self) -> Arc<str> {
        let mut ended = self.ended.clone();
        let found = ended.wait_for(Option::is_some).await.ok();
        found.and_then(|how| how.clone()).unwrap_or_else(|| "killed".into())
    }

    /// Kills it if it is still there; returns when it is gone.
    pub(super) async fn kill(&self) {
        self.kill.notify_one();
        self.ended().await;
    }

    fn keep(mut child: Child, plugin: Arc<str>) -> io::Result<(Self, oneshot::Receiver<FirstLine>)> {
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        let pid = child.id().ok_or_else(gone)?;
        let group = Group(i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(gone)?);
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let source = |stream| Source {
            plugin: Arc::clone(&plugin),
            pid,
            stream,
        };
        let (first, first_line) = oneshot::channel();
        let last_words = LastWords::default();
        let mut output = JoinSet::new();
        output.spawn(output::read_stdout(stdout.ok_or_else(gone)?, source("stdout"), first));
        output.spawn(output::read_stderr(
            stderr.ok_or_else(gone)?,
            source("stderr"),
            last_words.clone(),
        ));
        let (tell, ended) = watch::channel(None);
        let kill = Arc::new(Notify::new());
        tokio::spawn(keep(child, group, Arc::clone(&kill), tell, output));
        let process = Self {
            pid,
            plugin,
            kill,
            ended,
            last_words,
        };
        Ok((process, first_line))
    }

    fn silent(&self, what: &str) -> NoFirstLine {
        tracing::warn!(plugin = %self.plugin, last_words = self.last_words.get(), "plugin {what}");
        NoFirstLine::TimedOut
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill.notify_one();
    }
}

/// A process and all that it has spawned and not sent away; killed when dropped.
#[derive(Debug)]
struct Group(Pid);

impl Group {
    fn kill(&self) {
        // What fails is that there is nobody left.
        let _nobody = kill_process_group(self.0, Signal::KILL);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn keep(
    mut child: Child,
    group: Group,
    kill: Arc<Notify>,
    tell: watch::Sender<Option<Arc<str>>>,
    mut output: JoinSet<io::Result<()>>,
) {
    let ended = tokio::select! {
        ended = child.wait() => ended,
        () = kill.notified() => {
            group.kill();
            child.wait().await
        }
    };
    drop(group);
    tell.send_replace(Some(describe(ended)));
    let all_said = async { while output.join_next().await.is_some() {} };
    // What is still open after that is no longer the plugin's.
    let _all_said = tokio::time::timeout(LAST_OUTPUT, all_said).await;
}

fn describe(ended: io::Result<ExitStatus>) -> Arc<str> {
    match ended {
        Ok(status) => status.to_string().into(),
        Err(error) => error.to_string().into(),
    }
}

#[cfg(test)]
mod tests;
