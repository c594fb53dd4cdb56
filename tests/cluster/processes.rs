//! Several Gyre processes on one etcd are one control plane: what one was told all know, and any may be killed.
//!
//! [`updates`] are concurrent clients of one document; their history is checked for linearizability.

mod updates;

use std::{collections::BTreeSet, thread, time::Duration};

use serde_json::{Value, json};

use super::{linear, stores};
use crate::support::{
    self,
    etcd::Etcd,
    gyre::{Config, Gyre},
    http,
    wait::{self, Instant},
};
use updates::{Updates, counts, document};

/// Until one process has what another was told, on a loaded machine; it is milliseconds on an idle one.
const SOON: Duration = Duration::from_secs(10);

/// Until the members of etcd have a new leader and every process has noticed, or that there is none.
const FAIL_OVER: Duration = Duration::from_secs(30);

/// How long nodes of these tests live without a heartbeat: etcd knows no much shorter leases.
const TTL: Duration = Duration::from_secs(3);

/// Errors come at once, and nodes die soon.
fn settings(config: Config) -> Config {
    let ttl = format!("{}s", TTL.as_secs());
    config.set("meta", "error_delay", "0s").set("nodes", "ttl", ttl)
}

/// Two processes with a place in an etcd that they share.
fn start_two(etcd: &Etcd) -> [Gyre; 2] {
    let prefix = stores::prefix();
    [(); 2].map(|()| Gyre::start(settings(stores::on_etcd(etcd, &prefix))))
}

fn clients(processes: &[Gyre]) -> Vec<http::Client> {
    processes.iter().map(Gyre::client).collect()
}

