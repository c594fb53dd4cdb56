//! `gyre backup` and `gyre restore`: what was acknowledged before a backup began is in it, all replicas agree, and the
//! restored server lives on.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{DB, contents, filled, filled_over, gyre, succeed, text};
use crate::{
    embedded,
    support::{
        cli, dir,
        gyre::{Config, Gyre},
        http::Client,
        wait,
    },
};

/// A backup in a directory of its own.
struct Archive {
    dir: TempDir,
    said: cli::Finished,
}

impl Archive {
    #[track_caller]
    fn of(server: &Gyre) -> Self {
        let dir = dir::temp_dir();
        let said = succeed(server.addr(), &["backup", "--out", text(&dir.path().join("archive"))]);
        Self { dir, said }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("archive")
    }

    /// A server over what it holds.
    #[track_caller]
    fn restored(&self, name: &str, config: Config) -> Gyre {
        let data = self.dir.path().join(name);
        let finished = cli::gyre(&["restore", text(&self.file()), "--data-dir", text(&data)]);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        Gyre::start(config.data_dir(&data))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).expect("it is there");
        entries
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect()
    }
}

/// The configuration of one circle of two out of two circles of two.
fn only_circle(circle: usize) -> Config {
    let backend = |n| format!("[[circles.backends]]\nname = \"backend-{circle}-{n}\"\nurl = \"embedded:\"\n");
    let toml = format!("[[circles]]\nname = \"circle-{circle}\"\n{}{}", backend(1), backend(2));
    Config::new(Vec::new()).append(&toml)
}

#[track_caller]
fn number(client: &Client, db: &str, statement: &str) -> i64 {
    let answer = client.query(db, statement);
    answer["results"][0]["series"][0]["values"][0][1].as_i64().unwrap_or(0)
}

#[test]
fn a_restored_server_answers_as_the_source_did() {
    for (circles, per_circle) in [(1, 1), (2, 2)] {
        let source = filled_over(circles, per_circle);
        let client = source.client();
        client.query(DB, "DELETE FROM plain WHERE t = 'a' AND time < 1767225600000000002");
        client.query(DB, "DROP SERIES FROM same WHERE same = 'tag'");
        client.query(DB, "DROP MEASUREMENT \"select\"");
        client.query("", "CREATE DATABASE empty WITH DURATION 3d REPLICATION 1 NAME days");
        let archive = Archive::of(&source);
        let said = &archive.said.stdout;
        assert!(said.contains("backends backend-1-1"), "{said}");
        assert_eq!(archive.names(), ["archive"]);
        let restored = archive.restored("data", embedded::config(circles, per_circle));
        let both = [&client, &restored.client()].map(|client| {
            let aggregates = "SELECT count(*), mean(f), last(s) FROM \"first\".plain GROUP BY t";
            let more = [
                ("", "SHOW DATABASES"),
                ("empty", "SHOW RETENTION POLICIES"),
                (DB, aggregates),
            ];
            let more = more.map(|(db, statement)| client.query(db, statement));
            (contents(client), more)
        });
        assert_eq!(both[0], both[1]);
        assert!(both[0].1[2]["results"][0]["series"][1].is_object(), "{:?}", both[0].1);
    }
}

#[test]
fn a_restored_server_keeps_what_it_is_given_over_kills() {
    let source = filled();
    let archive = Archive::of(&source);
    let mut restored = archive.restored("data", embedded::config(1, 1));
    let mut expected = number(&source.client(), DB, "SELECT count(f) FROM \"first\".plain");
    for round in 0..3 {
        let line = format!("plain,t=new f={round} {round}");
        assert_eq!(restored.client().write(DB, &line).0, 204);
        restored.client().query(
            DB,
            &format!("DELETE FROM same WHERE time = 176722560000000000{}", 5 + round),
        );
        expected += 1;
        let before = contents(&restored.client());
        restored.restart();
        assert_eq!(contents(&restored.client()), before);
        assert_eq!(
            number(&restored.client(), DB, "SELECT count(f) FROM \"first\".plain"),
            expected
        );
        let archive = Archive::of(&restored);
        let again = archive.restored("data", embedded::config(1, 1));
        assert_eq!(contents(&again.client()), before);
    }
}

