//! `SELECT` from one owner, which is passed on, and from several, whose answers are put together.

use super::side_by_side::{DB, SideBySide};

/// Measurements with different owners, fields of all types, series that come and go.
const LINES: &str = "\
cpu,host=a,region=west usage=1.5,cores=4i,state=\"idle\",up=true 60000000000
cpu,host=a,region=west usage=2.5,cores=4i,state=\"a <b> & \\\"c\\\" \\\\\",up=false 120000000000
cpu,host=b,region=east usage=1e-7,cores=9007199254740993i 60000000000
cpu,host=b,region=east usage=-0,cores=-9223372036854775808i 300000000001
cpu,host=c usage=1e21 360000000000
mem,host=a,region=west usage=10,free=7i 60000000000
mem,host=b,region=east usage=20.25,free=8i 120000000000
mem,host=b,region=east usage=30 360000000000
disk,host=a,path=/ usage=0.1,note=\"äöü\" 60000000000
disk,host=b,path=/var usage=0.2 180000000000
net,host=a usage=5,up=true 90000000000
net usage=6 91000000000
load usage=3 60000000000
\"odd one\",host=a usage=8 60000000000
";

#[test]
fn one_owner_is_passed_on() {
    let both = SideBySide::with(LINES);
    for query in [
        "SELECT * FROM cpu",
        "SELECT usage, cores, state, up FROM cpu WHERE host = 'a' ORDER BY time DESC",
        "SELECT mean(usage) FROM cpu WHERE time >= 0 AND time < 7m GROUP BY time(1m), host fill(previous)",
        "SELECT mean(usage), max(cores) FROM cpu GROUP BY * SLIMIT 1 SOFFSET 1",
        "SELECT * FROM cpu GROUP BY /reg/ LIMIT 1",
        "SELECT top(usage, host, 2) FROM cpu",
        "SELECT max(m) FROM (SELECT mean(usage) AS m FROM cpu GROUP BY host)",
        "SELECT usage FROM cpu, cpu",
        "SELECT usage FROM d..cpu",
        "SELECT usage FROM d.autogen.cpu tz('Europe/Berlin')",
        "SELECT usage FROM nothing",
        "SELECT nothing FROM cpu",
        "SELECT usage::integer, cores::float FROM cpu",
        "SELECT usage FROM d.nothing.cpu",
        "SELECT usage FROM nowhere..cpu",
        "EXPLAIN SELECT nothing FROM nowhere",
    ] {
        both.same(DB, query);
    }
}

#[test]
fn several_owners_are_put_together() {
    let both = SideBySide::with(LINES);
    for query in [
        "SELECT usage FROM cpu, mem, disk, net, load",
        "SELECT usage FROM /.*/",
        "SELECT usage FROM /^(cpu|mem|disk)$/ ORDER BY time DESC",
        "SELECT usage FROM /.*/ LIMIT 1",
        "SELECT usage FROM /.*/ LIMIT 1 OFFSET 1",
        "SELECT usage, free, state FROM /.*/ GROUP BY host",
        "SELECT usage FROM /.*/ GROUP BY host SLIMIT 1",
        "SELECT usage FROM /.*/ GROUP BY host, region SLIMIT 1 SOFFSET 1",
        "SELECT usage FROM cpu, mem WHERE host = 'b' AND time > 60s",
        "SELECT usage * 2, up FROM cpu, net, load",
        "SELECT count(usage), sum(usage), spread(usage) FROM /.*/",
        "SELECT mean(usage) FROM /.*/ GROUP BY time(2m) fill(none)",
        "SELECT mean(usage) FROM /.*/ WHERE time >= 0 AND time < 7m GROUP BY time(1m) fill(linear)",
        "SELECT mean(usage) FROM /.*/ WHERE time >= 0 AND time < 3m GROUP BY time(1m), host fill(0)",
        "SELECT mean(usage) FROM /.*/ WHERE time < now() GROUP BY time(2m) fill(none)",
        "SELECT sum(usage) FROM cpu, mem, disk WHERE time >= 0 AND time < 7m GROUP BY time(3m, 1m) ORDER BY time DESC",
        "SELECT first(usage), last(usage) FROM /.*/ GROUP BY host",
        "SELECT max(usage) FROM /.*/",
        "SELECT distinct(usage) FROM cpu, mem, net",
        "SELECT top(usage, 1) FROM cpu, mem, net",
        "SELECT percentile(usage, 50) FROM cpu, mem, net",
        "SELECT derivative(usage, 1m) FROM /.*/",
        "SELECT non_negative_difference(usage) FROM /.*/ GROUP BY host",
        "SELECT cumulative_sum(mean(usage)) FROM /.*/ WHERE time >= 0 AND time < 7m GROUP BY time(1m)",
        "SELECT usage AS u FROM cpu, mem, nothing",
        "SELECT usage FROM d..cpu, d.autogen.mem",
        "SELECT nothing FROM cpu, mem, disk",
        "SELECT usage FROM cpu, mem, disk tz('America/New_York')",
        "SELECT mean(usage) FROM cpu, mem WHERE time >= 0 AND time < 7m GROUP BY time(1h) tz('Europe/Berlin')",
        "SELECT usage FROM /no such/",
        "SELECT host, usage FROM /.*/ WHERE usage > 1.5",
        "SELECT usage FROM cpu, nowhere..mem",
        "SELECT usage FROM cpu, d.nothing.mem",
        "SELECT nothing(usage) FROM cpu, mem",
        "SELECT usage FROM cpu, mem WHERE time > 'yesterday'",
    ] {
        both.same(DB, query);
        both.same_with(DB, query, "&epoch=ns&pretty=true");
    }
}

