//! InfluxDB's own interface: `/ping`, `/write`, `/query`, and `/api/v2/*` as 1.8 has it.

mod answer;
mod flux;
mod query;
mod write;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    middleware::{Compress, Condition, from_fn},
    web,
};

use crate::influx::result::{Format, OutputOptions, TimeFormat};

use super::{Services, access, cors, error::ApiError, params};

/// Go's answer to an unknown path.
pub(super) const NOT_FOUND: &str = "404 page not found\n";
/// Go's answer to a method that the path does not know.
pub(super) const METHOD_NOT_ALLOWED: &str = "Method Not Allowed\n";

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig, services: &Services) {
    let preflight = || web::method(Method::OPTIONS).to(cors::preflight);
    routes
        .service(web::resource("/ping").wrap(from_fn(cors::around)).to(ping))
        .service(
            web::resource("/write")
                .wrap(from_fn(cors::around))
                .route(preflight())
                .route(web::post().to(write::v1))
                .default_service(web::to(only_post)),
        )
        .service(
            web::resource("/api/v2/write")
                .wrap(from_fn(cors::around))
                .route(preflight())
                .route(web::post().to(write::v2))
                .default_service(web::to(only_post)),
        )
        .service(
            web::resource("/query")
                .wrap(Condition::new(services.config.http.compress, Compress::default()))
                .wrap(from_fn(cors::around))
                .route(preflight())
                .route(web::get().to(query::query))
                .route(web::post().to(query::query))
                .default_service(web::to(only_get_and_post)),
        )
        .service(
            web::resource("/api/v2/query")
                .wrap(Condition::new(services.config.http.compress, Compress::default()))
                .wrap(from_fn(cors::around))
                .route(preflight())
                .route(web::post().to(flux::query))
                .default_service(web::to(only_post)),
        )
        .service(web::resource("/metrics").route(web::get().to(metrics)));
}

/// `/ping`, any method: 204, or the version when `verbose` is set.
async fn ping(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    if services.config.http.ping_auth {
        services.authenticate(&request)?;
    }
    let query = params::parse_query(request.query_string());
    let quiet = matches!(params::text(&query, "verbose"), "" | "0" | "false");
    if quiet {
        return Ok(HttpResponse::NoContent()
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .finish());
    }
    let body = format!("{{\"version\":\"{}\"}}\n", access::INFLUXDB_VERSION);
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(body))
}

/// `/metrics`: all counters as OpenMetrics text.
async fn metrics(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    if services.config.http.ping_auth {
        services.authenticate(&request)?;
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, content_type))
        .body(services.metrics.print()))
}

/// The client's format; influxd takes `pretty` from the URL only.
fn output(request: &HttpRequest) -> OutputOptions {
    let accept = request.headers().get(header::ACCEPT);
    let url = params::parse_query(request.query_string());
    OutputOptions {
        format: Format::from_accept(accept.and_then(|value| value.to_str().ok()).unwrap_or_default()),
        pretty: params::text(&url, "pretty") == "true",
        times: TimeFormat::default(),
    }
}

async fn only_post() -> HttpResponse {
    not_allowed("OPTIONS, POST")
}

async fn only_get_and_post() -> HttpResponse {
    not_allowed("OPTIONS, GET, POST")
}

fn not_allowed(allow: &'static str) -> HttpResponse {
    let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, METHOD_NOT_ALLOWED);
    response
        .headers_mut()
        .insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}

/// An answer of Go's own router.
pub(super) fn plain(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text)
}
