//! Command line: words and `--name value` pairs in any order; `--floats` alone takes no value.

use std::{collections::BTreeMap, str::FromStr};

/// Options without a value.
const SWITCHES: [&str; 1] = ["floats"];

/// A parsed command line.
#[derive(Debug, Default)]
pub(crate) struct Args {
    words: Vec<String>,
    options: BTreeMap<String, String>,
}

impl Args {
    /// Fails when an option lacks its value.
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut args = Self::default();
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--") else {
                args.words.push(word);
                continue;
            };
            let value = if SWITCHES.contains(&name) {
                Some(String::new())
            } else {
                words.next()
            };
            args.options
                .insert(name.to_owned(), value.ok_or_else(|| format!("{word} needs a value"))?);
        }
        Ok(args)
    }

    /// The words that belong to no option.
    pub(crate) fn words(&self) -> &[String] {
        &self.words
    }

    /// The first of them: the server.
    pub(crate) fn server(&self) -> Result<&str, String> {
        self.words
            .first()
            .map(String::as_str)
            .ok_or_else(|| "HOST:PORT is missing".to_owned())
    }

    /// Whether a switch is there.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.contains_key(name)
    }

    /// The value of an option.
    pub(crate) fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.options.get(name).map_or(default, String::as_str)
    }

    /// The value of an option that is a number above zero.
    pub(crate) fn number<N: FromStr + PartialOrd + Default>(&self, name: &str, default: N) -> Result<N, String> {
        let Some(text) = self.options.get(name) else {
            return Ok(default);
        };
        let number = text.parse().ok().filter(|number| *number > N::default());
        number.ok_or_else(|| format!("--{name} {text}: not a number above zero"))
    }
}
