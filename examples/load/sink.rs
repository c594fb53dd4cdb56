//! `load sink`: takes everything, keeps nothing, so that only what is in front of it costs.

use std::{
    io::{self, BufReader, ErrorKind, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    thread,
};

use super::{args::Args, client::read_message};

const SERIES: &str = r#"{"name":"cpu","columns":["time","mean"],"values":[["2026-01-01T00:00:00Z",1.5]]}"#;

/// What all addresses share.
#[derive(Debug)]
struct Sink {
    databases: String,
    writes: AtomicUsize,
    bytes: AtomicUsize,
}

/// A request that arrived whole.
#[derive(Debug)]
struct Request {
    target: String,
    body: Vec<u8>,
}

/// Serves until the process is killed; fails when an address cannot be bound.
pub(crate) fn run(args: &Args) -> Result<(), String> {
    let names = args.text("databases", "bench").split(',');
    let rows: Vec<String> = names.map(|name| format!("[\"{name}\"]")).collect();
    let databases = format!(
        r#"{{"name":"databases","columns":["name"],"values":[{}]}}"#,
        rows.join(",")
    );
    let sink = Arc::new(Sink {
        databases,
        writes: AtomicUsize::new(0),
        bytes: AtomicUsize::new(0),
    });
    args.server()?;
    let mut threads = Vec::new();
    for address in args.words() {
        let listener = TcpListener::bind(address).map_err(|error| format!("{address}: {error}"))?;
        let sink = Arc::clone(&sink);
        threads.push(thread::spawn(move || accept(&listener, &sink)));
    }
    threads
        .into_iter()
        .try_for_each(|thread| thread.join().map_err(|_| "a listener's thread panicked".to_owned()))
}

fn accept(listener: &TcpListener, sink: &Arc<Sink>) {
    for stream in listener.incoming().flatten() {
        let sink = Arc::clone(sink);
        thread::spawn(move || match serve(stream, &sink) {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => eprintln!("sink: {error}"),
            _ => (),
        });
    }
}

fn serve(stream: TcpStream, sink: &Sink) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(1 << 16, stream);
    loop {
        let request = Request::read(&mut stream)?;
        let answer = sink.answer(&request);
        stream.get_mut().write_all(answer.as_bytes())?;
    }
}

impl Request {
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Self> {
        let (first, body) = read_message(stream)?;
        Ok(Self {
            target: first.split(' ').nth(1).unwrap_or_default().to_owned(),
            body,
        })
    }
}

impl Sink {
    fn answer(&self, request: &Request) -> String {
        let path = request.target.split('?').next().unwrap_or_default();
        match path {
            "/write" => {
                self.writes.fetch_add(1, Relaxed);
                self.bytes.fetch_add(request.body.len(), Relaxed);
                empty()
            }
            "/query" if shows_databases(request) => json(&result(&self.databases)),
            "/query" => json(&result(SERIES)),
            "/stat" => json(&format!(
                r#"{{"writes":{},"bytes":{}}}"#,
                self.writes.load(Relaxed),
                self.bytes.load(Relaxed)
            )),
            _ => empty(),
        }
    }
}

fn shows_databases(request: &Request) -> bool {
    let text = format!("{} {}", request.target, String::from_utf8_lossy(&request.body)).to_ascii_lowercase();
    ["show+databases", "show%20databases"]
        .iter()
        .any(|statement| text.contains(statement))
}

fn result(series: &str) -> String {
    format!(r#"{{"results":[{{"statement_id":0,"series":[{series}]}}]}}"#)
}

fn empty() -> String {
    "HTTP/1.1 204 No Content\r\nX-Influxdb-Version: 1.8.10\r\n\r\n".to_owned()
}

fn json(body: &str) -> String {
    let length = body.len() + 1;
    format!(
        "HTTP/1.1 200 OK\r\nX-Influxdb-Version: 1.8.10\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}\n"
    )
}
