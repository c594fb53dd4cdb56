//! The process's limit on open files, sockets among them.
//!
//! The soft limit of many systems, 1024, is one for programs that use `select`; a server may raise it to the hard one.

use std::num::NonZeroUsize;

/// Raises the limit as far as it goes; warns when it is not enough for `connections` of clients.
pub fn raise(connections: NonZeroUsize) {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => return tracing::warn!(%error, "limit of open files not raised"),
    };
    if is_enough(limit, connections) {
        tracing::info!(limit, "open files");
    } else {
        tracing::warn!(
            limit,
            max_connections = connections,
            "the limit of open files is below http.max_connections"
        );
    }
}

fn is_enough(limit: u64, connections: NonZeroUsize) -> bool {
    u64::try_from(connections.get()).is_ok_and(|connections| limit >= connections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_the_limit_with_the_connections() {
        let connections = NonZeroUsize::new(20_000).unwrap();
        assert!(is_enough(20_000, connections) && !is_enough(19_999, connections));
    }
}
