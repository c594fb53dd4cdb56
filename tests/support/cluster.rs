//! Gyre in front of circles of real InfluxDB servers.

use std::thread;

use super::{
    gyre::{Config, Gyre},
    influxd::Influxd,
    tcp_proxy::TcpProxy,
};

/// A whole cluster.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The server under test; goes before the servers it talks to.
    pub(crate) gyre: Gyre,
    /// The servers, circle after circle.
    pub(crate) servers: Vec<Influxd>,
    /// The way to each of them, if it can be broken.
    pub(crate) links: Vec<TcpProxy>,
    per_circle: usize,
}

impl Cluster {
    /// Starts `circles` of `per_circle` empty servers each, and Gyre with retries short enough for tests.
    pub(crate) fn start(circles: usize, per_circle: usize) -> Self {
        let servers = start_servers(circles * per_circle);
        Self::over(servers, Vec::new(), per_circle)
    }

    /// The same, with a network that can be broken between Gyre and each server.
    pub(crate) fn start_with_links(circles: usize, per_circle: usize) -> Self {
        let servers = start_servers(circles * per_circle);
        let links = servers.iter().map(|server| TcpProxy::start(server.addr())).collect();
        Self::over(servers, links, per_circle)
    }

    fn over(servers: Vec<Influxd>, links: Vec<TcpProxy>, per_circle: usize) -> Self {
        let urls: Vec<String> = if links.is_empty() {
            servers.iter().map(Influxd::url).collect()
        } else {
            links.iter().map(TcpProxy::url).collect()
        };
        let config = Config::new(urls.chunks(per_circle).map(<[String]>::to_vec).collect())
            .set("delivery", "check_interval", "200ms")
            .set("delivery", "backoff_min", "50ms")
            .set("delivery", "backoff_max", "500ms");
        Self {
            gyre: Gyre::start(config),
            servers,
            links,
            per_circle,
        }
    }

    /// The server that owns a measurement in each circle: positions in [`Cluster::servers`].
    pub(crate) fn owners(&self, db: &str, measurement: &str) -> Vec<usize> {
        let shown = self.gyre.client().get(&format!("/replica?db={db}&mm={measurement}"));
        let circles = shown.json();
        let names = circles.as_array().into_iter().flatten();
        names
            .enumerate()
            .map(|(circle, owner)| {
                let name = owner["name"].as_str().unwrap_or_default();
                let number: usize = name
                    .rsplit('-')
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("backend-C-B");
                circle * self.per_circle + number - 1
            })
            .collect()
    }
}

/// Starts servers side by side: each takes a moment.
pub(crate) fn start_servers(count: usize) -> Vec<Influxd> {
    let starting: Vec<_> = (0..count).map(|_| thread::spawn(Influxd::start)).collect();
    starting
        .into_iter()
        .map(|server| server.join().expect("influxd starts"))
        .collect()
}
