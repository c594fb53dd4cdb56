//! `SELECT` from measurements of different owners: each is asked for its own, and the series are put in order.
//!
//! InfluxDB gives a field one type in the whole statement, the strongest that any of the measurements has; weaker values
//! are converted or left out. An owner sees its own measurements only, so where types differ it is told by a cast.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    base::Reserved,
    influx::{
        influxql::ast::{DataType, Page, Select, Show, ShowFieldKeys, Statement},
        result::{MergeRule, StatementResult, merge},
    },
};

use super::{
    super::{
        client::Client,
        plan::{self, Replicas},
    },
    Asked, Options, QueryError, Reader,
};

/// Types of fields, the strongest first.
const TYPES: [DataType; 5] = [
    DataType::Float,
    DataType::Integer,
    DataType::Unsigned,
    DataType::String,
    DataType::Boolean,
];

impl Reader {
    /// Asks for each part of a select where it is, and puts the series in order.
    pub(super) async fn split(
        &self,
        client: &Client,
        split: (Vec<(Select, Replicas)>, bool),
        options: &Options,
        reserved: &mut Reserved,
    ) -> Asked {
        let (parts, descending) = split;
        let now = self.clock.now();
        let types = self.disputed_types(client, &parts, options, reserved).await?;
        let mut answers = Vec::with_capacity(parts.len());
        for (select, replicas) in parts {
            let typed = Statement::Select(Box::new(select.with_types(&types)));
            let statement = plan::at_time(&typed, now);
            let answer = self.ask_decoded(client, &replicas, &statement, options, reserved);
            answers.push(answer.await?);
        }
        Ok(merge(MergeRule::Select { descending }, answers, |_| false))
    }

    /// The fields that have several types in these measurements, each with the strongest.
    async fn disputed_types(
        &self,
        client: &Client,
        parts: &[(Select, Replicas)],
        options: &Options,
        reserved: &mut Reserved,
    ) -> Result<BTreeMap<String, DataType>, QueryError> {
        if parts.len() < 2 {
            return Ok(BTreeMap::new());
        }
        let mut known: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (select, replicas) in parts {
            let show = Statement::Show(Show::FieldKeys(ShowFieldKeys {
                database: None,
                sources: select.sources.clone(),
                order: None,
                page: Page::default(),
            }));
            let shown = self.ask_decoded(client, replicas, &show, options, reserved).await?;
            for (field, strength) in fields(&shown) {
                known.entry(field).or_default().insert(strength);
            }
        }
        let disputed = known.into_iter().filter(|(_, strengths)| strengths.len() > 1);
        Ok(disputed
            .filter_map(|(field, strengths)| Some((field, *TYPES.get(*strengths.first()?)?)))
            .collect())
    }
}

/// Names and positions in [`TYPES`] from the rows of `SHOW FIELD KEYS`: fieldKey, fieldType.
fn fields(shown: &StatementResult) -> impl Iterator<Item = (String, usize)> {
    let rows = shown.series.iter().flat_map(|series| &series.values);
    rows.filter_map(|row| {
        let (name, kind) = (row.first()?.as_str()?, row.get(1)?.as_str()?);
        let strength = TYPES.iter().position(|known| known.text() == kind)?;
        Some((name.to_owned(), strength))
    })
}
