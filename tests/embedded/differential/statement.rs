//! Seeded InfluxQL over the points of [`super::data`]; nothing that depends on the wall clock, chance or a map's order.

use super::data::{MEASUREMENTS, START_S, TAGS};
use crate::faults::schedule::Random;

const FIELDS: [&str; 6] = ["f", "i", "b", "s", "g", "n"];
/// Fields whose sums are exact.
const NUMBERS: [&str; 2] = ["f", "i"];
const INTERVALS: [&str; 6] = ["10m", "7m", "1h", "13m,3m", "1h,-15m", "1d"];
const MATH: [&str; 8] = ["abs", "floor", "ceil", "round", "sqrt", "sin", "cos", "ln"];

/// The next text of a query: mostly one statement, now and then several, or one with a mistake.
pub(super) fn any(random: &mut Random) -> String {
    let mut text = one(random);
    match random.below(40) {
        0 => text = format!("{text}; {}", one(random)),
        1 => {
            let chars: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
            text.remove(chars[random.below(chars.len())]);
        }
        2 => wrong(random).clone_into(&mut text),
        _ => {}
    }
    text
}

fn one(random: &mut Random) -> String {
    let statement = match random.below(20) {
        0..2 => return show(random),
        2..7 => raw(random),
        7..13 => aggregate(random),
        13..16 => transform(random),
        _ => nested(random),
    };
    let tail = tail(random, &statement);
    statement + &tail
}

/// Statements that are refused.
fn wrong(random: &mut Random) -> &'static str {
    pick(
        random,
        &[
            "SELECT mean(f), f FROM cpu",
            "SELECT top(f) FROM cpu",
            "SELECT top(f, host) FROM cpu",
            "SELECT f FROM cpu GROUP BY time(1m)",
            "SELECT mean(f) FROM cpu GROUP BY time(10m), time(5m)",
            "SELECT mean(f) FROM cpu GROUP BY f + 1",
            "SELECT derivative(f, 0s) FROM cpu",
            "SELECT derivative(mean(f)) FROM cpu",
            "SELECT moving_average(f) FROM cpu",
            "SELECT moving_average(f, 0) FROM cpu",
            "SELECT percentile(f) FROM cpu",
            "SELECT percentile(f, 'x') FROM cpu",
            "SELECT elapsed(f, 10) FROM cpu",
            "SELECT holt_winters(f, 1, 2) FROM cpu GROUP BY time(1m)",
            "SELECT nosuch(f) FROM cpu",
            "SELECT sum('a') FROM cpu",
            "SELECT sum(f, i) FROM cpu",
            "SELECT count(distinct(f), 1) FROM cpu",
            "SELECT distinct(f), mean(f) FROM cpu",
            "SELECT f FROM",
            "SELECT FROM cpu",
            "SELECT f FROM cpu LIMIT -1",
            "SELECT f FROM cpu ORDER BY f",
            "SELECT f FROM cpu WHERE time > 'x'",
            "SELECT f FROM cpu WHERE time = 1 OR time = 2",
            "SELECT f FROM cpu tz('no/where')",
            "SELECT f FROM cpu fill(bad)",
            "SELECT f FROM nosuch.cpu",
            "SELECT f FROM nosuch.autogen.cpu",
            "SELECT f FROM (SELECT mean(f) FROM cpu GROUP BY time(1m) LIMIT)",
            "SELECT s + 1 FROM cpu",
            "SELECT pow(f) FROM cpu",
            "SELECT abs(s) FROM cpu",
            "SHOW TAG VALUES",
            "SHOW TAG VALUES FROM cpu WITH KEY > host",
            "SHOW NOTHING",
            "SELECT",
        ],
    )
}

fn pick<'a>(random: &mut Random, items: &[&'a str]) -> &'a str {
    items[random.below(items.len())]
}

fn source(random: &mut Random) -> String {
    match random.below(8) {
        0 => "/.*m/".to_owned(),
        1 => "cpu, mem".to_owned(),
        2 => "nothing".to_owned(),
        3 => "/disk|cpu/".to_owned(),
        _ => format!("\"{}\"", pick(random, &MEASUREMENTS)),
    }
}

fn raw(random: &mut Random) -> String {
    let columns: Vec<String> = (0..=random.below(3)).map(|_| column(random)).collect();
    let from = source(random);
    let bounds = if random.below(2) == 0 {
        bounds(random)
    } else {
        String::new()
    };
    let clauses = format!("{}{}", filter(random, &bounds), by(random, ""));
    format!("SELECT {} FROM {from}{clauses}", columns.join(", "))
}

