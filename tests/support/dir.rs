//! Directories that go away with the test.

use tempfile::TempDir;

/// An empty directory, removed when dropped.
pub(crate) fn temp_dir() -> TempDir {
    tempfile::Builder::new()
        .prefix("gyre-test-")
        .tempdir()
        .expect("the temporary directory is writable")
}
