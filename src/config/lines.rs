//! On which line of a configuration file each value stands.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use serde_saphyr::Spanned;
use toml::de::{DeTable, DeValue};

use super::key_path::{KeyPath, Segment};

/// The lines (from 1) of the values of a file; the line of a table's entry is that of its key.
///
/// Deserialised from YAML; [`Lines::of_toml`] and [`Lines::of_json`] make it from the others.
#[derive(Debug)]
pub(super) enum Lines {
    Table(Vec<(String, usize, Lines)>),
    List(Vec<(usize, Lines)>),
    Scalar,
}

impl Lines {
    pub(super) fn of_toml(text: &str) -> Result<Self, toml::de::Error> {
        let table = DeTable::parse(text)?;
        Ok(toml_table(text, table.get_ref()))
    }

    pub(super) fn of_json(text: &str) -> Result<Self, serde_json::Error> {
        Ok(json_lines(text, serde_json::from_str(text)?))
    }

    /// The line of the value at `path`; of the innermost table or list around it, and `false`, when it is not there.
    ///
    /// Keys are compared as they are written, then without regard to case.
    pub(super) fn find(&self, path: &KeyPath) -> (usize, bool) {
        let (mut here, mut line) = (self, 1);
        for segment in path.segments() {
            match here.step(segment) {
                Some(found) => (line, here) = found,
                None => return (line, false),
            }
        }
        (line, true)
    }

    fn step(&self, segment: &Segment) -> Option<(usize, &Self)> {
        match (self, segment) {
            (Self::Table(entries), Segment::Key(key)) => {
                let exact = entries.iter().rfind(|(name, ..)| name == key);
                let found = exact.or_else(|| entries.iter().rfind(|(name, ..)| name.eq_ignore_ascii_case(key)));
                found.map(|(_, line, inner)| (*line, inner))
            }
            (Self::List(items), Segment::Index(index)) => items.get(*index).map(|(line, inner)| (*line, inner)),
            _ => None,
        }
    }
}

/// The line, from 1, of a byte offset.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

fn toml_table(text: &str, table: &DeTable<'_>) -> Lines {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let name = Cow::clone(key.get_ref()).into_owned();
        entries.push((name, line_at(text, key.span().start), toml_value(text, value.get_ref())));
    }
    Lines::Table(entries)
}

fn toml_value(text: &str, value: &DeValue<'_>) -> Lines {
    match value {
        DeValue::Table(table) => toml_table(text, table),
        DeValue::Array(items) => {
            let items = items.iter();
            let lines = items.map(|item| (line_at(text, item.span().start), toml_value(text, item.get_ref())));
            Lines::List(lines.collect())
        }
        _ => Lines::Scalar,
    }
}

fn json_lines(text: &str, raw: &RawValue) -> Lines {
    // A raw value borrows from the text, so its address tells its offset.
    let line = |raw: &RawValue| line_at(text, raw.get().as_ptr() as usize - text.as_ptr() as usize);
    if let Ok(entries) = serde_json::from_str::<BTreeMap<String, &RawValue>>(raw.get()) {
        let entries = entries.into_iter();
        Lines::Table(
            entries
                .map(|(key, value)| (key, line(value), json_lines(text, value)))
                .collect(),
        )
    } else if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        let items = items.into_iter();
        Lines::List(items.map(|item| (line(item), json_lines(text, item))).collect())
    } else {
        Lines::Scalar
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(YamlLines)
    }
}

struct YamlLines;

fn yaml_line<T>(spanned: &Spanned<T>) -> usize {
    usize::try_from(spanned.referenced.line()).map_or(1, |line| line.max(1))
}

impl<'de> Visitor<'de> for YamlLines {
    type Value = Lines;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lines, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            let line = yaml_line(&key);
            entries.push((key.value, line, map.next_value()?));
        }
        Ok(Lines::Table(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lines, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element::<Spanned<Lines>>()? {
            items.push((yaml_line(&item), item.value));
        }
        Ok(Lines::List(items))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Lines, D::Error> {
        Lines::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_none<E>(self) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Lines, E> {
        Ok(Lines::Scalar)
    }
}
