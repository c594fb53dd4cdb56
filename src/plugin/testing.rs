//! Plugins for tests: a server in this process that speaks raw HTTP/2, and scripts that say where it listens.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::{BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use http::{HeaderMap, HeaderValue, Request, Response};
use prost::Message;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

use crate::base::{ManualClock, TimestampNs};

use super::{Checksum, Launch, LogLevel, Program, files, wire};

/// What the server does with a call.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Messages, then that it went well.
    Messages(Vec<Bytes>),
    /// Messages, then nothing more.
    Open(Vec<Bytes>),
    /// A failure: its code and text.
    Status(u16, &'static str),
    /// Bytes that are no message.
    Rubbish,
    /// No answer ever.
    Hang,
    /// The connection is cut before anything is answered.
    Cut,
    /// The connection is cut in the middle of the answer.
    Break,
}

/// What came in: the method's path, the task's id if one was given, and the bytes of all messages.
pub(crate) type Call = (String, Option<String>, Bytes);

/// A server; it lives as long as the runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) address: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Server {
    /// Answers each call by its method's name.
    pub(crate) async fn start(reply: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self {
            address: listener.local_addr().unwrap().to_string(),
            calls: Arc::default(),
        };
        let (reply, calls) = (Arc::new(reply), Arc::clone(&server.calls));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&reply), Arc::clone(&calls)));
            }
        });
        server
    }

    /// Nobody: an address where nobody listens.
    pub(crate) fn nobody() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        Self {
            address: listener.local_addr().unwrap().to_string(),
            calls: Arc::default(),
        }
    }

    /// A well-behaved plugin that offers and collects these metrics.
    pub(super) async fn good(metrics: Vec<wire::Metric>) -> Self {
        Self::start(move |method| answer(method, &metrics)).await
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    pub(crate) fn count(&self, method: &str) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(path, ..)| path.ends_with(method)).count()
    }

    /// The first line of a plugin that listens here, with some more fields of `Meta` and of the whole.
    pub(crate) fn handshake(&self, meta: &str, all: &str) -> String {
        let address = &self.address;
        format!(r#"{{"Meta":{{"Name":"Fake","Version":7,"RPCType":2{meta}}},"ListenAddress":"{address}"{all}}}"#)
    }
}

/// What a well-behaved plugin answers that has no metrics.
pub(crate) fn well(method: &str) -> Reply {
    answer(method, &[])
}

/// What a well-behaved plugin answers that has these metrics.
pub(super) fn answer(method: &str, metrics: &[wire::Metric]) -> Reply {
    match method {
        "GetMetricTypes" | "CollectMetrics" | "Process" => messages(&[wire::MetricsReply {
            metrics: metrics.to_vec(),
            ..wire::MetricsReply::default()
        }]),
        "GetConfigPolicy" => messages(&[wire::GetConfigPolicyReply::default()]),
        _ => messages(&[wire::ErrReply::default()]),
    }
}

pub(crate) fn messages(messages: &[impl Message]) -> Reply {
    Reply::Messages(encoded(messages))
}

pub(crate) fn encoded(messages: &[impl Message]) -> Vec<Bytes> {
    messages.iter().map(|message| message.encode_to_vec().into()).collect()
}

/// An executable that prints a line and then runs some lines of shell.
pub(crate) fn script(dir: &Path, first_line: &str, then: &str) -> Program {
    executable(dir, &format!("#!/bin/sh\ncat <<'END'\n{first_line}\nEND\n{then}\n"))
}

pub(crate) fn executable(dir: &Path, text: &str) -> Program {
    let path = dir.join("plugin");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    Program::File {
        checksum: Checksum::of(&files::read(&path).unwrap()),
        path,
    }
}

/// An HTTP server that answers everything with that document; its URL.
pub(crate) async fn http(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{document}",
        document.len()
    );
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            // One read has all of so short a request.
            if stream.read(&mut request).await.is_ok() {
                let _sent = stream.write_all(answer.as_bytes()).await;
            }
        }
    });
    url
}

