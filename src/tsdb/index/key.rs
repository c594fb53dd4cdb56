//! Keys of series: from a line's spelling to names, and from names to one spelling.

use std::sync::Arc;

use crate::influx::line::{Line, unescape_measurement, unescape_tag};

/// Keys and values, sorted by key.
pub(in crate::tsdb) type Tags = Arc<[(Arc<str>, Arc<str>)]>;

/// Opens an identity that is no spelling: no line's key begins with it.
const NO_SPELLING: u8 = b'\n';

/// A line has a tag that no series may have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid tag key: input tag \"time\" on measurement \"{0}\" is invalid")]
pub(in crate::tsdb) struct Invalid(String);

/// Measurement and tags of a line, without tags that have no value.
pub(in crate::tsdb) fn parse(line: &Line<'_>) -> Result<(Arc<str>, Tags), Invalid> {
    let measurement: Arc<str> = text(&unescape_measurement(line.measurement));
    let mut tags: Vec<(Arc<str>, Arc<str>)> = line
        .tags()
        .map(|(key, value)| (text(&unescape_tag(key)), text(&unescape_tag(value))))
        .collect();
    if tags.iter().any(|(key, _)| &**key == "time") {
        return Err(Invalid(measurement.to_string()));
    }
    tags.retain(|(_, value)| !value.is_empty());
    tags.sort_by(|a, b| a.0.cmp(&b.0));
    tags.dedup_by(|later, first| later.0 == first.0);
    Ok((measurement, tags.into()))
}

/// The key as InfluxDB writes it.
pub(super) fn display(measurement: &str, tags: &Tags) -> Box<[u8]> {
    let mut key = Vec::with_capacity(64);
    push_escaped(&mut key, measurement, b", ");
    for (tag, value) in tags.iter() {
        key.push(b',');
        push_escaped(&mut key, tag, b", =");
        key.push(b'=');
        push_escaped(&mut key, value, b", =");
    }
    key.into()
}

/// What only this series has: its key, or, when a backslash in a name makes that ambiguous, its names by length.
pub(super) fn identity(measurement: &str, tags: &Tags) -> Box<[u8]> {
    let names = || std::iter::once(measurement).chain(tags.iter().flat_map(|(key, value)| [&**key, &**value]));
    if !names().any(|name| name.contains('\\')) {
        return display(measurement, tags);
    }
    let mut identity = vec![NO_SPELLING];
    for name in names() {
        identity.extend_from_slice(&name.len().to_le_bytes());
        identity.extend_from_slice(name.as_bytes());
    }
    identity.into()
}

fn text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

fn push_escaped(out: &mut Vec<u8>, name: &str, special: &[u8]) {
    for byte in name.bytes() {
        if special.contains(&byte) {
            out.push(b'\\');
        }
        out.push(byte);
    }
}
