//! The journal as the engines' log: what it must keep for them, and how it numbers on when it lost more than they did.

use crate::{
    base::{ManualClock, TimestampNs},
    journal::{
        SyncMode,
        fs::{Disk, Machine},
    },
    tsdb::tests::{
        NOW,
        dump::{Dump, Points},
        model::{Point, Record},
    },
};

use super::{
    life::{Life, two_circles},
    sent::Sent,
};

fn point(time: i64) -> Record {
    point_of("1", time)
}

fn point_of(value: &str, time: i64) -> Record {
    Record::Write {
        db: "a".to_owned(),
        policy: String::new(),
        points: vec![Point {
            measurement: "m".to_owned(),
            tags: String::new(),
            fields: vec![("v".to_owned(), value.to_owned())],
            time,
        }],
    }
}

fn open(machine: &Machine, sync: SyncMode) -> Life {
    let clock = ManualClock::at(TimestampNs(NOW));
    let mut life = Life::open(machine, &clock, &two_circles(), sync).unwrap();
    life.catch_up().unwrap();
    life
}

fn append(life: &mut Life, record: Record) {
    let sent = Sent::of(record, false);
    let encoded = sent.iter().map(|sent| sent.encode(TimestampNs(NOW))).collect();
    life.append(encoded).unwrap();
    life.apply_all().unwrap();
}

#[test]
fn records_after_a_loss_are_not_taken_for_those_that_were_lost() {
    let open = |machine| open(&machine, SyncMode::Never);
    for seed in 0..20 {
        let disk = Disk::default();
        let mut life = open(disk.boot(None, 0));
        append(&mut life, Record::CreateDatabase("a".to_owned()));
        life.stop().unwrap();

        let machine = disk.boot(None, seed);
        let mut life = open(machine.clone());
        (1..4).for_each(|time| append(&mut life, point(time)));
        (0..3).for_each(|member| life.flush(member).unwrap());
        machine.fail();
        drop(life);

        let mut life = open(disk.boot(None, seed));
        append(&mut life, point(9));
        assert_eq!(times(&life), [[1, 2, 3, 9]; 2], "seed {seed}");
        life.stop().unwrap();
        assert_eq!(times(&open(disk.boot(None, seed))), [[1, 2, 3, 9]; 2], "seed {seed}");
    }
}

#[test]
fn the_journal_does_not_fill_up_for_a_backend_that_owns_little() {
    let mut life = open(&Disk::default().boot(None, 0), SyncMode::Always);
    append(&mut life, Record::CreateDatabase("a".to_owned()));
    let value = format!("\"{}\"", "x".repeat(50_000));
    for time in 1..80 {
        // The second backend owns nothing of it, and no memtable is full.
        append(&mut life, point_of(&value, time));
        life.keep().unwrap();
        life.save_cursors().unwrap();
    }
}

/// The times of the points of each circle.
fn times(life: &Life) -> Vec<Vec<i64>> {
    let times = |circle: Dump| circle.points.into_values().flat_map(Points::into_keys).collect();
    life.circles().unwrap().into_iter().map(times).collect()
}
