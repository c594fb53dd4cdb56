//! `gyre export`: a database as line protocol, in the form of `influx_inspect export` that `influx -import` reads.
//!
//! Types are taken from `SHOW FIELD KEYS`, as JSON does not tell `1` from `1.0`. A measurement is one `SELECT` of its fields
//! (`::field`, so that a tag of the same name is no rival) `GROUP BY *`, read in chunks: memory is bounded by a chunk.
//!
//! Not exactly carried: names that are not UTF-8, and a field that has several types in different shards, of which InfluxQL
//! shows one; points that line protocol has no form for are counted, named and make the command fail.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use flate2::{Compression, write::GzEncoder};
use gyre::{
    base::TimestampNs,
    influx::{
        influxql::print::{quote_ident, quote_string},
        line::write::{self, Point, Value as FieldValue},
        result::{Series, Value},
    },
};

use super::{
    out::{self, StandardOutput},
    progress::Progress,
    remote::{Remote, Session, wait_for},
};

/// What to export from a running Gyre, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    remote: Remote,
    /// The database.
    #[arg(long)]
    db: String,
    /// Only this retention policy.
    #[arg(long)]
    rp: Option<String>,
    /// Only this measurement; may be given several times.
    #[arg(long)]
    measurement: Vec<String>,
    /// The first time to export: RFC 3339 or nanoseconds.
    #[arg(long, allow_hyphen_values = true)]
    start: Option<String>,
    /// The last time to export: RFC 3339 or nanoseconds.
    #[arg(long, allow_hyphen_values = true)]
    end: Option<String>,
    /// Compress with gzip.
    #[arg(long)]
    gzip: bool,
    /// The file to write, or `-` for standard output.
    #[arg(long)]
    out: PathBuf,
}

/// Carries the command out.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match wait_for(export(arguments)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(lost) => {
            eprintln!("{lost} points have no form in line protocol and are missing");
            ExitCode::FAILURE
        }
        Err(error) => out::end(Err(error), "the export is not complete: "),
    }
}

/// The number of points that could not be written.
async fn export(arguments: &Arguments) -> anyhow::Result<u64> {
    let session = arguments.remote.session()?;
    let policies = policies(&session, arguments).await?;
    let measurements = measurements(&session, arguments).await?;
    let mut output = Output {
        sink: Sink::open(&arguments.out, arguments.gzip)?,
        line: Vec::new(),
        progress: Progress::new("exported", "points"),
        lost: 0,
    };
    output.sink.write_all(ddl(&arguments.db, &policies).as_bytes())?;
    let range = time_range(arguments);
    for policy in &policies {
        let header = format!(
            "# CONTEXT-DATABASE: {}\n# CONTEXT-RETENTION-POLICY: {}\n\n",
            arguments.db, policy.name
        );
        output.sink.write_all(header.as_bytes())?;
        for (measurement, types) in &measurements {
            let statement = select(&arguments.db, &policy.name, measurement, types, &range);
            session
                .query_each(&statement, |series| output.add(&series, types))
                .await?;
        }
    }
    output.sink.finish()?;
    output.progress.finish();
    Ok(output.lost)
}

/// A retention policy as `SHOW RETENTION POLICIES` lists it.
#[derive(Debug)]
struct Policy {
    name: String,
    duration: String,
    shard_duration: String,
    replication: String,
    default: bool,
}

async fn policies(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<Vec<Policy>> {
    let statement = format!("SHOW RETENTION POLICIES ON {}", quote_ident(&arguments.db));
    let all = session.query(&statement).await?;
    let mut policies: Vec<Policy> = all.iter().flat_map(policies_of).collect();
    if let Some(wanted) = &arguments.rp {
        policies.retain(|policy| policy.name == *wanted);
        anyhow::ensure!(!policies.is_empty(), "retention policy not found: {wanted}");
    }
    Ok(policies)
}

fn policies_of(series: &Series) -> impl Iterator<Item = Policy> {
    let column = |name: &str| series.columns.iter().position(|column| column == name);
    let text = move |row: &[Value], name: &str| match column(name).and_then(|at| row.get(at)) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.as_str().to_owned(),
        Some(Value::Bool(flag)) => flag.to_string(),
        _ => String::new(),
    };
    series.values.iter().map(move |row| Policy {
        name: text(row, "name"),
        duration: text(row, "duration"),
        shard_duration: text(row, "shardGroupDuration"),
        replication: text(row, "replicaN"),
        default: text(row, "default") == "true",
    })
}

