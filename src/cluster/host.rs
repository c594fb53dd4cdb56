//! PURE. Hosts: the nodes of the Scale v6 interface, which outlive the registrations of their agents.
//!
//! The document has the same form in the store and in answers. In every document that these functions make:
//!
//! * a host is deprecated exactly while it is not active, since the moment it became so;
//! * every save moves `last_modified` forward, also when clocks stand still or go back between processes;
//! * pausing is the operator's word: agents that go and come back do not change it.

use serde::{Deserialize, Serialize};

use crate::base::{TimestampNs, TimestampUs};

/// One host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Never reused.
    pub id: u64,
    /// Unique; never changes.
    pub hostname: String,
    /// Why it is paused, for people; also kept on a host that is not.
    pub pause_reason: Option<String>,
    /// Whether it is to get no new work.
    pub is_paused: bool,
    /// Whether it may work at all.
    pub is_active: bool,
    /// Since when it is not active.
    pub deprecated: Option<TimestampUs>,
    /// When it was first seen.
    pub created: TimestampUs,
    /// When it was last saved.
    pub last_modified: TimestampUs,
}

/// What an operator changes; `None` leaves the field as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostPatch {
    /// The new reason; `Some(None)` takes it away.
    pub pause_reason: Option<Option<String>>,
    /// Pauses or resumes; resuming always takes the reason away.
    pub is_paused: Option<bool>,
    /// Activates or deactivates.
    pub is_active: Option<bool>,
}

impl Host {
    /// A host seen for the first time: active and not paused.
    #[must_use]
    pub fn new(id: u64, hostname: impl Into<String>, now: TimestampNs) -> Self {
        let now = TimestampUs::from(now);
        Self {
            id,
            hostname: hostname.into(),
            pause_reason: None,
            is_paused: false,
            is_active: true,
            deprecated: None,
            created: now,
            last_modified: now,
        }
    }

    /// The host as an operator's change leaves it. It counts as saved even when the change changes nothing.
    #[must_use]
    pub fn patched(&self, patch: &HostPatch, now: TimestampNs) -> Self {
        let HostPatch {
            pause_reason,
            is_paused,
            is_active,
        } = patch;
        let saved = self.next_save(now);
        let is_active = is_active.unwrap_or(self.is_active);
        Self {
            id: self.id,
            hostname: self.hostname.clone(),
            pause_reason: match (is_paused, pause_reason) {
                (Some(false), _) => None,
                (_, Some(reason)) => reason.clone(),
                (_, None) => self.pause_reason.clone(),
            },
            is_paused: is_paused.unwrap_or(self.is_paused),
            is_active,
            deprecated: (!is_active).then(|| self.deprecated.unwrap_or(saved)),
            created: self.created,
            last_modified: saved,
        }
    }

    /// The host after its agent was lost. The same document when it was not active before.
    #[must_use]
    pub fn lost(&self, now: TimestampNs) -> Self {
        self.with_activity(false, now)
    }

    /// The host after its agent came back. The same document when it was active before.
    #[must_use]
    pub fn returned(&self, now: TimestampNs) -> Self {
        self.with_activity(true, now)
    }

    fn with_activity(&self, is_active: bool, now: TimestampNs) -> Self {
        if self.is_active == is_active {
            return self.clone();
        }
        let patch = HostPatch {
            is_active: Some(is_active),
            ..HostPatch::default()
        };
        self.patched(&patch, now)
    }

