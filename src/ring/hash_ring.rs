//! The consistent-hash ring of one circle, and coverage over several.

use std::collections::BTreeMap;

use super::ShardKey;

/// Points on the ring a backend (before collisions).
const REPLICAS: u32 = 256;

/// The ring of one circle. Backends are their positions in the list of node keys, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ring {
    /// Ascending, distinct, not empty.
    positions: Vec<u32>,
    /// The backend at each position.
    owners: Vec<usize>,
}

/// A run of key hashes with one owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RingArc {
    /// The least hash of the run.
    pub first: u32,
    /// The greatest hash of the run; it belongs to the run.
    pub last: u32,
    /// The backend that owns the run.
    pub owner: usize,
}

impl Ring {
    /// The ring of the backends with these node keys, in the order of the configuration; `None` when there are none.
    #[must_use]
    pub fn new(node_keys: &[impl AsRef<str>]) -> Option<Self> {
        let mut last_of_key = BTreeMap::new();
        for (backend, key) in node_keys.iter().enumerate() {
            last_of_key.insert(key.as_ref(), backend);
        }
        let mut points = BTreeMap::new();
        for key in node_keys.iter().map(AsRef::as_ref) {
            for replica in 0..REPLICAS {
                let position = crc32fast::hash(format!("{replica}{key}").as_bytes());
                points.insert(position, last_of_key[key]);
            }
        }
        let (positions, owners): (Vec<_>, Vec<_>) = points.into_iter().unzip();
        (!positions.is_empty()).then_some(Self { positions, owners })
    }

    /// The backend that owns an expanded shard key.
    #[must_use]
    pub fn owner(&self, key: &[u8]) -> usize {
        self.owner_at(crc32fast::hash(key))
    }

    /// The backend that owns `measurement` of `database`; both as raw bytes, unescaped.
    #[must_use]
    pub fn owner_of(&self, shard_key: &ShardKey, database: &[u8], measurement: &[u8]) -> usize {
        self.owner_at(shard_key.hash(database, measurement))
    }

    /// The backend that owns the keys with this CRC-32/IEEE.
    #[must_use]
    pub fn owner_at(&self, hash: u32) -> usize {
        let above = self.positions.partition_point(|position| *position <= hash);
        self.owners[if above == self.owners.len() { 0 } else { above }]
    }

    /// The points of the ring with their owners, ascending.
    pub fn points(&self) -> impl Iterator<Item = (u32, usize)> + '_ {
        self.positions.iter().copied().zip(self.owners.iter().copied())
    }

    /// The runs of hashes between points, ascending: together they are the whole key space, each hash once.
    pub fn arcs(&self) -> impl Iterator<Item = RingArc> + '_ {
        let firsts = self.starts();
        let lasts = self.starts().skip(1).map(|start| start - 1).chain([u32::MAX]);
        firsts.zip(lasts).map(|(first, last)| RingArc {
            first,
            last,
            owner: self.owner_at(first),
        })
    }

    /// Where the owner may change: 0 and every point, since a point belongs to the run above it.
    fn starts(&self) -> impl Iterator<Item = u32> + '_ {
        let zero_is_a_point = self.positions.first() == Some(&0);
        (!zero_is_a_point)
            .then_some(0)
            .into_iter()
            .chain(self.positions.iter().copied())
    }
}

/// Whether every key has an alive owner in at least one of the rings (one a circle, of any sizes).
///
/// `alive` is asked with a position in `rings` and a backend of that ring.
#[must_use]
pub fn covered(rings: &[&Ring], alive: impl Fn(usize, usize) -> bool) -> bool {
    let has_owner = |hash| {
        let mut rings = rings.iter().enumerate();
        rings.any(|(number, ring)| alive(number, ring.owner_at(hash)))
    };
    // Owners change only at a start of some ring, so these hashes stand for all; every ring starts at 0.
    !rings.is_empty() && rings.iter().flat_map(|ring| ring.starts()).all(has_owner)
}
