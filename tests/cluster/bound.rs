//! Backends bound to registered nodes: real servers, registered and kept alive by the test.

use std::{
    net::SocketAddr,
    sync::mpsc::{self, RecvTimeoutError},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    cluster::start_servers,
    gyre::{Config, Gyre},
    http::{Client, encode},
    influxd::Influxd,
    wait,
};

const DB: &str = "d";

/// How long a node lives without a heartbeat.
const TTL: &str = "2s";
/// Three heartbeats may be lost.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// Until a change of the registry has shown, a death by silence included.
const SHOWN: Duration = Duration::from_secs(15);

/// A registered node; dies silently when it is dropped.
struct Node {
    client: Client,
    path: String,
    beating: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Node {
    fn register(gyre: &Gyre, cluster: &str, hostname: &str, bind: &str) -> Self {
        let client = gyre.client();
        let cluster = format!("/nodes/{}", encode(cluster));
        let body = json!({"ip": "", "hostname": hostname, "bindAddress": bind}).to_string();
        let answer = client.post(&cluster, body.as_bytes());
        assert_eq!(answer.status, 200, "{}", answer.text());
        let path = format!("{cluster}/{}", answer.json()["id"]);
        let (stop, stopped) = mpsc::channel();
        let heart = (client.clone(), path.clone());
        let beat = thread::spawn(move || {
            while stopped.recv_timeout(HEARTBEAT) == Err(RecvTimeoutError::Timeout) {
                // Gyre may be restarting; one that stays away ends the test elsewhere.
                let _answered = heart.0.request("PUT", &heart.1, &[], b"");
            }
        });
        Self {
            client,
            path,
            beating: Some((stop, beat)),
        }
    }

    fn deregister(mut self) {
        self.fall_silent();
        let answer = self.client.request("DELETE", &self.path, &[], b"");
        assert_eq!(answer.map(|answer| answer.status).ok(), Some(200));
    }

    fn fall_silent(&mut self) {
        if let Some((stop, beat)) = self.beating.take() {
            drop(stop);
            beat.join().expect("the heart only beats");
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.fall_silent();
    }
}

fn start(circles: &[&str]) -> Gyre {
    let circles = circles.iter().map(|url| vec![(*url).to_owned()]).collect();
    Gyre::start(
        Config::new(circles)
            .set("nodes", "ttl", TTL)
            .set("nodes", "self_register", false)
            .set("delivery", "check_interval", "200ms")
            .set("delivery", "backoff_min", "50ms")
            .set("delivery", "backoff_max", "500ms")
            .set("proxy", "ack_timeout", "5s"),
    )
}

/// What Gyre says of the backend at a position.
fn backend(gyre: &Gyre, position: usize) -> Value {
    gyre.client().get("/gyre/backends").json()["backends"][position].clone()
}

/// Waits until the backend is in reach at `server`, or at no address and out of reach.
#[track_caller]
fn is_at(gyre: &Gyre, position: usize, server: Option<&Influxd>) {
    let expect = (json!(server.map(Influxd::url)), json!(server.is_some()));
    wait::until(&format!("backend {position} is at {expect:?}"), SHOWN, || {
        let shown = backend(gyre, position);
        ((shown["address"].clone(), shown["alive"].clone()) == expect).then_some(())
    });
}

/// The values of the measurement `m`.
fn values(client: &Client) -> Vec<i64> {
    let answer = client.query(DB, "SELECT v FROM m");
    let rows = answer["results"][0]["series"][0]["values"].as_array().cloned();
    let rows = rows.unwrap_or_default();
    rows.iter().filter_map(|row| row[1].as_i64()).collect()
}

#[track_caller]
fn write(gyre: &Gyre, value: i64) {
    let answer = gyre.client().write(DB, &format!("m v={value}i {value}\n"));
    assert_eq!(answer.0, 204, "{}", answer.1);
}

#[track_caller]
fn arrives(server: &Influxd, expect: &[i64]) {
    wait::until(&format!("the server has {expect:?}"), SHOWN, || {
        (values(&server.client()) == expect).then_some(())
    });
}

fn bind(server: &Influxd) -> String {
    server.addr().to_string()
}

#[test]
fn a_backend_follows_its_node_and_what_waited_goes_where_the_node_is() {
    let servers = start_servers(2);
    let url = "node://my%20fleet/influx%2F1";
    let gyre = start(&[url]);
    let shown = backend(&gyre, 0);
    assert_eq!(
        (&shown["url"], &shown["address"], &shown["alive"]),
        (&json!(url), &json!(null), &json!(false))
    );

    let node = Node::register(&gyre, "my fleet", "influx/1", &bind(&servers[0]));
    is_at(&gyre, 0, Some(&servers[0]));
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    write(&gyre, 1);
    assert_eq!(
        (values(&gyre.client()), values(&servers[0].client())),
        (vec![1], vec![1])
    );

    node.deregister();
    is_at(&gyre, 0, None);
    write(&gyre, 2);
    assert_eq!(
        gyre.client().post("/query?db=d&q=SELECT+v+FROM+m", b"").status,
        503,
        "nobody has the data"
    );
    let _elsewhere = Node::register(&gyre, "my fleet", "other", &bind(&servers[0]));
    let _homonym = Node::register(&gyre, "other", "influx/1", &bind(&servers[0]));

    let _node = Node::register(&gyre, "my fleet", "influx/1", &bind(&servers[1]));
    is_at(&gyre, 0, Some(&servers[1]));
    arrives(&servers[1], &[2]);
    write(&gyre, 3);
    assert_eq!(values(&gyre.client()), [2, 3]);
    assert_eq!(values(&servers[0].client()), [1], "nothing went to where the node was");
}

#[test]
fn the_newest_of_the_live_nodes_of_a_name_counts() {
    let servers = start_servers(2);
    let gyre = start(&["node://default/a"]);
    let _old = Node::register(&gyre, "default", "a", &bind(&servers[0]));
    is_at(&gyre, 0, Some(&servers[0]));
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    write(&gyre, 1);
    let new = Node::register(&gyre, "default", "a", &bind(&servers[1]));
    is_at(&gyre, 0, Some(&servers[1]));
    write(&gyre, 2);
    arrives(&servers[1], &[2]);
    new.deregister();
    is_at(&gyre, 0, Some(&servers[0]));
    write(&gyre, 3);
    assert_eq!(values(&servers[0].client()), [1, 3]);
}

#[test]
fn a_dead_node_is_not_used_though_its_server_answers() {
    let servers = start_servers(2);
    let at_port = |addr: SocketAddr| format!("node://default/one:{}", addr.port());
    let gyre = start(&[&at_port(servers[0].addr()), "node://default/two"]);
    // What the node's peers dial is another port than InfluxDB's.
    let peers = format!("{}:8888", servers[0].addr().ip());
    let one = Node::register(&gyre, "default", "one", &peers);
    let _two = Node::register(&gyre, "default", "two", &bind(&servers[1]));
    is_at(&gyre, 0, Some(&servers[0]));
    is_at(&gyre, 1, Some(&servers[1]));
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    write(&gyre, 1);
    servers.iter().for_each(|server| arrives(server, &[1]));

    drop(one);
    is_at(&gyre, 0, None);
    assert!(servers[0].client().pings(), "only the node is dead");
    write(&gyre, 2);
    assert_eq!(values(&gyre.client()), [1, 2], "the other circle answers");
    wait::until("what is written waits", SHOWN, || {
        (backend(&gyre, 0)["waiting_bytes"].as_u64() > Some(0)).then_some(())
    });
    assert_eq!(values(&servers[0].client()), [1]);

    let _again = Node::register(&gyre, "default", "one", &peers);
    is_at(&gyre, 0, Some(&servers[0]));
    arrives(&servers[0], &[1, 2]);
}

#[test]
fn a_restarted_gyre_keeps_what_waits_until_the_node_registers() {
    let servers = start_servers(1);
    let mut gyre = start(&["node://default/a"]);
    let node = Node::register(&gyre, "default", "a", &bind(&servers[0]));
    is_at(&gyre, 0, Some(&servers[0]));
    gyre.client().query("", &format!("CREATE DATABASE {DB}"));
    node.deregister();
    is_at(&gyre, 0, None);
    write(&gyre, 1);
    gyre.restart();
    is_at(&gyre, 0, None);
    write(&gyre, 2);
    assert_eq!(values(&servers[0].client()), [0_i64; 0]);

    let _node = Node::register(&gyre, "default", "a", &bind(&servers[0]));
    arrives(&servers[0], &[1, 2]);
    is_at(&gyre, 0, Some(&servers[0]));
    gyre.restart();
    is_at(&gyre, 0, Some(&servers[0]));
}
