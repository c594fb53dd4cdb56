//! The ring in force, as a document: all that decides where points are placed.
//!
//! Backends are known by their names, not by their URLs: processes may reach the same server by different ways.

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use crate::config::Config;

/// What placement depends on. Two processes whose rings are equal send every point to the same backends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RingDocument {
    circles: Vec<CircleDocument>,
    hash_key: String,
    shard_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CircleDocument {
    name: String,
    /// In the order of the ring.
    backends: Vec<BackendDocument>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct BackendDocument {
    name: String,
    /// What is hashed to put it on the ring.
    key: String,
}

impl RingDocument {
    /// The ring that a configuration asks for.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        let circles = config.circles.iter().map(|circle| {
            let keys = circle.node_keys(&config.proxy.hash_key);
            let backends = circle.backends.iter().zip(keys);
            CircleDocument {
                name: circle.name.clone(),
                backends: backends
                    .map(|(backend, key)| BackendDocument {
                        name: backend.name.clone(),
                        key,
                    })
                    .collect(),
            }
        });
        Self {
            circles: circles.collect(),
            hash_key: config.proxy.hash_key.to_string(),
            shard_key: config.proxy.shard_key.to_string(),
        }
    }

    /// The first thing in which `configured` differs from this ring, which is in force; `None` when they are equal.
    #[must_use]
    pub fn difference(&self, configured: &Self) -> Option<String> {
        differ("proxy.hash_key", &self.hash_key, &configured.hash_key)
            .or_else(|| differ("proxy.shard_key", &self.shard_key, &configured.shard_key))
            .or_else(|| {
                let name = |circle: &CircleDocument| circle.name.clone();
                let (in_force, wanted) = (names(&self.circles, name), names(&configured.circles, name));
                differ("circles", &in_force, &wanted)
            })
            .or_else(|| {
                let pairs = self.circles.iter().zip(&configured.circles);
                pairs.into_iter().find_map(|(ours, theirs)| ours.difference(theirs))
            })
    }
}

impl CircleDocument {
    fn difference(&self, configured: &Self) -> Option<String> {
        let of = |what| format!("{what} of circle {:?}", self.name);
        let both =
            |pick: fn(&BackendDocument) -> String| (names(&self.backends, pick), names(&configured.backends, pick));
        let (in_force, wanted) = both(|backend| backend.name.clone());
        differ(&of("backends"), &in_force, &wanted).or_else(|| {
            let (in_force, wanted) = both(|backend| backend.key.clone());
            differ(&of("keys"), &in_force, &wanted)
        })
    }
}

fn names<T>(all: &[T], pick: impl Fn(&T) -> String) -> Vec<String> {
    all.iter().map(pick).collect()
}

fn differ<T: PartialEq + Debug>(what: &str, in_force: &T, configured: &T) -> Option<String> {
    (in_force != configured).then(|| format!("{what}: {in_force:?} in force, {configured:?} configured"))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn ring(proxy: &str, circles: &[(&str, &[&str])]) -> RingDocument {
        let mut text = format!("[proxy]\n{proxy}\n");
        for (name, backends) in circles {
            text.push_str(&format!("[[circles]]\nname = \"{name}\"\n"));
            for backend in *backends {
                text.push_str(&format!(
                    "[[circles.backends]]\nname = \"{backend}\"\nurl = \"http://{backend}\"\n"
                ));
            }
        }
        RingDocument::of(&config::parse(Path::new("gyre.toml"), &text, []).unwrap())
    }

    #[test]
    fn names_what_differs() {
        let in_force = ring("", &[("c", &["a", "b"])]);
        let check = |configured: &RingDocument, difference: &str| {
            assert_eq!(in_force.difference(configured).as_deref(), Some(difference));
        };
        assert_eq!(in_force.difference(&ring("", &[("c", &["a", "b"])])), None);
        check(
            &ring("shard_key = \"%db\"", &[("c", &["a", "b"])]),
            "proxy.shard_key: \"%db,%mm\" in force, \"%db\" configured",
        );
        check(
            &ring("hash_key = \"name\"", &[("c", &["a", "b"])]),
            "proxy.hash_key: \"idx\" in force, \"name\" configured",
        );
        check(
            &ring("", &[("c", &["a", "b"]), ("d", &["e"])]),
            "circles: [\"c\"] in force, [\"c\", \"d\"] configured",
        );
        check(
            &ring("", &[("c", &["b", "a"])]),
            "backends of circle \"c\": [\"a\", \"b\"] in force, [\"b\", \"a\"] configured",
        );
    }

    #[test]
    fn keys_may_differ_alone() {
        let mut moved = ring("hash_key = \"url\"", &[("c", &["a"])]);
        let in_force = moved.clone();
        moved.circles[0].backends[0].key = "http://z".to_owned();
        let difference = "keys of circle \"c\": [\"http://a\"] in force, [\"http://z\"] configured";
        assert_eq!(in_force.difference(&moved).as_deref(), Some(difference));
    }

    #[test]
    fn is_read_as_it_was_written_and_by_later_versions() {
        let ring = ring("", &[("c", &["a"])]);
        let mut json = serde_json::to_value(&ring).unwrap();
        json["epoch"] = 7.into();
        assert_eq!(serde_json::from_value::<RingDocument>(json).unwrap(), ring);
    }
}
