//! The node registry as Clusterflux has it: `/nodes`, `/nodes/{cluster}`, `/nodes/{cluster}/{id}`.
//!
//! Lists come from the published snapshot, and are refused while it is stale: a node that cannot be heard of is not
//! dead. The address is told twice, `bind-address` as documented and `bindAddress` as clients read it.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    middleware::from_fn,
    web,
};
use futures_util::StreamExt;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::{
    actors::{NodesError, Registered},
    base::{ErrorKind, TimestampNs, duration},
    cluster::{Node, Registration, Snapshot},
};

use super::{
    Services,
    body::{self, BodyLimits},
    cluster_error::ClusterError,
    cluster_path, cors,
    error::ApiError,
};

/// The largest registration, in bytes.
const MAX_REGISTRATION: usize = 64 << 10;
/// Bytes of a listed node, somewhat more than usual.
const LISTED_NODE: usize = 384;

const LIST_METHODS: &str = "GET, HEAD, OPTIONS";
const CLUSTER_METHODS: &str = "GET, HEAD, OPTIONS, POST";
const NODE_METHODS: &str = "DELETE, OPTIONS, PUT";

/// Adds the routes. Paths are taken apart here, since the router decodes before it splits.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    for path in ["/nodes", "/nodes/{rest:.*}"] {
        routes.service(web::resource(path).wrap(from_fn(cors::around)).to(dispatch));
    }
}

async fn dispatch(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, ClusterError> {
    if request.method() == Method::OPTIONS {
        return Ok(cors::preflight().await);
    }
    let segments = cluster_path::segments(request.uri().path());
    match (segments.as_slice(), request.method()) {
        ([_], &Method::GET | &Method::HEAD) => list_all(&request, &services),
        ([_], _) => Err(ClusterError::method_not_allowed(LIST_METHODS)),
        ([_, cluster], &Method::GET | &Method::HEAD) => list(&request, &services, cluster),
        ([_, cluster], &Method::POST) => register(&request, &services, cluster, payload).await,
        ([_, _], _) => Err(ClusterError::method_not_allowed(CLUSTER_METHODS)),
        ([_, cluster, id], &Method::PUT) => refresh(&request, &services, cluster, id, payload).await,
        ([_, cluster, id], &Method::DELETE) => deregister(&request, &services, cluster, id).await,
        ([_, _, _], _) => Err(ClusterError::method_not_allowed(NODE_METHODS)),
        _ => Err(ClusterError::key_not_found(request.uri().path())),
    }
}

/// Every node of every cluster, and every manager, at one moment.
fn list_all(request: &HttpRequest, services: &Services) -> Result<HttpResponse, ClusterError> {
    services.authenticate(request)?;
    let snapshot = services.nodes.view();
    fresh(&snapshot)?;
    let lists = Lists {
        cflux: Listed(|| snapshot.managers.iter().map(AsRef::as_ref)),
        influx: Listed(|| snapshot.data.iter().map(AsRef::as_ref)),
    };
    json_of(&lists, snapshot.managers.len() + snapshot.data.len())
}

/// The nodes of one cluster; a cluster without any is not known to anybody.
fn list(request: &HttpRequest, services: &Services, cluster: &str) -> Result<HttpResponse, ClusterError> {
    services.authenticate(request)?;
    let cluster = cluster_path::name(cluster)?;
    let snapshot = services.nodes.view();
    fresh(&snapshot)?;
    let of_cluster = || {
        snapshot
            .data
            .iter()
            .map(AsRef::as_ref)
            .filter(|node: &&Node| node.cluster == cluster)
    };
    json_of(&Listed(of_cluster), snapshot.data.len())
}

async fn register(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    payload: web::Payload,
) -> Result<HttpResponse, ClusterError> {
    services.authenticate(request)?;
    let cluster = cluster_path::name(cluster)?;
    let limits = BodyLimits {
        received: MAX_REGISTRATION,
        decompressed: MAX_REGISTRATION,
        ..services.limits.clone()
    };
    let body = body::read(request, payload, &limits).await?;
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical().to_string());
    let registration = Registration::parse(&body.bytes, peer.as_deref().unwrap_or_default());
    let registration = registration.map_err(|error| ClusterError::invalid(error.to_string()))?;
    let registered = services.nodes.register(&cluster, registration).await;
    registered
        .map(|node| described(&node, "registered"))
        .map_err(|error| failed(request, &error))
}

