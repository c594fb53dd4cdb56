//! Backends that are bound to registered nodes: `node://CLUSTER/HOSTNAME`, `node://CLUSTER/HOSTNAME:PORT`.
//!
//! A node registers the address that other nodes dial. Without a port of its own the URL means that address; with one
//! it means that address's host at this port. Names are percent-encoded where they hold a slash, a colon, a percent
//! sign, or another character that ends or divides a URL.

use std::str::FromStr;

use super::{HostPort, HttpUrl, InvalidAddress, number};

/// A node of the registry, by its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeUrl {
    /// As configured; a ring with `hash_key = "url"` depends on every character of it.
    text: String,
    /// The cluster that the node registers with.
    pub cluster: String,
    /// The host name that it registers.
    pub hostname: String,
    /// Where the backend listens on that host; `None`: at the address that the node registers.
    pub port: Option<u16>,
}

impl NodeUrl {
    /// The URL exactly as it was configured.
    #[must_use]
    pub fn as_configured(&self) -> &str {
        &self.text
    }

    /// The server, when the node registers `bind`; `None` when that is not `host:port`.
    #[must_use]
    pub fn server(&self, bind: &str) -> Option<HttpUrl> {
        let registered: HostPort = bind.parse().ok()?;
        let at = HostPort {
            port: self.port.unwrap_or(registered.port),
            ..registered
        };
        Some(HttpUrl::plain(at))
    }
}

impl FromStr for NodeUrl {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let wrong = |text: &str, reason| InvalidAddress::Node {
            text: text.to_owned(),
            reason,
        };
        let (scheme, rest) = text
            .split_once("://")
            .filter(|(scheme, _)| is_scheme(scheme))
            .ok_or_else(|| wrong(text, HOW_TO))?;
        if let Some((_, node)) = rest.rsplit_once('@') {
            let shown = format!("{scheme}://***@{node}");
            return Err(wrong(&shown, "write the user in `username` and `password`"));
        }
        let (cluster, host) = rest.split_once('/').ok_or_else(|| wrong(text, HOW_TO))?;
        if rest.contains(['?', '#']) || host.contains('/') {
            return Err(wrong(text, "nothing may follow the host name and its port"));
        }
        let (hostname, port) = match host.split_once(':') {
            None => (host, None),
            Some((hostname, port)) => {
                let port = number(port).filter(|port| *port != 0);
                (
                    hostname,
                    Some(port.ok_or_else(|| wrong(text, "the port is not a number from 1 to 65535"))?),
                )
            }
        };
        let name = |encoded| name(encoded).ok_or_else(|| wrong(text, "a name is missing or no name"));
        Ok(Self {
            text: text.to_owned(),
            cluster: name(cluster)?,
            hostname: name(hostname)?,
            port,
        })
    }
}

const HOW_TO: &str = "write node://cluster/hostname or node://cluster/hostname:port";

/// Whether URLs of this scheme are a node's.
pub(super) fn is_scheme(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("node")
}

/// The name behind its escapes: not empty, UTF-8, without control characters, as the registry takes it.
fn name(encoded: &str) -> Option<String> {
    let mut pieces = encoded.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        // `from_str_radix` would take a sign.
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        bytes.push(is_hex.then(|| u8::from_str_radix(digits, 16).ok())??);
        bytes.extend_from_slice(rest.as_bytes());
    }
    let name = String::from_utf8(bytes).ok()?;
    (!name.is_empty() && !name.contains(char::is_control)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_ports() {
        let check = |text: &str, cluster: &str, hostname: &str, port: Option<u16>| {
            let url: NodeUrl = text.parse().unwrap();
            assert_eq!(url.as_configured(), text);
            assert_eq!(
                (url.cluster.as_str(), url.hostname.as_str()),
                (cluster, hostname),
                "{text}"
            );
            assert_eq!(url.port, port, "{text}");
        };
        check("node://default/influx-1", "default", "influx-1", None);
        check("NODE://default/influx-1:8086", "default", "influx-1", Some(8086));
        check("node://a%20b%2Fc/h%3A1:2", "a b/c", "h:1", Some(2));
        check("node://a+b/100%25", "a+b", "100%", None);
        check("node://d%C3%A4/hö%40x", "dä", "hö@x", None);
    }

    #[test]
    fn refuses_what_names_no_node() {
        let check = |text: &str, reason: &str| {
            let refused = text.parse::<NodeUrl>().unwrap_err().to_string();
            assert_eq!(refused, format!("{text:?} is not the url of a node: {reason}"));
        };
        for text in ["", "node:", "node:c/h", "http://c/h", "node://c"] {
            check(text, HOW_TO);
        }
        for text in [
            "node://c/",
            "node:///h",
            "node://c/:8086",
            "node://c/h%",
            "node://c/h%4",
        ] {
            check(text, "a name is missing or no name");
        }
        for text in [
            "node://c%zz/h",
            "node://c/%+1",
            "node://c/%ff",
            "node://c/a%0Ab",
            "node://c/%é",
        ] {
            check(text, "a name is missing or no name");
        }
        for text in [
            "node://c/h/",
            "node://c/h/db",
            "node://c/h?q",
            "node://c/h#f",
            "node://c?/h",
        ] {
            check(text, "nothing may follow the host name and its port");
        }
        for text in [
            "node://c/h:",
            "node://c/h:0",
            "node://c/h:65536",
            "node://c/h:+1",
            "node://c/::1",
        ] {
            check(text, "the port is not a number from 1 to 65535");
        }
    }

    #[test]
    fn shows_no_password() {
        let refused = "node://u:secret@c/h".parse::<NodeUrl>().unwrap_err().to_string();
        assert!(
            refused.contains("node://***@c/h") && !refused.contains("secret"),
            "{refused}"
        );
    }

    #[test]
    fn finds_the_server_of_a_node() {
        let check = |url: &str, bind: &str, server: Option<&str>| {
            let url: NodeUrl = url.parse().unwrap();
            assert_eq!(
                url.server(bind).map(|server| server.base()).as_deref(),
                server,
                "{bind}"
            );
        };
        check("node://c/h", "10.0.0.1:8888", Some("http://10.0.0.1:8888"));
        check("node://c/h:8086", "10.0.0.1:8888", Some("http://10.0.0.1:8086"));
        check(
            "node://c/h:8086",
            "influx-1.example:1",
            Some("http://influx-1.example:8086"),
        );
        check(
            "node://c/h:8086",
            "[2001:db8::1]:8888",
            Some("http://[2001:db8::1]:8086"),
        );
        check("node://c/h", "[::1]:8888", Some("http://[::1]:8888"));
        for bind in [
            "10.0.0.1",
            "",
            ":8888",
            "10.0.0.1:",
            "10.0.0.1:0",
            "a b:1",
            "::1:8888",
            "u@h:1",
            "h:1/x",
        ] {
            check("node://c/h", bind, None);
        }
    }
}
