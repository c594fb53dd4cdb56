//! The registry on a store of its own, in simulated time: what is stored, what is seen, and what follows.

use super::*;
use crate::cluster::{
    NodeKind,
    node::{alive_key, host_key, record_key},
};

const TTL: u64 = 15;
const RULES: Rules = Rules {
    ttl: Duration::from_secs(TTL),
    retention: Duration::from_secs(3600),
    revive_window: Duration::ZERO,
    brake_hold: Duration::from_secs(300),
};

/// Key, value and lease; no value: deleted.
type Written = (String, Option<Vec<u8>>, Option<u64>);

/// A registry whose changes are made here, one revision each.
struct World {
    registry: Registry,
    revision: u64,
    seconds: u64,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            registry: Registry::new(rules),
            revision: 1,
            seconds: 0,
        }
    }

    fn now(&self) -> TimestampNs {
        TimestampNs(i64::try_from(self.seconds).unwrap() * 1_000_000_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    fn apply(&mut self, key: &str, put: Option<(&[u8], Option<u64>)>) {
        let revision = self.revision;
        let change = Change { key, revision, put };
        self.registry.apply(change, self.now()).unwrap();
    }

    /// A revision made of these changes; whether it turned the brake on.
    fn commit(&mut self, changes: &[Written]) -> bool {
        self.revision += 1;
        for (key, value, lease) in changes {
            self.apply(key, value.as_deref().map(|value| (value, *lease)));
        }
        self.registry.settle(self.elapsed())
    }

    fn node(&self, id: u64, hostname: &str, kind: NodeKind) -> Node {
        Node {
            id,
            kind,
            cluster: "c".to_owned(),
            ip: String::new(),
            hostname: hostname.to_owned(),
            bind: String::new(),
            registered_at: self.now(),
            ttl: RULES.ttl,
            died_at: None,
            lease: None,
            modified: 0,
        }
    }

    fn register(&mut self, id: u64, hostname: &str) {
        let document = self.node(id, hostname, NodeKind::Data).to_document();
        self.commit(&[
            (alive_key(id), Some(Vec::new()), Some(id + 100)),
            (record_key(id), Some(document), None),
        ]);
    }

    fn host(&mut self, id: u64, hostname: &str) {
        let host = Host::new(id, hostname, self.now());
        self.commit(&[(host_key(id), Some(serde_json::to_vec(&host).unwrap()), None)]);
    }

    fn expire(&mut self, ids: &[u64]) -> bool {
        let changes: Vec<_> = ids.iter().map(|id| (alive_key(*id), None, None)).collect();
        self.commit(&changes)
    }

    fn note_death(&mut self, id: u64, hostname: &str) {
        let mut node = self.node(id, hostname, NodeKind::Data);
        node.died_at = Some(self.now());
        self.commit(&[(record_key(id), Some(node.to_document()), None)]);
    }

    fn due(&self) -> Vec<String> {
        let due = self.registry.due(self.now(), self.elapsed(), 100);
        due.iter().map(shown).collect()
    }

    fn alive(&self) -> Vec<(u64, bool)> {
        let snapshot = self.registry.snapshot(self.revision);
        snapshot.data.iter().map(|node| (node.id, node.is_alive())).collect()
    }
}

fn shown(consequence: &Consequence) -> String {
    match consequence {
        Consequence::Died {
            node, host, is_last, ..
        } => {
            let host = host.as_ref().map(|entry| entry.host.id);
            format!("{} died, host {host:?}, last {is_last}", node.id)
        }
        Consequence::Purge(node) => format!("purge {}", node.id),
    }
}

#[test]
fn a_node_lives_exactly_as_long_as_its_lease() {
    let mut world = World::new(RULES);
    world.register(1, "a");
    world.register(2, "a");
    assert_eq!(world.alive(), [(1, true), (2, true)]);
    assert!(world.due().is_empty());
    world.expire(&[1]);
    assert_eq!(world.alive(), [(1, false), (2, true)], "dead nodes stay listed");
    world.commit(&[(record_key(2), None, None), (alive_key(2), None, None)]);
    assert_eq!(world.alive(), [(1, false)]);
}

#[test]
fn a_host_is_lost_with_its_last_live_node() {
    let mut world = World::new(RULES);
    world.host(1, "a");
    world.register(2, "a");
    world.register(3, "a");
    world.register(4, "");
    (5..=8).for_each(|id| world.register(id, "b"));
    world.expire(&[2]);
    assert_eq!(world.due(), ["2 died, host Some(1), last false"]);
    world.note_death(2, "a");
    assert!(world.due().is_empty(), "a death is noted once");
    world.expire(&[3, 4]);
    assert_eq!(
        world.due(),
        ["3 died, host Some(1), last true", "4 died, host None, last true"]
    );
}

#[test]
fn dead_nodes_are_purged_after_the_retention() {
    let mut world = World::new(RULES);
    world.register(1, "a");
    world.expire(&[1]);
    world.note_death(1, "a");
    let due_in = |world: &World| world.registry.next_due(world.now(), world.elapsed());
    assert_eq!(due_in(&world), Some(RULES.retention));
    world.seconds = 3599;
    assert!(world.due().is_empty());
    world.seconds = 3600;
    assert_eq!(world.due(), ["purge 1"]);
    world.commit(&[(record_key(1), None, None)]);
    assert_eq!((world.due().len(), due_in(&world)), (0, None));
}

#[test]
fn nothing_is_purged_that_may_come_back() {
    let mut world = World::new(Rules {
        retention: Duration::ZERO,
        revive_window: Duration::from_secs(60),
        ..RULES
    });
    world.register(1, "a");
    world.expire(&[1]);
    world.note_death(1, "a");
    world.seconds = 59;
    assert!(world.due().is_empty());
    let node = Node::clone(world.registry.snapshot(0).data_node(1).unwrap());
    assert!(node.may_revive(Duration::from_secs(60), world.now()));
    world.seconds = 60;
    assert_eq!(world.due(), ["purge 1"]);
    assert!(!node.may_revive(Duration::from_secs(60), world.now()));
}

#[test]
fn a_revived_node_is_alive_under_its_id() {
    let mut world = World::new(RULES);
    world.register(1, "a");
    world.expire(&[1]);
    world.note_death(1, "a");
    world.register(1, "a");
    assert_eq!(world.alive(), [(1, true)]);
    world.seconds = 9999;
    assert!(world.due().is_empty(), "its death is forgotten");
}

#[test]
fn when_most_expire_at_once_nothing_follows_for_a_while() {
    let mut world = World::new(RULES);
    (1..=6).for_each(|id| world.register(id, "a"));
    assert!(!world.expire(&[1, 2, 3]));
    assert_eq!(world.due().len(), 3);
    world.seconds = 14;
    assert!(world.expire(&[4]), "four of six within one time to live");
    assert_eq!(
        world.alive().iter().filter(|(_, alive)| *alive).count(),
        2,
        "lists tell the truth"
    );
    assert!(world.due().is_empty() && world.registry.is_braked(world.elapsed()));
    assert_eq!(
        world.registry.next_due(world.now(), world.elapsed()),
        Some(RULES.brake_hold)
    );
    world.seconds += 300;
    assert_eq!(world.due().len(), 4);
}

#[test]
fn those_who_leave_in_order_or_are_new_turn_no_brake_on() {
    let mut world = World::new(RULES);
    (1..=6).for_each(|id| world.register(id, "a"));
    let leave = |id| [(record_key(id), None, None), (alive_key(id), None, None)];
    (1..=6).for_each(|id| assert!(!world.commit(&leave(id))));
    assert!(!world.registry.is_braked(world.elapsed()));
}

#[test]
fn what_is_told_again_changes_nothing() {
    let mut world = World::new(RULES);
    world.register(1, "a");
    let registered_at = world.revision;
    world.expire(&[1]);
    world.register(1, "a");
    let old = Change {
        key: &alive_key(1),
        revision: registered_at + 1,
        put: None,
    };
    world.registry.apply(old, world.now()).unwrap();
    assert_eq!(world.alive(), [(1, true)], "an end from before the present lease");
}

#[test]
fn a_listing_after_an_outage_counts_those_who_died_meanwhile_once() {
    let mut world = World::new(RULES);
    (1..=4).for_each(|id| world.register(id, "a"));
    let listed: Vec<_> = (1..=4)
        .map(|id| {
            (
                record_key(id),
                Some(world.node(id, "a", NodeKind::Data).to_document()),
                None,
            )
        })
        .collect();
    world.registry.clear();
    assert!(world.commit(&listed), "all four lost their leases");
    world.seconds += 300;
    assert_eq!(world.due().len(), 4);
    world.registry.clear();
    assert!(!world.commit(&listed), "known already");
    assert_eq!(world.due().len(), 4);
}

#[test]
fn a_damaged_document_is_left_out() {
    let mut world = World::new(RULES);
    let key = record_key(1);
    let change = Change {
        key: &key,
        revision: 2,
        put: Some((b"{", None)),
    };
    let error = world.registry.apply(change, world.now()).unwrap_err().to_string();
    assert!(
        error.starts_with("document /nodes/records/00000000000000000001: "),
        "{error}"
    );
    assert!(world.alive().is_empty());
}

#[test]
fn readers_find_who_they_look_for() {
    let mut world = World::new(RULES);
    world.host(1, "a");
    (2..=4).for_each(|id| world.register(id, "a"));
    let manager = world.node(5, "m", NodeKind::Manager).to_document();
    world.commit(&[
        (alive_key(5), Some(Vec::new()), Some(7)),
        (record_key(5), Some(manager), None),
    ]);
    world.expire(&[4]);
    let snapshot = world.registry.snapshot(world.revision);
    let found = |cluster, hostname| snapshot.live_node(cluster, hostname).map(|node| node.id);
    assert_eq!(
        (found("c", "a"), found("d", "a"), found("c", "m")),
        (Some(3), None, None)
    );
    assert_eq!(snapshot.managers.len(), 1);
    assert!(snapshot.data_node(5).is_none(), "a manager is no data node");
    assert!(snapshot.others_live_on("a", 2) && !snapshot.others_live_on("m", 5));
    assert!(snapshot.may_start_work("a") && !snapshot.must_end_work("a"));
    assert!(!snapshot.may_start_work("x") && snapshot.must_end_work("x"));
}
