//! Which built-ins there are, and by which names they are found.

use crate::workflow::{Namespace, PluginType};

use super::{Builtin, file, host, influxdb, mock, passthru, prometheus, scrape};

/// Every built-in, versions of the same plugin in ascending order.
const ALL: &[Builtin] = &[
    mock::V1,
    mock::V2,
    passthru::V1,
    file::MOCK_FILE,
    file::FILE,
    influxdb::V1,
    prometheus::V1,
    scrape::V1,
    host::V1,
];

/// Names of Snap plugins that gather what `host` gathers, in other words.
const LIKE_HOST: &[&str] = &[
    "cpu",
    "df",
    "disk",
    "interface",
    "iostat",
    "load",
    "meminfo",
    "processes",
    "psutil",
    "swap",
];

/// Before the type in the file name of a Snap plugin.
const FILE_PREFIX: &str = "snap-plugin-";

/// Every built-in.
pub fn all() -> impl Iterator<Item = &'static Builtin> {
    ALL.iter()
}

/// The built-in of that name and, unless it does not matter, type and version; a version below 1 is the latest.
#[must_use]
pub fn find(kind: Option<PluginType>, name: &str, version: Option<i64>) -> Option<&'static Builtin> {
    let wanted = version.filter(|version| *version >= 1);
    let is_it = |builtin: &&Builtin| {
        builtin.name == name
            && kind.is_none_or(|kind| kind == builtin.kind)
            && wanted.is_none_or(|version| version == builtin.version)
    };
    ALL.iter().rev().find(is_it)
}

/// The built-in that a load request names: `[builtin:][TYPE:]NAME[:VERSION]`, or the file name of a Snap plugin such as
/// `snap-plugin-collector-mock1`.
#[must_use]
pub fn by_request(text: &str) -> Option<&'static Builtin> {
    let has_file = |builtin: &&Builtin| builtin.files.contains(&text);
    ALL.iter().find(has_file).or_else(|| by_name(text))
}

fn by_name(text: &str) -> Option<&'static Builtin> {
    let text = text.strip_prefix("builtin:").unwrap_or(text);
    let typed = text
        .split_once(':')
        .and_then(|(kind, rest)| Some((kind.parse().ok()?, rest)));
    let (kind, rest) = typed.map_or((None, text), |(kind, rest)| (Some(kind), rest));
    let Some((name, version)) = rest.split_once(':') else {
        return find(kind, &rest.to_ascii_lowercase(), None);
    };
    find(kind, &name.to_ascii_lowercase(), Some(version.parse().ok()?))
}

/// The built-in that does what a Snap plugin does, by the plugin's name or its file's: for telling users what to take
/// instead of a plugin that cannot be run.
#[must_use]
pub fn twin_of(name: &str) -> Option<&'static Builtin> {
    if let Some(twin) = by_request(name) {
        return Some(twin);
    }
    let typed = name.strip_prefix(FILE_PREFIX).and_then(|rest| rest.split_once('-'));
    let bare = typed.map_or(name, |(_, bare)| bare);
    match LIKE_HOST.contains(&bare) {
        true => find(Some(PluginType::Collector), "host", None),
        false => find(None, bare, None),
    }
}

/// The built-ins that a requested namespace may mean, all versions. It must spell the elements that all of their
/// metrics begin with: `/intel/mock/*` and `/(host;intel)/...` name some, `/*` and `/intel/*` name none.
#[must_use]
pub fn names_metric(requested: &Namespace) -> Vec<&'static Builtin> {
    let named = |builtin: &&Builtin| {
        let begins = requested.0.len() > builtin.prefix.len();
        !builtin.prefix.is_empty()
            && begins
            && (requested.0.iter().zip(builtin.prefix)).all(|(element, want)| spells(&element.value, want))
    };
    ALL.iter().filter(named).collect()
}

