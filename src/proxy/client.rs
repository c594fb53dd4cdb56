//! HTTP to the backends.
//!
//! A [`Client`] keeps its connections on the runtime that made it: one for the couriers on the system thread, one for
//! each HTTP worker.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Certificate, Method, RequestBuilder, Response, Url, header, redirect};

use crate::{
    base::ErrorKind,
    config::{BackendUrl, HttpUrl, Trust},
};

use super::fleet::Backend;

/// Connections to backends.
#[derive(Debug, Clone)]
pub struct Client {
    verified: reqwest::Client,
    /// For backends with a certificate authority of their own or without verification, by that setting.
    special: Vec<(Trust, reqwest::Client)>,
    timeout: Duration,
}

/// How connections behave.
#[derive(Debug, Clone, Copy)]
pub struct ClientOptions {
    /// Time for one write, ping or schema statement; queries have none of their own.
    pub timeout: Duration,
    /// Time to open a connection.
    pub connect_timeout: Duration,
    /// Idle connections kept per backend.
    pub connections: usize,
}

/// No answer from a backend.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Nothing was sent: another replica may safely be asked.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The request was sent and the connection died; the backend may have died of it.
    #[error("connection lost: {0}")]
    Lost(String),
    /// No answer within the time.
    #[error("no answer in time: {0}")]
    Timeout(String),
    /// The client could not be set up.
    #[error("{0}")]
    Setup(String),
}

impl SendError {
    /// The class of this error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Connect(_) | Self::Lost(_) => ErrorKind::Unavailable,
            Self::Timeout(_) => ErrorKind::Timeout,
            Self::Setup(_) => ErrorKind::Internal,
        }
    }
}

impl From<reqwest::Error> for SendError {
    fn from(error: reqwest::Error) -> Self {
        let text = root_cause(&error);
        if error.is_connect() {
            Self::Connect(text)
        } else if error.is_timeout() {
            Self::Timeout(text)
        } else if error.is_builder() {
            Self::Setup(text)
        } else {
            Self::Lost(text)
        }
    }
}