/// The statements that make the database and its policies again.
fn ddl(db: &str, policies: &[Policy]) -> String {
    let db = quote_ident(db);
    let mut text = format!("# DDL\nCREATE DATABASE {db}");
    if let Some(policy) = policies.iter().find(|policy| policy.default) {
        text += &format!(" WITH {} NAME {}", described(policy), quote_ident(&policy.name));
    }
    text.push('\n');
    for policy in policies.iter().filter(|policy| !policy.default) {
        let name = quote_ident(&policy.name);
        text += &format!("CREATE RETENTION POLICY {name} ON {db} {}\n", described(policy));
    }
    text + "\n# DML\n"
}

fn described(policy: &Policy) -> String {
    let Policy {
        duration, replication, ..
    } = policy;
    let duration = if duration == "0s" { "INF" } else { duration };
    let mut text = format!("DURATION {duration} REPLICATION {replication}");
    if !matches!(policy.shard_duration.as_str(), "" | "0s") {
        text += &format!(" SHARD DURATION {}", policy.shard_duration);
    }
    text
}

/// The types of a measurement's fields as InfluxDB names them, the one that a query shows last.
type FieldTypes = BTreeMap<String, String>;

async fn measurements(session: &Session<'_>, arguments: &Arguments) -> anyhow::Result<Vec<(String, FieldTypes)>> {
    let mut measurements: BTreeMap<String, FieldTypes> = BTreeMap::new();
    let statement = format!("SHOW FIELD KEYS ON {}", quote_ident(&arguments.db));
    let add = |series: Series| {
        let types = measurements.entry(series.name).or_default();
        for row in &series.values {
            if let [Value::String(name), Value::String(kind), ..] = row.as_slice() {
                add_type(types, name, kind);
            }
        }
        Ok(())
    };
    session.query_each(&statement, add).await?;
    if !arguments.measurement.is_empty() {
        for wanted in &arguments.measurement {
            anyhow::ensure!(measurements.contains_key(wanted), "measurement not found: {wanted}");
        }
        measurements.retain(|name, _| arguments.measurement.contains(name));
    }
    Ok(measurements.into_iter().collect())
}

/// Of several types InfluxQL shows a number as a float when any is one.
fn add_type(types: &mut FieldTypes, name: &str, kind: &str) {
    let known = types.entry(name.to_owned()).or_insert_with(|| kind.to_owned());
    if kind == "float" {
        kind.clone_into(known);
    }
}

fn time_range(arguments: &Arguments) -> String {
    let bound = |operator: &str, text: &str| match text.parse::<i64>() {
        Ok(ns) => format!("time {operator} {ns}"),
        Err(_) => format!("time {operator} {}", quote_string(text)),
    };
    let start = arguments.start.as_deref().map(|text| bound(">=", text));
    let end = arguments.end.as_deref().map(|text| bound("<=", text));
    let bounds: Vec<String> = start.into_iter().chain(end).collect();
    if bounds.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", bounds.join(" AND "))
    }
}

fn select(db: &str, policy: &str, measurement: &str, types: &FieldTypes, range: &str) -> String {
    let fields: Vec<String> = types
        .keys()
        .map(|name| format!("{}::field", quote_ident(name)))
        .collect();
    let [db, policy, measurement] = [db, policy, measurement].map(quote_ident);
    format!(
        "SELECT {} FROM {db}.{policy}.{measurement}{range} GROUP BY *",
        fields.join(", ")
    )
}

