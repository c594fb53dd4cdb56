//! Which plugins may run: those signed by a key of the configured keyrings, when signatures are wanted.
//!
//! A signature is OpenPGP's, detached, armored or not, and `gpgv` checks it: it trusts exactly the keyrings that it is
//! given. It reads binary keyrings only, so armored ones are converted once, when they are loaded.

use std::{
    fmt,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{io::AsyncWriteExt, process::Command, time};

mod armor;
mod keyring;

pub use keyring::Keyring;

/// The program that checks signatures.
const GPGV: &str = "gpgv";
/// How long it may take; it reads a plugin of the greatest size in far less.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Whether plugins must be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Level {
    /// Signatures are not looked at.
    #[default]
    Off,
    /// A plugin without a signature is loaded with a warning; a signature that is there must be right.
    Warn,
    /// Only signed plugins are loaded.
    On,
}

/// Why a plugin or the keyrings are not trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// `gpgv` is not installed.
    #[error("plugin signatures are checked by {GPGV}, which is not installed")]
    NoChecker,
    /// A keyring cannot be used.
    #[error("cannot read keyring {path}: {source}")]
    Keyring {
        /// Its file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Signatures are wanted and there is none.
    #[error("Error checking signature\nthe plugin has no signature")]
    Unsigned,
    /// The signature is not one of a trusted key over this file; what `gpgv` says.
    #[error("Error checking signature\n{0}")]
    Refused(String),
    /// The check could not be made.
    #[error("Error checking signature\n{0}")]
    Failed(#[from] io::Error),
}

/// Decides about plugins that are about to be loaded.
#[derive(Debug)]
pub struct Trust {
    level: Level,
    keyring: Keyring,
}

impl Trust {
    /// Trusts everything.
    #[must_use]
    pub fn off() -> Self {
        Self {
            level: Level::Off,
            keyring: Keyring::default(),
        }
    }

    /// Reads the keyrings, unless the level is [`Level::Off`]; `scratch` is a directory of its own for converted ones.
    ///
    /// # Errors
    /// When a keyring cannot be read, or `gpgv` is not installed.
    pub async fn load(level: Level, keyrings: &[PathBuf], scratch: &Path) -> Result<Self, TrustError> {
        if level == Level::Off {
            return Ok(Self::off());
        }
        require_checker().await?;
        let keyring = Keyring::load(keyrings, scratch)?;
        Ok(Self { level, keyring })
    }

    /// Whether the plugin in `file` is known to be signed by a trusted key.
    ///
    /// # Errors
    /// When it may not be loaded: it has no signature and needs one, or has one that is not right.
    pub async fn check(&self, file: &[u8], signature: Option<&[u8]>) -> Result<bool, TrustError> {
        match (self.level, signature) {
            (Level::Off, _) | (Level::Warn, None) => Ok(false),
            (Level::On, None) => Err(TrustError::Unsigned),
            (_, Some(signature)) => self.keyring.verify(file, signature).await.map(|()| true),
        }
    }
}

impl Keyring {
    /// Checks a detached signature over `file`.
    ///
    /// # Errors
    /// When it is not a good signature of a key of this keyring, by a key that is neither expired nor revoked.
    pub async fn verify(&self, file: &[u8], signature: &[u8]) -> Result<(), TrustError> {
        let written = self.write_signature(signature).await?;
        let mut command = gpgv();
        command.args(["--status-fd", "1"]);
        command.arg("--keyring").arg(self.file());
        command.arg("--").arg(written.path()).arg("-");
        let output = feed(command, file).await?;
        verdict(&output)
    }
}

/// `gpgv` says `GOODSIG` only of keys that are in force; its status alone does not tell.
fn verdict(output: &Output) -> Result<(), TrustError> {
    let status = String::from_utf8_lossy(&output.stdout);
    let good = status.lines().any(|line| line.starts_with("[GNUPG:] GOODSIG "));
    if output.status.success() && good {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("no signature found");
    Err(TrustError::Refused(last.trim_start_matches("gpgv: ").to_owned()))
}

async fn require_checker() -> Result<(), TrustError> {
    match feed(gpgv_version(), b"").await {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(TrustError::NoChecker),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

fn gpgv_version() -> Command {
    let mut command = gpgv();
    command.arg("--version");
    command
}

fn gpgv() -> Command {
    let mut command = Command::new(GPGV);
    command
        .env("LC_ALL", "C") // its words go into error texts
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs it with `input`, which it need not read to the end.
async fn feed(mut command: Command, input: &[u8]) -> io::Result<Output> {
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take();
    let write = async {
        if let Some(mut pipe) = stdin.take() {
            ignore_broken_pipe(pipe.write_all(input).await)?;
        }
        Ok(())
    };
    let run = async { tokio::try_join!(write, child.wait_with_output()) };
    let ((), output) = time::timeout(TIMEOUT, run).await.map_err(io::Error::from)??;
    Ok(output)
}

fn ignore_broken_pipe(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::On => "on",
        })
    }
}

#[cfg(test)]
mod tests;
