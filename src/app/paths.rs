//! The write path and the read path, put together from their parts.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    base::ByteBudget,
    config::{Ack, Config},
    influx::line::Limits,
    obs::Metrics,
    proxy::{
        agreement::Agreement, fleet::Fleet, intake::Intake, lookup::Lookup, reader::Reader, watermark::Watermarks,
    },
};

use super::stores::Stores;

/// Error text about bad lines in one answer.
const MAX_LINE_ERRORS: usize = 64 << 10;

/// The write path.
pub(super) fn intake(
    config: &Config,
    fleet: &Arc<Fleet>,
    stores: &Stores,
    (agreement, lookup): (&Arc<Agreement>, &Arc<Lookup>),
    metrics: &Metrics,
) -> Intake {
    Intake {
        agreement: Arc::clone(agreement),
        fleet: Arc::clone(fleet),
        journal: stores.journal.clone(),
        watermarks: Arc::new(Watermarks::starting_at(stores.journal.committed())),
        lookup: Arc::clone(lookup),
        clock: Arc::clone(&stores.clock),
        ack: config.proxy.ack,
        statement_timeout: config.delivery.timeout,
        limits: Limits {
            max_line: config.http.max_line.as_usize(),
            max_errors: MAX_LINE_ERRORS,
        },
        databases: config.proxy.databases.clone(),
        metrics: metrics.write.clone(),
    }
}

/// The read path.
pub(super) fn reader(config: &Config, intake: &Arc<Intake>, budget: &ByteBudget, stores: &Stores) -> Reader {
    Reader {
        fleet: Arc::clone(&intake.fleet),
        watermarks: Arc::clone(&intake.watermarks),
        intake: Arc::clone(intake),
        lookup: Arc::clone(&intake.lookup),
        patience: match config.proxy.ack {
            Ack::Applied { timeout } => timeout,
            Ack::Journal => config.delivery.linger * 4,
        },
        settings: config.query,
        admission: Semaphore::new(config.query.max_concurrent.get().min(Semaphore::MAX_PERMITS)),
        budget: budget.clone(),
        clock: Arc::clone(&stores.clock),
    }
}
