//! The checks that keys have in common, each with an error that names the key.

use std::{collections::BTreeSet, fmt::Display, num::NonZeroUsize, path::PathBuf, str::FromStr, time::Duration};

use super::{cipher, error::ConfigError, key_path::KeyPath, model::Credentials, secret::Secret, source::Source};
use crate::base::{ByteSize, duration};

/// Checks of the keys of one table.
pub(super) struct Table<'s> {
    source: &'s Source,
    path: KeyPath,
}

impl<'s> Table<'s> {
    pub(super) fn new(source: &'s Source, path: KeyPath) -> Self {
        Self { source, path }
    }

    /// The error that the value of `key` is wrong.
    pub(super) fn wrong(&self, key: &str, message: impl ToString) -> ConfigError {
        self.source.invalid(&self.path.key(key), message)
    }

    /// The error that an item of the list `key` is wrong.
    pub(super) fn wrong_item(&self, key: &str, index: usize, message: impl ToString) -> ConfigError {
        self.source.invalid(&self.path.key(key).index(index), message)
    }

    /// A value with a textual form of its own.
    pub(super) fn parse<T: FromStr<Err: Display>>(&self, key: &str, text: &str) -> Result<T, ConfigError> {
        text.parse().map_err(|error: T::Err| self.wrong(key, error))
    }

    /// A list of such values, at least one.
    pub(super) fn parse_list<T: FromStr<Err: Display>>(
        &self,
        key: &str,
        texts: &[String],
    ) -> Result<Vec<T>, ConfigError> {
        if texts.is_empty() {
            return Err(self.wrong(key, "at least one is needed"));
        }
        let item =
            |(index, text): (usize, &String)| text.parse().map_err(|error: T::Err| self.wrong_item(key, index, error));
        texts.iter().enumerate().map(item).collect()
    }

    pub(super) fn duration(&self, key: &str, text: &str) -> Result<Duration, ConfigError> {
        duration::parse(text).map_err(|error| self.wrong(key, error))
    }

    pub(super) fn some_time(&self, key: &str, text: &str) -> Result<Duration, ConfigError> {
        let duration = self.duration(key, text)?;
        if duration.is_zero() {
            Err(self.wrong(key, MORE_THAN_ZERO))
        } else {
            Ok(duration)
        }
    }

    /// A duration from `least` to `most`, both included.
    pub(super) fn time_between(
        &self,
        key: &str,
        text: &str,
        (least, most): (Duration, Duration),
    ) -> Result<Duration, ConfigError> {
        let time = self.duration(key, text)?;
        if (least..=most).contains(&time) {
            return Ok(time);
        }
        let [time, least, most] = [time, least, most].map(duration::print);
        Err(self.wrong(key, format!("{time} is not within {least} to {most}")))
    }

    pub(super) fn some_bytes(&self, key: &str, text: &str) -> Result<ByteSize, ConfigError> {
        let size: ByteSize = self.parse(key, text)?;
        if size.0 == 0 {
            Err(self.wrong(key, MORE_THAN_ZERO))
        } else {
            Ok(size)
        }
    }

    pub(super) fn some(&self, key: &str, number: usize) -> Result<NonZeroUsize, ConfigError> {
        NonZeroUsize::new(number).ok_or_else(|| self.wrong(key, MORE_THAN_ZERO))
    }

    pub(super) fn text(&self, key: &str, text: String) -> Result<String, ConfigError> {
        if text.trim().is_empty() {
            Err(self.wrong(key, "must not be empty"))
        } else {
            Ok(text)
        }
    }

    /// A name that no earlier value of this key had.
    pub(super) fn unique(&self, key: &str, text: String, seen: &mut BTreeSet<String>) -> Result<String, ConfigError> {
        let text = self.text(key, text)?;
        if seen.insert(text.clone()) {
            Ok(text)
        } else {
            Err(self.wrong(key, format!("{text:?} is taken")))
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&self, key: &str, text: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.wrong(key, format!("{text:?} is none of {}", words.join(", ")))
        })
    }

    /// `username` and `password` of this table, decrypted; `None` when both are empty.
    pub(super) fn credentials(
        &self,
        username: String,
        password: Secret,
        encrypted: bool,
    ) -> Result<Option<Credentials>, ConfigError> {
        if username.is_empty() && password.expose().is_empty() {
            return Ok(None);
        }
        let plain = |key, text: &str| match encrypted {
            true => decrypt(text).map_err(|message| self.wrong(key, message)),
            false => Ok(text.to_owned()),
        };
        Ok(Some(Credentials {
            username: plain("username", &username)?,
            password: Secret::new(plain("password", password.expose())?),
        }))
    }
}

const MORE_THAN_ZERO: &str = "must be more than zero";

/// A path, if one is given.
pub(super) fn given_path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn decrypt(text: &str) -> Result<String, String> {
    let plain = cipher::decrypt(text).map_err(|error| format!("not a ciphertext: {error}"))?;
    String::from_utf8(plain).map_err(|_| "not a ciphertext: it does not decrypt to text".to_owned())
}

/// Refuses a value that is greater than its limit, at whichever of the two keys was given.
pub(super) fn at_most<T: PartialOrd>(
    source: &Source,
    (key, value): (&str, T),
    (limit_key, limit): (&str, T),
    print: impl Fn(&T) -> String,
) -> Result<(), ConfigError> {
    if value <= limit {
        return Ok(());
    }
    let (value, limit) = (print(&value), print(&limit));
    let own = KeyPath::dotted(key);
    Err(if source.is_given(&own) {
        source.invalid(&own, format!("{value} is more than {limit_key}, {limit}"))
    } else {
        source.invalid(
            &KeyPath::dotted(limit_key),
            format!("{limit} is less than {key}, {value}"),
        )
    })
}
