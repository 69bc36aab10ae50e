//! Datagrams that a NIM passed up.

use alloc::{string::String, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Frame, Message, Proclaim, decode};

use super::Node;
use crate::{
    event::{Event, EventKind},
    io::AdapterIndex,
    nim::is_within,
    say,
    time::Timestamp,
};

/// A foreign cluster is named at most this often for each of its addresses.
const FOREIGN_EVERY: Duration = Duration::from_secs(3600);
/// So long its hardware address is waited for.
const FOREIGN_ASKED: Duration = Duration::from_secs(2);
/// Addresses of foreign clusters remembered.
pub(super) const FOREIGN_MAX: usize = 256;

/// A host of a foreign cluster.
#[derive(Debug)]
pub(super) struct Foreign {
    since: Timestamp,
    mac: Vec<u8>,
    told: bool,
}

/// How a datagram came.
#[derive(Clone, Copy)]
struct Way {
    /// To everybody on the network.
    to_group: bool,
    /// Round a failed path.
    relayed: bool,
}

impl Node {
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        to_group: bool,
        datagram: &[u8],
    ) {
        // The NIM counted what cannot be decoded; it passes up only the rest.
        let Ok(frame) = decode(datagram) else { return };
        let ours = frame.header.cluster == self.header.cluster;
        if ours && matches!(frame.message, Message::Proclaim(_)) {
            self.pass_on(index, from, datagram);
        }
        self.frame(now, index, from, frame, Way { to_group, relayed: false });
    }

    fn frame(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr, frame: Frame, way: Way) {
        let header = frame.header;
        if header.cluster != self.header.cluster {
            self.foreign(now, index, from, &frame.message);
            return;
        }
        if let Message::Proclaim(proclaim) = &frame.message {
            self.check_clone(now, index, from, &header, proclaim);
        }
        if header.node_id == self.config.node_id {
            return;
        }
        if !way.to_group && !way.relayed {
            self.note_speaker(now, index, from);
        }
        self.check_incarnation(now, index, from, header.node_id, header.incarnation);
        self.has_returned(now, index, from);
        // A NIM says Goodbye for a daemon that is gone.
        if !matches!(frame.message, Message::Goodbye { .. })
            && self.topology.nodes.contains_key(&header.node_id)
        {
            self.spoke.insert(header.node_id, (header.incarnation, now));
        }
        let Ok(Some(frame)) = self.reassembly.accept(now.0, from, frame) else { return };
        match frame.message {
            Message::Proclaim(proclaim) => {
                if proclaim.cluster != self.config.cluster {
                    self.foreign(now, index, from, &Message::Proclaim(proclaim));
                    return;
                }
                if self.is_named_otherwise(now, index, from, &proclaim) {
                    return;
                }
                if !way.relayed && self.is_copy(now, index, from, way.to_group) {
                    return;
                }
                let sender = (header.node_id, header.incarnation);
                self.check_address(now, index, sender, &proclaim.interface, from);
                self.compare_databases(now, index, from, proclaim.database);
                let group = proclaim.group;
                self.group(now, index, from, Message::Proclaim(proclaim));
                self.leads_elsewhere(now, index, from, group);
            }
            Message::Relay { from: origin, to, datagram } if !way.relayed => {
                self.relayed(now, index, from, (origin, to), &datagram);
            }
            Message::Goodbye { .. } => self.goodbye(now, index, from),
            Message::Envelope(envelope) => self.envelope(now, index, from, envelope),
            Message::Flood { items } => {
                self.flooded(now, index, header.node_id, way.to_group, items);
            }
            Message::Summary(summary) => self.summarised(now, index, from, summary),
            Message::LeaveAck { .. } => self.leave_acknowledged(index),
            Message::Join(join) => {
                // What its sender says of others may be of before they moved on.
                for member in join.members.iter().filter(|member| member.address == from) {
                    let run = (member.node_id, member.incarnation);
                    self.check_address(now, index, run, &member.interface, member.address);
                }
                self.group(now, index, from, Message::Join(join));
            }
            message @ (Message::Prepare(_)
            | Message::PrepareAck { .. }
            | Message::Commit { .. }
            | Message::ListRequest { .. }
            | Message::List(_)
            | Message::Expelled { .. }
            | Message::Leave { .. }) => self.group(now, index, from, message),
            // Heartbeats and probes end in the NIM; a relayed relay is refused.
            Message::Heartbeat { .. }
            | Message::Probe { .. }
            | Message::ProbeReply { .. }
            | Message::Relay { .. }
            | Message::Chunk(_) => {}
        }
    }

    fn group(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr, message: Message) {
        self.tell_again(index, from);
        self.hear_open_faults(now, index, from, &message);
        if let Some(local) = self.locals.get_mut(&index) {
            local.group.handle(now, from, message);
        }
    }

    /// Carries a datagram round a failed path, or takes one that was carried.
    fn relayed(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        relay: IpAddr,
        (origin, to): (IpAddr, IpAddr),
        datagram: &[u8],
    ) {
        let keep = self.detours_last();
        let Some(local) = self.locals.get_mut(&index) else { return };
        let view = local.group.view();
        // One of them may be a leader that is not in this group yet.
        let known = |it: IpAddr| view.is_some_and(|view| view.members.contains(it));
        let known = known(to) || known(origin);
        if to == local.me.address {
            // Who is not of this group was asked to by the origin: that does not
            // hear this adapter.
            let asked = !view.is_some_and(|view| view.members.contains(relay));
            local.detours.learn(now, origin, Some(relay), asked, keep);
            if let Ok(frame) = decode(datagram) {
                let way = Way { to_group: false, relayed: true };
                self.frame(now, index, origin, frame, way);
            }
        } else if known {
            self.relay(index, origin, to, to, datagram);
        }
    }

    /// A NIM says that its daemon is gone: those who watch it look at once.
    pub(super) fn goodbye(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr) {
        let watched =
            self.locals.get(&index).is_some_and(|local| local.neighbours.watch.contains(&from));
        if watched {
            self.with_arbiter(|arbiter, around| {
                arbiter.goodbye(now, index, from, around);
            });
        }
    }

    /// Whether a leader calls this network by another name. Two names in one
    /// group would make letters and facts about it go astray: it is said, and
    /// they stay apart until the configuration agrees.
    fn is_named_otherwise(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        proclaim: &Proclaim,
    ) -> bool {
        let Some(local) = self.locals.get(&index) else { return true };
        let ours = local.spec.network.name.clone();
        if proclaim.network == ours {
            return false;
        }
        // Two networks with one group, on one wire.
        let known = self.topology.adapters.get(&proclaim.network, from).is_some();
        if known && !is_within(from, (local.me.address, local.spec.prefix_length)) {
            self.overhears(now, index, from, &[]);
            return true;
        }
        if !self.drifted.contains(&(index, from)) && self.drifted.len() < FOREIGN_MAX {
            self.drifted.insert((index, from));
            let text = alloc::format!(
                "{ours}: node {} ({from}) calls this network {:?}; the name must be the same on \
                 every node, and until it is the two do not form a group",
                proclaim.node,
                proclaim.network
            );
            let mut event = Event::new(EventKind::ConfigDrift, text);
            event.network = Some(ours);
            event.adapter = Some(local.spec.interface.clone());
            event.peer_node = Some(proclaim.node.clone());
            event.peer_addr = Some(from);
            event.authority = true;
            self.publish(event);
        }
        true
    }

    fn foreign(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr, message: &Message) {
        let Message::Proclaim(proclaim) = message else { return };
        self.foreign.retain(|_, it| now < it.since + FOREIGN_EVERY);
        let key = (index, from);
        if self.foreign.len() >= FOREIGN_MAX && !self.foreign.contains_key(&key) {
            return;
        }
        let fresh = || Foreign { since: now, mac: Vec::new(), told: false };
        let host = self.foreign.entry(key).or_insert_with(fresh);
        // Its NIM asks for it, if it can, and it proclaims again soon.
        let waits = from.is_ipv4() && host.mac.is_empty() && now < host.since + FOREIGN_ASKED;
        if host.told || waits {
            return;
        }
        host.told = true;
        let mac = say::mac(&host.mac);
        let Some(local) = self.locals.get(&index) else { return };
        let text = alloc::format!(
            "{}: cluster {:?} (node {}, {from}{}) is on the same wire",
            local.spec.network.name,
            proclaim.cluster,
            proclaim.node,
            mac.as_ref().map_or_else(String::new, |mac| alloc::format!(", {mac}"))
        );
        let mut event = Event::new(EventKind::ForeignCluster, text);
        event.network = Some(local.spec.network.name.clone());
        event.adapter = Some(local.spec.interface.clone());
        event.mac = local.link.as_ref().and_then(|link| say::mac(&link.mac));
        event.peer_node = Some(proclaim.node.clone());
        event.peer_addr = Some(from);
        event.peer_mac = mac;
        event.authority = true;
        self.publish(event);
    }

    /// The hardware address of a host on an adapter's wire was heard.
    pub(super) fn foreign_found(&mut self, index: AdapterIndex, address: IpAddr, mac: &[u8]) {
        if let Some(host) = self.foreign.get_mut(&(index, address)).filter(|_| !mac.is_empty()) {
            host.mac = mac.into();
        }
    }
}
