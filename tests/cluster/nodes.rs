//! The node registry through the Clusterflux interface, black box.
//!
//! The cases are functions of a fresh server, so that they run on every store: [`CASES`] with [`lasting`], where nodes
//! live longer than any case takes, and those of [`life`] with [`short_lived`]. [`crash`]: what a kill leaves;
//! [`many`]: thousands of heartbeats; [`refusals`]: what is wrong with a request.

mod command_line;
mod crash;
mod life;
mod many;
mod refusals;

use std::{collections::BTreeSet, thread};

use serde_json::{Value, json};

use crate::support::{
    gyre::{Config, Gyre},
    http::{Client, Response},
};

/// What a case needs of the configuration, whatever the store.
pub(crate) fn lasting(config: Config) -> Config {
    config.set("nodes", "self_register", false).set("nodes", "ttl", "10m")
}

/// Every case with its name; each wants a server without nodes.
pub(crate) const CASES: &[(&str, fn(&Gyre))] = &[
    ("a node registers, is listed, leaves", registration),
    ("the address that others dial", addresses),
    ("names mean the same however they are escaped", names),
    ("a dead node gets its id back, a live one does not", previous_ids),
    ("many register at once", concurrent_registrations),
    ("one path, two spellings; HEAD and OPTIONS", spellings),
    ("bad methods and paths", refusals::methods),
    ("bad names and ids", refusals::paths),
    ("bad registrations", refusals::bodies),
    ("large and half registrations", refusals::unfinished),
];

#[test]
fn on_the_embedded_store() {
    for (name, case) in CASES {
        println!("case: {name}");
        case(&embedded(lasting));
    }
}

/// Acceptance case 1: a process that has just started is the only one listed.
#[test]
fn a_process_lists_itself_until_it_stops_in_order() {
    let mut gyre = embedded(|config| config.set("nodes", "self_register", true));
    let list = shown(&gyre.client(), "/nodes");
    assert_eq!(list["influx"], json!([]));
    let managers = list["cflux"].as_array().expect("a list");
    assert_eq!(managers.len(), 1, "{list}");
    assert_eq!(managers[0]["alive"], true);
    assert_eq!(managers[0]["bind-address"], gyre.addr().to_string());
    assert_eq!(shown(&gyre.client(), "/nodes/default"), json!([]));
    let first = managers[0]["id"].as_u64().expect("an id");
    let target = format!("/nodes/cflux/{first}");
    assert_eq!(
        send(&gyre.client(), "DELETE", &target).status,
        404,
        "no manager is removed over HTTP"
    );
    assert!(gyre.terminate().success());
    gyre.restart();
    let again = shown(&gyre.client(), "/nodes");
    let ids: Vec<_> = again["cflux"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|node| node["id"].as_u64())
        .collect();
    assert!(ids.len() == 1 && ids[0] > Some(first), "{again}");
}

#[test]
fn only_who_may_uses_the_registry() {
    let gyre = embedded(|config| {
        lasting(config)
            .set("auth", "username", "admin")
            .set("auth", "password", "pw")
    });
    let client = gyre.client();
    for (method, target) in [
        ("GET", "/nodes"),
        ("POST", "/nodes/c"),
        ("PUT", "/nodes/c/1"),
        ("DELETE", "/nodes/c/1"),
    ] {
        let refused = send(&client, method, target);
        assert_eq!(
            (refused.status, &refused.json()["code"]),
            (401, &json!("unauthorized")),
            "{method} {target}"
        );
        assert!(refused.header("www-authenticate").is_some());
    }
    assert_eq!(
        send(&client, "OPTIONS", "/nodes/c").status,
        200,
        "a browser asks without credentials"
    );
    assert_eq!(client.get("/nodes?u=admin&p=pw").status, 200);
    let admitted = client.with_header("Authorization", "Token admin:pw");
    assert_eq!(admitted.post("/nodes/c", b"").status, 200);
}

