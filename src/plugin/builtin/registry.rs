//! Which built-ins there are, and by which names they are found.

use crate::workflow::{Namespace, PluginType};

use super::{Builtin, mock, passthru};

/// Every built-in, versions of the same plugin in ascending order.
const ALL: &[Builtin] = &[mock::V1, mock::V2, passthru::V1];

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