/// Registers a node; its id.
#[track_caller]
fn register(client: &http::Client, cluster: &str, hostname: &str) -> u64 {
    let record = json!({"ip": "10.0.0.1,", "hostname": hostname, "bindAddress": "10.0.0.1:8888"});
    let answer = client.post(&format!("/nodes/{cluster}"), record.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_u64().expect("an id is a number")
}

#[track_caller]
fn refresh(client: &http::Client, cluster: &str, id: u64) -> u16 {
    let answer = client.request("PUT", &format!("/nodes/{cluster}/{id}"), &[], b"");
    answer.expect("an answer").status
}

/// The listed nodes of a cluster: id and whether it lives.
#[track_caller]
fn listed(client: &http::Client, cluster: &str) -> Vec<(u64, bool)> {
    let answer = client.get(&format!("/nodes/{cluster}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    nodes(&answer.json())
}

fn nodes(list: &Value) -> Vec<(u64, bool)> {
    let list = list.as_array().expect("a list");
    list.iter()
        .map(|node| (node["id"].as_u64().unwrap(), node["alive"].as_bool().unwrap()))
        .collect()
}

#[track_caller]
fn wait_for_list(client: &http::Client, cluster: &str, expect: &[(u64, bool)]) {
    let mut last = Vec::new();
    let seen = wait::poll(SOON, || {
        last = listed(client, cluster);
        (last == expect).then_some(())
    });
    assert!(seen.is_some(), "{last:?} is not {expect:?}");
}

#[test]
fn a_node_registered_through_one_is_everybodys() {
    let processes = start_two(stores::etcd());
    let [one, other] = processes.each_ref().map(Gyre::client);
    let id = register(&one, "c", "a");
    assert_eq!(listed(&one, "c"), [(id, true)], "who registered it sees it at once");
    wait_for_list(&other, "c", &[(id, true)]);
    assert_eq!(refresh(&other, "c", id), 200);
    assert_eq!(refresh(&one, "c", id), 200);
    let gone = other.request("DELETE", &format!("/nodes/c/{id}"), &[], b"").unwrap();
    assert_eq!(gone.status, 200, "{}", gone.text());
    wait_for_list(&one, "c", &[]);
    assert_eq!(refresh(&one, "c", id), 404);
}

#[test]
fn a_node_whose_process_is_killed_lives_on_through_the_other() {
    let mut processes = start_two(stores::etcd());
    let [one, other] = processes.each_ref().map(Gyre::client);
    let [kept, left] = ["kept", "left"].map(|hostname| register(&one, "c", hostname));
    wait_for_list(&other, "c", &[(kept, true), (left, true)]);
    processes[0].kill9();
    let start = Instant::now();
    while start.elapsed() < 3 * TTL {
        assert_eq!(refresh(&other, "c", kept), 200);
        let list = listed(&other, "c");
        assert_eq!(list.first(), Some(&(kept, true)), "{list:?}");
        wait::pause(TTL / 10);
    }
    assert_eq!(listed(&other, "c"), [(kept, true), (left, false)]);
    processes[0].restart();
    let one = processes[0].client();
    wait_for_list(&one, "c", &[(kept, true), (left, false)]);
    assert_eq!(refresh(&one, "c", kept), 200);
    assert_eq!(refresh(&one, "c", left), 404);
}

#[test]
fn each_process_is_listed_by_all_as_long_as_it_lives() {
    let prefix = stores::prefix();
    let config = settings(stores::on_etcd(stores::etcd(), &prefix)).set("nodes", "self_register", true);
    let start = |()| Gyre::start(config.clone());
    let mut processes = [(); 2].map(start);
    let managers = |process: &Gyre| nodes(&process.client().get("/nodes").json()["cflux"]);
    let alive = |process: &Gyre| managers(process).iter().filter(|(_, alive)| *alive).count();
    for process in &processes {
        wait::until("both are listed", SOON, || (alive(process) == 2).then_some(()));
    }
    processes[0].kill9();
    wait::until("the killed one is dead", SOON, || {
        (alive(&processes[1]) == 1).then_some(())
    });
    assert_eq!(managers(&processes[1]).len(), 2, "dead ones stay listed");
    processes[0].restart();
    wait::until("it is back under a new id", SOON, || {
        (alive(&processes[1]) == 2).then_some(())
    });
}

#[test]
fn ids_are_unique_over_all_processes() {
    const THREADS: usize = 8;
    const EACH: usize = 10;
    let processes = start_two(stores::etcd());
    let clients = clients(&processes);
    let registering: Vec<_> = (0..THREADS)
        .map(|number| {
            let client = clients[number % clients.len()].clone();
            let hostname = format!("host-{number}");
            thread::spawn(move || [(); EACH].map(|()| register(&client, "c", &hostname)))
        })
        .collect();
    let rows: Vec<_> = registering.into_iter().map(|thread| thread.join().unwrap()).collect();
    for ids in &rows {
        assert!(ids.is_sorted_by(|one, next| one < next), "{ids:?}");
    }
    let ids: BTreeSet<u64> = rows.into_iter().flatten().collect();
    assert_eq!(ids.len(), THREADS * EACH);
    for client in &clients {
        wait::until("all are listed, by id", SOON, || {
            let listed = listed(client, "c").into_iter().map(|(id, _)| id);
            listed.eq(ids.iter().copied()).then_some(())
        });
    }
}

#[test]
fn a_host_paused_through_one_is_paused_for_all() {
    let processes = start_two(stores::etcd());
    let [one, other] = processes.each_ref().map(Gyre::client);
    register(&one, "c", "a");
    let host = wait::until("the other knows the host", SOON, || {
        let page = other.get("/v6/nodes/").json();
        page["results"]
            .as_array()?
            .iter()
            .find(|host| host["hostname"] == "a")
            .cloned()
    });
    let path = format!("/v6/nodes/{}/", host["id"]);
    let json = [("Content-Type", "application/json")];
    let patched = one.request("PATCH", &path, &json, br#"{"is_paused":true,"pause_reason":"disk"}"#);
    assert_eq!(patched.unwrap().status, 204);
    let is_paused = |client: &http::Client| {
        let host = client.get(&path).json();
        host["is_paused"] == true && host["pause_reason"] == "disk"
    };
    assert!(is_paused(&one), "who patched it sees it at once");
    wait::until("the other sees it", SOON, || is_paused(&other).then_some(()));
}

#[test]
fn a_poll_at_one_is_answered_by_a_write_through_the_other() {
    const WRITES: u64 = 20;
    let processes = start_two(stores::etcd());
    let [one, other] = processes.each_ref().map(Gyre::client);
    assert_eq!(one.post("/clusters/c/versions/0", b"1").status, 200);
    for version in 1..WRITES {
        let poller = other.clone();
        let poll = thread::spawn(move || poller.get(&format!("/clusters/c/versions/{version}")));
        wait::until("the poll is held", SOON, || {
            (processes[1].metric("gyre_metadata_reads{}") == 1.0).then_some(())
        });
        let body = (version + 1).to_string();
        let written = one.post(&format!("/clusters/c/versions/{version}"), body.as_bytes());
        assert_eq!(written.status, 200, "{}", written.text());
        let news = poll.join().expect("the poll is answered");
        assert_eq!(
            (news.status, news.header("version"), news.text()),
            (200, Some(body.as_str()), body.clone())
        );
    }
}

#[test]
fn without_a_majority_nobody_is_called_dead() {
    let mut etcd = Etcd::cluster(3);
    let processes = start_two(&etcd);
    let clients = clients(&processes);
    let id = register(&clients[0], "c", "a");
    assert_eq!(clients[0].post("/clusters/c/versions/0", b"1").status, 200);
    wait_for_list(&clients[1], "c", &[(id, true)]);
    etcd.kill9(0);
    etcd.kill9(1);
    for client in &clients {
        wait::until("it says that the store is gone", FAIL_OVER, || {
            is_out(client).then_some(())
        });
    }
    let start = Instant::now();
    while start.elapsed() < 2 * TTL {
        assert!(clients.iter().all(is_out), "it takes the store for being back");
        wait::pause(TTL / 10);
    }
    etcd.start_again(0);
    etcd.restart(1);
    for client in &clients {
        wait::until("it goes on", FAIL_OVER, || {
            let list = client.get("/nodes/c");
            let is_back = list.status == 200 && client.get("/readyz").status == 200;
            is_back.then(|| assert_eq!(nodes(&list.json()).first().map(|node| node.0), Some(id)))
        });
        let next = register(client, "d", "b");
        assert!(next > id);
        assert!(listed(client, "d").contains(&(next, true)));
        assert_eq!(document(&client.get("/clusters/c/versions/0")).version, 1);
    }
}

/// Whether it refuses what needs the store, and only that; what it still lists is alive.
#[track_caller]
fn is_out(client: &http::Client) -> bool {
    assert_eq!(client.get("/livez").status, 200);
    assert!(client.pings());
    let list = client.get("/nodes/c");
    if list.status == 200 {
        let nodes = nodes(&list.json());
        assert!(!nodes.is_empty() && nodes.iter().all(|(_, alive)| *alive), "{nodes:?}");
    }
    let answers = [
        list,
        client.get("/nodes"),
        client.get("/v6/nodes/"),
        client.get("/readyz"),
        client.get("/clusters/c/versions/0"),
        client.post("/nodes/other", b"{}"),
        client.post("/clusters/c/versions/1", b"2"),
    ];
    answers.iter().all(|answer| answer.status == 503)
}

#[test]
fn concurrent_updates_survive_the_death_of_a_process_and_of_members() {
    let (writers, changes) = if support::long() { (50, 20) } else { (12, 10) };
    let total = writers * usize::try_from(changes).unwrap();
    let mut etcd = Etcd::cluster(3);
    let mut processes = start_two(&etcd);
    let started = Instant::now();
    let updates = Updates::start(&clients(&processes), "c", writers, changes);
    let reach = |tenths: usize| updates.wait_for(total * tenths / 10, 4 * FAIL_OVER);
    reach(1);
    processes[1].kill9();
    reach(2);
    processes[1].restart();
    reach(3);
    let killed = etcd.leader();
    etcd.kill9(killed);
    reach(5);
    etcd.restart(killed);
    let hung = etcd.leader();
    etcd.stop(hung);
    reach(7);
    etcd.resume(hung);
    etcd.wait_ready(hung);
    let follower = (etcd.leader() + 1) % etcd.size();
    etcd.kill9(follower);
    processes[0].kill9();
    reach(8);
    etcd.restart(follower);
    processes[0].restart();
    let (tally, recorder) = updates.finish();
    let took = started.elapsed();
    for client in clients(&processes) {
        let last = document(&client.get("/clusters/c/versions/0"));
        assert_eq!(last.version, u64::try_from(total).unwrap(), "{tally:?}");
        assert_eq!(counts(&last.value).changes, vec![changes; writers], "{tally:?}");
    }
    let history = recorder.into_history();
    let operations = history.len();
    linear::check(history).unwrap_or_else(|stuck| panic!("{stuck}"));
    eprintln!("{total} changes by {writers} clients in {took:?}: {tally:?}, {operations} operations checked");
}
