//! The Snap daemon's interface, and the tasks and plugins behind it.

mod bad_plugins;
mod daemon;
mod multipart;
mod plugins;
mod restart;
mod auth;
mod multipart;
mod rest;
mod watch;
