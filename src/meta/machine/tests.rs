//! The machine against a naive model, which keeps every document ever put in one list and looks everything up by scanning.

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::meta::Condition;

/// A document of the model; `gone` once it was deleted.
#[derive(Debug, Clone)]
struct Row {
    kv: KeyValue,
    gone: bool,
}

#[derive(Debug, Default)]
struct Model {
    rows: Vec<Row>,
    /// Lease, time to live, deadline.
    leases: Vec<(u64, u64, u64)>,
    granted: u64,
    writes: u64,
}

impl Model {
    fn revision(&self) -> Revision {
        Revision(self.writes + 1)
    }

    fn live(&self) -> Vec<KeyValue> {
        let mut live: Vec<_> = self
            .rows
            .iter()
            .filter(|row| !row.gone)
            .map(|row| row.kv.clone())
            .collect();
        live.sort_by(|a, b| a.key.cmp(&b.key));
        live
    }

    fn find(&self, key: &str) -> Option<KeyValue> {
        self.live().into_iter().find(|kv| &*kv.key == key)
    }

    fn kill(&mut self, doomed: impl Fn(&KeyValue) -> bool) -> usize {
        let rows = self.rows.iter_mut().filter(|row| !row.gone && doomed(&row.kv));
        rows.map(|row| row.gone = true).count()
    }

    fn txn(&mut self, txn: &Txn) -> Option<TxnResult> {
        let succeeded = txn.when.iter().all(|compare| {
            let current = self.find(&compare.key);
            match &compare.is {
                Condition::Absent => current.is_none(),
                Condition::Present => current.is_some(),
                Condition::Created(revision) => current.is_some_and(|kv| kv.created == *revision),
                Condition::Modified(revision) => current.is_some_and(|kv| kv.modified == *revision),
                Condition::Version(version) => current.is_some_and(|kv| kv.version == *version),
                Condition::Value(value) => current.is_some_and(|kv| kv.value == *value),
            }
        });
        let branch = if succeeded { &txn.then } else { &txn.otherwise };
        let has_lease = |id: LeaseId| self.leases.iter().any(|lease| lease.0 == id.0);
        let unknown = |op: &Op| matches!(op, Op::Put { lease: Some(id), .. } if !has_lease(*id));
        if branch.iter().any(unknown) {
            return None;
        }
        let mut changed = false;
        let responses = branch.iter().map(|op| self.op(op, &mut changed)).collect();
        self.writes += u64::from(changed);
        Some(TxnResult {
            succeeded,
            revision: self.revision(),
            responses,
        })
    }

    fn op(&mut self, op: &Op, changed: &mut bool) -> Response {
        let killed = match op {
            Op::Get(key) => return Response::Got(self.find(key)),
            Op::Put { key, value, lease } => {
                let next = self.revision().next();
                let previous = self.find(key);
                self.kill(|kv| kv.key == *key);
                let kv = KeyValue {
                    key: Arc::clone(key),
                    value: value.clone(),
                    created: previous.as_ref().map_or(next, |kv| kv.created),
                    modified: next,
                    version: previous.map_or(0, |kv| kv.version) + 1,
                    lease: *lease,
                };
                self.rows.push(Row { kv, gone: false });
                *changed = true;
                return Response::Put;
            }
            Op::Persist(key) => {
                let Some(kv) = self.find(key) else {
                    return Response::Persisted(false);
                };
                let put = Op::Put {
                    key: kv.key,
                    value: kv.value,
                    lease: None,
                };
                self.op(&put, changed);
                return Response::Persisted(true);
            }
            Op::Delete(key) => self.kill(|kv| kv.key == *key),
            Op::DeletePrefix(prefix) => self.kill(|kv| kv.key.starts_with(&**prefix)),
        };
        *changed |= killed > 0;
        Response::Deleted(killed)
    }

    fn end(&mut self, id: u64) -> bool {
        let before = self.leases.len();
        self.leases.retain(|lease| lease.0 != id);
        let killed = self.kill(|kv| kv.lease == Some(LeaseId(id)));
        self.writes += u64::from(killed > 0);
        self.leases.len() < before
    }

