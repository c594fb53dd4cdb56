//! Request bodies: read within limits, decompressed within limits, paid for from the byte budget.

use std::{
    io::{self, Read},
    time::Duration,
};

use actix_web::{HttpMessage, HttpRequest, http::header, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::base::{ByteBudget, ErrorKind, Reserved};

use super::error::ApiError;

/// Limits on bodies.
#[derive(Debug, Clone)]
pub struct BodyLimits {
    /// Bytes as received.
    pub received: usize,
    /// Bytes after decompression.
    pub decompressed: usize,
    /// What all bodies together may hold.
    pub budget: ByteBudget,
    /// How long a client may take to send a body.
    pub patience: Duration,
}

/// A body with what it took from the budget.
#[derive(Debug)]
pub(super) struct Body {
    /// The bytes, decompressed.
    pub(super) bytes: Bytes,
    /// Bytes received.
    pub(super) received: usize,
    reserved: Reserved,
}

/// Compressed bodies above this size are decompressed on a blocking thread: 256 KiB take about 2 ms.
const INLINE_COMPRESSED: usize = 256 << 10;

/// Reads a whole body.
///
/// # Errors
/// When it is too large, compressed in an unknown way or broken, ends early, comes too slowly, or the budget is
/// exhausted.
pub(super) async fn read(request: &HttpRequest, payload: web::Payload, limits: &BodyLimits) -> Result<Body, ApiError> {
    let raw = in_time(limits, read_raw(request, payload, limits)).await?;
    let encoding = request
        .headers()
        .get(header::CONTENT_ENCODING)
        .map_or("", |value| value.to_str().unwrap_or("?"));
    match encoding {
        "" | "identity" => Ok(raw),
        "gzip" => decompress(raw, limits).await,
        other => Err(ApiError::invalid(format!("unsupported content encoding {other:?}"))),
    }
}

/// What `reading` finds, unless the client takes too long to send it.
///
/// # Errors
/// Those of `reading`, and 408.
pub(super) async fn in_time<T>(
    limits: &BodyLimits,
    reading: impl Future<Output = Result<T, ApiError>>,
) -> Result<T, ApiError> {
    let read = tokio::time::timeout(limits.patience, reading).await;
    read.unwrap_or_else(|_| Err(ApiError::relayed(408, "request body not received in time")))
}

async fn read_raw(request: &HttpRequest, mut payload: web::Payload, limits: &BodyLimits) -> Result<Body, ApiError> {
    let announced: Option<usize> = header_number(request, &header::CONTENT_LENGTH);
    if announced.is_some_and(|length| length > limits.received) {
        return Err(too_large());
    }
    let mut reserved = reserve(&limits.budget, announced.unwrap_or(0))?;
    let mut body = BytesMut::with_capacity(announced.unwrap_or(0).min(1 << 20));
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| ApiError::invalid(format!("unable to read body: {error}")))?;
        if body.is_empty() && announced == Some(chunk.len()) {
            return Ok(Body {
                received: chunk.len(),
                bytes: chunk,
                reserved,
            });
        }
        let length = body.len() + chunk.len();
        if length > limits.received {
            return Err(too_large());
        }
        grow(&mut reserved, length)?;
        body.extend_from_slice(&chunk);
    }
    Ok(Body {
        received: body.len(),
        bytes: body.freeze(),
        reserved,
    })
}

async fn decompress(raw: Body, limits: &BodyLimits) -> Result<Body, ApiError> {
    let Body {
        bytes,
        received,
        mut reserved,
    } = raw;
    let limit = limits.decompressed;
    let (inflated, mut reserved) = if bytes.len() <= INLINE_COMPRESSED {
        let inflated = inflate(&bytes, limit, &mut reserved);
        (inflated, reserved)
    } else {
        let inflate = move || {
            let inflated = inflate(&bytes, limit, &mut reserved);
            (inflated, reserved)
        };
        web::block(inflate)
            .await
            .map_err(|error| ApiError::new(ErrorKind::Internal, error.to_string()))?
    };
    let bytes = Bytes::from(inflated?);
    grow(&mut reserved, bytes.len())?;
    Ok(Body {
        bytes,
        received,
        reserved,
    })
}

/// The bytes that gzip made of others, at most `limit` of them, paid for from the budget.
///
/// # Errors
/// When they are more, broken, or end early, or the budget is exhausted.
pub(super) fn inflate(compressed: &[u8], limit: usize, reserved: &mut Reserved) -> Result<Vec<u8>, ApiError> {
    let mut decoder = flate2::read::MultiGzDecoder::new(compressed);
    let mut inflated = Vec::with_capacity((compressed.len() * 4).min(limit));
    let mut block = [0; 32 << 10];
    loop {
        match decoder.read(&mut block) {
            Ok(0) => return Ok(inflated),
            Ok(n) if inflated.len() + n > limit => return Err(too_large()),
            Ok(n) => {
                grow(reserved, inflated.len() + n)?;
                inflated.extend_from_slice(&block[..n]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(ApiError::invalid("unexpected EOF"));
            }
            Err(_) => return Err(ApiError::invalid("unable to decode gzip body")),
        }
    }
}

/// Takes `bytes` from the budget.
///
/// # Errors
/// 503 when it is exhausted.
pub(super) fn reserve(budget: &ByteBudget, bytes: usize) -> Result<Reserved, ApiError> {
    budget.try_reserve(bytes as u64).ok_or_else(exhausted)
}

/// Makes the reservation cover `total` bytes.
///
/// # Errors
/// 503 when the budget is exhausted.
pub(super) fn grow(reserved: &mut Reserved, total: usize) -> Result<(), ApiError> {
    let more = (total as u64).saturating_sub(reserved.bytes());
    if reserved.try_grow(more) {
        Ok(())
    } else {
        Err(exhausted())
    }
}

/// The answer to a body over the limit.
pub(super) fn too_large() -> ApiError {
    ApiError::new(ErrorKind::TooLarge, "Request Entity Too Large")
}

fn exhausted() -> ApiError {
    ApiError::new(ErrorKind::Busy, "too many bytes in flight: try again")
}

fn header_number<T: std::str::FromStr>(request: &HttpRequest, name: &header::HeaderName) -> Option<T> {
    request.headers().get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The body's media type, lower case, without parameters.
#[must_use]
pub(super) fn media_type(request: &HttpRequest) -> String {
    request.content_type().to_ascii_lowercase()
}
