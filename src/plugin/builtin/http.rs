//! HTTP to what is scraped and to remote databases: bounded in time and in size, without redirects and proxies.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, RequestBuilder, Response, header, redirect};
use tokio::sync::OnceCell;

/// Time to open a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// What is read of an answer that is an error.
const MAX_ERROR: usize = 4 << 10;

/// Connections, made when they are first needed.
#[derive(Debug, Default)]
pub(super) struct Http {
    plain: OnceCell<Client>,
    verified: OnceCell<Client>,
}

/// A whole answer of status 200 to 299.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// No answer, or none that can be used. The text names no URL: it may carry credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    #[error("{0}")]
    NoAnswer(String),
    #[error("no answer within {0:?}")]
    TooSlow(Duration),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("status {status}: {text}")]
    Status { status: u16, text: String },
}

impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        // The innermost reason: the outer ones repeat the URL.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::NoAnswer(cause.to_string())
    }
}

impl Http {
    /// Reads a document of at most so many bytes.
    pub(super) async fn get(
        &self,
        url: &str,
        accept: &str,
        limit: usize,
        timeout: Duration,
    ) -> Result<Document, HttpError> {
        let read = async {
            let request = self.client(url).await?.get(url).header(header::ACCEPT, accept);
            document(request, limit).await
        };
        tokio::time::timeout(timeout, read)
            .await
            .unwrap_or(Err(HttpError::TooSlow(timeout)))
    }

    /// Sends a body, with a user's name and password unless the name is empty.
    pub(super) async fn post(
        &self,
        url: &str,
        user: (&str, &str),
        body: Bytes,
        timeout: Duration,
    ) -> Result<(), HttpError> {
        let send = async {
            let mut request = self.client(url).await?.post(url).body(body);
            if !user.0.is_empty() {
                request = request.basic_auth(user.0, Some(user.1));
            }
            document(request, MAX_ERROR).await.map(drop)
        };
        tokio::time::timeout(timeout, send)
            .await
            .unwrap_or(Err(HttpError::TooSlow(timeout)))
    }

    async fn client(&self, url: &str) -> Result<&Client, HttpError> {
        let is_https = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
        let cell = if is_https { &self.verified } else { &self.plain };
        // Reading the system's authorities blocks.
        let make = async || match tokio::task::spawn_blocking(move || build(is_https)).await {
            Ok(built) => Ok(built?),
            Err(died) => Err(HttpError::NoAnswer(died.to_string())),
        };
        cell.get_or_try_init(make).await
    }
}

fn build(is_https: bool) -> Result<Client, reqwest::Error> {
    let builder = Client::builder()
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .no_proxy();
    if is_https { builder } else { builder.tls_certs_only([]) }.build()
}

async fn document(request: RequestBuilder, limit: usize) -> Result<Document, HttpError> {
    let response = request.send().await?;
    let status = response.status();
    if !status.is_success() {
        let text = match body(response, MAX_ERROR).await {
            Ok(body) => String::from_utf8_lossy(&body).trim().to_owned(),
            Err(error) => error.to_string(),
        };
        let status = status.as_u16();
        return Err(HttpError::Status { status, text });
    }
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let content_type = content_type
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let body = body(response, limit).await?;
    Ok(Document { content_type, body })
}

async fn body(mut response: Response, limit: usize) -> Result<Bytes, HttpError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > limit {
            return Err(HttpError::TooLong(limit));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}
