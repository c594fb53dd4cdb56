//! PURE. What a namespace that a collector offers must be like.

use super::{Namespace, WILDCARD, request};

/// A namespace of more elements is refused: what walks the tree of metrics goes as deep.
pub const MAX_ELEMENTS: usize = 256;

/// A collector offers a namespace that could not be told from a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadNamespace {
    /// Nothing could ever name it.
    #[error("Incorrect format of advertised metric, empty list of namespace elements")]
    Empty,
    /// Nobody could mean it.
    #[error("Incorrect format of advertised metric, more than {MAX_ELEMENTS} namespace elements")]
    TooLong,
    /// A request that ends so means everything below.
    #[error("Metric namespace {namespace} ends with an asterisk is not allowed")]
    EndsWithAsterisk {
        /// What is offered.
        namespace: Namespace,
    },
    /// Only dynamic elements have names.
    #[error("A static element {value} should not define name {name} for namespace {namespace}.")]
    NamedStatic {
        /// The element.
        value: String,
        /// Its name.
        name: String,
        /// What is offered.
        namespace: Namespace,
    },
    /// Without a name nobody knows what it stands for.
    #[error("A dynamic element {value} requires a name for namespace {namespace}.")]
    UnnamedDynamic {
        /// The element.
        value: String,
        /// What is offered.
        namespace: Namespace,
    },
    /// Tuples belong into requests.
    #[error("A element {value} should not define tuple for namespace {namespace}.")]
    Tuple {
        /// The element.
        value: String,
        /// What is offered.
        namespace: Namespace,
    },
}

/// Checks a namespace that a collector offers.
///
/// # Errors
/// The first thing that is wrong, in Snap's words.
pub fn offered(namespace: &Namespace) -> Result<(), BadNamespace> {
    let last = namespace.0.last().ok_or(BadNamespace::Empty)?;
    if namespace.0.len() > MAX_ELEMENTS {
        return Err(BadNamespace::TooLong);
    }
    let namespace = namespace.clone();
    if last.value.ends_with(WILDCARD) {
        return Err(BadNamespace::EndsWithAsterisk { namespace });
    }
    for element in namespace.0.iter() {
        let value = element.value.clone();
        let is_wildcard = value == WILDCARD;
        if element.is_dynamic() && !is_wildcard {
            let name = element.name.clone();
            return Err(BadNamespace::NamedStatic { value, name, namespace });
        }
        if is_wildcard && !element.is_dynamic() {
            return Err(BadNamespace::UnnamedDynamic { value, namespace });
        }
        if request::tuple(&value).is_some() {
            return Err(BadNamespace::Tuple { value, namespace });
        }
    }
    Ok(())
}
