//! How errors look over HTTP: one table from [`ErrorKind`] to a status, one body per protocol.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};

use crate::{
    base::ErrorKind,
    influx::result::{Encoder, OutputOptions, Response},
};

/// An error on its way to a client of the InfluxDB interface: `{"error":"…"}` and `X-Influxdb-Error`.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    text: String,
    retry_after: bool,
    output: OutputOptions,
}

impl ApiError {
    /// An error of this class.
    pub(super) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self {
            status: status(kind),
            text: text.into(),
            retry_after: kind.is_retryable(),
            output: OutputOptions::default(),
        }
    }

    /// An error with the status that a backend answered.
    pub(super) fn relayed(status: u16, text: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Self {
            status,
            text: text.into(),
            retry_after: false,
            output: OutputOptions::default(),
        }
    }

    /// The same, written as this client asked for.
    pub(super) fn written(self, output: OutputOptions) -> Self {
        Self { output, ..self }
    }

    /// What the client sees.
    pub(super) fn response(&self, output: OutputOptions) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CONTENT_TYPE, output.format.content_type()));
        if let Ok(value) = HeaderValue::from_str(&header_text(&self.text)) {
            response.insert_header(("X-Influxdb-Error", value));
        }
        if self.retry_after {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Gyre\""));
        }
        let mut body = Vec::new();
        Encoder::new(output).encode(&Response::of_error(&self.text), &mut body);
        response.body(body)
    }

    /// A bad request.
    pub(super) fn invalid(text: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, text)
    }
}

/// The status of each class of error.
pub(super) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidArgument => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Denied => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::AlreadyExists | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unsupported => StatusCode::BAD_REQUEST,
        ErrorKind::Busy | ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Corrupt | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        if self.status.is_server_error() {
            tracing::error!(status = self.status.as_u16(), error = %self.text, "request failed");
        }
        self.response(self.output)
    }
}

/// A header holds one line of printable text.
fn header_text(text: &str) -> String {
    text.chars()
        .take(1024)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
