//! What there is twice: an address on a network, a node's identity or name.

use alloc::{collections::BTreeMap, format, string::String, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{AdapterReport, Cause, Header, Member, NodeId, NodeReport, Proclaim};

use super::Node;
use crate::{
    event::{Event, EventKind},
    io::AdapterIndex,
    say,
    time::Timestamp,
    view::NodeState,
};

/// So long two must be there: news of one that gave an address away may be late.
const LASTING: Duration = Duration::from_secs(2);
/// Each is said again after so long, if it is still so.
const EVERY: Duration = Duration::from_secs(3600);
/// A daemon that has not been heard for so long is gone.
const SILENT: Duration = Duration::from_secs(30);
/// Pairs that are remembered.
pub(super) const PAIRS_MAX: usize = 64;

/// Since when a pair has been seen, and when it was told.
#[derive(Clone, Debug)]
struct Seen {
    since: Timestamp,
    last: Timestamp,
    told: Option<Timestamp>,
    /// Of whom it was told: one of them may be gone when it is over.
    holders: Option<[Member; 2]>,
}

#[derive(Debug, Default)]
pub(super) struct Duplicates {
    /// Network, address, and the two nodes, the lower id first.
    addresses: BTreeMap<(String, IpAddr, NodeId, NodeId), Seen>,
    /// Who else has this node's identity or name.
    clones: BTreeMap<(AdapterIndex, IpAddr), Seen>,
}

impl Duplicates {
    pub(super) fn pairs(&self) -> usize {
        self.addresses.len()
    }

    pub(super) fn clones(&self) -> usize {
        self.clones.len()
    }
}

impl Node {
    /// A node says that it has an address.
    pub(super) fn check_holder(
        &mut self,
        now: Timestamp,
        node: NodeId,
        (network, address): (&str, IpAddr),
    ) {
        let known = self.topology.adapters.get(network, address);
        let Some(other) = known.map(|known| known.member.node_id).filter(|it| *it != node) else {
            return;
        };
        let pairs = &mut self.duplicates.addresses;
        if pairs.len() < PAIRS_MAX {
            let seen = Seen { since: now, last: now, told: None, holders: None };
            pairs
                .entry((network.into(), address, node.min(other), node.max(other)))
                .or_insert(seen);
        }
    }

    /// Tells what is still so after a while, and forgets what is not.
    pub(super) fn check_duplicates(&mut self, now: Timestamp) {
        let pairs = core::mem::take(&mut self.duplicates.addresses);
        for ((network, address, low, high), mut seen) in pairs {
            let holders = [low, high].map(|node| self.holder(&network, address, node));
            let [Some(one), Some(other)] = holders else {
                if let Some(holders) = seen.holders {
                    self.say_resolved(&network, &holders);
                }
                continue;
            };
            if now >= seen.since + LASTING && seen.told.is_none_or(|at| now >= at + EVERY) {
                seen.told = Some(now);
                let event = same_address(&network, &one, &other);
                self.publish_as(Some(event), low == self.config.node_id);
                seen.holders = Some([one.0, other.0]);
            }
            self.duplicates.addresses.insert((network, address, low, high), seen);
        }
        let over = |seen: &Seen| now >= seen.last + SILENT;
        let clones = self.duplicates.clones.extract_if(.., |_, seen| over(seen));
        let told: Vec<_> = clones.filter(|(_, seen)| seen.told.is_some()).collect();
        for ((index, from), _) in told {
            self.say_alone_again(index, from);
        }
    }

    /// Two nodes do not both have the address any more. The first of them that is
    /// there speaks for both.
    fn say_resolved(&mut self, network: &str, holders: &[Member; 2]) {
        let [one, other] = holders;
        let words = format!("is no longer also the address of {}", other.node);
        let kind = EventKind::DuplicateResolved;
        let mut event = say::about_adapter(kind, network, one, &words);
        event.peer_node = Some(other.node.clone());
        event.peer_adapter = Some(other.interface.clone());
        event.peer_addr = Some(other.address);
        event.clears = Some(EventKind::DuplicateAddress);
        let there = |member: &&Member| {
            let known = self.topology.nodes.get(&member.node_id);
            member.node_id == self.config.node_id
                || known.is_some_and(|known| known.state == NodeState::Up)
        };
        let speaker = holders.iter().find(there).map(|member| member.node_id);
        self.publish_as(Some(event), speaker == Some(self.config.node_id));
    }

    /// Nothing more was heard of a daemon like this one.
    fn say_alone_again(&mut self, index: AdapterIndex, from: IpAddr) {
        let Some(local) = self.locals.get(&index) else { return };
        let words = format!("hears no more of another daemon like its own, at {from}");
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let kind = EventKind::DuplicateResolved;
        let mut event = say::about_adapter(kind, &name, &me, &words);
        event.peer_addr = Some(from);
        event.clears = Some(EventKind::DuplicateNode);
        event.authority = true;
        self.publish(event);
    }

    /// A node that is up and says that it has the address.
    fn holder(&self, network: &str, address: IpAddr, node: NodeId) -> Option<(Member, Vec<u8>)> {
        let (report, run): (&NodeReport, _) = self.database.node(node)?;
        let up = |state| matches!(state, NodeState::Up);
        let own = node == self.config.node_id;
        if !own && !self.topology.nodes.get(&node).is_some_and(|known| up(known.state)) {
            return None;
        }
        let gone = |it: &AdapterReport| {
            matches!(it.fault, Some(Cause::AddressLost | Cause::Removed | Cause::Left))
        };
        let mut its = report.adapters.iter().filter(|it| it.network == network && !gone(it));
        let adapter = its.find(|it| it.address == address)?;
        let member = hats_wire::Identity {
            address,
            node_id: node,
            incarnation: run,
            node: report.node.clone(),
            interface: adapter.interface.clone(),
        };
        Some((member.into(), adapter.mac.clone()))
    }

    /// The kernel found out that another host has an adapter's address.
    pub(super) fn say_taken(&mut self, index: AdapterIndex, taken: bool) {
        let Some(local) = self.locals.get(&index) else { return };
        let (kind, words) = if taken {
            (EventKind::DuplicateAddress, "is in use by another host, as the kernel found")
        } else {
            (EventKind::DuplicateResolved, "is not in use by another host any more")
        };
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let mut event = say::about_adapter(kind, &name, &me, words);
        event.clears = (!taken).then_some(EventKind::DuplicateAddress);
        event.mac = local.link.as_ref().filter(|_| taken).and_then(|link| say::mac(&link.mac));
        event.authority = true;
        self.publish(event);
    }

    /// A NIM heard another host say that it has its adapter's address, or not any
    /// more. Of another node the two tell themselves.
    pub(super) fn claimed(&mut self, index: AdapterIndex, mac: Vec<u8>) {
        let Some(local) = self.locals.get(&index) else { return };
        let (network, address) = (local.spec.network.name.clone(), local.me.address);
        let of_node = |report: &NodeReport| {
            let mut its = report.adapters.iter();
            // Without a hardware address in its report it may be that one.
            let same = |it: &AdapterReport| it.mac.is_empty() || it.mac == mac;
            its.any(|it| it.network == network && it.address == address && same(it))
        };
        let me = self.config.node_id;
        // A host with several adapters on one wire may answer on each of them.
        let is_own = |local: &super::Local| local.link.as_ref().is_some_and(|link| link.mac == mac);
        let by_node = || self.database.nodes().any(|(it, _)| it.node_id != me && of_node(it));
        if !mac.is_empty() && (self.locals.values().any(is_own) || by_node()) {
            return;
        }
        let Some(local) = self.locals.get_mut(&index) else { return };
        let before = core::mem::replace(&mut local.rival, mac.clone());
        if before.is_empty() == mac.is_empty() {
            return;
        }
        let own = local.link.as_ref().and_then(|link| say::mac(&link.mac));
        let me = local.me.clone();
        let (kind, words) = if let Some(mac) = say::mac(&mac) {
            (EventKind::DuplicateAddress, format!("is also the address of another host ({mac})"))
        } else {
            let words = "is not the address of another host any more".into();
            (EventKind::DuplicateResolved, words)
        };
        let mut event = say::about_adapter(kind, &network, &me, &words);
        if mac.is_empty() {
            event.clears = Some(EventKind::DuplicateAddress);
        } else {
            (event.mac, event.peer_mac) = (own, say::mac(&mac));
            event.peer_addr = Some(address);
        }
        event.authority = true;
        self.publish(event);
    }

    /// Somebody at another address says that it is this node, or calls itself
    /// by its name.
    pub(super) fn check_clone(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        header: &Header,
        proclaim: &Proclaim,
    ) {
        let same_id = header.node_id == self.config.node_id;
        let same_name = proclaim.node == self.config.node;
        let own = same_id && header.incarnation == self.config.incarnation;
        if own || !(same_id || same_name) || proclaim.cluster != self.config.cluster {
            return;
        }
        if self.locals.values().any(|local| local.me.address == from) {
            return;
        }
        let clones = &mut self.duplicates.clones;
        if clones.len() >= PAIRS_MAX && !clones.contains_key(&(index, from)) {
            return;
        }
        let seen = clones.entry((index, from)).or_insert(Seen {
            since: now,
            last: now,
            told: None,
            holders: None,
        });
        // A word of this node's last run, or of a name that was given away, may be
        // late; one that goes on is none.
        if now >= seen.last + LASTING * 5 {
            seen.since = now;
        }
        seen.last = now;
        let lasts = now >= seen.since + LASTING;
        if !lasts || seen.told.is_some_and(|at| now < at + EVERY) {
            return;
        }
        seen.told = Some(now);
        let Some(local) = self.locals.get(&index) else { return };
        let what = if same_id { "identity" } else { "name" };
        let words = format!(
            "is not alone: {} of {} ({from}) has the same {what}, and is another daemon",
            proclaim.interface, proclaim.node
        );
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let mut event = say::about_adapter(EventKind::DuplicateNode, &name, &me, &words);
        event.mac = local.link.as_ref().and_then(|link| say::mac(&link.mac));
        event.peer_node = Some(proclaim.node.clone());
        event.peer_adapter = Some(proclaim.interface.clone());
        event.peer_addr = Some(from);
        event.authority = true;
        self.publish(event);
    }
}

fn same_address(network: &str, one: &(Member, Vec<u8>), other: &(Member, Vec<u8>)) -> Event {
    let ((me, mac), (peer, peer_mac)) = (one, other);
    let with = |mac: &[u8]| say::mac(mac).map_or_else(String::new, |mac| format!(" ({mac})"));
    let words = format!(
        "has an address{} that {} of {}{} has, too",
        with(mac),
        peer.interface,
        peer.node,
        with(peer_mac)
    );
    let mut event = say::about_adapter(EventKind::DuplicateAddress, network, me, &words);
    (event.mac, event.peer_mac) = (say::mac(mac), say::mac(peer_mac));
    event.peer_node = Some(peer.node.clone());
    event.peer_adapter = Some(peer.interface.clone());
    event.peer_addr = Some(peer.address);
    event
}
