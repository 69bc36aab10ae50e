//! What others told, or an earlier run of this node, and what this one has to
//! take back of it.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::time::Duration;

use hats_wire::{Incarnation, Member, NodeId};

use super::{KnownNode, Topology, nodes::node_up};
use crate::{
    event::{Event, EventKind},
    say,
    time::Timestamp,
    told::OpenFaults,
    view::{AdapterState, NodeState},
};

impl Topology {
    /// This node is to take back what others told, or an earlier run of its own.
    /// What is told of one that the world takes for up here, and that was out of
    /// sight at most, is looked at after `wait`; nothing is up at the start.
    pub(crate) fn inherit(&mut self, now: Timestamp, mut faults: OpenFaults, wait: Duration) {
        faults.leave_out(&self.ended);
        // Of what this run told itself it knows when it is over.
        for network in self.broken.keys() {
            faults.end_network(network);
        }
        for ((network, _), path) in &self.paths {
            faults.end_path(network, (&path.ends.0, &path.ends.1));
        }
        if !faults.is_empty() {
            self.inherited.extend(faults);
            self.inherited_wait = wait;
            self.inherited_until = self.inherited_until.max(Some(now + wait));
        }
    }

    /// Looks, in a while, who of those that others told to be down is up here.
    pub(super) fn look_at_inherited(&mut self, now: Timestamp) {
        if !self.inherited.is_empty() {
            self.inherited_until.get_or_insert(now + self.inherited_wait);
        }
    }

    /// Those that others told to be down and that are up here, as they were all
    /// the time.
    pub(crate) fn told_down_and_up(&self) -> Vec<(String, Member)> {
        let known = |node: &str| self.nodes.iter().find(|(_, known)| known.name == node);
        let mut found = Vec::new();
        for (network, node, interface) in self.inherited.adapters() {
            let Some((id, _)) = known(node) else { continue };
            let its = self.adapters.of(*id).filter(|(name, known)| {
                *name == network
                    && known.member.interface == interface
                    && known.state == AdapterState::Up
            });
            found.extend(its.map(|(on, it)| (on.to_string(), it.member.clone())));
        }
        found
    }

    /// The same of nodes.
    pub(crate) fn told_down_and_up_nodes(&self) -> Vec<(NodeId, String, Incarnation)> {
        let up = |name: &str| {
            let known = self.nodes.iter().find(|(_, known)| known.name == name)?;
            (known.1.state == NodeState::Up).then(|| (*known.0, name.into(), known.1.incarnation))
        };
        self.inherited.nodes().filter_map(up).collect()
    }

    /// It is up, as it was all the time; what others told of it is over.
    pub(crate) fn adapter_was_up(&mut self, network: &str, member: &Member) -> Vec<Event> {
        let mut events = Vec::new();
        if let Some(clears) = self.inherited.end_adapter(network, member) {
            events.push(say::adapter_up(network, member, Some(clears)));
        }
        if self.inherited.end_doubt(network, member) {
            let doubt = Some(EventKind::AdapterInconclusive);
            events.push(Event { authority: true, ..say::adapter_up(network, member, doubt) });
        }
        events
    }

    /// The same of a node.
    pub(crate) fn node_was_up(&mut self, node: &str, run: Incarnation) -> Vec<Event> {
        let ended = self.inherited.end_node(node);
        ended.into_iter().map(|(kind, said)| node_up(node, run, Some(kind), said)).collect()
    }

    /// What was told, by whomever, and is not over.
    pub(crate) fn open_faults(&self) -> OpenFaults {
        let mut faults = OpenFaults::default();
        for known in self.nodes.values() {
            if let Some(kind) = known.is_told() {
                faults.add_node(&known.name, kind);
            }
        }
        for (network, _, known) in self.adapters.iter() {
            if known.is_told_down() {
                faults.add_adapter(network, &known.member, known.said_down);
            }
        }
        for ((network, _), path) in &self.paths {
            faults.add_path(network, (&path.ends.0, &path.ends.1), path.instance);
        }
        for (network, broken) in &self.broken {
            let sets = broken.sets.clone();
            faults.add_network(network, broken.kind, sets, broken.instance);
        }
        faults.extend(self.inherited.clone());
        faults
    }

    /// This node said the event with authority, and may have to take it back.
    pub(crate) fn said(&mut self, event: &Event) {
        if matches!(event.kind, EventKind::NodeDown | EventKind::DaemonDown) {
            let its = |known: &&mut KnownNode| event.node.as_ref() == Some(&known.name);
            self.nodes.values_mut().filter(its).for_each(|known| known.said = true);
        }
        let Some((network, address)) = event.network.as_deref().zip(event.addr) else { return };
        if let Some(known) = self.adapters.get_mut(network, address) {
            known.said_down |= event.kind == EventKind::AdapterDown;
            known.doubted |= event.kind == EventKind::AdapterInconclusive;
        }
    }
}
