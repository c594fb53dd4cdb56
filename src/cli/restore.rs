//! `gyre restore`: a backup becomes a data directory, or is only checked.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use gyre::{
    app::restore::{self, Checked},
    config,
};

use super::{backup::describe, progress::Progress};

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
        Ok(checked) => {
            describe(&checked);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("nothing was restored: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn restore(arguments: &Arguments, environment: impl Iterator<Item = (String, String)>) -> anyhow::Result<Checked> {
    let Arguments {
        file,
        data_dir,
        config,
        check: _,
    } = arguments;
    if let Some(config) = config {
        let config = config::load(config, environment)?;
        let checked = with_progress("checked", |progress| restore::check(file, progress))?;
        let missing = checked.missing_in(&config);
        anyhow::ensure!(
            missing.is_empty(),
            "the configuration has no embedded backend of these names, whose points are in the backup: {}",
            missing.join(", ")
        );
        return restore_into(file, &config.data.dir);
    }
    match data_dir {
        Some(dir) => restore_into(file, dir),
        None => with_progress("checked", |progress| restore::check(file, progress)),
    }
}

fn restore_into(file: &Path, dir: &Path) -> anyhow::Result<Checked> {
    with_progress("restored", |progress| restore::restore(file, dir, progress))
        .with_context(|| format!("{} into {}", file.display(), dir.display()))
}

fn with_progress(
    verb: &'static str,
    work: impl FnOnce(&mut dyn FnMut(u64)) -> Result<Checked, restore::RestoreError>,
) -> anyhow::Result<Checked> {
    let mut progress = Progress::new(verb, "pieces");
    let checked = work(&mut |bytes| progress.add(1, usize::try_from(bytes).unwrap_or(usize::MAX)))?;
    progress.finish();
    Ok(checked)
}
