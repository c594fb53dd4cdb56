//! Versioned metadata as Clusterflux has them: `/clusters/{cluster}/versions/{version}`, where reads wait for news; and
//! what came later, `/clusters/{cluster}/history[/{version}]` and `DELETE /clusters/{cluster}`.
//!
//! Bodies are bytes without a type. Every answer that knows a version names it in the header `Version`; the answer to a
//! conflict is nothing but the current bytes, which the client takes over as they are. A client polls again as soon as it
//! is answered, so errors of reads are held back.

use std::{
    collections::hash_map::RandomState,
    convert::Infallible,
    hash::{BuildHasher, Hasher},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    body::SizedStream,
    http::{
        Method, StatusCode,
        header::{self, HeaderName},
    },
    middleware::from_fn,
    web,
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use crate::{
    actors::{Document, Read, VersionsError, Wait, Write},
    base::{ErrorKind, duration},
    config::LongpollTimeout,
};

use super::{
    Services,
    body::{self, BodyLimits},
    cluster_error::ClusterError,
    cluster_path, cors, params,
};

const VERSION: HeaderName = HeaderName::from_static("version");

const VERSION_METHODS: &str = "GET, HEAD, OPTIONS, POST, PUT";
const HISTORY_METHODS: &str = "GET, HEAD, OPTIONS";
const CLUSTER_METHODS: &str = "DELETE, OPTIONS";

/// What a client may ask to wait.
const WAITS: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(600);
/// The hold time is extended by up to this part of it, so that clients do not come back all at once.
const JITTER: u32 = 16;
/// Bytes of a large body that are on the way to one client at a time.
const PIECE: usize = 64 << 10;

/// Adds the routes. Paths are taken apart here, since the router decodes before it splits.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    for path in ["/clusters", "/clusters/{rest:.*}"] {
        routes.service(web::resource(path).wrap(from_fn(cors::around)).to(dispatch));
    }
}

