//! `POST /write` and `POST /api/v2/write`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};

use crate::{
    base::ErrorKind,
    influx::line::Precision,
    proxy::{
        client::Client,
        intake::{Write, WriteError},
    },
};

use super::super::{
    Services, body,
    error::ApiError,
    params::{self, Params},
};

/// What `consistency` may say; a single server has nothing to do with it.
const CONSISTENCIES: [&str; 5] = ["", "any", "one", "quorum", "all"];

/// Line protocol for the database `db`, retention policy `rp`, timestamps in `precision`.
pub(super) async fn v1(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let query = params::parse_query(request.query_string());
    let precision =
        Precision::from_v1(params::text(&query, "precision")).map_err(|error| ApiError::invalid(error.to_string()))?;
    if !CONSISTENCIES.contains(&params::text(&query, "consistency").to_ascii_lowercase().as_str()) {
        return Err(ApiError::invalid("invalid consistency level"));
    }
    let target = (params::text(&query, "db"), params::text(&query, "rp"));
    write(&request, payload, (&services, &client), target, precision).await
}

/// Line protocol for `bucket`, which is `db` or `db/rp`.
pub(super) async fn v2(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let query = params::parse_query(request.query_string());
    let precision =
        Precision::from_v2(params::text(&query, "precision")).map_err(|error| ApiError::invalid(error.to_string()))?;
    let target = bucket(&query)?;
    write(&request, payload, (&services, &client), target, precision).await
}

async fn write(
    request: &HttpRequest,
    payload: web::Payload,
    (services, client): (&Services, &Client),
    (db, policy): (&str, &str),
    precision: Precision,
) -> Result<HttpResponse, ApiError> {
    let body = body::read(request, payload, &services.limits).await?;
    services.metrics.http.body_bytes.inc_by(body.received as u64);
    services
        .intake
        .write(
            client,
            Write {
                db,
                policy,
                precision,
                body: &body.bytes,
            },
        )
        .await?;
    Ok(HttpResponse::NoContent()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .finish())
}

/// The database and policy that a bucket names, with influx-proxy's and InfluxDB 1.8's errors.
fn bucket(query: &Params) -> Result<(&str, &str), ApiError> {
    let bucket = params::text(query, "bucket");
    let (db, policy) = bucket.split_once('/').unwrap_or((bucket, ""));
    let text = match (bucket, db) {
        ("", _) => format!("bucket name {bucket:?} is missing a slash; not in \"database/retention-policy\" format"),
        (_, "") => format!("bucket name {bucket:?} is in db/rp form but has an empty database"),
        _ => return Ok((db, policy)),
    };
    Err(ApiError::new(ErrorKind::NotFound, text))
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match &error {
            WriteError::Refused { status, text } => Self::relayed(*status, text.clone()),
            _ => Self::new(error.kind(), error.to_string()),
        }
    }
}
