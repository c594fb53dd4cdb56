//! The counters. Each part of Gyre holds the handles of what it counts; one registry per process prints them all.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    collector::Collector,
    encoding::text::encode,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// Label set of one backend.
type BackendLabel = Vec<(&'static str, String)>;
/// A histogram per family of routes, made on first use.
type Durations = Family<[(&'static str, &'static str); 1], Histogram, fn() -> Histogram>;
/// Label set of a family of routes and a status.
type RouteLabels = [(&'static str, &'static str); 2];

/// All metrics of one process. Not global: every test has its own.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    /// HTTP requests.
    pub http: HttpMetrics,
    /// Points on their way in.
    pub write: WriteMetrics,
    delivered_points: Family<BackendLabel, Counter>,
    sent_bytes: Family<BackendLabel, Counter>,
    retries: Family<BackendLabel, Counter>,
    dead_letters: Family<BackendLabel, Counter>,
    restarts: Family<BackendLabel, Counter>,
}

/// What is counted about requests.
#[derive(Debug, Clone)]
pub struct HttpMetrics {
    requests: Family<RouteLabels, Counter>,
    durations: Durations,
    /// Requests being answered now.
    pub in_flight: Gauge,
    /// Bytes of request bodies as they came.
    pub body_bytes: Counter,
}

/// What is counted about points on their way in.
#[derive(Debug, Clone, Default)]
pub struct WriteMetrics {
    /// Points accepted into the journal.
    pub points: Counter,
    /// Lines that are no points.
    pub rejected_lines: Counter,
}

/// What is counted about deliveries to one backend.
#[derive(Debug, Clone, Default)]
pub struct BackendMetrics {
    /// Points that the backend took.
    pub delivered_points: Counter,
    /// Bytes of bodies sent.
    pub sent_bytes: Counter,
    /// Deliveries that failed and will be tried again.
    pub retries: Counter,
    /// Points kept as dead letters.
    pub dead_letters: Counter,
}

/// 100 µs to 13 s, doubling.
fn duration_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 18))
}

impl HttpMetrics {
    /// Counts one answered request: its route family, the class of its status (`"2xx"`), and how long it took in seconds.
    pub fn answered(&self, family: &'static str, status: &'static str, seconds: f64) {
        self.requests
            .get_or_create(&[("family", family), ("status", status)])
            .inc();
        self.durations.get_or_create(&[("family", family)]).observe(seconds);
    }
}

impl Metrics {
    /// An empty registry with every metric registered.
    #[must_use]
    pub fn new() -> Self {
        let http = HttpMetrics {
            requests: Family::default(),
            durations: Family::new_with_constructor(duration_buckets),
            in_flight: Gauge::default(),
            body_bytes: Counter::default(),
        };
        let mut metrics = Self {
            registry: Registry::with_prefix("gyre"),
            http,
            write: WriteMetrics::default(),
            delivered_points: Family::default(),
            sent_bytes: Family::default(),
            retries: Family::default(),
            dead_letters: Family::default(),
            restarts: Family::default(),
        };
        metrics.register();
        metrics
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests answered", self.http.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "Time to answer",
            Unit::Seconds,
            self.http.durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests being answered",
            self.http.in_flight.clone(),
        );
        registry.register_with_unit(
            "http_request_body",
            "Request bodies as received",
            Unit::Bytes,
            self.http.body_bytes.clone(),
        );
        registry.register(
            "write_points",
            "Points accepted into the journal",
            self.write.points.clone(),
        );
        registry.register(
            "write_rejected_lines",
            "Lines that are no points",
            self.write.rejected_lines.clone(),
        );
        registry.register(
            "backend_delivered_points",
            "Points taken by the backend",
            self.delivered_points.clone(),
        );
        registry.register_with_unit(
            "backend_sent",
            "Bodies sent to the backend",
            Unit::Bytes,
            self.sent_bytes.clone(),
        );
        registry.register(
            "backend_retries",
            "Deliveries that failed and are tried again",
            self.retries.clone(),
        );
        registry.register(
            "dead_letters_kept",
            "Points kept as dead letters",
            self.dead_letters.clone(),
        );
        registry.register(
            "actor_restarts",
            "Actors, and keepers of embedded engines, restarted after a panic",
            self.restarts.clone(),
        );
    }

    /// The counters of one backend.
    #[must_use]
    pub fn backend(&self, name: &str) -> BackendMetrics {
        let label = vec![("backend", name.to_owned())];
        BackendMetrics {
            delivered_points: self.delivered_points.get_or_create(&label).clone(),
            sent_bytes: self.sent_bytes.get_or_create(&label).clone(),
            retries: self.retries.get_or_create(&label).clone(),
            dead_letters: self.dead_letters.get_or_create(&label).clone(),
        }
    }

    /// Counts the restarts of one actor, or of the keeper of an embedded engine.
    #[must_use]
    pub fn restarts(&self, actor: &str) -> Counter<u64, AtomicU64> {
        self.restarts.get_or_create(&vec![("actor", actor.to_owned())]).clone()
    }

    /// Adds values that are read when the metrics are printed.
    pub fn add(&mut self, collector: Box<dyn Collector>) {
        self.registry.register_collector(collector);
    }

    /// All metrics in the OpenMetrics text format.
    #[must_use]
    pub fn print(&self) -> String {
        let mut text = String::new();
        // Printing into a string cannot fail.
        if encode(&mut text, &self.registry).is_err() {
            text.clear();
        }
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
