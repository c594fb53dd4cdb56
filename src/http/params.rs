//! Parameters of a request: from the URL, and from a form in the body.

use std::borrow::Cow;

use actix_multipart::Multipart;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;

use super::{
    body::{self, BodyLimits},
    error::ApiError,
};

/// Names and values in the order in which they came.
pub(super) type Params = Vec<(String, String)>;

/// What becomes of an invalid escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BadEscape {
    /// Its pair is left out, as Go does.
    Drop,
    /// It means itself, as in Python.
    Keep,
}

/// Reads a query string or an urlencoded body. A pair with an invalid escape is left out, as Go does.
#[must_use]
pub(super) fn parse_query(text: &str) -> Params {
    parse(text, BadEscape::Drop)
}

/// Reads a query string as Python does: an invalid escape means itself.
#[must_use]
pub(super) fn parse_query_as_python(text: &str) -> Params {
    parse(text, BadEscape::Keep)
}

fn parse(text: &str, bad: BadEscape) -> Params {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| parse_pair(pair, bad))
        .collect()
}

fn parse_pair(pair: &str, bad: BadEscape) -> Option<(String, String)> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let text = |part| Some(String::from_utf8_lossy(&decode_or(part, bad)?).into_owned());
    Some((text(name)?, text(value)?))
}

/// Undoes `+` and `%xx`; `None` when an escape is invalid.
pub(super) fn decode(text: &str) -> Option<Cow<'_, [u8]>> {
    decode_or(text, BadEscape::Drop)
}

fn decode_or(text: &str, bad: BadEscape) -> Option<Cow<'_, [u8]>> {
    if !text.contains(['+', '%']) {
        return Some(Cow::Borrowed(text.as_bytes()));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, hex_pair(after)) {
            (b'+', _) => bytes.push(b' '),
            (b'%', Some(value)) => {
                bytes.push(value);
                rest = &after[2..];
            }
            (b'%', None) if bad == BadEscape::Drop => return None,
            _ => bytes.push(byte),
        }
    }
    Some(Cow::Owned(bytes))
}

fn hex_pair(bytes: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(bytes.get(..2)?).ok()?;
    // `from_str_radix` would take a sign.
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| u8::from_str_radix(digits, 16).ok())?
}

/// The first value of a name.
#[must_use]
pub(super) fn first<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params
        .iter()
        .find(|(other, _)| other == name)
        .map(|(_, value)| value.as_str())
}

/// The first value of a name, or nothing.
#[must_use]
pub(super) fn text<'a>(params: &'a Params, name: &str) -> &'a str {
    first(params, name).unwrap_or_default()
}

/// All parameters of a request: those of a form in the body (urlencoded or multipart, files included) come before
/// those of the URL, as Go's `FormValue` has it.
///
/// # Errors
/// When the body cannot be read.
pub(super) async fn of_form(
    request: &HttpRequest,
    payload: web::Payload,
    limits: &BodyLimits,
) -> Result<Params, ApiError> {
    let mut params = match body::media_type(request).as_str() {
        "application/x-www-form-urlencoded" => {
            let body = body::read(request, payload, limits).await?;
            parse_query(&String::from_utf8_lossy(&body.bytes))
        }
        "multipart/form-data" => body::in_time(limits, of_multipart(request, payload, limits)).await?,
        "application/vnd.influxql" => {
            let body = body::read(request, payload, limits).await?;
            vec![("q".to_owned(), String::from_utf8_lossy(&body.bytes).into_owned())]
        }
        _ => Params::new(),
    };
    params.extend(parse_query(request.query_string()));
    Ok(params)
}

async fn of_multipart(request: &HttpRequest, payload: web::Payload, limits: &BodyLimits) -> Result<Params, ApiError> {
    let invalid = |error: &dyn std::fmt::Display| ApiError::invalid(format!("unable to read multipart body: {error}"));
    let mut parts = Multipart::new(request.headers(), payload);
    let mut params = Params::new();
    let mut received = 0;
    let mut reserved = body::reserve(&limits.budget, 0)?;
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(|error| invalid(&error))?;
        let name = part.name().unwrap_or_default().to_owned();
        let mut value = Vec::new();
        while let Some(chunk) = part.next().await {
            let chunk = chunk.map_err(|error| invalid(&error))?;
            received += chunk.len();
            if received > limits.received {
                return Err(body::too_large());
            }
            body::grow(&mut reserved, received)?;
            value.extend_from_slice(&chunk);
        }
        params.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_clients_encode() {
        let params = parse_query("q=SELECT+%2A+FROM%20cpu&db=d%C3%A4b&empty&bad=%zz&cut=%4&sign=%+1&x=1%25");
        let expect = [("q", "SELECT * FROM cpu"), ("db", "däb"), ("empty", ""), ("x", "1%")];
        assert_eq!(params, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(first(&params, "db"), Some("däb"));
    }

    #[test]
    fn python_keeps_invalid_escapes() {
        let params = parse_query_as_python("bad=%zz&cut=%4&good=%C3%a4+b&=x");
        let expect = [("bad", "%zz"), ("cut", "%4"), ("good", "ä b"), ("", "x")];
        assert_eq!(params, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
