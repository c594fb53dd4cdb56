//! Errors of the Scale interface: `{"detail":"…"}`, but for two that are bare JSON strings.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde_json::{Value, json};

use crate::{
    actors::NodesError,
    base::ErrorKind,
    cluster::{
        host_patch::{FormError, ValueError},
        host_query::QueryError,
        page::InvalidPage,
    },
};

use super::{super::error::ApiError, accept::Indent, answer};

/// An error on its way to a client.
#[derive(Debug)]
pub(super) struct ScaleError {
    status: StatusCode,
    text: String,
    /// Whether the body is the text itself.
    is_bare: bool,
    /// The methods that would be allowed.
    allow: Option<&'static str>,
}

impl ScaleError {
    /// What was named does not exist.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "Not found.")
    }

    /// The resource has other methods.
    pub(super) fn method_not_allowed(method: &str, allow: &'static str) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(
                StatusCode::METHOD_NOT_ALLOWED,
                format!("Method \"{method}\" not allowed."),
            )
        }
    }

    /// The client accepts nothing that could be answered.
    pub(super) fn not_acceptable() -> Self {
        let text = "Could not satisfy the request Accept header.";
        Self::new(StatusCode::NOT_ACCEPTABLE, text)
    }

    /// The body is of a type that is not read.
    pub(super) fn unsupported_media_type(media_type: &str) -> Self {
        let text = format!("Unsupported media type \"{media_type}\" in request.");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text)
    }

    /// No credentials were presented, or wrong ones.
    pub(super) fn unauthenticated(has_credentials: bool) -> Self {
        let text = if has_credentials {
            "Invalid username/password."
        } else {
            "Authentication credentials were not provided."
        };
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// The store cannot be reached.
    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The node registry is unavailable.")
    }

    /// What the client sees.
    pub(super) fn response(&self, indent: Indent) -> HttpResponse {
        let body = if self.is_bare {
            Value::String(self.text.clone())
        } else {
            json!({"detail": self.text})
        };
        let mut response = answer::json(self.status, &body, indent);
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"Gyre\"");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self {
            status,
            text: text.into(),
            is_bare: false,
            allow: None,
        }
    }

    fn invalid(error: &impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl From<FormError> for ScaleError {
    fn from(error: FormError) -> Self {
        Self {
            is_bare: matches!(error, FormError::UnexpectedFields(_) | FormError::NoFields),
            ..Self::invalid(&error)
        }
    }
}

impl From<ValueError> for ScaleError {
    fn from(error: ValueError) -> Self {
        Self::invalid(&error)
    }
}

impl From<QueryError> for ScaleError {
    fn from(error: QueryError) -> Self {
        Self::invalid(&error)
    }
}

impl From<InvalidPage> for ScaleError {
    fn from(error: InvalidPage) -> Self {
        Self::new(StatusCode::NOT_FOUND, error.to_string())
    }
}

impl From<NodesError> for ScaleError {
    fn from(error: NodesError) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::not_found(),
            kind if kind.is_retryable() => Self::unavailable(),
            _ => {
                tracing::error!(%error, "host not changed");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "A server error occurred.")
            }
        }
    }
}

impl From<ApiError> for ScaleError {
    /// Reading the body failed.
    fn from(error: ApiError) -> Self {
        Self::new(error.status_code(), error.to_string())
    }
}

impl fmt::Display for ScaleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl ResponseError for ScaleError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        self.response(Indent::COMPACT)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::MessageBody;

    use super::*;

    #[test]
    fn errors_have_the_forms_of_the_original() {
        let check = |error: ScaleError, status: u16, body: &str, header: (&str, Option<&str>)| {
            let response = error.error_response();
            let found = response.headers().get(header.0).map(|value| value.to_str().unwrap());
            assert_eq!((response.status().as_u16(), found), (status, header.1), "{error}");
            assert_eq!(response.into_body().try_into_bytes().unwrap(), body);
        };
        let (none, retry) = (("allow", None), ("retry-after", Some("1")));
        check(
            FormError::NoFields.into(),
            400,
            r#""No fields specified for update.""#,
            none,
        );
        check(
            FormError::UnexpectedFields(vec!["a".into(), "\"".into()]).into(),
            400,
            r#""Unexpected fields: a, \"""#,
            none,
        );
        check(
            FormError::NotAnObject.into(),
            400,
            r#"{"detail":"Request body must be a JSON object."}"#,
            none,
        );
        check(NodesError::NotFound.into(), 404, r#"{"detail":"Not found."}"#, none);
        let unavailable = r#"{"detail":"The node registry is unavailable."}"#;
        check(NodesError::Contended.into(), 503, unavailable, retry);
        check(ScaleError::unavailable(), 503, unavailable, retry);
        check(
            NodesError::BadDocument("x".into()).into(),
            500,
            r#"{"detail":"A server error occurred."}"#,
            ("retry-after", None),
        );
        check(
            ScaleError::unauthenticated(false),
            401,
            r#"{"detail":"Authentication credentials were not provided."}"#,
            ("www-authenticate", Some("Basic realm=\"Gyre\"")),
        );
    }
}
