//! PURE. Pages by number, as Django REST framework cuts them.

use std::ops::Range;

use super::host_query::last;

/// Entries of a page when the client does not say.
const DEFAULT_SIZE: usize = 100;
/// Most entries of a page.
const MAX_SIZE: usize = 1000;

/// Which page a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// `None`: the last one, whatever its number.
    number: Option<usize>,
    size: usize,
}

/// A page that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its entries' places in the whole.
    pub range: Range<usize>,
    /// The number of the page before it; the first page is 1.
    pub previous: Option<usize>,
    /// The number of the page after it.
    pub next: Option<usize>,
}

/// There is no such page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid page.")]
pub struct InvalidPage;

impl PageRequest {
    /// Reads the parameters `page` and `page_size` of a request, the last of each. A size that is none counts as absent,
    /// one that is too large is cut; a page that is no number asks for one that does not exist.
    #[must_use]
    pub fn parse(params: &[(String, String)]) -> Self {
        let size = last(params, "page_size").and_then(whole).filter(|size| *size > 0);
        Self {
            number: match last(params, "page") {
                None => Some(1),
                Some("last") => None,
                Some(number) => Some(whole(number).unwrap_or(0)),
            },
            size: size.unwrap_or(DEFAULT_SIZE).min(MAX_SIZE),
        }
    }

    /// The page when there are `count` entries in all. Of no entries there is one empty page.
    ///
    /// # Errors
    /// When there is none of that number.
    pub fn of(self, count: usize) -> Result<Page, InvalidPage> {
        let last = count.div_ceil(self.size).max(1);
        let number = self.number.unwrap_or(last);
        if !(1..=last).contains(&number) {
            return Err(InvalidPage);
        }
        let start = (number - 1) * self.size;
        Ok(Page {
            range: start..count.min(start + self.size),
            previous: (number > 1).then(|| number - 1),
            next: (number < last).then(|| number + 1),
        })
    }
}

/// A whole number as Python's `int` reads it, blanks around it included; what is too large to count is very large.
fn whole(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(count: usize, page: Option<&str>, size: Option<&str>) -> Result<Page, InvalidPage> {
        let named = [("page", page), ("page_size", size)];
        let given = named
            .iter()
            .filter_map(|(name, value)| Some(((*name).to_owned(), (*value)?.to_owned())));
        PageRequest::parse(&given.collect::<Vec<_>>()).of(count)
    }

    #[test]
    fn pages_follow_each_other() {
        let check = |number: &str, range: Range<usize>, previous: Option<usize>, next: Option<usize>| {
            let expect = Page { range, previous, next };
            assert_eq!(page(5, Some(number), Some("2")), Ok(expect), "{number}");
        };
        check("1", 0..2, None, Some(2));
        check("2", 2..4, Some(1), Some(3));
        check(" +02 ", 2..4, Some(1), Some(3));
        check("3", 4..5, Some(2), None);
        check("last", 4..5, Some(2), None);
    }

    #[test]
    fn of_nothing_there_is_one_page() {
        for number in [None, Some("1"), Some("last")] {
            assert_eq!(page(0, number, None).map(|page| page.range), Ok(0..0), "{number:?}");
        }
        assert_eq!(page(0, Some("2"), None), Err(InvalidPage));
    }

    #[test]
    fn a_page_that_does_not_exist_is_an_error() {
        for number in ["0", "-1", "abc", "", "4", "1.0", "LAST", "99999999999999999999999"] {
            assert_eq!(page(5, Some(number), Some("2")), Err(InvalidPage), "{number:?}");
        }
    }

    #[test]
    fn a_size_is_cut_or_ignored() {
        let check = |size: Option<&str>, expect: usize| {
            let found = page(5000, None, size).map(|page| page.range);
            assert_eq!(found, Ok(0..expect), "{size:?}");
        };
        check(None, 100);
        check(Some("1"), 1);
        check(Some("1000"), 1000);
        check(Some("1001"), 1000);
        check(Some("99999999999999999999999"), 1000);
        for wrong in ["0", "-3", "x", "", "2.5"] {
            check(Some(wrong), 100);
        }
    }
}
