//! Plugins that stand alone: started by somebody else, they give by HTTP the line that others print.

use std::{error::Error, io, time::Duration};

use reqwest::{Client, Url, redirect};

use super::{LoadError, os_error::words};

/// As long as a first line may be.
const MAX_ANSWER: usize = 64 << 10;

/// Asks for the handshake.
pub(super) async fn ask(url: &str, within: Duration) -> Result<Vec<u8>, LoadError> {
    let asked = tokio::time::timeout(within, get(url)).await;
    asked.unwrap_or(Err(LoadError::TimedOut))
}

async fn get(url: &str) -> Result<Vec<u8>, LoadError> {
    let failed = |error: reqwest::Error| LoadError::Get {
        url: url.to_owned(),
        reason: reason(&error),
    };
    let client = Client::builder()
        .http1_only()
        .redirect(redirect::Policy::none())
        .no_proxy();
    // No authorities: these addresses are plain HTTP.
    let client = client.tls_certs_only([]).build().map_err(failed)?;
    let mut response = client.get(url).send().await.map_err(failed)?;
    let mut answer = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(failed)? {
        answer.extend_from_slice(&piece);
        if answer.len() > MAX_ANSWER {
            return Err(LoadError::FirstLineTooLong);
        }
    }
    Ok(answer)
}

/// Why, as Go says it: `dial tcp host:port: connect: connection refused`.
fn reason(error: &reqwest::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    let innermost = causes.last();
    let io_error = innermost.and_then(|cause| cause.downcast_ref::<io::Error>());
    match (error.url().and_then(address), io_error) {
        (Some(address), Some(io_error)) if error.is_connect() => {
            format!("dial tcp {address}: connect: {}", words(io_error))
        }
        _ => innermost.map_or_else(|| error.to_string(), ToString::to_string),
    }
}

fn address(url: &Url) -> Option<String> {
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use crate::plugin::testing;

    use super::*;

    #[tokio::test]
    async fn the_handshake() {
        testing::install_crypto();
        let url = testing::http("{}".to_owned()).await;
        assert_eq!(ask(&url, Duration::from_secs(5)).await.unwrap(), b"{}");
    }

    #[tokio::test]
    async fn nobody_is_there() {
        testing::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = ask(&format!("http://{address}"), Duration::from_secs(5))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("Get \"http://{address}\": dial tcp {address}: connect: connection refused")
        );
    }

    #[tokio::test]
    async fn nobody_answers() {
        testing::install_crypto();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let error = ask(&url, Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(error.to_string(), "timed out waiting for plugin to load");
    }
}
