//! Several Gyre processes in front of the same servers, with one etcd.

use std::time::Duration;

use serde_json::Value;

use crate::support::{
    cluster::start_servers,
    etcd::Etcd,
    gyre::{Config, Gyre},
    http::query_target,
    influxd::Influxd,
    wait,
};

/// A lost connection to etcd is noticed and made up for within seconds; servers start in some more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Circles of one server each, and where shared documents are.
fn config(servers: &[Influxd], etcd: &Etcd) -> Config {
    let endpoints: Vec<String> = etcd.urls().iter().map(|url| format!("{url:?}")).collect();
    let store = format!(
        "[meta.etcd]\nendpoints = [{}]\ntimeout = \"2s\"\n",
        endpoints.join(", ")
    );
    Config::new(servers.iter().map(|server| vec![server.url()]).collect())
        .set("meta", "store", "etcd")
        .set("delivery", "check_interval", "200ms")
        .set("delivery", "backoff_min", "50ms")
        .set("delivery", "backoff_max", "500ms")
        .append(&store)
}

#[track_caller]
fn create(gyre: &Gyre, db: &str) {
    gyre.client().query("", &format!("CREATE DATABASE {db}"));
}

/// The status of a statement, and what is answered.
fn statement(gyre: &Gyre, db: &str, text: &str) -> (u16, String) {
    let answer = gyre.client().post(&query_target(db, text), b"");
    (answer.status, answer.text())
}

/// The reasons that `/readyz` gives, by part; empty when it is ready.
#[track_caller]
fn problems(gyre: &Gyre) -> Vec<(String, String)> {
    let answer = gyre.client().get("/readyz");
    let body = answer.json();
    let parts = body["parts"].as_object().expect("parts by name").iter();
    let problems = parts.filter_map(|(name, part)| Some((name.clone(), part["reason"].as_str()?.to_owned())));
    let problems: Vec<_> = problems.collect();
    assert_eq!(answer.status, if problems.is_empty() { 200 } else { 503 }, "{body}");
    assert_eq!(body["ready"], problems.is_empty());
    problems
}

#[track_caller]
fn await_ready(gyre: &Gyre) {
    wait::until("gyre is ready", PATIENCE, || problems(gyre).is_empty().then_some(()));
}

/// Waits until `/readyz` says this of a part.
#[track_caller]
fn await_problem(gyre: &Gyre, part: &str, reason: &str) {
    wait::until(&format!("{part} is not ready"), PATIENCE, || {
        let all = problems(gyre);
        all.iter()
            .any(|(name, said)| name == part && said.contains(reason))
            .then_some(())
    });
}

fn is_detached(gyre: &Gyre, backend: &str) -> bool {
    let shown = gyre.client().get("/gyre/backends").json();
    let mut all = shown["backends"].as_array().into_iter().flatten();
    let found = all.find(|shown| shown["name"] == backend).expect("it is configured");
    found["detached"] == Value::Bool(true)
}

#[test]
fn a_schema_is_known_to_all_and_a_dropped_database_is_gone_for_all() {
    let (servers, etcd) = (start_servers(2), Etcd::start());
    let [a, b] = [(); 2].map(|()| Gyre::start(config(&servers, &etcd)));
    create(&a, "d");
    wait::until("the other process writes to it", PATIENCE, || {
        (b.client().write("d", "m v=1 1").0 == 204).then_some(())
    });
    a.client().query("", "DROP DATABASE d");
    wait::until("the other process refuses writes", PATIENCE, || {
        (b.client().write("d", "m v=1 1").0 == 404).then_some(())
    });
}

#[test]
fn a_change_of_schema_needs_every_owner() {
    let (mut servers, etcd) = (start_servers(2), Etcd::start());
    let gyre = Gyre::start(config(&servers, &etcd));
    create(&gyre, "d");
    servers[1].kill9();
    wait::until("the loss is noticed", PATIENCE, || {
        (statement(&gyre, "", "CREATE DATABASE e").0 == 503).then_some(())
    });
    let (_, text) = statement(&gyre, "", "CREATE DATABASE e");
    assert!(text.contains("backend-2-1") && text.contains("every owner"), "{text}");
    assert_eq!(gyre.client().write("d", "m v=1 1").0, 204, "points need one");
    assert!(problems(&gyre).is_empty(), "the other circle is whole");
    servers[1].restart();
    wait::until("it is back", PATIENCE, || {
        (statement(&gyre, "", "CREATE DATABASE e").0 == 200).then_some(())
    });
}

