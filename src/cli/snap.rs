//! Snap's routes of a running Gyre: envelopes in, bodies or error texts out.

use std::{fs, path::Path};

use anyhow::{Context as _, anyhow, bail};
use reqwest::Method;
use serde_json::Value;

use super::remote::{Session, refusal};

const JSON: &str = "application/json";
/// Of no use inside a file: the chance that one holds it is nil.
const BOUNDARY: &str = "gyre-4f1c5a0d9be74d61a2c3-part";

/// Snap's routes.
#[derive(Debug)]
pub(crate) struct Snap<'a>(pub(crate) Session<'a>);

impl Snap<'_> {
    /// The body of an answer's envelope; an error becomes an error with its text.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        body_of(self.0.request(method, path, Vec::new()).await?).await
    }

    /// The same, asked with a document.
    pub(crate) async fn send(&self, method: Method, path: &str, document: &Value) -> anyhow::Result<Value> {
        let body = (JSON, document.to_string().into_bytes());
        body_of(self.0.request_as(method, path, body).await?).await
    }

    /// The same, with files in parts, each under its name.
    pub(crate) async fn upload(&self, path: &str, files: &[(String, Vec<u8>)]) -> anyhow::Result<Value> {
        let mut body = Vec::new();
        for (name, content) in files {
            let name = name.replace(['"', '\r', '\n'], "_");
            let head = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"snap-plugins\"; filename=\"{name}\"\r\n\
                 Content-Type: application/octet-stream\r\n\r\n"
            );
            body.extend_from_slice(head.as_bytes());
            body.extend_from_slice(content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        body_of(self.0.request_as(Method::POST, path, (&media_type, body)).await?).await
    }

    /// Asks for a stream.
    pub(crate) async fn open(&self, path: &str) -> anyhow::Result<reqwest::Response> {
        let answer = self.0.request(Method::GET, path, Vec::new()).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(body_of(answer).await.err().unwrap_or_else(|| anyhow!("no stream")))
    }
}

async fn body_of(answer: reqwest::Response) -> anyhow::Result<Value> {
    let status = answer.status();
    if answer.headers().get("Deprecated").is_none() && !status.is_success() {
        return Err(refusal(answer).await);
    }
    let text = answer.bytes().await?;
    let mut envelope: Value =
        serde_json::from_slice(&text).with_context(|| format!("{status}: the answer is no envelope"))?;
    if envelope["meta"]["type"] == "error" {
        let message = envelope["meta"]["message"].as_str().unwrap_or_default();
        bail!("{}", alone(message.trim_end()));
    }
    Ok(envelope["body"].take())
}

/// The text of a list of errors that has one only, which is not counted then.
fn alone(message: &str) -> &str {
    let only = message
        .strip_prefix("error 0: ")
        .filter(|text| !text.contains("error 1: "));
    only.unwrap_or(message)
}

/// A file's name and content, as a part of an upload.
pub(crate) fn part(path: &Path) -> anyhow::Result<(String, Vec<u8>)> {
    let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok((name.to_string_lossy().into_owned(), content))
}

/// A value as people read it: texts without quotes.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_is_not_counted() {
        let check = |message: &str, expect: &str| assert_eq!(alone(message), expect);
        check("error 0: Task not found: ID(x)", "Task not found: ID(x)");
        check("error 0: a error 1: b", "error 0: a error 1: b");
        check("a", "a");
    }
}
