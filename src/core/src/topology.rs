//! What this node knows of every adapter, path and node, and what it tells
//! the world when that changes.
//!
//! Each change is made by one method here, which gives the event to publish,
//! or none when nothing changed: whatever way news come (verdict, commit,
//! report), they are told once.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{GroupId, Member, NodeId, Pair, Verdict};

use crate::{
    event::{Event, EventKind},
    linkstate::ITEMS_MAX,
    members::Members,
    say,
    sizes::{ADAPTERS_MAX, Each, NETWORKS_MAX, PATHS_MAX, Size},
    time::Timestamp,
    told::{Ended, OpenFaults},
};

mod adapters;
mod inherited;
mod nodes;

pub(crate) use adapters::{Adapters, Visible};
pub(crate) use nodes::KnownNode;

/// A failed path.
#[derive(Clone, Debug)]
pub(crate) struct KnownPath {
    pub ends: (Member, Member),
    pub verdict_id: Option<String>,
    pub since: Timestamp,
    /// That of the group when it failed.
    instance: u64,
    /// Each end told it, as its own: two faults to whoever goes by names.
    both: bool,
}

impl KnownPath {
    /// Its ends, in the order in which they were told.
    fn told(self) -> impl Iterator<Item = (Member, Member)> {
        let (one, other) = self.ends;
        let swapped = self.both.then(|| (other.clone(), one.clone()));
        core::iter::once((one, other)).chain(swapped)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub adapters: Adapters,
    pub nodes: BTreeMap<NodeId, KnownNode>,
    pub paths: BTreeMap<(String, Pair), KnownPath>,
    /// Networks that fell apart.
    pub broken: BTreeMap<String, Broken>,
    /// What others told, or an earlier run of this node.
    inherited: OpenFaults,
    /// When it looks next who of them is up here all the time.
    pub inherited_until: Option<Timestamp>,
    /// So long it waits before that.
    inherited_wait: Duration,
    /// Who tells these may not have heard that they are over.
    ended: Ended,
    /// Grows with every change of the state of an adapter or node.
    pub changes: u64,
}

/// A network in parts.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    /// What its merging clears.
    pub kind: EventKind,
    /// By which that was decided.
    pub verdict_id: String,
    /// None: everybody is alone.
    sides: Vec<Vec<IpAddr>>,
    /// As they were told.
    sets: Vec<String>,
    /// That of the newest group known then that goes across the parts.
    instance: u64,
}

impl Broken {
    /// Whether it says that these two do not reach each other.
    pub(crate) fn parts(&self, one: IpAddr, other: IpAddr) -> bool {
        let side = |of| self.sides.iter().position(|side| side.contains(&of));
        self.sides.is_empty() || matches!((side(one), side(other)), (Some(a), Some(b)) if a != b)
    }

    /// Whether it says that these two are on one side: what parts them is new.
    pub(crate) fn joins(&self, one: IpAddr, other: IpAddr) -> bool {
        self.sides.iter().any(|side| side.contains(&one) && side.contains(&other))
    }

    /// Sides that are themselves parted are more sides. The first side of a later
    /// verdict, whose members have met, is as it says: one of them may have been
    /// out of sight when its side was told.
    fn refine(&mut self, verdict: &Verdict, instance: u64) -> bool {
        let before = self.sides.len();
        let Some((near, far)) = verdict.sides.split_first() else { return false };
        if before == 0 {
            return false;
        }
        let out = |side: &Vec<IpAddr>| {
            let others = side.iter().filter(|address| !near.contains(address));
            others.copied().collect::<Vec<IpAddr>>()
        };
        let mut sides: Vec<Vec<IpAddr>> = self.sides.iter().map(out).collect();
        let known = |address: &IpAddr| self.sides.iter().any(|side| side.contains(address));
        let fresh = far.iter().flatten().filter(|address| !known(address));
        sides.push(fresh.copied().collect());
        sides.insert(0, near.to_vec());
        sides.retain(|side| !side.is_empty());
        self.sides = sides;
        let parted = self.sides.len() > before;
        if parted {
            self.instance = self.instance.max(instance);
        }
        parted
    }

    /// Whether a group goes across the parts. The next membership after a
    /// verdict's may have been prepared before it.
    fn is_crossed(&self, group: GroupId, members: &Members) -> bool {
        goes_across(&self.sides, members) && group.instance > self.instance + 1
    }
}

/// Whether members are on more than one of the sides; without sides everybody
/// is alone.
pub(crate) fn goes_across(sides: &[Vec<IpAddr>], members: &Members) -> bool {
    let on = |side: &&Vec<IpAddr>| side.iter().any(|address| members.contains(*address));
    match sides {
        [] => members.len() > 1,
        sides => sides.iter().filter(on).count() > 1,
    }
}

impl Topology {
    pub(crate) fn sizes(&self) -> [Size; 6] {
        [
            Size::new("known adapters", self.adapters.len(), ADAPTERS_MAX).each(Each::Adapter),
            Size::new("known nodes", self.nodes.len(), ITEMS_MAX).each(Each::Node),
            Size::new("known failed paths", self.paths.len(), PATHS_MAX),
            Size::new("broken networks", self.broken.len(), NETWORKS_MAX).each(Each::Network),
            self.inherited.size(),
            self.ended.size(),
        ]
    }

