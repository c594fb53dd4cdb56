//! Loading from end to end; each check is a text and what becomes of it.

mod defaults;
mod environment;
mod imported;
mod refused;

use std::path::Path;

use super::{Config, parse};

/// The variables `names` = `values`.
fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn accept(file: &str, text: &str) -> Config {
    parse(Path::new(file), text, []).unwrap()
}

/// The message for a file that is refused.
fn refuse(file: &str, text: &str) -> String {
    parse(Path::new(file), text, []).unwrap_err().to_string()
}
