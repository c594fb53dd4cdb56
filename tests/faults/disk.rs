//! A full disk: writes are refused while it lasts, reads go on, nothing acknowledged is lost.

use std::time::Duration;

use super::{
    fleet::{DB, Fleet},
    ledger::{Key, Ledger, Point},
    schedule::Step,
};
use crate::support::{http::Client, wait};

/// Longer than a check interval of anything.
const SOON: Duration = Duration::from_secs(20);

/// Bytes that fill up what the server has reserved before the disk was full.
const PADDING: usize = 64 * 1024 - 200;

#[test]
fn full_disk_refuses_writes_and_loses_nothing() {
    let mut fleet = Fleet::start_on_small_disk();
    let ledger = Ledger::default();
    let client = fleet.gyre.client();
    let mut points = points();
    assert_eq!(write(&client, &ledger, &points.next().expect("endless"), "").0, 204);

    let refusal = wait::until("writes are refused", SOON, || {
        fleet.apply(Step::FillDisk);
        let (status, body) = write(&client, &ledger, &points.next().expect("endless"), &padding());
        (status != 204).then_some((status, body))
    });
    assert_eq!(refusal.0, 503, "{}", refusal.1);
    let told: serde_json::Value = serde_json::from_str(&refusal.1).expect("InfluxDB's errors are JSON");
    assert!(told["error"].as_str().is_some_and(|text| !text.is_empty()), "{told}");
    let answer = client.query(DB, "SELECT count(v) FROM m");
    assert!(answer["results"][0]["series"].is_array(), "reads go on: {answer}");

    fleet.apply(Step::FreeDisk);
    wait::until("writes work again", SOON, || {
        (write(&client, &ledger, &points.next().expect("endless"), "").0 == 204).then_some(())
    });
    fleet.assert_complete(&ledger);
    fleet.apply(Step::KillGyre);
    assert_eq!(write(&client, &ledger, &points.next().expect("endless"), "").0, 204);
    fleet.assert_complete(&ledger);
}

fn points() -> impl Iterator<Item = Point> {
    (1..).map(|n| {
        let key = Key {
            measurement: "m".to_owned(),
            writer: "w".to_owned(),
            time: n,
        };
        Point { key, value: n }
    })
}

/// Below InfluxDB's limit of 64 KiB for a string.
fn padding() -> String {
    format!(",pad=\"{}\"", "x".repeat(PADDING))
}

fn write(client: &Client, ledger: &Ledger, point: &Point, more_fields: &str) -> (u16, String) {
    ledger.sending(std::slice::from_ref(point));
    let answer = client.write(DB, &point.padded(more_fields));
    if answer.0 == 204 {
        ledger.acknowledged(std::slice::from_ref(point));
    }
    answer
}
