//! Real clients, as their users run them. A client that is not installed fails its test, and the text says what to
//! install.

mod cli;
mod curl;
mod python;

use std::process::{Command, Stdio};

/// Runs a program to its end; what it printed.
///
/// # Panics
/// When it cannot be started, which `install` explains, or fails.
#[track_caller]
fn run(program: &str, arguments: &[&str], install: &str) -> String {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {program}: {error}: {install}"));
    let (printed, complaints) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{printed}\n{complaints}",
        output.status
    );
    printed
}
