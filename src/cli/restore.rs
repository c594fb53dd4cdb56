//! `gyre restore`: a backup becomes a data directory, or is only checked.

use std::{path::PathBuf, process::ExitCode};

use gyre::{
    app::restore::{self, Checked},
    config,
};

use super::{backup::describe, out, progress::Progress};

/// Which backup to restore, and where to.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub(crate) struct Arguments {
    /// The backup.
    file: PathBuf,
    /// The data directory to make; it must be empty or absent.
    #[arg(long, group = "target")]
    data_dir: Option<PathBuf>,
    /// The configuration whose data directory to make, and whose backends must be those of the backup.
    #[arg(long, group = "target")]
    config: Option<PathBuf>,
    /// Restore nothing, say whether the backup is whole.
    #[arg(long, group = "target")]
    check: bool,
}

/// Carries the command out; `environment` overrides the configuration.
pub(crate) fn run(arguments: &Arguments, environment: impl Iterator<Item = (String, String)>) -> ExitCode {
    match restore(arguments, environment) {
        Ok(checked) => out::end(describe(&checked), ""),
        Err(error) => out::end(Err(error), "nothing was restored: "),
    }
}

fn restore(arguments: &Arguments, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<Checked> {
    let Arguments {
        file,
        data_dir,
        config,
        check: _,
    } = arguments;
    let config = config
        .as_ref()
        .map(|file| config::load(file, environment))
        .transpose()?;
    let dir = data_dir.as_ref().or(config.as_ref().map(|config| &config.data.dir));
    dir.map_or(Ok(()), |dir| restore::ensure_empty(dir))?;
    let checked = with_progress("checked", |progress| restore::check(file, progress))?;
    let missing = config
        .as_ref()
        .map_or_else(Vec::new, |config| checked.missing_in(config));
    anyhow::ensure!(
        missing.is_empty(),
        "the configuration has no embedded backend of these names, whose points are in the backup: {}",
        missing.join(", ")
    );
    if let Some(dir) = dir {
        with_progress("restored", |progress| checked.restore(dir, progress))?;
    }
    Ok(checked)
}

fn with_progress<T>(
    verb: &'static str,
    work: impl FnOnce(&mut dyn FnMut(u64)) -> Result<T, restore::RestoreError>,
) -> anyhow::Result<T> {
    let mut progress = Progress::new(verb, "pieces");
    let done = work(&mut |bytes| progress.add(1, usize::try_from(bytes).unwrap_or(usize::MAX)))?;
    progress.finish();
    Ok(done)
}
