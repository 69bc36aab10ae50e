//! Nodes: whether groups connect them to this one, and what is said when that
//! changes.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{Cause, Incarnation, Member, NodeId, Verdict, VerdictKind};

use super::Topology;
use crate::{
    event::{Event, EventKind},
    linkstate::ITEMS_MAX,
    say,
    time::Timestamp,
    view::NodeState,
};

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct KnownNode {
    pub name: String,
    pub state: NodeState,
    pub cause: Option<Cause>,
    pub verdict_id: Option<String>,
    pub incarnation: Incarnation,
    /// Runs before this one are over: something of it was heard.
    pub newest: Incarnation,
    pub since: Timestamp,
    /// What the next `node.up` ends.
    ended_by: Option<EventKind>,
    /// This node said that with authority: whoever speaks for the node when it is
    /// back may never have heard it.
    pub(super) said: bool,
    /// The world was told that this run is up, and nothing else since: coming
    /// into sight again is no news.
    told_up: bool,
    /// The address that an interface had before, by network and interface.
    withdrawn: BTreeMap<(String, String), IpAddr>,
}

/// So many of a node's interfaces may be without their address at a time.
const WITHDRAWN_MAX: usize = 64;

impl KnownNode {
    pub(super) fn adapter_withdrawn(
        &mut self,
        (network, interface): (&str, &str),
        address: IpAddr,
    ) {
        let place = (network.to_string(), interface.to_string());
        if self.withdrawn.len() >= WITHDRAWN_MAX {
            self.withdrawn.pop_first();
        }
        self.withdrawn.insert(place, address);
    }

    /// The address that an interface had before it was taken away.
    pub(super) fn address_before(&self, network: &str, interface: &str) -> Option<IpAddr> {
        let place = (network.to_string(), interface.to_string());
        self.withdrawn.get(&place).copied()
    }

    /// Whether the address was one of this node's, and is not any more.
    pub(crate) fn had(&self, network: &str, address: IpAddr) -> bool {
        self.withdrawn.iter().any(|((name, _), at)| name == network && *at == address)
    }

    /// What was told of it and is not over.
    pub(super) fn is_told(&self) -> Option<EventKind> {
        let fault = |kind: &EventKind| *kind != EventKind::NodeLeft;
        self.ended_by.filter(|kind| self.state != NodeState::Up && fault(kind))
    }

    /// The world takes it for up: it is, or nobody said otherwise when it went
    /// out of sight.
    pub(crate) fn counts_as_up(&self) -> bool {
        match self.state {
            NodeState::Up => true,
            NodeState::Unknown => self.told_up,
            NodeState::Down | NodeState::Left => false,
        }
    }
}

impl Topology {
    pub(super) fn node_seen(
        &mut self,
        now: Timestamp,
        id: NodeId,
        name: &str,
        incarnation: Incarnation,
    ) {
        if self.nodes.len() >= ITEMS_MAX && !self.nodes.contains_key(&id) {
            return;
        }
        // Nobody is in sight for being known: that takes a group.
        self.nodes.entry(id).or_insert_with(|| KnownNode {
            name: name.to_string(),
            state: NodeState::Unknown,
            cause: None,
            verdict_id: None,
            incarnation,
            newest: incarnation,
            since: now,
            ended_by: None,
            said: false,
            told_up: false,
            withdrawn: BTreeMap::new(),
        });
    }

    /// A verdict or a restart says that the node, or its daemon, is down.
    pub(crate) fn node_down(
        &mut self,
        now: Timestamp,
        node: &Member,
        kind: VerdictKind,
        verdict: Option<&Verdict>,
    ) -> Option<Event> {
        self.node_seen(now, node.node_id, &node.node, node.incarnation);
        let known = self.nodes.get_mut(&node.node_id)?;
        if matches!(known.state, NodeState::Down | NodeState::Left)
            || known.incarnation > node.incarnation
        {
            return None;
        }
        let daemon = kind == VerdictKind::Daemon;
        self.changes += 1;
        known.state = NodeState::Down;
        known.cause = match verdict {
            Some(verdict) if !daemon => verdict.cause,
            None if !daemon => Some(Cause::NodeDown),
            Some(_) | None => Some(Cause::DaemonDown),
        };
        known.verdict_id = verdict.map(|verdict| verdict.id.clone());
        known.since = now;
        let event = match verdict {
            Some(verdict) if !daemon => say::node_down(verdict),
            None if !daemon => say::node_removed(&known.name),
            Some(_) | None => say::daemon_down(&known.name, verdict),
        };
        known.ended_by = Some(event.kind);
        known.told_up = false;
        Some(event)
    }

