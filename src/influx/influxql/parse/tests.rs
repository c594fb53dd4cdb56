use proptest::prelude::*;

use super::super::testdata;
use super::*;

fn parsed(text: &str) -> Result<Vec<Statement>, String> {
    parse(text, &Params::new()).map_err(|error| error.to_string())
}

fn error(text: &str) -> String {
    parsed(text).err().unwrap_or_else(|| "accepted".to_owned())
}

#[test]
fn errors_are_those_of_a_live_server() {
    for (text, expect) in testdata::errors(testdata::PARSE_ERRORS) {
        assert_eq!(error(text), expect, "{text}");
    }
}

#[test]
fn what_a_live_server_runs_is_accepted() {
    for text in testdata::lines(testdata::ACCEPTED) {
        assert_eq!(parsed(text).err(), None, "{text}");
    }
    for (text, _) in testdata::errors(testdata::STATEMENT_ERRORS) {
        assert_eq!(parsed(text).err(), None, "{text}");
    }
}

#[test]
fn places_follow_lines_and_ends() {
    let check = |text: &str, expect: &str| assert_eq!(error(text), expect, "{text:?}");
    check(
        "SELECT x\nFROM m\nWHERE",
        "found EOF, expected identifier, string, number, bool at line 3, char 7",
    );
    check("SELECT x\r\nFROM m foo", "found foo, expected ; at line 2, char 8");
    check(
        "  SELECT  ",
        "found EOF, expected identifier, string, number, bool at line 1, char 8",
    );
    check(
        "SELECT x FROM m -- c\n WHERE y = ",
        "found EOF, expected identifier, string, number, bool at line 2, char 11",
    );
    check(
        "SELECT 'a\nb' FROM m",
        "found a, expected identifier, string, number, bool at line 1, char 7",
    );
    check("SELECT x FROM m\0 foo", "found foo, expected ; at line 1, char 17");
    check("SELECT x FROM m \0 foo", "found foo, expected ; at line 1, char 18");
    check("SELECT x FROM m WHERE y =~ /a\nb/", "bad regex:  at line 1, char 27");
    check(
        "CREATE SUBSCRIPTION s ON db0\n\t.rp",
        "found \n\t, expected . at line 1, char 29",
    );
    check("", "accepted");
}

#[test]
fn depth_is_bounded() {
    let deep = |open: &str, inner: &str, close: &str, levels: usize| {
        format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
    };
    let too_deep = format!("nested deeper than {MAX_DEPTH} levels");
    for levels in [MAX_DEPTH, 10_000, 100_000] {
        assert_eq!(
            error(&format!("SELECT {} FROM m", deep("(", "x", ")", levels))),
            too_deep
        );
        assert_eq!(
            error(&format!("SELECT {} FROM m", deep("abs(", "x", ")", levels))),
            too_deep
        );
        assert_eq!(
            error(&format!("SELECT {} FROM m", deep("-(", "x", ")", levels))),
            too_deep
        );
        assert_eq!(
            error(&deep("SELECT x FROM (", "SELECT x FROM m", ")", levels)),
            too_deep
        );
    }
    let levels = MAX_DEPTH - 2;
    assert!(parsed(&format!("SELECT {} FROM m", deep("(", "x", ")", levels))).is_ok());
    assert!(parsed(&deep("SELECT x FROM (", "SELECT x FROM m", ")", levels)).is_ok());
}

#[test]
fn long_requests_take_linear_time_and_no_stack() {
    let many = |begin: &str, part: &str| format!("{begin}{}", part.repeat(1_000_000 / part.len()));
    let texts = [
        many("SELECT x FROM m WHERE a = 1", " OR b = 'c'"),
        many("SELECT x", " + 1 * y"),
        many("SELECT x", ", y"),
        many("SELECT x FROM m", "; SELECT y FROM n"),
        many("SELECT x FROM m WHERE a =~ /", "(a|b)"),
        many("SELECT ", "a."),
        many("", "("),
        many("", "/*"),
        many("", "\""),
    ];
    for text in texts {
        let copy = parsed(&text).unwrap_or_default().clone();
        let printed: usize = copy.iter().map(|statement| statement.to_string().len()).sum();
        assert!(printed < 2 * text.len());
    }
}

/// Every command of the conformance cases parses, or fails as its expectation says.
#[test]
fn conformance_commands_parse() {
    let Some(directory) = std::env::var_os("GYRE_CONFORMANCE") else {
        return;
    };
    let path = std::path::Path::new(&directory).join("influxql/cases.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let cases: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let steps = cases.iter().filter_map(|case| case["steps"].as_array()).flatten();
    let mut commands = 0;
    for step in steps {
        let (Some(command), Some(expect)) = (step["command"].as_str(), step["exp"].as_str()) else {
            continue;
        };
        commands += 1;
        let expect: serde_json::Value = serde_json::from_str(expect).unwrap_or_default();
        let expect = expect["error"]
            .as_str()
            .and_then(|error| error.strip_prefix("error parsing query: "));
        assert_eq!(parsed(command).err().as_deref(), expect, "{command}");
    }
    assert!(commands > 0, "no commands in {}", path.display());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_read_without_panic(text in "\\PC*|[ -~\n\r\t\0]{0,80}") {
        drop(parsed(&text));
    }

    #[test]
    fn any_words_are_read_without_panic(words in prop::collection::vec(word(), 0..30)) {
        drop(parsed(&words.concat()));
    }
}

/// A part of a statement, or something that breaks it.
fn word() -> impl Strategy<Value = String> {
    let parts: Vec<String> = testdata::lines(testdata::ACCEPTED)
        .flat_map(|line| line.split_inclusive(' '))
        .map(str::to_owned)
        .collect();
    prop_oneof![4 => prop::sample::select(parts), 1 => "[ '\"/().,;$*=~!<>:-]{1,2}"]
}
