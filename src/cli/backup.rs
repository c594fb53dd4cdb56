//! `gyre backup`: everything that a running Gyre holds itself, in one file.
//!
//! The file gets its name when it was read back and found whole.

use std::{
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use gyre::app::restore::{self, Checked};
use reqwest::Method;

use super::{
    out,
    progress::Progress,
    remote::{Remote, wait_for},
};

/// What to back up, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// The file to write; an older backup of this name is replaced when the new one is whole.
    #[arg(long)]
    out: PathBuf,
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match backup(arguments) {
        Ok(checked) => out::end(describe(&checked), ""),
        Err(error) => out::end(Err(error), "no backup was made: "),
    }
}

fn backup(Arguments { remote, out }: &Arguments) -> anyhow::Result<Checked> {
    let unfinished = out.with_added_extension("part");
    let made = download(remote, &unfinished).and_then(|progress| {
        let checked = restore::check(&unfinished, &mut |_| ())?;
        rename(&unfinished, out)?;
        progress.finish();
        Ok(checked)
    });
    if made.is_err() && fs::exists(&unfinished).unwrap_or(false) {
        fs::remove_file(&unfinished).with_context(|| format!("cannot remove {}", unfinished.display()))?;
    }
    made
}

fn download(remote: &Remote, file: &Path) -> anyhow::Result<Progress> {
    wait_for(async {
        let mut progress = Progress::new("received", "pieces");
        let mut answer = remote.open(Method::POST, "/gyre/backup").await?;
        let mut to = File::create(file).with_context(|| format!("cannot create {}", file.display()))?;
        while let Some(piece) = answer.chunk().await? {
            to.write_all(&piece)
                .with_context(|| format!("cannot write {}", file.display()))?;
            progress.add(1, piece.len());
        }
        to.sync_all()
            .with_context(|| format!("cannot sync {}", file.display()))?;
        Ok(progress)
    })
}

fn rename(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::rename(from, to).with_context(|| format!("cannot rename {} to {}", from.display(), to.display()))?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty());
    let synced = File::open(dir.unwrap_or(Path::new("."))).and_then(|dir| dir.sync_all());
    synced.with_context(|| format!("cannot make the name {} durable", to.display()))
}

/// Says what a backup holds, and what it does not.
pub(super) fn describe(checked: &Checked) -> anyhow::Result<()> {
    let Checked {
        description, totals, ..
    } = checked;
    let names: Vec<&str> = description.engines.iter().map(|engine| engine.name.as_str()).collect();
    out::line(format_args!(
        "backup of {} by gyre {}: {} files, {} bytes; backends {}",
        description.made,
        description.gyre,
        totals.entries,
        totals.bytes,
        names.join(", ")
    ))?;
    if !description.not_covered.is_empty() {
        out::line(format_args!(
            "not in it, as they keep their points themselves: {}",
            description.not_covered.join(", ")
        ))?;
    }
    Ok(())
}
