//! What became of a write.

/// What became of the points of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteOutcome {
    /// Points written.
    pub written: u64,
    /// Points refused.
    pub dropped: u64,
    /// Of these, points that are older than the retention policy allows.
    pub too_old: u64,
    /// Why the first of the others was refused.
    reason: Option<String>,
}

impl WriteOutcome {
    /// InfluxDB's text about the points that were refused, if any (status 400). As there, points beyond the retention
    /// policy are mentioned and counted only when there is no other reason.
    #[must_use]
    pub fn partial_write(&self) -> Option<String> {
        match (&self.reason, self.too_old) {
            (Some(reason), too_old) => Some(format!("partial write: {reason} dropped={}", self.dropped - too_old)),
            (None, 0) => None,
            (None, too_old) => Some(format!(
                "partial write: points beyond retention policy dropped={too_old}"
            )),
        }
    }

    pub(super) fn drop_as_too_old(&mut self) {
        self.dropped += 1;
        self.too_old += 1;
    }

    pub(super) fn drop_because(&mut self, reason: String) {
        self.dropped += 1;
        self.reason.get_or_insert(reason);
    }
}
