//! influx-proxy's own checks, in its order and with its texts; the first that fails is told.

use std::collections::BTreeSet;

use super::{
    super::{error::ConfigError, key_path::KeyPath, model::Api, source::Source},
    file::{File, Tls},
};
use crate::ring::{HashKey, ShardKey};

/// The cipher suites that may be named, sorted. They are checked, not used.
const CIPHERS: [&str; 26] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_FALLBACK_SCSV",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// The protocol versions that may be named, sorted; the TLS ones also without the word.
const VERSIONS: [&str; 5] = ["SSL3.0", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3"];

pub(super) fn check(file: &File, source: &Source) -> Result<(), ConfigError> {
    let wrong = |key: &str, message: String| source.invalid(&KeyPath::dotted(key), message);
    check_circles(file, source)?;
    check_hash_key(file).map_err(|message| wrong("hash_key", message))?;
    file.shard_key
        .parse::<ShardKey>()
        .map_err(|error| wrong("shard_key", error.to_string()))?;
    check_tls(&file.tls, source)?;
    if file.api == Api::V2_4_7 && file.vnode_size != 256 {
        let message = "only 256 is supported: another number would look for the data in other places";
        return Err(wrong("vnode_size", message.to_owned()));
    }
    if file.https.enabled && file.https.cert.is_empty() && file.https.key.is_empty() {
        return Err(wrong("https_enabled", "https_cert and https_key are needed".to_owned()));
    }
    Ok(())
}

fn check_circles(file: &File, source: &Source) -> Result<(), ConfigError> {
    let path = KeyPath::dotted("circles");
    if file.circles.is_empty() {
        return Err(source.invalid(&path, "circles cannot be empty"));
    }
    let mut names = BTreeSet::new();
    for (index, circle) in file.circles.iter().enumerate() {
        let path = path.index(index).key("backends");
        if circle.backends.is_empty() {
            return Err(source.invalid(&path, "backends cannot be empty"));
        }
        for (index, backend) in circle.backends.iter().enumerate() {
            let path = path.index(index).key("name");
            if backend.name.is_empty() {
                return Err(source.invalid(&path, "backend name cannot be empty"));
            }
            if !names.insert(&backend.name) {
                return Err(source.invalid(&path, duplicate_name(file.api, &backend.name)));
            }
        }
    }
    Ok(())
}

fn duplicate_name(api: Api, name: &str) -> String {
    match api {
        Api::V2_4_7 => format!("backend name exists: {name}"),
        Api::V2_5_12 => "backend name duplicated".to_owned(),
    }
}

fn check_hash_key(file: &File) -> Result<(), String> {
    match (file.api, file.hash_key.as_str()) {
        (Api::V2_4_7, "idx" | "name" | "url") => Ok(()),
        (Api::V2_4_7, _) => Err("invalid hash_key, should be idx, name or url".to_owned()),
        (Api::V2_5_12, text) => text.parse::<HashKey>().map(|_| ()).map_err(|error| error.to_string()),
    }
}

fn check_tls(tls: &Tls, source: &Source) -> Result<(), ConfigError> {
    let path = KeyPath::dotted("tls");
    for cipher in &tls.ciphers {
        if !CIPHERS.contains(&cipher.to_ascii_uppercase().as_str()) {
            let message = format!(
                "unknown cipher suite: {cipher:?}. available ciphers: {}",
                CIPHERS.join(", ")
            );
            return Err(source.invalid(&path.key("ciphers"), message));
        }
    }
    for (key, version) in [("min_version", &tls.min_version), ("max_version", &tls.max_version)] {
        if !version.is_empty() && !is_version(&version.to_ascii_uppercase()) {
            let message = format!(
                "unknown tls version: {version:?}. available versions: {}",
                VERSIONS.join(", ")
            );
            return Err(source.invalid(&path.key(key), message));
        }
    }
    Ok(())
}

fn is_version(version: &str) -> bool {
    VERSIONS
        .iter()
        .any(|known| *known == version || known.strip_prefix("TLS") == Some(version))
}
