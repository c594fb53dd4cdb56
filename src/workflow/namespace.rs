//! PURE. Names of metrics: paths of elements, some of which stand for many.
//!
//! As text a namespace begins with its separator, whatever character that is: `/intel/mock/foo` is `|intel|mock|foo`.
//! Catalogues know *dynamic* elements, `*` with a name; requests know wildcards and tuples ([`request`]); what a
//! collector may offer is in [`check`].

pub mod check;
pub mod request;

#[cfg(test)]
mod tests;

use std::{
    fmt::{self, Write as _},
    sync::Arc,
};

/// What stands for many elements.
pub const WILDCARD: &str = "*";

/// Separators by preference: the first that no element contains is written.
const SEPARATORS: [char; 20] = [
    '/', '|', '%', ':', '-', ';', '_', '^', '>', '<', '+', '=', '&', '㊽', 'Ä', '大', '小', 'ᵹ', '☍', 'ヒ',
];
/// Written when the elements contain all of [`SEPARATORS`].
const LAST_SEPARATOR: char = '🐢';

/// One step of a namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Element {
    /// What it is; `*` in a dynamic element of the catalogue.
    pub value: String,
    /// The name of a dynamic element, such as `host`; empty for a static one.
    pub name: String,
    /// What a dynamic element means.
    pub description: String,
}

/// The name of a metric. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(pub Arc<[Element]>);

impl Element {
    /// A static element, or one concrete value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            ..Self::default()
        }
    }

    /// An element that stands for many: `*` with a name.
    #[must_use]
    pub fn dynamic(name: impl Into<String>, description: impl Into<String>) -> Self {
        Self {
            value: WILDCARD.to_owned(),
            name: name.into(),
            description: description.into(),
        }
    }

    /// Whether it stands for many, or is a value in the place of one that does.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        !self.name.is_empty()
    }
}

impl Namespace {
    /// Reads a text: its first character is the separator, and an empty text has no elements. Every element is static.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut rest = text.chars();
        match rest.next() {
            Some(separator) => rest.as_str().split(separator).map(Element::new).collect(),
            None => Self::from_iter([]),
        }
    }

    /// Reads a text that stands for everything below it, as values of elements: a separator at its end means nothing, so
    /// that `/` stands for all.
    #[must_use]
    pub fn parse_prefix(text: &str) -> Vec<String> {
        let mut path: Vec<_> = Self::parse(text).values().map(str::to_owned).collect();
        path.pop_if(|last| last.is_empty());
        path
    }

    /// The values of the elements.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.0.iter().map(|element| element.value.as_str())
    }

    /// Whether its first elements have the values of `prefix`.
    #[must_use]
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.len() >= prefix.0.len() && self.values().zip(prefix.values()).all(|(own, other)| own == other)
    }

    /// Whether an element stands for many, or is a value in the place of one that does.
    #[must_use]
    pub fn is_dynamic(&self) -> bool {
        self.dynamic_elements().next().is_some()
    }

    /// The dynamic elements with their places, from 0.
    pub fn dynamic_elements(&self) -> impl Iterator<Item = (usize, &Element)> {
        let elements = self.0.iter().enumerate();
        elements.filter(|(_, element)| element.is_dynamic())
    }

    /// The separator of its text.
    #[must_use]
    pub fn separator(&self) -> char {
        let is_free = |candidate: &char| !self.values().any(|value| value.contains(*candidate));
        SEPARATORS.into_iter().find(is_free).unwrap_or(LAST_SEPARATOR)
    }
}

impl fmt::Display for Namespace {
    /// Its text, with the first separator that no element contains.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let separator = self.separator();
        self.values().try_for_each(|value| {
            f.write_char(separator)?;
            f.write_str(value)
        })
    }
}

impl FromIterator<Element> for Namespace {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}
