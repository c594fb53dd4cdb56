//! Paths of the Clusterflux interface: split on the raw `/` first, then decoded; `+` is a blank, one slash may follow.

use super::{cluster_error::ClusterError, params};

/// The longest name of a cluster, in bytes.
const MAX_NAME: usize = 255;

/// The segments of a raw path, not decoded; without its first slash, and without its last.
#[must_use]
pub(super) fn segments(path: &str) -> Vec<&str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_suffix('/').unwrap_or(path).split('/').collect()
}

/// The name of a cluster that a segment holds: 1 to 255 bytes of UTF-8 without control characters.
///
/// # Errors
/// 400 for any other.
pub(super) fn name(segment: &str) -> Result<String, ClusterError> {
    let decoded = params::decode(segment).and_then(|bytes| String::from_utf8(bytes.into_owned()).ok());
    let is_name = |name: &String| (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control);
    let message = "cluster name must be 1 to 255 bytes of UTF-8 without control characters";
    decoded.filter(is_name).ok_or_else(|| ClusterError::invalid(message))
}

/// The decimal number without sign, up to 64 bits, that a segment holds; leading zeros mean nothing.
///
/// # Errors
/// 400 when it is none; the message says that `what` is wrong.
pub(super) fn number(segment: &str, what: &str) -> Result<u64, ClusterError> {
    let digits = !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| segment.parse().ok()).flatten();
    number.ok_or_else(|| ClusterError::invalid(format!("{what} must be a decimal number of 64 bits")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_before_they_are_decoded() {
        let check = |path: &str, expect: &[&str]| assert_eq!(segments(path), expect, "{path}");
        check("/nodes", &["nodes"]);
        check("/nodes/", &["nodes"]);
        check("/nodes/a%2Fb/7/", &["nodes", "a%2Fb", "7"]);
        check("/nodes//", &["nodes", ""]);
    }

    #[test]
    fn names_are_decoded_and_checked() {
        let check =
            |segment: &str, expect: Option<&str>| assert_eq!(name(segment).ok().as_deref(), expect, "{segment}");
        check("a+b%2Fc", Some("a b/c"));
        check("a%20b%2fc", Some("a b/c"));
        check("a%2Bb", Some("a+b"));
        check("%25:@!$&'()*,;=?", Some("%:@!$&'()*,;=?"));
        check("d%C3%A4", Some("dä"));
        check(&"x".repeat(255), Some(&"x".repeat(255)));
        let refused = [
            "",
            "%",
            "%zz",
            "%ff",
            "a%00",
            "a%0A",
            "%7F",
            "%C2%85",
            &"x".repeat(256),
            &"%C3%A4".repeat(128),
        ];
        refused.into_iter().for_each(|segment| check(segment, None));
    }

    #[test]
    fn numbers_are_plain() {
        let check = |segment: &str, expect: Option<u64>| assert_eq!(number(segment, "id").ok(), expect, "{segment}");
        check("0", Some(0));
        check("007", Some(7));
        check("18446744073709551615", Some(u64::MAX));
        let refused = [
            "",
            "-1",
            "+1",
            "1.0",
            "0x1",
            "abc",
            "1%30",
            "18446744073709551616",
            "%31",
        ];
        refused.into_iter().for_each(|segment| check(segment, None));
    }
}
