//! Execution of InfluxQL's `SELECT` over a [`SeriesSource`].
//!
//! ```text
//! ast::Select ── validate ── resolve ──▶ Resolved ── plan ──▶ Query ── run ──▶ rows ── output ──▶ Series
//!                           (wildcard,   names and            (calls,   group by group:
//!                            types)      types known           nested)  raw | columnar | frame + windows + fill
//! ```
//!
//! * The reference is InfluxDB 1.x: column names, order, nulls, types, error texts. Where its iterators show through
//!   (fill in subqueries, LIMIT per function, ties), the same happens here; the one exception is that functions such as
//!   `derivative` over windows also work in a query without an earliest time, where InfluxDB's arithmetic overflows.
//! * One series of the result is worked on at a time, and its rows are made when they are asked for. Queries without
//!   functions hold a piece of each series; functions of one pass hold a total per window; other functions hold the
//!   points of one series of the result.
//! * Nothing here knows a clock or a runtime. A query stops soon after its `cancel` is set.
//! * `INTO` is the caller's, who writes what the query yields.

mod aggregate;
mod cast;
mod columnar;
mod env;
mod error;
mod expr;
mod fill;
mod filter;
mod frame;
pub mod functions;
mod group;
mod math;
mod output;
mod plan;
mod raw;
mod resolve;
mod run;
mod sample;
pub mod show;
mod tag_filter;
#[cfg(test)]
mod tests;
mod types;
mod wildcard;
mod window;

pub use env::{Context, Limits};
pub use error::QueryError;
pub use output::{Prepared, SeriesPieces, prepare};
pub use show::show;
pub use tag_filter::{TagCondition, tag_filter};
