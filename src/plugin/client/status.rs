//! PURE. Errors of calls in the words of Go's gRPC, which users of Snap know and search for.

use std::error::Error;

use tonic::{Code, Status};

use crate::plugin::CallError;

/// What a call ended with.
///
/// A status without a cause was sent by the plugin; of unknown kind it is the plugin's own error, which libraries for
/// Go answer so. One with a cause was made here: of no connection, of one that broke, or of an answer that makes no
/// sense.
pub(super) fn call_error(status: &Status) -> CallError {
    let is_ours = status.source().is_some();
    match status.code() {
        Code::Unavailable if is_ours => unavailable(status),
        Code::Unknown if is_ours => CallError::Transport(text(Code::Unavailable, "transport is closing")),
        Code::Unknown => CallError::Plugin(text(Code::Unknown, status.message())),
        code => CallError::Transport(text(code, status.message())),
    }
}

/// There is no connection.
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
    let causes = std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
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