/// Acceptance cases 1 to 4, 6 and 7.
fn registration(gyre: &Gyre) {
    let client = gyre.client();
    assert_eq!(shown(&client, "/nodes"), json!({"cflux": [], "influx": []}));
    assert_eq!(shown(&client, "/nodes/default"), json!([]));
    let told = json!({"ip": "10.0.0.1,", "hostname": "a", "bindAddress": "10.0.0.1:8888"}).to_string();
    let first = client.post("/nodes/default", told.as_bytes());
    assert_eq!(first.status, 200, "{}", first.text());
    let answer = first.json();
    let metadata =
        json!({"ip": "10.0.0.1,", "hostname": "a", "bindAddress": "10.0.0.1:8888", "bind-address": "10.0.0.1:8888"});
    assert_eq!(
        (&answer["status"], &answer["message"]),
        (&json!("ok"), &json!("registered"))
    );
    assert_eq!(answer["metadata"], metadata);
    assert!(
        answer["expirationDate"]
            .as_str()
            .is_some_and(|date| date.len() == 20 && date.ends_with('Z'))
    );
    let n = answer["id"].as_u64().expect("an id is a number");
    let list = shown(&client, "/nodes/default");
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    for (key, value) in [
        ("ip", "10.0.0.1,"),
        ("hostname", "a"),
        ("bind-address", "10.0.0.1:8888"),
    ] {
        assert_eq!(list[0][key], value);
    }
    assert_eq!(list[0]["bindAddress"], list[0]["bind-address"]);
    assert_eq!((&list[0]["id"], &list[0]["alive"]), (&json!(n), &json!(true)));
    let m = id_of(&client.post("/nodes/default", told.as_bytes()));
    assert!(m > n);
    assert_eq!(ids(&client, "/nodes/default"), [n, m]);
    assert_eq!(
        send(&client, "PUT", &format!("/nodes/default/{n}")).json()["message"],
        "refreshed"
    );
    for target in [format!("/nodes/other/{n}"), "/nodes/default/999".to_owned()] {
        assert_key_not_found(&send(&client, "PUT", &target));
        assert_key_not_found(&send(&client, "DELETE", &target));
    }
    let gone = format!("/nodes/default/{m}");
    let left = send(&client, "DELETE", &gone);
    assert_eq!(left.json(), json!({"status": "ok", "id": m, "message": "deregistered"}));
    assert_key_not_found(&send(&client, "DELETE", &gone));
    assert_key_not_found(&send(&client, "PUT", &gone));
    assert_eq!(ids(&client, "/nodes/default"), [n]);
}

