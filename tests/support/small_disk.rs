//! A disk that is really full.
//!
//! A tmpfs of a few megabytes, mounted in a mount namespace of its own, so that the mount goes away with the process
//! that holds it and is never seen by the machine. The server under test is started inside that namespace; the test
//! fills the disk from outside, through `/proc/PID/root`. A user namespace makes it work without being root, too.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tempfile::TempDir;

use super::{dir, process::Process, wait};

/// Mounting is instant; the limit is for a loaded machine.
const MOUNT: Duration = Duration::from_secs(10);

/// The ballast is written in steps of one page, so that not even a small append fits afterwards.
const PAGE: [u8; 4096] = [0; 4096];

/// A mounted disk of limited size.
#[derive(Debug)]
pub(crate) struct SmallDisk {
    holder: Process,
    dir: TempDir,
}

impl SmallDisk {
    /// Mounts a disk of `mebibytes`.
    ///
    /// # Panics
    /// When the machine allows neither root nor an unprivileged user to mount in a namespace of their own.
    pub(crate) fn mount(mebibytes: u32) -> Self {
        let dir = dir::temp_dir();
        let mount_point = dir.path().join("disk");
        std::fs::create_dir(&mount_point).expect("the test's directory is writable");
        let script = format!(
            "mount -t tmpfs -o size={mebibytes}m gyre-test {} && echo mounted && exec sleep infinity",
            mount_point.display()
        );
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
        let mut holder = Process::start("holder of the small disk", &command, &dir.path().join("holder.log"));
        wait::until("the small disk is mounted", MOUNT, || {
            let log = holder.log();
            assert!(
                holder.exit_status().is_none(),
                "cannot mount in a namespace of our own (is it forbidden here?): {log}"
            );
            log.contains("mounted").then_some(())
        });
        Self { holder, dir }
    }

    /// Where processes started by [`SmallDisk::launcher`] see it.
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("disk")
    }

    /// The command that runs its arguments where the disk is mounted, in the same process.
    pub(crate) fn launcher(&self) -> Vec<OsString> {
        let target = self.holder.id().to_string();
        [
            "nsenter",
            "--target",
            &target,
            "--user",
            "--mount",
            "--preserve-credentials",
        ]
        .map(OsString::from)
        .to_vec()
    }

    /// Takes all space that is left. Needs to be called again when its user has freed some.
    pub(crate) fn fill(&self) {
        let mut ballast = File::options()
            .create(true)
            .append(true)
            .open(self.ballast())
            .expect("the disk can be seen");
        let error = loop {
            if let Err(error) = ballast.write_all(&PAGE) {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
    }

    /// Takes all space that is left but so many bytes, in whole pages.
    pub(crate) fn fill_but(&self, bytes: u64) {
        self.fill();
        let ballast = File::options()
            .write(true)
            .open(self.ballast())
            .expect("it was filled just now");
        let taken = ballast.metadata().expect("an open file has a length").len();
        ballast
            .set_len(taken.saturating_sub(bytes))
            .expect("less is always possible");
    }

    /// Gives back what [`SmallDisk::fill`] took.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.ballast()).expect("the disk was filled before");
    }

    fn ballast(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        let inside = self.path();
        root.join(inside.strip_prefix("/").unwrap_or(Path::new("")))
            .join("ballast")
    }
}
