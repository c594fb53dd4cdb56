//! Autodiscovery: the plugins and tasks that lie in a directory.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What tasks' manifests are named.
const MANIFESTS: [&str; 3] = ["json", "yaml", "yml"];
/// What a detached signature's name ends with, after the plugin's.
const SIGNATURE: &str = "asc";

/// What lies in a directory; plugins are to be loaded before tasks are created.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Plugins, ordered by name.
    pub plugins: Vec<Candidate>,
    /// Manifests of tasks, ordered by name.
    pub tasks: Vec<PathBuf>,
}

/// A file that may be a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The executable.
    pub path: PathBuf,
    /// Its signature, if one lies beside it.
    pub signature: Option<PathBuf>,
}

/// Looks into a directory, not into those below it. Plugins are executable files, or links to such.
///
/// # Errors
/// When the directory cannot be read.
pub fn scan(dir: &Path) -> io::Result<Discovered> {
    let mut found = Discovered::default();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        if MANIFESTS.contains(&extension) {
            found.tasks.push(path);
        } else if extension != SIGNATURE && is_executable(&path) {
            found.plugins.push(Candidate {
                signature: signature_of(&path),
                path,
            });
        }
    }
    found.plugins.sort();
    found.tasks.sort();
    Ok(found)
}

/// Follows links; one that leads nowhere is no file.
fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

fn signature_of(plugin: &Path) -> Option<PathBuf> {
    let mut name = plugin.file_name()?.to_owned();
    name.push(".");
    name.push(SIGNATURE);
    let signature = plugin.with_file_name(name);
    signature.is_file().then_some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn make(dir: &Path, name: &str, mode: u32) {
        fs::write(dir.join(name), "").unwrap();
        fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn plugins_and_tasks_are_told_apart_and_ordered() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path();
        for name in ["b-plugin", "a-plugin", "x.yaml", "w.json", "v.yml", "a-plugin.asc"] {
            make(here, name, 0o700);
        }
        make(here, "notes.txt", 0o600);
        fs::create_dir(here.join("below")).unwrap();
        std::os::unix::fs::symlink(here.join("b-plugin"), here.join("c-link")).unwrap();
        std::os::unix::fs::symlink(here.join("nothing"), here.join("dangling")).unwrap();

        let found = scan(here).unwrap();
        let plugin = |name: &str, signature: Option<&str>| Candidate {
            path: here.join(name),
            signature: signature.map(|name| here.join(name)),
        };
        let plugins = [
            plugin("a-plugin", Some("a-plugin.asc")),
            plugin("b-plugin", None),
            plugin("c-link", None),
        ];
        assert_eq!(found.plugins, plugins);
        assert_eq!(found.tasks, ["v.yml", "w.json", "x.yaml"].map(|name| here.join(name)));
    }

    #[test]
    fn a_directory_that_is_not_there_is_an_error() {
        assert!(scan(Path::new("/nonexistent/plugins")).is_err());
    }
}
