//! Gyre's own routes, under `/gyre/`: backends, the ring, backups and dead letters, for the command line and for scripts.
//!
//! Errors are `{"error":"…"}`, like InfluxDB's.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use futures_util::stream;
use serde_json::json;

use crate::{
    actors::Refused,
    base::ErrorKind,
    proxy::{
        backup,
        dead_letters::{self, Numbered},
    },
};

use super::{Services, error::ApiError, params};

/// Dead letters in one answer when the client does not say.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

/// Adds the routes.
pub(super) fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/gyre/backends", web::get().to(backends))
        .route("/gyre/backends/{name}/attach", web::post().to(attach))
        .route("/gyre/ring", web::get().to(ring))
        .route("/gyre/ring", web::post().to(put_ring_in_force))
        .route("/gyre/backup", web::post().to(backup))
        .route("/gyre/dead-letters", web::get().to(list))
        .route("/gyre/dead-letters/replay", web::post().to(replay))
        .route("/gyre/dead-letters/drop", web::post().to(forget));
}

/// Every backend with what is known of it.
async fn backends(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let described = services.fleet.backends.iter().map(|backend| {
        json!({
            "name": backend.config.name,
            "circle": services.fleet.circles[usize::from(backend.circle.0)].name,
            "url": backend.config.url.as_configured(),
            "alive": backend.condition.is_alive(),
            "detached": backend.condition.is_detached(),
            "waiting_bytes": backend.condition.waiting_bytes(),
            "latency_us": backend.condition.latency_us(),
            "reads_in_flight": backend.condition.reads_in_flight(),
        })
    });
    Ok(HttpResponse::Ok().json(json!({"backends": described.collect::<Vec<_>>()})))
}

/// Uses a detached backend again; whoever asks has rebuilt its data.
async fn attach(
    request: HttpRequest,
    services: web::Data<Services>,
    name: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let shared = services.agreement.shared();
    shared
        .require()
        .map_err(|error| ApiError::new(ErrorKind::Unavailable, error.to_string()))?;
    for circle in &services.circles {
        if circle.attach(&name).await?.is_ok() {
            return Ok(HttpResponse::NoContent().finish());
        }
    }
    Err(ApiError::new(ErrorKind::NotFound, format!("no backend named {name:?}")))
}

/// The ring in force, `null` while it is unknown, and the one that this process is configured with.
async fn ring(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let agreement = &services.agreement;
    let problem = agreement.check().err().map(|error| error.to_string());
    let rings = json!({"in_force": agreement.in_force(), "configured": agreement.configured(), "problem": problem});
    Ok(HttpResponse::Ok().json(rings))
}

/// Puts the configured ring in force for all processes; whoever asks has moved the points that it places elsewhere.
async fn put_ring_in_force(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let put = services.agreement.put_in_force().await;
    put.map_err(|error| ApiError::new(error.kind(), error.to_string()))?;
    Ok(HttpResponse::NoContent().finish())
}

/// Everything that this process holds itself, as an archive.
async fn backup(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let mut pieces = services.backups.start().await?;
    Ok(HttpResponse::Ok()
        .content_type("application/octet-stream")
        // its files are compressed already
        .insert_header(header::ContentEncoding::Identity)
        .streaming(stream::poll_fn(move |context| pieces.poll_recv(context))))
}

/// The oldest dead letters after the number `after`, at most `limit`.
async fn list(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let query = params::parse_query(request.query_string());
    let after = number(params::first(&query, "after"), "after")?.unwrap_or(0);
    let limit = number(params::first(&query, "limit"), "limit")?
        .map_or(DEFAULT_LIMIT, |n| usize::try_from(n).unwrap_or(MAX_LIMIT));
    let letters = read(&services, after, limit.min(MAX_LIMIT)).await?;
    Ok(HttpResponse::Ok().json(json!({"count": services.dead_letters.count(), "letters": letters})))
}

/// Puts the letters up to the number `through` on their way again, in order, and forgets them.
async fn replay(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let through = through(&request)?;
    let mut replayed = 0;
    loop {
        let letters = read(&services, 0, DEFAULT_LIMIT).await?;
        let due: Vec<_> = letters.into_iter().take_while(|letter| letter.id <= through).collect();
        let Some(last) = due.last().map(|letter| letter.id) else {
            break;
        };
        for Numbered { letter, .. } in &due {
            let backend = services
                .fleet
                .backends
                .iter()
                .position(|backend| backend.config.name == letter.backend);
            let backend = backend.ok_or_else(|| {
                ApiError::new(
                    ErrorKind::Conflict,
                    format!("no backend named {:?} any more", letter.backend),
                )
            })?;
            if services.fleet.backends[backend].condition.is_detached() {
                let text = format!("backend {:?} is detached: nothing is delivered to it", letter.backend);
                return Err(ApiError::new(ErrorKind::Conflict, text));
            }
            services
                .intake
                .redeliver(backend, (&letter.db, &letter.policy), letter.lines.as_bytes())
                .await?;
        }
        replayed += due.len();
        drop_through(&services, last).await?;
    }
    Ok(HttpResponse::Ok().json(json!({"replayed": replayed})))
}

/// Forgets the letters up to the number `through`.
async fn forget(request: HttpRequest, services: web::Data<Services>) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let through = through(&request)?;
    let before = services.dead_letters.count();
    drop_through(&services, through).await?;
    let dropped = before.saturating_sub(services.dead_letters.count());
    Ok(HttpResponse::Ok().json(json!({"dropped": dropped})))
}

async fn read(services: &web::Data<Services>, after: u64, limit: usize) -> Result<Vec<Numbered>, ApiError> {
    let letters = services.dead_letters.clone();
    Ok(blocking(move || letters.list(after, limit)).await??)
}

async fn drop_through(services: &web::Data<Services>, id: u64) -> Result<(), ApiError> {
    let letters = services.dead_letters.clone();
    Ok(blocking(move || letters.drop_through(id)).await??)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    web::block(work)
        .await
        .map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))
}

fn through(request: &HttpRequest) -> Result<u64, ApiError> {
    let query = params::parse_query(request.query_string());
    number(params::first(&query, "through"), "through")?
        .ok_or_else(|| ApiError::invalid("missing required parameter \"through\""))
}

fn number(text: Option<&str>, name: &str) -> Result<Option<u64>, ApiError> {
    text.map(|text| {
        text.parse()
            .map_err(|_| ApiError::invalid(format!("{name} must be a whole number, not {text:?}")))
    })
    .transpose()
}

impl From<Refused> for ApiError {
    fn from(error: Refused) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<backup::Error> for ApiError {
    fn from(error: backup::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<dead_letters::Error> for ApiError {
    fn from(error: dead_letters::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}
