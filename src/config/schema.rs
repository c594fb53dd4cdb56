//! Which keys exist and what they are by default: both are read from the embedded `config/gyre.toml`.

use serde_json::{Map, Value};

use super::{
    error::ConfigError,
    key_path::{KeyPath, Segment},
};

/// The default configuration; an item of each list of tables shows all keys of such a table.
const DEFAULTS: &str = include_str!("../../config/gyre.toml");

/// The whole default configuration as values.
pub(super) fn defaults() -> Value {
    toml::from_str(DEFAULTS).expect("a test parses the embedded defaults")
}

/// Puts `over` on `base`: tables are merged, everything else is replaced.
pub(super) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// What the defaults show at one step below `known`; for an item of a list, its first item.
pub(super) fn step<'k>(known: &'k Value, segment: &Segment) -> Option<&'k Value> {
    match (known, segment) {
        (Value::Object(known), Segment::Key(key)) => known.get(key),
        (Value::Array(known), Segment::Index(_)) => Some(known.first().unwrap_or(&Value::Null)),
        _ => None,
    }
}

/// Refuses keys that the defaults do not show; a table that they show empty takes any. Values of the wrong kind are left to the typed reading.
pub(super) fn refuse_unknown_keys(
    given: &Value,
    known: &Value,
    path: &KeyPath,
    refuse: &impl Fn(KeyPath, Vec<String>) -> ConfigError,
) -> Result<(), ConfigError> {
    match (given, known) {
        (Value::Object(_), Value::Object(known)) if known.is_empty() => {}
        (Value::Object(given), Value::Object(known)) => {
            for (key, value) in given {
                let path = path.key(key);
                let Some(inner) = known.get(key) else {
                    return Err(refuse(path, suggestions(key, known)));
                };
                refuse_unknown_keys(value, inner, &path, refuse)?;
            }
        }
        (Value::Array(given), Value::Array(known)) => {
            let shown = known.first().unwrap_or(&Value::Null);
            for (index, value) in given.iter().enumerate() {
                refuse_unknown_keys(value, shown, &path.index(index), refuse)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The known key that was probably meant, or all of them when none is near.
pub(super) fn suggestions(key: &str, known: &Map<String, Value>) -> Vec<String> {
    // A slip changes a letter or two; more than a third of the word is another word.
    let near = 2.max(key.chars().count() / 3);
    let nearest = known.keys().map(|name| (edits(key, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= near => vec![name.clone()],
        _ => known.keys().cloned().collect(),
    }
}

/// The Levenshtein distance: letters to insert, remove or replace.
fn edits(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_edits() {
        let check = |from: &str, to: &str, expect| assert_eq!(edits(from, to), expect, "{from} {to}");
        check("", "", 0);
        check("", "abc", 3);
        check("ack_timout", "ack_timeout", 1);
        check("kitten", "sitting", 3);
    }

    #[test]
    fn merges_tables_and_replaces_the_rest() {
        let mut base = json!({"a": {"x": 1, "y": [1, 2]}, "b": 1});
        merge(&mut base, json!({"a": {"y": [3]}, "b": {"c": 2}}));
        assert_eq!(base, json!({"a": {"x": 1, "y": [3]}, "b": {"c": 2}}));
    }

    #[test]
    fn suggests_the_nearest_or_all() {
        let known = json!({"listen": 0, "workers": 0});
        let known = known.as_object().unwrap();
        assert_eq!(suggestions("listne", known), ["listen"]);
        assert_eq!(suggestions("cert", known), ["listen", "workers"]);
    }
}
