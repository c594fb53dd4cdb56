//! The numbers of the journal's records, when the journal loses more in a power loss than the engines do.

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
    Record::Write {
        db: "a".to_owned(),
        policy: String::new(),
        points: vec![Point {
            measurement: "m".to_owned(),
            tags: String::new(),
            fields: vec![("v".to_owned(), "1".to_owned())],
            time,
        }],
    }
}

/// Opens everything with a journal that nobody syncs.
fn open(machine: &Machine) -> Life {
    let clock = ManualClock::at(TimestampNs(NOW));
    let mut life = Life::open(machine, &clock, &two_circles(), SyncMode::Never).unwrap();
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
    for seed in 0..20 {
        let disk = Disk::default();
        let mut life = open(&disk.boot(None, 0));
        append(&mut life, Record::CreateDatabase("a".to_owned()));
        life.stop().unwrap();

        let machine = disk.boot(None, seed);
        let mut life = open(&machine);
        (1..4).for_each(|time| append(&mut life, point(time)));
        (0..3).for_each(|member| life.flush(member).unwrap());
        machine.fail();
        drop(life);

        let mut life = open(&disk.boot(None, seed));
        append(&mut life, point(9));
        assert_eq!(times(&life), [[1, 2, 3, 9]; 2], "seed {seed}");
        life.stop().unwrap();
        assert_eq!(times(&open(&disk.boot(None, seed))), [[1, 2, 3, 9]; 2], "seed {seed}");
    }
}

/// The times of the points of each circle.
fn times(life: &Life) -> Vec<Vec<i64>> {
    let times = |circle: Dump| circle.points.into_values().flat_map(Points::into_keys).collect();
    life.circles().unwrap().into_iter().map(times).collect()
}
