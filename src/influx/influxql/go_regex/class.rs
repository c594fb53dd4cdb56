//! Character classes: `[a-z[:digit:]\d\p{Greek}]`.

use super::{InvalidRegex, Translator, fault};

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

impl Translator<'_> {
    pub(super) fn class(&mut self) -> Result<(), InvalidRegex> {
        let whole = self.rest();
        self.next();
        self.out.push('[');
        if self.peek() == Some('^') {
            self.next();
            self.out.push('^');
        }
        let mut first = true;
        while first || self.peek() != Some(']') {
            first = false;
            self.class_item(whole)?;
        }
        self.next();
        self.out.push(']');
        Ok(())
    }

    /// A named class, an escaped class, a range, or one character.
    fn class_item(&mut self, whole: &str) -> Result<(), InvalidRegex> {
        if self.rest().starts_with("[:") && self.posix_class()? {
            return Ok(());
        }
        if self.peek() == Some('\\')
            && let Some(class) = self.perl_or_unicode_class()?
        {
            self.out.push_str(&class);
            return Ok(());
        }
        let begin = self.at;
        let low = self.class_char(whole)?;
        let mut high = low;
        let rest = self.rest();
        if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
            self.next();
            high = self.class_char(whole)?;
            if high < low {
                return Err(fault("invalid character class range", self.since(begin)));
            }
        }
        self.out.push_str(&format!(r"\x{{{:X}}}", u32::from(low)));
        if high != low {
            self.out.push_str(&format!(r"-\x{{{:X}}}", u32::from(high)));
        }
        Ok(())
    }

    fn class_char(&mut self, whole: &str) -> Result<char, InvalidRegex> {
        match self.peek() {
            None => Err(fault("missing closing ]", whole)),
            Some('\\') => self.escaped_char(),
            Some(c) => {
                self.next();
                Ok(c)
            }
        }
    }

    /// `[:alpha:]`, `[:^alpha:]`. Without an end it is no class at all.
    fn posix_class(&mut self) -> Result<bool, InvalidRegex> {
        let rest = self.rest();
        let Some((name, _)) = rest.strip_prefix("[:").and_then(|inner| inner.split_once(":]")) else {
            return Ok(false);
        };
        let begin = self.at;
        self.at += name.len() + 4;
        let class = self.since(begin);
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(fault("invalid character class range", class));
        }
        self.out.push_str(class);
        Ok(true)
    }
}
