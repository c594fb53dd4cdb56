//! The only unsafe code of plugins: what a child does between `fork` and `exec`.
//!
//! Two things cannot be had from the standard library. A child must be killed when Gyre dies, which on Linux it asks
//! for itself; and `exec` must fail for a file that is no program, where `execvp` of the C library hands it to a shell.
//!
//! The child of a process with threads may only do what is safe in a signal handler: no allocation, no lock. Here it
//! makes three system calls, with memory that was filled before the fork and that the closure owns.

#![expect(
    unsafe_code,
    reason = "pre_exec and execve are unsafe; the argument is above and at each block"
)]

use std::{
    ffi::{CString, OsStr, OsString, c_char},
    io,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::Path,
    process::Stdio,
    ptr,
};

use rustix::process::{Pid, getpid, getppid};
use tokio::process::Command;

/// The command that runs a file with one argument and, in addition to Gyre's own environment, one variable. Its process
/// leads a group of its own, reads nothing, and is killed when the thread that spawned it ends.
///
/// # Errors
/// When a text contains a zero byte.
pub(super) fn command(file: &Path, argument: &str, (name, value): (&str, &str)) -> io::Result<Command> {
    let parent = getpid();
    let image = Image::new(file, argument, (name, value))?;
    let mut command = Command::new(file);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.process_group(0);
    // SAFETY: `die_with` and `Image::exec` only make system calls, on memory that `image` owns.
    unsafe {
        command.pre_exec(move || {
            die_with(parent)?;
            Err(image.exec())
        });
    }
    Ok(command)
}

/// Asks to be killed when the parent dies; fails if it is dead already, which would never be told.
fn die_with(parent: Pid) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    if getppid() == Some(parent) {
        Ok(())
    } else {
        Err(io::Error::from_raw_os_error(libc::ESRCH))
    }
}

/// What `execve` is called with.
struct Image {
    file: CString,
    argv: Texts,
    environment: Texts,
}

/// Texts for C: a list of pointers that a null one ends, and what they point to.
struct Texts {
    pointers: Vec<*const c_char>,
    _texts: Vec<CString>,
}

// SAFETY: the pointers lead into the texts beside them, whose bytes are on the heap and never change.
unsafe impl Send for Texts {}
// SAFETY: as above.
unsafe impl Sync for Texts {}

impl Image {
    fn new(file: &Path, argument: &str, (name, value): (&str, &str)) -> io::Result<Self> {
        let path = CString::new(file.as_os_str().as_bytes())?;
        let inherited = std::env::vars_os().filter(|(key, _)| key != name);
        let variables = inherited.chain([(name.into(), value.into())]);
        let variables = variables.map(|(key, value)| assignment(key, &value));
        Ok(Self {
            argv: Texts::new([Ok(path.clone()), CString::new(argument)])?,
            environment: Texts::new(variables)?,
            file: path,
        })
    }

    /// Becomes that program, or answers why not.
    fn exec(&self) -> io::Error {
        // SAFETY: all three point to texts that end with zero, and both lists end with a null pointer.
        unsafe {
            libc::execve(
                self.file.as_ptr(),
                self.argv.pointers.as_ptr(),
                self.environment.pointers.as_ptr(),
            );
        }
        io::Error::last_os_error()
    }
}

impl Texts {
    fn new(texts: impl IntoIterator<Item = Result<CString, std::ffi::NulError>>) -> io::Result<Self> {
        let texts: Vec<CString> = texts.into_iter().collect::<Result<_, _>>()?;
        let pointers = texts.iter().map(|text| text.as_ptr());
        Ok(Self {
            pointers: pointers.chain([ptr::null()]).collect(),
            _texts: texts,
        })
    }
}

fn assignment(mut key: OsString, value: &OsStr) -> Result<CString, std::ffi::NulError> {
    key.push("=");
    key.push(value);
    CString::new(key.into_vec())
}
