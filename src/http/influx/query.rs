//! `GET` and `POST /query`.

use std::num::NonZeroUsize;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::{
    base::Reserved,
    influx::{
        influxql::{self, JsonValue, Param, Params as Bound},
        result::{self, Encoder, Format, OutputOptions, TimeFormat, chunk},
    },
    proxy::{
        client::Client,
        reader::{Answer, Options, QueryError, Relayed},
    },
};

use super::super::{
    Services,
    error::ApiError,
    params::{self, Params},
};

/// A made answer leaves in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// Parameters that a backend understands as they are.
const PASSED: [&str; 5] = ["epoch", "pretty", "chunked", "chunk_size", "params"];

/// Runs the statements of `q`.
pub(super) async fn query(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(&request)?;
    let params = params::of_form(&request, payload, &services.limits).await?;
    let text = params::text(&params, "q");
    if text.is_empty() {
        return Err(ApiError::invalid("missing required parameter \"q\""));
    }
    let bound = bind(params::text(&params, "params"))?;
    let statements = influxql::parse(text, &bound).map_err(QueryError::Parse)?;
    let most = services.config.query.max_statements.get();
    if statements.len() > most {
        return Err(ApiError::invalid(format!(
            "{} statements are more than the {most} allowed in a request",
            statements.len()
        )));
    }
    let options = options(&request, &params);
    let asked = services.reader.query(&client, text, &statements, &options);
    let answer = match services.config.query.timeout {
        Some(limit) => tokio::time::timeout(limit, asked).await.map_err(|_| timed_out())?,
        None => asked.await,
    };
    Ok(match answer? {
        Answer::Relayed(relayed) => relay(relayed),
        Answer::Made(response, reserved) => make(response, reserved, &params, &options),
    })
}

fn timed_out() -> ApiError {
    ApiError::new(crate::base::ErrorKind::Timeout, "query timeout")
}

fn options(request: &HttpRequest, params: &Params) -> Options {
    let passed = PASSED.iter().map(|name| (*name, params::text(params, name).to_owned()));
    Options {
        db: params::text(params, "db").to_owned(),
        policy: params::text(params, "rp").to_owned(),
        passed: passed.filter(|(_, value)| !value.is_empty()).collect(),
        accept: request
            .headers()
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("*/*")
            .to_owned(),
        is_get: request.method() == Method::GET,
    }
}

/// Reads the values of `$name` from their JSON object.
fn bind(json: &str) -> Result<Bound, ApiError> {
    if json.is_empty() {
        return Ok(Bound::new());
    }
    let invalid = |error: &dyn std::fmt::Display| ApiError::invalid(format!("error parsing query parameters: {error}"));
    let values: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).map_err(|error| invalid(&error))?;
    let mut bound = Bound::new();
    for (name, value) in &values {
        let param = Param::bind(&json_value(value))
            .map_err(|error| ApiError::invalid(format!("error parsing json value: {error}")))?;
        bound.insert(name.clone(), param);
    }
    Ok(bound)
}

fn json_value(value: &serde_json::Value) -> JsonValue {
    match value {
        serde_json::Value::Null => JsonValue::Null,
        serde_json::Value::Bool(value) => JsonValue::Bool(*value),
        serde_json::Value::Number(number) => JsonValue::Number(number.to_string()),
        serde_json::Value::String(text) => JsonValue::String(text.clone()),
        serde_json::Value::Array(_) => JsonValue::Array,
        serde_json::Value::Object(entries) => JsonValue::Object(
            entries
                .iter()
                .map(|(name, value)| (name.clone(), json_value(value)))
                .collect(),
        ),
    }
}

/// Passes a backend's answer on as it arrives.
pub(super) fn relay(relayed: Relayed) -> HttpResponse {
    let Relayed { response, in_flight } = relayed;
    let status = StatusCode::from_u16(response.status().as_u16()).unwrap_or(StatusCode::BAD_GATEWAY);
    let mut answer = HttpResponse::build(status);
    for name in ["content-type", "x-influxdb-error"] {
        if let Some(value) = response.headers().get(name) {
            answer.insert_header((name, value.as_bytes()));
        }
    }
    let body = response.bytes_stream().map(move |piece| {
        let _until_the_end = &in_flight;
        piece.map_err(|error| std::io::Error::other(error.to_string()))
    });
    answer.streaming(body)
}

/// Encodes an answer that was made here as the client wants it.
fn make(response: result::Response, reserved: Reserved, params: &Params, options: &Options) -> HttpResponse {
    let output = OutputOptions {
        format: Format::from_accept(&options.accept),
        times: TimeFormat::from_epoch(params::text(params, "epoch")),
        pretty: params::text(params, "pretty") == "true",
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CONTENT_TYPE, output.format.content_type()));
    let encoder = Encoder::new(output);
    let chunked = params::text(params, "chunked") == "true";
    let pieces: Box<dyn Iterator<Item = Vec<u8>>> = if chunked {
        Box::new(chunks(
            encoder,
            response,
            chunk::rows_per_chunk(params::text(params, "chunk_size")),
        ))
    } else {
        Box::new(encoder.pieces(response, PIECE_BYTES))
    };
    answer.streaming(stream::iter(pieces.map(move |piece| {
        let _until_the_end = &reserved;
        Ok::<_, std::io::Error>(Bytes::from(piece))
    })))
}

/// One document per chunk of each statement.
fn chunks(mut encoder: Encoder, response: result::Response, rows: NonZeroUsize) -> impl Iterator<Item = Vec<u8>> {
    let results = response.results.into_iter();
    let parts = results.flat_map(move |result| chunk::split(result, chunk::ChunkBy::Rows(rows)));
    parts.map(move |part| {
        let mut document = Vec::new();
        encoder.encode(&part.into(), &mut document);
        document
    })
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Change(error) => error.into(),
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}
