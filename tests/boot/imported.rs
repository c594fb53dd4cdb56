//! The files of influx-proxy, both generations: started as they are, they serve.

use std::net::SocketAddr;

use super::{File, await_start};
use crate::support::{
    http::Client,
    influxd::{DEFAULTS, Influxd, Options},
    ports, wait,
};

/// Ciphertexts of `admin` and `password`.
const ADMIN: &str = "YgvEyuPZlDYAH8sGDkC!Ag";
const PASSWORD: &str = "7vnwDnX!xzLY_jqHoFX41w";

/// A server that wants `admin` and `password`.
fn guarded() -> Influxd {
    let server = Influxd::start_with(&Options { auth: true, ..DEFAULTS });
    server
        .client()
        .query("", "CREATE USER admin WITH PASSWORD 'password' WITH ALL PRIVILEGES");
    server
}

/// Writes and queries through Gyre with its own credentials; without them nothing goes.
#[track_caller]
fn serves(file: &File, address: SocketAddr, servers: &[Influxd]) {
    let mut process = file.serve(&[]);
    let client = Client::new(address).with_header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
    await_start(&mut process, || Client::new(address).pings());
    assert_eq!(Client::new(address).write("db1", "m v=1i 1").0, 401);
    client.query("", "CREATE DATABASE db1");
    assert_eq!(client.write("db1", "m v=1i 1"), (204, String::new()));
    let answer = client.query("db1", "SELECT v FROM m");
    assert_eq!(answer["results"][0]["series"][0]["values"], serde_json::json!([[1, 1]]));
    for server in servers {
        let direct = server
            .client()
            .with_header("Authorization", "Basic YWRtaW46cGFzc3dvcmQ=");
        wait::until("every circle has it", super::START, || {
            (direct.query("db1", "SELECT v FROM m") == answer).then_some(())
        });
    }
    assert!(process.terminate(super::START).success());
}

#[test]
fn of_2_5_12() {
    let (servers, address) = ([guarded(), guarded()], ports::free());
    let text = format!(
        r#"{{"circles": [
            {{"name": "circle-1", "backends": [{{"name": "influxdb-1-1", "url": "{}",
              "username": "{ADMIN}", "password": "{PASSWORD}", "auth_encrypt": true}}]}},
            {{"name": "circle-2", "backends": [{{"name": "influxdb-2-1", "url": "{}",
              "username": "admin", "password": "password", "auth_encrypt": false}}]}}],
          "listen_addr": "{address}", "db_list": ["db1"], "data_dir": "data", "tlog_dir": "log",
          "hash_key": "idx", "shard_key": "%db,%mm", "flush_size": 10000, "flush_time": 1, "check_interval": 1,
          "rewrite_interval": 10, "rewrite_threads": 5, "conn_pool_size": 20, "write_timeout": 10, "idle_timeout": 10,
          "username": "{ADMIN}", "password": "{PASSWORD}", "auth_encrypt": true, "ping_auth_enabled": false,
          "write_tracing": false, "query_tracing": false, "pprof_enabled": false,
          "https_enabled": false, "https_cert": "", "https_key": ""}}"#,
        servers[0].url(),
        servers[1].url()
    );
    let file = File::write("proxy.json", &text);
    serves(&file, address, &servers);
    assert!(file.dir().join("data/journal").exists());
}

#[test]
fn of_2_4_7() {
    let (servers, address) = ([guarded(), guarded()], ports::free());
    let backend = |circle: usize| {
        let url = servers[circle].url();
        format!(
            "{{\"name\": \"influxdb-{circle}\", \"url\": \"{url}\", \"username\": \"{ADMIN}\", \"password\": \"{PASSWORD}\"}}"
        )
    };
    let text = format!(
        r#"{{"circles": [{{"name": "a", "backends": [{}]}}, {{"name": "b", "backends": [{}]}}],
          "listen_addr": "{address}", "db_list": [], "data_dir": "data", "mlog_dir": "log", "hash_key": "idx",
          "vnode_size": 256, "flush_size": 10000, "flush_time": 1, "check_interval": 1, "rewrite_interval": 10,
          "conn_pool_size": 20, "write_timeout": 10, "idle_timeout": 10, "log_enabled": true, "auth_secure": true,
          "username": "{ADMIN}", "password": "{PASSWORD}", "https_enabled": false, "https_cert": "", "https_key": ""}}"#,
        backend(0),
        backend(1)
    );
    serves(&File::write("proxy.json", &text), address, &servers);
}

#[test]
fn in_yaml_and_toml() {
    let server = [guarded()];
    let url = server[0].url();
    let address = ports::free();
    let yaml = format!(
        "circles:\n  - name: c\n    backends:\n      - name: b\n        url: {url}\n        username: admin\n        password: password\n\
         listen_addr: {address}\ndata_dir: data\nusername: admin\npassword: password\n"
    );
    serves(&File::write("proxy.yaml", &yaml), address, &server);
    let address = ports::free();
    let toml = format!(
        "listen_addr = \"{address}\"\ndata_dir = \"data\"\nusername = \"admin\"\npassword = \"password\"\n\
         [[circles]]\nname = \"c\"\n[[circles.backends]]\nname = \"b\"\nurl = \"{url}\"\nusername = \"admin\"\npassword = \"password\"\n"
    );
    serves(&File::write("proxy.toml", &toml), address, &server);
}