/// What a window of time, a condition and a time zone mean must not depend on the owner.
#[test]
fn clauses_mean_the_same_for_every_owner() {
    let both = SideBySide::with(LINES);
    for query in [
        "SELECT usage FROM /.*/ WHERE time >= '1970-01-01T01:01:00Z' - 1h AND time <= 6m tz('Europe/Berlin')",
        "SELECT usage FROM /.*/ WHERE time >= '1970-01-01 01:02:00' AND time < '1970-01-01 02:00:00' tz('Europe/Berlin')",
        "SELECT usage FROM cpu, mem, disk WHERE host =~ /^(a|c)$/ OR region = 'east'",
        "SELECT usage FROM cpu, mem, disk WHERE (host != 'a' AND usage >= 0) OR usage < 1e-6",
        "SELECT usage FROM cpu, mem, disk WHERE nothing = 'x'",
        "SELECT usage FROM cpu, mem, disk WHERE host = ''",
        "SELECT usage FROM cpu, mem, disk, load WHERE region = ''",
        "SELECT usage FROM cpu, mem, disk LIMIT 2 OFFSET 1",
        "SELECT usage FROM cpu, mem, disk ORDER BY time DESC LIMIT 1",
        "SELECT mean(usage) FROM cpu, mem, disk WHERE time >= 0 AND time < 7m GROUP BY time(1m), host fill(0) ORDER BY time DESC LIMIT 2 SLIMIT 1",
        "SELECT last(usage), host FROM cpu, mem, disk GROUP BY region",
        "SELECT usage, \"usage\" AS again, usage + 1 FROM cpu, mem",
        "SELECT round(usage), abs(usage), pow(usage, 2) FROM mem, disk, net",
        "SELECT stddev(usage), median(usage), mode(usage) FROM /.*/",
        "SELECT elapsed(usage, 1s) FROM cpu, mem, disk",
        "SELECT moving_average(usage, 2) FROM cpu, mem, disk",
        "SELECT bottom(usage, host, 1) FROM cpu, mem, disk",
        "SELECT count(distinct(usage)) FROM cpu, mem, disk",
        "SELECT usage FROM cpu, cpu, mem, mem",
        "SELECT usage FROM /cpu/, /cpu|mem/",
        "SELECT usage FROM \"odd one\", \"\\\"odd one\\\"\", load",
        "SELECT _usage FROM _cpu, _mem",
        "SELECT time, usage FROM cpu, mem",
        "SELECT usage::tag FROM cpu, mem",
        "SELECT host::tag, usage::field FROM cpu, mem",
        "SELECT usage FROM cpu, mem GROUP BY usage",
    ] {
        both.same(DB, query);
        both.same_with(DB, query, "&epoch=ms&chunked=true&chunk_size=2");
    }
}

#[test]
fn times_come_as_asked() {
    let both = SideBySide::with(LINES);
    for epoch in ["", "ns", "u", "ms", "s", "m", "h", "x"] {
        for query in [
            "SELECT usage FROM cpu",
            "SELECT usage FROM /.*/",
            "SELECT sum(usage) FROM cpu, mem, disk",
        ] {
            both.same_with(DB, query, &format!("&epoch={epoch}"));
        }
    }
}

