//! Bodies of the Scale interface: JSON, compact unless the client wants it indented.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use serde::Serialize;
use serde_json::{Serializer, ser::PrettyFormatter};

use super::accept::Indent;

/// An answer with `body` as JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize, indent: Indent) -> HttpResponse {
    let mut text = Vec::new();
    let written = if indent == Indent::COMPACT {
        serde_json::to_writer(&mut text, body)
    } else {
        let blanks = " ".repeat(indent.0);
        let formatter = PrettyFormatter::with_indent(blanks.as_bytes());
        body.serialize(&mut Serializer::with_formatter(&mut text, formatter))
    };
    debug_assert!(written.is_ok(), "documents always serialise into memory");
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(text)
}
