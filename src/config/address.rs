//! Network addresses as the configuration writes them.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use crate::base::ErrorKind;

/// An address to listen on: `host:port`, `[v6]:port`, or `:port` for every interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenAddr {
    host: String,
    port: u16,
}

/// Where a server is reached: a name or address, and a port other than 0; `[v6]:port` for IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: u16,
}

/// The base of an HTTP server's URLs: `http://host:port`, nothing after it but a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// As configured; a ring with `hash_key = "url"` depends on every character of it.
    text: String,
    https: bool,
    host: String,
    port: u16,
}

/// Where a backend is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BackendUrl {
    /// `embedded:`: inside this process.
    Embedded,
    /// An InfluxDB server.
    Http(HttpUrl),
}

/// The text is no such address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not an address to listen on.
    #[error("{0:?} is not an address to listen on: write \"host:port\", or \":port\" for every interface")]
    Listen(String),
    /// Not where a server is reached.
    #[error("{0:?} is not where a server is reached: write \"host:port\"")]
    HostPort(String),
    /// Not the URL of a server.
    #[error("{text:?} is not the url of a server: {reason}")]
    Url {
        /// The URL, without a password it may hold.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl InvalidAddress {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Listen(_) | Self::HostPort(_) | Self::Url { .. } => ErrorKind::InvalidArgument,
        }
    }
}

impl ListenAddr {
    /// What to bind, in this order until one succeeds: for every interface both families at once, else IPv4.
    ///
    /// A host is a name or an IP address without brackets. Port 0 lets the system choose.
    #[must_use]
    pub fn candidates(&self) -> Vec<(String, u16)> {
        match self.host.as_str() {
            "" => vec![
                (Ipv6Addr::UNSPECIFIED.to_string(), self.port),
                (Ipv4Addr::UNSPECIFIED.to_string(), self.port),
            ],
            host => vec![(host.to_owned(), self.port)],
        }
    }
}

impl FromStr for ListenAddr {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let parsed = text.rsplit_once(':').and_then(|(host, port)| {
            let host = if host.is_empty() { String::new() } else { host_of(host)? };
            let port = number(port)?;
            Some(Self { host, port })
        });
        parsed.ok_or_else(|| InvalidAddress::Listen(text.to_owned()))
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", in_brackets(&self.host), self.port)
    }
}

impl HostPort {
    /// The name or address, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; never 0.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for HostPort {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let parsed = text.rsplit_once(':').and_then(|(host, port)| {
            let (host, port) = (host_of(host)?, number(port)?);
            (port != 0).then_some(Self { host, port })
        });
        parsed.ok_or_else(|| InvalidAddress::HostPort(text.to_owned()))
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", in_brackets(&self.host), self.port)
    }
}

impl HttpUrl {
    /// The URL exactly as it was configured.
    #[must_use]
    pub fn as_configured(&self) -> &str {
        &self.text
    }

    /// `scheme://host:port`: a path starting with a slash can be appended.
    #[must_use]
    pub fn base(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}:{}", in_brackets(&self.host), self.port)
    }

    /// Whether the server is spoken to over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the server is certainly this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let by_name = self.host.eq_ignore_ascii_case("localhost");
        by_name || self.host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

impl FromStr for HttpUrl {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let wrong = |text: &str, reason| InvalidAddress::Url {
            text: text.to_owned(),
            reason,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong(text, "write http://host:port"))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err(wrong(text, "only http and https are known")),
        };
        if let Some((_, server)) = rest.rsplit_once('@') {
            let shown = format!("{scheme}://***@{server}");
            return Err(wrong(&shown, "write the user in `username` and `password`"));
        }
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(wrong(text, "nothing may follow the port"));
        }
        let (host, port) = split_port(authority, if https { 443 } else { 80 })
            .ok_or_else(|| wrong(text, "the port is not a number from 1 to 65535"))?;
        let host = host_of(host).ok_or_else(|| wrong(text, "the host is missing or no host"))?;
        Ok(Self {
            text: text.to_owned(),
            https,
            host,
            port,
        })
    }
}

impl FromStr for BackendUrl {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        match text {
            "embedded:" => Ok(Self::Embedded),
            _ => text.parse().map(Self::Http),
        }
    }
}

impl BackendUrl {
    /// The URL exactly as it was configured: what a ring with `hash_key = "url"` and the admin answers show.
    #[must_use]
    pub fn as_configured(&self) -> &str {
        match self {
            Self::Embedded => "embedded:",
            Self::Http(url) => url.as_configured(),
        }
    }
}

