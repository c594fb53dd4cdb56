//! The publishers `mock-file`, Snap's example, and `file`: metrics as lines at the end of a file.
//!
//! The file is opened for each batch, so that whoever moves it away to rotate it gets a new one, and a batch is one write at
//! the end: tasks may share a file. `file` makes the directories that are missing, `mock-file` does not.

mod line;

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::Arc,
};

use crate::workflow::{Config, Metric, PluginType};

use super::{
    super::{Answer, CallError, Instance},
    Builtin, description,
    options::{self, required_text, rules},
};

/// Snap's example.
pub(super) const MOCK_FILE: Builtin = Builtin {
    kind: PluginType::Publisher,
    name: "mock-file",
    version: 3,
    prefix: &[],
    files: &["snap-plugin-publisher-mock-file"],
    describe: |_| Ok(description(&MOCK_FILE, rules([("file", required_text())]), Vec::new())),
    start: |_| {
        Arc::new(File {
            makes_directories: false,
        })
    },
};

/// For use.
pub(super) const FILE: Builtin = Builtin {
    name: "file",
    version: 2,
    files: &["snap-plugin-publisher-file"],
    describe: |_| Ok(description(&FILE, rules([("file", required_text())]), Vec::new())),
    start: |_| {
        Arc::new(File {
            makes_directories: true,
        })
    },
    ..MOCK_FILE
};

#[derive(Debug)]
struct File {
    makes_directories: bool,
}

impl Instance for File {
    fn publish(&self, metrics: Arc<[Metric]>, config: Arc<Config>) -> Answer<'_, ()> {
        let makes_directories = self.makes_directories;
        Box::pin(async move {
            let path = options::text(&config, "file").to_owned();
            let append = move || {
                let appended = append(Path::new(&path), &line::print(&metrics), makes_directories);
                appended.map_err(|error| CallError::Plugin(format!("{path}: {error}")))
            };
            let died = |error: tokio::task::JoinError| CallError::Plugin(format!("writing died: {error}"));
            tokio::task::spawn_blocking(append).await.map_err(died)?
        })
    }
}

fn append(path: &Path, lines: &str, makes_directories: bool) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|_| makes_directories) {
        fs::create_dir_all(parent)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(lines.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::{ConfigValue, Data, Element};

    fn batch() -> Arc<[Metric]> {
        let metric = Metric {
            data: Data::Int64(7),
            ..Metric::new([Element::new("a")].into_iter().collect(), 1)
        };
        Arc::from([metric])
    }

    async fn publish(makes_directories: bool, file: &Path) -> Result<(), CallError> {
        let path = ConfigValue::String(file.display().to_string());
        let config = Arc::new(Config::from([("file".to_owned(), path)]));
        File { makes_directories }.publish(batch(), config).await
    }

    #[tokio::test]
    async fn a_file_that_was_moved_away_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let (file, moved) = (dir.path().join("m.out"), dir.path().join("m.out.1"));
        publish(false, &file).await.unwrap();
        publish(false, &file).await.unwrap();
        fs::rename(&file, &moved).unwrap();
        publish(false, &file).await.unwrap();
        let lines = |path: &Path| fs::read_to_string(path).unwrap().lines().count();
        assert_eq!((lines(&moved), lines(&file)), (2, 1));
    }

    #[tokio::test]
    async fn only_file_makes_directories() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("not/there/m.out");
        let error = publish(false, &file).await.unwrap_err();
        assert!(error.to_string().starts_with(&file.display().to_string()), "{error}");
        publish(true, &file).await.unwrap();
    }
}