fn column(random: &mut Random) -> String {
    let (a, b) = (pick(random, &FIELDS), pick(random, &FIELDS));
    match random.below(14) {
        0 => "*".to_owned(),
        1 => "*::field".to_owned(),
        2 => "/^[fib]$/".to_owned(),
        3 => pick(random, &TAGS).to_owned(),
        4 => format!("{}(\"{}\")", pick(random, &MATH), pick(random, &NUMBERS)),
        5 => format!("{a} AS x{}", random.below(3)),
        6 => format!("{a} {} {b}", pick(random, &["+", "-", "*", "/", "%", "&", "|", "^"])),
        7 => format!("({a} + {}) * {}", random.below(9), pick(random, &["2", "0.5", "-1"])),
        8 => format!(
            "{a}::{}",
            pick(random, &["float", "integer", "string", "boolean", "field", "tag"])
        ),
        _ => a.to_owned(),
    }
}

// Of equal values influxd's `mode` and `percentile` take any, so these see only what is seldom or always equal.
fn call(random: &mut Random) -> String {
    let any = pick(random, &FIELDS);
    let number = pick(random, &NUMBERS);
    match random.below(18) {
        0 => pick(random, &["count(s)", "count(g)", "mode(b)"]).to_owned(),
        1 => format!("count(distinct({any}))"),
        2 => pick(
            random,
            &[
                "count(*)",
                "max(*)",
                "last(*)",
                "first(*)",
                "min(*)",
                "max(/^[bgn]$/)",
                "last(/[bs]/)",
            ],
        )
        .to_owned(),
        3..6 => format!("{}({any})", pick(random, &["first", "last"])),
        6..8 => format!("{}({any})", pick(random, &["min", "max"])),
        8 => format!("percentile(f, {})", pick(random, &["0", "1", "50", "99.9", "100"])),
        9 => format!("integral({number}{})", pick(random, &["", ", 1m", ", 7s"])),
        10 => format!("{}(/^[fi]$/)", pick(random, &["mean", "sum", "spread"])),
        11 => format!(
            "{}({})",
            pick(random, &["mean", "sum", "median", "spread", "stddev"]),
            pick(random, &["b", "s", "f"])
        ),
        _ => format!(
            "{}({number})",
            pick(random, &["mean", "sum", "median", "spread", "stddev"])
        ),
    }
}

/// A call that must stand alone.
fn lonely(random: &mut Random) -> String {
    let any = pick(random, &FIELDS);
    let limit = random.below(4);
    match random.below(6) {
        0 => format!("distinct({any})"),
        1 => format!("{}({any}, host, region, {limit})", pick(random, &["top", "bottom"])),
        2 => format!(
            "{}(f, {limit}), {}",
            pick(random, &["top", "bottom"]),
            pick(random, &["host", "i, s"])
        ),
        3 => format!("top({any}, {limit})"),
        4 => format!("{}({any}, host, {limit})", pick(random, &["top", "bottom"])),
        _ => format!("bottom({any}, {limit})"),
    }
}

fn aggregate(random: &mut Random) -> String {
    let columns = match random.below(9) {
        0 => lonely(random),
        8 => format!(
            "({} {} {}) {} {} AS z",
            call(random),
            pick(random, &["+", "-", "*", "/"]),
            call(random),
            pick(random, &["+", "-", "*", "/", "%"]),
            random.below(4)
        ),
        1 => format!("{}, {}", call(random), pick(random, &["host", "f", "region, s"])),
        2 => format!(
            "{} {} {}",
            call(random),
            pick(random, &["+", "-", "*", "/"]),
            call(random)
        ),
        3 => format!("{}({}) AS y", pick(random, &MATH), call(random)),
        4 => format!("{}, {}", call(random), call(random)),
        5 => format!("{}, {}, {}", call(random), call(random), call(random)),
        _ => call(random),
    };
    let from = source(random);
    let clauses = grouped(random);
    format!("SELECT {columns} FROM {from}{clauses}")
}

/// Conditions and groups of a statement that may divide time, in which case time has both ends.
fn grouped(random: &mut Random) -> String {
    let timed = random.below(3) > 0;
    let interval = if timed {
        format!("time({})", pick(random, &INTERVALS))
    } else {
        String::new()
    };
    let limits = if timed || random.below(2) == 0 {
        bounds(random)
    } else {
        String::new()
    };
    let filter = filter(random, &limits);
    let by = by(random, &interval);
    let fill = pick(
        random,
        &[
            "",
            " fill(none)",
            " fill(0)",
            " fill(-3)",
            " fill(previous)",
            " fill(linear)",
            " fill(null)",
        ],
    );
    let fill = if by.is_empty() { "" } else { fill };
    format!("{filter}{by}{fill}")
}