/// Whether an element of a request is `wanted`, or a tuple that has it.
fn spells(element: &str, wanted: &str) -> bool {
    let tuple = element.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    match tuple {
        Some(items) => items.split(';').any(|item| item.trim() == wanted),
        None => element == wanted,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::workflow::Config;

    fn key(found: Option<&Builtin>) -> Option<String> {
        found.map(|builtin| builtin.key().to_string())
    }

    #[test]
    fn load_requests_name_builtins() {
        for (text, expect) in [
            ("mock", Some("collector:mock:2")),
            ("Mock:1", Some("collector:mock:1")),
            ("builtin:mock:0", Some("collector:mock:2")),
            ("collector:mock:1", Some("collector:mock:1")),
            ("builtin:collector:mock", Some("collector:mock:2")),
            ("publisher:mock", None),
            ("mock:3", None),
            ("mock:x", None),
            ("mock:1:1", None),
            ("", None),
            ("/usr/bin/mock", None),
            ("snap-plugin-collector-mock1", Some("collector:mock:1")),
            ("snap-plugin-collector-mock2", Some("collector:mock:2")),
            ("snap-plugin-processor-passthru", Some("processor:passthru:1")),
            ("snap-plugin-publisher-mock-file", Some("publisher:mock-file:3")),
            ("snap-plugin-collector-psutil", None),
        ] {
            assert_eq!(key(by_request(text)).as_deref(), expect, "{text}");
        }
    }

    #[test]
    fn tasks_name_plugins_with_or_without_a_version() {
        for (version, expect) in [
            (None, Some(2)),
            (Some(0), Some(2)),
            (Some(-1), Some(2)),
            (Some(1), Some(1)),
            (Some(9), None),
        ] {
            let found = find(Some(PluginType::Collector), "mock", version);
            assert_eq!(found.map(|builtin| builtin.version), expect);
        }
    }

    #[test]
    fn native_plugins_have_twins() {
        for (name, expect) in [
            ("snap-plugin-collector-mock1", Some("mock")),
            ("snap-plugin-publisher-influxdb", Some("influxdb")),
            ("snap-plugin-collector-psutil", Some("host")),
            ("meminfo", Some("host")),
            ("passthru", Some("passthru")),
            ("snap-plugin-collector-facter", None),
        ] {
            assert_eq!(twin_of(name).map(|builtin| builtin.name), expect, "{name}");
        }
    }

    #[test]
    fn requested_namespaces_mean_builtins() {
        for (text, expect) in [
            ("/intel/mock/foo", vec!["collector:mock:1", "collector:mock:2"]),
            ("/intel/mock/*", vec!["collector:mock:1", "collector:mock:2"]),
            ("/(intel; x)/mock/*/baz", vec!["collector:mock:1", "collector:mock:2"]),
            ("|host|disk|/|used", vec!["collector:host:1"]),
            ("/host/*", vec!["collector:host:1"]),
            ("/prometheus/*", vec!["collector:prometheus-scrape:1"]),
            ("/intel/mock", vec![]),
            ("/intel/*", vec![]),
            ("/*", vec![]),
            ("/hosts/x", vec![]),
        ] {
            let names: Vec<_> = names_metric(&Namespace::parse(text))
                .iter()
                .map(|builtin| builtin.key().to_string())
                .collect();
            assert_eq!(names, expect, "{text}");
        }
    }

    #[test]
    fn all_are_what_they_say() {
        let mut keys = BTreeSet::new();
        for builtin in all() {
            let described = builtin.describe(&Config::new()).unwrap();
            assert_eq!(described.meta.key, builtin.key());
            assert_eq!(described.metrics.is_empty(), !builtin.kind.collects());
            assert!(keys.insert(builtin.key()), "{builtin:?} is there twice");
            for metric in &described.metrics {
                let begins = metric
                    .namespace
                    .0
                    .iter()
                    .zip(builtin.prefix)
                    .all(|(element, first)| element.value == *first);
                assert!(
                    begins && !builtin.prefix.is_empty(),
                    "{builtin:?}: {:?}",
                    metric.namespace
                );
                let last = metric.namespace.0.last().unwrap();
                assert!(!last.is_dynamic(), "{builtin:?}: {:?}", metric.namespace);
            }
        }
    }
}
