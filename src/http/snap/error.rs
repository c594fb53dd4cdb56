//! Errors of the Snap interface: the same text and fields in both versions, in the form of each.
//!
//! Most errors of users are 500, as in the original; what the original does not know, such as a body over the limit or a
//! store that is out of reach, has the status that the other interfaces give it.

use std::{collections::BTreeMap, fmt};

use actix_web::{HttpResponse, ResponseError, http::StatusCode};
use serde::Serialize;

use crate::{
    actors::{PluginsError, TaskError},
    base::ErrorKind,
};

use super::{
    super::error::{self, ApiError},
    answer,
    route::Version,
};

/// An error on its way to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SnapError {
    status: StatusCode,
    body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Body {
    message: String,
    fields: BTreeMap<&'static str, String>,
}

impl SnapError {
    /// An error with this status.
    pub(super) fn new(status: StatusCode, message: impl fmt::Display) -> Self {
        Self {
            status,
            body: Body {
                message: message.to_string(),
                fields: BTreeMap::new(),
            },
        }
    }

    /// 400.
    pub(super) fn invalid(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404.
    pub(super) fn not_found(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 500, which here says nothing about whose fault it is.
    pub(super) fn failed(message: impl fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// A task was not created, changed or watched. Version 1 tells apart what does not exist and what is disabled.
    pub(super) fn of_task(version: Version, error: TaskError) -> Self {
        let status = match (version, error.kind()) {
            (_, kind @ (ErrorKind::Denied | ErrorKind::Busy | ErrorKind::Unavailable)) => error::status(kind),
            (Version::V1, kind @ (ErrorKind::NotFound | ErrorKind::Conflict)) => error::status(kind),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error)
    }

    /// A plugin was not unloaded. Version 2 alone has statuses for what is not there, or not any more.
    pub(super) fn of_unload(version: Version, error: PluginsError) -> Self {
        match (version, &error) {
            (Version::V2, PluginsError::NotFound) => Self::not_found(error),
            (Version::V2, PluginsError::NotLoaded) => Self::new(StatusCode::CONFLICT, error),
            _ => error.into(),
        }
    }

    /// The same as the first of several reasons.
    pub(super) fn counted(mut self) -> Self {
        self.body.message = format!("error 0: {} ", self.body.message);
        self
    }

    /// The same with what it is about.
    pub(super) fn with_fields(mut self, fields: [(&'static str, String); 3]) -> Self {
        self.body.fields = fields.into();
        self
    }

    /// What the client sees.
    pub(super) fn response(&self, version: Version) -> HttpResponse {
        match version {
            Version::V1 => answer::v1(self.status, "error", &self.body.message, &self.body),
            Version::V2 => answer::v2(self.status, &self.body),
        }
    }
}

impl From<PluginsError> for SnapError {
    /// A plugin was not loaded or configured.
    fn from(error: PluginsError) -> Self {
        let status = match &error {
            PluginsError::AlreadyLoaded => StatusCode::CONFLICT,
            PluginsError::Refused(_) | PluginsError::Store(_) => error::status(error.kind()),
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error)
    }
}

impl From<ApiError> for SnapError {
    /// Reading the body failed.
    fn from(error: ApiError) -> Self {
        Self::new(error.status_code(), error)
    }
}

impl fmt::Display for SnapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.body.message)
    }
}
