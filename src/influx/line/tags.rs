//! The tags of a line.

use super::escape::find_unescaped;

/// The tags of a line in the order written: key and value, still escaped ([`super::unescape_tag`]), neither of them empty.
#[derive(Debug, Clone)]
pub struct Tags<'a> {
    rest: &'a [u8],
}

impl<'a> Tags<'a> {
    /// `section` is `k=v,k=v` out of a good line, or empty.
    pub(super) fn new(section: &'a [u8]) -> Self {
        Self { rest: section }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, rest) = self.rest.split_at(find_unescaped(self.rest, b'=')?);
        let rest = &rest[1..];
        let (value, rest) = rest.split_at(find_unescaped(rest, b',').unwrap_or(rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        Some((key, value))
    }
}

/// Whether `key` comes after `previous`, as it does throughout a line with sorted tags: then no two are the same.
#[inline]
pub(super) fn ascend(previous: &[u8], key: &[u8]) -> bool {
    // keys are short and differ early: a loop in place beats the call of memcmp that `<` makes
    previous.iter().lt(key)
}

/// Tags whose keys are compared without an allocation; more than any sane schema has.
const ON_STACK: usize = 32;

/// Whether two tags have the same key, as written.
pub(super) fn have_duplicates(section: &[u8]) -> bool {
    let mut on_stack: [&[u8]; ON_STACK] = [&[]; ON_STACK];
    let mut count = 0;
    for (key, _) in Tags::new(section) {
        match on_stack.get_mut(count) {
            Some(slot) => *slot = key,
            None => return any_twice(&mut Tags::new(section).map(|(key, _)| key).collect::<Vec<_>>()),
        }
        count += 1;
    }
    any_twice(&mut on_stack[..count])
}

fn any_twice(keys: &mut [&[u8]]) -> bool {
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_apart() {
        let check = |section: &str, expect: &[(&str, &str)]| {
            let expect: Vec<(&[u8], &[u8])> = expect.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect();
            assert_eq!(Tags::new(section.as_bytes()).collect::<Vec<_>>(), expect, "{section}");
        };
        check("", &[]);
        check("a=1", &[("a", "1")]);
        check(r"a\=b=1\,2,c=\ ", &[(r"a\=b", r"1\,2"), ("c", r"\ ")]);
        check("a==x,b=y", &[("a", "=x"), ("b", "y")]);
    }

    #[test]
    fn duplicates_are_found_at_any_size() {
        let section = |count: usize, extra: &str| {
            let tags: Vec<String> = (0..count).rev().map(|n| format!("k{n}=v")).collect();
            format!("{}{extra}", tags.join(","))
        };
        for count in [1, 2, 31, 32, 33, 50_000] {
            assert!(!have_duplicates(section(count, "").as_bytes()), "{count}");
            assert!(have_duplicates(section(count, ",k0=w").as_bytes()), "{count}");
        }
    }
}
