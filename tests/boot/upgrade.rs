//! A data directory of the time before several processes could share documents.

use std::sync::Arc;

use gyre::{
    base::SystemClock,
    meta::{Embedded, HistoryLimit, MetaStore},
};
use serde_json::Value;

use crate::support::{
    dir,
    gyre::{Config, Gyre},
};

/// What such a version stored: the number of each backend beside its flag.
const FORMER: [(&str, &str); 3] = [
    ("/backend-ids/next", "9"),
    ("/backends/backend-1-1", r#"{"id":7,"detached":false}"#),
    ("/backends/backend-2-1", r#"{"id":8,"detached":true}"#),
];

#[test]
fn a_former_data_directory_keeps_numbers_and_flags() {
    let dir = dir::temp_dir();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let file = dir.path().join("meta.redb");
        let store = Embedded::open(&file, Arc::new(SystemClock::new()), HistoryLimit::DEFAULT).expect("a new file");
        for (key, value) in FORMER {
            store.put(key, value.into()).await.expect("the store is well");
        }
    });
    let circles = ["embedded:", "http://127.0.0.1:1", "embedded:"].map(|url| vec![url.to_owned()]);
    let mut gyre = Gyre::start(Config::new(circles.to_vec()).data_dir(dir.path()));
    for _start in 0..2 {
        let shown = gyre.client().get("/gyre/backends").json();
        let detached = shown["backends"].as_array().into_iter().flatten();
        let detached: Vec<_> = detached.map(|backend| backend["detached"].clone()).collect();
        assert_eq!(detached, [false, true, false].map(Value::Bool));
        let mut engines: Vec<_> = std::fs::read_dir(dir.path().join("tsdb"))
            .expect("engines are there")
            .map(|entry| entry.expect("a name").file_name().into_string().expect("a number"))
            .collect();
        engines.sort();
        assert_eq!(engines, ["7", "9"], "the old number is kept, the new one is the next");
        gyre.restart();
    }
}
