//! Any sequence of actions against a map.

use proptest::{collection::vec, prelude::*};

use super::*;

#[derive(Debug, Clone)]
enum Action {
    Append {
        lens: Vec<usize>,
    },
    /// Waits for all commits.
    Settle,
    Register {
        consumer: u32,
        start: Start,
    },
    Read {
        consumer: u32,
        max_bytes: usize,
    },
    Advance {
        consumer: u32,
        by: u64,
    },
    Forget {
        consumer: u32,
    },
    Save,
    Space {
        left: Option<u64>,
    },
    FailSyncs {
        n: u32,
    },
    Reopen,
    Crash {
        seed: u64,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let consumer = || 0..3_u32;
    prop_oneof![
        6 => vec(0..120_usize, 1..4).prop_map(|lens| Action::Append { lens }),
        3 => Just(Action::Settle),
        1 => (consumer(), prop_oneof![Just(Start::Oldest), Just(Start::End)])
            .prop_map(|(consumer, start)| Action::Register { consumer, start }),
        3 => (consumer(), 0..400_usize).prop_map(|(consumer, max_bytes)| Action::Read { consumer, max_bytes }),
        3 => (consumer(), 0..6_u64).prop_map(|(consumer, by)| Action::Advance { consumer, by }),
        1 => consumer().prop_map(|consumer| Action::Forget { consumer }),
        2 => Just(Action::Save),
        1 => prop::option::of(0..200_u64).prop_map(|left| Action::Space { left }),
        1 => (0..2_u32).prop_map(|n| Action::FailSyncs { n }),
        1 => Just(Action::Reopen),
        2 => any::<u64>().prop_map(|seed| Action::Crash { seed }),
    ]
}

struct World {
    fs: MemFs,
    journal: Journal<u64>,
    /// Known to be committed.
    committed: Records,
    pending: Vec<(Commit, Records)>,
    cursors: BTreeMap<u32, Seq>,
    saved: BTreeMap<u32, Seq>,
    /// Everything up to here may have been deleted.
    passed: Seq,
    next_id: u64,
}

impl World {
    fn new() -> Self {
        let fs = MemFs::new();
        Self {
            journal: open(&fs),
            fs,
            committed: Records::new(),
            pending: Vec::new(),
            cursors: BTreeMap::new(),
            saved: BTreeMap::new(),
            passed: 0,
            next_id: 0,
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Append { lens } => self.append(&lens),
            Action::Settle => self.settle(),
            Action::Register { consumer, start } => {
                self.settle();
                let cursor = self.journal.register(consumer, start);
                assert_eq!(cursor, *self.cursors.entry(consumer).or_insert(cursor));
                assert!(cursor <= self.journal.committed());
            }
            Action::Read { consumer, max_bytes } => self.read(consumer, max_bytes),
            Action::Advance { consumer, by } => {
                if let Some(cursor) = self.cursors.get_mut(&consumer) {
                    self.journal.advance(consumer, *cursor + by);
                    let now = self.journal.cursor(consumer).unwrap();
                    assert!(now == *cursor + by || now <= self.journal.committed());
                    *cursor = now;
                }
            }
            Action::Forget { consumer } => {
                self.journal.forget(consumer);
                self.cursors.remove(&consumer);
            }
            Action::Save => self.save(),
            Action::Space { left } => {
                self.settle();
                self.fs.set_space_left(left);
            }
            Action::FailSyncs { n } => {
                self.settle();
                self.fs.fail_syncs(n);
            }
            Action::Reopen => self.reopen(),
            Action::Crash { seed } => self.crash(seed),
        }
    }

    fn append(&mut self, lens: &[usize]) {
        let payloads: Vec<Bytes> = lens.iter().map(|len| self.payload(*len)).collect();
        let records = payloads.iter().map(|payload| (payload.clone(), None)).collect();
        let commit = self.journal.append_all(records).unwrap();
        let numbered = (commit.seq()..)
            .zip(payloads.iter().map(|payload| payload.to_vec()))
            .collect();
        self.pending.push((commit, numbered));
    }

    fn payload(&mut self, len: usize) -> Bytes {
        self.next_id += 1;
        payload(self.next_id, len)
    }

    fn settle(&mut self) {
        for (commit, mut records) in self.pending.drain(..) {
            if commit.wait().is_ok() {
                self.committed.append(&mut records);
            }
        }
    }

    fn read(&mut self, consumer: u32, max_bytes: usize) {
        self.settle();
        let Some(cursor) = self.cursors.get(&consumer) else {
            return;
        };
        let due: Records = self
            .committed
            .range(cursor + 1..)
            .map(|(seq, payload)| (*seq, payload.clone()))
            .collect();
        assert_eq!(read_after(&self.journal, *cursor, max_bytes), due);
        assert_eq!(self.journal.bytes_after(*cursor) > 0, !due.is_empty());
    }

    fn save(&mut self) {
        if self.journal.save_cursors().is_ok() {
            self.saved = self.cursors.clone();
            self.passed = self.passed.max(self.saved.values().min().copied().unwrap_or(0));
        }
    }

    fn reopen(&mut self) {
        self.settle();
        self.fs.set_space_left(None);
        self.fs.fail_syncs(0);
        self.journal.close().unwrap();
        self.saved = self.cursors.clone();
        self.passed = self.passed.max(self.saved.values().min().copied().unwrap_or(0));
        self.start(&BTreeMap::new());
    }

    fn crash(&mut self, seed: u64) {
        self.fs.set_space_left(None);
        self.fs.fail_syncs(0);
        let crashed = self.fs.after_crash(seed);
        self.journal.close().unwrap();
        self.fs = crashed;
        let in_doubt = self.pending.drain(..).flat_map(|(_, records)| records).collect();
        self.start(&in_doubt);
    }

    /// Opens and compares: all that was committed and not passed, and of the rest only what had been appended.
    fn start(&mut self, in_doubt: &Records) {
        let (journal, report) = try_open(&self.fs, options()).unwrap();
        self.journal = journal;
        assert!(!report.cursors_lost);
        self.cursors = self.saved.clone();
        assert_eq!(
            self.journal.consumers(),
            self.cursors.clone().into_iter().collect::<Vec<_>>()
        );
        let found = read_all(&self.journal);
        for (seq, payload) in &found {
            let appended = self.committed.get(seq).or_else(|| in_doubt.get(seq));
            assert_eq!(Some(payload), appended, "record {seq}");
        }
        for seq in self.committed.range(self.passed + 1..).map(|(seq, _)| seq) {
            assert!(found.contains_key(seq), "record {seq} is lost");
        }
        self.committed = found;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keeps_what_it_promises(actions in vec(action(), 1..60)) {
        let mut world = World::new();
        for action in actions {
            world.act(action);
        }
        world.reopen();
        world.journal.close().unwrap();
    }
}
