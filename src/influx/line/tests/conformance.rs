//! What influx-proxy's own tests take for lines, and the name by which it places them.
//!
//! With `GYRE_CONFORMANCE` set, the published cases are checked too.

use serde_json::Value;

use super::*;

/// A line, the name it is placed by, and the name InfluxDB lists.
const PLACED: &[(&str, &str, &str)] = &[
    ("disk,path=/ used=3i", "disk", "disk"),
    ("disk\\ io,path=/ used=3i", "disk io", "disk io"),
    ("disk\\,io used=3i", "disk,io", "disk,io"),
    ("disk\\=io used=3i", "disk=io", "disk=io"),
    ("disk\\\\io used=3i", "disk\\io", "disk\\\\io"),
    ("di\\sk used=3i", "disk", "di\\sk"),
    ("\"disk\" used=3i", "\"disk\"", "\"disk\""),
    ("диск used=3i", "диск", "диск"),
];

#[test]
fn own_lines_are_placed() {
    for (line, placed, listed) in PLACED {
        let (lines, _) = scan_all(line.as_bytes());
        let name = unescape_measurement(lines[0].measurement);
        assert_eq!(name, listed.as_bytes(), "{line}");
        assert_eq!(placement_name(lines[0].measurement), placed.as_bytes(), "{line}");
        assert_eq!(placement_name_of_stored(&name), placed.as_bytes(), "{line}");
    }
}

/// The published cases, when there are any.
fn published() -> Option<Value> {
    let folder = std::env::var_os("GYRE_CONFORMANCE")?;
    let path = std::path::Path::new(&folder).join("influx-proxy/cases.json");
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}

fn text<'a>(case: &'a Value, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} in {case}"))
}

#[test]
fn published_lines_are_read() {
    let Some(cases) = published() else { return };
    let unit = &cases["upstream_tests"]["backend/lineproto_test.go"];
    for case in unit["TestScanKey"].as_array().unwrap() {
        let (lines, report) = scan_all(text(case, "line").as_bytes());
        assert_eq!(report.message(), None);
        assert_eq!(
            placement_name(lines[0].measurement),
            text(case, "measurement").as_bytes()
        );
    }
    for case in unit["TestRapidCheck"].as_array().unwrap() {
        let (_, report) = scan_all(text(case, "line").as_bytes());
        assert_eq!(report.rejected == 0, case["want"].as_bool().unwrap(), "{case}");
    }
    for row in cases["oracle"]["line_rows"]["rows"].as_array().unwrap() {
        let Some(line) = scan_all(text(row, "line").as_bytes()).0.pop() else {
            continue;
        };
        assert_eq!(
            placement_name(line.measurement),
            text(row, "measurement").as_bytes(),
            "{row}"
        );
    }
}

/// The original moves timestamps to nanoseconds as text; a tab or newline around the line is the one thing InfluxDB minds more.
#[test]
fn published_times_are_read() {
    let Some(cases) = published() else { return };
    for case in cases["upstream_tests"]["backend/lineproto_test.go"]["TestAppendNano"]
        .as_array()
        .unwrap()
    {
        let precision = match text(case, "precision") {
            "us" => Precision::Microseconds,
            name => Precision::from_v1(name).unwrap(),
        };
        let (line, want) = (text(case, "line").trim_end_matches('\t'), text(case, "want"));
        let mut found = Vec::new();
        let report = scan(line.as_bytes(), precision, NOW, &LIMITS, |line| {
            found.push((line.timestamped, line.time))
        });
        assert_eq!((report.accepted, report.rejected), (1, 0), "{case}");
        let (wanted, _) = scan_all(want.as_bytes());
        let has_time = case["has_time"].as_bool().unwrap();
        let time = if has_time {
            wanted[0].time
        } else {
            precision.truncate(NOW)
        };
        assert_eq!(found, [(has_time, time)], "{case}");
    }
}

#[test]
fn published_bodies_are_cut() {
    let Some(cases) = published() else { return };
    for case in cases["oracle"]["scan_line"].as_array().unwrap() {
        let mut rest = text(case, "body");
        for block in case["blocks"].as_array().unwrap() {
            let (line, after) = rest.split_at(split::first_line(rest.as_bytes()));
            assert_eq!(line, block.as_str().unwrap(), "{case}");
            rest = after.get(1..).unwrap_or_default();
        }
        assert_eq!(rest, "", "{case}");
    }
}