/// HTTP clients cannot be built without one.
pub(crate) fn install_crypto() {
    // Another test may have been faster.
    let _installed = rustls::crypto::ring::default_provider().install_default();
}

pub(crate) fn launch(program: Program) -> Launch {
    Launch {
        program,
        plugin_tls: None,
        own_tls: None,
        log_level: LogLevel::Warn,
        load_timeout: Duration::from_secs(10),
        max_restarts: Some(3),
        owner_marker: "unit test".into(),
        clock: Arc::new(ManualClock::at(TimestampNs(42))),
    }
}

async fn serve(
    stream: TcpStream,
    reply: Arc<impl Fn(&str) -> Reply + Send + Sync + 'static>,
    calls: Arc<Mutex<Vec<Call>>>,
) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    let broken = Arc::new(Notify::new());
    loop {
        // Accepting also sends what is to be sent.
        let accepted = tokio::select! {
            biased;
            accepted = connection.accept() => accepted,
            () = broken.notified() => return,
        };
        let Some(Ok((request, respond))) = accepted else { return };
        let path = request.uri().path().to_owned();
        let method = path.rsplit('/').next().unwrap_or_default();
        let reply = reply(method);
        if matches!(reply, Reply::Cut) {
            return;
        }
        let (calls, broken) = (Arc::clone(&calls), Arc::clone(&broken));
        tokio::spawn(async move { respond_to(path, request, respond, reply, &calls, &broken).await });
    }
}

async fn respond_to(
    path: String,
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    reply: Reply,
    calls: &Mutex<Vec<Call>>,
    broken: &Notify,
) {
    let task = request
        .headers()
        .get("task-id")
        .map(|id| id.to_str().unwrap().to_owned());
    let is_stream = path.ends_with("StreamMetrics");
    let mut body = request.into_body();
    let mut taken = BytesMut::new();
    while let Some(Ok(piece)) = body.data().await {
        body.flow_control().release_capacity(piece.len()).unwrap();
        taken.extend_from_slice(&piece);
        // A stream's requests never end: three come in the beginning.
        if is_stream && messages_in(&taken) == 3 {
            break;
        }
    }
    calls.lock().unwrap().push((path, task, taken.freeze()));
    let response = Response::builder()
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let failed = |code: u16, text: &'static str| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from(code));
        trailers.insert("grpc-message", HeaderValue::from_static(text));
        trailers
    };
    let mut stream = respond.send_response(response, false).unwrap();
    match reply {
        Reply::Messages(messages) => {
            stream.send_data(framed(&messages), false).unwrap();
            stream.send_trailers(failed(0, "")).unwrap();
        }
        Reply::Open(messages) => {
            stream.send_data(framed(&messages), false).unwrap();
            std::future::pending::<()>().await;
        }
        Reply::Status(code, text) => stream.send_trailers(failed(code, text)).unwrap(),
        Reply::Rubbish => stream.send_data(Bytes::from_static(b"\0\0\0\0\x04junk"), true).unwrap(),
        Reply::Hang => std::future::pending::<()>().await,
        Reply::Break => {
            broken.notify_one();
            std::future::pending::<()>().await;
        }
        Reply::Cut => {}
    }
    // Keeps the request open while the answer is.
    drop(body);
}

fn framed(messages: &[Bytes]) -> Bytes {
    let mut frames = BytesMut::new();
    for message in messages {
        frames.put_u8(0);
        frames.put_u32(u32::try_from(message.len()).unwrap());
        frames.extend_from_slice(message);
    }
    frames.freeze()
}

/// The messages in the bytes of a request.
pub(crate) fn unframed(mut bytes: &[u8]) -> Vec<Bytes> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let Some((message, rest)) = rest.split_at_checked(length) else {
            break;
        };
        messages.push(Bytes::copy_from_slice(message));
        bytes = rest;
    }
    messages
}

fn messages_in(bytes: &[u8]) -> usize {
    unframed(bytes).len()
}
