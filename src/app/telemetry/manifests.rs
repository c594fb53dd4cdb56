//! Tasks of files in the directories to discover.
//!
//! A file's task keeps its id over restarts, so that it is not there twice, and what was counted stays. It follows its
//! file: when that has changed, a new task takes its place; else it stays in the state in which its users left it.

use std::{io, path::Path};

use sha2::{Digest, Sha256};
use uuid::Builder;

use crate::{
    actors::{TaskError, TasksHandle},
    base::Clock,
    workflow::manifest::{self, Manifest, ManifestError},
};

/// No task of a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum AddError {
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error(transparent)]
    Task(#[from] TaskError),
}

/// Takes the task of a file in, and starts it.
pub(super) async fn add(tasks: &TasksHandle, file: &Path, clock: &dyn Clock, expand_env: bool) -> Result<(), AddError> {
    let mut text = tokio::fs::read_to_string(file).await?;
    if expand_env {
        text = manifest::expand(&text, |name| std::env::var(name).ok());
    }
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let manifest = match is_json {
        true => manifest::from_json(text.as_bytes(), clock.now())?,
        false => manifest::from_yaml(&text, clock.now())?,
    };
    let manifest = Manifest {
        start: true,
        ..manifest
    };
    let id = id(file);
    if let Ok(known) = tasks.get(&id) {
        if *known.manifest == manifest {
            return Ok(());
        }
        // An error says that it does not run.
        let _stopped = tasks.stop(&id).await;
        tasks.remove(&id).await?;
    }
    tasks.add(Some(&id), manifest).await?;
    Ok(())
}

/// The id of a file's task: of the form that all ids have, made from its path.
fn id(file: &Path) -> String {
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, of_path)| *byte = of_path);
    Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_id() {
        let (one, other) = (id(Path::new("/a/b.json")), id(Path::new("/a/c.json")));
        assert_eq!(one, id(Path::new("/a/b.json")));
        assert!(one != other && uuid::Uuid::parse_str(&one).is_ok());
    }
}
