//! What went wrong, in the few words on which retry, log level and HTTP status depend.

/// The class of an error. Every module's error maps itself to one of these; only `http` knows statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong; sending it again cannot help.
    InvalidArgument,
    /// No credentials, or wrong ones.
    Unauthenticated,
    /// The caller is known but may not do this.
    Denied,
    /// What was named does not exist.
    NotFound,
    /// What was to be created exists already.
    AlreadyExists,
    /// The state has changed since the caller read it.
    Conflict,
    /// A size limit was exceeded.
    TooLarge,
    /// Understood, but not something Gyre does.
    Unsupported,
    /// A budget or queue is exhausted; try again soon.
    Busy,
    /// Something behind Gyre cannot be reached.
    Unavailable,
    /// The work took longer than its deadline.
    Timeout,
    /// Stored bytes are damaged.
    Corrupt,
    /// A bug, or a failing disk.
    Internal,
}

impl ErrorKind {
    /// Whether the same request may succeed later without being changed.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable | Self::Timeout)
    }
}
