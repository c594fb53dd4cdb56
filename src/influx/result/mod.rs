//! Answers of `/query`: the model, its three encodings, and the merge of several owners' answers into one.
//!
//! The reference is InfluxDB 1.x, byte for byte. An answer passes through these steps:
//!
//! ```text
//! backend bodies ──decode──▶ Response ─┐
//! query engine ───────────▶ Response ──┴─merge──▶ page ──▶ chunk::split ──▶ Encoder ──▶ JSON | CSV | MessagePack
//! ```
//!
//! * A relayed number stays the text that the backend wrote ([`Value::Number`]): JSON does not say whether `100` was a
//!   float, and a detour through `f64` would damage `9007199254740993`. The query engine uses the typed variants.
//! * A relayed time is a number too: ask backends with `epoch=ns` and call [`Series::restore_times`], so that every
//!   output format can print it in its own way.
//! * Text is valid UTF-8. Stored bytes that are not become U+FFFD once, in [`Value::text`], and JSON shows U+FFFD as
//!   `\ufffd` as InfluxDB shows such bytes. CSV and MessagePack, where InfluxDB passes the raw bytes on, show U+FFFD.
//! * Nothing here reads a clock or holds a socket, and no input makes it panic.

pub mod chunk;
pub mod decode;
pub mod encode;
pub mod format;
pub mod merge;
pub mod model;
pub mod value;

#[cfg(test)]
mod testing;

pub use chunk::ChunkBy;
pub use decode::{DecodeError, Decoder, decode, decode_msgpack};
pub use encode::{Encoder, Pieces};
pub use format::{Format, OutputOptions, TimeFormat};
pub use merge::{MergeRule, merge, page};
pub use model::{Message, Response, Series, StatementResult, Tags};
pub use value::{Number, Value};
