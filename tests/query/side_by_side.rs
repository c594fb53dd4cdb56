//! The same to a cluster and to one server that holds everything; the answers must be the same bytes.

use std::cell::RefCell;

use crate::support::{
    cluster::{self, Cluster},
    http::{Client, Response, encode, write_target},
    influxd::Influxd,
};

/// The database of most tests.
pub(super) const DB: &str = "d";

/// Headers that are part of an answer.
const COMPARED: [&str; 2] = ["content-type", "x-influxdb-error"];

/// A cluster and the server it must be like.
#[derive(Debug)]
pub(super) struct SideBySide {
    /// The cluster.
    pub(super) cluster: Cluster,
    one: Influxd,
    differences: RefCell<Vec<String>>,
}

impl SideBySide {
    /// Both, empty but for the database [`DB`].
    pub(super) fn start() -> Self {
        let one = cluster::start_servers(1).remove(0);
        let both = Self {
            cluster: Cluster::start(2, 2),
            one,
            differences: RefCell::default(),
        };
        both.same("", &format!("CREATE DATABASE {DB}"));
        both
    }

    /// Both with this line protocol in [`DB`].
    pub(super) fn with(lines: &str) -> Self {
        let both = Self::start();
        both.write(DB, lines);
        both
    }

    /// Talks to the cluster.
    pub(super) fn gyre(&self) -> Client {
        self.cluster.gyre.client()
    }

    /// Writes to both, which must say the same.
    pub(super) fn write(&self, db: &str, lines: &str) {
        self.same_request("POST", &write_target(db), &[], lines.as_bytes());
    }

    /// Runs InfluxQL by POST on both, with nothing but a default database.
    pub(super) fn same(&self, db: &str, influxql: &str) {
        self.same_with(db, influxql, "");
    }

    /// The same with more parameters, `&name=value` each.
    pub(super) fn same_with(&self, db: &str, influxql: &str, more: &str) {
        self.same_request("POST", &target(db, influxql, more), &[], b"");
    }

    /// Sends a request to both, and notes it when status, headers or body differ.
    pub(super) fn same_request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) {
        let ask = |client: Client| client.request(method, target, headers, body).expect("an answer");
        let (expect, got) = (ask(self.one.client()), ask(self.gyre()));
        if parts(&expect) != parts(&got) {
            let body = String::from_utf8_lossy(body);
            self.note(format!(
                "{method} {target} {headers:?} {body}\n  expect {}\n  got    {}",
                print(&expect),
                print(&got)
            ));
        }
    }

    /// Runs InfluxQL that this cluster answers the same, or not at all, with an error that contains `why`.
    pub(super) fn same_or_refused(&self, db: &str, influxql: &str, why: &str) {
        let got = self.gyre().post(&target(db, influxql, ""), b"");
        if !error(&got).contains(why) {
            self.same(db, influxql);
        }
    }

    /// Runs InfluxQL that this cluster cannot answer: it must say so in a text that contains `why`.
    pub(super) fn refused(&self, db: &str, influxql: &str, why: &str) {
        let got = self.gyre().post(&target(db, influxql, ""), b"");
        if !error(&got).contains(why) {
            self.note(format!(
                "{influxql}\n  expect an error with {why:?}\n  got    {}",
                print(&got)
            ));
        }
    }

    fn note(&self, difference: String) {
        self.differences.borrow_mut().push(difference);
    }
}

impl Drop for SideBySide {
    /// The test fails here, with everything that differed.
    fn drop(&mut self) {
        let differences = self.differences.borrow();
        if !differences.is_empty() && !std::thread::panicking() {
            panic!("{} differences:\n{}", differences.len(), differences.join("\n"));
        }
    }
}

/// Path and query of InfluxQL.
pub(super) fn target(db: &str, influxql: &str, more: &str) -> String {
    format!("/query?db={}&q={}{more}", encode(db), encode(influxql))
}

/// The error of an answer as a whole or of a statement.
pub(super) fn error(answer: &Response) -> String {
    let json = answer.json();
    let statements = json["results"].as_array().into_iter().flatten();
    let mut errors = statements
        .map(|result| &result["error"])
        .chain([&json["error"]])
        .filter_map(|error| error.as_str());
    errors.next().unwrap_or_default().to_owned()
}

fn parts(answer: &Response) -> (u16, Vec<Option<&str>>, &[u8]) {
    let headers = COMPARED.iter().map(|name| answer.header(name)).collect();
    (answer.status, headers, &answer.body)
}

fn print(answer: &Response) -> String {
    let (status, headers, body) = parts(answer);
    let mut body = String::from_utf8_lossy(body).into_owned();
    body.truncate(body.floor_char_boundary(2000));
    format!("{status} {headers:?} {body}")
}
