//! What one run of one daemon has told, added up.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

use hats_core::{
    event::{Event, EventKind},
    view::{AdapterState, NetworkView, NodeState, View},
};

/// What was last told of an adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Adapter {
    Up,
    Down,
    Inconclusive,
    /// It was up, and then its node was told to be down or to have left.
    WithItsNode,
}

impl Adapter {
    fn words(told: Option<&Adapter>) -> &'static str {
        match told {
            Some(Adapter::Up) => "up",
            Some(Adapter::Down) => "down",
            Some(Adapter::Inconclusive) => "inconclusive",
            Some(Adapter::WithItsNode) => "its node is down",
            None => "nothing",
        }
    }
}

/// An adapter by node, network and address.
type Which = (String, String, Option<IpAddr>);

/// The state that a subscriber has who adds up the events from the beginning.
#[derive(Debug, Default)]
pub(crate) struct Told {
    adapters: BTreeMap<Which, Adapter>,
    /// On which interface those are.
    interfaces: BTreeMap<Which, String>,
    /// Told to be down before their node was up again: may be told so again,
    /// for another reason.
    again: BTreeSet<Which>,
    /// Up or not, by node.
    nodes: BTreeMap<String, bool>,
    /// The run of each node's daemon that was told to be up.
    runs: BTreeMap<String, u64>,
    /// Failed ones, lower name first, and the network.
    paths: BTreeSet<(String, String, String)>,
    /// Paths and networks that were told to be well again though this run had not
    /// told that they were not: others had.
    taken_back: BTreeSet<(String, String, String)>,
    /// Networks that fell apart or failed.
    /// With how many sides.
    broken: BTreeMap<String, (EventKind, usize)>,
    /// Networks whose multicast is broken.
    no_multicast: BTreeSet<String>,
    /// Networks on which long packets get lost.
    narrow: BTreeSet<String>,
    /// Pairs of networks that share a wire.
    crossed: BTreeSet<(String, String)>,
    /// Adapters that are held because they come and go.
    held: BTreeSet<Which>,
    /// Adapters that lose datagrams.
    lossy: BTreeSet<Which>,
    /// Leader and successor, by network.
    leaders: BTreeMap<String, (Option<IpAddr>, Option<IpAddr>)>,
}

impl Told {
    /// Adds one event. False when it says what was told already.
    pub(crate) fn take(&mut self, event: &Event) -> bool {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let (node, network) = (word(&event.node), word(&event.network));
        let adapter = (node.clone(), network.clone(), event.addr);
        match event.kind {
            EventKind::AdapterDown => {
                self.interfaces.insert(adapter.clone(), word(&event.adapter));
                let again = self.again.remove(&adapter);
                self.adapters.insert(adapter, Adapter::Down) != Some(Adapter::Down) || again
            }
            EventKind::AdapterUp => {
                self.again.remove(&adapter);
                self.replaces(&adapter, word(&event.adapter));
                // What it ends may be what others told.
                let ends = event.clears.is_some();
                self.adapters.insert(adapter, Adapter::Up) != Some(Adapter::Up) || ends
            }
            EventKind::AdapterInconclusive => {
                self.interfaces.insert(adapter.clone(), word(&event.adapter));
                self.adapters.insert(adapter, Adapter::Inconclusive);
                true
            }
            EventKind::NodeDown | EventKind::DaemonDown | EventKind::NodeLeft => {
                self.speaks_for_adapters(&node);
                // That it left may be learned when its silence has been judged.
                let left = event.kind == EventKind::NodeLeft;
                self.nodes.insert(node, false) != Some(false) || left
            }
            EventKind::NodeUp => {
                let ends = event.clears.is_some();
                self.node_up(node, event.incarnation.unwrap_or_default()) || ends
            }
            EventKind::AdapterDamped => self.held.insert(adapter),
            EventKind::AdapterReleased => self.held.remove(&adapter),
            EventKind::AdapterLossy => self.lossy.insert(adapter),
            EventKind::AdapterClean => self.lossy.remove(&adapter),
            EventKind::PathFailed => self.paths.insert(path(event)),
            EventKind::PathRestored => {
                let path = path(event);
                self.paths.remove(&path) || self.taken_back.insert(path)
            }
            EventKind::NetworkPartitioned | EventKind::NetworkFailed => {
                // That a side of it is itself in parts is new.
                let sides = event.sets.len();
                let before = self.broken.insert(network, (event.kind, sides));
                before.is_none_or(|(kind, known)| kind == event.kind && known < sides)
            }
            EventKind::NetworkMerged => {
                let of_others = |it: &mut Self| {
                    it.taken_back.insert((String::new(), String::new(), network.clone()))
                };
                self.broken.remove(&network).is_some() || of_others(self)
            }
            EventKind::NetworkMulticastBroken => self.no_multicast.insert(network),
            EventKind::NetworkMulticastRestored => self.no_multicast.remove(&network),
            EventKind::NetworkMtu => self.narrow.insert(network),
            EventKind::NetworkMtuRestored => self.narrow.remove(&network),
            EventKind::NetworkCrossed => self.crossed.insert((network, word(&event.peer_network))),
            EventKind::NetworkSeparated => {
                self.crossed.remove(&(network, word(&event.peer_network)))
            }
            EventKind::NetworkLeader => {
                let address = |who: &Option<(String, IpAddr)>| who.as_ref().map(|(_, it)| *it);
                let now = (address(&event.leader), address(&event.successor));
                self.leaders.insert(network, now);
                true
            }
            EventKind::Alive
            | EventKind::DaemonStarted
            | EventKind::DaemonStopping
            | EventKind::NodeRestarted
            | EventKind::AdapterSuspect
            | EventKind::AdapterLate
            | EventKind::DuplicateAddress
            | EventKind::DuplicateNode
            | EventKind::DuplicateResolved
            | EventKind::ForeignCluster
            | EventKind::SelfLate
            | EventKind::SelfClockStep
            | EventKind::SelfSuspended
            | EventKind::NimDied
            | EventKind::NimStuck
            | EventKind::NimRestarted
            | EventKind::NimDegraded
            | EventKind::ParamChanged
            | EventKind::ConfigDrift
            | EventKind::ConfigWaiting
            | EventKind::AuthFailed
            | EventKind::SubscriberLost
            | EventKind::MaintenanceOn
            | EventKind::MaintenanceOff => true,
        }
    }

