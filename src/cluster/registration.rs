//! PURE. What a process says of itself when it registers.

use serde_json::{Map, Value};

/// Where the peers of a data node dial when it names no address.
const DEFAULT_PEER_PORT: u16 = 8888;

/// What a process says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// Its addresses, each followed by a comma; kept as told.
    pub ip: String,
    /// Its machine; kept as told.
    pub hostname: String,
    /// `host:port` that others dial.
    pub bind: String,
    /// The id that it had before, if it wants it back.
    pub previous: Option<u64>,
}

/// The body is no registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRegistration {
    /// No JSON, or no object.
    #[error("body is not a JSON object")]
    NoObject,
    /// A key has a value of another type.
    #[error("{0} is not a string")]
    NoString(&'static str),
}

impl Registration {
    /// Reads the body of a registration: an object, all of whose keys are optional; empty means `{}`.
    ///
    /// `bindAddress` wins over `bind-address`; without either the peer is taken to listen on its own address.
    /// `peer_ip` is the sender's address without brackets. An `id` that is no whole number is an unknown key.
    ///
    /// # Errors
    /// See [`InvalidRegistration`].
    pub fn parse(body: &[u8], peer_ip: &str) -> Result<Self, InvalidRegistration> {
        let fields: Map<String, Value> = if body.trim_ascii().is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(body).map_err(|_| InvalidRegistration::NoObject)?
        };
        let text = |key: &'static str| match fields.get(key) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text.as_str()),
            Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                Err(InvalidRegistration::NoString(key))
            }
        };
        let given = [bind_address(text("bindAddress")?), bind_address(text("bind-address")?)];
        let bind = given.into_iter().find(|bind| !bind.is_empty());
        Ok(Self {
            ip: text("ip")?.to_owned(),
            hostname: text("hostname")?.to_owned(),
            bind: bind.map_or_else(|| default_bind(peer_ip), str::to_owned),
            previous: fields.get("id").and_then(Value::as_u64),
        })
    }
}

/// The address without scheme and path: clients put `http://` before it themselves.
fn bind_address(text: &str) -> &str {
    let text = text.trim();
    let without_scheme = ["http://", "https://"].iter().find_map(|scheme| {
        let (head, rest) = text.split_at_checked(scheme.len())?;
        head.eq_ignore_ascii_case(scheme).then_some(rest)
    });
    let address = without_scheme.unwrap_or(text);
    address.split(['/', '?', '#']).next().unwrap_or_default()
}

fn default_bind(peer_ip: &str) -> String {
    if peer_ip.contains(':') {
        format!("[{peer_ip}]:{DEFAULT_PEER_PORT}")
    } else {
        format!("{peer_ip}:{DEFAULT_PEER_PORT}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_that_others_dial() {
        let check = |body: &str, bind: &str| {
            let registration = Registration::parse(body.as_bytes(), "192.0.2.7").unwrap();
            assert_eq!(registration.bind, bind, "{body}");
        };
        check("", "192.0.2.7:8888");
        check(" {}\n", "192.0.2.7:8888");
        check(r#"{"bindAddress":"10.0.0.1:8888"}"#, "10.0.0.1:8888");
        check(r#"{"bind-address":"a:1"}"#, "a:1");
        check(r#"{"bind-address":"a:1","bindAddress":"b:2"}"#, "b:2");
        check(r#"{"bind-address":"a:1","bindAddress":""}"#, "a:1");
        check(r#"{"bindAddress":"http://h:1/"}"#, "h:1");
        check(r#"{"bindAddress":"HTTPS://h:1/write?x#y"}"#, "h:1");
        check(r#"{"bindAddress":"http://"}"#, "192.0.2.7:8888");
        check(r#"{"bindAddress":"/write"}"#, "192.0.2.7:8888");
        check(r#"{"bindAddress":null}"#, "192.0.2.7:8888");
        check(r#"{"bindAddress":"a:1","bindAddress":"b:2"}"#, "b:2");
        check(r#"{"bindAddress":"[::1]:9"}"#, "[::1]:9");
        check(r#"{"bindAddress":"ähttp"}"#, "ähttp");
        assert_eq!(Registration::parse(b"", "::1").unwrap().bind, "[::1]:8888");
    }

    #[test]
    fn texts_are_kept_and_unknown_keys_ignored() {
        let body = r#"{"ip":"10.0.0.1,","hostname":" a ","bindAddress":"b:1","id":7,"x":[1]}"#;
        let expect = Registration {
            ip: "10.0.0.1,".to_owned(),
            hostname: " a ".to_owned(),
            bind: "b:1".to_owned(),
            previous: Some(7),
        };
        assert_eq!(Registration::parse(body.as_bytes(), "x"), Ok(expect));
        for id in ["-1", "1.5", "\"7\"", "null"] {
            let body = format!(r#"{{"id":{id}}}"#);
            assert_eq!(Registration::parse(body.as_bytes(), "x").unwrap().previous, None);
        }
    }

    #[test]
    fn what_is_no_registration() {
        let check = |body: &[u8], message: &str| {
            let refused = Registration::parse(body, "x").unwrap_err();
            assert_eq!(refused.to_string(), message);
        };
        for body in ["{", "[]", "null", "\"a\"", "5", "{} {}", "a=b", "{\"ip\":}"] {
            check(body.as_bytes(), "body is not a JSON object");
        }
        check(b"{\"ip\":\"\xff\"}", "body is not a JSON object");
        check(br#"{"ip":5}"#, "ip is not a string");
        check(br#"{"hostname":["a"]}"#, "hostname is not a string");
        check(br#"{"bindAddress":{}}"#, "bindAddress is not a string");
        check(
            br#"{"bindAddress":"a:1","bind-address":false}"#,
            "bind-address is not a string",
        );
    }
}
