#![warn(missing_docs)]
//! Gyre.
pub mod actors;
pub mod app;
pub mod base;
pub mod config;
pub mod http;
pub mod influx;
pub mod journal;
pub mod meta;
pub mod obs;
pub mod proxy;
pub mod ring;
