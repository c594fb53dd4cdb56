//! Web pages of other origins: those that are allowed get the headers that their browser wants; what others change is
//! refused, since a page that anybody can write must not load plugins, whatever name leads it here.

use std::net::{IpAddr, SocketAddr};

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap, HeaderValue},
};

/// What a request says of the page it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// No page, or one that this server could have served.
    Own,
    /// A page that may ask; the value tells its browser so.
    Allowed(HeaderValue),
    /// Any other page.
    Foreign,
}

impl Origin {
    /// The origin of a request, with those that `allowed` names as `scheme://host[:port]`.
    pub(super) fn of(request: &HttpRequest, allowed: &[String]) -> Self {
        let Some(value) = request.headers().get(header::ORIGIN) else {
            return Self::Own;
        };
        let origin = value.to_str().unwrap_or_default();
        let (_, authority) = origin.split_once("://").unwrap_or_default();
        if allowed.iter().any(|known| known == origin) {
            let local = matches!(authority.split(':').next(), Some("localhost" | "127.0.0.1"));
            return Self::Allowed(if local {
                HeaderValue::from_static("*")
            } else {
                value.clone()
            });
        }
        if is_nobody_elses(authority)
            && request
                .headers()
                .get(header::HOST)
                .is_some_and(|host| host == authority)
        {
            return Self::Own;
        }
        Self::Foreign
    }

    /// Whether a page of this origin may change something.
    pub(super) fn may_change(&self) -> bool {
        *self != Self::Foreign
    }

    /// Adds what the browser of an allowed page wants to see.
    pub(super) fn mark(self, headers: &mut HeaderMap) {
        let Self::Allowed(value) = self else { return };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, value);
        let allowed = [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE, PUT, OPTIONS"),
            (
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                "Origin, X-Requested-With, Content-Type, Accept",
            ),
            (header::ACCESS_CONTROL_MAX_AGE, "3600"),
        ];
        for (name, value) in allowed {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Whether the address is this machine's name or a number. Any other name may be a stranger's, made to lead here after
/// his page was loaded.
fn is_nobody_elses(authority: &str) -> bool {
    authority.parse::<SocketAddr>().is_ok()
        || authority.parse::<IpAddr>().is_ok()
        || authority.split(':').next() == Some("localhost")
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn pages_are_told_apart_by_their_origin() {
        let allowed = ["http://example.com:80", "http://localhost:9000"].map(ToOwned::to_owned);
        let check = |origin: Option<&str>, expect: Origin| {
            let mut request = TestRequest::default().insert_header((header::HOST, "127.0.0.1:8086"));
            if let Some(origin) = origin {
                request = request.insert_header((header::ORIGIN, origin));
            }
            assert_eq!(Origin::of(&request.to_http_request(), &allowed), expect, "{origin:?}");
        };
        let may = |value| Origin::Allowed(HeaderValue::from_static(value));
        check(None, Origin::Own);
        check(Some("http://127.0.0.1:8086"), Origin::Own);
        check(Some("http://example.com:80"), may("http://example.com:80"));
        check(Some("http://localhost:9000"), may("*"));
        check(Some("http://example.com"), Origin::Foreign);
        check(Some("http://127.0.0.1:8086.evil"), Origin::Foreign);
        check(Some("http://127.0.0.1:8087"), Origin::Foreign);
        check(Some("http://localhost"), Origin::Foreign);
        check(Some("null"), Origin::Foreign);
        check(Some(""), Origin::Foreign);
    }

    #[test]
    fn a_name_that_leads_here_does_not_make_a_page_our_own() {
        let own = |host: &str| {
            let request = TestRequest::default()
                .insert_header((header::HOST, host))
                .insert_header((header::ORIGIN, format!("http://{host}")));
            Origin::of(&request.to_http_request(), &[]) == Origin::Own
        };
        assert!(own("localhost:7076") && own("10.0.0.1:7076") && own("[::1]:7076") && own("127.0.0.1"));
        assert!(!own("evil.example.com:7076") && !own("localhost.evil.example.com"));
    }
}
