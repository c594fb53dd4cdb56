//! What an etcd request that failed has done: nothing, nobody knows, or what the answer says.

use std::{error::Error as StdError, io, sync::Arc};

use tonic::{Code, Status};

use super::super::Error;

/// Why a member did not do what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// The member cannot be reached or refuses for now. Nothing was done.
    NotDone(Cause),
    /// The answer was lost, or says that nobody knows.
    Unknown(Cause),
    /// The answer of any member.
    Answered(Error),
}

/// What is below an [`Error`].
pub(super) type Cause = Arc<dyn StdError + Send + Sync>;

/// Messages of etcd with which a member refuses before anything is proposed.
const REFUSALS: [&str; 4] = [
    "etcdserver: no leader",
    "etcdserver: user name is empty",
    "etcdserver: too many requests",
    "etcdserver: not capable",
];

/// Sorts what the client library reports.
pub(super) fn classify(error: etcd_client::Error) -> Failure {
    match error {
        etcd_client::Error::GRpcStatus(status) => of_status(status),
        // All others are found before something is sent.
        other => Failure::NotDone(Arc::new(other)),
    }
}

/// No answer in time.
pub(super) fn timed_out() -> Cause {
    Arc::new(io::Error::from(io::ErrorKind::TimedOut))
}

fn of_status(status: Status) -> Failure {
    let refused = REFUSALS.contains(&status.message()) || is_connect_error(&status);
    match status.code() {
        _ if refused => Failure::NotDone(Arc::new(status)),
        Code::Unauthenticated | Code::PermissionDenied => Failure::NotDone(Arc::new(status)),
        Code::NotFound
        | Code::InvalidArgument
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::ResourceExhausted
        | Code::Unimplemented => Failure::Answered(Error::Storage(Arc::new(status))),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => Failure::Unknown(Arc::new(status)),
    }
}

/// Whether no connection was made, so that nothing was sent.
fn is_connect_error(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<tonic::ConnectError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether etcd says that a lease does not exist.
pub(super) fn is_lease_not_found(error: &etcd_client::Error) -> bool {
    match error {
        etcd_client::Error::GRpcStatus(status) => {
            status.code() == Code::NotFound && status.message() == "etcdserver: requested lease not found"
        }
        // The library's word for an answer without time to live.
        etcd_client::Error::LeaseKeepAliveError(_) => true,
        _ => false,
    }
}
