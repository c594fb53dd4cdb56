//! Who may ask: with `telemetry.password` whoever knows it, under any name; without it, whom the other interfaces let
//! in.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::{super::Services, answer};

/// The original's words; clients print them.
const TEXT: &str = "Not authorized. Please specify the same password that used to start snapteld. E.g: [snaptel -p \
                    plugin list] or [curl http://localhost:8181/v2/plugins -u snap]";

#[derive(Serialize)]
struct Refused {
    code: u16,
    message: &'static str,
}

/// Whether the request is let in. The password guards also what does not exist, as the original does; the credentials
/// of the other interfaces guard the paths of this one only. `path` is the decoded one, as the route is looked for.
pub(super) fn admits(services: &Services, request: &HttpRequest, path: &str) -> bool {
    if let Some(wanted) = &services.config.telemetry.password {
        let given = password(request).unwrap_or_default();
        return given.as_bytes().ct_eq(wanted.expose().as_bytes()).into();
    }
    !is_ours(path) || services.authenticate(request).is_ok()
}

/// Whether the request may change something, which is as much as running programs here: from another machine only with
/// credentials.
pub(super) fn may_change(services: &Services, request: &HttpRequest) -> bool {
    let wants_credentials = services.config.telemetry.password.is_some() || services.credentials.is_some();
    wants_credentials || request.peer_addr().is_some_and(|peer| is_this_machine(peer.ip()))
}

fn is_this_machine(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The answer to those who are not let in, the same in both versions.
pub(super) fn refused() -> HttpResponse {
    let status = StatusCode::UNAUTHORIZED;
    answer::v2(
        status,
        &Refused {
            code: status.as_u16(),
            message: TEXT,
        },
    )
}

/// Whether the path, in whatever case, is of this interface.
fn is_ours(path: &str) -> bool {
    let first = path.split('/').find(|segment| !segment.is_empty()).unwrap_or_default();
    ["v1", "v2", "telemetry"]
        .iter()
        .any(|ours| first.eq_ignore_ascii_case(ours))
}

fn password(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(_, password)| password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_loopback_in_every_form() {
        let is_it = |address: &str| is_this_machine(address.parse().unwrap());
        assert!(is_it("127.0.0.1") && is_it("127.9.9.9") && is_it("::1") && is_it("::ffff:127.0.0.1"));
        assert!(!is_it("10.0.0.1") && !is_it("0.0.0.0") && !is_it("fe80::1") && !is_it("::ffff:10.0.0.1"));
    }
}