fn transform(random: &mut Random) -> String {
    let timed = random.below(2) == 0;
    let field = if timed {
        call(random)
    } else {
        pick(random, &["f", "i", "b", "s", "g", "n", "*", "/^[fi]$/"]).to_owned()
    };
    let call = match random.below(6) {
        0 => format!(
            "{}({field}{})",
            pick(random, &["derivative", "non_negative_derivative"]),
            pick(random, &["", ", 1m"])
        ),
        1 => format!("{}({field})", pick(random, &["difference", "non_negative_difference"])),
        2 => format!("moving_average({field}, {})", random.below(5)),
        3 => format!("elapsed({field}{})", pick(random, &["", ", 1m", ", 1s"])),
        4 if timed => format!(
            "{}({field}, {}, {})",
            pick(random, &["holt_winters", "holt_winters_with_fit"]),
            1 + random.below(3),
            random.below(4)
        ),
        _ => format!("cumulative_sum({field})"),
    };
    let limits = bounds(random);
    let filter = filter(random, &limits);
    let interval = if timed {
        format!("time({})", pick(random, &INTERVALS))
    } else {
        String::new()
    };
    let by = by(random, &interval);
    let fill = if timed {
        pick(
            random,
            &[
                "",
                " fill(none)",
                " fill(0)",
                " fill(-3)",
                " fill(previous)",
                " fill(linear)",
                " fill(null)",
            ],
        )
    } else {
        ""
    };
    format!("SELECT {call} FROM {}{filter}{by}{fill}", source(random))
}

fn nested(random: &mut Random) -> String {
    let from = source(random);
    let mut inner = inner(random, &from);
    if random.below(3) == 0 {
        inner = self::inner(random, &format!("({inner})"));
    }
    let clauses = grouped(random);
    if random.below(3) == 0 {
        format!(
            "SELECT {} FROM ({inner}){}",
            pick(random, &["f", "f, i", "*", "f * 2, host"]),
            filter(random, "")
        )
    } else {
        format!(
            "SELECT {}({}) FROM ({inner}){clauses}",
            pick(random, &["mean", "sum", "max", "count", "first", "spread"]),
            pick(random, &NUMBERS)
        )
    }
}

/// A subquery with the columns `f` and `i`.
fn inner(random: &mut Random, from: &str) -> String {
    match random.below(4) {
        0 => format!("SELECT f, i, host FROM {from}{}", filter(random, "")),
        1 => format!("SELECT mean(f) AS f, max(i) AS i FROM {from}{}", grouped(random)),
        2 => {
            let call = pick(random, &["last", "first", "min", "max"]);
            format!("SELECT {call}(f) AS f, i FROM {from}{}", grouped(random))
        }
        _ => format!("SELECT f + i AS f, i FROM {from} GROUP BY host"),
    }
}

fn bounds(random: &mut Random) -> String {
    let from = START_S + 300 * random.below(50);
    let to = from + 60 * (1 + random.below(240));
    match random.below(4) {
        0 => format!("time > {from}s AND time <= {to}s"),
        1 => format!(
            "time >= '2026-01-01T00:{:02}:00Z' AND time < '2026-01-01 04:00:00'",
            random.below(60)
        ),
        2 => format!(
            "time >= '2026-01-01' AND time < {START_S}s + {}m",
            1 + random.below(300)
        ),
        _ => format!("time >= {from}s AND time < {to}s"),
    }
}

fn filter(random: &mut Random, bounds: &str) -> String {
    let mut terms: Vec<String> = (0..random.below(3).saturating_sub(1) + random.below(2))
        .map(|_| term(random))
        .collect();
    if terms.len() == 2 && random.below(2) == 0 {
        terms = vec![format!("({})", terms.join(" OR "))];
    }
    if !bounds.is_empty() {
        terms.push(bounds.to_owned());
    }
    if terms.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", terms.join(" AND "))
    }
}

