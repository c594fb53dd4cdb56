//! Standard output, and how a command ends. Whoever reads the output may leave early, as `head` does: that ends the
//! command without a word, while `println!` would panic.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write, stdout},
    process::ExitCode,
};

use serde_json::Value;

/// Why nothing more can be written. It is a type of its own because a connection to Gyre that breaks is no reason to be
/// silent.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
struct Closed;

/// Standard output, for what is not whole lines of text.
#[derive(Debug)]
pub(crate) struct StandardOutput;

impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        stdout().write_all(bytes).map_err(marked)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stdout().flush().map_err(marked)
    }
}

/// Prints a line. The error is for [`end`].
pub(crate) fn line(text: impl Display) -> io::Result<()> {
    writeln!(stdout().lock(), "{text}").map_err(marked)
}

/// Prints a document, indented. The error is for [`end`].
pub(crate) fn json(document: &Value) -> io::Result<()> {
    line(format_args!("{document:#}"))
}

fn marked(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::BrokenPipe {
        io::Error::new(ErrorKind::BrokenPipe, Closed)
    } else {
        error
    }
}

/// Tells an error on standard error, after `what` it means for the whole, and says how the process exits.
pub(crate) fn end(result: anyhow::Result<()>, what: &str) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{what}{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the reader of standard output left.
fn is_closed(error: &anyhow::Error) -> bool {
    let inner = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>()?;
        Some(io.get_ref()?.is::<Closed>())
    };
    error.chain().any(|cause| inner(cause) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_closed_output_is_passed_over() {
        let broken = || io::Error::from(ErrorKind::BrokenPipe);
        let full = io::Error::from(ErrorKind::StorageFull);
        assert!(is_closed(
            &anyhow::Error::from(marked(broken())).context("while printing")
        ));
        assert!(!is_closed(&broken().into()));
        assert!(!is_closed(&marked(full).into()));
    }
}
