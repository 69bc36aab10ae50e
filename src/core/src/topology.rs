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
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Incarnation, Member, NodeId, Pair, Verdict, VerdictKind};

use crate::{
    event::{Event, EventKind},
    members::Members,
    say,
    time::Timestamp,
    view::{AdapterState, NodeState},
};

/// An adapter of any node.
#[derive(Clone, Debug)]
pub(crate) struct KnownAdapter {
    pub member: Member,
    pub state: AdapterState,
    pub cause: Option<Cause>,
    pub verdict_id: Option<String>,
    pub since: Timestamp,
    /// A group with a higher instance that lists it makes it up again.
    pub instance: u64,
    /// That of the group that took it in when it was last not up.
    pub joined: u64,
    /// The world was told that it is up, and nothing else since: coming into
    /// sight again is no news.
    told_up: bool,
    /// What the next `adapter.up` ends.
    ended_by: Option<EventKind>,
}

impl KnownAdapter {
    /// Its node was down or had left, and is back: nothing is wrong with the
    /// adapter itself; it is up when a group lists it.
    fn node_is_back(&mut self, now: Timestamp) {
        let with_its_node = matches!(
            self.cause,
            Some(Cause::NodeDown | Cause::DaemonDown | Cause::Left | Cause::Maintenance)
        );
        if with_its_node && matches!(self.state, AdapterState::Down | AdapterState::Left) {
            self.state = AdapterState::Joining;
            self.cause = None;
            self.verdict_id = None;
            self.since = now;
        }
    }

    /// Its daemon was started anew: up is what the new run is when a group lists
    /// it.
    fn begin_anew(&mut self, now: Timestamp) {
        if matches!(self.state, AdapterState::Up | AdapterState::Unknown) {
            self.state = AdapterState::Joining;
            self.verdict_id = None;
            self.cause = None;
            self.told_up = false;
            self.since = now;
        }
    }

    /// Failed, left, or judged in vain: only a later group brings it back.
    pub(crate) fn is_out(&self) -> bool {
        match self.state {
            AdapterState::Down | AdapterState::Left => true,
            AdapterState::Unknown => self.verdict_id.is_some(),
            AdapterState::Up | AdapterState::Joining => false,
        }
    }
}

/// A node.
#[derive(Clone, Debug)]
pub(crate) struct KnownNode {
    pub name: String,
    pub state: NodeState,
    pub cause: Option<Cause>,
    pub verdict_id: Option<String>,
    pub incarnation: Incarnation,
    pub since: Timestamp,
    /// What the next `node.up` ends.
    ended_by: Option<EventKind>,
    /// The world was told that this run is up, and nothing else since: coming
    /// into sight again is no news.
    told_up: bool,
}

impl KnownNode {
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

/// A failed path.
#[derive(Clone, Debug)]
pub(crate) struct KnownPath {
    pub ends: (Member, Member),
    pub verdict_id: Option<String>,
    pub since: Timestamp,
    /// That of the group when it failed.
    instance: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    pub adapters: BTreeMap<(String, IpAddr), KnownAdapter>,
    pub nodes: BTreeMap<NodeId, KnownNode>,
    pub paths: BTreeMap<(String, Pair), KnownPath>,
    /// Networks that fell apart.
    pub broken: BTreeMap<String, Broken>,
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
    /// That of the newest group known then that goes across the parts.
    instance: u64,
}

impl Broken {
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
    /// The adapter is known to be there; says nothing of whether it works.
    pub(crate) fn adapter_seen(&mut self, now: Timestamp, network: &str, member: &Member) {
        let key = (network.to_string(), member.address);
        let known = self.adapters.entry(key).or_insert_with(|| KnownAdapter {
            member: member.clone(),
            state: AdapterState::Joining,
            cause: None,
            verdict_id: None,
            since: now,
            instance: 0,
            joined: 0,
            told_up: false,
            ended_by: None,
        });
        // What is told late of an earlier run does not bring it back.
        if known.member.incarnation < member.incarnation {
            known.begin_anew(now);
        }
        if known.member.incarnation <= member.incarnation {
            known.member = member.clone();
        }
        self.node_seen(now, member.node_id, &member.node, member.incarnation);
    }

    fn node_seen(&mut self, now: Timestamp, id: NodeId, name: &str, incarnation: Incarnation) {
        self.nodes.entry(id).or_insert_with(|| KnownNode {
            name: name.to_string(),
            state: NodeState::Unknown,
            cause: None,
            verdict_id: None,
            incarnation,
            since: now,
            ended_by: None,
            told_up: false,
        });
    }

