//! `/livez` and `/readyz`, for those who start, watch and balance processes. As `/ping`, they need no credentials.

use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use crate::proxy::readiness::Part;

use super::Services;

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/livez", web::get().to(live))
        .route("/livez", web::head().to(live))
        .route("/readyz", web::get().to(ready))
        .route("/readyz", web::head().to(ready));
}

/// That the process serves at all.
async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("ok\n")
}

/// Whether every part can do its work: 200, or 503 with the reasons.
async fn ready(services: web::Data<Services>) -> HttpResponse {
    let registry = services
        .nodes
        .view()
        .stale
        .then(|| "nodes are not up to date".to_owned());
    let registry = Part {
        name: "registry",
        problem: registry,
    };
    let parts = services.readiness.parts().into_iter().chain([registry]);
    let described = |part: Part| {
        let state = match part.problem {
            None => json!({"ready": true}),
            Some(reason) => json!({"ready": false, "reason": reason}),
        };
        (part.name.to_owned(), state)
    };
    let parts: Map<String, Value> = parts.map(described).collect();
    let is_ready = parts.values().all(|part| part["ready"] == true);
    let mut answer = match is_ready {
        true => HttpResponse::Ok(),
        false => HttpResponse::ServiceUnavailable(),
    };
    answer.json(json!({"ready": is_ready, "parts": parts}))
}
