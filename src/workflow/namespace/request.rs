//! PURE. Requested namespaces: wildcards and tuples.
//!
//! `*` is any one element, and at the end everything below. A tuple `(a;b)` is a list of elements, each of which must
//! exist; several tuples mean every combination.

use super::{Element, Namespace, WILDCARD};

/// More combinations of tuples than this are refused: their number is a product.
pub const MAX_COMBINATIONS: usize = 65_536;

/// The tuples of a namespace mean more than [`MAX_COMBINATIONS`] namespaces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("tuples of {0} have more than {MAX_COMBINATIONS} combinations")]
pub struct TooMany(pub Namespace);

/// The items of a tuple such as `(host0; host1)`, trimmed; `None` when the element is none.
#[must_use]
pub fn tuple(value: &str) -> Option<Vec<&str>> {
    let inner = value.strip_prefix('(')?.strip_suffix(')')?;
    inner.contains(';').then(|| inner.split(';').map(str::trim).collect())
}

/// Every combination of the items of the tuples; a tuple with a wildcard among its items is a wildcard.
///
/// # Errors
/// There are too many.
pub fn combinations(namespace: &Namespace) -> Result<Vec<Namespace>, TooMany> {
    let choices: Vec<_> = namespace.values().map(choices).collect();
    let count = choices.iter().try_fold(1_usize, |all, one| all.checked_mul(one.len()));
    if count.is_none_or(|count| count > MAX_COMBINATIONS) {
        return Err(TooMany(namespace.clone()));
    }
    let combined = choices
        .iter()
        .fold(vec![Vec::new()], |begun, items| extended(&begun, items));
    let to_namespace = |values: Vec<&str>| values.into_iter().map(Element::new).collect();
    Ok(combined.into_iter().map(to_namespace).collect())
}

/// Each beginning, continued with each item.
fn extended<'a>(begun: &[Vec<&'a str>], items: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut all = Vec::with_capacity(begun.len() * items.len());
    for start in begun {
        all.extend(items.iter().map(|item| [start, [*item].as_slice()].concat()));
    }
    all
}

/// What an element may be.
fn choices(value: &str) -> Vec<&str> {
    match tuple(value) {
        Some(items) if items.contains(&WILDCARD) => vec![WILDCARD],
        Some(items) => items,
        None => vec![value],
    }
}
