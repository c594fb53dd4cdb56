//! The tools are tested too: a harness that does not break the network proves nothing.

use std::time::Duration;

use serde_json::json;

use super::{
    etcd::Etcd,
    http::Client,
    influxd::Influxd,
    null_backend::{NullBackend, Scripted},
    small_disk::SmallDisk,
    tcp_proxy::{Link, TcpProxy},
    wait::{self, Instant},
};

/// A signal takes effect soon, not at once.
const LONG: Duration = Duration::from_secs(5);
const IMPATIENT: Duration = Duration::from_millis(200);

#[test]
fn influxd_keeps_its_data_and_address_over_a_kill() {
    let mut server = Influxd::start();
    server.client().query("", "CREATE DATABASE d");
    assert_eq!(server.client().write("d", "m v=1i 1\n"), (204, String::new()));
    server.kill9();
    wait::until("the killed server is gone", LONG, || {
        (!server.client().pings()).then_some(())
    });
    server.restart();
    let answer = server.client().query("d", "SELECT v FROM m");
    assert_eq!(answer.pointer("/results/0/series/0/values"), Some(&json!([[1, 1]])));
    server.stop();
    wait::until("the stopped server is silent", LONG, || {
        (!server.client().pings()).then_some(())
    });
    server.resume();
    assert!(server.client().pings());
}

#[test]
fn etcd_keeps_its_data_while_members_come_and_go() {
    let mut etcd = Etcd::cluster(3);
    etcd.control(&["put", "key", "value"]);
    let leader = etcd.leader();
    etcd.kill9(leader);
    let next = wait::until("another leader", Duration::from_secs(30), || {
        let next = etcd.leader();
        (next != leader).then_some(next)
    });
    etcd.restart(leader);
    etcd.stop(next);
    let other = wait::until("another leader", Duration::from_secs(60), || {
        let other = etcd.leader();
        (other != next).then_some(other)
    });
    etcd.resume(next);
    etcd.kill9(other);
    assert_eq!(etcd.control(&["get", "key", "--print-value-only"]), "value\n");
}

#[test]
fn null_backend_records_and_follows_its_script() {
    let backend = NullBackend::start(&["a", "b"]);
    let proxy = TcpProxy::start(addr_of(&backend.url()));
    let client = Client::new(proxy.addr());
    let refusal = Scripted {
        status: 503,
        body: "{}".to_owned(),
        delay: Duration::ZERO,
    };
    backend.script_writes([refusal]);
    assert_eq!(client.write("a", "m v=1\n").0, 503);
    assert_eq!(client.write("a", "m v=2\n").0, 204);
    assert_eq!(backend.lines(), ["m v=1", "m v=2"]);
    let databases = client.query("", "SHOW DATABASES");
    assert_eq!(
        databases.pointer("/results/0/series/0/values"),
        Some(&json!([["a"], ["b"]]))
    );
    assert_eq!(proxy.connections(), 3);
}

#[test]
fn proxy_breaks_the_network_and_mends_it() {
    let backend = NullBackend::start(&[]);
    let proxy = TcpProxy::start(addr_of(&backend.url()));
    let client = Client::new(proxy.addr()).with_timeout(IMPATIENT);
    let ping = || client.request("GET", "/ping", &[], b"").is_ok();
    assert!(ping());
    for broken in [
        Link::Refuse,
        Link::BlackHole,
        Link::Delay(IMPATIENT * 2),
        Link::Limit(100),
    ] {
        proxy.set(broken);
        assert!(!ping(), "{broken:?}");
    }
    proxy.set(Link::Pass);
    let mut kept = client.connect().expect("the network is whole");
    assert!(kept.send("GET", "/ping", &[], b"").is_ok());
    proxy.cut();
    assert!(kept.send("GET", "/ping", &[], b"").is_err());
    proxy.set(Link::Delay(IMPATIENT));
    let start = Instant::now();
    assert!(Client::new(proxy.addr()).pings());
    assert!(start.elapsed() >= IMPATIENT);
}

#[test]
fn small_disk_fills_up_and_empties() {
    let disk = SmallDisk::mount(1);
    let write = || {
        let launcher = disk.launcher();
        let (program, arguments) = launcher.split_first().expect("it names a program");
        let script = format!("head -c 8192 /dev/zero > {}/file", disk.path().display());
        let status = std::process::Command::new(program)
            .args(arguments)
            .args(["sh", "-c", &script])
            .status();
        status.expect("nsenter is installed").success()
    };
    assert!(write());
    disk.fill();
    std::fs::metadata(disk.path().join("file")).expect_err("the disk is invisible outside its namespace");
    disk.free();
    assert!(write());
}

fn addr_of(url: &str) -> std::net::SocketAddr {
    url.trim_start_matches("http://")
        .parse()
        .expect("the null backend's URL is an address")
}