/// Acceptance case 8.
fn addresses(gyre: &Gyre) {
    let client = gyre.client();
    let own = format!("{}:8888", peer_of(gyre));
    let check = |body: &str, bind: &str| {
        let answer = client.post("/nodes/c", body.as_bytes()).json();
        assert_eq!(answer["metadata"]["bindAddress"], bind, "{body}");
    };
    check("", &own);
    check("{}", &own);
    check(r#"{"bindAddress":""}"#, &own);
    check(r#"{"bindAddress":"http://h:1/"}"#, "h:1");
    check(r#"{"bind-address":"https://h:2"}"#, "h:2");
    check(r#"{"bind-address":"h:2","bindAddress":"h:1","more":[{}]}"#, "h:1");
}

/// The address from which tests talk to the server.
fn peer_of(gyre: &Gyre) -> String {
    let stream = std::net::TcpStream::connect(gyre.addr()).expect("it listens");
    stream.local_addr().expect("it is connected").ip().to_string()
}

/// Acceptance case 19, and every reserved character.
fn names(gyre: &Gyre) {
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/a+b%2Fc", b""));
    for spelling in ["/nodes/a%20b%2Fc", "/nodes/a+b%2fc/", "/nodes/%61+b%2Fc"] {
        assert_eq!(ids(&client, spelling), [id], "{spelling}");
    }
    assert_eq!(ids(&client, "/nodes/a%2Bb%2Fc"), [0; 0]);
    assert_eq!(send(&client, "PUT", &format!("/nodes/a%20b%2Fc/{id}")).status, 200);
    let reserved = [
        "%3A", "%2F", "%3F", "%23", "%5B", "%5D", "%40", "!", "$", "&", "'", "(", ")", "*", "%2B", ",", ";", "=",
        "%25", "..", ".", "%22", "%C3%A4",
    ];
    for name in reserved {
        let target = format!("/nodes/{name}");
        let id = id_of(&client.post(&target, b""));
        assert_eq!(ids(&client, &target), [id], "{name}");
        assert_eq!(send(&client, "DELETE", &format!("{target}/{id}")).status, 200, "{name}");
    }
    let cluster = id_of(&client.post("/nodes/cflux", b""));
    let list = shown(&client, "/nodes");
    assert_eq!(list["cflux"], json!([]), "a data cluster may be called so");
    assert_eq!(ids(&client, "/nodes/cflux"), [cluster]);
}

fn previous_ids(gyre: &Gyre) {
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c", br#"{"hostname":"a"}"#));
    let again = format!(r#"{{"hostname":"a","id":{id}}}"#);
    let next = id_of(&client.post("/nodes/c", again.as_bytes()));
    assert!(next > id, "the old one still lives");
    assert!(
        id_of(&client.post("/nodes/c", br#"{"id":999999}"#)) > next,
        "nobody had that id"
    );
}

fn concurrent_registrations(gyre: &Gyre) {
    const CLIENTS: usize = 8;
    const EACH: usize = 25;
    let client = gyre.client();
    let register = |number: usize| {
        let mut connection = client.connect().expect("it listens");
        let body = format!(r#"{{"hostname":"host-{}"}}"#, number % 3);
        let answers = (0..EACH).map(|_| {
            connection
                .send("POST", "/nodes/c", &[], body.as_bytes())
                .expect("an answer")
        });
        answers.map(|answer| id_of(&answer)).collect::<Vec<_>>()
    };
    let given: Vec<Vec<u64>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| scope.spawn(move || register(number)))
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().expect("no client panics"))
            .collect()
    });
    for ids in &given {
        assert!(ids.is_sorted(), "ids rise: {ids:?}");
    }
    let all: BTreeSet<_> = given.into_iter().flatten().collect();
    assert_eq!(all.len(), CLIENTS * EACH, "no id is given twice");
    assert_eq!(ids(&client, "/nodes/c"), Vec::from_iter(all));
    let hosts = shown(&client, "/v6/nodes/?order=hostname");
    let named: Vec<_> = hosts["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|host| &host["hostname"])
        .collect();
    assert_eq!(named, ["host-0", "host-1", "host-2"]);
}

fn spellings(gyre: &Gyre) {
    let client = gyre.client();
    let id = id_of(&client.post("/nodes/c/", b""));
    for (method, target) in [
        ("GET", "/nodes/"),
        ("GET", "/nodes/c/"),
        ("PUT", &format!("/nodes/c/{id}/")),
    ] {
        assert_eq!(send(&client, method, target).status, 200, "{method} {target}");
    }
    for target in ["/nodes", "/nodes/c"] {
        let mut connection = client.connect().expect("it listens");
        let request = format!("HEAD {target} HTTP/1.1\r\nHost: x\r\n\r\n");
        connection.send_raw(request.as_bytes()).expect("it is open");
        let head = connection.read_response(false).expect("an answer");
        let length = client.get(target).body.len().to_string();
        assert_eq!(
            (head.status, head.header("content-length")),
            (200, Some(length.as_str())),
            "{target}"
        );
        let asked = [("Origin", "http://x"), ("Access-Control-Request-Method", "PUT")];
        let allowed = client.request("OPTIONS", target, &asked, b"").expect("an answer");
        assert_eq!(
            (allowed.status, allowed.header("access-control-allow-origin")),
            (200, Some("http://x"))
        );
    }
    let body = [("Content-Type", "text/plain")];
    let mut connection = client.connect().expect("it listens");
    for _ in 0..2 {
        let target = format!("/nodes/c/{id}");
        let answer = connection.send("PUT", &target, &body, b"what a heartbeat says is ignored");
        assert_eq!(answer.expect("the connection stays").status, 200);
    }
}

/// A server with its documents in its own files.
fn embedded(settings: impl FnOnce(Config) -> Config) -> Gyre {
    Gyre::start(settings(Config::new(vec![vec!["embedded:".to_owned()]])))
}

/// What a GET shows.
#[track_caller]
fn shown(client: &Client, target: &str) -> Value {
    let answer = client.get(target);
    assert_eq!(answer.status, 200, "{target}: {}", answer.text());
    answer.json()
}

/// The ids of a cluster's list.
#[track_caller]
fn ids(client: &Client, target: &str) -> Vec<u64> {
    let list = shown(client, target);
    let nodes = list.as_array().expect("a list");
    nodes
        .iter()
        .map(|node| node["id"].as_u64().expect("an id is a number"))
        .collect()
}

/// The id that a registration gave.
#[track_caller]
fn id_of(answer: &Response) -> u64 {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["id"].as_u64().expect("an id is a number")
}

#[track_caller]
fn send(client: &Client, method: &str, target: &str) -> Response {
    let answer = client.request(method, target, &[], b"");
    answer.unwrap_or_else(|error| panic!("{method} {target}: {error}"))
}

#[track_caller]
fn assert_key_not_found(answer: &Response) {
    let text = answer.text();
    assert!(
        answer.status == 404 && text.contains("Key not found"),
        "{} {text}",
        answer.status
    );
    assert!(answer.json().get("id").is_none(), "clients take any id for theirs");
}
