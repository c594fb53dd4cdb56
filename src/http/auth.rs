//! Who may ask: InfluxDB's and influx-proxy's ways to name a user and a password.
//!
//! In this order: `u` and `p` in the URL, HTTP Basic, `Authorization: Token user:password`. A wrong `u`/`p` falls
//! through to the header, as influx-proxy does. All comparisons take the same time whatever is wrong.

use actix_web::{HttpRequest, http::header};
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;

use crate::{base::ErrorKind, config::Credentials};

use super::{Services, error::ApiError, params};

impl Services {
    /// Lets a request in or not; without configured credentials everybody is let in.
    ///
    /// # Errors
    /// `authentication failed`, 401.
    pub(super) fn authenticate(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let Some(wanted) = &self.credentials else { return Ok(()) };
        if url_matches(request, wanted) || header_matches(request, wanted) {
            return Ok(());
        }
        Err(ApiError::new(ErrorKind::Unauthenticated, "authentication failed"))
    }
}

/// Whether a request presents credentials at all, right or wrong.
pub(super) fn presents_credentials(request: &HttpRequest) -> bool {
    let query = params::parse_query(request.query_string());
    let in_url = ["u", "p"].iter().any(|name| params::first(&query, name).is_some());
    in_url || request.headers().contains_key(header::AUTHORIZATION)
}

fn url_matches(request: &HttpRequest, wanted: &Credentials) -> bool {
    let query = params::parse_query(request.query_string());
    match (params::first(&query, "u"), params::first(&query, "p")) {
        (None, None) => false,
        (user, password) => matches(wanted, user.unwrap_or_default(), password.unwrap_or_default()),
    }
}

fn header_matches(request: &HttpRequest, wanted: &Credentials) -> bool {
    let Some(value) = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    let decoded = match scheme {
        "Token" => Some(credentials.to_owned()),
        _ if scheme.eq_ignore_ascii_case("basic") => STANDARD
            .decode(credentials.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok()),
        _ => None,
    };
    let Some(decoded) = decoded else { return false };
    decoded
        .split_once(':')
        .is_some_and(|(user, password)| matches(wanted, user, password))
}

fn matches(wanted: &Credentials, user: &str, password: &str) -> bool {
    let user = user.as_bytes().ct_eq(wanted.username.as_bytes());
    let password = password.as_bytes().ct_eq(wanted.password.expose().as_bytes());
    (user & password).into()
}
