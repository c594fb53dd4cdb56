//! A running Gyre, asked over HTTP.

use anyhow::Context as _;
use clap::Args;
use gyre::influx::result::{Decoder, Response, Series, StatementResult};
use reqwest::{Method, StatusCode, Url};
use serde_json::Value;

/// The longest chunk of an answer that is read, in bytes; one has at most [`CHUNK_ROWS`] rows.
const MAX_DOCUMENT: usize = 1 << 30;

/// Rows a chunk of an answer.
const CHUNK_ROWS: &str = "5000";

/// Where the running Gyre is.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// The address of the running Gyre.
    #[arg(long, env = "GYRE_URL", default_value = "http://127.0.0.1:7076", global = true)]
    url: String,
    /// The user, if one is wanted.
    #[arg(long, env = "GYRE_USERNAME", default_value = "", global = true)]
    username: String,
    /// The password; better given as `GYRE_PASSWORD`.
    #[arg(
        long,
        env = "GYRE_PASSWORD",
        default_value = "",
        global = true,
        hide_env_values = true
    )]
    password: String,
}

impl Remote {
    /// Asks and reads the JSON answer; an error answer becomes an error with its text.
    pub(crate) fn ask(&self, method: Method, path: &str) -> anyhow::Result<Value> {
        wait_for(async {
            let response = self.open(method, path).await?;
            Ok(serde_json::from_slice(&response.bytes().await?).unwrap_or_default())
        })
    }

    /// Changes part of what is at `path`; an error answer becomes an error with its text.
    pub(crate) fn patch(&self, path: &str, change: &Value) -> anyhow::Result<()> {
        wait_for(async {
            let body = change.to_string().into_bytes();
            let answer = self.session()?.request(Method::PATCH, path, body).await?;
            if answer.status().is_success() {
                return Ok(());
            }
            Err(refusal(answer).await)
        })
    }

    /// Asks and answers as soon as the answer begins; an error answer becomes an error with its text.
    pub(crate) async fn open(&self, method: Method, path: &str) -> anyhow::Result<reqwest::Response> {
        let response = self.session()?.request(method, path, Vec::new()).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(response).await)
    }

    /// Prepares for many requests.
    pub(crate) fn session(&self) -> anyhow::Result<Session<'_>> {
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Session { remote: self, client })
    }

    fn url(&self, path: &str, parameters: &[(&str, &str)]) -> anyhow::Result<Url> {
        let text = format!("{}{path}", self.url.trim_end_matches('/'));
        let mut url: Url = text.parse().with_context(|| format!("not a URL: {text}"))?;
        if !parameters.is_empty() {
            url.query_pairs_mut().extend_pairs(parameters);
        }
        Ok(url)
    }
}

/// What an error answer says: its `error`, `message` or `detail`, itself when it is a text, or else its status.
pub(crate) async fn refusal(answer: reqwest::Response) -> anyhow::Error {
    let (url, status) = (answer.url().clone(), answer.status());
    let body = answer.bytes().await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let places = [&body["error"], &body["message"], &body["detail"], &body];
    let text = places.into_iter().find_map(Value::as_str);
    anyhow::anyhow!("{url}: {}", text.map_or_else(|| status.to_string(), str::to_owned))
}

/// Runs a command's asynchronous part.
pub(crate) fn wait_for<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work)
}

/// Connections to a running Gyre.
#[derive(Debug)]
pub(crate) struct Session<'a> {
    remote: &'a Remote,
    client: reqwest::Client,
}

impl Session<'_> {
    /// Asks; whatever the answer is.
    pub(crate) async fn request(&self, method: Method, path: &str, body: Vec<u8>) -> anyhow::Result<reqwest::Response> {
        self.send(method, self.remote.url(path, &[])?, body).await
    }

    /// Asks with a body of that media type; whatever the answer is.
    pub(crate) async fn request_as(
        &self,
        method: Method,
        path: &str,
        (media_type, body): (&str, Vec<u8>),
    ) -> anyhow::Result<reqwest::Response> {
        let request = self.prepare(method, self.remote.url(path, &[])?);
        Ok(request.header("Content-Type", media_type).body(body).send().await?)
    }

    /// Runs one InfluxQL statement; all series of its answer.
    pub(crate) async fn query(&self, influxql: &str) -> anyhow::Result<Vec<Series>> {
        let mut all = Vec::new();
        self.query_each(influxql, |series| {
            all.push(series);
            Ok(())
        })
        .await?;
        Ok(all)
    }

    /// Runs one InfluxQL statement and hands over the pieces of its answer as they come; times are nanoseconds.
    pub(crate) async fn query_each(
        &self,
        influxql: &str,
        mut each: impl FnMut(Series) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let asked = [("epoch", "ns"), ("chunked", "true"), ("chunk_size", CHUNK_ROWS)];
        let url = self.remote.url("/query", &asked)?;
        // the statement goes in the body: it names every field and may be longer than a URL
        let form = Url::parse_with_params("q:", [("q", influxql)])?;
        let body = form.query().unwrap_or_default().as_bytes().to_vec();
        let mut response = self.send(Method::POST, url, body).await?;
        let status = response.status();
        let mut decoder = Decoder::new(MAX_DOCUMENT);
        let mut more_follows = false;
        while let Some(bytes) = response.chunk().await? {
            let documents = decoder.push(&bytes).with_context(|| format!("{influxql}: {status}"))?;
            if let Some(last) = documents.last().and_then(|document| document.results.last()) {
                more_follows = last.partial;
            }
            for series in documents.into_iter().map(series_of) {
                series
                    .with_context(|| influxql.to_owned())?
                    .into_iter()
                    .try_for_each(&mut each)?;
            }
        }
        decoder.finish()?;
        anyhow::ensure!(!more_follows, "{influxql}: the answer was cut short");
        anyhow::ensure!(status.is_success(), "{influxql}: {status}");
        Ok(())
    }

    /// Writes lines with nanosecond timestamps; status and text of the answer.
    pub(crate) async fn write(&self, db: &str, rp: &str, lines: Vec<u8>) -> anyhow::Result<(StatusCode, String)> {
        let mut parameters = vec![("db", db), ("precision", "ns")];
        if !rp.is_empty() {
            parameters.push(("rp", rp));
        }
        let url = self.remote.url("/write", &parameters)?;
        let response = self.send(Method::POST, url, lines).await?;
        let status = response.status();
        let text = response.text().await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let error = answer.get("error").and_then(Value::as_str).map(str::to_owned);
        Ok((status, error.unwrap_or(text)))
    }

    fn prepare(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        let request = self.client.request(method, url);
        let Remote { username, password, .. } = self.remote;
        if username.is_empty() && password.is_empty() {
            return request;
        }
        request.basic_auth(username, Some(password))
    }

    async fn send(&self, method: Method, url: Url, body: Vec<u8>) -> anyhow::Result<reqwest::Response> {
        let mut request = self.prepare(method.clone(), url.clone());
        if method == Method::PATCH {
            request = request.header("Content-Type", "application/json");
        }
        if url.path().ends_with("/query") {
            request = request.header("Content-Type", "application/x-www-form-urlencoded");
        }
        Ok(request.body(body).send().await?)
    }
}

/// The series of one document, or the error that it tells.
fn series_of(document: Response) -> anyhow::Result<Vec<Series>> {
    let mut series = Vec::new();
    let failed = document.results.iter().find_map(|result| result.error.clone());
    if let Some(error) = document.error.or(failed) {
        anyhow::bail!(error);
    }
    for StatementResult { series: some, .. } in document.results {
        series.extend(some);
    }
    Ok(series)
}
