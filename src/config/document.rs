//! A configuration file as a tree of values, with the line of every key.
//!
//! The format follows the file's extension. Each parser is asked twice: for the values, and for where they stand.

use std::path::Path;

use serde_json::{Map, Value};

use super::{
    error::{ConfigError, Origin},
    lines::{Lines, line_at},
};

/// The formats that a configuration may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Toml,
    Json,
    Yaml,
}

/// A parsed file.
pub(super) struct Document {
    pub(super) format: Format,
    pub(super) values: Map<String, Value>,
    pub(super) lines: Lines,
}

/// Reads `text` in the format that the extension of `file` names. Keys without a value (null) count as absent.
pub(super) fn parse(file: &Path, text: &str) -> Result<Document, ConfigError> {
    let name = file.display().to_string();
    let format = format_of(file).map_err(|extension| ConfigError::UnsupportedType {
        file: name.clone(),
        extension,
    })?;
    let syntax = |(line, message)| {
        let origin = Origin::File { file: name, line };
        ConfigError::Syntax { origin, message }
    };
    let parsed = match format {
        Format::Toml => parse_toml(text),
        Format::Json => parse_json(text),
        Format::Yaml => parse_yaml(text),
    };
    let (value, lines) = parsed.map_err(syntax.clone())?;
    let values = match value {
        Value::Object(values) => values,
        Value::Null => Map::new(),
        _ => return Err(syntax((1, "the file must hold keys with values".to_owned()))),
    };
    Ok(Document { format, values, lines })
}

fn format_of(file: &Path) -> Result<Format, String> {
    let extension = file.extension().unwrap_or_default().to_string_lossy().into_owned();
    match extension.to_ascii_lowercase().as_str() {
        "toml" => Ok(Format::Toml),
        "json" => Ok(Format::Json),
        "yaml" | "yml" => Ok(Format::Yaml),
        _ => Err(extension),
    }
}

/// What the parsers return: values and lines, or the line and text of an error.
type Parsed = Result<(Value, Lines), (usize, String)>;

fn parse_toml(text: &str) -> Parsed {
    let failed = |error: toml::de::Error| {
        let line = error.span().map_or(1, |span| line_at(text, span.start));
        (line, error.message().to_owned())
    };
    let value = toml::from_str(text).map_err(failed)?;
    Ok((value, Lines::of_toml(text).map_err(failed)?))
}

fn parse_json(text: &str) -> Parsed {
    let failed = |error: serde_json::Error| (error.line().max(1), json_message(&error));
    let value = serde_json::from_str(text).map_err(failed)?;
    Ok((without_nulls(value), Lines::of_json(text).map_err(failed)?))
}

/// The parser's message without the position, which is told apart.
fn json_message(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    message.strip_suffix(&position).unwrap_or(&message).to_owned()
}

fn parse_yaml(text: &str) -> Parsed {
    let failed = |error: serde_saphyr::Error| {
        let line = error.location().and_then(|at| usize::try_from(at.line()).ok());
        (line.unwrap_or(1).max(1), yaml_message(&error))
    };
    let value = serde_saphyr::from_str(text).map_err(failed)?;
    let lines = serde_saphyr::from_str(text).map_err(failed)?;
    Ok((without_nulls(value), lines))
}

/// The parser's message without the position, which is told apart, and the drawing of the place.
fn yaml_message(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let sentence = message.split(" at line ").next().unwrap_or(&message);
    sentence.lines().next().unwrap_or_default().to_owned()
}

/// The value without the keys that have none.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(entries) => {
            let given = entries.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(key, value)| (key, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        scalar => scalar,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::key_path::KeyPath, *};

    /// The same configuration in three formats: `circles[1].backends[0].url` is on the given line.
    #[test]
    fn finds_lines() {
        let check = |file: &str, text: &str, path: &KeyPath, expect: (usize, bool)| {
            let document = parse(Path::new(file), text).unwrap();
            assert_eq!(document.lines.find(path), expect, "{file} {path}");
        };
        let backend = |circle: usize| KeyPath::dotted("circles").index(circle).key("backends").index(0);
        let toml = "[http]\nlisten = [\n  \"a\",\n  \"b\",\n]\n[[circles]]\n[[circles.backends]]\nurl = 1\n\n[[circles]]\nname = 2\nbackends = [\n { url = 3 } ]\n";
        check("a.toml", toml, &KeyPath::dotted("http.listen").index(1), (4, true));
        check("a.toml", toml, &backend(0).key("url"), (8, true));
        check("a.toml", toml, &backend(1).key("url"), (13, true));
        check(
            "a.toml",
            toml,
            &KeyPath::dotted("circles").index(1).key("nowhere"),
            (10, false),
        );
        let json = "{\"http\": {\n\"listen\": [\"a\",\n\"b\"]},\n\"Circles\": [{\"backends\": [{\n\"url\": 1}]},\n{\"backends\": [{\n\n\"URL\": 2}]}]}";
        check("a.json", json, &KeyPath::dotted("http.listen").index(1), (3, true));
        check("a.json", json, &backend(0).key("url"), (5, true));
        check("a.json", json, &backend(1).key("url"), (8, true));
        check("a.json", json, &backend(1).key("name"), (6, false));
        let yaml = "# comment\nhttp:\n  listen:\n  - a\n  - b\ncircles:\n- backends:\n  - url: 1\n- name: 2\n  backends:\n  - name: x\n    url: 3\n";
        check("a.yaml", yaml, &KeyPath::dotted("http.listen").index(1), (5, true));
        check("a.yaml", yaml, &backend(0).key("url"), (8, true));
        check("a.yml", yaml, &backend(1).key("url"), (12, true));
        check("a.yml", yaml, &KeyPath::dotted("journal.sync"), (1, false));
    }
}
