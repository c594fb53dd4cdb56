//! influx-proxy's own routes, in the shapes of the generation that is configured: `/health`, `/replica`, `/encrypt`,
//! `/decrypt`.

use actix_web::{
    Error, HttpRequest, HttpResponse, ResponseError, Route,
    body::{BoxBody, MessageBody},
    dev::{HttpServiceFactory, ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
    middleware::{Next, from_fn},
    web,
};
use serde_json::{Value, json};

use crate::{
    config::{Api, cipher},
    influx::{line, result::OutputOptions},
    proxy::fleet::{Backend, Circle},
};

use super::{
    Services, access,
    error::ApiError,
    params::{self, Params},
};

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .service(resource("/health", web::get().to(health)))
        .service(resource("/replica", web::get().to(replica)))
        .service(resource("/encrypt", web::get().to(encrypt)))
        .service(resource("/decrypt", web::get().to(decrypt)));
}

fn resource(path: &str, route: Route) -> impl HttpServiceFactory + 'static {
    web::resource(path)
        .wrap(from_fn(shaped))
        .route(route)
        .default_service(web::to(method_not_allowed))
}

/// Gives answers the headers of the configured generation, and errors its shape: 2.4.7's are plain text.
async fn shaped(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let api = request.app_data::<web::Data<Services>>().map(|services| services.api);
    let mut answered = next.call(request).await?.map_into_boxed_body();
    if let Some(error) = answered.response().error().and_then(Error::as_error::<ApiError>) {
        let shaped = if api == Some(Api::V2_4_7) {
            plain(error.status_code(), error.to_string().into_bytes())
        } else {
            error.response(OutputOptions {
                pretty: is_pretty(answered.request()),
                ..OutputOptions::default()
            })
        };
        answered = answered.into_response(shaped);
    }
    let headers = answered.headers_mut();
    if let Some(api) = api {
        headers.insert(access::VERSION, HeaderValue::from_static(api.as_str()));
    }
    if api == Some(Api::V2_5_12) {
        headers.insert(access::BUILD, HeaderValue::from_static("InfluxDB Proxy"));
    }
    Ok(answered)
}

async fn method_not_allowed() -> Result<HttpResponse, ApiError> {
    Err(ApiError::relayed(
        StatusCode::METHOD_NOT_ALLOWED.as_u16(),
        "method not allow",
    ))
}

/// The state of all circles and backends.
async fn health(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let body = match services.api {
        Api::V2_4_7 => Value::Array(services.fleet.circles.iter().map(health_2_4).collect()),
        Api::V2_5_12 => json!({
            "checks": [],
            "circles": services.fleet.circles.iter().map(health_2_5).collect::<Vec<_>>(),
            "message": "ready for queries and writes",
            "name": "influx-proxy",
            "status": "pass",
            "version": services.api.as_str(),
        }),
    };
    Ok(answer(&request, &body))
}

fn health_2_4(circle: &Circle) -> Value {
    let backends = circle.members.iter().map(|backend| {
        json!({
            "active": backend.condition.is_usable(),
            "backlog": has_backlog(backend),
            "load": {},
            "name": backend.config.name,
            "rewrite": has_backlog(backend) && backend.condition.is_usable(),
            "url": backend.config.url.as_configured(),
        })
    });
    json!({"backends": backends.collect::<Vec<_>>(), "circle": circle.name})
}

fn health_2_5(circle: &Circle) -> Value {
    let backends = circle.members.iter().map(|backend| {
        json!({
            "name": backend.config.name,
            "url": backend.config.url.as_configured(),
            "active": backend.condition.is_usable(),
            "backlog": has_backlog(backend),
            "rewriting": has_backlog(backend) && backend.condition.is_usable(),
            "write_only": backend.config.write_only,
        })
    });
    json!({
        "circle": {
            "id": circle.id.0,
            "name": circle.name,
            "active": circle.members.iter().all(|backend| backend.condition.is_usable()),
            "write_only": circle.members.iter().any(|backend| backend.config.write_only),
        },
        "backends": backends.collect::<Vec<_>>(),
    })
}

fn has_backlog(backend: &Backend) -> bool {
    backend.condition.waiting_bytes() > 0
}

/// The owner of a measurement in every circle.
async fn replica(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let query = params::parse_query(request.query_string());
    let db = params::text(&query, "db");
    let measurement = Some(params::text(&query, "mm"))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| params::text(&query, "meas"));
    if db.is_empty() || measurement.is_empty() {
        let name = if services.api == Api::V2_4_7 { "meas" } else { "mm" };
        return Err(ApiError::invalid(format!("invalid db or {name}")));
    }
    let placement = services
        .fleet
        .placement(db.as_bytes(), &line::placement_name_of_stored(measurement.as_bytes()));
    let owners = placement.owners.iter().zip(&services.fleet.circles).map(|(at, circle)| {
        let backend = &services.fleet.backends[*at].config;
        let url = backend.url.as_configured();
        match services.api {
            Api::V2_4_7 => json!({"circle": circle.name, "name": backend.name, "url": url}),
            Api::V2_5_12 => json!({"backend": {"name": backend.name, "url": url}, "circle": {"id": circle.id.0, "name": circle.name}}),
        }
    });
    let body = Value::Array(owners.collect());
    Ok(answer(&request, &body))
}

/// influx-proxy's ciphertext of a text; no secret, its key is public.
async fn encrypt(request: HttpRequest) -> HttpResponse {
    let query = params::parse_query(request.query_string());
    plain(StatusCode::OK, cipher::encrypt(message(&query).as_bytes()).into_bytes())
}

/// The text of influx-proxy's ciphertext.
async fn decrypt(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let query = params::parse_query(request.query_string());
    if params::text(&query, "key") != cipher::KEY {
        return Err(ApiError::invalid("invalid key"));
    }
    // The peer answers errors as the text itself, with 200.
    Ok(plain(
        StatusCode::OK,
        cipher::decrypt(message(&query)).unwrap_or_else(|error| error.to_string().into_bytes()),
    ))
}

/// The parameter has a name in each generation.
fn message(query: &Params) -> &str {
    params::first(query, "text")
        .or_else(|| params::first(query, "msg"))
        .unwrap_or_default()
}

fn plain(status: StatusCode, mut text: Vec<u8>) -> HttpResponse {
    text.push(b'\n');
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(text)
}

fn is_pretty(request: &HttpRequest) -> bool {
    params::text(&params::parse_query(request.query_string()), "pretty") == "true"
}

fn answer(request: &HttpRequest, body: &Value) -> HttpResponse {
    let mut text = Vec::new();
    let indent = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let written = if is_pretty(request) {
        serde::Serialize::serialize(body, &mut serde_json::Serializer::with_formatter(&mut text, indent))
    } else {
        serde_json::to_writer(&mut text, body)
    };
    debug_assert!(written.is_ok(), "a JSON value always serialises into memory");
    text.push(b'\n');
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(text)
}