#[test]
fn a_backend_that_one_detaches_no_other_reads_and_any_attaches() {
    let (mut servers, etcd) = (start_servers(2), Etcd::start());
    let limited = |config: Config| {
        config
            .set("delivery", "spill_after", "1KiB")
            .set("delivery", "max_pending", "4KiB")
    };
    let a = Gyre::start(limited(config(&servers, &etcd)));
    let mut b = Gyre::start(config(&servers, &etcd));
    create(&a, "d");
    servers[1].kill9();
    wait::until("one process detaches the server", PATIENCE, || {
        let lines: String = (0..100).map(|time| format!("m v=1 {time}\n")).collect();
        assert_eq!(a.client().write("d", &lines).0, 204);
        is_detached(&a, "backend-2-1").then_some(())
    });
    wait::until("so does the other", PATIENCE, || {
        is_detached(&b, "backend-2-1").then_some(())
    });
    servers[1].restart();
    b.restart();
    assert!(is_detached(&b, "backend-2-1"), "also after a restart");
    assert_eq!(b.client().post("/gyre/backends/backend-2-1/attach", b"").status, 204);
    wait::until("it is attached for all", PATIENCE, || {
        (!is_detached(&a, "backend-2-1")).then_some(())
    });
    wait::until("and written again", PATIENCE, || {
        assert_eq!(a.client().write("d", "after v=1 1").0, 204);
        let answer = servers[1].client().query("d", "SELECT * FROM after");
        answer["results"][0]["series"].is_array().then_some(())
    });
}

#[test]
fn a_process_with_another_ring_serves_no_points_until_its_ring_is_in_force() {
    let (servers, etcd) = (start_servers(1), Etcd::start());
    let a = Gyre::start(config(&servers, &etcd));
    await_ready(&a);
    create(&a, "d");
    let b = Gyre::start(config(&servers, &etcd).set("proxy", "shard_key", "%db"));
    let reason = "ring differs from the one in force: proxy.shard_key: \"%db,%mm\" in force, \"%db\" configured";
    await_problem(&b, "ring", reason);
    for (status, text) in [b.client().write("d", "m v=1 1"), statement(&b, "d", "SELECT * FROM m")] {
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("differs from the one in force"), "{text}");
    }
    let rings = b.client().get("/gyre/ring").json();
    assert_eq!(rings["in_force"]["shard_key"], "%db,%mm");
    assert_eq!(rings["configured"]["shard_key"], "%db");
    assert_eq!(b.client().post("/gyre/ring", b"").status, 204);
    await_ready(&b);
    assert_eq!(b.client().write("d", "m v=1 1").0, 204);
    await_problem(&a, "ring", "\"%db\" in force, \"%db,%mm\" configured");
    assert_eq!(a.client().write("d", "m v=1 1").0, 503);
}

#[test]
fn without_etcd_a_process_lives_and_goes_on_with_what_it_knew() {
    let (servers, mut etcd) = (start_servers(1), Etcd::start());
    etcd.kill9(0);
    let mut gyre = Gyre::start(config(&servers, &etcd));
    let live = gyre.client().get("/livez");
    assert_eq!((live.status, live.text().as_str()), (200, "ok\n"));
    await_problem(&gyre, "meta store", "out of reach");
    await_problem(&gyre, "registry", "");
    let (status, text) = gyre.client().write("d", "m v=1 1");
    assert_eq!(status, 503, "nobody has told which ring is in force: {text}");
    assert_eq!(gyre.client().get("/nodes").status, 503);
    etcd.restart(0);
    await_ready(&gyre);
    create(&gyre, "d");
    assert_eq!(gyre.client().write("d", "m v=1 1").0, 204);
    etcd.kill9(0);
    await_problem(&gyre, "meta store", "out of reach");
    for _start in 0..2 {
        assert_eq!(gyre.client().write("d", "m v=2 2").0, 204);
        let found = gyre.client().query("d", "SELECT * FROM m");
        assert!(found["results"][0]["series"].is_array(), "{found}");
        let (status, text) = statement(&gyre, "", "CREATE DATABASE e");
        assert!(
            status == 503 && text.contains("meta store is out of reach"),
            "{status} {text}"
        );
        assert_eq!(gyre.metric("gyre_ready{part=\"meta store\"}"), 0.0);
        gyre.restart();
    }
    etcd.restart(0);
    await_ready(&gyre);
    assert_eq!(gyre.metric("gyre_ready{part=\"meta store\"}"), 1.0);
    create(&gyre, "e");
    let log = gyre.process().log();
    let said = log.matches("meta store is out of reach").count();
    assert!(said <= 8, "once a change, not once a try: {said}\n{log}");
}
