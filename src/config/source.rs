//! Where the values of a configuration came from, so that an error can say so.

use super::{
    error::{ConfigError, Origin},
    key_path::KeyPath,
    lines::Lines,
    overlay::Variables,
};

/// The origins of one configuration: a file and the environment.
pub(super) struct Source {
    pub(super) file: String,
    pub(super) lines: Lines,
    /// Keys of Gyre that the file calls otherwise: ours, theirs.
    pub(super) renamed: Vec<(KeyPath, KeyPath)>,
    pub(super) variables: Variables,
}

impl Source {
    /// An error about the value at `key` (a key of Gyre), which is shown as the place calls it.
    pub(super) fn invalid(&self, key: &KeyPath, message: impl ToString) -> ConfigError {
        let message = message.to_string();
        let (origin, key) = self.origin(key);
        ConfigError::Invalid { origin, key, message }
    }

    /// An error about a key that the file has and Gyre does not.
    pub(super) fn unknown_key(&self, key: KeyPath, known: Vec<String>) -> ConfigError {
        let (line, _) = self.lines.find(&key);
        let origin = self.in_file(line);
        ConfigError::UnknownKey { origin, key, known }
    }

    /// Whether the value at `key` was given, not taken from the defaults.
    pub(super) fn is_given(&self, key: &KeyPath) -> bool {
        self.variable(|set| key.starts_with(set)).is_some() || self.lines.find(&self.in_their_words(key)).1
    }

    /// The place of the innermost given value around `key`: the environment wins over the file.
    fn origin(&self, key: &KeyPath) -> (Origin, KeyPath) {
        let theirs = self.in_their_words(key);
        let (line, found) = self.lines.find(&theirs);
        let set = self.variable(|set| key.starts_with(set));
        match set.or_else(|| self.variable(|set| !found && set.starts_with(key))) {
            Some(name) => (Origin::Variable(name.to_owned()), key.clone()),
            None => (self.in_file(line), theirs),
        }
    }

    fn variable(&self, matches: impl Fn(&KeyPath) -> bool) -> Option<&str> {
        let found = self.variables.iter().rfind(|(set, _)| matches(set));
        found.map(|(_, name)| name.as_str())
    }

    fn in_file(&self, line: usize) -> Origin {
        Origin::File {
            file: self.file.clone(),
            line,
        }
    }

    fn in_their_words(&self, key: &KeyPath) -> KeyPath {
        let renamed = self.renamed.iter().find(|(ours, _)| key.starts_with(ours));
        renamed.map_or_else(|| key.clone(), |(_, theirs)| theirs.clone())
    }
}
