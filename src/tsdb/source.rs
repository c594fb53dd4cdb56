//! The engine as a source of series for the query languages.

use std::sync::Arc;

use crate::{
    base::ErrorKind,
    query::source::{FieldType, Piece, Place, Policy, RowsIter, Series, SeriesSource, SourceError, TagFilter, Times},
};

use super::{
    block::{BlockError, FieldId, SeriesId},
    engine::Engine,
    scan::{GroupView, Scan},
    state::{Database, Policy as PolicyState},
};

/// No field has this id: see [`super::index::Measurement::take_field_id`].
const NO_FIELD: FieldId = FieldId::MAX;

impl SeriesSource for Engine {
    fn databases(&self) -> Vec<String> {
        self.read_state()
            .databases
            .iter()
            .map(|database| database.name.clone())
            .collect()
    }

    fn policies(&self, db: &str) -> Option<Vec<Policy>> {
        let state = self.read_state();
        let database = state.database(db)?;
        Some(
            database
                .policies
                .iter()
                .map(|policy| describe(database, policy))
                .collect(),
        )
    }

    fn default_policy(&self, db: &str) -> Option<String> {
        self.read_state()
            .database(db)
            .map(|database| database.default_policy.clone())
    }

    fn measurements(&self, db: &str) -> Vec<Arc<str>> {
        let state = self.read_state();
        let names = state.database(db).map(|database| {
            database
                .index
                .measurements()
                .map(|(name, _)| Arc::clone(name))
                .collect()
        });
        names.unwrap_or_default()
    }

    fn fields(&self, place: Place<'_>) -> Vec<(Arc<str>, FieldType)> {
        let state = self.read_state();
        let Some(database) = state.database(place.db) else {
            return Vec::new();
        };
        let set = database
            .policy(place.policy)
            .and_then(|policy| database.index.measurement(place.measurement)?.fields.get(&policy.id));
        let mut fields: Vec<_> = set
            .map(|set| set.iter().map(|(name, field)| (Arc::clone(name), field.of)).collect())
            .unwrap_or_default();
        fields.sort();
        fields
    }

    fn tag_keys(&self, db: &str, measurement: &str) -> Vec<Arc<str>> {
        let state = self.read_state();
        let measurement = state
            .database(db)
            .and_then(|database| database.index.measurement(measurement));
        measurement.map(super::index::Measurement::tag_keys).unwrap_or_default()
    }

    fn tag_values(&self, db: &str, measurement: &str, key: &str) -> Vec<Arc<str>> {
        let state = self.read_state();
        let measurement = state
            .database(db)
            .and_then(|database| database.index.measurement(measurement));
        measurement
            .map(|measurement| measurement.values_of(key))
            .unwrap_or_default()
    }

    fn series(&self, db: &str, measurement: &str, filter: &TagFilter) -> Vec<Series> {
        let state = self.read_state();
        let Some(database) = state.database(db) else {
            return Vec::new();
        };
        let selected = database.index.select(measurement, filter).into_iter();
        let series = selected.map(|entry| Series {
            id: u64::from(database.id) << 32 | u64::from(entry.id),
            tags: Arc::clone(&entry.tags),
        });
        series.collect()
    }

    fn rows<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        fields: &[Arc<str>],
        times: Times,
        descending: bool,
    ) -> RowsIter<'a> {
        let scans = self.scans(place, series, fields, times, descending);
        let rows = scans.flat_map(|mut scan| std::iter::from_fn(move || scan.next_rows()));
        Box::new(rows.map(|rows| rows.map_err(|error| source_error(&error))))
    }

    fn summaries<'a>(
        &'a self,
        place: Place<'a>,
        series: &Series,
        field: &Arc<str>,
        times: Times,
    ) -> Option<Box<dyn Iterator<Item = Result<Piece, SourceError>> + Send + 'a>> {
        let scans = self.scans(place, series, std::slice::from_ref(field), times, false);
        let pieces = scans.flat_map(|mut scan| std::iter::from_fn(move || scan.next_piece()));
        Some(Box::new(
            pieces.map(|piece| piece.map_err(|error| source_error(&error))),
        ))
    }
}

impl Engine {
    /// Scans of the shard groups that have rows of a series, in order of time.
    fn scans(
        &self,
        place: Place<'_>,
        series: &Series,
        fields: &[Arc<str>],
        times: Times,
        descending: bool,
    ) -> impl Iterator<Item = Scan> + Send + use<> {
        let (series, fields, mut views) = self.views(place, series.id, fields, times).unwrap_or_default();
        if descending {
            views.reverse();
        }
        views
            .into_iter()
            .map(move |view| Scan::new(view, series, fields.clone(), times, descending))
    }

    /// Everything that reading needs, taken under one lock; `None`: there are no such series or fields.
    fn views(
        &self,
        place: Place<'_>,
        series: u64,
        fields: &[Arc<str>],
        times: Times,
    ) -> Option<(SeriesId, Vec<FieldId>, Vec<GroupView>)> {
        let state = self.read_state();
        let database = state
            .database(place.db)
            .filter(|database| u64::from(database.id) == series >> 32)?;
        let policy = database.policy(place.policy)?;
        let set = database.index.measurement(place.measurement)?.fields.get(&policy.id)?;
        let fields: Vec<FieldId> = fields
            .iter()
            .map(|name| set.get(name).map_or(NO_FIELD, |field| field.id))
            .collect();
        let series = SeriesId::try_from(series & u64::from(SeriesId::MAX)).ok()?;
        database.index.get(series)?;
        let views = policy
            .groups
            .values()
            .filter_map(|group| group.view(series, &fields, times))
            .collect();
        Some((series, fields, views))
    }
}

fn describe(database: &Database, policy: &PolicyState) -> Policy {
    Policy {
        name: policy.name.clone(),
        duration_ns: policy.duration_ns,
        shard_duration_ns: policy.shard_duration_ns,
        replication: policy.replication,
        is_default: policy.name == database.default_policy,
    }
}

fn source_error(error: &BlockError) -> SourceError {
    match error.kind() {
        ErrorKind::Corrupt => SourceError::Damaged(error.to_string()),
        _ => SourceError::Unavailable(error.to_string()),
    }
}