/// Where lines go.
#[derive(Debug)]
struct Output {
    sink: Sink,
    line: Vec<u8>,
    progress: Progress,
    lost: u64,
}

impl Output {
    fn add(&mut self, series: &Series, types: &FieldTypes) -> anyhow::Result<()> {
        let tags: Vec<(&[u8], &[u8])> = series.tags.iter().map(|(k, v)| (k.as_bytes(), v.as_bytes())).collect();
        // columns are in the order of the SELECT, whatever they are called
        anyhow::ensure!(
            series.columns.len() == types.len() + 1,
            "an answer has other columns than asked for"
        );
        for row in &series.values {
            let (time, fields) = point_of(row, types).context("an answer has a cell that is not understood")?;
            let point = Point {
                measurement: series.name.as_bytes(),
                tags: &tags,
                fields: &fields,
                time,
            };
            self.line.clear();
            match write::append(&mut self.line, &point) {
                Ok(()) => {
                    self.sink.write_all(&self.line)?;
                    self.progress.add(1, self.line.len());
                }
                Err(error) => {
                    self.lost += 1;
                    self.progress
                        .remark(format_args!("{} at {}: {error}", series.name, time.0));
                }
            }
        }
        Ok(())
    }
}

type Fields<'a> = Vec<(&'a [u8], FieldValue<'a>)>;

/// A row's time and those of its fields that have a value.
fn point_of<'a>(row: &'a [Value], types: &'a FieldTypes) -> Option<(TimestampNs, Fields<'a>)> {
    let (time, cells) = row.split_first()?;
    let time = TimestampNs(i64::try_from(time.as_whole()?).ok()?);
    let mut fields = Vec::with_capacity(cells.len());
    for ((name, kind), cell) in types.iter().zip(cells) {
        if *cell != Value::Null {
            fields.push((name.as_bytes(), field_value(cell, kind)?));
        }
    }
    Some((time, fields))
}

fn field_value<'a>(cell: &'a Value, kind: &str) -> Option<FieldValue<'a>> {
    Some(match cell {
        Value::Bool(flag) => FieldValue::Boolean(*flag),
        Value::String(text) => FieldValue::String(text.as_bytes()),
        Value::Number(number) if kind == "integer" => FieldValue::Integer(number.as_i64()?),
        Value::Number(number) if kind == "unsigned" => FieldValue::Unsigned(number.as_u64()?),
        Value::Number(number) => FieldValue::Float(number.as_f64()),
        _ => return None,
    })
}

/// A file or standard output, maybe compressed.
#[derive(Debug)]
enum Sink {
    Plain(BufWriter<File>),
    Gzip(GzEncoder<BufWriter<File>>),
    Standard(StandardOutput),
    StandardGzip(GzEncoder<StandardOutput>),
}

impl Sink {
    fn open(path: &Path, gzip: bool) -> anyhow::Result<Self> {
        let level = Compression::default();
        if path == Path::new("-") {
            return Ok(if gzip {
                Self::StandardGzip(GzEncoder::new(StandardOutput, level))
            } else {
                Self::Standard(StandardOutput)
            });
        }
        let file = File::create(path).with_context(|| path.display().to_string())?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(if gzip {
            Self::Gzip(GzEncoder::new(file, level))
        } else {
            Self::Plain(file)
        })
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
            Self::Standard(out) => out.write_all(bytes),
            Self::StandardGzip(out) => out.write_all(bytes),
        }
    }

    /// Writes what is buffered; a file is then synced.
    fn finish(&mut self) -> io::Result<()> {
        let sync = |out: &mut BufWriter<File>| out.flush().and_then(|()| out.get_ref().sync_all());
        match self {
            Self::Plain(out) => sync(out),
            Self::Gzip(out) => out.try_finish().and_then(|()| sync(out.get_mut())),
            Self::Standard(out) => out.flush(),
            Self::StandardGzip(out) => out.try_finish().and_then(|()| out.get_mut().flush()),
        }
    }
}
