//! The actors of circles and backends.

use std::{sync::Arc, time::Duration};

use crate::{
    actors::{BackendHandle, BackendParts, CircleHandle, CircleParts},
    config::{Ack, Config},
    obs::Metrics,
    proxy::{courier::Courier, fleet::Backend, queue::Queue},
};

use super::{embedded, paths::Paths, stores::Stores};

/// What the actors are made of.
pub(super) struct ActorParts<'a> {
    pub(super) config: &'a Config,
    pub(super) paths: &'a Paths,
    pub(super) stores: &'a Stores,
    pub(super) metrics: &'a Metrics,
}

impl ActorParts<'_> {
    /// Starts an actor for each circle and each remote backend; `queues` are those of the latter, in order.
    pub(super) fn start(&self, queues: &[Arc<Queue>]) -> (Vec<CircleHandle>, Vec<BackendHandle>) {
        let mut queues = queues.iter();
        let mut circles = Vec::new();
        let mut all = Vec::new();
        for circle in &self.paths.fleet.circles {
            let mut backends = Vec::with_capacity(circle.members.len());
            for backend in &circle.members {
                let queue = if embedded::is_remote(backend) {
                    queues.next()
                } else {
                    None
                };
                backends.push(queue.map(|queue| self.start_backend(backend, queue)));
            }
            all.extend(backends.iter().flatten().cloned());
            let parts = CircleParts {
                id: circle.id,
                fleet: Arc::clone(&self.paths.fleet),
                backends,
            };
            circles.push(CircleHandle::start(
                parts,
                self.metrics.restarts(&format!("circle {}", circle.name)),
            ));
        }
        (circles, all)
    }

    fn start_backend(&self, backend: &Arc<Backend>, queue: &Arc<Queue>) -> BackendHandle {
        let courier = Courier {
            backend: Arc::clone(backend),
            queue: Arc::clone(queue),
            client: self.paths.client.clone(),
            lookup: Arc::clone(&self.paths.lookup),
            dead_letters: self.stores.dead_letters.clone(),
            config: self.config.delivery,
            clock: Arc::clone(&self.stores.clock),
            metrics: self.metrics.backend(&backend.config.name),
            alone: Arc::default(),
        };
        let linger = match self.config.proxy.ack {
            Ack::Journal => self.config.delivery.linger,
            Ack::Applied { .. } => Duration::ZERO,
        };
        let parts = BackendParts {
            courier: Arc::new(courier),
            config: self.config.delivery,
            linger,
            fleet: Arc::clone(&self.paths.fleet),
            shared: Arc::clone(&self.stores.shared),
        };
        BackendHandle::start(
            parts,
            self.metrics.restarts(&format!("backend {}", backend.config.name)),
        )
    }
}
