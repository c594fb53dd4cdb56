//! `GET` and `POST /query`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web,
};

use crate::{
    influx::{
        influxql::{self, JsonValue, Param, Params as Bound, ast::Statement},
        result::{OutputOptions, Response, StatementResult, TimeFormat, chunk},
    },
    proxy::{
        client::Client,
        reader::{self, Options, QueryError},
    },
};

use super::{
    super::{
        Services,
        error::ApiError,
        params::{self, Params},
    },
    answer, output,
};

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
    run(&request, payload, services, client, output)
        .await
        .map_err(|error| error.written(output))
}

async fn run(
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
    let output = OutputOptions {
        times: TimeFormat::from_epoch(params::text(&params, "epoch")),
        ..output
    };
    match services.reader.relay(&client, &text, &statements, &options).await {
        Ok(Some(relayed)) => Ok(answer::relayed(relayed)),
        Ok(None) => Ok(made(services, client, statements, options, output).await?),
        Err(error) if error.is_result() => Ok(answer::document(of_error(&error), output, None)),
        Err(error) => Err(error.into()),
    }
}

/// An answer that is made here, by a task of its own: what changes something outlives its client.
async fn made(
    services: web::Data<Services>,
    client: web::Data<Client>,
    statements: Vec<Statement>,
    options: Options,
    output: OutputOptions,
) -> Result<HttpResponse, QueryError> {
    let in_chunks = options.chunk_rows.is_some();
    let (sink, pieces) = reader::channel();
    actix_web::rt::spawn(async move { services.reader.answer(&client, &statements, &options, sink).await });
    if in_chunks {
        answer::chunked(pieces, output).await
    } else {
        answer::whole(pieces, output).await
    }
}

fn of_error(error: &QueryError) -> Response {
    Response::from(StatementResult {
        error: Some(error.to_string()),
        ..StatementResult::default()
    })
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
        chunk_rows: (params::text(params, "chunked") == "true")
            .then(|| chunk::rows_per_chunk(params::text(params, "chunk_size"))),
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

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Change(error) => error.into(),
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}
