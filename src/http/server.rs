//! Listeners, workers, TLS, and the table of routes.

use std::{
    io,
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
#[cfg(target_os = "linux")]
use socket2::SockRef;

use crate::{
    config::{Http, ServerTls, Workers},
    proxy::client::{Client, SendError},
};

use super::{Services, access, admin, clusters, gyre, health, influx, nodes, scale, snap, sse::Close};

/// Times of `query.stall_timeout` after which a client that reads nothing is cut off. The query ends first, though the
/// system's buffers fill before its answer stalls, and its last words are there for a client that reads on in between.
const CUT_OFF_FACTOR: u32 = 4;

/// The front door could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// As configured.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key cannot be used.
    #[error("{path}: {reason}")]
    Tls {
        /// Which file.
        path: String,
        /// Why.
        reason: String,
    },
    /// The clients to the backends could not be set up.
    #[error("cannot set up clients to the backends: {0}")]
    Client(#[from] SendError),
}

/// A front door that is open.
#[derive(Debug)]
pub struct Server {
    /// The addresses it listens on.
    pub addresses: Vec<SocketAddr>,
    handle: ServerHandle,
    close: Close,
    running: tokio::task::JoinHandle<io::Result<()>>,
}

impl Server {
    /// Opens the front door on the current runtime.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn start(services: Arc<Services>) -> Result<Self, ServerError> {
        let config = services.config.http.clone();
        // Built once here so that a wrong certificate authority is an error at start, not in a worker.
        let _usable = Client::new(services.fleet.backends.iter().map(AsRef::as_ref), services.client)?;
        let workers = worker_count(&config);
        let per_worker = config.max_connections.get().div_ceil(workers);
        let cut_off_after = services.config.query.stall_timeout.saturating_mul(CUT_OFF_FACTOR);
        let services = web::Data::from(services);
        let (close, closing) = Close::new();
        let make = move || {
            let client = Client::new(services.fleet.backends.iter().map(AsRef::as_ref), services.client);
            let client = client.expect("the same settings worked a moment ago");
            App::new()
                .app_data(services.clone())
                .app_data(web::Data::new(client))
                .app_data(web::Data::new(closing.clone()))
                .wrap(from_fn(access::around))
                .configure(|routes| influx::routes(routes, &services))
                .configure(admin::routes)
                .configure(gyre::routes)
                .configure(health::routes)
                .configure(nodes::routes)
                .configure(scale::routes)
                .configure(clusters::routes)
                .configure(snap::routes)
                .default_service(web::to(snap::dispatch))
        };
        let mut server = HttpServer::new(make)
            .workers(workers)
            .max_connections(per_worker)
            .tcp_nodelay(true)
            .keep_alive(config.keep_alive)
            .client_request_timeout(config.request_timeout)
            .shutdown_timeout(config.shutdown_timeout.as_secs().max(1))
            // As influxd does: a client that closed its end is gone, and its query with it.
            .h1_allow_half_closed(false)
            .disable_signals();
        let tls = config.tls.as_ref().map(tls_config).transpose()?;
        for address in &config.listen {
            let failed = |source| ServerError::Bind {
                address: address.to_string(),
                source,
            };
            let listener = bind(&address.candidates()).map_err(failed)?;
            cut_off_stalled(&listener, cut_off_after).map_err(failed)?;
            server = match &tls {
                Some(tls) => server.listen_rustls_0_23(listener, tls.clone()),
                None => server.listen(listener),
            }
            .map_err(failed)?;
        }
        let addresses = server.addrs();
        let running = server.run();
        let handle = running.handle();
        Ok(Self {
            addresses,
            handle,
            close,
            running: tokio::task::spawn_local(running),
        })
    }

    /// Accepts nothing new, ends streams, lets running requests finish within the configured time, and ends.
    pub async fn stop(self) {
        self.close.now();
        self.handle.stop(true).await;
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "http server ended badly"),
            Err(error) => tracing::error!(%error, "http server died"),
        }
    }
}

fn worker_count(config: &Http) -> usize {
    match config.workers {
        Workers::PerCore => std::thread::available_parallelism().map_or(1, Into::into),
        Workers::Exactly(n) => n.get(),
    }
}

/// Listens on the first candidate that can be had.
fn bind(candidates: &[(String, u16)]) -> io::Result<TcpListener> {
    let mut last = io::Error::new(io::ErrorKind::AddrNotAvailable, "no such address");
    for candidate in candidates {
        let addresses = match (candidate.0.as_str(), candidate.1).to_socket_addrs() {
            Ok(addresses) => addresses,
            Err(error) => {
                last = error;
                continue;
            }
        };
        for address in addresses {
            match TcpListener::bind(address) {
                Ok(listener) => return Ok(listener),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

/// Makes the system end connections whose client reads nothing for that long, so that what their answers hold is free
/// again. Accepted connections inherit it from the listener.
#[cfg(target_os = "linux")]
fn cut_off_stalled(listener: &TcpListener, after: Duration) -> io::Result<()> {
    SockRef::from(listener).set_tcp_user_timeout(Some(after))
}

/// Only Linux knows such a limit; elsewhere a connection ends with its client.
#[cfg(not(target_os = "linux"))]
fn cut_off_stalled(_: &TcpListener, _: Duration) -> io::Result<()> {
    Ok(())
}

fn tls_config(tls: &ServerTls) -> Result<rustls::ServerConfig, ServerError> {
    let failed = |path: &std::path::Path, reason: &dyn std::fmt::Display| ServerError::Tls {
        path: path.display().to_string(),
        reason: reason.to_string(),
    };
    let certificates = CertificateDer::pem_file_iter(&tls.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| failed(&tls.cert, &error))?;
    let key = PrivateKeyDer::from_pem_file(&tls.key).map_err(|error| failed(&tls.key, &error))?;
    rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| failed(&tls.cert, &error))
}
