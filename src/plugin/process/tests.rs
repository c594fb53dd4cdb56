use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use rustix::process::test_kill_process;

use super::*;

const WITHIN: Duration = Duration::from_secs(10);
const MARKER: (&str, &str) = ("GYRE_PLUGIN_TEST", "me");

/// A file of that content that may be executed.
fn executable(dir: &tempfile::TempDir, content: &[u8]) -> PathBuf {
    let path = dir.path().join("plugin");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

async fn start(script: &str, within: Duration) -> io::Result<Result<(Process, String), NoFirstLine>> {
    let dir = tempfile::tempdir().unwrap();
    let path = executable(&dir, script.as_bytes());
    let started = Process::start(&path, "{\"argument\":1}", MARKER, within).await?;
    Ok(started.map(|(process, line)| (process, String::from_utf8(line).unwrap())))
}

fn is_alive(pid: u32) -> bool {
    test_kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap()).is_ok()
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.expect("in time");
}

#[tokio::test]
async fn says_its_first_line_and_is_killed_with_its_children() {
    let script = "#!/bin/sh\nsleep 1000 &\necho \"$1 $GYRE_PLUGIN_TEST $!\"\nsleep 1000\n";
    let (process, line) = start(script, WITHIN).await.unwrap().unwrap();
    let mut words = line.split(' ');
    assert_eq!((words.next(), words.next()), (Some("{\"argument\":1}"), Some("me")));
    let grandchild = words.next().unwrap().parse().unwrap();
    assert!(is_alive(process.pid()) && is_alive(grandchild));
    let pid = process.pid();
    process.kill().await;
    assert!(!is_alive(pid), "killed and waited for");
    until(|| !is_alive(grandchild) || is_zombie(grandchild)).await;
}

/// Killed, but not waited for by its new parent.
fn is_zombie(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    status.contains(") Z ")
}

#[tokio::test]
async fn dropping_kills() {
    let (process, _) = start("#!/bin/sh\necho hi\nsleep 1000\n", WITHIN)
        .await
        .unwrap()
        .unwrap();
    let pid = process.pid();
    drop(process);
    until(|| !is_alive(pid)).await;
}

#[tokio::test]
async fn an_end_is_noticed_and_what_it_leaves_behind_is_killed() {
    let script = "#!/bin/sh\nsleep 1000 &\necho $!\nexit 3\n";
    let (process, line) = start(script, WITHIN).await.unwrap().unwrap();
    assert_eq!(&*process.ended().await, "exit status: 3");
    let left_behind = line.parse().unwrap();
    until(|| !is_alive(left_behind) || is_zombie(left_behind)).await;
}

#[tokio::test]
async fn what_is_no_program_cannot_be_executed() {
    let error = |script| async move { start(script, WITHIN).await.unwrap_err().raw_os_error() };
    assert_eq!(error("junk").await, Some(libc::ENOEXEC), "no shell runs it");
    assert_eq!(error("#!/nonexistent\n").await, Some(libc::ENOENT));
}

#[tokio::test]
async fn a_first_line_must_come_in_time() {
    let ended = start("#!/bin/sh\nexit 0\n", WITHIN).await.unwrap().unwrap_err();
    assert_eq!(ended, NoFirstLine::TimedOut);
    let silent = start("#!/bin/sh\nsleep 1000\n", Duration::from_millis(50))
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(silent, NoFirstLine::TimedOut);
    let endless = start("#!/bin/sh\nexec head -c 100000000 /dev/zero\n", WITHIN)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(endless, NoFirstLine::TooLong);
}

#[tokio::test]
async fn a_file_that_was_just_written_can_be_executed() {
    let writers = (0..16).map(|_| start("#!/bin/sh\necho hi\n", WITHIN));
    for started in futures_util::future::join_all(writers).await {
        assert_eq!(started.unwrap().unwrap().1, "hi");
    }
}
