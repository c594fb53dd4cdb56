//! A blocking HTTP/1.1 client that can do what a well-behaved one cannot: send half a body, raw bytes, read one chunk.

use std::{
    io::{self, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

use super::message::{self, Head, malformed};

/// Longer than any answer of a server under test may take, so that an abandoned request is a failed test.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Talks to one server; each call opens its own connection.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    addr: SocketAddr,
    headers: Vec<(String, String)>,
    timeout: Duration,
}

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    /// Status code.
    pub(crate) status: u16,
    /// Status line and headers.
    pub(crate) head: Head,
    /// The body with its transfer encoding taken off.
    pub(crate) body: Vec<u8>,
}

/// One connection, kept alive as long as both sides like.
#[derive(Debug)]
pub(crate) struct Connection {
    reader: BufReader<TcpStream>,
    head: String,
}

impl Client {
    /// A client of the server at `addr`.
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self {
            addr,
            headers: Vec::new(),
            timeout: TIMEOUT,
        }
    }

    /// The same client, sending one more header with every request.
    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same client with another limit for connecting and for each read and write.
    pub(crate) fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&self.addr, self.timeout)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(self.timeout))?;
        stream.set_write_timeout(Some(self.timeout))?;
        let mut head = format!("Host: {}\r\n", self.addr);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        Ok(Connection {
            reader: BufReader::new(stream),
            head,
        })
    }

    /// One request on a connection of its own.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        self.connect()?.send(method, target, headers, body)
    }

    /// GET.
    ///
    /// # Panics
    /// When there is no answer; the status is the caller's to judge.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.answered("GET", target, b"")
    }

    /// POST.
    ///
    /// # Panics
    /// When there is no answer; the status is the caller's to judge.
    #[track_caller]
    pub(crate) fn post(&self, target: &str, body: &[u8]) -> Response {
        self.answered("POST", target, body)
    }

    #[track_caller]
    fn answered(&self, method: &str, target: &str, body: &[u8]) -> Response {
        let answer = self.request(method, target, &[], body);
        answer.unwrap_or_else(|error| panic!("{method} http://{}{target}: {error}", self.addr))
    }

    /// Whether `/ping` answers 204 within a second.
    pub(crate) fn pings(&self) -> bool {
        self.ping() == Some(204)
    }

    /// Whether `/ping` answers within a second, be it that credentials are wanted.
    pub(crate) fn is_heard(&self) -> bool {
        self.ping().is_some()
    }

    fn ping(&self) -> Option<u16> {
        let impatient = self.clone().with_timeout(Duration::from_secs(1));
        let answer = impatient.request("GET", "/ping", &[], b"").ok()?;
        Some(answer.status)
    }

    /// Writes line protocol with nanosecond timestamps; status and body of the answer.
    #[track_caller]
    pub(crate) fn write(&self, db: &str, lines: &str) -> (u16, String) {
        let answer = self.post(&write_target(db), lines.as_bytes());
        (answer.status, answer.text())
    }

    /// Runs InfluxQL; timestamps in the answer are nanoseconds.
    ///
    /// # Panics
    /// When the answer is not JSON with status 200.
    #[track_caller]
    pub(crate) fn query(&self, db: &str, influxql: &str) -> Value {
        let answer = self.post(&query_target(db, influxql), b"");
        assert_eq!(answer.status, 200, "{influxql}: {}", answer.text());
        answer.json()
    }
}

impl Connection {
    /// Sends a request with `Content-Length` and reads the whole answer.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut message = format!(
            "{method} {target} HTTP/1.1\r\n{}Content-Length: {}\r\n",
            self.head,
            body.len()
        );
        for (name, value) in headers {
            message.push_str(&format!("{name}: {value}\r\n"));
        }
        message.push_str("\r\n");
        let mut bytes = message.into_bytes();
        bytes.extend_from_slice(body);
        self.send_raw(&bytes)?;
        let has_body = method != "HEAD";
        self.read_response(has_body)
    }

    /// Sends bytes as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Tells the server that nothing more will be sent.
    pub(crate) fn finish_sending(&self) -> io::Result<()> {
        self.reader.get_ref().shutdown(Shutdown::Write)
    }

    /// Reads a whole answer; `has_body` is false for the answer to HEAD.
    pub(crate) fn read_response(&mut self, has_body: bool) -> io::Result<Response> {
        let Response { status, head, .. } = self.read_head()?;
        let mut body = Vec::new();
        if has_body && status >= 200 && status != 204 && status != 304 {
            match head.read_body(&mut self.reader)? {
                Some(announced) => body = announced,
                None => drop(self.reader.read_to_end(&mut body)?),
            }
        }
        Ok(Response { status, head, body })
    }

    /// Reads status and headers only; the body stays to be read by [`Connection::read_chunk`].
    pub(crate) fn read_head(&mut self) -> io::Result<Response> {
        let head = Head::read(&mut self.reader)?;
        let status = head.subject().parse().map_err(|_| malformed(&head.first_line))?;
        Ok(Response {
            status,
            head,
            body: Vec::new(),
        })
    }

    /// Reads the next chunk of a chunked body; `None` at its end.
    pub(crate) fn read_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        message::read_chunk(&mut self.reader)
    }
}

impl Response {
    /// The first header of that name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.text()))
    }
}

/// Path and query of a write with nanosecond timestamps.
pub(crate) fn write_target(db: &str) -> String {
    format!("/write?db={}&precision=ns", encode(db))
}

/// Path and query of an InfluxQL statement answered with nanosecond timestamps.
pub(crate) fn query_target(db: &str, influxql: &str) -> String {
    format!("/query?db={}&epoch=ns&q={}", encode(db), encode(influxql))
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}
