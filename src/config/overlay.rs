//! Settings from the environment: `GYRE__PROXY__ACK_TIMEOUT=2s`, `GYRE__CIRCLES__0__BACKENDS__1__URL=http://b:8086`.
//!
//! The name is the key path in capitals, joined by two underscores; list items by their position. A position just
//! past the end adds an item. The value is read as the default's type wants: text as it is, numbers and booleans and
//! tables in TOML syntax, lists in TOML syntax or, for lists of texts, as plain text split at commas.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    error::{ConfigError, Origin},
    key_path::{KeyPath, Segment},
    schema,
};

/// What the name of every variable that configures Gyre starts with.
const PREFIX: &str = "GYRE__";

/// The keys that were set from the environment, with the variables that did.
pub(super) type Variables = Vec<(KeyPath, String)>;

/// Applies the variables that start with [`PREFIX`] to `value`, outer keys before inner ones. `known` are the defaults.
pub(super) fn apply(
    value: &mut Value,
    known: &Value,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Variables, ConfigError> {
    let mut settings = Vec::new();
    for (name, text) in variables {
        if let Some(rest) = name.strip_prefix(PREFIX) {
            let (path, shown) = resolve(rest, known).map_err(|(key, known)| ConfigError::UnknownKey {
                origin: Origin::Variable(name.clone()),
                key,
                known,
            })?;
            let given = read(&name, &path, shown, &text)?;
            settings.push((path, name, given));
        }
    }
    settings.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let mut variables = Vec::with_capacity(settings.len());
    for (path, name, given) in settings {
        set(value, path.segments(), given).map_err(|message| invalid(&name, &path, message))?;
        variables.push((path, name));
    }
    Ok(variables)
}

fn invalid(name: &str, key: &KeyPath, message: String) -> ConfigError {
    ConfigError::Invalid {
        origin: Origin::Variable(name.to_owned()),
        key: key.clone(),
        message,
    }
}

/// The key path that a name (without the prefix) means, and what the defaults show there.
fn resolve<'k>(name: &str, known: &'k Value) -> Result<(KeyPath, &'k Value), (KeyPath, Vec<String>)> {
    let (mut path, mut shown) = (KeyPath::default(), known);
    for word in name.split("__") {
        let segment = match (shown, word.parse()) {
            (Value::Array(_), Ok(index)) => Segment::Index(index),
            _ => Segment::Key(word.to_ascii_lowercase()),
        };
        let longer = path.then(segment.clone());
        shown = schema::step(shown, &segment).ok_or_else(|| {
            let near = shown
                .as_object()
                .map(|keys| schema::suggestions(&word.to_ascii_lowercase(), keys));
            (longer.clone(), near.unwrap_or_default())
        })?;
        path = longer;
    }
    Ok((path, shown))
}

/// The value that `text` means where the defaults show `shown`.
fn read(name: &str, path: &KeyPath, shown: &Value, text: &str) -> Result<Value, ConfigError> {
    let value = match shown {
        Value::String(_) | Value::Null => Value::String(text.to_owned()),
        // What is no number or boolean is refused with its type by the typed reading.
        Value::Bool(_) | Value::Number(_) => toml_value(text).unwrap_or_else(|_| Value::String(text.to_owned())),
        Value::Array(items) if !is_toml_list(text) && !items.iter().any(Value::is_object) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            items.map(|item| Value::String(item.to_owned())).collect()
        }
        Value::Array(_) | Value::Object(_) => toml_value(text).map_err(|message| invalid(name, path, message))?,
    };
    let refuse = |key, known| ConfigError::UnknownKey {
        origin: Origin::Variable(name.to_owned()),
        key,
        known,
    };
    schema::refuse_unknown_keys(&value, shown, path, &refuse)?;
    Ok(value)
}

/// Whether the text is meant as a TOML list; `[::1]:8086` is not.
fn is_toml_list(text: &str) -> bool {
    let text = text.trim();
    text.starts_with('[') && text.ends_with(']')
}

fn toml_value(text: &str) -> Result<Value, String> {
    let parser = toml::de::ValueDeserializer::parse(text.trim()).map_err(|error| error.message().to_owned())?;
    Value::deserialize(parser).map_err(|error| error.message().to_owned())
}

/// Puts `given` at the end of the path, making the tables on the way.
fn set(value: &mut Value, path: &[Segment], given: Value) -> Result<(), String> {
    let Some((segment, rest)) = path.split_first() else {
        schema::merge(value, given);
        return Ok(());
    };
    match segment {
        Segment::Key(key) => {
            if !value.is_object() {
                *value = Value::Object(Map::new());
            }
            let table = value.as_object_mut().expect("made a table just above");
            set(table.entry(key).or_insert(Value::Null), rest, given)
        }
        Segment::Index(index) => {
            let items = value.as_array_mut().ok_or("there is no list to change")?;
            if *index > items.len() {
                return Err(format!(
                    "the list has {} items, so the next position is {0}",
                    items.len()
                ));
            }
            if *index == items.len() {
                items.push(Value::Null);
            }
            set(&mut items[*index], rest, given)
        }
    }
}
