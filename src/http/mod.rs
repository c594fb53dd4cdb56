//! The front door. The only module that names actix-web.
//!
//! Each API family has a file or folder of its own, with its routes, its fallback and its error bodies; [`access`]
//! surrounds them all.

mod access;
mod admin;
mod auth;
mod body;
mod cluster_error;
mod cluster_path;
mod clusters;
mod cors;
mod error;
mod gyre;
mod health;
mod influx;
mod nodes;
mod params;
mod scale;
mod server;
mod snap;
mod sse;

use std::sync::Arc;

use crate::{
    actors::{CircleHandle, NodesHandle, PluginsHandle, TasksHandle, VersionsHandle},
    config::{Api, Config, Credentials},
    obs::Metrics,
    plugin::builtin::LastValues,
    proxy::{
        agreement::Agreement, backup::Backups, client::ClientOptions, dead_letters::DeadLetters, fleet::Fleet,
        intake::Intake, reader::Reader, readiness::Readiness,
    },
};

pub use body::BodyLimits;
pub use server::{Server, ServerError};

/// What handlers work with; shared by all workers.
#[derive(Debug)]
pub struct Services {
    /// Tells which part cannot do its work.
    pub readiness: Readiness,
    /// The ring in force, and whether the shared store is in reach.
    pub agreement: Arc<Agreement>,
    /// Copies what this process holds.
    pub backups: Backups,
    /// Takes writes in.
    pub intake: Arc<Intake>,
    /// Answers queries.
    pub reader: Arc<Reader>,
    /// The circles.
    pub fleet: Arc<Fleet>,
    /// The circles' actors.
    pub circles: Vec<CircleHandle>,
    /// The node registry.
    pub nodes: NodesHandle,
    /// The versioned metadata of clusters.
    pub versions: VersionsHandle,
    /// The plugins that are loaded.
    pub plugins: PluginsHandle,
    /// The telemetry tasks.
    pub tasks: TasksHandle,
    /// What the prometheus publisher was given last.
    pub last_values: Arc<LastValues>,
    /// What could not be delivered.
    pub dead_letters: DeadLetters,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Limits on bodies.
    pub limits: BodyLimits,
    /// Whom to let in.
    pub credentials: Option<Credentials>,
    /// Whose admin answers to give.
    pub api: Api,
    /// How workers talk to backends.
    pub client: ClientOptions,
    /// The configuration of the front door and of queries.
    pub config: Config,
}
