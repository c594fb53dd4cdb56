//! The node registry of this process, and this process in it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use crate::{
    actors::{NodesHandle, NodesParts, OwnNode},
    base::Clock,
    cluster::{Registration, Rules},
    config::{Config, ListenAddr},
    meta::MetaStore,
    obs::Metrics,
};

use super::gauges;

/// How long the start waits for the store, so that the first requests find the nodes.
const FIRST_LOAD: Duration = Duration::from_secs(1);

/// A documentation address (RFC 5737): asked for the way to it, the system names the address that others see.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 9);

/// The registry and, unless the configuration is against it, this process's registration.
#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) handle: NodesHandle,
    own: Option<OwnNode>,
}

impl Nodes {
    /// Starts the registry on the current arbiter, and registers this process.
    pub(super) async fn start(
        config: &Config,
        store: &Arc<dyn MetaStore>,
        clock: &Arc<dyn Clock>,
        metrics: &mut Metrics,
    ) -> Self {
        let parts = NodesParts {
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            rules: Rules {
                ttl: config.nodes.ttl,
                retention: config.nodes.retention,
                revive_window: config.nodes.revive_window,
                brake_hold: config.nodes.brake_hold,
            },
        };
        let handle = NodesHandle::start(parts, metrics.restarts("node registry"));
        gauges::register_nodes(metrics, &handle);
        if !handle.loaded(FIRST_LOAD).await {
            tracing::warn!("store does not answer: the nodes are not known yet");
        }
        let own = match config.nodes.self_register {
            true => Some(OwnNode::start(handle.clone(), own_registration(config)).await),
            false => None,
        };
        Self { handle, own }
    }

    /// Takes this process off the list, then ends the registry.
    pub(super) async fn stop(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
        if let Err(error) = self.handle.stop().await {
            tracing::warn!(%error, "node registry did not stop in order");
        }
    }
}

/// What this process says of itself. It is registered before its front door opens, so that nobody misses it there;
/// with a listening port of 0 only `nodes.advertise` can tell the port.
fn own_registration(config: &Config) -> Registration {
    let listened = config.http.listen.first();
    let ip = own_address(config);
    let port = listened.and_then(|address| Some(address.candidates().first()?.1));
    let found_out = SocketAddr::new(ip, port.unwrap_or_default());
    let advertised = config.nodes.advertise.as_ref().map(ToString::to_string);
    let bind = advertised.unwrap_or_else(|| found_out.to_string());
    Registration {
        hostname: own_hostname(config),
        ip: format!("{ip},"),
        bind,
        previous: None,
    }
}

/// This machine's name, or the address by which others know it.
pub(super) fn own_hostname(config: &Config) -> String {
    hostname().unwrap_or_else(|| own_address(config).to_string())
}

/// The address by which others reach this process.
fn own_address(config: &Config) -> IpAddr {
    let listened = config.http.listen.first();
    listened.and_then(named_address).unwrap_or_else(outward_address)
}

/// The address that the configuration listens on, if it names one.
fn named_address(listen: &ListenAddr) -> Option<IpAddr> {
    let (host, _) = listen.candidates().into_iter().next()?;
    let address: IpAddr = host.parse().ok()?;
    (!address.is_unspecified()).then_some(address)
}

/// The first address that is not loopback, or loopback when there is no other. Nothing is sent.
fn outward_address() -> IpAddr {
    let connected = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect(ELSEWHERE)?;
        socket.local_addr()
    });
    connected.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip())
}

/// The machine's name, where the system tells it.
fn hostname() -> Option<String> {
    let told = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok())?;
    let name = told.trim().to_owned();
    (!name.is_empty()).then_some(name)
}
