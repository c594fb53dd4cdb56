//! Links from a page to its neighbours: the request's own URL with another `page`.

use std::fmt::Write;

/// The URL of page `page` beside `url`, which has no query string. Parameters are sorted by name, those of the same
/// name stay in order, and all are encoded anew; without a number `page` is left out, which means the first page.
pub(super) fn to_page(url: &str, params: &[(String, String)], page: Option<usize>) -> String {
    let others = params.iter().filter(|(name, _)| name != "page");
    let mut kept: Vec<(&str, String)> = others.map(|(name, value)| (name.as_str(), value.clone())).collect();
    kept.extend(page.map(|page| ("page", page.to_string())));
    kept.sort_by_key(|(name, _)| *name);
    let mut link = url.to_owned();
    let separators = std::iter::once('?').chain(std::iter::repeat('&'));
    for ((name, value), separator) in kept.iter().zip(separators) {
        link.push(separator);
        encode(name, &mut link);
        link.push('=');
        encode(value, &mut link);
    }
    link
}

/// Python's `quote_plus`: a blank becomes `+`, and everything but ASCII letters, digits, `_`, `.` and `-` is escaped.
fn encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b' ' => to.push('+'),
            b'_' | b'.' | b'-' => to.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => to.push(char::from(byte)),
            _ => write!(to, "%{byte:02X}").expect("a string takes all that is written"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::super::params::parse_query_as_python, *};

    #[test]
    fn links_are_sorted_and_encoded_anew() {
        let check = |query: &str, page: Option<usize>, expect: &str| {
            let link = to_page("http://h/v6/nodes/", &parse_query_as_python(query), page);
            assert_eq!(link, format!("http://h/v6/nodes/{expect}"), "{query}");
        };
        check("", Some(2), "?page=2");
        check("page=2", None, "");
        let second = "page_size=2&page=2&is_active=true";
        check(second, Some(3), "?is_active=true&page=3&page_size=2");
        check(second, None, "?is_active=true&page_size=2");
        check("page=last&page=7", Some(3), "?page=3");
        check(
            "started=2015-01-01T00:00:00%2B01:00",
            Some(2),
            "?page=2&started=2015-01-01T00%3A00%3A00%2B01%3A00",
        );
        check("order=-b&foo&order=a", Some(2), "?foo=&order=-b&order=a&page=2");
        check("q=a+b%20~*%C3%A4%zz", None, "?q=a+b+%7E%2A%C3%A4%25zz");
    }
}
