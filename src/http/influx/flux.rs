//! `POST /api/v2/query`: Flux, passed to the backend that has the measurement.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use serde::Deserialize;

use crate::{influx::flux, proxy::client::Client};

use super::{
    super::{Services, body, error::ApiError},
    answer::relayed,
};

/// The JSON form of a query. Members not named here are the backend's business.
#[derive(Debug, Deserialize)]
struct Request {
    #[serde(default)]
    query: String,
    #[serde(default, rename = "type")]
    kind: String,
}

/// Runs a script; its body goes to the backend as it came.
pub(super) async fn query(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let body = body::read(&request, payload, &services.limits).await?;
    let media_type = body::media_type(&request);
    let script = if media_type == "application/vnd.flux" {
        String::from_utf8_lossy(&body.bytes).into_owned()
    } else {
        script(&body.bytes)?
    };
    let target = flux::target(&script).map_err(|error| ApiError::invalid(error.to_string()))?;
    let text = |name: header::HeaderName| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let content_type = text(header::CONTENT_TYPE).unwrap_or_else(|| "application/json".to_owned());
    let accept = text(header::ACCEPT).unwrap_or_else(|| "*/*".to_owned());
    let types = (content_type.as_str(), accept.as_str());
    let reads = (target.bucket.database.as_str(), target.measurement.as_str());
    Ok(relayed(
        services.reader.flux(&client, reads, body.bytes.clone(), types).await?,
    ))
}

fn script(json: &[u8]) -> Result<String, ApiError> {
    let request: Request = serde_json::from_slice(json)
        .map_err(|error| ApiError::invalid(format!("failed parsing request body as JSON: {error}")))?;
    if !matches!(request.kind.as_str(), "" | "flux") {
        return Err(ApiError::invalid(format!("unknown query type: {}", request.kind)));
    }
    if request.query.is_empty() {
        return Err(ApiError::invalid("request body requires either spec or query"));
    }
    Ok(request.query)
}