async fn refresh(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    id: &str,
    payload: web::Payload,
) -> Result<HttpResponse, ClusterError> {
    services.authenticate(request)?;
    let (cluster, id) = (cluster_path::name(cluster)?, cluster_path::number(id, "id")?);
    body::in_time(&services.limits, skip(payload)).await?;
    let refreshed = services.nodes.refresh(&cluster, id).await;
    refreshed
        .map(|node| described(&node, "refreshed"))
        .map_err(|error| failed(request, &error))
}

async fn deregister(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    id: &str,
) -> Result<HttpResponse, ClusterError> {
    services.authenticate(request)?;
    let (cluster, id) = (cluster_path::name(cluster)?, cluster_path::number(id, "id")?);
    let removed = services.nodes.deregister(&cluster, id).await;
    removed.map_err(|error| failed(request, &error))?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "id": id, "message": "deregistered"})))
}

/// Reads what a heartbeat says, which means nothing, so that the connection can be used again; of a large body only the
/// beginning.
async fn skip(mut payload: web::Payload) -> Result<(), ApiError> {
    let mut skipped = 0;
    while skipped <= MAX_REGISTRATION {
        match payload.next().await {
            Some(Ok(chunk)) => skipped += chunk.len(),
            Some(Err(error)) => return Err(ApiError::invalid(format!("unable to read body: {error}"))),
            None => break,
        }
    }
    Ok(())
}

fn failed(request: &HttpRequest, error: &NodesError) -> ClusterError {
    match error.kind() {
        ErrorKind::NotFound => ClusterError::key_not_found(request.uri().path()),
        kind => ClusterError::new(kind, error.to_string()),
    }
}

fn fresh(snapshot: &Snapshot) -> Result<(), ClusterError> {
    if snapshot.stale {
        return Err(ClusterError::new(
            ErrorKind::Unavailable,
            "metadata store cannot be reached",
        ));
    }
    Ok(())
}

/// The answer that a node gets about itself.
fn described(registered: &Registered, message: &str) -> HttpResponse {
    let Registered { node, expires_at } = registered;
    HttpResponse::Ok().json(json!({
        "status": "ok",
        "id": node.id,
        "expirationDate": whole_seconds(*expires_at).to_string(),
        "message": message,
        "metadata": {
            "ip": node.ip,
            "hostname": node.hostname,
            "bindAddress": node.bind,
            "bind-address": node.bind,
        },
    }))
}

fn whole_seconds(time: TimestampNs) -> TimestampNs {
    TimestampNs(time.0 - time.0.rem_euclid(1_000_000_000))
}

fn json_of(body: &impl Serialize, nodes: usize) -> Result<HttpResponse, ClusterError> {
    let mut json = Vec::with_capacity(nodes * LISTED_NODE);
    serde_json::to_writer(&mut json, body)
        .map_err(|error| ClusterError::new(ErrorKind::Internal, error.to_string()))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(json))
}

#[derive(Serialize)]
struct Lists<M: Serialize, D: Serialize> {
    cflux: M,
    influx: D,
}

/// Nodes as an array, written straight from where they are.
struct Listed<F>(F);

impl<'a, F: Fn() -> I, I: Iterator<Item = &'a Node>> Serialize for Listed<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)().map(Row::of))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Row<'a> {
    id: u64,
    ip: &'a str,
    hostname: &'a str,
    bind_address: &'a str,
    #[serde(rename = "bindAddress")]
    bind_address_again: &'a str,
    alive: bool,
    cluster: &'a str,
    registered_at: String,
    ttl: String,
}

impl<'a> Row<'a> {
    fn of(node: &'a Node) -> Self {
        Self {
            id: node.id,
            ip: &node.ip,
            hostname: &node.hostname,
            bind_address: &node.bind,
            bind_address_again: &node.bind,
            alive: node.is_alive(),
            cluster: &node.cluster,
            registered_at: whole_seconds(node.registered_at).to_string(),
            ttl: duration::print(node.ttl),
        }
    }
}
