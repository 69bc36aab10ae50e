//! Networks that share a wire by mistake.
//!
//! Each network has a group of its own, so that two of them on one wire do not
//! hear each other. Leaders therefore make themselves known to everybody on the
//! wire now and then, and NIMs tell of those that are of another subnet. What an
//! adapter hears like that its node's report says, and from that everybody
//! concludes which networks are crossed. Nobody is to blame, and the groups go on;
//! but what befalls the one wire befalls both networks.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    Identity, Member, NodeId, NodeReport, Overheard, encode,
    link::{Command, Mode, everybody},
};

use super::{NimState, Node, sight::Sources};
use crate::{
    event::Event,
    io::AdapterIndex,
    nim::is_within,
    say,
    sizes::{Each, NETWORKS_MAX, Size},
    time::Timestamp,
    view::NodeState,
};

/// Leaders make themselves known so often.
const ANNOUNCED_EVERY: Duration = Duration::from_secs(5);
/// A network is heard only once it was for so long: a cable may be in the wrong
/// place for a moment.
const LASTING: Duration = Duration::from_secs(2);
/// It is not any more after so much silence: six in a row are lost once in 1,400
/// times where loss is 30 %.
const SILENT: Duration = Duration::from_secs(30);
/// Other networks that one adapter remembers.
const HEARD_MAX: usize = 16;

/// What one local adapter hears of other networks.
#[derive(Debug, Default)]
pub(super) struct Ears {
    announced: Option<Timestamp>,
    heard: BTreeMap<String, Heard>,
}

#[derive(Debug)]
struct Heard {
    /// One of its adapters: the same as long as that is heard.
    address: IpAddr,
    address_at: Timestamp,
    since: Timestamp,
    last: Timestamp,
}

impl Ears {
    /// What its node reports of it.
    pub(super) fn says(&self) -> Vec<Overheard> {
        let lasts = self.heard.iter().filter(|(_, it)| it.last >= it.since + LASTING);
        lasts
            .map(|(network, it)| Overheard { network: network.clone(), address: it.address })
            .collect()
    }

    /// Whether what it says is different by that.
    fn hear(&mut self, now: Timestamp, network: &str, address: IpAddr) -> bool {
        let before = self.says();
        if let Some(heard) = self.heard.get_mut(network) {
            if heard.address == address || now >= heard.address_at + SILENT {
                (heard.address, heard.address_at) = (address, now);
            }
            heard.last = now;
        } else if self.heard.len() < HEARD_MAX {
            let heard = Heard { address, address_at: now, since: now, last: now };
            self.heard.insert(network.into(), heard);
        }
        self.says() != before
    }

    /// Forgets what is silent; whether what it says is different by that.
    fn forget(&mut self, now: Timestamp) -> bool {
        let before = self.says();
        self.heard.retain(|_, heard| now < heard.last + SILENT);
        self.says() != before
    }

    pub(super) fn size(&self) -> Size {
        Size::new("networks overheard", self.heard.len(), HEARD_MAX)
    }
}

/// What is known of all networks.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The nodes whose reports name others that they hear.
    speakers: BTreeSet<NodeId>,
    changes: u64,
    concluded: Option<(Sources, u64)>,
    /// By name, the lower one first.
    told: BTreeSet<(String, String)>,
}

impl Known {
    fn learn(&mut self, report: &NodeReport) {
        let speaks = report.adapters.iter().any(|adapter| !adapter.overheard.is_empty());
        let spoke = if speaks {
            !self.speakers.insert(report.node_id)
        } else {
            self.speakers.remove(&report.node_id)
        };
        self.changes += u64::from(speaks || spoke);
    }

    /// The networks that share their wire with this one.
    pub(super) fn with(&self, network: &str) -> Vec<String> {
        let of = |(low, high): &(String, String)| match network {
            it if it == low => Some(high.clone()),
            it if it == high => Some(low.clone()),
            _ => None,
        };
        self.told.iter().filter_map(of).collect()
    }

    pub(super) fn sizes(&self) -> [Size; 2] {
        [
            Size::new("nodes that overhear", self.speakers.len(), crate::linkstate::ITEMS_MAX)
                .each(Each::Node),
            Size::new("crossed networks", self.told.len(), NETWORKS_MAX),
        ]
    }
}

/// An adapter and its hardware address.
type Place = (Member, Vec<u8>);

impl Node {
    /// Makes those adapters known to everybody on their wire that lead a network
    /// among several, and forgets what has become silent.
    pub(super) fn announce(&mut self, now: Timestamp) {
        let several = self.topology.adapters.networks() > 1;
        let mut changed = false;
        for index in self.indices() {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            changed |= local.ears.forget(now);
            let due = local.ears.announced.is_none_or(|at| now >= at + ANNOUNCED_EVERY);
            let works = local.nim == NimState::Running && local.fault.is_none();
            if !several || !due || !works || local.spec.network.mode == Mode::Unicast {
                continue;
            }
            local.ears.announced = Some(now);
            let to = Some(everybody(local.me.address));
            if let Some(message) = self.proclaim_of(index) {
                let datagram = encode(&self.header, &message);
                self.nim(index, Command::Send { to, datagram });
            }
        }
        if changed {
            self.report_self(now);
        }
    }

