//! What several test modules share: short ways to write answers, and arbitrary ones.

use proptest::prelude::*;

use super::{Encoder, Message, Number, OutputOptions, Response, Series, StatementResult, Tags, Value, decode};

/// The answer that a JSON text says.
pub(super) fn json(text: &str) -> Response {
    decode(text.as_bytes()).unwrap()
}

/// The first result of the answer that a JSON text says.
pub(super) fn result(text: &str) -> StatementResult {
    json(text).results.remove(0)
}

/// The answer in one piece.
pub(super) fn encoded(response: &Response, options: OutputOptions) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(options).encode(response, &mut out);
    out
}

/// An answer as JSON without indentation.
pub(super) fn to_json(response: &Response) -> String {
    String::from_utf8(encoded(response, OutputOptions::default())).unwrap()
}

/// Cells as they come from a backend: JSON knows no more kinds.
pub(super) fn relayed_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?"
            .prop_map(|text| Value::Number(Number::parse(&text).unwrap())),
        any::<String>().prop_map(Value::String),
        "[ab<>&\\\\\"\u{2028}\u{2029}\u{fffd}\u{e2}\u{1}\n,=]{0,6}".prop_map(Value::String),
    ]
}

fn series() -> impl Strategy<Value = Series> {
    let tags = prop::collection::btree_map("[ab=, ]{1,2}", ".{0,3}", 0..3);
    let columns = prop::collection::vec("[a-c<]{0,2}", 1..4);
    let rows = prop::collection::vec(prop::collection::vec(relayed_value(), 1..4), 0..5);
    ("[abc]{0,1}", tags, columns, rows, any::<bool>()).prop_map(|(name, tags, columns, values, partial)| Series {
        name,
        tags: tags.into_iter().collect::<Tags>(),
        columns,
        values,
        partial,
    })
}

/// A result as it comes from a backend.
pub(super) fn relayed_result() -> impl Strategy<Value = StatementResult> {
    let messages = prop::collection::vec(("[a-z]{1,2}", ".{0,3}"), 0..2);
    let error = prop::option::of("[a-z<]{1,5}");
    (
        0..3_u32,
        prop::collection::vec(series(), 0..4),
        messages,
        error,
        any::<bool>(),
    )
        .prop_map(|(statement_id, series, messages, error, partial)| StatementResult {
            statement_id,
            series,
            messages: messages
                .into_iter()
                .map(|(level, text)| Message { level, text })
                .collect(),
            error,
            partial,
        })
}

/// An answer as it comes from a backend.
pub(super) fn relayed_response() -> impl Strategy<Value = Response> {
    let results = prop::collection::vec(relayed_result(), 0..4);
    (results, prop::option::of("[a-z]{1,5}")).prop_map(|(results, error)| Response { results, error })
}
