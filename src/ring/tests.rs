use std::{collections::BTreeSet, env, fs, path::Path};

use proptest::prelude::*;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::*;

/// Node keys of `count` backends named `influxdb-1-1` ... at consecutive ports from 8086.
fn node_keys(hash_key: &str, count: usize) -> Vec<String> {
    let hash_key: HashKey = hash_key.parse().unwrap();
    let key = |i: usize| {
        hash_key.node_key(
            i,
            &format!("influxdb-1-{}", i + 1),
            &format!("http://127.0.0.1:{}", 8086 + i),
        )
    };
    (0..count).map(key).collect()
}

fn ring(hash_key: &str, count: usize) -> Ring {
    Ring::new(&node_keys(hash_key, count)).unwrap()
}

/// SHA-256 over one line `<8 hex digits> <backend>` a point, ascending.
fn digest(ring: &Ring) -> String {
    let lines: String = ring.points().map(|(at, owner)| format!("{at:08x} {owner}\n")).collect();
    Sha256::digest(lines).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn rings_are_those_of_influx_proxy() {
    let keys = [
        "db1,cpu1",
        "db1,cpu2",
        "db2,cpu3",
        "db2,cpu4",
        "telegraf,cpu",
        "telegraf,mem",
        "telegraf,disk",
    ];
    let check = |hash_key: &str, count, points, start_of_digest: &str, owners: [usize; 7]| {
        let ring = ring(hash_key, count);
        assert_eq!(ring.points().count(), points, "{hash_key} {count}");
        assert!(digest(&ring).starts_with(start_of_digest), "{hash_key} {count}");
        assert_eq!(keys.map(|key| ring.owner(key.as_bytes())), owners, "{hash_key} {count}");
    };
    check("idx", 2, 512, "72ba811fe4365eeb", [1, 1, 1, 0, 0, 1, 0]);
    check("idx", 3, 768, "396b76012378cc00", [2, 1, 1, 2, 0, 2, 0]);
    check("idx", 6, 1536, "d11c2f68d69444c1", [4, 1, 1, 3, 0, 5, 0]);
    check("idx", 12, 3022, "ec953e4040af1726", [4, 6, 1, 3, 10, 11, 0]);
    check("exi", 12, 3072, "0ed08871fcb43757", [8, 6, 2, 6, 11, 1, 8]);
    check("name", 3, 768, "148cd25b63737822", [2, 1, 2, 0, 1, 0, 1]);
    check("url", 3, 768, "a3ca607d935bf8d7", [2, 0, 2, 2, 0, 0, 2]);
    check("backend-%idx", 6, 1536, "8631df457ee83d94", [0, 0, 4, 3, 3, 3, 1]);
}

#[test]
fn odd_names_are_raw_bytes() {
    let ring = ring("idx", 2);
    let check = |key: &str, owner| assert_eq!(ring.owner(key.as_bytes()), owner, "{key}");
    check("db1,measurement with spaces, commas and 'quotes'", 0);
    check("db2,\"measurement with spaces, commas and \"quotes\"\"", 1);
    check("db1,measurement with 汉字 表", 1);
    check("mydb,", 0);
    check("d,b,c,pu", 0);
}

#[test]
fn shard_keys_expand_once() {
    let check = |template: &str, database: &str, measurement: &str, expect: &str| {
        let shard_key: ShardKey = template.parse().unwrap();
        let mut key = b"left over".to_vec();
        shard_key.expand_into(database.as_bytes(), measurement.as_bytes(), &mut key);
        assert_eq!(String::from_utf8(key).unwrap(), expect);
        let hash = shard_key.hash(database.as_bytes(), measurement.as_bytes());
        assert_eq!(hash, crc32fast::hash(expect.as_bytes()));
        assert_eq!(shard_key.to_string(), template);
    };
    check("%db,%mm", "db1", "cpu1", "db1,cpu1");
    check("%mm|%db|%mm", "d", "m", "m|d|m");
    check("%db%mm", "%mm", "%db", "%mm%db");
    check("%%db%d%dbb%", "x", "y", "%x%dxb%");
    check("表-%mm", "x", "汉字", "表-汉字");
    check("%db", "", "y", "");
}

#[test]
fn shard_keys_place() {
    let ring = ring("idx", 2);
    let check = |template: &str, database: &str, measurement: &str, owner| {
        let shard_key = template.parse().unwrap();
        assert_eq!(
            ring.owner_of(&shard_key, database.as_bytes(), measurement.as_bytes()),
            owner
        );
    };
    check("shard-%db-%mm", "db1", "cpu1", 0);
    check("shard-%db-%mm", "db1", "cpu2", 1);
    check("%mm", "db1", "cpu2", 0);
    check("%mm", "db2", "cpu4", 1);
    check("%db", "db1", "cpu1", 0);
    check("%db", "db2", "cpu1", 1);
}

#[test]
fn templates_without_names_are_refused() {
    let hash_keys = ["", "IDX", "index", "%id", "backend-"];
    for text in hash_keys {
        assert_eq!(text.parse::<HashKey>(), Err(InvalidTemplate::HashKey));
    }
    for text in ["", "db,mm", "%DB,%MM", "%d b"] {
        assert_eq!(text.parse::<ShardKey>(), Err(InvalidTemplate::ShardKey));
    }
    for text in ["idx", "exi", "name", "url", "%idx", "n%idx-%idx"] {
        assert_eq!(text.parse::<HashKey>().unwrap().to_string(), text);
    }
}

#[test]
fn the_later_of_two_equal_node_keys_owns_all() {
    let ring = Ring::new(&["http://h:1", "http://h:1", "http://h:2"]).unwrap();
    assert_eq!(ring.points().count(), 512);
    let owners: BTreeSet<_> = ring.points().map(|(_, owner)| owner).collect();
    assert_eq!(owners, BTreeSet::from([1, 2]));
}

#[test]
fn no_backends_no_ring() {
    assert_eq!(Ring::new(&[] as &[&str]), None);
    assert!(!covered(&[], |_, _| true));
}

#[test]
fn a_point_belongs_to_the_run_above_it() {
    let ring = ring("idx", 3);
    let arcs: Vec<_> = ring.arcs().collect();
    assert_eq!((arcs[0].first, arcs[arcs.len() - 1].last), (0, u32::MAX));
    assert_eq!(arcs[0].owner, arcs[arcs.len() - 1].owner);
    for (before, after) in arcs.iter().zip(&arcs[1..]) {
        assert_eq!(before.last + 1, after.first);
        assert_eq!(ring.owner_at(before.last), before.owner);
        assert_eq!(ring.owner_at(after.first), after.owner);
    }
}

#[test]
fn circles_of_different_sizes_cover_together() {
    let (two, three) = (ring("idx", 2), ring("idx", 3));
    assert!(covered(&[&two, &three], |circle, _| circle == 1));
    assert!(covered(&[&two, &three], |circle, backend| (circle, backend) != (0, 0)));
    // Half of one circle and two thirds of the other always leave a gap.
    assert!(!covered(&[&two, &three], |circle, backend| circle == 0 && backend == 0
        || backend == 2));
    assert!(!covered(&[&two], |_, backend| backend == 1));
    assert!(!covered(&[&two, &three], |_, _| false));
}

/// How much of the key space each backend owns, as fractions that add up to one.
fn shares(ring: &Ring, count: usize) -> Vec<f64> {
    let mut shares = vec![0.0; count];
    for arc in ring.arcs() {
        shares[arc.owner] += (f64::from(arc.last - arc.first) + 1.0) / 4_294_967_296.0;
    }
    shares
}

#[test]
fn shares_are_the_published_ones() {
    let rounded: Vec<_> = shares(&ring("idx", 3), 3)
        .iter()
        .map(|share| (share * 1000.0).round())
        .collect();
    assert_eq!(rounded, [327.0, 287.0, 385.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Loose, because CRC-32 is linear: node keys that differ in one character spread worse than chance.
    #[test]
    fn backends_share_the_load(count in 2_usize..10, prefix in "[a-z]{1,12}-") {
        let ring = Ring::new(&node_keys(&format!("{prefix}%idx"), count)).unwrap();
        for share in shares(&ring, count) {
            let of_fair = share * count as f64;
            prop_assert!(of_fair > 0.2 && of_fair < 3.0, "{of_fair} of the fair share");
        }
    }

    #[test]
    fn a_new_backend_only_takes(count in 1_usize..20, hash in any::<u32>()) {
        let (before, after) = (ring("exi", count).owner_at(hash), ring("exi", count + 1).owner_at(hash));
        prop_assert!(after == before || after == count);
    }

    #[test]
    fn a_hash_without_alive_owner_is_a_gap(dead in any::<[bool; 7]>(), hash in any::<u32>()) {
        let rings = [ring("idx", 3), ring("exi", 4)];
        let alive = |circle: usize, backend: usize| !dead[circle * 3 + backend];
        let has_owner = (0..2).any(|circle| alive(circle, rings[circle].owner_at(hash)));
        prop_assert!(has_owner || !covered(&[&rings[0], &rings[1]], alive));
    }

    #[test]
    fn coverage_is_what_every_arc_says(dead in any::<[bool; 7]>()) {
        let rings = [ring("idx", 3), ring("exi", 4)];
        let alive = |circle: usize, backend: usize| !dead[circle * 3 + backend];
        let covered_by_arcs = rings.iter().flat_map(Ring::arcs).flat_map(|arc| [arc.first, arc.last])
            .all(|hash| (0..2).any(|circle| alive(circle, rings[circle].owner_at(hash))));
        prop_assert_eq!(covered(&[&rings[0], &rings[1]], alive), covered_by_arcs);
    }
}

/// The shared placement vectors, when the environment names a directory of conformance cases.
fn shared_vectors() -> Option<Value> {
    let folder = env::var_os("GYRE_CONFORMANCE")?;
    let text = fs::read_to_string(Path::new(&folder).join("influx-proxy/ring-vectors.json")).unwrap();
    Some(serde_json::from_str(&text).unwrap())
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect()
}

fn index(value: &Value) -> usize {
    usize::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn conformance_rings() {
    let Some(shared) = shared_vectors() else { return };
    for config in shared["configs"].as_array().unwrap() {
        let hash_key: HashKey = config["hash_key"].as_str().unwrap().parse().unwrap();
        let shard_key: ShardKey = config["shard_key"].as_str().unwrap().parse().unwrap();
        let backends = config["backends"].as_array().unwrap().iter().enumerate();
        let keys: Vec<_> = backends
            .map(|(i, b)| hash_key.node_key(i, b["name"].as_str().unwrap(), b["url"].as_str().unwrap()))
            .collect();
        assert_eq!(keys, texts(&config["node_keys"]));
        let ring = Ring::new(&keys).unwrap();
        assert_eq!(digest(&ring), config["ring_sha256"].as_str().unwrap(), "{keys:?}");
        assert_eq!(ring.points().count(), index(&config["ring_points"]));
        for vector in config["vectors"].as_array().unwrap() {
            let (database, measurement) = (vector["db"].as_str().unwrap(), vector["mm"].as_str().unwrap());
            let owner = ring.owner_of(&shard_key, database.as_bytes(), measurement.as_bytes());
            assert_eq!(owner, index(&vector["backend_index"]), "{vector}");
            assert_eq!(owner, ring.owner(vector["key"].as_str().unwrap().as_bytes()));
        }
    }
}

#[test]
fn conformance_shard_keys() {
    let Some(shared) = shared_vectors() else { return };
    for vector in shared["shard_key_vectors"].as_array().unwrap() {
        let shard_key: ShardKey = vector["shard_key"].as_str().unwrap().parse().unwrap();
        let ring = ring(vector["hash_key"].as_str().unwrap(), index(&vector["n_backends"]));
        let (database, measurement) = (vector["db"].as_str().unwrap(), vector["mm"].as_str().unwrap());
        let mut key = Vec::new();
        shard_key.expand_into(database.as_bytes(), measurement.as_bytes(), &mut key);
        assert_eq!(key, vector["key"].as_str().unwrap().as_bytes());
        assert_eq!(ring.owner(&key), index(&vector["backend_index"]), "{vector}");
    }
}

#[test]
fn conformance_edge_cases() {
    let Some(shared) = shared_vectors() else { return };
    for case in shared["edge_cases"].as_array().unwrap() {
        let hash_key: HashKey = case["hash_key"].as_str().unwrap().parse().unwrap();
        let backends = texts(&case["names"]).into_iter().zip(texts(&case["urls"])).enumerate();
        let keys: Vec<_> = backends
            .map(|(i, (name, url))| hash_key.node_key(i, name, url))
            .collect();
        let ring = Ring::new(&keys).unwrap();
        let owners: Vec<_> = texts(&case["keys"])
            .iter()
            .map(|key| ring.owner(key.as_bytes()))
            .collect();
        let expect: Vec<_> = case["backend_index"].as_array().unwrap().iter().map(index).collect();
        assert_eq!(owners, expect);
    }
}
