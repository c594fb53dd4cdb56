//! The Scale v6 interface to hosts: `/v6/nodes/` and `/v6/nodes/{id}/`, and the same below `/v7`.
//!
//! Checks come in the order of Django REST framework: what the client accepts, who it is, the method; then what the
//! resource itself looks at. Paths without the slash at their end lead to those with it: 301 for reading, 308 for
//! everything else, so that method and body survive.

mod accept;
mod answer;
mod error;
mod links;

use actix_web::{
    Error, HttpRequest, HttpResponse, Resource,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method, StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};
use serde::Serialize;
use serde_json::json;

use crate::cluster::{Host, Snapshot, host_patch::PatchBody, host_query::HostQuery, page::PageRequest};

use super::{
    Services, auth,
    body::{self, BodyLimits},
    params,
};
use accept::Indent;
use error::ScaleError;

const LIST_METHODS: &str = "GET, HEAD, OPTIONS";
const HOST_METHODS: &str = "GET, PATCH, HEAD, OPTIONS";

/// Most bytes of a PATCH: many times what its three fields need.
const MAX_PATCH: usize = 64 << 10;

/// One page of hosts.
#[derive(Debug, Serialize)]
struct Envelope<'a> {
    count: usize,
    next: Option<String>,
    previous: Option<String>,
    results: &'a [&'a Host],
}

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    let list = resource("/nodes/", LIST_METHODS)
        .route(web::get().to(list))
        .route(web::head().to(list));
    let host = resource("/nodes/{id:[0-9]+}/", HOST_METHODS)
        .route(web::get().to(host))
        .route(web::head().to(host))
        .route(web::patch().to(patch));
    routes.service(
        web::scope("/{version:v6|v7}")
            .service(list.wrap(from_fn(around)))
            .service(host.wrap(from_fn(around)))
            .service(web::resource(["/nodes", "/nodes/{id:[0-9]+}"]).to(with_slash))
            .default_service(web::to(|| async { ScaleError::not_found().response(Indent::COMPACT) })),
    );
}

/// A resource that answers OPTIONS and refuses what it is not given a route for.
fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path)
        .route(web::method(Method::OPTIONS).to(move |request| options(request, methods)))
        .default_service(web::to(move |request: HttpRequest| async move {
            Err::<HttpResponse, _>(ScaleError::method_not_allowed(request.method().as_str(), methods))
        }))
}

/// Asks for what every request must bring, and gives errors the form that the client accepts.
async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let indent = Indent::of(request.request());
    let mut answered = match admit(&request, indent) {
        Ok(()) => next.call(request).await?.map_into_boxed_body(),
        Err(error) => request.error_response(error),
    };
    if let Some(error) = answered.response().error().and_then(Error::as_error::<ScaleError>) {
        let shaped = error.response(indent.unwrap_or(Indent::COMPACT));
        answered = answered.into_response(shaped);
    }
    answered
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("Accept"));
    Ok(answered)
}

fn admit(request: &ServiceRequest, indent: Option<Indent>) -> Result<(), ScaleError> {
    if indent.is_none() {
        return Err(ScaleError::not_acceptable());
    }
    let request = request.request();
    let Some(services) = request.app_data::<web::Data<Services>>() else {
        return Err(ScaleError::unavailable());
    };
    let identified = services.authenticate(request);
    identified.map_err(|_| ScaleError::unauthenticated(auth::presents_credentials(request)))
}

/// The hosts that match, in order, one page of them.
async fn list(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ScaleError> {
    let params = params::parse_query_as_python(request.query_string());
    let query = HostQuery::parse(&params, services.nodes.now())?;
    let snapshot = current(&services)?;
    let hosts = query.select(snapshot.hosts.iter().map(|entry| entry.host.as_ref()));
    let page = PageRequest::parse(&params).of(hosts.len())?;
    let link = |page: Option<usize>| links::to_page(&url(&request), &params, page);
    let body = Envelope {
        count: hosts.len(),
        next: page.next.map(|number| link(Some(number))),
        previous: page.previous.map(|number| link((number > 1).then_some(number))),
        results: &hosts[page.range],
    };
    Ok(ok(&request, &body))
}

/// One host.
async fn host(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ScaleError> {
    let snapshot = current(&services)?;
    let entry = snapshot.host(id(&request)?).ok_or_else(ScaleError::not_found)?;
    Ok(ok(&request, entry.host.as_ref()))
}

/// Changes a host.
async fn patch(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
) -> Result<HttpResponse, ScaleError> {
    let body = PatchBody::parse(&read_json(&request, payload, &services.limits).await?)?;
    let id = id(&request)?;
    match body.patch() {
        Ok(change) => services.nodes.patch_host(id, change).await?,
        Err(_) if current(&services)?.host(id).is_none() => return Err(ScaleError::not_found()),
        Err(error) => return Err(error.into()),
    }
    Ok(HttpResponse::NoContent().finish())
}

/// What a browser's preflight and the curious want to know.
async fn options(request: HttpRequest, methods: &'static str) -> HttpResponse {
    let json_only = ["application/json"];
    let about = json!({"name": "Nodes", "description": "", "renders": json_only, "parses": json_only});
    let mut response = ok(&request, &about);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static(methods));
    response
}

/// The same path with a slash at its end.
async fn with_slash(request: HttpRequest) -> HttpResponse {
    let query = request
        .uri()
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let status = if [Method::GET, Method::HEAD].contains(request.method()) {
        StatusCode::MOVED_PERMANENTLY
    } else {
        StatusCode::PERMANENT_REDIRECT
    };
    HttpResponse::build(status)
        .insert_header((header::LOCATION, format!("{}/{query}", request.uri().path())))
        .finish()
}

/// The body of a request whose media type is JSON. Without a media type there must be no body either.
async fn read_json(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &BodyLimits,
) -> Result<bytes::Bytes, ScaleError> {
    let announced = request.headers().get(header::CONTENT_TYPE);
    let announced = announced.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    });
    let is_json = body::media_type(request) == "application/json";
    if !is_json && !announced.is_empty() {
        return Err(ScaleError::unsupported_media_type(&announced));
    }
    let limits = BodyLimits {
        received: limits.received.min(MAX_PATCH),
        decompressed: limits.decompressed.min(MAX_PATCH),
        ..limits.clone()
    };
    let body = body::read(request, payload, &limits).await?;
    if !is_json && !body.bytes.is_empty() {
        return Err(ScaleError::unsupported_media_type(""));
    }
    Ok(body.bytes)
}

/// What is known of nodes and hosts, unless it may be out of date.
fn current(services: &Services) -> Result<std::sync::Arc<Snapshot>, ScaleError> {
    let snapshot = services.nodes.view();
    if snapshot.stale {
        return Err(ScaleError::unavailable());
    }
    Ok(snapshot)
}

/// The id in the path, which is all digits; one too large to count belongs to nobody.
fn id(request: &HttpRequest) -> Result<u64, ScaleError> {
    let id = request.match_info().get("id").and_then(|id| id.parse().ok());
    id.ok_or_else(ScaleError::not_found)
}

/// The request's own URL without its query string, as the client, or the proxy before it, wrote it.
fn url(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!(
        "{}://{}{}",
        connection.scheme(),
        connection.host(),
        request.uri().path()
    )
}

fn ok(request: &HttpRequest, body: &impl Serialize) -> HttpResponse {
    answer::json(StatusCode::OK, body, Indent::of(request).unwrap_or(Indent::COMPACT))
}