    fn next_save(&self, now: TimestampNs) -> TimestampUs {
        TimestampUs::from(now).max(TimestampUs(self.last_modified.0.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: TimestampNs = TimestampNs(1_000_000_000);
    const LATER: TimestampNs = TimestampNs(2_000_000_500);

    fn fresh() -> Host {
        Host::new(7, "a", FIRST)
    }

    fn patch(reason: Option<Option<&str>>, is_paused: Option<bool>, is_active: Option<bool>) -> HostPatch {
        HostPatch {
            pause_reason: reason.map(|reason| reason.map(str::to_owned)),
            is_paused,
            is_active,
        }
    }

    #[test]
    fn a_reason_goes_with_resuming_only() {
        let paused = |reason: Option<&str>| fresh().patched(&patch(Some(reason), Some(true), None), FIRST);
        let check = |host: &Host, change: HostPatch, is_paused: bool, reason: Option<&str>| {
            let after = host.patched(&change, LATER);
            assert_eq!(
                (after.is_paused, after.pause_reason.as_deref()),
                (is_paused, reason),
                "{change:?}"
            );
        };
        let (idle, disk) = (&fresh(), &paused(Some("disk")));
        check(idle, patch(None, Some(true), None), true, None);
        check(idle, patch(Some(Some("x")), Some(true), None), true, Some("x"));
        check(idle, patch(Some(Some("x")), None, None), false, Some("x"));
        check(idle, patch(Some(Some("x")), Some(false), None), false, None);
        check(disk, patch(None, Some(true), None), true, Some("disk"));
        check(disk, patch(None, None, Some(false)), true, Some("disk"));
        check(disk, patch(Some(None), None, None), true, None);
        check(disk, patch(Some(Some("net")), None, None), true, Some("net"));
        check(disk, patch(None, Some(false), None), false, None);
        check(disk, patch(Some(Some("net")), Some(false), None), false, None);
    }

    #[test]
    fn a_host_is_deprecated_since_it_became_inactive() {
        let set = |host: &Host, is_active: Option<bool>, now: TimestampNs| {
            host.patched(&patch(None, Some(true), is_active), now).deprecated
        };
        let inactive = fresh().patched(&patch(None, None, Some(false)), LATER);
        let (first, much_later) = (Some(TimestampUs(2_000_000)), TimestampNs(9_000_000_000));
        assert_eq!(inactive.deprecated, first);
        assert_eq!(set(&fresh(), None, LATER), None);
        assert_eq!(set(&fresh(), Some(true), LATER), None);
        assert_eq!(set(&inactive, None, much_later), first);
        assert_eq!(set(&inactive, Some(false), much_later), first);
        assert_eq!(set(&inactive, Some(true), much_later), None);
    }

    #[test]
    fn every_save_moves_last_modified_forward() {
        let changed = fresh().patched(&HostPatch::default(), LATER);
        assert_eq!(changed.last_modified, TimestampUs(2_000_000));
        let stood_still = changed.patched(&HostPatch::default(), LATER);
        assert_eq!(stood_still.last_modified, TimestampUs(2_000_001));
        let went_back = stood_still.patched(&HostPatch::default(), FIRST);
        assert_eq!(went_back.last_modified, TimestampUs(2_000_002));
        assert_eq!(went_back.created, TimestampUs(1_000_000));
    }

    #[test]
    fn pausing_survives_loss_and_return() {
        let paused = fresh().patched(&patch(Some(Some("disk")), Some(true), None), FIRST);
        let lost = paused.lost(LATER);
        assert!(!lost.is_active && lost.is_paused && lost.deprecated.is_some());
        let returned = lost.returned(LATER);
        assert!(returned.is_active && returned.deprecated.is_none());
        assert_eq!(
            (returned.is_paused, returned.pause_reason.as_deref()),
            (true, Some("disk"))
        );
    }

    #[test]
    fn losing_twice_is_losing_once() {
        let lost = fresh().lost(LATER);
        assert_eq!(lost.lost(TimestampNs(9_000_000_000)), lost);
        assert_eq!(fresh().returned(LATER), fresh());
    }

    #[test]
    fn the_document_is_what_clients_see() {
        let host = fresh().patched(
            &patch(Some(Some("é")), Some(true), Some(false)),
            TimestampNs(1_500_000_000),
        );
        let document = serde_json::to_string(&host).unwrap();
        assert_eq!(
            document,
            r#"{"id":7,"hostname":"a","pause_reason":"é","is_paused":true,"is_active":false,"deprecated":"1970-01-01T00:00:01.500000Z","created":"1970-01-01T00:00:01Z","last_modified":"1970-01-01T00:00:01.500000Z"}"#
        );
        assert_eq!(serde_json::from_str::<Host>(&document).unwrap(), host);
        let grown = document.replacen('{', r#"{"added_later":1,"#, 1);
        assert_eq!(serde_json::from_str::<Host>(&grown).unwrap(), host);
    }
}