    /// A committed group lists the adapter.
    pub(crate) fn adapter_up(
        &mut self,
        now: Timestamp,
        network: &str,
        member: &Member,
        group: GroupId,
    ) -> Option<Event> {
        self.adapter_seen(now, network, member);
        let known = self.adapters.get_mut(&(network.to_string(), member.address))?;
        if known.state == AdapterState::Up {
            known.instance = known.instance.max(group.instance);
            return None;
        }
        if known.is_out() && group.instance <= known.instance {
            return None;
        }
        let clears = known.ended_by.take();
        known.state = AdapterState::Up;
        known.joined = group.instance;
        known.cause = None;
        known.verdict_id = None;
        known.since = now;
        known.instance = known.instance.max(group.instance);
        // A network that comes together again is one event, not one per adapter.
        let told = core::mem::replace(&mut known.told_up, true);
        (!told).then(|| say::adapter_up(network, member, clears))
    }

    /// The adapter failed, in a group of at most `instance`.
    pub(crate) fn adapter_down(
        &mut self,
        now: Timestamp,
        network: &str,
        member: &Member,
        cause: Cause,
        verdict: Option<&Verdict>,
        instance: u64,
    ) -> Option<Event> {
        self.adapter_seen(now, network, member);
        let known = self.adapters.get_mut(&(network.to_string(), member.address))?;
        let stale = known.state == AdapterState::Up && known.instance > instance;
        let told = matches!(known.state, AdapterState::Down | AdapterState::Left);
        if known.member.incarnation > member.incarnation {
            return None;
        }
        if stale || told {
            known.instance = known.instance.max(instance);
            // A removed interface loses its link first: the later fact tells more.
            if told && cause.is_fact() && known.cause.is_some_and(Cause::is_fact) {
                known.cause = Some(cause);
                if cause == Cause::Left {
                    known.state = AdapterState::Left;
                }
            }
            return None;
        }
        let state = match cause {
            Cause::Left | Cause::Maintenance => AdapterState::Left,
            Cause::Inconclusive => AdapterState::Unknown,
            Cause::Transmit
            | Cause::Receive
            | Cause::Both
            | Cause::LinkDown
            | Cause::AddressLost
            | Cause::Removed
            | Cause::NodeDown
            | Cause::DaemonDown
            | Cause::NimFailed
            | Cause::Unreachable => AdapterState::Down,
        };
        // That it cannot be told of one that was out of sight is no news.
        known.told_up &= state == AdapterState::Unknown && known.state == AdapterState::Unknown;
        known.state = state;
        // daemon.down and node.left speak for all adapters of the node.
        let tell = state == AdapterState::Down && cause != Cause::DaemonDown;
        known.ended_by = match state {
            AdapterState::Unknown => Some(EventKind::AdapterInconclusive),
            AdapterState::Up | AdapterState::Joining | AdapterState::Down | AdapterState::Left => {
                tell.then_some(EventKind::AdapterDown)
            }
        };
        known.cause = Some(cause);
        known.verdict_id = verdict.map(|verdict| verdict.id.clone());
        known.since = now;
        known.instance = known.instance.max(instance);
        tell.then(|| say::adapter_down(network, member, cause, verdict))
    }

    /// The adapter's own node does not say any more that something is wrong.
    pub(crate) fn fact_is_over(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.adapters.get(&(network.to_string(), member.address));
        if known.is_some_and(|known| known.cause.is_some_and(Cause::is_fact)) {
            self.adapter_usable(now, network, member.address);
        }
    }

    /// What was wrong with one of this node's adapters is over: it is up when it
    /// is in a group again.
    pub(crate) fn adapter_usable(&mut self, now: Timestamp, network: &str, address: IpAddr) {
        if let Some(known) = self.adapters.get_mut(&(network.to_string(), address))
            && known.state == AdapterState::Down
        {
            known.state = AdapterState::Joining;
            known.cause = None;
            known.verdict_id = None;
            known.since = now;
        }
    }

    /// Its own node says in which group the adapter was.
    pub(crate) fn adapter_was_in(&mut self, network: &str, address: IpAddr, instance: u64) {
        if let Some(known) = self.adapters.get_mut(&(network.to_string(), address)) {
            known.instance = known.instance.max(instance);
        }
    }

    /// The adapter is out of sight, and nobody is to blame (yet).
    pub(crate) fn adapter_unknown(&mut self, now: Timestamp, network: &str, address: IpAddr) {
        if let Some(known) = self.adapters.get_mut(&(network.to_string(), address))
            && known.state == AdapterState::Up
        {
            known.state = AdapterState::Unknown;
            known.cause = None;
            known.verdict_id = None;
            known.since = now;
        }
    }

    /// Groups that are connected to this node list these adapters together
    /// with others, and no other adapter.
    pub(crate) fn in_sight(
        &mut self,
        now: Timestamp,
        visible: &BTreeMap<(String, IpAddr), (GroupId, Member)>,
        me: NodeId,
    ) -> Vec<(String, Event)> {
        let mut events = Vec::new();
        for ((network, _), (group, member)) in visible {
            if member.node_id != me {
                let event = self.adapter_up(now, network, member, *group);
                events.extend(event.map(|event| (network.clone(), event)));
            }
        }
        for (key, known) in &mut self.adapters {
            let other = known.member.node_id != me;
            if other && known.state == AdapterState::Up && !visible.contains_key(key) {
                known.state = AdapterState::Unknown;
                known.since = now;
            }
        }
        events
    }

