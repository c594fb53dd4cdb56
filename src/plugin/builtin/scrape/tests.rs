//! Endpoints that answer, and such that do not.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;
use crate::{plugin::builtin::testing, workflow::ConfigValue};

/// An endpoint that answers every connection with the same bytes; its address.
async fn endpoint(answer: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _read = stream.read(&mut request).await;
            let _written = stream.write_all(answer.as_bytes()).await;
        }
    });
    address.to_string()
}

async fn good(body: &str) -> String {
    endpoint(format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await
}

/// An address that nobody listens on.
async fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().to_string()
}

async fn collect(addresses: &[&str], asked: Namespace) -> Result<Vec<Metric>, CallError> {
    let (deps, _clock, _sink) = testing::deps(7);
    let urls: Vec<_> = addresses
        .iter()
        .map(|address| format!("http://{address}/metrics"))
        .collect();
    let config = Config::from([("url".to_owned(), ConfigValue::String(urls.join(", ")))]);
    let mut wanted = Metric::new(asked, 1);
    wanted.config = Arc::new(config);
    V1.start(&deps).collect(Arc::from([wanted])).await
}

fn short(metrics: &[Metric]) -> Vec<(String, f64)> {
    let one = |metric: &Metric| match metric.data {
        Data::Float64(value) => (metric.namespace.0[2].value.clone(), value),
        ref other => panic!("{other:?}"),
    };
    metrics.iter().map(one).collect()
}

#[tokio::test]
async fn an_endpoint_is_scraped() {
    let address = good("# HELP a things\na{b=\"c\"} 1 5\nd 2\n").await;
    let seen = collect(&[&address], namespace("*", "*")).await.unwrap();
    let up = ("up".to_owned(), 1.0);
    assert_eq!(short(&seen), [("a".to_owned(), 1.0), ("d".to_owned(), 2.0), up]);
    assert_eq!(seen[0].tags.get("b").map(String::as_str), Some("c"));
    assert_eq!(seen[0].namespace.0[1].value, address);
    assert_eq!(&*seen[0].description, "things");
    let times: Vec<_> = seen.iter().map(|metric| metric.timestamp).collect();
    assert_eq!(times, [5_000_000, 7, 7].map(|time| Some(TimestampNs(time))));
    let one = collect(&[&address], namespace(&address, "d")).await.unwrap();
    assert_eq!(short(&one), [("d".to_owned(), 2.0)]);
}

#[tokio::test]
async fn a_target_that_is_down_is_told_and_all_down_is_a_failure() {
    let (up, down) = (good("a 1\n").await, closed().await);
    let seen = collect(&[&up, &down], namespace("*", "up")).await.unwrap();
    let mut told: Vec<_> = seen
        .iter()
        .map(|metric| (metric.namespace.0[1].value.clone(), metric.data.clone()))
        .collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let mut expected = vec![(up, Data::Float64(1.0)), (down.clone(), Data::Float64(0.0))];
    expected.sort_by(|one, other| one.0.cmp(&other.0));
    assert_eq!(told, expected);
    let error = collect(&[&down], namespace("*", "*")).await.unwrap_err();
    assert!(error.to_string().starts_with(&format!("{down}: ")), "{error}");
}

#[tokio::test]
async fn answers_that_cannot_be_used_are_errors() {
    let refusing =
        endpoint("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno".to_owned()).await;
    let rubbish = good("rubbish").await;
    let endless = endpoint(format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        "a 1\n".repeat(MAX_BODY / 4 + 1)
    ))
    .await;
    for (address, text) in [
        (refusing, "status 403: no"),
        (rubbish, "line 1: there is no value"),
        (endless, "the answer is longer than 16777216 bytes"),
    ] {
        let error = collect(&[&address], namespace("*", "*")).await.unwrap_err();
        assert_eq!(error.to_string(), format!("{address}: {text}"));
    }
}

#[test]
fn endpoints_are_named_by_host_and_port() {
    let names = |text: &str| targets(text).map(|all| all.into_iter().map(|target| target.name).collect::<Vec<_>>());
    assert_eq!(
        names("http://a/x, https://u:p@b:9\thttp://[::1]:3/"),
        Ok(vec!["[::1]:3".to_owned(), "a:80".to_owned(), "b:9".to_owned()])
    );
    for bad in ["", "a", "ftp://a/", "http://"] {
        assert!(names(bad).is_err(), "{bad}");
    }
}
