use std::time::Duration;

use super::*;
use crate::{
    base::{SystemClock, TimestampNs},
    cluster::NodeKind,
    meta::HistoryLimit,
};

fn node(id: u64, hostname: &str, bind: &str, lease: Option<u64>) -> Arc<Node> {
    Arc::new(Node {
        id,
        kind: NodeKind::Data,
        cluster: "c".to_owned(),
        ip: String::new(),
        hostname: hostname.to_owned(),
        bind: bind.to_owned(),
        registered_at: TimestampNs(0),
        ttl: Duration::from_secs(15),
        died_at: None,
        lease,
        modified: id,
    })
}

#[test]
fn the_newest_live_node_of_the_name_says_where_the_server_is() {
    let registry = Snapshot {
        data: vec![
            node(1, "moved", "old:1", Some(1)),
            node(2, "moved", "new:2", Some(2)),
            node(3, "moved", "dead:3", None),
            node(4, "dead", "dead:4", None),
            node(5, "odd", "no port", Some(5)),
        ],
        ..Snapshot::default()
    };
    let check = |url: &str, expect: Option<&str>| {
        let found = find(&url.parse().unwrap(), &registry);
        assert_eq!(found.server().map(HttpUrl::base).as_deref(), expect, "{url}");
    };
    check("node://c/moved", Some("http://new:2"));
    check("node://c/moved:8086", Some("http://new:8086"));
    check("node://c/dead", None);
    check("node://c/unknown", None);
    check("node://other/moved", None);
    check("node://c/odd", None);
    check("node://c/odd:8086", None);
    let check = |url: &str, expect| assert_eq!(find(&url.parse().unwrap(), &registry), expect, "{url}");
    check("node://c/dead", Found::Dead);
    check("node://c/unknown", Found::Unknown);
    let bind = "no port".to_owned();
    check("node://c/odd", Found::Nowhere { bind });
}

#[test]
fn neither_a_lost_store_nor_mass_death_takes_a_backend_away() {
    let url: NodeUrl = "node://c/h".parse().unwrap();
    let at = |server: &str| Found::At(server.parse().unwrap());
    let registry = |stale, data| Snapshot {
        stale,
        data,
        ..Snapshot::default()
    };
    let check = |last: Found, registry: &Snapshot, is_braked, expect| {
        assert_eq!(next(&last, &url, registry, is_braked), expect, "{last:?}, {registry:?}");
    };
    let (here, there) = (at("http://here:1"), at("http://there:1"));
    let lost = registry(true, Vec::new());
    let gone = registry(false, Vec::new());
    let alive = registry(false, vec![node(1, "h", "here:1", Some(1))]);
    let dead = registry(false, vec![node(1, "h", "here:1", None)]);
    for is_braked in [false, true] {
        check(here.clone(), &lost, is_braked, Next::Same);
        check(here.clone(), &alive, is_braked, Next::Same);
        check(there.clone(), &alive, is_braked, Next::Changed(here.clone()));
        check(Found::Dead, &alive, is_braked, Next::Changed(here.clone()));
        check(Found::Dead, &dead, is_braked, Next::Same);
        check(here.clone(), &gone, is_braked, Next::Changed(Found::Unknown));
    }
    check(here.clone(), &dead, false, Next::Changed(Found::Dead));
    check(here, &dead, true, Next::Held);
}

#[tokio::test]
async fn the_last_address_is_remembered_with_the_url_it_belongs_to() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let store = Embedded::open(&dir.path().join("meta"), clock, HistoryLimit::DEFAULT).unwrap();
    let url: NodeUrl = "node://c/h".parse().unwrap();
    let server: HttpUrl = "http://here:1".parse().unwrap();
    let check = async |text: &str, expect: Option<&HttpUrl>| {
        let first = first_address(&store, BackendId(7), &text.parse().unwrap())
            .await
            .unwrap();
        assert_eq!(first.as_ref(), expect, "{text}");
    };
    check("http://here:1", Some(&server)).await;
    check("embedded:", None).await;
    check("node://c/h", None).await;
    remember(&store, BackendId(7), &url, Some(&server)).await.unwrap();
    check("node://c/h", Some(&server)).await;
    check("node://c/h:8086", None).await;
    remember(&store, BackendId(7), &url, None).await.unwrap();
    check("node://c/h", None).await;
}
