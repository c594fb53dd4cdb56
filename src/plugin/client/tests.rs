use futures_util::StreamExt;

use crate::{
    plugin::{
        StreamRequest,
        testing::{Reply, Server, answer, encoded, messages, unframed},
    },
    workflow::{ConfigValue, Data, Element, Namespace},
};

use super::*;

async fn client(kind: PluginType, server: &Server) -> Client {
    let started = TimestampNs(10)..=TimestampNs(20);
    let clock = Arc::new(crate::base::ManualClock::at(TimestampNs(42)));
    Client::new(kind, &server.address, None, started, clock).await.unwrap()
}

fn metric(name: &str) -> Metric {
    Metric {
        data: Data::Int64(42),
        timestamp: Some(TimestampNs(7)),
        last_advertised: Some(TimestampNs(7)),
        ..Metric::new(Namespace::from_iter([Element::new(name)]), 1)
    }
}

fn on_the_wire(metrics: &[Metric]) -> Vec<wire::Metric> {
    wire::encode_metrics(metrics, Purpose::HandOn)
}

#[tokio::test]
async fn each_type_has_its_service() {
    let server = Server::good(vec![]).await;
    for kind in PluginType::ALL {
        client(kind, &server).await.ping().await.unwrap();
    }
    let paths: Vec<_> = server.calls().into_iter().map(|(path, ..)| path).collect();
    let expected = ["Collector", "Processor", "Publisher", "StreamCollector"];
    assert_eq!(paths, expected.map(|service| format!("/rpc.{service}/Ping")));
}

#[tokio::test]
async fn what_is_asked_and_answered() {
    let server = Server::good(on_the_wire(&[metric("a")])).await;
    let collector = client(PluginType::Collector, &server).await;
    assert_eq!(collector.collect(&[metric("b")]).await, Ok(vec![metric("a")]));
    let config: Config = [("file".to_owned(), ConfigValue::String("/f".to_owned()))].into();
    let publisher = client(PluginType::Publisher, &server).await;
    publisher.publish(&[metric("b")], &config).await.unwrap();
    let (path, _, bytes) = server.calls().remove(1);
    assert_eq!(path, "/rpc.Publisher/Publish");
    let sent = wire::PubProcArg::decode(unframed(&bytes).remove(0)).unwrap();
    assert_eq!(sent.metrics, on_the_wire(&[metric("b")]));
    assert_eq!(sent.config, Some(wire::encode_config(&config)));
}

#[tokio::test]
async fn a_processor_in_python_loses_times() {
    let lost = Metric {
        timestamp: Some(TimestampNs(15)),
        ..metric("a")
    };
    let server = Server::good(on_the_wire(&[lost])).await;
    let processor = client(PluginType::Processor, &server).await;
    assert_eq!(
        processor.process(&[metric("a")], &Config::new()).await,
        Ok(vec![metric("a")])
    );
}

/// What a ping ends with when the plugin does that.
async fn ping_of(reply: Reply) -> String {
    let server = Server::start(move |_| reply.clone()).await;
    let answer = client(PluginType::Collector, &server).await.ping().await;
    answer.unwrap_err().to_string()
}

#[tokio::test]
async fn failures_in_gos_words() {
    let reply = wire::ErrReply {
        error: "message: no\n\nstack trace: here".to_owned(),
    };
    assert_eq!(ping_of(messages(&[reply])).await, "message: no\n\nstack trace: here");
    for (reply, expected) in [
        (
            Reply::Status(2, "asked to fail"),
            "rpc error: code = Unknown desc = asked to fail",
        ),
        (
            Reply::Status(14, "Cancelling"),
            "rpc error: code = Unavailable desc = Cancelling",
        ),
        (Reply::Status(1, "gone"), "rpc error: code = Canceled desc = gone"),
        (Reply::Cut, "rpc error: code = Unavailable desc = transport is closing"),
    ] {
        assert_eq!(ping_of(reply).await, expected);
    }
    let rubbish = ping_of(Reply::Rubbish).await;
    assert!(rubbish.starts_with("rpc error: code = Internal desc = "), "{rubbish}");
}

#[tokio::test]
async fn nobody_listens() {
    let answer = client(PluginType::Collector, &Server::nobody()).await.ping().await;
    assert_eq!(
        answer,
        Err(CallError::Transport(
            "rpc error: code = Unavailable desc = grpc: the connection is unavailable".to_owned()
        ))
    );
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_has_failed() {
    assert_eq!(
        ping_of(Reply::Hang).await,
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
    );
}

fn stream_request() -> StreamRequest {
    StreamRequest {
        task: "t1".to_owned(),
        metrics: [metric("a")].into(),
        max_collect_duration: Duration::from_secs(5),
        max_metrics_buffer: 9,
    }
}

fn collect_reply(metrics: &[Metric], error: &str) -> wire::CollectReply {
    let metrics = on_the_wire(metrics);
    let error = error.to_owned();
    wire::CollectReply {
        metrics: Some(wire::MetricsReply {
            metrics,
            error: String::new(),
        }),
        error: Some(wire::ErrReply { error }),
    }
}

#[tokio::test]
async fn a_stream() {
    let replies = [
        collect_reply(&[metric("a"), metric("b")], ""),
        collect_reply(&[], ""),
        collect_reply(&[metric("c")], ""),
    ];
    let server = Server::start(move |_| Reply::Open(encoded(&replies))).await;
    let collector = client(PluginType::StreamingCollector, &server).await;
    let mut batches = collector.stream(stream_request()).unwrap();
    assert_eq!(batches.next().await, Some(Ok(vec![metric("a"), metric("b")])));
    assert_eq!(
        batches.next().await,
        Some(Ok(vec![metric("c")])),
        "empty ones are left out"
    );

    let (path, task, bytes) = server.calls().remove(0);
    assert_eq!(
        (path.as_str(), task.as_deref()),
        ("/rpc.StreamCollector/StreamMetrics", Some("t1"))
    );
    let sent = unframed(&bytes)
        .into_iter()
        .map(|message| wire::CollectArg::decode(message).unwrap());
    let sent: Vec<_> = sent.collect();
    assert_eq!(sent[0].metrics.as_ref().unwrap().metrics.len(), 1);
    assert_eq!(
        sent.iter()
            .map(|arg| (arg.max_collect_duration_ns, arg.max_metrics_buffer))
            .collect::<Vec<_>>(),
        [(0, 0), (5_000_000_000, 0), (0, 9)]
    );
}

#[tokio::test]
async fn a_stream_ends_with_an_error() {
    for (reply, expected) in [
        (
            messages(&[collect_reply(&[], "no sensor"), collect_reply(&[metric("a")], "")]),
            CallError::Plugin("no sensor".to_owned()),
        ),
        (Reply::Messages(vec![]), CallError::Transport("EOF".to_owned())),
        (
            Reply::Break,
            CallError::Transport("rpc error: code = Unavailable desc = transport is closing".to_owned()),
        ),
        (
            Reply::Status(2, "boom"),
            CallError::Plugin("rpc error: code = Unknown desc = boom".to_owned()),
        ),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let collector = client(PluginType::StreamingCollector, &server).await;
        let batches: Vec<_> = collector.stream(stream_request()).unwrap().collect().await;
        assert_eq!(batches, [Err(expected)]);
    }
}

#[tokio::test]
async fn the_connection_is_made_anew() {
    let fails_first = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(
        move |method| match fails_first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            true => Reply::Cut,
            false => answer(method, &[]),
        },
    );
    let client = client(PluginType::Collector, &server.await).await;
    assert!(client.ping().await.is_err());
    assert_eq!(client.ping().await, Ok(()));
}