    /// The node stops on purpose.
    pub(crate) fn node_left(&mut self, now: Timestamp, id: NodeId) -> Option<Event> {
        let known = self.nodes.get_mut(&id)?;
        if known.state == NodeState::Left {
            return None;
        }
        self.changes += 1;
        known.state = NodeState::Left;
        known.cause = Some(Cause::Left);
        known.verdict_id = None;
        known.since = now;
        // That it was told to be down is not over by this.
        known.ended_by.get_or_insert(EventKind::NodeLeft);
        known.told_up = false;
        Some(say::about_node(EventKind::NodeLeft, &known.name, "left: its hatsd was stopped"))
    }

    /// The nodes that groups connect to this one, and the runs of their daemons.
    pub(crate) fn reachable(
        &mut self,
        now: Timestamp,
        reachable: &BTreeMap<NodeId, Incarnation>,
        me: NodeId,
    ) -> Vec<(NodeId, Event)> {
        let (mut events, mut looks) = (Vec::new(), false);
        for (id, known) in &mut self.nodes {
            let Some(incarnation) = reachable.get(id) else {
                if known.state == NodeState::Up && *id != me {
                    known.state = NodeState::Unknown;
                    known.since = now;
                    self.changes += 1;
                }
                continue;
            };
            let restarted = *incarnation > known.incarnation;
            let was = known.state;
            self.changes += u64::from(restarted);
            known.incarnation = known.incarnation.max(*incarnation);
            known.newest = known.newest.max(*incarnation);
            if was == NodeState::Up {
                continue;
            }
            // One that is down or left comes back only as a new run, or
            // (a node that was cut off) when its adapters are taken in again;
            // both mean that some group lists it anew.
            known.state = NodeState::Up;
            known.cause = None;
            known.verdict_id = None;
            known.since = now;
            self.changes += 1;
            let told = core::mem::replace(&mut known.told_up, true) && !restarted;
            self.adapters.change_of(*id, |adapter| adapter.node_is_back(now, told));
            // What others told of one that is told to be up: this may be the last
            // that was heard of it.
            looks |= told;
            let inherited = if told { Vec::new() } else { self.inherited.end_node(&known.name) };
            let own = known.ended_by.take().map(|kind| (kind, known.said));
            known.said = false;
            let (ended, said) = own.or(inherited.first().copied()).unzip();
            let said = said.unwrap_or_default();
            if *id == me || told {
                continue;
            }
            if restarted && matches!(ended, Some(EventKind::NodeDown | EventKind::DaemonDown)) {
                let kind = EventKind::NodeRestarted;
                let mut event = say::about_node(kind, &known.name, "hatsd was started anew");
                event.incarnation = Some(incarnation.0);
                event.clears = ended.filter(|kind| *kind == EventKind::DaemonDown);
                events.push((*id, event));
            }
            events.push((*id, node_up(&known.name, *incarnation, ended, said)));
            // Others told something else of it: that is over as well.
            for (other, said) in inherited.into_iter().filter(|(it, _)| Some(*it) != ended) {
                events.push((*id, node_up(&known.name, *incarnation, Some(other), said)));
            }
        }
        if looks {
            self.look_at_inherited(now);
        }
        events
    }
}

/// That the node is up again, with the authority of this node if it `said` what
/// that ends.
pub(super) fn node_up(
    node: &str,
    run: Incarnation,
    clears: Option<EventKind>,
    said: bool,
) -> Event {
    Event { authority: said, ..say::node_up(node, run, clears) }
}