    /// Another observer told this: it may be taken back here once more.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not followed so")]
    pub(crate) fn others_told(&mut self, event: &Event) {
        match event.kind {
            EventKind::PathFailed => {
                self.taken_back.remove(&path(event));
            }
            EventKind::NetworkPartitioned | EventKind::NetworkFailed => {
                let network = event.network.clone().unwrap_or_default();
                self.taken_back.remove(&(String::new(), String::new(), network));
            }
            _ => {}
        }
    }

    /// An interface has one address in a network: one that is up took the place
    /// of the one before.
    fn replaces(&mut self, (node, network, address): &Which, interface: String) {
        let which = (node.clone(), network.clone(), *address);
        self.interfaces.insert(which, interface.clone());
        let place = |address| (node.clone(), network.clone(), address);
        let last = IpAddr::V6(Ipv6Addr::from_bits(u128::MAX));
        let there = place(None)..=place(Some(last));
        let before =
            self.interfaces.extract_if(there, |(.., at), of| at != address && *of == interface);
        for (gone, _) in before {
            self.adapters.remove(&gone);
            self.held.remove(&gone);
            self.lossy.remove(&gone);
            self.again.remove(&gone);
        }
    }

    /// What is said of a node goes for its adapters, unless those are named.
    fn speaks_for_adapters(&mut self, node: &str) {
        let first = (node.to_owned(), String::new(), None);
        let its = self.adapters.range_mut(first..).take_while(|((of, ..), _)| of == node);
        for (_, told) in its.filter(|(_, told)| **told == Adapter::Up) {
            *told = Adapter::WithItsNode;
        }
    }

    fn node_up(&mut self, node: String, run: u64) -> bool {
        let first = (node.clone(), String::new(), None);
        let its = self.adapters.range(first..).take_while(|((of, ..), _)| *of == node);
        let down = its.filter(|(_, told)| **told == Adapter::Down);
        self.again.extend(down.map(|(adapter, _)| adapter.clone()));
        let new = self.runs.insert(node.clone(), run) != Some(run);
        self.nodes.insert(node, true) != Some(true) || new
    }

    /// What is told to be wrong and not told to be well again. What was said in
    /// vain is taken back only under `strict` rules.
    pub(crate) fn left(&self, strict: bool) -> Vec<String> {
        let adapters = self.adapters.iter().filter(|(_, told)| match told {
            Adapter::Up | Adapter::WithItsNode => false,
            Adapter::Down => true,
            Adapter::Inconclusive => strict,
        });
        let nodes = self.nodes.iter().filter(|(_, up)| !**up);
        adapters
            .map(|((node, network, _), _)| format!("adapter {node}/{network}"))
            .chain(nodes.map(|(node, _)| format!("node {node}")))
            .chain(self.paths.iter().map(|(a, b, on)| format!("path {a} - {b} on {on}")))
            .chain(self.broken.keys().map(|network| format!("network {network}")))
            .chain(self.no_multicast.iter().map(|network| format!("multicast on {network}")))
            .chain(self.narrow.iter().map(|network| format!("narrow {network}")))
            .chain(self.crossed.iter().map(|(a, b)| format!("crossed {a} - {b}")))
            .chain(self.held.iter().map(|(node, network, _)| format!("held {node}/{network}")))
            .collect()
    }

    /// Where the events do not add up to `view`.
    pub(crate) fn differs(&self, view: &View, strict: bool) -> Option<String> {
        self.adapters_differ(view, strict)
            .or_else(|| self.nodes_differ(view))
            .or_else(|| self.paths_differ(view))
            .or_else(|| self.networks_differ(view))
    }

