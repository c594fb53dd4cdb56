//! The cases of the directory that `GYRE_CONFORMANCE` names.

use serde::Deserialize;

use super::answer;
use super::mem::MemSource;
use crate::influx::line::Precision;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct Step {
    kind: String,
    #[serde(default)]
    db: String,
    #[serde(default)]
    rp: String,
    #[serde(default)]
    data: String,
    #[serde(default)]
    command: String,
    #[serde(default)]
    exp: String,
    #[serde(default)]
    pattern: bool,
    #[serde(default)]
    params: std::collections::BTreeMap<String, Vec<String>>,
}

impl Step {
    fn param(&self, name: &str) -> &str {
        self.params
            .get(name)
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    }
}

/// Replays a case; the number of `SELECT`s, and those that are answered differently.
fn replay(case: &Case) -> (usize, Vec<String>) {
    let mut source = MemSource::default();
    let (mut checks, mut differences) = (0, Vec::new());
    for step in &case.steps {
        let command = step.command.to_lowercase();
        match step.kind.as_str() {
            "create" => source.create(&step.db, if step.rp.is_empty() { "autogen" } else { &step.rp }),
            "write" => {
                let precision = Precision::from_v1(step.param("precision")).unwrap_or_default();
                let of = |name: &str, given: &str| match given {
                    "" => step.param(name).to_owned(),
                    given => given.to_owned(),
                };
                source.write(&of("db", &step.db), &of("rp", &step.rp), &step.data, precision);
            }
            "query" if command.starts_with("drop") || command.starts_with("create") => return (checks, differences),
            "query" if command.starts_with("select") && !step.exp.is_empty() => {
                checks += 1;
                let got = answer(&source, step.param("db"), &step.command, step.param("epoch"));
                let is_same = if step.pattern {
                    regex::Regex::new(&step.exp).unwrap().is_match(&got)
                } else {
                    got == step.exp
                };
                if !is_same {
                    differences.push(format!(
                        "{}: {}\n  exp {}\n  got {got}",
                        case.name, step.command, step.exp
                    ));
                }
            }
            _ => {}
        }
    }
    (checks, differences)
}

#[test]
fn answers_as_recorded() {
    let Ok(directory) = std::env::var("GYRE_CONFORMANCE") else {
        return;
    };
    let path = std::path::Path::new(&directory).join("influxql/cases.json");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (mut checks, mut differences) = (0, Vec::new());
    for case in &cases {
        let (of_case, different) = replay(case);
        checks += of_case;
        differences.extend(different);
    }
    println!("{checks} checks, {} differ", differences.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
