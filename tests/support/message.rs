//! The grammar of HTTP/1.1 messages, as far as both sides of the tests need it.

use std::io::{self, BufRead};

/// Everything before the body.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// Request line or status line.
    pub(crate) first_line: String,
    /// Names in lower case, in the order they came.
    pub(crate) headers: Vec<(String, String)>,
}

impl Head {
    /// Reads up to the empty line; `UnexpectedEof` when the other side has closed the connection.
    pub(crate) fn read(from: &mut impl BufRead) -> io::Result<Self> {
        let first_line = read_line(from)?;
        let mut headers = Vec::new();
        loop {
            let line = read_line(from)?;
            if line.is_empty() {
                return Ok(Self { first_line, headers });
            }
            let (name, value) = line.split_once(':').ok_or_else(|| malformed(&line))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// The word of the first line that says what it is about: the target of a request, the status of an answer.
    pub(crate) fn subject(&self) -> &str {
        self.first_line.split(' ').nth(1).unwrap_or_default()
    }

    /// The first header of that name, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Reads the body that the headers announce; `None` when they announce none.
    pub(crate) fn read_body(&self, from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        if self
            .header("transfer-encoding")
            .is_some_and(|coding| coding.contains("chunked"))
        {
            while let Some(chunk) = read_chunk(from)? {
                body.extend_from_slice(&chunk);
            }
        } else if let Some(length) = self.header("content-length") {
            body.resize(length.parse().map_err(|_| malformed(length))?, 0);
            from.read_exact(&mut body)?;
        } else {
            return Ok(None);
        }
        Ok(Some(body))
    }
}

/// Reads the next chunk of a chunked body; `None` at its end.
pub(crate) fn read_chunk(from: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let line = read_line(from)?;
    let digits = line.split(';').next().unwrap_or_default().trim();
    let size = usize::from_str_radix(digits, 16).map_err(|_| malformed(&line))?;
    let mut chunk = vec![0; size];
    from.read_exact(&mut chunk)?;
    read_line(from)?;
    Ok((size > 0).then_some(chunk))
}

/// What was read is not HTTP.
pub(crate) fn malformed(line: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not HTTP: {line:?}"))
}

fn read_line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the other side closed the connection",
        ));
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}
