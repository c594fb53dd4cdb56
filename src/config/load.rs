//! From a file to a configuration. Reading the file is the only thing here that touches the world.

use std::{fs, path::Path};

use serde_json::Value;

use super::{
    document, error::ConfigError, influx_proxy, key_path::KeyPath, model::Config, overlay, raw::RawConfig, schema,
    source::Source, validate::validate,
};

/// Reads and validates a file of Gyre or of influx-proxy, with the settings from `environment` (names and values).
///
/// # Errors
/// The first mistake, with its place.
pub fn load(file: &Path, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, ConfigError> {
    let text = fs::read_to_string(file).map_err(|source| ConfigError::Read {
        file: file.display().to_string(),
        source,
    })?;
    parse(file, &text, environment)
}

/// The same for a file whose text is known; its name tells the format and appears in errors. Pure.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(
    file: &Path,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    let defaults = schema::defaults();
    let document = document::parse(file, text)?;
    let is_imported = influx_proxy::recognises(&document, &defaults);
    let mut source = Source {
        file: file.display().to_string(),
        lines: document.lines,
        renamed: if is_imported {
            influx_proxy::renamed()
        } else {
            Vec::new()
        },
        variables: Vec::new(),
    };
    let given = if is_imported {
        influx_proxy::import(&document.values, &source)?
    } else {
        let given = Value::Object(document.values);
        schema::refuse_unknown_keys(&given, &defaults, &KeyPath::default(), &|key, known| {
            source.unknown_key(key, known)
        })?;
        given
    };
    let mut values = defaults.clone();
    schema::merge(&mut values, given);
    source.variables = overlay::apply(&mut values, &defaults, environment)?;
    let raw: RawConfig = serde_path_to_error::deserialize(values)
        .map_err(|error| source.invalid(&KeyPath::from(error.path()), error.inner()))?;
    validate(raw, &source)
}