async fn dispatch(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, ClusterError> {
    let segments = cluster_path::segments(request.uri().path());
    let methods = match segments.as_slice() {
        [_, _, "versions", _] => VERSION_METHODS,
        [_, _, "history"] | [_, _, "history", _] => HISTORY_METHODS,
        [_, _] => CLUSTER_METHODS,
        _ => return Err(ClusterError::key_not_found(request.uri().path())),
    };
    let method = request.method();
    if method == Method::OPTIONS {
        return Ok(cors::preflight().await);
    }
    if !methods.split(", ").any(|known| known == method) {
        return Err(ClusterError::method_not_allowed(methods));
    }
    services.authenticate(&request)?;
    // Boxed one by one: thousands of waiting reads would each take the room that a write needs.
    match (segments.as_slice(), method) {
        ([_, cluster, "versions", version], &Method::GET | &Method::HEAD) => {
            Box::pin(read(&request, &services, cluster, version)).await
        }
        ([_, cluster, "versions", version], _) => {
            Box::pin(write(&request, &services, (cluster, version), payload)).await
        }
        ([_, cluster, "history", version], _) => Box::pin(old_version(&request, &services, cluster, version)).await,
        ([_, cluster, _], _) => Box::pin(history(&request, &services, cluster)).await,
        ([_, cluster, ..], _) => Box::pin(delete(&request, &services, cluster)).await,
        _ => Err(ClusterError::key_not_found(request.uri().path())),
    }
}

/// The current version, as soon as it is another than the client's. Errors are held back.
async fn read(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    version: &str,
) -> Result<HttpResponse, ClusterError> {
    let answer = match poll(request, services, cluster, version) {
        Ok((cluster, version, wait)) => {
            answer_of(request, services, services.versions.read(&cluster, version, wait).await)
        }
        Err(error) => Err(error),
    };
    if answer.is_err() {
        services.versions.pause(services.config.meta.error_delay).await;
    }
    answer
}

/// What a read asks for.
fn poll(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    version: &str,
) -> Result<(String, u64, Wait), ClusterError> {
    let (cluster, version) = (cluster_path::name(cluster)?, cluster_path::number(version, "version")?);
    Ok((cluster, version, wait(request, services.config.meta.longpoll)?))
}

fn answer_of(
    request: &HttpRequest,
    services: &Services,
    read: Result<Read, VersionsError>,
) -> Result<HttpResponse, ClusterError> {
    match read.map_err(|error| failed(&error))? {
        Read::Newer(document) => Ok(document_of(StatusCode::OK, document)),
        Read::NoNews(version) => Ok(no_news(services.config.meta.longpoll_timeout, version)),
        Read::NotFound => Err(ClusterError::key_not_found(request.uri().path())),
    }
}

/// How long a read waits: as configured, or as the client wants, who then waits for the first version as well; `HEAD`
/// never does.
fn wait(request: &HttpRequest, hold: Duration) -> Result<Wait, ClusterError> {
    let query = params::parse_query(request.query_string());
    let wanted = params::first(&query, "wait").map(|text| {
        let time = duration::parse(text).ok().filter(|time| WAITS.contains(time));
        time.ok_or_else(|| ClusterError::invalid("wait must be a duration from 1s to 10m"))
    });
    let wanted = wanted.transpose()?;
    if request.method() == Method::HEAD {
        return Ok(Wait {
            time: Duration::ZERO,
            for_creation: false,
        });
    }
    Ok(Wait {
        time: with_jitter(wanted.unwrap_or(hold)),
        for_creation: wanted.is_some(),
    })
}

fn with_jitter(time: Duration) -> Duration {
    // Keyed by the system's randomness.
    let random = RandomState::new().build_hasher().finish();
    time + (time / JITTER).mul_f64(random as f64 / u64::MAX as f64)
}

/// The client has the current version, and nothing happened.
fn no_news(answer: LongpollTimeout, version: Option<u64>) -> HttpResponse {
    let mut response = match answer {
        LongpollTimeout::NoContent => HttpResponse::NoContent(),
        LongpollTimeout::GatewayTimeout => HttpResponse::GatewayTimeout(),
    };
    if let Some(version) = version {
        response.insert_header((VERSION, version));
    }
    match answer {
        LongpollTimeout::NoContent => response.finish(),
        LongpollTimeout::GatewayTimeout => response.body("no new version"),
    }
}

/// Stores the body as the version after the one that the client has seen.
async fn write(
    request: &HttpRequest,
    services: &Services,
    (cluster, version): (&str, &str),
    payload: web::Payload,
) -> Result<HttpResponse, ClusterError> {
    let (cluster, version) = (cluster_path::name(cluster)?, cluster_path::number(version, "version")?);
    let largest = services.config.meta.max_blob.as_usize();
    let limits = BodyLimits {
        received: largest,
        decompressed: largest,
        ..services.limits.clone()
    };
    let body = body::read(request, payload, &limits).await?;
    let written = services.versions.write(&cluster, version, body.bytes.clone()).await;
    match written.map_err(|error| failed(&error))? {
        Write::Stored(version) => Ok(HttpResponse::Ok().insert_header((VERSION, version)).finish()),
        Write::Conflict(document) => Ok(document_of(StatusCode::CONFLICT, document)),
        Write::NotFound => Err(ClusterError::key_not_found(request.uri().path())),
    }
}

/// What is known of the versions that are kept, newest first.
async fn history(request: &HttpRequest, services: &Services, cluster: &str) -> Result<HttpResponse, ClusterError> {
    let cluster = cluster_path::name(cluster)?;
    let history = services.versions.history(&cluster).await;
    let Some(history) = history.map_err(|error| failed(&error))? else {
        return Err(ClusterError::key_not_found(request.uri().path()));
    };
    let current = history.first().map_or(0, |entry| entry.version);
    let described = history.iter().map(|entry| {
        json!({
            "version": entry.version,
            "size": entry.digest.size,
            "time": entry.written_at.to_string(),
            "sha256": entry.digest.sha256,
        })
    });
    Ok(HttpResponse::Ok()
        .insert_header((VERSION, current))
        .json(described.collect::<Vec<_>>()))
}

/// A version that is still kept.
async fn old_version(
    request: &HttpRequest,
    services: &Services,
    cluster: &str,
    version: &str,
) -> Result<HttpResponse, ClusterError> {
    let (cluster, version) = (cluster_path::name(cluster)?, cluster_path::number(version, "version")?);
    let found = services.versions.history_body(&cluster, version).await;
    match found.map_err(|error| failed(&error))? {
        Some(document) => Ok(document_of(StatusCode::OK, document)),
        None => Err(ClusterError::key_not_found(request.uri().path())),
    }
}

/// Forgets a cluster's metadata with their history.
async fn delete(request: &HttpRequest, services: &Services, cluster: &str) -> Result<HttpResponse, ClusterError> {
    let cluster = cluster_path::name(cluster)?;
    if !services
        .versions
        .delete(&cluster)
        .await
        .map_err(|error| failed(&error))?
    {
        return Err(ClusterError::key_not_found(request.uri().path()));
    }
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "message": "deleted"})))
}

fn document_of(status: StatusCode, Document { version, body }: Document) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((VERSION, version))
        .insert_header((header::CONTENT_TYPE, "application/octet-stream"));
    with_body(response, body)
}

/// A large body goes out piece by piece: all clients share it, and none takes a copy of the whole.
fn with_body(mut response: HttpResponseBuilder, body: Bytes) -> HttpResponse {
    if body.len() <= PIECE {
        return response.body(body);
    }
    let size = body.len() as u64;
    let pieces = (0..body.len())
        .step_by(PIECE)
        .map(move |start| Ok::<_, Infallible>(body.slice(start..body.len().min(start + PIECE))));
    response.body(SizedStream::new(size, stream::iter(pieces)))
}

fn failed(error: &VersionsError) -> ClusterError {
    match error.kind() {
        ErrorKind::Corrupt | ErrorKind::Internal => {
            tracing::error!(%error, "cluster metadata");
            ClusterError::new(error.kind(), "cluster metadata cannot be read or written")
        }
        kind => ClusterError::new(kind, error.to_string()),
    }
}