/// Host and port of `host`, `host:port`, `[v6]` or `[v6]:port`; `None` when the port is wrong.
fn split_port(authority: &str, default: u16) -> Option<(&str, u16)> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !authority.ends_with(']') => Some((host, number(port).filter(|port| *port != 0)?)),
        _ => Some((authority, default)),
    }
}

/// A decimal port without sign.
fn number(port: &str) -> Option<u16> {
    port.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| port.parse().ok())?
}

/// The host without brackets, if it is a name, an IPv4 address, or an IPv6 address in brackets.
fn host_of(text: &str) -> Option<String> {
    if let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<Ipv6Addr>().ok().map(|address| address.to_string());
    }
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!text.is_empty() && text.chars().all(is_name)).then(|| text.to_owned())
}

fn in_brackets(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_listen_addresses() {
        let check = |text: &str, printed: &str, hosts: &[&str]| {
            let address: ListenAddr = text.parse().unwrap();
            assert_eq!(address.to_string(), printed);
            let candidates = address.candidates();
            assert_eq!(
                candidates.iter().map(|(host, _)| host.as_str()).collect::<Vec<_>>(),
                hosts
            );
        };
        check("127.0.0.1:7076", "127.0.0.1:7076", &["127.0.0.1"]);
        check("localhost:0", "localhost:0", &["localhost"]);
        check("[::1]:8086", "[::1]:8086", &["::1"]);
        check(":7076", ":7076", &["::", "0.0.0.0"]);
    }

    #[test]
    fn refuses_what_cannot_be_listened_on() {
        for text in [
            "",
            "7076",
            "localhost",
            "host:",
            "host:65536",
            "host:+1",
            "::1:80",
            "a b:1",
            "[x]:1",
            "http://a:1",
        ] {
            assert!(text.parse::<ListenAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn reads_where_a_server_is_reached() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let read: Option<HostPort> = text.parse().ok();
            assert_eq!(read.as_ref().map(|at| (at.host(), at.port())), expected, "{text}");
        };
        check("gyre-1.example:7076", Some(("gyre-1.example", 7076)));
        check("[2001:db8::1]:8000", Some(("2001:db8::1", 8000)));
        check(":8000", None);
        check("host", None);
        check("host:0", None);
        check("host:65536", None);
    }

    #[test]
    fn reads_urls() {
        let check = |text: &str, base: &str, https, loopback| {
            let url: HttpUrl = text.parse().unwrap();
            assert_eq!((url.as_configured(), url.base().as_str()), (text, base));
            assert_eq!((url.is_https(), url.is_loopback()), (https, loopback), "{text}");
        };
        check("http://127.0.0.1:8086", "http://127.0.0.1:8086", false, true);
        check("http://localhost:8086/", "http://localhost:8086", false, true);
        check("HTTPS://influx-1.example", "https://influx-1.example:443", true, false);
        check("http://[::1]", "http://[::1]:80", false, true);
        check("http://[2001:db8::1]:8086", "http://[2001:db8::1]:8086", false, false);
        assert_eq!("embedded:".parse(), Ok(BackendUrl::Embedded));
    }

    #[test]
    fn refuses_what_is_no_server() {
        let check = |text: &str, message: &str| {
            let refused = text.parse::<BackendUrl>().unwrap_err();
            assert_eq!(refused.to_string(), message);
        };
        check("", "\"\" is not the url of a server: write http://host:port");
        check(
            "localhost:8086",
            "\"localhost:8086\" is not the url of a server: write http://host:port",
        );
        check(
            "ftp://a",
            "\"ftp://a\" is not the url of a server: only http and https are known",
        );
        check(
            "http://u:p@a:1",
            "\"http://***@a:1\" is not the url of a server: write the user in `username` and `password`",
        );
        check(
            "http://a:1/db",
            "\"http://a:1/db\" is not the url of a server: nothing may follow the port",
        );
        check(
            "http://a:1//",
            "\"http://a:1//\" is not the url of a server: nothing may follow the port",
        );
        check(
            "http://a?q=1",
            "\"http://a?q=1\" is not the url of a server: nothing may follow the port",
        );
        check(
            "http://a:0",
            "\"http://a:0\" is not the url of a server: the port is not a number from 1 to 65535",
        );
        check(
            "http://",
            "\"http://\" is not the url of a server: the host is missing or no host",
        );
        check(
            "http://:8086",
            "\"http://:8086\" is not the url of a server: the host is missing or no host",
        );
        check(
            "http://a b",
            "\"http://a b\" is not the url of a server: the host is missing or no host",
        );
    }
}
