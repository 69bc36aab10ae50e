//! What large clusters are asked: how many memberships there were on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{host::Port, world::World};

impl World {
    /// The sizes of the groups that any one adapter was in, of the adapter that
    /// saw most of them.
    pub fn sizes_seen(&self) -> Vec<usize> {
        let mut seen: BTreeMap<Port, BTreeSet<usize>> = BTreeMap::new();
        for adoption in &self.records.adoptions {
            seen.entry(adoption.port).or_default().insert(adoption.members.len());
        }
        let most = seen.into_values().max_by_key(BTreeSet::len);
        most.map_or_else(Vec::new, |sizes| sizes.into_iter().collect())
    }

    /// How many memberships came into force on a network after `since`.
    pub fn memberships_since(&self, network: &str, since: Duration) -> usize {
        let number = self.network_named(network);
        let later = self.records.adoptions.iter().filter(|adoption| adoption.at > since);
        let here = later.filter(|adoption| self.adapter(adoption.port).network == number);
        here.map(|adoption| adoption.group).collect::<BTreeSet<_>>().len()
    }

    /// When a membership last came into force.
    pub fn last_adoption(&self) -> Duration {
        self.records.adoptions.last().map_or(Duration::ZERO, |adoption| adoption.at)
    }
}
