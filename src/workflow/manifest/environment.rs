//! PURE. `$NAME` and `${NAME}` in a text, as Go's `os.Expand` replaces them: what is not set is nothing, `$$x` is `x`, a
//! `$` that names nothing stays.

/// The text with what `lookup` knows in place of each name.
#[must_use]
pub fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (found, length) = name(after);
        rest = after.get(length..).unwrap_or_default();
        match found {
            Name::Of(name) => expanded.push_str(&lookup(name).unwrap_or_default()),
            Name::Broken => {}
            Name::None => expanded.push('$'),
        }
    }
    expanded + rest
}

enum Name<'a> {
    Of(&'a str),
    /// A brace without a name or an end; it goes away.
    Broken,
    None,
}

/// The name at the beginning of what follows a `$`, and how many bytes belong to it.
fn name(text: &str) -> (Name<'_>, usize) {
    let first = |length: usize| (Name::Of(text.get(..length).unwrap_or_default()), length);
    if let Some(braced) = text.strip_prefix('{') {
        return match braced.split_once('}') {
            Some(("", _)) => (Name::Broken, 2),
            Some((name, _)) => (Name::Of(name), name.len() + 2),
            None => (Name::Broken, 1),
        };
    }
    // The shell's special parameters, each of one character.
    if text.starts_with(|c: char| "*#$@!?-".contains(c) || c.is_ascii_digit()) {
        return first(1);
    }
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    match end.unwrap_or(text.len()) {
        0 => (Name::None, 0),
        length => first(length),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_values() {
        let check = |text: &str, expect: &str| {
            let lookup = |name: &str| (name == "HOME").then(|| "/srv".to_owned());
            assert_eq!(expand(text, lookup), expect, "{text}");
        };
        check("a $HOME b", "a /srv b");
        check("${HOME}x$HOMEx", "/srvx");
        check("$HOME/$HOME", "/srv//srv");
        check("5$", "5$");
        check("$$x", "x");
        check("$ä $", "$ä $");
        check("$1x ${} ${UNSET}.", "x  .");
        check("${HOME", "HOME");
        check("nothing", "nothing");
    }
}
