//! A running Gyre, asked over HTTP.

use clap::Args;
use serde_json::Value;

/// Where the running Gyre is.
#[derive(Debug, Args)]
pub(crate) struct Remote {
    /// Its address.
    #[arg(long, env = "GYRE_URL", default_value = "http://127.0.0.1:7076", global = true)]
    url: String,
    /// The user, if it wants one.
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
    pub(crate) fn ask(&self, method: reqwest::Method, path: &str) -> anyhow::Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let url = format!("{}{path}", self.url.trim_end_matches('/'));
            let mut request = reqwest::Client::builder().no_proxy().build()?.request(method, &url);
            if !self.username.is_empty() {
                request = request.basic_auth(&self.username, Some(&self.password));
            }
            let response = request.send().await?;
            let status = response.status();
            let body: Value = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
            if let Some(error) = body.get("error").and_then(Value::as_str) {
                anyhow::bail!("{url}: {error}");
            }
            anyhow::ensure!(status.is_success(), "{url}: {status}");
            Ok(body)
        })
    }
}
