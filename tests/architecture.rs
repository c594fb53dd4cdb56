//! The module graph, as a test. A new edge is a decision: change this table in the same commit.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// `module -> modules it may name`. Everything may name itself and `base`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("ring", &[]),
    ("influx", &[]),
    ("journal", &[]),
    ("archive", &[]),
    ("cluster", &[]),
    ("meta", &[]),
    ("config", &["ring"]),
    ("obs", &[]),
    ("workflow", &[]),
    ("plugin", &["influx", "workflow"]),
    ("query", &["influx"]),
    ("tsdb", &["influx", "journal", "query"]),
    (
        "proxy",
        &[
            "archive", "config", "influx", "journal", "meta", "obs", "query", "ring", "tsdb",
        ],
    ),
    (
        "actors",
        &["cluster", "config", "journal", "meta", "plugin", "proxy", "workflow"],
    ),
    (
        "http",
        &[
            "actors", "cluster", "config", "influx", "obs", "plugin", "proxy", "workflow",
        ],
    ),
    (
        "app",
        &[
            "actors", "archive", "cluster", "config", "http", "influx", "journal", "meta", "obs", "plugin", "proxy",
            "query", "ring", "tsdb", "workflow",
        ],
    ),
    ("cli", &["app", "cluster", "config", "influx", "obs", "workflow"]),
];

/// Modules and files that must compile without a runtime: no actix, no tokio, no HTTP client.
const PURE: &[&str] = &[
    "base",
    "cluster",
    "ring",
    "influx",
    "query",
    "workflow",
    "proxy/agreement/ring.rs",
    "proxy/choice.rs",
    "proxy/fleet.rs",
    "proxy/health.rs",
    "proxy/plan.rs",
    "proxy/record.rs",
    "proxy/schema.rs",
    "proxy/verdict.rs",
    "proxy/watermark.rs",
    "meta/machine.rs",
    "meta/deadlines.rs",
    "meta/documents.rs",
    "meta/history.rs",
];

/// What only some places may name: `(word, places)`.
const ONLY_IN: &[(&str, &[&str])] = &[
    ("actix::", &["actors"]),
    ("actix_web::", &["http"]),
    ("redb::", &["meta/embedded.rs"]),
    ("etcd_client::", &["meta/etcd.rs", "meta/etcd"]),
    ("tonic::", &["meta/etcd", "plugin/client.rs", "plugin/client"]),
    (
        "reqwest::",
        &[
            "proxy/client.rs",
            "proxy/reader.rs",
            "proxy/reader",
            "plugin/builtin",
            "plugin/standalone.rs",
            "cli",
        ],
    ),
];

const MAX_LINES: usize = 500;

#[test]
fn modules_depend_downwards() {
    let mut wrong = BTreeSet::new();
    each_source(|path, text| {
        let module = module_of(path);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == module) else {
            assert!(
                matches!(module.as_str(), "lib" | "main"),
                "{module} is not in the table"
            );
            return;
        };
        let named = text.split("crate::").skip(1).flat_map(named_modules);
        for name in named.filter(|name| ALLOWED.iter().any(|(module, _)| module == name)) {
            if name != module && name != "base" && !allowed.contains(&name.as_str()) {
                wrong.insert(format!("{}: {module} -> {name}", path.display()));
            }
        }
    });
    assert!(
        wrong.is_empty(),
        "\n{}",
        wrong.into_iter().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn pure_code_knows_no_runtime() {
    each_source(|path, text| {
        let is_test = path
            .iter()
            .any(|part| part == "tests" || part == "tests.rs" || part == "testing.rs" || part == "testdata.rs");
        if !is_test && PURE.iter().any(|place| path.starts_with(place)) {
            for word in ["tokio::", "actix", "reqwest", "std::fs", "std::net"] {
                assert!(!text.contains(word), "{}: pure code names {word}", path.display());
            }
        }
    });
}

#[test]
fn libraries_stay_where_they_belong() {
    each_source(|path, text| {
        for (word, places) in ONLY_IN {
            let may = places.iter().any(|place| path.starts_with(place));
            assert!(may || !text.contains(word), "{}: names {word}", path.display());
        }
    });
}

#[test]
fn files_stay_short() {
    each_source(|path, text| {
        assert!(
            text.lines().count() <= MAX_LINES,
            "{} is over {MAX_LINES} lines: split it",
            path.display()
        );
    });
}

/// Calls `check` with every source file below `src`, its path relative to it.
fn each_source(mut check: impl FnMut(&Path, &str)) {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut todo = vec![src.clone()];
    while let Some(dir) = todo.pop() {
        for path in fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                todo.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative: PathBuf = path.strip_prefix(&src).unwrap().to_owned();
                check(&relative, &fs::read_to_string(&path).unwrap());
            }
        }
    }
}

fn module_of(path: &Path) -> String {
    path.iter()
        .next()
        .unwrap()
        .to_string_lossy()
        .trim_end_matches(".rs")
        .to_owned()
}

/// The modules that a path or an import list right after `crate::` starts with.
fn named_modules(after: &str) -> Vec<String> {
    let Some(list) = after.strip_prefix('{') else {
        return vec![ident(after)];
    };
    let mut depth = 0;
    let mut names = vec![String::new()];
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(String::new()),
            c if depth == 0 => names.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    names.iter().map(|name| ident(name.trim())).collect()
}

fn ident(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}
