//! PURE. Errors of calls in the words of Go's gRPC, which users of Snap know and search for.

use std::error::Error;

use tonic::{Code, Status};

use crate::plugin::CallError;

/// What a call ended with.
///
/// A status without a cause was sent by the plugin; of unknown kind it is the plugin's own error, which libraries for
/// Go answer so. One with a cause was made here: there is no connection, it broke, or what came makes no sense.
pub(super) fn call_error(status: &Status) -> CallError {
    if status.source().is_some() && is_about_the_connection(status) {
        return unavailable(status);
    }
    let text = text(status.code(), status.message());
    match status.code() {
        Code::Unknown if status.source().is_none() => CallError::Plugin(text),
        _ => CallError::Transport(text),
    }
}

/// There is no connection, or it broke.
pub(super) fn unavailable(error: &(dyn Error + 'static)) -> CallError {
    tracing::debug!(error = chain(error), "no connection to a plugin");
    CallError::Transport(text(Code::Unavailable, "grpc: the connection is unavailable"))
}

/// There was no answer in time.
pub(super) fn deadline_exceeded() -> CallError {
    CallError::Transport(text(Code::DeadlineExceeded, "context deadline exceeded"))
}

/// An error with its causes.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// An error below HTTP/2, such as a refused or a reset connection.
fn is_about_the_connection(status: &Status) -> bool {
    status.code() == Code::Unavailable || causes(status).any(|cause| cause.is::<std::io::Error>())
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

fn text(code: Code, message: &str) -> String {
    format!("rpc error: code = {} desc = {message}", go_name(code))
}

fn go_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}
