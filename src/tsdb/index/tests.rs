use regex::Regex;

use super::*;
use crate::{
    base::TimestampNs,
    influx::line::{Limits, Precision, scan},
    query::source::TagFilter,
};

/// Finds or adds the series of each line's key, as the write path does; the ids.
fn add(index: &mut Index, keys: &[&str]) -> Vec<SeriesId> {
    let body = keys.iter().map(|key| format!("{key} v=1\n")).collect::<String>();
    let limits = Limits {
        max_line: 1000,
        max_errors: 1000,
    };
    let mut ids = Vec::new();
    let report = scan(
        body.as_bytes(),
        Precision::Nanoseconds,
        TimestampNs(0),
        &limits,
        |line| {
            let written = &line.body[..line.measurement.len() + line.tags.len() + usize::from(!line.tags.is_empty())];
            let (measurement, tags) = parse(&line).unwrap();
            let found = index.find_spelling(written).or_else(|| index.find(&measurement, &tags));
            let next = index.live().max().map_or(0, |id| id + 1);
            let id = found.unwrap_or_else(|| index.insert(next, &measurement, &tags).id);
            index.remember(written, id);
            assert_eq!(index.find_spelling(written), Some(id));
            ids.push(id);
        },
    );
    assert_eq!(report.rejected, 0);
    ids
}

#[test]
fn spellings_of_a_key_are_one_series() {
    let mut index = Index::default();
    let ids = add(
        &mut index,
        &[
            "m,a=1,b=2",
            "m,b=2,a=1",
            r"m\ x,a=1",
            r"m\ x,a=1",
            r#"m\"x,a=1"#,
            r#"m"x,a=1"#,
        ],
    );
    assert_eq!(ids, [0, 0, 1, 1, 2, 2]);
}

#[test]
fn backslashes_make_no_two_series_one() {
    let mut index = Index::default();
    // only a backslash before a comma, a space or an equals sign is an escape
    let ids = add(
        &mut index,
        &[
            r"m,a=x\,b",
            r"m,a=x\y",
            r"m,a=x\\y",
            r"m,a=x\\\,b",
            r"m,a=x\y",
            r"m,a=x\,b",
        ],
    );
    assert_eq!(ids, [0, 1, 2, 3, 1, 0]);
}

#[test]
fn a_tag_named_time_is_refused() {
    let limits = Limits {
        max_line: 1000,
        max_errors: 1000,
    };
    scan(
        b"m,time=x v=1",
        Precision::Nanoseconds,
        TimestampNs(0),
        &limits,
        |line| {
            let text = parse(&line).unwrap_err().to_string();
            assert_eq!(
                text,
                "invalid tag key: input tag \"time\" on measurement \"m\" is invalid"
            );
        },
    );
}

#[test]
fn filters_select_by_tags() {
    let mut index = Index::default();
    add(&mut index, &["m,a=1,b=x", "m,a=2", "m,b=y", "m", "other,a=1"]);
    let check = |filter: TagFilter, expect: &[&str]| {
        let found: Vec<_> = index
            .select("m", &filter)
            .iter()
            .map(|entry| String::from_utf8_lossy(&entry.key).into_owned())
            .collect();
        assert_eq!(found, expect, "{filter:?}");
    };
    let regex = |text: &str| Arc::new(Regex::new(text).unwrap());
    check(TagFilter::All, &["m", "m,a=1,b=x", "m,a=2", "m,b=y"]);
    check(TagFilter::None, &[]);
    check(TagFilter::Equal("a".into(), "1".into()), &["m,a=1,b=x"]);
    check(TagFilter::Equal("a".into(), "".into()), &["m", "m,b=y"]);
    check(
        TagFilter::Equal("zz".into(), "".into()),
        &["m", "m,a=1,b=x", "m,a=2", "m,b=y"],
    );
    check(TagFilter::NotEqual("a".into(), "1".into()), &["m", "m,a=2", "m,b=y"]);
    check(TagFilter::NotEqual("a".into(), "".into()), &["m,a=1,b=x", "m,a=2"]);
    check(TagFilter::Matches("a".into(), regex("^[12]$")), &["m,a=1,b=x", "m,a=2"]);
    check(TagFilter::Matches("a".into(), regex("^2?$")), &["m", "m,a=2", "m,b=y"]);
    check(TagFilter::MatchesNot("a".into(), regex("1")), &["m", "m,a=2", "m,b=y"]);
    let (a, b) = (
        TagFilter::Matches("a".into(), regex(".")),
        TagFilter::Matches("b".into(), regex(".")),
    );
    check(TagFilter::And(vec![a.clone(), b.clone()]), &["m,a=1,b=x"]);
    check(TagFilter::Or(vec![a, b]), &["m,a=1,b=x", "m,a=2", "m,b=y"]);
}

#[test]
fn what_is_removed_is_not_found() {
    let mut index = Index::default();
    add(&mut index, &["m,a=1", "m,a=2", "n,b=1"]);
    index.remove(0);
    assert_eq!(index.find_spelling(b"m,a=1"), None);
    assert_eq!(index.measurement("m").unwrap().values_of("a"), ["2".into()]);
    index.remove(2);
    assert!(index.measurement("n").is_none());
    assert_eq!(index.live().iter().collect::<Vec<_>>(), [1]);
    index.remove(1);
    assert_eq!((index.len(), index.bytes()), (0, 0));
}
