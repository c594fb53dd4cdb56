//! What surrounds every request: its id, its place in the metrics and the log, and the headers of every answer.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};
use tokio::time::Instant;

use super::Services;

/// The version of InfluxDB whose interface is spoken.
pub(super) const INFLUXDB_VERSION: &str = "1.8.10";

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-influxdb-version");
pub(super) const BUILD: HeaderName = HeaderName::from_static("x-influxdb-build");

/// The family whose requests mostly wait: they are counted elsewhere, so that what is in flight is work.
const POLLED: &str = "clusters";

/// Counts the request as in flight until it is dropped, also when its client leaves.
struct InFlight<'a>(&'a Services);

impl<'a> InFlight<'a> {
    fn new(services: &'a Services) -> Self {
        services.metrics.http.in_flight.inc();
        Self(services)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.metrics.http.in_flight.dec();
    }
}

/// Handles one request.
pub(super) async fn around(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(services) = request.app_data::<web::Data<Services>>().cloned() else {
        return next.call(request).await;
    };
    let family = family(request.path());
    if family == POLLED {
        compact(request.headers_mut());
    }
    let _in_flight = (family != POLLED).then(|| InFlight::new(&services));
    let started = Instant::now();
    let id = request_id(&request);
    let mut response = match next.call(request).await {
        Ok(response) => response,
        Err(error) => return Err(error),
    };
    let elapsed = started.elapsed();
    let status = response.status();
    services
        .metrics
        .http
        .answered(family, status_class(status.as_u16()), elapsed.as_secs_f64());
    log(&response, family, &id, elapsed);
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(X_REQUEST_ID, id);
    if !headers.contains_key(VERSION) {
        headers.insert(VERSION, HeaderValue::from_static(INFLUXDB_VERSION));
        headers.insert(BUILD, HeaderValue::from_static("OSS"));
    }
    Ok(response)
}

/// Thousands of reads may wait, each with its headers: they come in a table with room for some 28, several KiB.
fn compact(headers: &mut HeaderMap) {
    let mut few = HeaderMap::new();
    for (name, value) in std::mem::take(headers) {
        few.append(name, value);
    }
    *headers = few;
}

/// One event a request. What happens all the time and went well is for debugging.
fn log<B>(response: &ServiceResponse<B>, family: &'static str, id: &HeaderValue, elapsed: std::time::Duration) {
    let request = response.request();
    let (status, method, path) = (response.status().as_u16(), request.method().as_str(), request.path());
    let id = id.to_str().unwrap_or("?");
    let micros = elapsed.as_micros();
    let routine = status < 300 && is_routine(family, request.method());
    if routine {
        tracing::debug!(target: "gyre::access", id, method, path, status, micros);
    } else {
        tracing::info!(target: "gyre::access", id, method, path, status, micros);
    }
}

/// The id that the client gave, or a new one: unique in this process and, by its first half, among restarts.
fn request_id(request: &ServiceRequest) -> HeaderValue {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let given = [X_REQUEST_ID, REQUEST_ID]
        .into_iter()
        .find_map(|name| request.headers().get(name));
    if let Some(given) = given.filter(|id| id.len() <= 128) {
        return given.clone();
    }
    let id = format!(
        "{:08x}-{:016x}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    HeaderValue::from_str(&id).unwrap_or_else(|_| HeaderValue::from_static("0"))
}

/// Whether such requests come all the time; those of nodes are heartbeats, those of clusters polls.
fn is_routine(family: &str, method: &Method) -> bool {
    match family {
        "write" | "ping" | "metrics" => true,
        "nodes" => method == Method::PUT,
        POLLED => method == Method::GET,
        _ => false,
    }
}

fn family(path: &str) -> &'static str {
    match path {
        "/write" | "/api/v2/write" => "write",
        "/query" | "/api/v2/query" => "query",
        "/ping" | "/livez" | "/readyz" => "ping",
        "/metrics" => "metrics",
        "/nodes" => "nodes",
        _ if path.starts_with("/nodes/") => "nodes",
        "/clusters" => POLLED,
        _ if path.starts_with("/clusters/") => POLLED,
        _ if path.starts_with("/v1/") || path.starts_with("/v2/") || path.starts_with("/telemetry/") => "telemetry",
        _ => "admin",
    }
}

fn status_class(status: u16) -> &'static str {
    match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