    fn expire(&mut self, now: u64) {
        let due: Vec<u64> = self
            .leases
            .iter()
            .filter(|lease| lease.2 <= now)
            .map(|lease| lease.0)
            .collect();
        for id in due {
            self.end(id);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Txn(Txn),
    Grant(u64),
    KeepAlive(u64),
    Revoke(u64),
    Wait(u64),
    Restart,
}

fn key() -> impl Strategy<Value = Arc<str>> {
    prop::sample::select(vec!["/a", "/a/1", "/a/2", "/b", "/b/1"]).prop_map(Arc::from)
}

fn op() -> impl Strategy<Value = Op> {
    let lease = prop::option::weighted(0.5, (1..5_u64).prop_map(LeaseId));
    prop_oneof![
        4 => (key(), "[xy]{0,2}", lease).prop_map(|(key, value, lease)| Op::Put { key, value: value.into(), lease }),
        1 => key().prop_map(Op::Persist),
        1 => key().prop_map(Op::Delete),
        1 => prop::sample::select(vec!["", "/a", "/a/", "/c"]).prop_map(|prefix| Op::DeletePrefix(prefix.into())),
        2 => key().prop_map(Op::Get),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    prop_oneof![
        Just(Condition::Absent),
        Just(Condition::Present),
        (1..9_u64).prop_map(|revision| Condition::Created(Revision(revision))),
        (1..9_u64).prop_map(|revision| Condition::Modified(Revision(revision))),
        (0..4_u64).prop_map(Condition::Version),
        "[xy]{0,1}".prop_map(|value| Condition::Value(Bytes::from(value))),
    ]
}

fn txn() -> impl Strategy<Value = Txn> {
    let compare = (key(), condition()).prop_map(|(key, is)| Compare { key, is });
    (
        prop::collection::vec(compare, 0..2),
        prop::collection::vec(op(), 0..4),
        prop::collection::vec(op(), 0..3),
    )
        .prop_map(|(when, then, otherwise)| Txn { when, then, otherwise })
        .prop_filter("a branch changes a key once", |txn| txn.check().is_ok())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => txn().prop_map(Step::Txn),
        2 => (1..6_u64).prop_map(Step::Grant),
        1 => (1..5_u64).prop_map(Step::KeepAlive),
        1 => (1..5_u64).prop_map(Step::Revoke),
        2 => (1..4_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ]
}

/// The machine under test, what its effects amount to, and the model.
struct Pair {
    machine: Machine,
    stored: Stored,
    model: Model,
    now: u64,
}

impl Pair {
    fn new() -> Self {
        Self {
            machine: Machine::restore(Stored::empty(), Duration::ZERO),
            stored: Stored::empty(),
            model: Model::default(),
            now: 0,
        }
    }

    fn keep<T>(&mut self, decided: Result<Decision<T>, Error>) -> Option<T> {
        let decision = decided.ok()?;
        self.stored.absorb(&decision.effect);
        Some(decision.answer)
    }

    fn take(&mut self, step: Step) {
        let now = Duration::from_secs(self.now);
        match step {
            Step::Txn(txn) => {
                let decided = self.machine.txn(&txn);
                assert_eq!(self.keep(decided), self.model.txn(&txn));
            }
            Step::Grant(ttl) => {
                let decided = self.machine.grant(Duration::from_secs(ttl), now);
                self.model.granted += 1;
                self.model.leases.push((self.model.granted, ttl, self.now + ttl));
                assert_eq!(self.keep(decided), Some(LeaseId(self.model.granted)));
            }
            Step::KeepAlive(id) => {
                let decided = self.machine.deadlines.keep_alive(LeaseId(id), now).ok();
                let lease = self.model.leases.iter_mut().find(|lease| lease.0 == id);
                let known = lease.map(|lease| lease.2 = self.now + lease.1);
                assert_eq!(decided, known);
            }
            Step::Revoke(id) => {
                let decided = self.machine.revoke(LeaseId(id));
                assert_eq!(self.keep(decided).is_some(), self.model.end(id));
            }
            Step::Wait(by) => {
                self.now += by;
                for effect in self.machine.expire(Duration::from_secs(self.now)) {
                    self.stored.absorb(&effect);
                }
                self.model.expire(self.now);
            }
            Step::Restart => {
                self.machine = Machine::restore(self.stored.clone(), now);
                for lease in &mut self.model.leases {
                    lease.2 = self.now + lease.1;
                }
            }
        }
    }

    fn agree(&self) {
        let live: Vec<_> = self.machine.documents.with_prefix("").cloned().collect();
        assert_eq!(live, self.model.live());
        assert_eq!(self.machine.documents.revision(), self.model.revision());
        assert_eq!(
            self.machine.documents, self.stored.documents,
            "effects say all that changed"
        );
        let next = self.model.leases.iter().map(|lease| Duration::from_secs(lease.2)).min();
        assert_eq!(self.machine.deadlines.next(), next);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn does_what_the_model_does(steps in prop::collection::vec(step(), 1..40)) {
        let mut pair = Pair::new();
        for step in steps {
            pair.take(step);
            pair.agree();
        }
    }
}

#[test]
fn times_to_live_are_bounded() {
    let mut machine = Machine::restore(Stored::empty(), Duration::ZERO);
    for ttl in [
        Duration::ZERO,
        crate::meta::MAX_TTL + Duration::from_nanos(1),
        Duration::MAX,
    ] {
        assert!(matches!(machine.grant(ttl, Duration::ZERO), Err(Error::InvalidTtl)));
    }
    assert!(machine.grant(crate::meta::MAX_TTL, Duration::MAX).is_ok());
}
