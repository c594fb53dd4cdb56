//! One keep-alive connection.

use std::{
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
};

/// Status and body of an answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// A connection that is opened when first used, and again after an error.
#[derive(Debug)]
pub(crate) struct Client {
    server: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    /// A client of `HOST:PORT`.
    pub(crate) fn new(server: &str) -> Self {
        Self {
            server: server.to_owned(),
            stream: None,
        }
    }

    /// Posts a body and reads the whole answer.
    pub(crate) fn post(&mut self, target: &str, body: &[u8]) -> io::Result<Answer> {
        self.send("POST", target, body)
    }

    /// Sends one request of that method and reads the whole answer.
    pub(crate) fn send(&mut self, method: &str, target: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.connect()?,
        };
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n",
            self.server
        );
        let mut message = head.into_bytes();
        message.extend_from_slice(body);
        stream.get_mut().write_all(&message)?;
        let answer = read_answer(&mut stream)?;
        self.stream = Some(stream);
        Ok(answer)
    }

    fn connect(&self) -> io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(&self.server)?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let (first, body) = read_message(stream)?;
    let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("not HTTP: {first:?}")))?;
    Ok(Answer { status, body })
}

/// First line and body of a request or an answer; `UnexpectedEof` when the other side has closed the connection.
pub(crate) fn read_message(stream: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let first = read_line(stream)?;
    let (mut length, mut chunked) = (0, false);
    loop {
        let line = read_line(stream)?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
    }
    let body = if chunked {
        read_chunks(stream)?
    } else {
        read_exactly(stream, length)?
    };
    Ok((first, body))
}

fn read_chunks(stream: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(read_line(stream)?.trim(), 16).map_err(io::Error::other)?;
        body.append(&mut read_exactly(stream, size)?);
        read_line(stream)?;
        if size == 0 {
            return Ok(body);
        }
    }
}

fn read_exactly(stream: &mut impl BufRead, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}
