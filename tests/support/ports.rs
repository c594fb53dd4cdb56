//! Free ports that stay ours while a server is down.
//!
//! A port found by binding `:0` on 127.0.0.1 can be taken by anybody's outgoing connection between two runs of the
//! server that used it. So every test process has a loopback address of its own (all of 127.0.0.0/8 is local on
//! Linux) made from its process id; outgoing connections start from 127.0.0.1 and never touch it.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    sync::{LazyLock, Mutex, PoisonError},
};

/// Ports handed out so far; each is given only once.
static TAKEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);

/// A free address that nobody else gets while this process lives.
pub(crate) fn free() -> SocketAddr {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let candidate = listener().local_addr().expect("a bound socket has an address");
        if taken.insert(candidate.port()) {
            return candidate;
        }
    }
}

/// A listener on a free address, for servers that live in the test process.
pub(crate) fn listener() -> TcpListener {
    TcpListener::bind((own_loopback(), 0)).expect("a loopback port is free")
}

/// 127.64.0.0/10 has 22 bits to choose from, as many as a Linux process id.
fn own_loopback() -> IpAddr {
    let [_, high, middle, low] = std::process::id().to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 64 | high, middle, low))
}
