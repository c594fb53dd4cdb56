//! Who may ask: three ways to say it, the same on every route.

use super::{Door, brief, error};

const RIGHT: &[&[(&str, &str)]] = &[
    &[("Authorization", "Basic YWRtaW46cGE6c3M=")],
    &[("Authorization", "basic YWRtaW46cGE6c3M=")],
    &[("Authorization", "Token admin:pa:ss")],
];

const WRONG: &[&[(&str, &str)]] = &[
    &[],
    &[("Authorization", "")],
    &[("Authorization", "Basic")],
    &[("Authorization", "Basic !!!")],
    &[("Authorization", "Basic YWRtaW4=")],
    &[("Authorization", "Basic YWRtaW46d3Jvbmc=")],
    &[("Authorization", "Token admin")],
    &[("Authorization", "Token admin:pa")],
    &[("Authorization", "Token  admin:pa:ss")],
    &[("Authorization", "token admin:pa:ss")],
    &[("Authorization", "Bearer admin:pa:ss")],
    &[("Authorization", "\u{fc}")],
];

const ROUTES: &[(&str, &str, u16)] = &[
    ("POST", "/write?db=d", 204),
    ("POST", "/api/v2/write?bucket=d", 204),
    ("POST", "/query?db=d&q=SELECT%20v%20FROM%20m", 200),
    ("GET", "/query?db=d&q=SELECT%20v%20FROM%20m", 200),
    ("GET", "/health?", 200),
    ("GET", "/replica?db=d&mm=m", 200),
    ("GET", "/gyre/backends?", 200),
    ("GET", "/gyre/dead-letters?", 200),
];

#[test]
fn the_right_credentials_are_asked_for_everywhere() {
    let door = Door::open(|config| config.set("auth", "username", "admin").set("auth", "password", "pa:ss"));
    let ask = |method: &str, target: &str, headers: &[(&str, &str)]| {
        let answer = door.client().request(method, target, headers, b"m v=1 1");
        answer.expect("there is an answer")
    };
    for (method, target, status) in ROUTES {
        for headers in RIGHT {
            assert_eq!(
                ask(method, target, headers).status,
                *status,
                "{method} {target} {headers:?}"
            );
        }
        for url in ["&u=admin&p=pa:ss", "&u=admin&p=pa%3Ass"] {
            assert_eq!(
                ask(method, &format!("{target}{url}"), &[]).status,
                *status,
                "{target} {url}"
            );
        }
        let fallback = ask(method, &format!("{target}&u=admin&p=wrong"), RIGHT[0]);
        assert_eq!(
            fallback.status, *status,
            "{target}: wrong in the URL, right in the header"
        );
    }
    let written = door.backend.lines().len();
    for (method, target, _) in ROUTES {
        for headers in WRONG {
            let (status, text) = brief(&ask(method, target, headers));
            // influx-proxy's older generation, the default, answers errors of its own routes as plain text
            let admin = ["/health", "/replica"].iter().any(|route| target.starts_with(route));
            let expected = if admin {
                "authentication failed\n".to_owned()
            } else {
                error("authentication failed")
            };
            assert_eq!((status, text), (401, expected), "{method} {target} {headers:?}");
        }
        for url in ["&u=admin", "&p=pa:ss", "&u=&p=", "&u=admin&p=wrong", "&u=Admin&p=pa:ss"] {
            assert_eq!(
                ask(method, &format!("{target}{url}"), &[]).status,
                401,
                "{target} {url}"
            );
        }
    }
    assert_eq!(door.backend.lines().len(), written);
    assert_eq!(ask("GET", "/ping", &[]).status, 204);
    assert_eq!(ask("GET", "/metrics", &[]).status, 200);
}

#[test]
fn pings_can_ask_for_them_too() {
    let door = Door::open(|config| config.set("auth", "username", "a").set("auth", "password", "b"));
    assert!(door.client().pings());
    let answer = door.client().post("/query", b"u=a&p=b&q=SHOW+DATABASES");
    assert_eq!(answer.status, 401, "credentials in a body do not count");
}
