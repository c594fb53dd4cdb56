//! Answers of `/query` on their way out: a backend's as it is, or one made here, in chunks or gathered.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

use crate::{
    base::Reserved,
    influx::result::{self, Encoder, OutputOptions},
    proxy::reader::{Piece, Pieces, QueryError, Relayed},
};

/// A gathered answer leaves in pieces of about this size.
const PIECE_BYTES: usize = 64 << 10;

/// Passes a backend's answer on as it arrives.
pub(super) fn relayed(relayed: Relayed) -> HttpResponse {
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

/// Sends each piece as a document of its own, when it comes. The first decides whether there is an answer at all.
pub(super) async fn chunked(mut pieces: Pieces, output: OutputOptions) -> Result<HttpResponse, QueryError> {
    let first = pieces.next().await?;
    let rest = stream::unfold(pieces, async |mut pieces| {
        let next = pieces.next().await.transpose()?;
        Some((next, pieces))
    });
    let pieces = stream::iter(first.map(Ok)).chain(rest);
    let mut encoder = Encoder::new(output);
    let documents = pieces.map(move |piece| {
        let Piece { result, reserved } = piece.map_err(std::io::Error::other)?;
        let mut document = Vec::new();
        encoder.encode(&result.into(), &mut document);
        drop(reserved);
        Ok(Bytes::from(document))
    });
    Ok(streaming(output, documents))
}

/// Gathers the pieces into one document.
pub(super) async fn whole(mut pieces: Pieces, output: OutputOptions) -> Result<HttpResponse, QueryError> {
    let mut response = result::Response::default();
    let mut held: Option<Reserved> = None;
    while let Some(Piece { result, reserved }) = pieces.next().await? {
        response.append(result.into());
        match (&mut held, reserved) {
            (Some(held), Some(more)) => held.absorb(more),
            (held @ None, more) => *held = more,
            (Some(_), None) => {}
        }
    }
    Ok(document(response, output, held))
}

/// One document, which holds so much of the budget while it leaves.
pub(super) fn document(response: result::Response, output: OutputOptions, held: Option<Reserved>) -> HttpResponse {
    let parts = Encoder::new(output).pieces(response, PIECE_BYTES);
    let body = stream::iter(parts.map(move |part| {
        let _until_the_end = &held;
        Ok(Bytes::from(part))
    }));
    streaming(output, body)
}

fn streaming(output: OutputOptions, body: impl Stream<Item = std::io::Result<Bytes>> + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, output.format.content_type()))
        .streaming(body)
}
