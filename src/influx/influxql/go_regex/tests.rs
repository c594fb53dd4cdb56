use super::*;

#[test]
fn translates_what_is_spelled_differently() {
    let check = |pattern: &str, matching: &[&str], other: &[&str]| {
        let regex = Pattern(pattern.to_owned()).compile().unwrap();
        for text in matching {
            assert!(regex.is_match(text), "{pattern} should match {text:?}");
        }
        for text in other {
            assert!(!regex.is_match(text), "{pattern} should not match {text:?}");
        }
    };
    check("^cpu$", &["cpu"], &["cpu0", "CPU"]);
    check(r"^\d+$", &["12"], &["١٢"]);
    check(r"^\w+$", &["a_1"], &["ä"]);
    check(r"^[\d.-]+$", &["1.2-3"], &["a"]);
    check(r"^[[a]+$", &["[a"], &["b"]);
    check(r"^[a&&b]+$", &["a&b"], &["c"]);
    check(r"^[]a]$", &["]", "a"], &["b"]);
    check(r"^[^a-c]$", &["d"], &["b"]);
    check(r"^[[:alpha:]]+$", &["ab"], &["1"]);
    check(r"^a{2,3}$", &["aa", "aaa"], &["a"]);
    check(r"^a{,3}$", &["a{,3}"], &["aa"]);
    check(r"^a{01}$", &["a{01}"], &["a"]);
    check(r"^\Qa.b\E$", &["a.b"], &["axb"]);
    check(r"^\x41\101\x{42}$", &["AAB"], &["AAC"]);
    check(r"(?i)^CPU$", &["cpu"], &["cp"]);
    check(r"^(?P<n>a)(?:b|c)$", &["ab"], &["ad"]);
    check(r"^\p{Greek}\pL\P{L}$", &["αx1"], &["xx1"]);
    check(r"\bx\b", &["a x b"], &["axb"]);
    check(r"a/b #c", &["a/b #c"], &["a/b"]);
    check(r"(?)a", &["a"], &["b"]);
    check(r"^(?P<n>a)(?P<n>b)$", &["ab"], &["a"]);
    check(r"^(a{2}){500}|b{2,}$", &["bb"], &["a"]);
}

#[test]
fn refuses_in_the_words_of_go() {
    let check = |pattern: &str, fault: &str, part: &str| {
        let message = format!("error parsing regexp: {fault}: `{part}`");
        assert_eq!(translate(pattern).unwrap_err().to_string(), message, "{pattern}");
    };
    check("(", "missing closing )", "(");
    check("a)", "unexpected )", "a)");
    check("a(b", "missing closing )", "a(b");
    check("*a", "missing argument to repetition operator", "*");
    check("a|*?", "missing argument to repetition operator", "*?");
    check("(+)", "missing argument to repetition operator", "+");
    check("a**", "invalid nested repetition operator", "**");
    check("a+?*b", "invalid nested repetition operator", "+?*");
    check("a{2}{3}", "invalid nested repetition operator", "{2}{3}");
    check("a{2,1}", "invalid repeat count", "{2,1}");
    check("a{1001}", "invalid repeat count", "{1001}");
    check("[a", "missing closing ]", "[a");
    check("x[]", "missing closing ]", "[]");
    check("[b-a]", "invalid character class range", "b-a");
    check("[[:foo:]]", "invalid character class range", "[:foo:]");
    check(r"\p{Foo}", "invalid character class range", r"\p{Foo}");
    check(r"\8", "invalid escape sequence", r"\8");
    check(r"\1", "invalid escape sequence", r"\1");
    check(r"\y", "invalid escape sequence", r"\y");
    check(r"\C", "invalid escape sequence", r"\C");
    check(r"\xg1", "invalid escape sequence", r"\xg1");
    check("a\\", "trailing backslash at end of expression", "");
    check("(?=a)", "invalid or unsupported Perl syntax", "(?=");
    check("(?<!a)", "invalid or unsupported Perl syntax", "(?<");
    check("(?P<a b>x)", "invalid named capture", "(?P<a b>");
    check("((a{500}){3})", "invalid repeat count", "{3}");
    check("(a|b{2}){501}", "invalid repeat count", "{501}");
}
