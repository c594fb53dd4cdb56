//! Who may ask, and web pages of whom.

use super::start;
use crate::support::gyre::Gyre;

/// The status of a request with these headers.
fn status(gyre: &Gyre, request: (&str, &str), headers: &[(&str, &str)]) -> u16 {
    let body = b"[]";
    let answer = gyre.client().request(request.0, request.1, headers, body);
    answer.expect("an answer").status
}

/// `Authorization` of user `name` with password `sekret`.
const ANY: (&str, &str) = ("Authorization", "Basic YW55b25lOnNla3JldA==");
/// Of user `admin` with password `sekret`.
const ADMIN: (&str, &str) = ("Authorization", "Basic YWRtaW46c2VrcmV0");

#[test]
fn a_password_of_its_own_guards_everything_that_is_not_others() {
    let gyre = start(|config| config.set("telemetry", "password", "sekret"));
    for path in [
        "/v1/plugins",
        "/V2/Tasks/",
        "/v1/nope",
        "/nope",
        "/%761/plugins",
        "/telemetry/metrics",
    ] {
        assert_eq!(status(&gyre, ("GET", path), &[]), 401, "{path}");
        assert_ne!(status(&gyre, ("GET", path), &[ANY]), 401, "{path}");
    }
    assert_eq!(status(&gyre, ("OPTIONS", "/v1/plugins"), &[]), 401);
    assert_eq!(status(&gyre, ("GET", "/ping"), &[]), 204, "others have their own rules");
    let refused = gyre.client().get("/v1/plugins");
    let expect = "{\n  \"code\": 401,\n  \"message\": \"Not authorized. Please specify the same password that used to start \
                  snapteld. E.g: [snaptel -p plugin list] or [curl http://localhost:8181/v2/plugins -u snap]\"\n}\n";
    assert_eq!(refused.text(), expect);
    assert_eq!(refused.header("www-authenticate"), None);
}

#[test]
fn without_one_the_other_interfaces_credentials_are_wanted() {
    let gyre = start(|config| {
        config
            .set("auth", "username", "admin")
            .set("auth", "password", "sekret")
    });
    for path in [
        "/v1/plugins",
        "/V2/Tasks/",
        "/v1/nope",
        "/%761/plugins",
        "//v1/plugins",
        "/telemetry/metrics",
    ] {
        let refused = gyre.client().get(path);
        assert_eq!(
            (refused.status, refused.header("version")),
            (401, Some("beta")),
            "{path}"
        );
        assert_eq!(status(&gyre, ("GET", path), &[ANY]), 401, "{path}");
        assert_ne!(status(&gyre, ("GET", path), &[ADMIN]), 401, "{path}");
    }
    assert_eq!(status(&gyre, ("GET", "/nope"), &[]), 404, "nobody's path");
}

#[test]
fn pages_of_others_change_nothing() {
    let gyre = start(|config| config.set("telemetry", "allowed_origins", vec!["https://good.example"]));
    let own = format!("http://{}", gyre.addr());
    let remove = ("DELETE", "/v1/plugins////config");
    let from = |origin: &str| status(&gyre, remove, &[("Origin", origin)]);
    assert_eq!(status(&gyre, remove, &[]), 200, "no page");
    assert_eq!(from("https://good.example"), 200);
    assert_eq!(from(&own), 200);
    for origin in [
        "https://evil.example",
        "http://good.example",
        "null",
        "https://good.example.evil",
    ] {
        assert_eq!(from(origin), 403, "{origin}");
        assert_eq!(
            status(&gyre, ("POST", "/v2/tasks"), &[("Origin", origin)]),
            403,
            "{origin}"
        );
        assert_eq!(
            status(&gyre, ("GET", "/v1/plugins"), &[("Origin", origin)]),
            200,
            "{origin} may look"
        );
    }
}

#[test]
fn without_allowed_origins_no_page_of_others_changes_anything() {
    let gyre = start(|config| config);
    let answer = gyre.client().request(
        "PUT",
        "/v1/plugins////config",
        &[("Origin", "http://evil.example")],
        b"{}",
    );
    let answer = answer.expect("an answer");
    assert_eq!(
        (answer.status, answer.json()["meta"]["type"].as_str()),
        (403, Some("error"))
    );
    assert_eq!(answer.header("vary"), None);
}
