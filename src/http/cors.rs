//! Pages of other origins may ask, as InfluxDB lets them: whoever names an origin is allowed that origin.

use actix_web::{
    Error, HttpResponse,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    middleware::Next,
};

/// What InfluxDB allows every origin.
const ALLOWED: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "DELETE, GET, OPTIONS, POST, PUT"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "Accept, Accept-Encoding, Authorization, Content-Length, Content-Type, X-CSRF-Token, X-HTTP-Method-Override",
    ),
    (
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        "Date, X-InfluxDB-Version, X-InfluxDB-Build",
    ),
];

/// Adds the headers to every answer of a route but the one that says that there is no such method.
pub(super) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let mut response = next.call(request).await?;
    if let Some(origin) = origin.filter(|_| response.status() != StatusCode::METHOD_NOT_ALLOWED) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        for (name, value) in ALLOWED {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    Ok(response)
}

/// The answer to `OPTIONS`: a browser asks it before it sends the request itself, without credentials.
pub(super) async fn preflight() -> HttpResponse {
    HttpResponse::Ok().finish()
}
