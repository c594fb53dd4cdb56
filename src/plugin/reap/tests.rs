//! Real processes: those with the mark end, all others go on.
#![cfg(target_os = "linux")]

use std::process::{Child, Command, Stdio};

use super::*;

/// A child of the shell, which ends at once: nobody here is its parent any more, as after a crash.
fn orphan(mark: &str) -> u32 {
    let output = Command::new("sh")
        .args(["-c", "sleep 600 >/dev/null 2>&1 </dev/null & echo $!"])
        .env(OWNER_VARIABLE, mark)
        .output()
        .unwrap();
    let id = String::from_utf8(output.stdout).unwrap();
    id.trim().parse().unwrap()
}

fn child(mark: &str) -> Child {
    let mut command = Command::new("sleep");
    command
        .arg("600")
        .env(OWNER_VARIABLE, mark)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// Whether it runs: one that nobody has waited for yet has no environment.
fn lives(pid: u32) -> bool {
    std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| !environment.is_empty())
}

#[tokio::test]
async fn orphans_end_and_others_go_on() {
    let own = tempfile::tempdir().unwrap();
    let mark = own.path().to_str().unwrap();
    let longer = format!("{mark}-2");
    let (one, two, foreign) = (orphan(mark), orphan(mark), orphan(&longer));
    let mut mine = child(mark);

    assert_eq!(orphans(mark).await.unwrap(), 2);
    assert!(!lives(one) && !lives(two), "they are gone when it answers");
    assert!(lives(foreign), "another directory's plugin lives");
    assert!(mine.try_wait().unwrap().is_none(), "a running Gyre's own plugin lives");

    assert_eq!(orphans(&longer).await.unwrap(), 1);
    assert_eq!(orphans(mark).await.unwrap(), 0);
    mine.kill().unwrap();
    mine.wait().unwrap();
}
