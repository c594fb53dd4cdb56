//! The program under test as a command that ends by itself, and other programs that do.

use std::{
    ffi::OsStr,
    process::{Command, Stdio},
};

use super::gyre;

/// What a program said until it ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
}

/// Runs `gyre` with these arguments.
#[track_caller]
pub(crate) fn gyre(arguments: &[&str]) -> Finished {
    gyre_with(arguments, &[])
}

/// Runs `gyre` with these arguments and environment variables.
#[track_caller]
pub(crate) fn gyre_with(arguments: &[&str], environment: &[(&str, &str)]) -> Finished {
    let mut command = Command::new(gyre::binary());
    command.args(arguments).envs(environment.iter().copied());
    finish(command)
}

/// Runs `gyre` with these arguments and its standard output there.
#[track_caller]
pub(crate) fn gyre_into(arguments: &[&str], stdout: Stdio) -> Finished {
    let mut command = Command::new(gyre::binary());
    command.args(arguments).stdout(stdout);
    finish(command)
}

/// Runs a program of the machine.
///
/// # Panics
/// When it is not installed.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Finished {
    let mut command = Command::new(program);
    command.args(arguments);
    finish(command)
}

#[track_caller]
fn finish(mut command: Command) -> Finished {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", command.get_program()));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Finished {
        code: output.status.code(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}
