//! PURE. The schedule of a manifest, which Go reads into a struct.

use super::not_negative;
use crate::workflow::{
    godur,
    gojson::Value,
    gotime::{self, Moment},
    manifest::{ManifestError, Schedule, Window},
};

/// The shape of a schedule.
#[derive(Default, PartialEq)]
pub(super) struct ScheduleDraft {
    kind: String,
    interval: String,
    start: Option<Moment>,
    stop: Option<Moment>,
    count: u64,
}

impl ScheduleDraft {
    /// Reads a schedule as Go reads a struct: keys in any case, others left alone, a time that is none before wrong types.
    pub(super) fn decode(value: &Value) -> Result<Self, ManifestError> {
        let mut draft = Self::default();
        let mut wrong_type = None;
        for (key, value) in value.object("core.Schedule")? {
            let of_type = match key.to_ascii_lowercase().as_str() {
                "type" => value.string().map(|text| text.clone_into(&mut draft.kind)),
                "interval" => value.string().map(|text| text.clone_into(&mut draft.interval)),
                "count" => value.integer("uint").map(|count| draft.count = count),
                "start_timestamp" => moment(value).map(|moment| draft.start = moment).map(Ok)?,
                "stop_timestamp" => moment(value).map(|moment| draft.stop = moment).map(Ok)?,
                _ => continue,
            };
            if let Err(error) = of_type {
                let field = format!("Schedule.{}", key.to_ascii_lowercase());
                wrong_type.get_or_insert(error.in_field(&field));
            }
        }
        match wrong_type {
            None => Ok(draft),
            Some(error) => Err(error.into()),
        }
    }

    /// A schedule of a known type with what it needs.
    pub(super) fn build(self) -> Result<Schedule, ManifestError> {
        match self.kind.as_str() {
            "simple" | "windowed" | "cron" if self.interval.is_empty() => Err(ManifestError::NoInterval),
            "simple" | "windowed" => Ok(Schedule::Windowed(Window {
                interval: not_negative(godur::parse(&self.interval)?),
                start: self.start,
                stop: self.stop,
                count: self.count,
            })),
            "cron" => Ok(Schedule::Cron(self.interval)),
            "streaming" => Ok(Schedule::Streaming),
            _ => Err(ManifestError::UnknownSchedule(self.kind)),
        }
    }
}

/// Snap hands the JSON of a time to Go's parser as it is.
fn moment(value: &Value) -> Result<Option<Moment>, gotime::Invalid> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => gotime::parse_json(&format!("\"{text}\"")).map(Some),
        other => gotime::parse_json(&other.to_string()).map(Some),
    }
}
