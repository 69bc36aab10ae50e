//! Faults that are told and not over, for those who do not know of them.

use core::net::IpAddr;

use hats_wire::{Join, List, Member, Message, Prepare};

use super::Node;
use crate::{io::AdapterIndex, time::Timestamp, told::OpenFaults};

impl Node {
    /// Adds them to what makes one group of two: whoever leads it may have to say
    /// the end of what the other one told.
    pub(super) fn tell_open_faults(&self, index: AdapterIndex, message: &mut Message) {
        let Some(local) = self.locals.get(&index) else { return };
        let told = if let Message::Prepare(Prepare { told, members, .. }) = message {
            let view = local.group.view();
            let comes = |it: &Member| view.is_none_or(|v| !v.members.contains(it.address));
            if !members.iter().any(comes) {
                return;
            }
            told
        } else if let Message::Join(Join { told, .. }) | Message::List(List { told, .. }) = message
        {
            told
        } else {
            return;
        };
        *told = self.topology.open_faults().on_wire();
    }

    /// Takes over those of a group that this one meets: also of whom this node
    /// has had up all the time. Within a group all have heard what was told.
    pub(super) fn hear_open_faults(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        message: &Message,
    ) {
        let (Message::Join(Join { told, members, .. })
        | Message::List(List { told, members, .. })
        | Message::Prepare(Prepare { told, members, .. })) = message
        else {
            return;
        };
        let Some(local) = self.locals.get(&index).filter(|_| !told.is_empty()) else { return };
        let here = |at| local.group.view().is_some_and(|view| view.members.contains(at));
        if !here(from) || members.iter().any(|member| !here(member.address)) {
            // Others are told meanwhile who may have to say the end.
            let detection = &self.config.detection;
            let wait = detection.verdict_bound() + detection.heartbeat_interval * 4;
            let mut faults = OpenFaults::from_wire(told);
            // Who told of this node that it is down sees that it comes. From here it
            // would go on to others, who have said the end of it.
            faults.end_node(&self.config.node);
            self.topology.inherit(now, faults, wait);
        }
    }

    /// Takes back what others told of those that are up here, as they were all
    /// the time. Who has the authority waits for those that it misses itself: it
    /// slept, maybe, and is the last one to do so.
    pub(super) fn wake_inherited(&mut self, now: Timestamp) {
        if self.topology.inherited_until.take_if(|until| now >= *until).is_none() {
            return;
        }
        let me = self.config.node_id;
        let mut waits = false;
        for (network, member) in self.topology.told_down_and_up() {
            let authority = self.leads_group_of(&network, member.address);
            if authority && self.is_missed(&network, member.address) {
                waits = true;
                continue;
            }
            for event in self.topology.adapter_was_up(&network, &member) {
                self.publish_as(Some(event), authority);
            }
        }
        for (id, node, run) in self.topology.told_down_and_up_nodes() {
            let authority = self.speaks_for(id);
            let its = self.topology.adapters_of(id);
            if authority && its.iter().any(|(on, it)| self.is_missed(on, it.address)) {
                waits = true;
                continue;
            }
            for event in self.topology.node_was_up(&node, run) {
                // Of itself, this node says nothing to itself.
                self.publish_as(Some(event).filter(|_| id != me), authority);
            }
        }
        if waits {
            self.topology.inherited_until = Some(now + self.config.detection.heartbeat_interval);
        }
    }

    /// Whether its silence is being judged here.
    fn is_missed(&self, network: &str, address: IpAddr) -> bool {
        self.on_network(network).into_iter().any(|index| self.arbiter.has_case(index, address))
    }

    /// Whether this node speaks for the adapter, as a member of its own group.
    pub(super) fn leads_group_of(&self, network: &str, address: IpAddr) -> bool {
        self.locals.values().any(|local| {
            local.spec.network.name == network
                && local.group.leads()
                && local.group.view().is_some_and(|view| view.members.contains(address))
        })
    }
}
