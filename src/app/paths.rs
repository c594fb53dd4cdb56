//! The write path and the read path, put together from their parts.

use std::sync::Arc;

use tokio::{sync::Semaphore, task::JoinHandle};

use crate::{
    actors::BackendHandle,
    base::ByteBudget,
    config::{Ack, Config, Delivery},
    influx::line::Limits,
    obs::Metrics,
    proxy::{
        agreement::{Agreement, ring::RingDocument},
        client::{Client, ClientOptions},
        fleet::Fleet,
        intake::Intake,
        lookup::Lookup,
        reader::Reader,
        readiness::Readiness,
        watermark::Watermarks,
    },
};

use super::{StartError, embedded, fleet, sharing::Sharing, stores::Stores};

/// Error text about bad lines in one answer.
const MAX_LINE_ERRORS: usize = 64 << 10;

/// What both paths stand on.
pub(super) struct Paths {
    pub(super) fleet: Arc<Fleet>,
    pub(super) options: ClientOptions,
    pub(super) client: Client,
    pub(super) agreement: Arc<Agreement>,
    pub(super) lookup: Arc<Lookup>,
}

impl Paths {
    pub(super) async fn open(config: &Config, stores: &Stores) -> Result<Self, StartError> {
        let fleet = Arc::new(fleet::build(config, stores).await?);
        let options = client_options(&config.delivery);
        let client = Client::new(fleet.backends.iter().map(AsRef::as_ref), options)?;
        let shared = || Arc::clone(&stores.shared);
        let agreement = Agreement::open(shared(), RingDocument::of(config)).await?;
        let lookup = Lookup::open(Arc::clone(&fleet), shared(), Arc::clone(&stores.clock)).await?;
        Ok(Self {
            fleet,
            options,
            client,
            agreement: Arc::new(agreement),
            lookup: Arc::new(lookup),
        })
    }

    /// What tells whether they can be used.
    pub(super) fn readiness(&self, stores: &Stores) -> Readiness {
        Readiness {
            fleet: Arc::clone(&self.fleet),
            journal: stores.journal.clone(),
            agreement: Arc::clone(&self.agreement),
        }
    }

    /// Begins to follow what other processes change; `actors` are those of remote backends, in the order of the fleet.
    pub(super) fn share(&self, actors: &[BackendHandle]) -> JoinHandle<()> {
        let remote = self
            .fleet
            .backends
            .iter()
            .filter(|backend| embedded::is_remote(backend));
        let names = remote.map(|backend| backend.config.name.clone());
        let sharing = Sharing {
            agreement: Arc::clone(&self.agreement),
            lookup: Arc::clone(&self.lookup),
            backends: names.zip(actors.iter().cloned()).collect(),
        };
        sharing.start()
    }

    /// Where writes and queries come in.
    pub(super) fn ends(
        &self,
        config: &Config,
        stores: &Stores,
        metrics: &Metrics,
        budget: &ByteBudget,
    ) -> (Arc<Intake>, Arc<Reader>) {
        let intake = Arc::new(self.intake(config, stores, metrics));
        let reader = Arc::new(reader(config, &intake, budget, stores));
        (intake, reader)
    }

    fn intake(&self, config: &Config, stores: &Stores, metrics: &Metrics) -> Intake {
        Intake {
            agreement: Arc::clone(&self.agreement),
            fleet: Arc::clone(&self.fleet),
            journal: stores.journal.clone(),
            watermarks: Arc::new(Watermarks::starting_at(stores.journal.committed())),
            lookup: Arc::clone(&self.lookup),
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
}

fn client_options(delivery: &Delivery) -> ClientOptions {
    ClientOptions {
        timeout: delivery.timeout,
        connect_timeout: delivery.connect_timeout,
        connections: delivery.connections.get(),
    }
}

fn reader(config: &Config, intake: &Arc<Intake>, budget: &ByteBudget, stores: &Stores) -> Reader {
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
