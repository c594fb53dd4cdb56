//! Lists: filters, order, pages and their links.

use std::thread;

use serde_json::Value;

use crate::support::{gyre::Gyre, http};

use super::{change, detail, host, hostnames, register, send, shown};

pub(super) fn filters(gyre: &Gyre) {
    assert_eq!(shown(gyre, "/v6/nodes/")["results"], serde_json::json!([]));
    let hosts = ["a", "b", "c"].map(|name| host(gyre, name));
    change(gyre, hosts[1], r#"{"is_active":false}"#);
    let check = |query: &str, expect: &[&str]| {
        let list = shown(gyre, &format!("/v6/nodes/?order=hostname&{query}"));
        assert_eq!(hostnames(&list), expect, "{query}");
        assert_eq!(list["count"], expect.len(), "{query}");
    };
    check("", &["a", "b", "c"]);
    for yes in ["true", "TRUE", "%20t%20", "1"] {
        check(&format!("is_active={yes}"), &["a", "c"]);
    }
    check("is_active=true&is_active=0", &["b"]);
    check("include_inactive=false&foo", &["a", "b", "c"]);
    for all in [
        "started=PT1H",
        "started=P1.5D",
        "ended=PT",
        "started=2015-01-01T00:00:00Z",
    ] {
        check(all, &["a", "b", "c"]);
    }
    for none in [
        "ended=PT3H0M0S",
        "ended=2015-01-01T00:00:00%2B01:00",
        "started=9999-12-31T23:59:59Z",
    ] {
        check(none, &[]);
    }
    let exactly = http::encode(detail(gyre, hosts[1])["last_modified"].as_str().unwrap());
    check(&format!("ended={exactly}"), &["a", "b", "c"]);
    check(&format!("started={exactly}"), &["b"]);
}

pub(super) fn order(gyre: &Gyre) {
    let hosts = ["b", "A", "c"].map(|name| host(gyre, name));
    let check = |query: &str, expect: &[&str]| {
        let list = shown(gyre, &format!("/v6/nodes/?{query}"));
        assert_eq!(hostnames(&list), expect, "{query}");
    };
    check("", &["b", "A", "c"]);
    check("order=hostname", &["A", "b", "c"]);
    check("order=host_name", &["A", "b", "c"]);
    check("order=-hostname", &["c", "b", "A"]);
    change(gyre, hosts[0], r#"{"is_active":false,"pause_reason":"x"}"#);
    check("", &["A", "c", "b"]);
    check("order=is_active&order=-created", &["b", "c", "A"]);
    check("order=deprecated", &["b", "A", "c"]);
    check("order=-deprecated", &["A", "c", "b"]);
    check("order=pause_reason&order=-id", &["b", "c", "A"]);
}

pub(super) fn small_pages(gyre: &Gyre) {
    for last_of_nothing in ["page=1", "page=last"] {
        assert_eq!(shown(gyre, &format!("/v6/nodes/?{last_of_nothing}"))["count"], 0);
    }
    assert_eq!(gyre.client().get("/v6/nodes/?page=2").status, 404);
    for name in ["a", "b", "c", "d", "e"] {
        register(gyre, name);
    }
    let base = format!("http://{}/v6/nodes/", gyre.addr());
    let check = |query: &str, expect: &[&str], next: Option<&str>, previous: Option<&str>| {
        let list = shown(gyre, &format!("/v6/nodes/?{query}"));
        let link = |rest: Option<&str>| rest.map_or(Value::Null, |rest| format!("{base}{rest}").into());
        assert_eq!(hostnames(&list), expect, "{query}");
        assert_eq!(
            (&list["next"], &list["previous"]),
            (&link(next), &link(previous)),
            "{query}"
        );
        assert_eq!(list["count"], 5);
    };
    check("page_size=5", &["a", "b", "c", "d", "e"], None, None);
    check("page_size=2", &["a", "b"], Some("?page=2&page_size=2"), None);
    check(
        "page_size=2&page=2&is_active=true",
        &["c", "d"],
        Some("?is_active=true&page=3&page_size=2"),
        Some("?is_active=true&page_size=2"),
    );
    check("page_size=2&page=3", &["e"], None, Some("?page=2&page_size=2"));
    check("page_size=2&page=last", &["e"], None, Some("?page=2&page_size=2"));
    check(
        "started=2015-01-01T00:00:00%2B01:00&page_size=4",
        &["a", "b", "c", "d"],
        Some("?page=2&page_size=4&started=2015-01-01T00%3A00%3A00%2B01%3A00"),
        None,
    );
}

pub(super) fn large_pages(gyre: &Gyre) {
    register_many(gyre, 0..101);
    for wrong in ["0", "-3", "x", ""] {
        let list = shown(gyre, &format!("/v6/nodes/?page_size={wrong}"));
        assert_eq!(hostnames(&list).len(), 100, "{wrong:?}");
    }
    for wrong in ["0", "-1", "x", "", "3"] {
        let answer = gyre.client().get(&format!("/v6/nodes/?page={wrong}"));
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (404, r#"{"detail":"Invalid page."}"#),
            "{wrong:?}"
        );
    }
    register_many(gyre, 101..1001);
    let list = shown(gyre, "/v6/nodes/?page_size=5000");
    assert_eq!((&list["count"], hostnames(&list).len()), (&1001.into(), 1000));
    let next = list["next"].as_str().unwrap();
    assert!(next.ends_with("?page=2&page_size=5000"), "{next}");
}

/// Registers nodes on machines of their own, some at a time.
fn register_many(gyre: &Gyre, numbers: std::ops::Range<usize>) {
    let numbers: Vec<usize> = numbers.collect();
    thread::scope(|scope| {
        for part in numbers.chunks(numbers.len().div_ceil(8)) {
            scope.spawn(move || part.iter().for_each(|n| register(gyre, &format!("host-{n}"))));
        }
    });
}

pub(super) fn links(gyre: &Gyre) {
    register(gyre, "a");
    register(gyre, "b");
    let next = |headers: &[(&str, &str)]| {
        let answer = send(gyre, "GET", "/v7/nodes/?page_size=1", headers, b"");
        answer.json()["next"].as_str().unwrap().to_owned()
    };
    let rest = "/v7/nodes/?page=2&page_size=1";
    assert_eq!(next(&[]), format!("http://{}{rest}", gyre.addr()));
    let forwarded = [("X-Forwarded-Host", "front.example, middle.example:81")];
    assert_eq!(next(&forwarded), format!("http://front.example{rest}"));
    let secure = [("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "front.example")];
    assert_eq!(next(&secure), format!("https://front.example{rest}"));
}
