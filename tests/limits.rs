//! What no well-behaved client sends: each gets the right answer, nobody else notices, and memory stays bounded.
//!
//! [`bodies`]: too large, too long, broken. [`requests`]: methods, paths, headers, slowness. [`credentials`]: who may ask.

mod bodies;
mod credentials;
mod requests;

use crate::support::{
    gyre::{Config, Gyre},
    http::{Client, Response},
    null_backend::NullBackend,
};

/// A backend that stores nothing, and Gyre in front.
#[derive(Debug)]
struct Door {
    gyre: Gyre,
    backend: NullBackend,
}

impl Door {
    fn open(adjust: impl FnOnce(Config) -> Config) -> Self {
        let backend = NullBackend::start(&["d"]);
        let gyre = Gyre::start(adjust(Config::new(vec![vec![backend.url()]])));
        Self { gyre, backend }
    }

    fn client(&self) -> Client {
        self.gyre.client()
    }

    /// Pings, writes and queries as if nothing had happened.
    #[track_caller]
    fn assert_healthy(&self) {
        let client = self.client();
        assert!(client.pings());
        assert_eq!(client.write("d", "healthy v=1i 1"), (204, String::new()));
        assert_eq!(self.backend.lines().last().map(String::as_str), Some("healthy v=1i 1"));
        assert!(client.query("d", "SELECT mean(v) FROM cpu")["results"][0]["error"].is_null());
    }
}

/// The body of an InfluxDB error.
fn error(text: &str) -> String {
    format!("{{\"error\":{}}}\n", serde_json::Value::from(text))
}

/// Status and body.
fn brief(answer: &Response) -> (u16, String) {
    (answer.status, answer.text())
}
