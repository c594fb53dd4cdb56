//! InfluxQL 1.8: text to statements and back, and what routing and execution must know of them.
//!
//! ```text
//! text -- lexer --> tokens -- parse --> ast::Statement -- print --> text
//!                     ^                   |-- classify   what it needs, touches, and may do over GET
//!                  params                 |-- validate   errors that InfluxDB reports for a statement, not a request
//!                                         |-- condition  WHERE = time range + the rest
//!                                         `-- reduce     constants folded, now() and time strings understood
//! ```
//!
//! * Error texts are InfluxDB's to the letter, places included; they were compared with a live server.
//! * Nothing here looks at stored data. What depends on the schema (types, wildcards, missing databases) is for the
//!   query engine.
//! * The text may be anything: parsing takes linear time, never panics, and bounds its own depth.

pub mod ast;
pub mod classify;
pub mod condition;
pub mod duration;
mod error;
mod go_regex;
mod lexer;
mod params;
mod parse;
pub mod print;
mod reader;
pub mod reduce;
mod retype;
#[cfg(test)]
mod testdata;
pub mod timestamp;
mod token;
pub mod validate;
mod visit;

pub use duration::DurationNs;
pub use error::ParseError;
pub use go_regex::InvalidRegex;
pub use params::{InvalidNumber, JsonValue, Param, Params};
pub use parse::{MAX_DEPTH, parse, parse_expr};