    /// A local adapter hears one of another subnet.
    pub(super) fn overhears(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        address: IpAddr,
        mac: &[u8],
    ) {
        self.foreign_found(index, address, mac);
        let Some(local) = self.locals.get(&index) else { return };
        if local.fault.is_some() || is_within(address, (local.me.address, local.spec.prefix_length))
        {
            return;
        }
        let mine = (&*local.spec.network.name, &*local.spec.interface);
        let theirs = self.topology.adapters.with(address).find(|(network, _)| *network != mine.0);
        let Some((network, known)) = theirs else { return };
        // Two networks of one interface share their wire on purpose.
        let both = |node: NodeId, one: (&str, &str), other: &str| {
            let its = self.topology.adapters.of(node).filter(|(network, _)| *network == other);
            let mut its = its.map(|(_, it)| &it.member.interface);
            its.any(|interface| *interface == one.1)
        };
        let peer = (network, &*known.member.interface);
        if both(self.config.node_id, mine, network) || both(known.member.node_id, peer, mine.0) {
            return;
        }
        let told = self.mac_of(known.member.node_id, network, address);
        if !mac.is_empty() && !told.is_empty() && told != mac {
            // Somebody else speaks of that address, as a host does with several.
            return;
        }
        let network = String::from(network);
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.ears.hear(now, &network, address) {
            self.report_self(now);
        }
    }

    fn mac_of(&self, node: NodeId, network: &str, address: IpAddr) -> Vec<u8> {
        let report = self.database.node(node).map(|(report, _)| report);
        let mut its = report.into_iter().flat_map(|report| &report.adapters);
        let its = its.find(|it| it.network == network && it.address == address);
        its.map_or_else(Vec::new, |it| it.mac.clone())
    }

    /// A node says whom it hears.
    pub(super) fn learn_overheard(&mut self, report: &NodeReport) {
        self.crossed.learn(report);
    }

    /// Says which networks are crossed, or are not any more, if anything has
    /// changed that decides about it.
    pub(super) fn conclude_crossed(&mut self) {
        if self.crossed.speakers.is_empty() && self.crossed.told.is_empty() {
            return;
        }
        let sources = Some((self.sources(), self.crossed.changes));
        if self.crossed.concluded == sources {
            return;
        }
        self.crossed.concluded = sources;
        let found = self.find_crossed();
        let told = core::mem::take(&mut self.crossed.told);
        for pair in told {
            if found.contains_key(&pair) {
                self.crossed.told.insert(pair);
            } else {
                let authority = self.leads_network(&pair.0);
                self.publish_as(Some(say::separated(&pair)), authority);
            }
        }
        for (pair, event) in found {
            if self.crossed.told.len() < NETWORKS_MAX && self.crossed.told.insert(pair.clone()) {
                let authority = self.leads_network(&pair.0);
                self.publish_as(Some(event), authority);
            }
        }
    }

    /// What nodes that are there hear.
    fn find_crossed(&self) -> BTreeMap<(String, String), Event> {
        let mut found = BTreeMap::new();
        for node in &self.crossed.speakers {
            let own = *node == self.config.node_id;
            let up = self.topology.nodes.get(node).is_some_and(|it| it.state == NodeState::Up);
            let report = self.database.node(*node).filter(|_| own || up);
            let Some((report, run)) = report else { continue };
            for adapter in report.adapters.iter().filter(|it| it.fault.is_none()) {
                let me = Member::from(Identity {
                    address: adapter.address,
                    node_id: report.node_id,
                    incarnation: run,
                    node: report.node.clone(),
                    interface: adapter.interface.clone(),
                });
                let me = (&*adapter.network, (me, adapter.mac.clone()));
                for other in adapter.overheard.iter().filter(|it| it.network != adapter.network) {
                    let pair = ordered(&adapter.network, &other.network);
                    if found.contains_key(&pair) || found.len() >= NETWORKS_MAX {
                        continue;
                    }
                    let place = self.place(&other.network, other.address);
                    if let Some(place) = place {
                        found.insert(pair, say::crossed(&me, &(&*other.network, place)));
                    }
                }
            }
        }
        found
    }

    fn place(&self, network: &str, address: IpAddr) -> Option<Place> {
        let member = &self.topology.adapters.get(network, address)?.member;
        Some((member.clone(), self.mac_of(member.node_id, network, address)))
    }
}

fn ordered(one: &str, other: &str) -> (String, String) {
    (one.min(other).into(), one.max(other).into())
}

#[cfg(test)]
mod tests;