fn term(random: &mut Random) -> String {
    let comparison = pick(random, &["=", "!=", "<", "<=", ">", ">="]);
    let same = pick(random, &["=", "!="]);
    let matches = pick(random, &["=~", "!~"]);
    match random.below(14) {
        12 => format!(
            "{} {comparison} {}",
            pick(random, &["f", "i", "f * 2", "-f", "(f - i) / 2"]),
            pick(random, &["i", "i * 3", "f + 100", "i % 7"])
        ),
        13 => format!("i % {} = {}", pick(random, &["2", "3", "7"]), random.below(3)),
        0..2 => format!("host {same} 'h{}'", random.below(4)),
        2 => format!("region {same} ''"),
        3 => format!(
            "{} {matches} /{}/",
            pick(random, &TAGS),
            pick(random, &["^.1$", "0", ".*", "h0|r1", ".+"])
        ),
        4..6 => format!("f {comparison} {}", pick(random, &["0", "-100.5", "250", "1e9"])),
        6..8 => format!("i {comparison} {}", pick(random, &["0", "-50", "5.5", "100"])),
        8 => format!("b {same} true"),
        9 => format!("s {same} '{}'", pick(random, &["red", "green", ""])),
        10 => format!("s {matches} /{}/", pick(random, &["^r", "e", "so"])),
        _ => format!("f + i {comparison} {}", pick(random, &["0", "30"])),
    }
}

fn by(random: &mut Random, interval: &str) -> String {
    let tags = match random.below(8) {
        0 => "*",
        1 => "host",
        2 => "host, region",
        3 => "/^r/",
        4 => "missing",
        _ => "",
    };
    match (interval.is_empty(), tags.is_empty()) {
        (true, true) => String::new(),
        (false, false) => format!(" GROUP BY {interval}, {tags}"),
        _ => format!(" GROUP BY {interval}{tags}"),
    }
}

/// Order and limits. influxd applies an OFFSET without LIMIT, and SLIMIT in any case, to each shard by itself: the first is
/// left out, the second is for statements whose time is in one shard.
fn tail(random: &mut Random, statement: &str) -> String {
    let mut tail = String::new();
    let zone = pick(
        random,
        &["", "", "", "", " tz('America/New_York')", " tz('Asia/Kolkata')"],
    );
    if random.below(4) == 0 {
        tail.push_str(" ORDER BY time DESC");
    }
    if random.below(4) == 0 {
        tail.push_str(&format!(" LIMIT {}", 1 + random.below(5)));
        if random.below(2) == 0 {
            tail.push_str(&format!(" OFFSET {}", random.below(4)));
        }
    }
    if statement.contains("time <") && random.below(4) == 0 {
        tail.push_str(&format!(" SLIMIT {}", 1 + random.below(3)));
        if random.below(2) == 0 {
            tail.push_str(&format!(" SOFFSET {}", random.below(2)));
        }
    }
    tail + zone
}

fn show(random: &mut Random) -> String {
    let from = if random.below(2) == 0 {
        format!(" FROM {}", source(random))
    } else {
        String::new()
    };
    let tag = pick(random, &TAGS);
    let filter = match random.below(3) {
        0 => format!(" WHERE {tag} {} 'h1'", pick(random, &["=", "!="])),
        1 => format!(" WHERE {tag} =~ /0/"),
        _ => String::new(),
    };
    let limit = pick(random, &["", " LIMIT 2", " LIMIT 1 OFFSET 1", " OFFSET 1"]);
    match random.below(10) {
        8 => pick(
            random,
            &[
                "SHOW SERIES EXACT CARDINALITY",
                "SHOW MEASUREMENT EXACT CARDINALITY",
                "SHOW FIELD KEY EXACT CARDINALITY",
                "SHOW TAG KEY EXACT CARDINALITY",
                "SHOW RETENTION POLICIES",
            ],
        )
        .to_owned(),
        9 => format!("SHOW TAG VALUES EXACT CARDINALITY{from} WITH KEY = {tag}"),
        0 => format!("SHOW MEASUREMENTS{filter}{limit}"),
        1 => format!("SHOW MEASUREMENTS WITH MEASUREMENT =~ /m/{filter}{limit}"),
        2 => format!("SHOW TAG KEYS{from}{filter}{limit}"),
        3 => format!("SHOW FIELD KEYS{from}{limit}"),
        4 => format!("SHOW SERIES{from}{filter}{limit}"),
        5 => format!("SHOW TAG VALUES{from} WITH KEY IN (host, region){filter}{limit}"),
        6 => format!("SHOW TAG VALUES{from} WITH KEY =~ /r/{filter}{limit}"),
        _ => format!("SHOW TAG VALUES{from} WITH KEY = {tag}{filter}{limit}"),
    }
}
