//! The Python of the environment that `scripts/python-env` makes, with the packages of `tests/requirements.txt`.

use std::{
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

/// The interpreter; the environment is made on first use.
pub(crate) static PYTHON: LazyLock<String> = LazyLock::new(|| {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/python-env");
    let output = Command::new(&script).stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
    let complaints = String::from_utf8_lossy(&output.stderr);
    let needs = "python3 with venv and a package index are needed once";
    assert!(output.status.success(), "{needs}:\n{complaints}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
});