/// Writes one point after another to two measurements until told to stop; the last one that was acknowledged.
fn write_on(client: &Client, writer: usize, acknowledged: &AtomicI64, stop: &AtomicBool) {
    for n in 1.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let lines = format!("a{writer} v={n}i {n}\nb{writer} v={n}i {n}\n");
        assert_eq!(client.write("d", &lines).0, 204);
        acknowledged.store(n, Ordering::Release);
    }
}

#[test]
fn replicas_agree_on_what_was_written_before_and_during_a_backup() {
    const WRITERS: usize = 3;
    // engines are behind then, each as far as it likes
    let source = Gyre::start(embedded::config(2, 2).set("proxy", "ack", "journal"));
    source.client().query("", "CREATE DATABASE d");
    let stop = Arc::new(AtomicBool::new(false));
    let acknowledged: Vec<Arc<AtomicI64>> = (0..WRITERS).map(|_| Arc::default()).collect();
    let start = |(writer, acknowledged): (usize, &Arc<AtomicI64>)| {
        let (client, acknowledged, stop) = (source.client(), Arc::clone(acknowledged), Arc::clone(&stop));
        thread::spawn(move || write_on(&client, writer, &acknowledged, &stop))
    };
    let writers: Vec<_> = acknowledged.iter().enumerate().map(start).collect();
    wait::until("all write", Duration::from_secs(20), || {
        acknowledged
            .iter()
            .all(|last| last.load(Ordering::Acquire) >= 20)
            .then_some(())
    });
    let before: Vec<i64> = acknowledged.iter().map(|last| last.load(Ordering::Acquire)).collect();
    let archive = Archive::of(&source);
    stop.store(true, Ordering::Relaxed);
    writers.into_iter().for_each(|writer| writer.join().expect("it wrote"));
    let circles = [1, 2].map(|circle| archive.restored(&format!("circle-{circle}"), only_circle(circle)));
    for (writer, before) in before.into_iter().enumerate() {
        let [one, two] = circles.each_ref().map(|circle| {
            ["a", "b"].map(|name| {
                let select =
                    |what: &str| number(&circle.client(), "d", &format!("SELECT {what}(v) FROM {name}{writer}"));
                let (count, last) = (select("count"), select("max"));
                assert_eq!(count, last, "{name}{writer}: no point is missing before another");
                count
            })
        });
        assert_eq!(one, two, "the circles agree about writer {writer}");
        let [a, b] = one;
        assert!(a >= before && b >= before && (a - b).abs() <= 1, "{one:?} of {before}");
    }
}