/// The innermost reason: the outer ones repeat the URL, which may carry credentials.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// Prepares connections for these backends on the current runtime.
    ///
    /// # Errors
    /// When a certificate authority cannot be read.
    pub fn new<'a>(backends: impl IntoIterator<Item = &'a Backend>, options: ClientOptions) -> Result<Self, SendError> {
        let mut special: Vec<(Trust, reqwest::Client)> = Vec::new();
        let mut needs_system = false;
        for backend in backends {
            needs_system |= backend.config.url.fixed().is_some_and(HttpUrl::is_https);
            let trust = &backend.config.trust;
            if *trust != Trust::System && !special.iter().any(|(known, _)| known == trust) {
                special.push((trust.clone(), build(trust, true, options)?));
            }
        }
        let verified = build(&Trust::System, needs_system, options)?;
        Ok(Self {
            verified,
            special,
            timeout: options.timeout,
        })
    }

    /// Asks whether the backend is there. InfluxDB answers 204; 401 shows a live server too.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn ping(&self, backend: &Backend, timeout: Duration) -> Result<u16, SendError> {
        if backend.local.is_some() {
            return Ok(204);
        }
        let response = self
            .request(backend, Method::GET, "/ping", &[])?
            .timeout(timeout)
            .send()
            .await?;
        Ok(response.status().as_u16())
    }

    /// Sends points in line protocol with nanosecond timestamps. `rp` is always named, as influx-proxy does.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn write(
        &self,
        backend: &Backend,
        target: (&str, &str),
        body: Bytes,
        gzip: bool,
    ) -> Result<Answer, SendError> {
        let query = [("db", target.0), ("rp", target.1)];
        let mut request = self
            .request(backend, Method::POST, "/write", &query)?
            .timeout(self.timeout)
            .body(body);
        if gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        complete(request.send().await?).await
    }

    /// Sends a statement and reads the whole answer as JSON.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn statement(&self, backend: &Backend, db: &str, text: &str) -> Result<Answer, SendError> {
        if let Some(local) = &backend.local {
            let body = local.answer(db, text).into();
            return Ok(Answer { status: 200, body });
        }
        let request = self
            .request(backend, Method::POST, "/query", &[("db", db)])?
            .timeout(self.timeout);
        complete(with_form(request, &[("q", text)]).send().await?).await
    }

    /// Sends a query; the answer is left to be streamed. `form` goes into the URL, where influxd looks for `pretty`, but
    /// for what may be long; `accept` chooses the format.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn query(&self, backend: &Backend, form: &[(&str, &str)], accept: &str) -> Result<Response, SendError> {
        let (body, url): (Vec<_>, Vec<_>) = form.iter().partition(|(name, _)| matches!(*name, "q" | "params"));
        let request = self.request(backend, Method::POST, "/query", &url)?;
        Ok(with_form(request, &body).header(header::ACCEPT, accept).send().await?)
    }

    /// Sends a Flux query; the answer is left to be streamed.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn flux(
        &self,
        backend: &Backend,
        content_type: &str,
        accept: &str,
        body: Bytes,
    ) -> Result<Response, SendError> {
        let request = self.request(backend, Method::POST, "/api/v2/query", &[])?;
        let request = request
            .header(header::CONTENT_TYPE, content_type)
            .header(header::ACCEPT, accept);
        Ok(request.body(body).send().await?)
    }

    fn request(
        &self,
        backend: &Backend,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<RequestBuilder, SendError> {
        let address = backend.address.load();
        let server = address.as_deref().ok_or_else(|| no_address(&backend.config.url))?;
        let mut url =
            Url::parse(&format!("{}{path}", server.base())).map_err(|error| SendError::Setup(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let special = self.special.iter().find(|(trust, _)| *trust == backend.config.trust);
        let request = special
            .map_or(&self.verified, |(_, client)| client)
            .request(method, url);
        Ok(match &backend.config.credentials {
            Some(credentials) => request.basic_auth(&credentials.username, Some(credentials.password.expose())),
            None => request,
        })
    }
}

/// Why a backend has no address.
fn no_address(url: &BackendUrl) -> SendError {
    match url {
        BackendUrl::Embedded => SendError::Setup("an embedded backend does not speak HTTP".to_owned()),
        BackendUrl::Http(_) | BackendUrl::Node(_) => {
            SendError::Connect(format!("no live node is registered as {}", url.as_configured()))
        }
    }
}

fn with_form(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let mut url = Url::parse("http://form").ok();
    let body = url.as_mut().map(|url| {
        url.query_pairs_mut().extend_pairs(form);
        url.query().unwrap_or_default().to_owned()
    });
    request
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.unwrap_or_default())
}

async fn complete(response: Response) -> Result<Answer, SendError> {
    let status = response.status().as_u16();
    Ok(Answer {
        status,
        body: response.bytes().await?,
    })
}

fn build(trust: &Trust, needs_system: bool, options: ClientOptions) -> Result<reqwest::Client, SendError> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(options.connect_timeout)
        .pool_max_idle_per_host(options.connections)
        // Below InfluxDB's and common proxies' keep-alive, so that an idle connection is ours to close.
        .pool_idle_timeout(Duration::from_secs(30))
        .tcp_nodelay(true)
        .http1_only()
        .redirect(redirect::Policy::none())
        .no_proxy();
    match trust {
        // Reading the system's authorities costs megabytes per client.
        Trust::System if !needs_system => builder = builder.tls_certs_only([]),
        Trust::System => {}
        Trust::Anyone => builder = builder.danger_accept_invalid_certs(true),
        Trust::Authorities(path) => {
            let problem = |error: &dyn std::fmt::Display| SendError::Setup(format!("{}: {error}", path.display()));
            let pem = std::fs::read(path).map_err(|error| problem(&error))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| problem(&error))?;
            if certificates.is_empty() {
                return Err(problem(&"no certificate in it"));
            }
            builder = builder.tls_certs_only(certificates);
        }
    }
    builder.build().map_err(|error| SendError::Setup(root_cause(&error)))
}
