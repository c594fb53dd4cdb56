//! The slow way of a line: series and fields that are new, or come in another order, and what InfluxDB refuses.

use std::sync::Arc;

use crate::{
    influx::line::{FieldValue, Line, unescape_field_key},
    query::source::FieldType,
};

use super::{Batch, key_range, type_of};
use crate::tsdb::{
    block::SeriesId,
    fields::{Field, Layout, LayoutField},
    index::{Tags, parse},
};

/// A field of a line; no two of a line have the same name.
struct LineField<'a> {
    written: &'a [u8],
    name: Arc<str>,
    value: FieldValue<'a>,
    known: Option<Field>,
}

/// The series of a line.
enum LineSeries {
    Known(SeriesId),
    New(Tags),
}

impl Batch<'_> {
    /// Finds or makes series and fields of a line. A line that is refused, in InfluxDB's words, makes none.
    pub(super) fn admit<'l>(
        &mut self,
        found: Option<SeriesId>,
        line: &Line<'l>,
    ) -> Result<(SeriesId, Layout, Vec<FieldValue<'l>>), String> {
        let (measurement, series) = self.series_of(found, line)?;
        let fields = self.fields_of(&measurement, line)?;
        let series = match series {
            LineSeries::Known(series) => series,
            LineSeries::New(tags) => self.add_series(&measurement, &tags)?,
        };
        self.index.remember(&line.body[key_range(line)], series);
        let (layout, values) = self.layout_of(&measurement, fields)?;
        Ok((series, layout, values))
    }

    fn series_of(&self, found: Option<SeriesId>, line: &Line<'_>) -> Result<(Arc<str>, LineSeries), String> {
        if let Some(entry) = found.and_then(|series| self.index.get(series)) {
            return Ok((Arc::clone(&entry.measurement), LineSeries::Known(entry.id)));
        }
        let (measurement, tags) = parse(line).map_err(|invalid| invalid.to_string())?;
        let series = self
            .index
            .find(&measurement, &tags)
            .map_or(LineSeries::New(tags), LineSeries::Known);
        Ok((measurement, series))
    }

    /// The fields of a line, the last of each name; InfluxDB ignores one named `time`.
    fn fields_of<'l>(&self, measurement: &str, line: &Line<'l>) -> Result<Vec<LineField<'l>>, String> {
        let set = self
            .index
            .measurement(measurement)
            .and_then(|known| known.fields.get(&self.policy.id));
        let mut fields: Vec<LineField<'l>> = Vec::new();
        for (written, value) in line.fields() {
            let name: Arc<str> = String::from_utf8_lossy(&unescape_field_key(written)).into();
            if &*name == "time" {
                continue;
            }
            let earlier = fields.iter_mut().find(|field| field.name == name);
            let known = set.and_then(|set| set.get(&name));
            let expected = known
                .map(|field| field.of)
                .or(earlier.as_ref().map(|field| type_of(field.value)));
            if let Some(expected) = expected.filter(|expected| *expected != type_of(value)) {
                return Err(conflict(&name, measurement, type_of(value), expected));
            }
            match earlier {
                Some(earlier) => earlier.value = value,
                None => fields.push(LineField {
                    written,
                    name,
                    value,
                    known,
                }),
            }
        }
        let new = fields.iter().filter(|field| field.known.is_none()).count();
        if !self
            .index
            .measurement(measurement)
            .is_none_or(|known| known.has_room_for(new))
        {
            return Err(format!("measurement {measurement:?} has too many fields"));
        }
        if fields.is_empty() {
            return Err(format!(
                "invalid field name: input field \"time\" on measurement {measurement:?} is invalid"
            ));
        }
        Ok(fields)
    }

    fn add_series(&mut self, measurement: &str, tags: &Tags) -> Result<SeriesId, String> {
        let limit = self.options.max_series_per_database;
        if limit > 0 && self.index.len() >= limit {
            return Err(format!("max-series-per-database limit exceeded: ({limit})"));
        }
        self.check_tag_values(measurement, tags)?;
        let id = SeriesId::try_from(*self.next_series).map_err(|_| "no more series can be added".to_owned())?;
        *self.next_series += 1;
        self.fresh.push(self.index.insert(id, measurement, tags));
        Ok(id)
    }

    fn check_tag_values(&self, measurement: &str, tags: &Tags) -> Result<(), String> {
        let limit = self.options.max_values_per_tag;
        let Some(known) = self.index.measurement(measurement).filter(|_| limit > 0) else {
            return Ok(());
        };
        for (key, value) in tags.iter() {
            let (count, has_value) = known.tag_values(key, value);
            if count >= limit && !has_value {
                return Err(format!(
                    "max-values-per-tag limit exceeded ({count}/{limit}): measurement={measurement:?} tag={key:?} value={value:?}"
                ));
            }
        }
        Ok(())
    }

    /// Makes the fields that are new; there is room for them.
    fn layout_of<'l>(
        &mut self,
        measurement: &str,
        fields: Vec<LineField<'l>>,
    ) -> Result<(Layout, Vec<FieldValue<'l>>), String> {
        let too_many = || format!("measurement {measurement:?} has too many fields");
        let known = self.index.measurement_mut(measurement).ok_or_else(too_many)?;
        let mut layout = Vec::with_capacity(fields.len());
        let mut values = Vec::with_capacity(fields.len());
        for LineField {
            written,
            name,
            value,
            known: field,
        } in fields
        {
            let field = match field {
                Some(field) => field,
                None => {
                    let id = known.take_field_id().ok_or_else(too_many)?;
                    let field = Field { id, of: type_of(value) };
                    known.fields.entry(self.policy.id).or_default().insert(name, field);
                    field
                }
            };
            layout.push(LayoutField {
                written: written.into(),
                field,
            });
            values.push(value);
        }
        Ok((known.fields.entry(self.policy.id).or_default().layout(layout), values))
    }
}

fn conflict(field: &str, measurement: &str, given: FieldType, existing: FieldType) -> String {
    let (given, existing) = (type_name(given), type_name(existing));
    format!(
        "field type conflict: input field {field:?} on measurement {measurement:?} is type {given}, already exists as type {existing}"
    )
}

fn type_name(of: FieldType) -> &'static str {
    match of {
        FieldType::Float => "float",
        FieldType::Integer => "integer",
        FieldType::Unsigned => "unsigned",
        FieldType::String => "string",
        FieldType::Boolean => "boolean",
    }
}
