//! Snap plugins to test with, as single executable files, and the processes that a server made of them.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{dir, python::PYTHON};

/// Plugins in `tests/plugins`, and the names of their files as clients upload them.
const PLUGINS: [(&str, &str); 8] = [
    ("pydemo", "snap-plugin-collector-pydemo"),
    ("pytag", "snap-plugin-processor-pytag"),
    ("pyfile", "snap-plugin-publisher-pyfile"),
    ("pystream", "snap-plugin-streaming-collector-pystream"),
    ("mock_grpc", "snap-plugin-collector-mock2-grpc"),
    ("passthru_grpc", "snap-plugin-processor-passthru-grpc"),
    ("mock_file_grpc", "snap-plugin-publisher-mock-file-grpc"),
    ("rand_streamer", "snap-plugin-streaming-collector-rand1"),
];

/// What snap-plugin-lib-py 1.3.1 wants of a Python newer than itself.
const PATCH: &str = "import collections, collections.abc; collections.MutableMapping = collections.abc.MutableMapping";

/// Marks plugin processes with [`mark_of`] their Gyre's data directory.
pub(crate) const OWNER_VARIABLE: &str = "GYRE_PLUGIN_OF";

/// An executable file that is a plugin, or says so.
#[derive(Debug)]
pub(crate) struct Plugin {
    path: PathBuf,
    dir: TempDir,
}

/// A process of a plugin.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PluginProcess {
    /// Its process id.
    pub(crate) pid: u32,
    /// Its arguments, joined by spaces.
    pub(crate) command: String,
}

impl Plugin {
    /// The plugin `tests/plugins/NAME.py`.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn new(name: &str) -> Self {
        let found = PLUGINS.iter().find(|(plugin, _)| *plugin == name);
        let (_, file_name) = found.unwrap_or_else(|| panic!("no plugin is named {name}"));
        Self::python(file_name, "", name)
    }

    /// A plugin of type `kind` that does `fault` when `call` is called; see `tests/plugins/bad.py`.
    pub(crate) fn bad(kind: &str, call: &str, fault: &str) -> Self {
        let constants = format!("KIND, CALL, FAULT = {kind:?}, {call:?}, {fault:?}\n");
        Self::python(&format!("snap-plugin-{kind}-bad"), &constants, "bad")
    }

    /// An executable file with this content.
    pub(crate) fn script(file_name: &str, content: &str) -> Self {
        let dir = dir::temp_dir();
        let path = dir.path().join(file_name);
        fs::write(&path, content).expect("the test's directory is writable");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is the test's own file");
        Self { path, dir }
    }

    fn python(file_name: &str, constants: &str, module: &str) -> Self {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/plugins/{module}.py"));
        let source = fs::read_to_string(&source).unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        Self::script(file_name, &format!("#!{}\n{PATCH}\n{constants}{source}", *PYTHON))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name of the file.
    pub(crate) fn file_name(&self) -> &str {
        self.path
            .file_name()
            .and_then(|name| name.to_str())
            .expect("names are UTF-8")
    }

    /// What is in the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        fs::read(&self.path).expect("it is the test's own file")
    }

    /// Puts a copy into a directory, executable.
    pub(crate) fn copy_to(&self, dir: &Path) -> PathBuf {
        let copy = dir.join(self.file_name());
        fs::copy(&self.path, &copy).expect("the test's directory is writable");
        copy
    }
}

/// The processes that carry the mark of the Gyre with that data directory, whoever their parent is now.
pub(crate) fn processes_of(data: &Path) -> Vec<PluginProcess> {
    processes_with(&mark_of(data))
}

/// The processes that carry that mark.
pub(crate) fn processes_with(mark: &str) -> Vec<PluginProcess> {
    let processes = fs::read_dir("/proc").expect("Linux shows processes in /proc");
    let pids = processes
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<PluginProcess> = pids
        .filter(|pid| owner(*pid).as_deref() == Some(mark))
        .map(process)
        .collect();
    found.sort();
    found
}

/// The processes of one plugin among them; its name as part of its file's name.
pub(crate) fn processes_named(data: &Path, name: &str) -> Vec<u32> {
    let all = processes_of(data).into_iter();
    all.filter(|process| process.command.contains(name))
        .map(|process| process.pid)
        .collect()
}

/// `kill -9` for one process.
///
/// # Panics
/// When it is not there.
#[track_caller]
pub(crate) fn kill9(pid: u32) {
    let shell = Command::new("sh")
        .args(["-c", &format!("kill -s KILL {pid}")])
        .stdin(Stdio::null())
        .status();
    assert!(
        shell.expect("a POSIX shell is installed").success(),
        "cannot kill {pid}"
    );
}

/// What the plugin processes of the Gyre with that data directory carry: its path, device and inode.
pub(crate) fn mark_of(data: &Path) -> String {
    let path = fs::canonicalize(data).expect("the data directory is there");
    let of_dir = fs::metadata(&path).expect("it has just been found");
    format!("{}@{}:{}", path.display(), of_dir.dev(), of_dir.ino())
}

fn owner(pid: u32) -> Option<String> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let variables = environment
        .split(|byte| *byte == 0)
        .filter_map(|variable| str::from_utf8(variable).ok());
    let prefix = format!("{OWNER_VARIABLE}=");
    let mark = variables.filter_map(|variable| variable.strip_prefix(&prefix)).next()?;
    Some(mark.to_owned())
}

fn process(pid: u32) -> PluginProcess {
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    PluginProcess { pid, command }
}
