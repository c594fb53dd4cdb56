//! The forms of answers: version 1's envelope, which clients tell apart by its `type`, and version 2's bare bodies.

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;

use super::{super::influx, json, route::Version};

/// Of version 2's answers, errors of authentication among them.
const JSON_V2: &str = "application/json; version=2; charset=utf-8";

#[derive(Serialize)]
struct Envelope<'a, T> {
    meta: Meta<'a>,
    body: &'a T,
}

#[derive(Serialize)]
struct Meta<'a> {
    code: u16,
    message: &'a str,
    r#type: &'a str,
    version: u8,
}

/// Version 1's envelope as text.
pub(super) fn envelope(status: StatusCode, kind: &str, message: &str, body: &impl Serialize) -> Vec<u8> {
    let code = status.as_u16();
    let meta = Meta {
        code,
        message,
        r#type: kind,
        version: 1,
    };
    json::indented(&Envelope { meta, body })
}

/// An answer of version 1. Its media type is the one that the original's server guesses.
pub(super) fn v1(status: StatusCode, kind: &str, message: &str, body: &impl Serialize) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(("Deprecated", "true"))
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"))
        .body(envelope(status, kind, message, body))
}

/// An answer of version 2.
pub(super) fn v2(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    let mut text = json::indented(body);
    text.push(b'\n');
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, JSON_V2))
        .insert_header(("Version", "beta"))
        .body(text)
}

/// Version 2's answer to what is done and leaves nothing to say.
pub(super) fn no_content() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((header::CONTENT_TYPE, JSON_V2))
        .insert_header(("Version", "beta"))
        .finish()
}

/// A plugin's file, compressed.
pub(super) fn file(version: Version, gzip: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_ENCODING, "gzip"));
    if version == Version::V2 {
        response.insert_header((header::CONTENT_TYPE, "application/octet-stream"));
    }
    response.body(gzip)
}

/// Leads to another path; a browser gets a link.
pub(super) fn moved(is_get: bool, location: &str) -> HttpResponse {
    let Ok(value) = HeaderValue::from_str(location) else {
        return influx::plain(StatusCode::NOT_FOUND, influx::NOT_FOUND);
    };
    if !is_get {
        return HttpResponse::TemporaryRedirect()
            .insert_header((header::LOCATION, value))
            .finish();
    }
    HttpResponse::MovedPermanently()
        .insert_header((header::LOCATION, value))
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .body(format!("<a href=\"{}\">Moved Permanently</a>.\n\n", html(location)))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;")
}
