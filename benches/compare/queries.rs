//! The questions: in InfluxQL, and in PromQL for victoria-metrics, which knows no InfluxQL.
//!
//! Gyre's answers must equal those of influxd but for the last digits of floats, whose sum depends on the order of adding.
//! PromQL's windows include their end and not their start, and its answers have another form: they are not compared, but
//! must not be empty.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gyre::base::clock::{Clock, SystemClock};
use serde_json::Value;

use crate::{
    load::Workload,
    servers::{DB, Product, Server},
    support::http::{self, Connection},
};

/// How far floats may be apart, relative to the greater: thousands of times what sums of a run's length lose.
const TOLERANCE: f64 = 1e-9;

/// One question.
#[derive(Debug)]
struct Query {
    name: &'static str,
    influxql: String,
    /// Path and query of the request to victoria-metrics.
    promql: String,
}

/// All questions about a run's points.
fn all(workload: &Workload) -> Vec<Query> {
    let (start, end) = workload.times();
    let all = format!("time >= {start}s AND time < {end}s");
    let hour_end = end.min(start + 3600);
    let hour = format!("time >= {start}s AND time < {hour_end}s");
    vec![
        Query {
            name: "mean by minute and region",
            influxql: format!("SELECT mean(usage_user) FROM cpu WHERE {all} GROUP BY time(1m), region"),
            promql: range("avg by (region) (avg_over_time(cpu_usage_user[1m]))", start, end),
        },
        Query {
            name: "max by minute of a host, an hour",
            influxql: format!(
                "SELECT max(usage_user) FROM cpu WHERE hostname = 'host_17' AND {hour} GROUP BY time(1m)"
            ),
            promql: range(
                r#"max_over_time(cpu_usage_user{hostname="host_17"}[1m])"#,
                start,
                hour_end,
            ),
        },
        Query {
            name: "100 points of a host",
            influxql: "SELECT * FROM cpu WHERE hostname = 'host_17' LIMIT 100".to_owned(),
            promql: instant(r#"{__name__=~"cpu_.*",hostname="host_17"}[1000s]"#, start + 990),
        },
        Query {
            name: "count of everything",
            influxql: "SELECT count(*) FROM cpu".to_owned(),
            promql: instant(
                &format!(
                    r#"sum by (__name__) (count_over_time({{__name__=~"cpu_.*"}}[{}s]) keep_metric_names)"#,
                    end - start
                ),
                end - 1,
            ),
        },
        Query {
            name: "values of a tag",
            influxql: "SHOW TAG VALUES FROM cpu WITH KEY = hostname".to_owned(),
            promql: format!("/api/v1/label/hostname/values?start={start}&end={end}"),
        },
    ]
}

/// A PromQL query of a minute's steps, its cached answers left aside.
fn range(promql: &str, start: u64, end: u64) -> String {
    let query = http::encode(promql);
    format!("/api/v1/query_range?nocache=1&start={start}&end={end}&step=60&query={query}")
}

/// A PromQL query at one time.
fn instant(promql: &str, time: u64) -> String {
    let query = http::encode(promql);
    format!("/api/v1/query?nocache=1&time={time}&query={query}")
}

impl Query {
    /// Path and query of the request to a server.
    fn target(&self, product: Product) -> String {
        match product {
            Product::Gyre | Product::Influxd => http::query_target(DB, &self.influxql),
            Product::VictoriaMetrics => self.promql.clone(),
        }
    }

    /// What a server says; fails when that is nothing.
    fn answer(&self, server: &Server) -> Result<Value> {
        let body = ask(&mut server.client().connect()?, &self.target(server.product))?;
        let answer: Value = serde_json::from_slice(&body)?;
        let found = match server.product {
            Product::Gyre | Product::Influxd => answer.pointer("/results/0/series"),
            Product::VictoriaMetrics => answer.pointer("/data/result").or_else(|| answer.get("data")),
        };
        ensure!(
            found.and_then(Value::as_array).is_some_and(|found| !found.is_empty()),
            "empty answer: {answer}"
        );
        Ok(answer)
    }
}

/// Fails when a server's answer is empty, or is in InfluxQL and differs from that of the first server.
pub(crate) fn check(servers: &[Server], workload: &Workload) -> Result<()> {
    for query in all(workload) {
        let mut expected = None;
        for server in servers {
            let name = server.product.name();
            let answer = query
                .answer(server)
                .with_context(|| format!("{name}: {}", query.name))?;
            if server.product == Product::VictoriaMetrics {
                continue;
            }
            let expected = expected.get_or_insert_with(|| answer.clone());
            ensure!(
                agree(expected, &answer),
                "{}: not equal: {expected} and, of {name}, {answer}",
                query.influxql
            );
        }
    }
    Ok(())
}

/// The median time of each query on each server, milliseconds, by the query's name. Servers take turns.
pub(crate) fn medians(servers: &[Server], workload: &Workload, runs: u32) -> Result<Vec<(&'static str, Vec<f64>)>> {
    let clock = SystemClock::new();
    let connections: Result<Vec<Connection>> = servers.iter().map(|server| Ok(server.client().connect()?)).collect();
    let mut connections = connections?;
    let mut rows = Vec::new();
    for query in all(workload) {
        let mut times = vec![Vec::new(); servers.len()];
        for _ in 0..runs {
            for ((server, connection), times) in servers.iter().zip(&mut connections).zip(&mut times) {
                let target = query.target(server.product);
                let start = clock.elapsed();
                ask(connection, &target).with_context(|| format!("{}: {}", server.product.name(), query.name))?;
                times.push(clock.elapsed().saturating_sub(start));
            }
        }
        rows.push((query.name, times.into_iter().map(median_ms).collect()));
    }
    Ok(rows)
}

fn ask(connection: &mut Connection, target: &str) -> Result<Vec<u8>> {
    let answer = connection.send("GET", target, &[], b"")?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
    Ok(answer.body)
}

fn median_ms(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(f64::NAN, Duration::as_secs_f64) * 1e3
}

/// Whether two answers are the same but for the last digits of floats.
fn agree(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| agree(a, b)))
        }
        (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => match (x.as_f64(), y.as_f64()) {
            (Some(x), Some(y)) => (x - y).abs() <= TOLERANCE * x.abs().max(y.abs()),
            _ => false,
        },
        _ => a == b,
    }
}
