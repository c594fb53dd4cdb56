//! Writes, from the client to every replica: the answers are InfluxDB's, and what was promised arrives.
//!
//! [`answers`]: the same bodies to Gyre and to a lone InfluxDB. [`v2`]: the routes of InfluxDB 2. [`refusals`]: what
//! backends refuse, and dead letters. [`repair`]: databases and policies that a backend misses. [`delivery`]: backends
//! that fail for a while. [`behind`]: backends that fall far behind.

mod answers;
mod behind;
mod delivery;
mod refusals;
mod repair;
mod v2;

use std::{thread, time::Duration};

use serde_json::Value;

use crate::support::{
    gyre::{Config, Gyre},
    http::Client,
    influxd::{self, Influxd, Options},
    wait,
};

/// The longest time until a backend in reach has what was written.
const DELIVERY: Duration = Duration::from_secs(15);

/// A configuration whose retries are short enough for tests.
fn impatient(circles: Vec<Vec<String>>) -> Config {
    Config::new(circles)
        .set("delivery", "check_interval", "100ms")
        .set("delivery", "backoff_min", "10ms")
        .set("delivery", "backoff_max", "50ms")
}

/// Two circles of two real servers each, with Gyre in front; the server `n` belongs to circle `n / 2`.
#[derive(Debug)]
struct Cluster {
    gyre: Gyre,
    servers: Vec<Influxd>,
}

impl Cluster {
    fn start(adjust: impl FnOnce(Config) -> Config) -> Self {
        let servers = start_servers(4, &influxd::DEFAULTS);
        let circles = servers
            .chunks(2)
            .map(|circle| circle.iter().map(Influxd::url).collect());
        let gyre = Gyre::start(adjust(impatient(circles.collect())));
        Self { gyre, servers }
    }

    /// The servers that own a measurement, one per circle.
    #[track_caller]
    fn owners(&self, db: &str, measurement: &str) -> Vec<&Influxd> {
        let target = format!("/replica?db={db}&mm={measurement}");
        let owners = self.gyre.client().get(&target).json();
        let urls = owners.as_array().into_iter().flatten().map(|owner| &owner["url"]);
        urls.map(|url| {
            let owner = self.servers.iter().find(|server| url.as_str() == Some(&server.url()));
            owner.unwrap_or_else(|| panic!("no server at {url}"))
        })
        .collect()
    }
}

/// One real server with Gyre in front.
fn pair(options: &Options, adjust: impl FnOnce(Config) -> Config) -> (Gyre, Influxd) {
    let server = Influxd::start_with(options);
    let gyre = Gyre::start(adjust(impatient(vec![vec![server.url()]])));
    (gyre, server)
}

fn start_servers(count: usize, options: &Options) -> Vec<Influxd> {
    thread::scope(|scope| {
        let starting: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| Influxd::start_with(options)))
            .collect();
        starting
            .into_iter()
            .map(|server| server.join().expect("influxd starts"))
            .collect()
    })
}

/// The values of the first column but time that a query finds, in its order.
#[track_caller]
fn column(client: &Client, db: &str, query: &str) -> Vec<Value> {
    let answer = client.query(db, query);
    let rows = answer.pointer("/results/0/series/0/values").and_then(Value::as_array);
    rows.into_iter().flatten().map(|row| row[1].clone()).collect()
}

/// Waits until a query's first column is `expect`.
#[track_caller]
fn await_column(client: &Client, db: &str, query: &str, expect: &[Value]) {
    let mut last = Vec::new();
    let found = wait::poll(DELIVERY, || {
        last = column(client, db, query);
        (last == expect).then_some(())
    });
    assert!(found.is_some(), "{query}: {last:?} instead of {expect:?}");
}
