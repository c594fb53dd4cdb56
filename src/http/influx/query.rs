//! `GET` and `POST /query`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use crate::{
    base::{ErrorKind, Reserved},
    influx::{
        influxql::{
            self, JsonValue, Param, Params as Bound,
            ast::{Show, Statement},
        },
        result::{
            self, Encoder, OutputOptions, TimeFormat,
            chunk::{self, ChunkBy},
        },
    },
    proxy::{
        client::Client,
        reader::{Answer, Options, QueryError, Relayed},
    },
};

use super::{
    super::{
        Services,
        error::ApiError,
        params::{self, Params},
    },
    output,
};

/// A made answer leaves in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// Parameters that a backend understands as they are.
const PASSED: [&str; 4] = ["epoch", "chunked", "chunk_size", "params"];

/// Runs the statements of `q`.
pub(super) async fn query(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
) -> Result<HttpResponse, ApiError> {
    let output = output(&request);
    answer(&request, payload, services, client, output)
        .await
        .map_err(|error| error.written(output))
}

async fn answer(
    request: &HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
    client: web::Data<Client>,
    output: OutputOptions,
) -> Result<HttpResponse, ApiError> {
    services.authenticate(request)?;
    let params = params::of_form(request, payload, &services.limits).await?;
    let text = params::text(&params, "q").trim().to_owned();
    if text.is_empty() {
        return Err(ApiError::invalid("missing required parameter \"q\""));
    }
    let bound = bind(params::text(&params, "params"))?;
    let statements = influxql::parse(&text, &bound).map_err(QueryError::Parse)?;
    let most = services.config.query.max_statements.get();
    if statements.len() > most {
        return Err(ApiError::invalid(format!(
            "{} statements are more than the {most} allowed in a request",
            statements.len()
        )));
    }
    let options = options(request, &params, output);
    let chunks = wants_chunks(&params).then(|| chunk_sizes(&statements, &params));
    let output = OutputOptions {
        times: TimeFormat::from_epoch(params::text(&params, "epoch")),
        ..output
    };
    let limit = services.config.query.timeout;
    let asked = run(services, client, text, statements, options);
    let answer = match limit {
        Some(limit) => tokio::time::timeout(limit, asked).await.map_err(|_| timed_out())?,
        None => asked.await,
    };
    Ok(match answer? {
        Answer::Relayed(relayed) => relay(relayed),
        Answer::Made(response, reserved) => make(response, reserved, output, chunks),
    })
}

/// A query ends when its client leaves; what changes something is carried through.
async fn run(
    services: web::Data<Services>,
    client: web::Data<Client>,
    text: String,
    statements: Vec<Statement>,
    options: Options,
) -> Result<Answer, ApiError> {
    let only_reads = statements.iter().all(Statement::is_read_only);
    let asked = async move { services.reader.query(&client, &text, &statements, &options).await };
    if only_reads {
        return Ok(asked.await?);
    }
    let carried_through = actix_web::rt::spawn(asked).await;
    Ok(carried_through.map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))??)
}

fn timed_out() -> ApiError {
    ApiError::new(ErrorKind::Timeout, "query timeout")
}

fn options(request: &HttpRequest, params: &Params, output: OutputOptions) -> Options {
    let pretty = ("pretty", if output.pretty { "true" } else { "" }.to_owned());
    let passed = PASSED.iter().map(|name| (*name, params::text(params, name).to_owned()));
    let passed = passed.chain([pretty]);
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
    let values: serde_json::Value = serde_json::from_str(json).map_err(|error| invalid(&error))?;
    let values = match &values {
        serde_json::Value::Object(values) => Some(values),
        serde_json::Value::Null => None,
        other => {
            let kind = go_kind(other);
            return Err(invalid(&format!(
                "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
            )));
        }
    };
    let mut bound = Bound::new();
    for (name, value) in values.into_iter().flatten() {
        let param = Param::bind(&json_value(value))
            .map_err(|error| ApiError::invalid(format!("error parsing json value: {error}")))?;
        bound.insert(name.clone(), param);
    }
    Ok(bound)
}

/// What Go calls a JSON value.
fn go_kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "bool",
        serde_json::Value::Number(_) => "number",
        serde_json::Value::String(_) => "string",
        serde_json::Value::Array(_) => "array",
        serde_json::Value::Object(_) => "object",
    }
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
fn make(
    response: result::Response,
    reserved: Reserved,
    output: OutputOptions,
    chunks: Option<Vec<ChunkBy>>,
) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CONTENT_TYPE, output.format.content_type()));
    let encoder = Encoder::new(output);
    let pieces: Box<dyn Iterator<Item = Vec<u8>>> = match chunks {
        Some(chunks) => Box::new(documents(encoder, response, chunks)),
        None => Box::new(encoder.pieces(response, PIECE_BYTES)),
    };
    answer.streaming(stream::iter(pieces.map(move |piece| {
        let _until_the_end = &reserved;
        Ok::<_, std::io::Error>(Bytes::from(piece))
    })))
}

fn wants_chunks(params: &Params) -> bool {
    params::text(params, "chunked") == "true"
}

/// Where the answer to each statement is cut.
fn chunk_sizes(statements: &[Statement], params: &Params) -> Vec<ChunkBy> {
    let rows = chunk::rows_per_chunk(params::text(params, "chunk_size"));
    let by = |statement: &Statement| match statement {
        Statement::Select(_) | Statement::Show(Show::Series(_) | Show::FieldKeys(_) | Show::Cardinality(_)) => {
            ChunkBy::Rows(rows)
        }
        Statement::Show(Show::TagKeys(_) | Show::TagValues(_)) => ChunkBy::Series,
        _ => ChunkBy::Statement,
    };
    statements.iter().map(by).collect()
}

/// One document per chunk of each statement.
fn documents(mut encoder: Encoder, response: result::Response, chunks: Vec<ChunkBy>) -> impl Iterator<Item = Vec<u8>> {
    let results = response.results.into_iter().zip(chunks);
    let parts = results.flat_map(|(result, by)| chunk::split(result, by));
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
