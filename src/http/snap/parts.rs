//! PURE. What the parts of an uploaded plugin are: version 1 goes by their order and file names, whatever their fields
//! are called; version 2 goes by the names of the fields.

use super::{error::SnapError, route::Version};

/// Parts of one upload: the plugin, its signature, its certificate, its key, and the authorities it trusts.
pub(super) const MOST_PARTS: usize = 5;

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The executable.
    Plugin,
    /// The detached signature of the executable.
    Signature,
    /// The path of the plugin's certificate on this host.
    Cert,
    /// The path of its key.
    Key,
    /// Paths of authorities' certificates, separated by `:`.
    Authorities,
    /// Where a plugin runs that is not to be started, or its file on this host.
    Uri,
}

/// What the part number `index`, from 0, of an upload holds.
///
/// # Errors
/// With the original's words when it has no place there.
pub(super) fn role(version: Version, index: usize, field: &str, file_name: &str) -> Result<Role, SnapError> {
    match version {
        Version::V1 => by_order(index, file_name),
        Version::V2 => by_field(field, file_name),
    }
}

fn by_order(index: usize, file_name: &str) -> Result<Role, SnapError> {
    let prefixes = [
        ("crt.", Role::Cert),
        ("key.", Role::Key),
        ("cacerts.", Role::Authorities),
    ];
    let by_prefix = prefixes.into_iter().find(|(prefix, _)| file_name.starts_with(prefix));
    let refused = |text| Err(SnapError::failed(text));
    match (index, is_signature(file_name), by_prefix) {
        (0, true, _) => refused("Error: first file passed to load plugin api can not be signature file"),
        (0, false, _) => Ok(Role::Plugin),
        (MOST_PARTS.., ..) => refused("Error: More than five files passed to the load plugin API"),
        (_, true, _) => Ok(Role::Signature),
        (_, false, Some((_, role))) => Ok(role),
        (_, false, None) => refused("Error: unrecognized file was passed"),
    }
}

fn by_field(field: &str, file_name: &str) -> Result<Role, SnapError> {
    match field {
        "plugin_data" | "snap-plugins" if is_signature(file_name) => Ok(Role::Signature),
        "plugin_data" | "snap-plugins" => Ok(Role::Plugin),
        "plugin_cert" => Ok(Role::Cert),
        "plugin_key" => Ok(Role::Key),
        "ca_certs" => Ok(Role::Authorities),
        "plugin_uri" => Ok(Role::Uri),
        _ => {
            let found = if file_name.is_empty() { field } else { file_name };
            Err(SnapError::invalid(format!("Error: An unknown file found {found}")))
        }
    }
}

fn is_signature(file_name: &str) -> bool {
    file_name.ends_with(".asc")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_1_goes_by_order_and_file_name() {
        let check = |index: usize, file_name: &str, expect: Result<Role, &str>| {
            let found = role(Version::V1, index, "whatever", file_name).map_err(|error| error.to_string());
            assert_eq!(found, expect.map_err(ToOwned::to_owned), "{index} {file_name}");
        };
        let first_signature = "Error: first file passed to load plugin api can not be signature file";
        check(0, "snap-plugin-collector-x", Ok(Role::Plugin));
        check(0, "crt.x", Ok(Role::Plugin));
        check(0, "x.asc", Err(first_signature));
        check(1, "x.asc", Ok(Role::Signature));
        check(4, "cacerts.asc", Ok(Role::Signature));
        check(1, "crt.1", Ok(Role::Cert));
        check(2, "key.1", Ok(Role::Key));
        check(3, "cacerts.1", Ok(Role::Authorities));
        check(1, "other", Err("Error: unrecognized file was passed"));
        let too_many = "Error: More than five files passed to the load plugin API";
        check(5, "x.asc", Err(too_many));
    }

    #[test]
    fn version_2_goes_by_field() {
        let check = |field: &str, file_name: &str, expect: Result<Role, &str>| {
            let found = role(Version::V2, 7, field, file_name).map_err(|error| error.to_string());
            assert_eq!(found, expect.map_err(ToOwned::to_owned), "{field} {file_name}");
        };
        check("plugin_data", "crt.x", Ok(Role::Plugin));
        check("snap-plugins", "x", Ok(Role::Plugin));
        check("snap-plugins", "x.asc", Ok(Role::Signature));
        check("plugin_cert", "", Ok(Role::Cert));
        check("plugin_key", "", Ok(Role::Key));
        check("ca_certs", "", Ok(Role::Authorities));
        check("plugin_uri", "", Ok(Role::Uri));
        check("x", "y", Err("Error: An unknown file found y"));
        check("x", "", Err("Error: An unknown file found x"));
    }
}
