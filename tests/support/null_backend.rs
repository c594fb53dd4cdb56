//! An InfluxDB that stores nothing: answers at once, or as scripted, and remembers what it was asked.
//!
//! `/ping` and `/write` answer 204, `SHOW DATABASES` the configured names, every other statement one fixed series,
//! `/api/v2/query` a fixed table.
//! Bodies must come uncompressed (`gzip = "never"`).

use std::{
    collections::VecDeque,
    io::{self, BufReader, Write},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;

use super::{message::Head, ports};

/// An answer that replaces the usual one, once.
#[derive(Debug, Clone)]
pub(crate) struct Scripted {
    /// Status code.
    pub(crate) status: u16,
    /// Body; JSON if it is not empty.
    pub(crate) body: String,
    /// Time before it is sent.
    pub(crate) delay: Duration,
}

/// A request that arrived whole.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    /// Path and query as sent.
    pub(crate) target: String,
    /// The body.
    pub(crate) body: String,
}

/// A running null backend; ends when dropped.
#[derive(Debug)]
pub(crate) struct NullBackend {
    addr: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    databases: Vec<String>,
    closed: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    write_script: VecDeque<Scripted>,
    query_script: VecDeque<Scripted>,
    writes: Vec<Received>,
    queries: Vec<Received>,
    abandoned: usize,
}

impl NullBackend {
    /// What Flux queries are answered.
    pub(crate) const FLUX_ANSWER: &str = ",result,table,_value\r\n,_result,0,1.5\r\n\r\n";

    /// A backend that has these databases.
    pub(crate) fn start(databases: &[&str]) -> Self {
        let listener = ports::listener();
        let addr = listener.local_addr().expect("a bound socket has an address");
        let databases = databases.iter().map(|&name| name.to_owned()).collect();
        let shared = Arc::new(Shared {
            databases,
            closed: AtomicBool::new(false),
            state: Mutex::default(),
        });
        let accepting = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if accepting.closed.load(Ordering::SeqCst) {
                    return;
                }
                let serving = Arc::clone(&accepting);
                // A client may close its connection whenever it likes.
                thread::spawn(move || serving.serve(stream).unwrap_or_default());
            }
        });
        Self { addr, shared }
    }

    /// The URL for a circle's configuration.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Answers the next writes, in order, before it goes back to 204.
    pub(crate) fn script_writes(&self, answers: impl IntoIterator<Item = Scripted>) {
        self.shared.lock().write_script.extend(answers);
    }

    /// Answers the next queries other than `SHOW DATABASES`, in order, before it goes back to the fixed series.
    pub(crate) fn script_queries(&self, answers: impl IntoIterator<Item = Scripted>) {
        self.shared.lock().query_script.extend(answers);
    }

    /// Every write so far, whatever it was answered.
    pub(crate) fn writes(&self) -> Vec<Received> {
        self.shared.lock().writes.clone()
    }

    /// Every query so far but `SHOW DATABASES`, whatever it was answered.
    pub(crate) fn queries(&self) -> Vec<Received> {
        self.shared.lock().queries.clone()
    }

    /// How many clients closed their connection before they got their answer.
    pub(crate) fn abandoned(&self) -> usize {
        self.shared.lock().abandoned
    }

    /// The lines of all writes so far, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.writes()
            .iter()
            .flat_map(|write| write.body.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

impl Drop for NullBackend {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(self.addr));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut reader = BufReader::new(stream);
        while let Some(request) = read_request(&mut reader)? {
            let answer = self.answer(request);
            if !answer.delay.is_zero() && is_abandoned(reader.get_ref(), answer.delay)? {
                self.lock().abandoned += 1;
                break;
            }
            if self.closed.load(Ordering::SeqCst) {
                break;
            }
            reader.get_mut().write_all(render(&answer).as_bytes())?;
        }
        Ok(())
    }

    fn answer(&self, request: Received) -> Scripted {
        let path = request.target.split('?').next().unwrap_or_default().to_owned();
        let mut state = self.lock();
        match path.as_str() {
            "/write" => {
                state.writes.push(request);
                state
                    .write_script
                    .pop_front()
                    .unwrap_or_else(|| at_once(204, String::new()))
            }
            "/query" if shows_databases(&request) => at_once(200, self.database_list()),
            "/query" => {
                state.queries.push(request);
                state
                    .query_script
                    .pop_front()
                    .unwrap_or_else(|| at_once(200, fixed_series()))
            }
            "/api/v2/query" => {
                state.queries.push(request);
                at_once(200, NullBackend::FLUX_ANSWER.to_owned())
            }
            "/ping" => at_once(204, String::new()),
            _ => at_once(404, json!({"error": "not found"}).to_string()),
        }
    }

    fn database_list(&self) -> String {
        let rows: Vec<[&str; 1]> = self.databases.iter().map(|name| [name.as_str()]).collect();
        series(&json!({"name": "databases", "columns": ["name"], "values": rows}))
    }
}

/// Waits, and says whether the client closed its connection meanwhile.
fn is_abandoned(stream: &TcpStream, delay: Duration) -> io::Result<bool> {
    stream.set_read_timeout(Some(delay))?;
    let closed = match stream.peek(&mut [0]) {
        Ok(size) => size == 0,
        Err(error) => !matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut),
    };
    stream.set_read_timeout(None)?;
    Ok(closed)
}

fn at_once(status: u16, body: String) -> Scripted {
    Scripted {
        status,
        body,
        delay: Duration::ZERO,
    }
}

fn fixed_series() -> String {
    series(&json!({"name": "cpu", "columns": ["time", "mean"], "values": [["2026-01-01T00:00:00Z", 1.5]]}))
}

fn series(series: &serde_json::Value) -> String {
    json!({"results": [{"statement_id": 0, "series": [series]}]}).to_string()
}

fn shows_databases(request: &Received) -> bool {
    let text = format!("{} {}", request.target, request.body).to_ascii_lowercase();
    ["show+databases", "show%20databases"]
        .iter()
        .any(|statement| text.contains(statement))
}

/// `None` when the client has closed the connection.
fn read_request(reader: &mut BufReader<TcpStream>) -> io::Result<Option<Received>> {
    let head = match Head::read(reader) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        head => head?,
    };
    let body = head.read_body(reader)?.unwrap_or_default();
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(Received {
        target: head.subject().to_owned(),
        body,
    }))
}

fn render(answer: &Scripted) -> String {
    let Scripted { status, body, .. } = answer;
    let head = format!("HTTP/1.1 {status} Scripted\r\nX-Influxdb-Version: 1.8.10\r\n");
    if *status == 204 {
        return format!("{head}\r\n");
    }
    format!(
        "{head}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