#[test]
fn parameters_are_bound() {
    let both = SideBySide::with(LINES);
    for (query, params) in [
        ("SELECT usage FROM /.*/ WHERE host = $h", r#"{"h":"a"}"#),
        (
            "SELECT usage FROM cpu, mem WHERE usage > $x AND time > $t",
            r#"{"x":1.5,"t":60000000000}"#,
        ),
        ("SELECT usage FROM cpu WHERE host = $h", r#"{"h":"it's \"a\" \\"}"#),
        ("SELECT usage FROM /.*/ WHERE host = $h", r#"{"h":"it's \"a\" \\"}"#),
        ("SELECT usage FROM cpu WHERE host = $h", "{}"),
        ("SELECT usage FROM cpu WHERE host = $h", "[]"),
    ] {
        both.same_with(DB, query, &format!("&params={}", crate::support::http::encode(params)));
    }
}

#[test]
fn several_statements_are_answered_one_after_another() {
    let both = SideBySide::with(LINES);
    for query in [
        "SELECT usage FROM cpu; SELECT usage FROM cpu",
        "SELECT usage FROM cpu; SELECT usage, note FROM disk; SELECT usage FROM mem WHERE host = 'a'",
        "SELECT * FROM cpu; SELECT * FROM mem; SELECT * FROM disk; SELECT * FROM net; SELECT * FROM load;",
        "SHOW MEASUREMENTS; CREATE DATABASE e; SHOW DATABASES; DROP DATABASE e; SHOW DATABASES",
        "SHOW TAG KEYS; SELECT usage FROM",
        ";",
        "; ;SELECT usage FROM cpu",
        "",
    ] {
        both.same(DB, query);
        both.same_with(DB, query, "&chunked=true&chunk_size=2");
    }
}

/// What InfluxDB 1.8 answers, and 1.6, which the others are compared with, says of the first statement only.
#[test]
fn statements_after_an_error_are_not_executed() {
    let both = SideBySide::with(LINES);
    let query = "SELECT usage FROM disk; SELECT usage FROM nowhere..cpu; DROP DATABASE d; SHOW DATABASES";
    let results = both.gyre().query(DB, query)["results"].take();
    let errors: Vec<_> = results
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["error"].as_str())
        .collect();
    let not_executed = Some("not executed");
    assert_eq!(
        errors,
        [None, Some("database not found: nowhere"), not_executed, not_executed],
        "{results}"
    );
    both.same(DB, "SELECT usage FROM cpu");
}

/// More rows than influxd puts into one chunk.
#[test]
fn many_rows_are_all_there() {
    let both = SideBySide::start();
    for name in ["a", "b", "c"] {
        let lines: String = (0..12_000).map(|n| format!("{name} v={n}i {n}\n")).collect();
        both.write(DB, &lines);
    }
    for query in [
        "SELECT v FROM a",
        "SELECT v FROM a, b, c",
        "SELECT v FROM a; SELECT v FROM b; SELECT v FROM c",
    ] {
        for result in both.gyre().query(DB, query)["results"].as_array().into_iter().flatten() {
            for series in result["series"].as_array().into_iter().flatten() {
                assert_eq!(series["values"].as_array().map(Vec::len), Some(12_000), "{query}");
            }
        }
        both.same_with(DB, query, "&chunked=true");
        both.same_with(DB, query, "&chunked=true&chunk_size=5000&epoch=u");
    }
}

/// The same name in two databases has two owners, and one series in the answer.
#[test]
fn one_name_in_several_databases() {
    let both = SideBySide::start();
    both.same("", "CREATE DATABASE e; CREATE DATABASE f; CREATE DATABASE g");
    for (n, db) in ["d", "e", "f", "g"].iter().enumerate() {
        both.write(db, &format!("m,t={db} v={n} {n}\nother v=1 1\n"));
    }
    for db in ["e", "f", "g"] {
        for query in [
            "SELECT v FROM d..m, {}..m",
            "SELECT count(v) FROM d..m, {}..m",
            "SELECT v FROM d../m|o/, {}../m/",
        ] {
            both.same_or_refused("d", &query.replace("{}", db), "different backends");
        }
    }
}

/// A field has one type in an answer, whatever it is in each measurement.
#[test]
fn one_field_of_several_types() {
    let lines = "a v=9007199254740993i 1\nb v=1.5 2\nc v=\"s\" 3\ne v=true 4\nf v=7i 5\ng v=\"t\" 6\nh v=false 7\n\
                 i,v=tag w=1 8\n";
    let both = SideBySide::with(lines);
    for query in [
        "SELECT v FROM /.*/",
        "SELECT v FROM a, b",
        "SELECT v FROM c, e",
        "SELECT count(v) FROM /.*/",
        "SELECT sum(v) FROM a, b, f",
        "SELECT v FROM a, f",
        "SELECT v FROM b, c",
        "SELECT mean(v) FROM b, c, f",
        "SELECT v FROM c, g WHERE v = 's'",
        "SELECT v FROM a, b, c WHERE v > 1",
        "SELECT v + 1 FROM a, b",
        "SELECT max(v) FROM b, e GROUP BY time(1s) fill(none)",
        "SELECT v::integer FROM a, b",
        "SELECT v FROM h, e",
        "SELECT v, w FROM a, i",
        "SELECT v, w FROM c, i",
        "SELECT w FROM i, c GROUP BY v",
    ] {
        both.same_or_refused(DB, query, "different backends");
    }
}
