//! `SELECT ... INTO`: the rows of the select become points, which take the way of any write.

use crate::{
    base::{ErrorKind, Reserved, TimestampNs},
    influx::{
        influxql::ast::{Select, Show, Statement, Target},
        line::{
            Precision,
            write::{self, Point},
        },
        result::{Format, Message, Series, StatementResult, Value},
    },
};

use super::{
    super::{client::Client, intake::Write},
    Asked, Options, QueryError, Reader, of_error,
};

/// Lines are written when they are about this many bytes.
const BATCH_BYTES: usize = 1 << 20;

/// Where the points go, with the request's defaults filled in.
struct Place<'a> {
    db: &'a str,
    policy: &'a str,
}

impl Reader {
    /// Runs `select`, which is `statement` without its target, and writes what it answers; answers how many points.
    pub(super) async fn into(
        &self,
        client: &Client,
        (statement, select, target): (&Statement, Select, Target),
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let place = Place {
            db: target.database.as_deref().unwrap_or(&options.db),
            policy: target.policy.as_deref().unwrap_or(&options.policy),
        };
        if let Some(missing) = self.missing(client, &place, options, reserved).await? {
            return Ok(missing);
        }
        // Only MessagePack tells a float from an integer.
        let typed = Options {
            accept: Format::MsgPack.content_type().to_owned(),
            ..options.clone()
        };
        let select = Statement::Select(Box::new(select));
        let read = self.hold(client, &select, &typed, reserved).await?;
        if read.error.is_some() {
            return Ok(read);
        }
        match self
            .write_series(client, &place, &read.series, target.name.as_deref())
            .await
        {
            Ok(written) => Ok(summary(written, read.messages, statement, options)),
            Err(QueryError::Change(error)) if error.kind() == ErrorKind::InvalidArgument => {
                Ok(of_error(0, &error.to_string()))
            }
            Err(error) => Err(error),
        }
    }

    /// The answer when the database or the policy does not exist, which InfluxDB looks at first.
    async fn missing(
        &self,
        client: &Client,
        place: &Place<'_>,
        options: &Options,
        reserved: &mut Reserved,
    ) -> Result<Option<StatementResult>, QueryError> {
        if place.db.is_empty() {
            return Ok(Some(of_error(0, "database name required")));
        }
        if !self.intake.databases.allows(place.db) {
            return Err(QueryError::DatabaseForbidden(place.db.to_owned()));
        }
        let policies = Statement::Show(Show::RetentionPolicies(Some(place.db.to_owned())));
        let listed = self.hold(client, &policies, options, reserved).await?;
        if listed.error.is_some() {
            return Ok(Some(listed));
        }
        let mut rows = listed.series.iter().flat_map(|series| &series.values);
        let is_there = |row: &Vec<Value>| row.first().and_then(Value::as_str) == Some(place.policy);
        let exists = place.policy.is_empty() || rows.any(is_there);
        Ok((!exists).then(|| of_error(0, &format!("retention policy not found: {}", place.policy))))
    }

    async fn write_series(
        &self,
        client: &Client,
        place: &Place<'_>,
        series: &[Series],
        name: Option<&str>,
    ) -> Result<i64, QueryError> {
        let mut written = 0;
        let mut lines = Vec::new();
        for series in series {
            let name = name.unwrap_or(&series.name);
            for row in &series.values {
                written += i64::from(push_point(&mut lines, name, series, row));
                if lines.len() >= BATCH_BYTES {
                    self.write_lines(client, place, &mut lines).await?;
                }
            }
        }
        self.write_lines(client, place, &mut lines).await?;
        Ok(written)
    }

    async fn write_lines(&self, client: &Client, place: &Place<'_>, lines: &mut Vec<u8>) -> Result<(), QueryError> {
        let write = Write {
            db: place.db,
            policy: place.policy,
            precision: Precision::Nanoseconds,
            body: lines,
        };
        self.intake.write(client, write).await?;
        lines.clear();
        Ok(())
    }
}

/// Appends a row as a point. `false` when it is none, as without a value: InfluxDB leaves such rows out.
fn push_point(lines: &mut Vec<u8>, name: &str, series: &Series, row: &[Value]) -> bool {
    let Some(time) = row.first().and_then(time_of) else {
        return false;
    };
    let tags: Vec<_> = series
        .tags
        .iter()
        .map(|(key, value)| (key.as_bytes(), value.as_bytes()))
        .collect();
    let columns = series.columns.iter().zip(row).skip(1);
    let fields = columns.filter_map(|(key, value)| Some((key.as_bytes(), field_of(value)?)));
    let fields: Vec<_> = fields.collect();
    let point = Point {
        measurement: name.as_bytes(),
        tags: &tags,
        fields: &fields,
        time,
    };
    write::append(lines, &point).is_ok()
}

fn time_of(value: &Value) -> Option<TimestampNs> {
    match value {
        Value::Time(at) | Value::LocalTime { at, .. } => Some(*at),
        _ => None,
    }
}

/// Rows of a select are typed; a time among their values cannot be stored.
fn field_of(value: &Value) -> Option<write::Value<'_>> {
    Some(match value {
        Value::Bool(value) => write::Value::Boolean(*value),
        Value::Integer(value) => write::Value::Integer(*value),
        Value::Unsigned(value) => write::Value::Unsigned(*value),
        Value::Float(value) => write::Value::Float(*value),
        Value::String(value) => write::Value::String(value.as_bytes()),
        Value::Null | Value::Number(_) | Value::Time(_) | Value::LocalTime { .. } => return None,
    })
}

fn summary(written: i64, mut messages: Vec<Message>, statement: &Statement, options: &Options) -> StatementResult {
    messages.extend(options.read_only_warning(statement));
    StatementResult {
        series: vec![Series {
            name: "result".to_owned(),
            columns: vec!["time".to_owned(), "written".to_owned()],
            values: vec![vec![Value::Time(TimestampNs(0)), Value::Integer(written)]],
            ..Series::default()
        }],
        messages,
        ..StatementResult::default()
    }
}