    fn adapters_differ(&self, view: &View, strict: bool) -> Option<String> {
        let judged = view.adapters.iter().filter(|adapter| strict || !adapter.is_self);
        judged.into_iter().find_map(|adapter| {
            let name = (adapter.node.clone(), adapter.network.clone(), Some(adapter.address));
            let told = self.adapters.get(&name);
            let gone = self.nodes.get(&adapter.node) == Some(&false);
            let fits = match adapter.state {
                // Not kept yet: what is judged in vain after a later group took
                // it in is told and changes nothing; a node that is said to be
                // down by one group is up again at once by another.
                AdapterState::Up if strict => told == Some(&Adapter::Up),
                AdapterState::Up => told.is_some_and(|told| *told != Adapter::Down),
                AdapterState::Down if strict => told == Some(&Adapter::Down) || gone,
                AdapterState::Down => told.is_some_and(|told| *told != Adapter::Up) || gone,
                // Of a node that leaves, each group tells first, then the node.
                AdapterState::Left => gone || !strict,
                // Out of sight, or on its way back: no news.
                AdapterState::Joining | AdapterState::Unknown => true,
            };
            let (node, network, state) = (&name.0, &name.1, adapter.state);
            let words = Adapter::words(told);
            if adapter.held.is_some() != self.held.contains(&name) {
                let held = if adapter.held.is_some() { "held" } else { "not held" };
                return Some(format!("{node}/{network} is {held}, and was told otherwise"));
            }
            (!fits).then(|| format!("{node}/{network} is {state:?}, and was told: {words}"))
        })
    }

    fn nodes_differ(&self, view: &View) -> Option<String> {
        view.nodes.iter().filter(|node| !node.is_self).find_map(|node| {
            let told = self.nodes.get(&node.name);
            let fits = match node.state {
                NodeState::Up => told == Some(&true),
                NodeState::Down | NodeState::Left => told == Some(&false),
                NodeState::Unknown => true,
            };
            let words = match told {
                Some(true) => "up",
                Some(false) => "down",
                None => "nothing",
            };
            let (name, state) = (&node.name, node.state);
            (!fits).then(|| format!("node {name} is {state:?}, and was told: {words}"))
        })
    }

    fn paths_differ(&self, view: &View) -> Option<String> {
        let shown: BTreeSet<(String, String, String)> = view
            .paths
            .iter()
            .map(|path| {
                let (a, b) = path.nodes.clone();
                (a.clone().min(b.clone()), a.max(b), path.network.clone())
            })
            .collect();
        let one = shown.symmetric_difference(&self.paths).next()?;
        let (shown, told) = (shown.contains(one), self.paths.contains(one));
        Some(format!(
            "path {} - {} on {} is {}, and was told: {}",
            one.0,
            one.1,
            one.2,
            if shown { "failed" } else { "well" },
            if told { "failed" } else { "well, or nothing" }
        ))
    }

    fn networks_differ(&self, view: &View) -> Option<String> {
        view.networks.iter().find_map(|network| {
            let told = self.broken.get(&network.name).map(|(kind, _)| kind);
            if network.broken.as_ref() != told {
                return Some(format!(
                    "network {} is broken: {:?}, and was told: {told:?}",
                    network.name, network.broken
                ));
            }
            // What is known is told after a while.
            if self.narrow.contains(&network.name) && network.narrow.is_empty() {
                return Some(format!("{} was told to be narrow, and is not", network.name));
            }
            let told = |other: &String| {
                let pair = (network.name.clone().min(other.clone()), other.max(&network.name));
                self.crossed.contains(&(pair.0, pair.1.clone()))
            };
            let of = self.crossed.iter().filter(|(a, b)| [a, b].contains(&&network.name)).count();
            if of != network.crossed.len() || !network.crossed.iter().all(told) {
                let (name, with) = (&network.name, &network.crossed);
                return Some(format!("{name} is crossed with {with:?}, and was told otherwise"));
            }
            let told = self.no_multicast.contains(&network.name);
            if network.multicast_broken != told {
                let (name, shown) = (&network.name, network.multicast_broken);
                return Some(format!(
                    "multicast on {name} is broken: {shown}, and was told: {told}"
                ));
            }
            self.leader_differs(network)
        })
    }

    fn leader_differs(&self, network: &NetworkView) -> Option<String> {
        // Who is alone from the beginning says nothing of leaders.
        if !network.local || network.members.len() < 2 {
            return None;
        }
        let shown = (network.members.first().copied(), network.members.get(1).copied());
        let told = self.leaders.get(&network.name);
        (told != Some(&shown))
            .then(|| format!("leaders of {} are {shown:?}, and were told: {told:?}", network.name))
    }
}

/// A path has two ends and no first one: the lower name stands in front.
fn path(event: &Event) -> (String, String, String) {
    let word = |word: &Option<String>| word.clone().unwrap_or_default();
    let (a, b) = (word(&event.node), word(&event.peer_node));
    (a.clone().min(b.clone()), a.max(b), word(&event.network))
}
