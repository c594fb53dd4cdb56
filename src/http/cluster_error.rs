//! Errors of the Clusterflux interface: `{"status":"error","message":"…","code":"…"}`, the same on all its routes.
//!
//! Clients depend on little of it: they look for the text `Key not found`, print the message, and take an `id`, which
//! therefore is never in it, for theirs.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use serde_json::json;

use crate::base::ErrorKind;

use super::error::{self, ApiError};

/// An error on its way to a client of the Clusterflux interface.
#[derive(Debug)]
pub(super) struct ClusterError {
    status: StatusCode,
    message: String,
    /// The methods that the path knows, when the one asked for is not among them.
    allow: Option<&'static str>,
}

impl ClusterError {
    /// An error of this class; the message is a short plain sentence.
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::with_status(error::status(kind), message)
    }

    /// A bad request.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// What was named does not exist; the text is the one that clients look for.
    pub(super) fn key_not_found(key: impl fmt::Display) -> Self {
        Self::new(ErrorKind::NotFound, format!("Key not found: {key}"))
    }

    /// The path knows only the methods of `allow`, separated by a comma and a blank.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::with_status(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        }
    }

    fn with_status(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            allow: None,
        }
    }

    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "bad_request",
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "key_not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => "timeout",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "too_large",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable",
            _ => "internal",
        }
    }
}

impl From<ApiError> for ClusterError {
    fn from(error: ApiError) -> Self {
        Self::with_status(error.status_code(), error.to_string())
    }
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for ClusterError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        if self.status.is_server_error() {
            tracing::error!(status = self.status.as_u16(), error = %self.message, "request failed");
        }
        let mut response = HttpResponse::build(self.status);
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Gyre\""));
        }
        if let Some(allow) = self.allow {
            response.insert_header((header::ALLOW, allow));
        }
        response.json(json!({"status": "error", "message": self.message, "code": self.code()}))
    }
}
