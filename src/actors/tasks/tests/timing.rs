//! When tasks fire.

use super::*;

#[test]
fn a_day_of_a_window_is_exact() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let day = Window {
            interval: 10 * SECOND,
            start: None,
            stop: None,
            count: 8640,
        };
        let begun = Instant::now();
        let id = fixture.running(windowed(day)).await;
        fixture.until(&id, TaskState::Ended).await;
        assert_eq!(fixture.counted(&id), (8640, 0, 0));
        let collected = fixture.plugins.collected_since(begun);
        let is_due = |(number, at): (usize, &u128)| at.abs_diff(number as u128 * 10_000) <= 2;
        assert!(
            collected.iter().enumerate().all(is_due),
            "drifts: {:?}",
            collected.last()
        );
        assert_eq!(fixture.plugins.holds(), 0);
        // State changes, and once a minute.
        assert!(fixture.store.writes() < 1500, "{} writes", fixture.store.writes());
    });
}

#[test]
fn quick_stops_and_starts_leave_one_fire_an_interval() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let id = fixture.running(manifest()).await;
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            fixture.tasks.stop(&id).await.unwrap();
            fixture.tasks.start(&id).await.unwrap();
        }
        let before = fixture.view(&id).hits;
        tokio::time::sleep(Duration::from_millis(9_950)).await;
        assert_eq!(fixture.view(&id).hits - before, 9);
        assert_eq!(fixture.plugins.holds(), 1);
    });
}

#[test]
fn a_run_longer_than_the_interval_counts_misses_and_never_overlaps() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        fixture.plugins.script().takes = Duration::from_millis(1700);
        let half = Window {
            interval: Duration::from_millis(500),
            start: None,
            stop: None,
            count: 0,
        };
        let begun = Instant::now();
        let id = fixture.running(windowed(half)).await;
        tokio::time::sleep(Duration::from_millis(7_900)).await;
        assert_eq!(fixture.plugins.collected_since(begun), [0, 2000, 4000, 6000]);
        assert_eq!(fixture.counted(&id), (4, 9, 0));
    });
}

#[test]
fn a_window_begins_and_ends_when_it_says() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let text = |seconds: i64| jiff::Timestamp::from_second(BEGUN + seconds).unwrap().to_string();
        let json = format!(
            r#"{{"start": true, "schedule": {{"type": "windowed", "interval": "1s", "start_timestamp": "{}",
                "stop_timestamp": "{}"}}, "workflow": {{"collect": {{"metrics": {{"/a/b": {{}}}}}}}}}}"#,
            text(90),
            text(100)
        );
        let begun = Instant::now();
        let id = fixture.tasks.create(json.as_bytes()).await.unwrap().id.clone();
        fixture.until(&id, TaskState::Ended).await;
        let collected = fixture.plugins.collected_since(begun);
        assert_eq!((collected.first(), collected.len()), (Some(&90_000), 10));
        let again = fixture.tasks.start(&id).await.unwrap_err();
        assert_eq!(again.to_string(), "error 0: Stop time is in the past ");
    });
}

#[test]
fn a_counted_task_can_be_started_again() {
    on_paused_time(async {
        let fixture = Fixture::new().await;
        let three = Window {
            interval: SECOND,
            start: None,
            stop: None,
            count: 3,
        };
        let id = fixture.running(windowed(three)).await;
        fixture.until(&id, TaskState::Ended).await;
        assert_eq!(fixture.view(&id).last_run, Some(BEGUN + 2));
        fixture.tasks.start(&id).await.unwrap();
        fixture.until(&id, TaskState::Ended).await;
        assert_eq!(fixture.counted(&id), (6, 0, 0));
    });
}

#[test]
fn a_set_clock_neither_stalls_nor_misses() {
    use super::super::run_time::RunTime;

    let clock = SetClock::default();
    let Schedule::Windowed(window) = manifest().schedule else {
        unreachable!("every second");
    };
    let steady = RunTime::begin(&Schedule::Windowed(window), &clock);
    let wall = RunTime::begin(&Schedule::Cron("@hourly".to_owned()), &clock);
    *clock.0.lock().unwrap() = (-3_600, 5);
    assert_eq!(steady.now(&clock), TimestampNs(5_000_000_000));
    assert_eq!(wall.now(&clock), TimestampNs(-3_600_000_000_000));
}

/// Says what it is told: seconds on the wall, seconds elapsed.
#[derive(Debug, Default)]
struct SetClock(std::sync::Mutex<(i64, u64)>);

impl Clock for SetClock {
    fn now(&self) -> TimestampNs {
        TimestampNs(self.0.lock().unwrap().0 * 1_000_000_000)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(self.0.lock().unwrap().1)
    }
}