    /// A verdict says that two well adapters do not reach each other.
    pub(crate) fn path_failed(&mut self, now: Timestamp, verdict: &Verdict) -> Option<Event> {
        let peer = verdict.peer.as_ref()?;
        let ends = (verdict.culprit.clone(), peer.clone());
        let pair = Pair::new(ends.0.address, ends.1.address);
        let key = (verdict.network.clone(), pair);
        if let Some(known) = self.paths.get_mut(&key) {
            known.both |= known.ends.0.address != ends.0.address;
            return None;
        }
        if self.paths.len() >= PATHS_MAX {
            return None;
        }
        self.inherited.end_path(&verdict.network, (&ends.0, &ends.1));
        let verdict_id = Some(verdict.id.clone());
        let instance = verdict.group.instance;
        self.paths.insert(key, KnownPath { ends, verdict_id, instance, since: now, both: false });
        Some(say::path_failed(verdict))
    }

    /// A group's failed paths: those that it does not list although it lists
    /// both ends work again, or are yet to be found out anew.
    pub(crate) fn paths_committed(
        &mut self,
        network: &str,
        group: GroupId,
        members: &Members,
        failed: &BTreeSet<Pair>,
    ) -> Vec<Event> {
        let works = |(name, pair): &(String, Pair), path: &KnownPath| {
            name == network
                && !failed.contains(pair)
                && members.contains(pair.low())
                && members.contains(pair.high())
                // The next membership after a verdict's may have been prepared
                // before it.
                && group.instance > path.instance + 1
        };
        let told = self.paths.extract_if(.., |key, path| works(key, path));
        let mut restored: Vec<(Member, Member)> = told.flat_map(|(_, path)| path.told()).collect();
        for (one, other) in &restored {
            self.inherited.end_path(network, (one, other));
        }
        restored.extend(self.inherited.end_paths(network, members, |low, high| {
            failed.contains(&Pair::new(low.address, high.address))
        }));
        for (one, other) in &restored {
            self.ended.path(network, (one, other), group.instance);
        }
        restored.iter().map(|(one, other)| say::path_restored(network, one, other)).collect()
    }

    /// Failed paths between members that their group does not list, and is to.
    pub(crate) fn paths_still_failed(
        &self,
        network: &str,
        members: &Members,
        failed: &BTreeSet<Pair>,
    ) -> Vec<Pair> {
        let between = |pair: &Pair| members.contains(pair.low()) && members.contains(pair.high());
        self.paths
            .keys()
            .filter(|(name, pair)| name == network && between(pair) && !failed.contains(pair))
            .map(|(_, pair)| *pair)
            .collect()
    }

    fn has_failed_paths(&self, network: &str, address: IpAddr) -> bool {
        let its = |pair: &Pair| pair.low() == address || pair.high() == address;
        self.paths.keys().any(|(name, pair)| name == network && its(pair))
    }

    /// An adapter is no more: neither are its failed paths.
    fn paths_end(&mut self, network: &str, address: IpAddr) -> Vec<Event> {
        let its = |(name, pair): &(String, Pair)| {
            name == network && (pair.low() == address || pair.high() == address)
        };
        self.paths
            .extract_if(.., |key, _| its(key))
            .flat_map(|(_, path)| path.told())
            .map(|(one, other)| say::path_restored(network, &one, &other))
            .collect()
    }

    /// An interface has another address: it is on the side that it was on.
    fn takes_the_place(&mut self, network: &str, member: &Member) {
        let Some(broken) = self.broken.get_mut(network) else { return };
        let node = self.nodes.get(&member.node_id);
        let Some(before) = node.and_then(|node| node.address_before(network, &member.interface))
        else {
            return;
        };
        for address in broken.sides.iter_mut().flatten().filter(|address| **address == before) {
            *address = member.address;
        }
    }

    /// A network fell apart or failed as a whole.
    pub(crate) fn network_broken(&mut self, verdict: &Verdict, instance: u64) -> Option<Event> {
        let mut verdict = verdict.clone();
        if let Some(broken) = self.broken.get_mut(&verdict.network) {
            if !broken.refine(&verdict, instance) {
                return None;
            }
            verdict.sides.clone_from(&broken.sides);
        } else if self.broken.len() >= NETWORKS_MAX {
            return None;
        }
        let verdict = &verdict;
        let names: BTreeMap<IpAddr, String> = self
            .adapters
            .on(&verdict.network)
            .map(|(address, known)| (*address, known.member.node.clone()))
            .collect();
        let name =
            |address: &IpAddr| names.get(address).cloned().unwrap_or_else(|| address.to_string());
        let mut event = say::about_network(verdict, name);
        let kind = event.kind;
        let verdict_id = verdict.id.clone();
        let (sides, sets) = (verdict.sides.clone(), event.sets.clone());
        let fresh = || Broken { kind, verdict_id, sides, sets: Vec::new(), instance };
        let broken = self.broken.entry(verdict.network.clone()).or_insert_with(fresh);
        broken.sets = sets;
        event.instance = Some(broken.instance);
        self.inherited.end_network(&verdict.network);
        Some(event)
    }

    /// A group grew across what was broken.
    pub(crate) fn network_merged(
        &mut self,
        network: &str,
        group: GroupId,
        members: &Members,
    ) -> Option<Event> {
        let clears = match self.broken.get(network) {
            Some(broken) if !broken.is_crossed(group, members) => return None,
            Some(_) => {
                self.inherited.end_network(network);
                self.broken.remove(network)?.kind
            }
            None => self.inherited.end_crossed(network, group, members)?,
        };
        self.ended.network(network, group.instance);
        let text = alloc::format!("{network}: its parts found each other again");
        let mut event = Event::new(EventKind::NetworkMerged, text);
        event.network = Some(network.to_string());
        event.clears = Some(clears);
        Some(event)
    }
}
