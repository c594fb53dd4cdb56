#![warn(missing_docs)]
//! Gyre makes a fleet of plain time-series nodes behave like one dependable cluster.
//!
//! The library is the whole program but its command line; the modules, from the top down:
//!
//! | module | what it is |
//! |---|---|
//! | [`app`] | composition: what a configuration becomes, how it starts and stops |
//! | [`http`] | the front door |
//! | [`actors`] | control state that changes: an actor per circle, remote backend, task and plugin process |
//! | [`proxy`] | route, deliver, choose replicas, plan and merge queries; embedded backends |
//! | [`workflow`], [`plugin`] | the rules of telemetry, pure; plugins that run |
//! | [`query`], [`tsdb`] | InfluxQL over whoever holds the points; the embedded engine |
//! | [`cluster`] | the rules of the control plane, pure: nodes, hosts, versioned metadata |
//! | [`config`], [`meta`], [`obs`] | configuration; durable documents; metrics and logs |
//! | [`journal`] | the write-ahead log of the process |
//! | [`archive`] | the format of backups |
//! | [`influx`], [`ring`] | what InfluxDB speaks; influx-proxy's placement |
//! | [`base`] | words that all modules share |
//!
//! `ARCHITECTURE.md` has the life of a write, the life of a query, and the invariants.

pub mod actors;
pub mod app;
pub mod archive;
pub mod base;
pub mod cluster;
pub mod config;
pub mod http;
pub mod influx;
pub mod journal;
pub mod meta;
pub mod obs;
pub mod plugin;
pub mod proxy;
pub mod query;
pub mod ring;
pub mod tsdb;
pub mod workflow;
