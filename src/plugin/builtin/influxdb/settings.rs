//! PURE. What a publisher was told, in Gyre's words or Snap's.

use reqwest::Url;

use crate::workflow::Config;

use super::super::options::{flag, integer, text};

/// InfluxDB's port.
const PORT: i64 = 8086;

/// Where points go, and in which form.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Settings<'a> {
    pub(super) database: &'a str,
    /// Empty is the default policy.
    pub(super) policy: &'a str,
    /// The base URL of another InfluxDB.
    pub(super) server: Option<String>,
    /// Name and password for it; no name is no credentials.
    pub(super) user: (&'a str, &'a str),
    pub(super) multi_fields: bool,
}

impl<'a> Settings<'a> {
    pub(super) fn of(config: &'a Config) -> Self {
        let either = |name, snaps| {
            Some(text(config, name))
                .filter(|text| !text.is_empty())
                .unwrap_or_else(|| text(config, snaps))
        };
        Self {
            database: text(config, "database"),
            policy: either("policy", "retention"),
            server: server(config),
            user: (either("username", "user"), text(config, "password")),
            multi_fields: flag(config, "multi_fields") || flag(config, "isMultiFields"),
        }
    }

    /// The URL that takes lines with times in nanoseconds.
    pub(super) fn write_url(&self, server: &str) -> Result<String, String> {
        let base = server.trim_end_matches('/');
        let mut url = Url::parse(&format!("{base}/write")).map_err(|error| format!("url: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("url: {:?} is neither http nor https", url.scheme()));
        }
        url.query_pairs_mut()
            .append_pair("db", self.database)
            .append_pair("precision", "ns");
        if !self.policy.is_empty() {
            url.query_pairs_mut().append_pair("rp", self.policy);
        }
        Ok(url.into())
    }
}

fn server(config: &Config) -> Option<String> {
    let (url, host) = (text(config, "url"), text(config, "host"));
    match (url, host) {
        ("", "") => None,
        ("", host) => {
            let scheme = Some(text(config, "scheme")).filter(|scheme| !scheme.is_empty());
            let port = integer(config, "port").unwrap_or(PORT);
            Some(format!("{}://{host}:{port}", scheme.unwrap_or("http")))
        }
        (url, _) => Some(url.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::ConfigValue;

    fn config(settings: &[(&str, ConfigValue)]) -> Config {
        settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    fn string(text: &str) -> ConfigValue {
        ConfigValue::String(text.to_owned())
    }

    #[test]
    fn the_default_is_here() {
        let config = config(&[("database", string("db")), ("url", string("")), ("policy", string(""))]);
        let settings = Settings::of(&config);
        assert_eq!((settings.database, settings.policy, settings.server), ("db", "", None));
    }

    #[test]
    fn snaps_words_mean_the_same() {
        let snaps = config(&[
            ("database", string("d b")),
            ("retention", string("p")),
            ("host", string("h")),
            ("user", string("u")),
            ("password", string("s")),
            ("isMultiFields", ConfigValue::Bool(true)),
        ]);
        let ours = config(&[
            ("database", string("d b")),
            ("policy", string("p")),
            ("url", string("http://h:8086")),
            ("username", string("u")),
            ("password", string("s")),
            ("multi_fields", ConfigValue::Bool(true)),
        ]);
        let settings = Settings::of(&snaps);
        assert_eq!(settings, Settings::of(&ours));
        let url = settings.write_url(settings.server.as_ref().unwrap()).unwrap();
        assert_eq!(url, "http://h:8086/write?db=d+b&precision=ns&rp=p");
    }

    #[test]
    fn what_is_no_url_is_refused() {
        let config = config(&[("url", string("ftp://h"))]);
        let settings = Settings::of(&config);
        assert!(settings.write_url("ftp://h").is_err() && settings.write_url("h").is_err());
    }
}
