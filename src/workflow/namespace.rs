//! PURE. Names of metrics: paths of elements, some of which stand for many.

use std::sync::Arc;

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
            value: "*".to_owned(),
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

impl FromIterator<Element> for Namespace {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}
