//! Which representation a client accepts, as Django REST framework negotiates it: weights (`q`) do not matter, only how
//! exactly a media range names JSON.

use actix_web::{HttpRequest, http::header};

/// Widest indentation; more is cut.
const MAX_INDENT: i64 = 8;

/// How JSON is written for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Indent(pub(super) usize);

impl Indent {
    /// No line breaks, no blanks.
    pub(super) const COMPACT: Self = Self(0);

    /// What this request accepts; `None` when that excludes JSON.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        let headers = request.headers().get_all(header::ACCEPT);
        let accept: Vec<_> = headers.filter_map(|value| value.to_str().ok()).collect();
        Self::accepted(&accept.join(","))
    }

    /// The indentation that the most exact range for JSON asks for: `application/json; indent=4`.
    fn accepted(accept: &str) -> Option<Self> {
        if accept.trim().is_empty() {
            return Some(Self::COMPACT);
        }
        let ranges = accept.split(',').filter_map(Range::parse);
        let best = ranges.reduce(|best, range| if range.exactness > best.exactness { range } else { best })?;
        let indent = best.indent.unwrap_or(0).clamp(0, MAX_INDENT);
        usize::try_from(indent).ok().map(Self)
    }
}

/// A media range that includes JSON.
struct Range {
    exactness: u8,
    indent: Option<i64>,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next()?.to_ascii_lowercase();
        let by_type = match media_type.as_str() {
            "*/*" => 0,
            "application/*" => 1,
            "application/json" => 2,
            _ => return None,
        };
        let params: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let has_params = params.iter().any(|(name, _)| *name != "q");
        let indent = params.iter().find(|(name, _)| *name == "indent");
        Some(Self {
            exactness: if has_params { 3 } else { by_type },
            indent: indent.and_then(|(_, value)| value.trim_matches('"').parse().ok()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiates_as_the_framework_does() {
        let check = |accept: &str, indent: Option<usize>| {
            assert_eq!(Indent::accepted(accept).map(|indent| indent.0), indent, "{accept:?}");
        };
        for compact in [
            "",
            "*/*",
            "application/*",
            "application/json",
            "Application/JSON",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "application/json;q=0",
            "application/json; indent=0",
            "application/json; indent=-1",
            "application/json; indent=x",
            "application/json; charset=utf-8",
        ] {
            check(compact, Some(0));
        }
        check("application/json; indent=4", Some(4));
        check("application/json;indent=9999999999999", Some(8));
        check("*/*; indent=2", Some(2));
        check("application/json, application/json; indent=4", Some(4));
        for excluded in [
            "text/html",
            "application/xml",
            "text/*",
            "json",
            "image/png, text/csv",
            ",",
        ] {
            check(excluded, None);
        }
    }
}