#[test]
fn a_damaged_backup_is_refused_and_leaves_nothing() {
    let archive = Archive::of(&filled());
    let (whole, data) = (fs::read(archive.file()).unwrap(), archive.dir.path().join("data"));
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let longer = [&whole[..], b"x"].concat();
    let wrong = [
        flipped,
        longer,
        whole[..whole.len() - 1].to_vec(),
        whole[..40].to_vec(),
        b"text".to_vec(),
    ];
    for wrong in wrong {
        fs::write(archive.file(), wrong).unwrap();
        let restored = cli::gyre(&["restore", text(&archive.file()), "--data-dir", text(&data)]);
        let checked = cli::gyre(&["restore", text(&archive.file()), "--check"]);
        for finished in [restored, checked] {
            assert_eq!(finished.code, Some(1));
            assert!(finished.stderr.contains("backup"), "{}", finished.stderr);
        }
        assert_eq!(archive.names(), ["archive"]);
    }
    fs::write(archive.file(), whole).unwrap();
    let checked = cli::gyre(&["restore", text(&archive.file()), "--check"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
}

#[test]
fn a_directory_that_holds_something_is_left_alone() {
    let archive = Archive::of(&filled());
    let data = archive.dir.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("something"), "mine").unwrap();
    let file = archive.file();
    let arguments = ["restore", text(&file), "--data-dir", text(&data)];
    let refused = cli::gyre(&arguments);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is not empty"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(data.join("something")).unwrap(), "mine");
    // an empty one is taken, and what an interrupted restore has left is of no harm
    fs::remove_file(data.join("something")).unwrap();
    fs::create_dir_all(archive.dir.path().join(".data.restoring/tsdb")).unwrap();
    let restored = cli::gyre(&arguments);
    assert_eq!(restored.code, Some(0), "{}", restored.stderr);
    let mut names = archive.names();
    names.sort();
    assert_eq!(names, ["archive", "data"]);
    assert!(data.join("tsdb").is_dir());
}

#[test]
fn the_configuration_must_have_the_backends() {
    let archive = Archive::of(&filled());
    let config = archive.dir.path().join("gyre.toml");
    let restore = |name: &str| {
        let data = archive.dir.path().join(name);
        let toml = format!(
            "[data]\ndir = \"{}\"\n[[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"{name}\"\nurl = \"embedded:\"\n",
            text(&data)
        );
        fs::write(&config, toml).unwrap();
        let finished = cli::gyre(&["restore", text(&archive.file()), "--config", text(&config)]);
        (finished, data.exists())
    };
    let (refused, exists) = restore("other");
    assert!(refused.code == Some(1) && !exists, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("points are in the backup: backend-1-1"),
        "{}",
        refused.stderr
    );
    let (restored, exists) = restore("backend-1-1");
    assert!(restored.code == Some(0) && exists, "{}", restored.stderr);
}

#[test]
fn a_backup_needs_the_credentials() {
    let config = embedded::config(1, 1)
        .set("auth", "username", "u")
        .set("auth", "password", "p");
    let (server, dir) = (Gyre::start(config), dir::temp_dir());
    let out = dir.path().join("archive");
    let refused = gyre(server.addr(), &["backup", "--out", text(&out)]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("authentication failed"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    let allowed = ["backup", "--out", text(&out), "--username", "u", "--password", "p"];
    succeed(server.addr(), &allowed);
    assert!(out.is_file());
}

#[test]
fn backends_that_are_servers_are_named_or_refused() {
    let nowhere = "http://127.0.0.1:1".to_owned();
    let (server, dir) = (Gyre::start(Config::new(vec![vec![nowhere.clone()]])), dir::temp_dir());
    let out = dir.path().join("archive");
    let refused = gyre(server.addr(), &["backup", "--out", text(&out)]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("no backend is embedded"), "{}", refused.stderr);
    assert!(!Path::exists(&out));
    let mixed = Gyre::start(Config::new(vec![vec!["embedded:".to_owned()], vec![nowhere]]));
    let archive = Archive::of(&mixed);
    assert!(archive.said.stdout.contains("backend-2-1"), "{}", archive.said.stdout);
}

#[test]
fn dead_letters_are_in_it() {
    let source = Gyre::start(embedded::config(1, 1).set("proxy", "ack", "journal"));
    source.client().query("", "CREATE DATABASE d");
    let listed = |server: &Gyre| server.client().get("/gyre/dead-letters").json();
    for n in 0..3 {
        let lines = format!("m v=1 {n}\nm v=\"text\" {n}\n");
        assert_eq!(source.client().write("d", &lines).0, 204);
    }
    wait::until("the refused points are dead letters", Duration::from_secs(20), || {
        (listed(&source)["count"] == 3).then_some(())
    });
    let first = listed(&source)["letters"][0]["id"].to_string();
    succeed(source.addr(), &["dead-letters", "drop", &first]);
    let archive = Archive::of(&source);
    let restored = archive.restored("data", embedded::config(1, 1));
    assert_eq!(listed(&restored), listed(&source));
    assert_eq!(listed(&restored)["count"], 2);
}