    /// This adapter is not this node's any more, or never was there.
    pub(crate) fn adapter_forgotten(&mut self, network: &str, address: IpAddr) {
        self.adapters.remove(&(network.to_string(), address));
    }

    /// The known adapters of a node.
    pub(crate) fn adapters_of(&self, node: NodeId) -> Vec<(String, Member)> {
        self.adapters
            .iter()
            .filter(|(_, known)| known.member.node_id == node)
            .map(|((network, _), known)| (network.clone(), known.member.clone()))
            .collect()
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
        known.state = NodeState::Left;
        known.cause = Some(Cause::Left);
        known.verdict_id = None;
        known.since = now;
        known.ended_by = Some(EventKind::NodeLeft);
        known.told_up = false;
        Some(say::about_node(EventKind::NodeLeft, &known.name, "left: its hatsd was stopped"))
    }

    /// The nodes that groups connect to this one, and the runs of their daemons.
    pub(crate) fn reachable(
        &mut self,
        now: Timestamp,
        reachable: &BTreeMap<NodeId, Incarnation>,
        me: NodeId,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        for (id, known) in &mut self.nodes {
            let Some(incarnation) = reachable.get(id) else {
                if known.state == NodeState::Up && *id != me {
                    known.state = NodeState::Unknown;
                    known.since = now;
                }
                continue;
            };
            let restarted = *incarnation > known.incarnation;
            let was = known.state;
            known.incarnation = known.incarnation.max(*incarnation);
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
            for adapter in self.adapters.values_mut() {
                if adapter.member.node_id == *id {
                    adapter.node_is_back(now);
                }
            }
            let ended = known.ended_by.take();
            let told = core::mem::replace(&mut known.told_up, true) && !restarted;
            if *id == me || told {
                continue;
            }
            if restarted && matches!(ended, Some(EventKind::NodeDown | EventKind::DaemonDown)) {
                let kind = EventKind::NodeRestarted;
                let mut event = say::about_node(kind, &known.name, "hatsd was started anew");
                event.incarnation = Some(incarnation.0);
                event.clears = ended.filter(|kind| *kind == EventKind::DaemonDown);
                events.push(event);
            }
            let mut event = say::about_node(EventKind::NodeUp, &known.name, "up");
            event.incarnation = Some(incarnation.0);
            event.clears = ended;
            events.push(event);
        }
        events
    }

    /// A verdict says that two well adapters do not reach each other.
    pub(crate) fn path_failed(&mut self, now: Timestamp, verdict: &Verdict) -> Option<Event> {
        let peer = verdict.peer.as_ref()?;
        let ends = (verdict.culprit.clone(), peer.clone());
        let pair = Pair::new(ends.0.address, ends.1.address);
        let key = (verdict.network.clone(), pair);
        if self.paths.contains_key(&key) {
            return None;
        }
        let verdict_id = Some(verdict.id.clone());
        let instance = verdict.group.instance;
        self.paths.insert(key, KnownPath { ends, verdict_id, instance, since: now });
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
        self.paths
            .extract_if(.., |key, path| works(key, path))
            .map(|(_, path)| say::path_restored(network, &path.ends.0, &path.ends.1))
            .collect()
    }

    /// A network fell apart or failed as a whole.
    pub(crate) fn network_broken(&mut self, verdict: &Verdict, instance: u64) -> Option<Event> {
        if self.broken.contains_key(&verdict.network) {
            return None;
        }
        let names: BTreeMap<IpAddr, String> = self
            .adapters
            .iter()
            .filter(|((network, _), _)| *network == verdict.network)
            .map(|((_, address), known)| (*address, known.member.node.clone()))
            .collect();
        let name =
            |address: &IpAddr| names.get(address).cloned().unwrap_or_else(|| address.to_string());
        let event = say::about_network(verdict, name);
        let kind = event.kind;
        let verdict_id = verdict.id.clone();
        let broken = Broken { kind, verdict_id, sides: verdict.sides.clone(), instance };
        self.broken.insert(verdict.network.clone(), broken);
        Some(event)
    }

    /// A group grew across what was broken.
    pub(crate) fn network_merged(
        &mut self,
        network: &str,
        group: GroupId,
        members: &Members,
    ) -> Option<Event> {
        self.broken.get(network).filter(|broken| broken.is_crossed(group, members))?;
        let clears = self.broken.remove(network)?.kind;
        let text = alloc::format!("{network}: its parts found each other again");
        let mut event = Event::new(EventKind::NetworkMerged, text);
        event.network = Some(network.to_string());
        event.clears = Some(clears);
        Some(event)
    }
}
