//! Adapters of all nodes: what is known of them, and what is said when that
//! changes.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Cause, GroupId, Held, Incarnation, Loss, Member, NodeId, Verdict};

use super::Topology;
use crate::{
    event::{Event, EventKind},
    say,
    sizes::ADAPTERS_MAX,
    time::Timestamp,
    view::AdapterState,
};

/// Adapters by network and address, with their group.
pub(crate) type Visible = BTreeMap<String, BTreeMap<IpAddr, (GroupId, Member)>>;

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
    /// The world was told that it is down, and not since that it is up, or its
    /// node was back.
    told_down: bool,
    /// By a verdict it is out, and no group has taken it in since.
    judged: bool,
    /// What the next `adapter.up` ends.
    ended_by: Option<EventKind>,
    /// This node said with authority that it is down, ...
    pub(super) said_down: bool,
    /// ... or that it cannot be told whether it has failed.
    pub(super) doubted: bool,
    /// It comes and goes: until when it is held, as far as is known, and after
    /// how many losses.
    pub held: Option<(Timestamp, u64)>,
    /// Its node takes it for the cause of what it loses.
    lossy: bool,
    /// The run of its node that said so, or that it is held.
    said_by: Incarnation,
    /// This run of its node has said that it has the adapter: that it does not is
    /// its newest word, and not one of before.
    listed: bool,
    /// What that said last to be wrong with it: no group knows better.
    fault: Option<Cause>,
}

impl KnownAdapter {
    /// Its node was down or had left, and is back: nothing is wrong with the
    /// adapter itself; it is up when a group lists it. `told_up` is whether the
    /// world took the node for up all the time: it was out of sight.
    pub(super) fn node_is_back(&mut self, now: Timestamp, told_up: bool) {
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
        self.told_down &= told_up;
    }

    /// Its daemon was started anew: up is what the new run is when a group lists
    /// it. Says whether it was anything else.
    fn begin_anew(&mut self, now: Timestamp) -> bool {
        let was =
            matches!(self.state, AdapterState::Up | AdapterState::Unknown | AdapterState::Left);
        if was {
            self.state = AdapterState::Joining;
            self.verdict_id = None;
            self.cause = None;
            self.told_up = false;
            self.since = now;
        }
        self.judged = false;
        self.listed = false;
        self.fault = None;
        was
    }

    /// Whether to be listed in that group says nothing of it any more: it failed
    /// later, or it has left, and what it left for good is this run.
    pub(crate) fn outlived(&self, group: GroupId) -> bool {
        self.state == AdapterState::Left || (self.is_out() && self.instance >= group.instance)
    }

    /// It was told to be down, and that is not over.
    pub(super) fn is_told_down(&self) -> bool {
        self.ended_by == Some(EventKind::AdapterDown) && self.state != AdapterState::Up
    }

    /// This run of it was judged, and is not up since.
    pub(crate) fn is_judged(&self, run: Incarnation) -> bool {
        self.judged && self.member.incarnation == run
    }

    /// A group lists it, and its node has not: what that said last is of before.
    pub(crate) fn is_news(&self, run: Incarnation) -> bool {
        !self.listed && self.state == AdapterState::Up && self.member.incarnation == run
    }

    /// What this run of its node says to be wrong with it.
    pub(crate) fn fault(&self, run: Incarnation) -> Option<Cause> {
        self.fault.filter(|_| self.member.incarnation == run)
    }

    /// The world takes it for up.
    pub(crate) fn is_told_up(&self) -> bool {
        self.told_up
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

/// Adapters by network and address, and by node.
#[derive(Debug, Default)]
pub(crate) struct Adapters {
    networks: BTreeMap<Arc<str>, BTreeMap<IpAddr, KnownAdapter>>,
    len: usize,
    by_node: BTreeMap<NodeId, Vec<(Arc<str>, IpAddr)>>,
}

impl Adapters {
    pub(crate) fn get(&self, network: &str, address: IpAddr) -> Option<&KnownAdapter> {
        self.networks.get(network)?.get(&address)
    }

    pub(super) fn get_mut(&mut self, network: &str, address: IpAddr) -> Option<&mut KnownAdapter> {
        self.networks.get_mut(network)?.get_mut(&address)
    }

    /// Those on one network, by address.
    pub(crate) fn on(&self, network: &str) -> impl Iterator<Item = (&IpAddr, &KnownAdapter)> {
        self.networks.get(network).into_iter().flatten()
    }

    /// Those that have this address, by network.
    pub(crate) fn with(&self, address: IpAddr) -> impl Iterator<Item = (&str, &KnownAdapter)> {
        let networks = self.networks.iter();
        networks.filter_map(move |(network, its)| Some((&**network, its.get(&address)?)))
    }

    /// How many networks are known.
    pub(crate) fn networks(&self) -> usize {
        self.networks.values().filter(|its| !its.is_empty()).count()
    }

    /// Whether a network is known with one adapter only.
    pub(crate) fn any_sole(&self) -> bool {
        self.networks.values().any(|its| its.len() == 1)
    }

    /// All of them, by network and address.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &IpAddr, &KnownAdapter)> {
        let all = |(network, its)| (network as &Arc<str>, its as &BTreeMap<_, _>);
        let networks = self.networks.iter().map(all);
        networks.flat_map(|(network, its)| its.iter().map(move |(at, it)| (&**network, at, it)))
    }

    fn all_mut(&mut self) -> impl Iterator<Item = (&str, &IpAddr, &mut KnownAdapter)> {
        let networks = self.networks.iter_mut();
        networks.flat_map(|(network, its)| its.iter_mut().map(|(at, it)| (&**network, at, it)))
    }

    /// Those of one node, by network and address.
    pub(crate) fn of(&self, node: NodeId) -> impl Iterator<Item = (&str, &KnownAdapter)> {
        let its = self.by_node.get(&node).into_iter().flatten();
        its.filter_map(|(network, address)| Some((&**network, self.get(network, *address)?)))
    }

    /// Changes those of one node.
    pub(super) fn change_of(&mut self, node: NodeId, change: impl Fn(&mut KnownAdapter)) {
        for (network, address) in self.by_node.get(&node).into_iter().flatten() {
            let known = self.networks.get_mut(network).and_then(|its| its.get_mut(address));
            known.into_iter().for_each(&change);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn insert(&mut self, network: &str, known: KnownAdapter) {
        let (node, address) = (known.member.node_id, known.member.address);
        let name = match self.networks.get_key_value(network) {
            Some((name, _)) => Arc::clone(name),
            None => network.into(),
        };
        self.remove(network, address);
        self.networks.entry(Arc::clone(&name)).or_default().insert(address, known);
        self.len += 1;
        let its = self.by_node.entry(node).or_default();
        its.push((name, address));
        its.sort_unstable();
    }

    fn remove(&mut self, network: &str, address: IpAddr) -> Option<KnownAdapter> {
        let known = self.networks.get_mut(network)?.remove(&address)?;
        self.len -= 1;
        if let Some(its) = self.by_node.get_mut(&known.member.node_id) {
            its.retain(|(name, at)| (&**name, *at) != (network, address));
            if its.is_empty() {
                self.by_node.remove(&known.member.node_id);
            }
        }
        Some(known)
    }
}

impl Topology {
    /// The adapter is known to be there; says nothing of whether it works.
    pub(crate) fn adapter_seen(&mut self, now: Timestamp, network: &str, member: &Member) {
        let full = self.adapters.len() >= ADAPTERS_MAX;
        match self.adapters.get_mut(network, member.address) {
            // What is told late of an earlier run does not bring it back.
            Some(known) if known.member.incarnation > member.incarnation => {}
            Some(known) => {
                if known.member.incarnation < member.incarnation {
                    self.changes += u64::from(known.begin_anew(now));
                }
                if known.member.node_id == member.node_id {
                    known.member = member.clone();
                } else {
                    let known = KnownAdapter { member: member.clone(), ..known.clone() };
                    self.adapters.insert(network, known);
                }
            }
            None if full => return,
            None => {
                let known = KnownAdapter {
                    member: member.clone(),
                    state: AdapterState::Joining,
                    cause: None,
                    verdict_id: None,
                    since: now,
                    instance: 0,
                    joined: 0,
                    told_up: false,
                    told_down: false,
                    judged: false,
                    ended_by: None,
                    said_down: false,
                    doubted: false,
                    held: None,
                    said_by: member.incarnation,
                    lossy: false,
                    listed: false,
                    fault: None,
                };
                // A new one is in sight only by a group that lists it, and the database
                // counts when its node has it anew; but to be alone in a group is
                // another matter where others are known.
                let company = self.adapters.on(network).nth(1).is_some();
                self.changes += u64::from(!company);
                self.adapters.insert(network, known);
                self.takes_the_place(network, member);
            }
        }
        self.node_seen(now, member.node_id, &member.node, member.incarnation);
    }

    /// Its own node says that it has the adapter, and what is wrong with it.
    pub(crate) fn adapter_listed(
        &mut self,
        now: Timestamp,
        network: &str,
        member: &Member,
        fault: Option<Cause>,
    ) {
        self.adapter_seen(now, network, member);
        let known = self.adapters.get_mut(network, member.address);
        if let Some(known) = known.filter(|known| known.member == *member) {
            known.listed = true;
            self.changes += u64::from(known.fault != fault);
            known.fault = fault;
        }
    }

    /// A committed group lists the adapter.
    pub(crate) fn adapter_up(
        &mut self,
        now: Timestamp,
        network: &str,
        member: &Member,
        group: GroupId,
    ) -> Vec<Event> {
        self.adapter_seen(now, network, member);
        let Some(known) = self.adapters.get_mut(network, member.address) else { return Vec::new() };
        if known.state == AdapterState::Up {
            known.instance = known.instance.max(group.instance);
            return Vec::new();
        }
        if known.outlived(group) {
            return Vec::new();
        }
        self.replaced_by(network, member);
        let told = self.adapters.get(network, member.address).is_some_and(|known| known.told_up);
        let mut inherited = None;
        if told {
            // It may be the last that was heard of it.
            self.look_at_inherited(now);
        } else {
            inherited = self.inherited.end_adapter(network, member);
        }
        let doubted = self.inherited.end_doubt(network, member);
        let Some(known) = self.adapters.get_mut(network, member.address) else { return Vec::new() };
        let doubted = core::mem::take(&mut known.doubted) || doubted;
        let ended = known.ended_by.take();
        let down = ended.filter(|kind| *kind == EventKind::AdapterDown).or(inherited);
        // That it cannot be told, as another one said.
        let clears = down.or(ended.filter(|_| !doubted));
        known.said_down = false;
        self.changes += 1;
        known.state = AdapterState::Up;
        known.joined = group.instance;
        known.cause = None;
        known.verdict_id = None;
        known.since = now;
        known.instance = known.instance.max(group.instance);
        // A network that comes together again is one event, not one per adapter.
        known.told_up = true;
        known.told_down = false;
        known.judged = false;
        let mut events = Vec::new();
        let said_by_doubt = doubted && clears.is_none();
        if !told && !said_by_doubt {
            events.push(say::adapter_up(network, member, clears));
        }
        if doubted {
            let doubt = Some(EventKind::AdapterInconclusive);
            events.push(Event { authority: true, ..say::adapter_up(network, member, doubt) });
        }
        events
    }

    /// An interface has one address in a network: that one is up with another
    /// says as much of the one it had as its node's own word, which may come
    /// later. Who follows the events takes it out of the list by this one.
    fn replaced_by(&mut self, network: &str, member: &Member) {
        let same = |known: &KnownAdapter| {
            let (it, run) = (&known.member, member.incarnation);
            it.interface == member.interface
                && it.address != member.address
                && it.incarnation <= run
        };
        let its = self.adapters.of(member.node_id).filter(|(name, _)| *name == network);
        let gone = its.filter(|(_, known)| {
            let over = known.member.incarnation < member.incarnation && known.is_out();
            (known.cause == Some(Cause::Removed) || over) && same(known)
        });
        let gone: Vec<IpAddr> = gone.map(|(_, known)| known.member.address).collect();
        for address in gone {
            // Failed paths of it end with its node's own word.
            if !self.has_failed_paths(network, address) {
                self.adapter_forgotten(network, address);
                self.takes_the_place(network, member);
            }
        }
    }

    /// Whether its interface is up with another address.
    pub(crate) fn is_renumbered(&self, network: &str, member: &Member) -> bool {
        self.adapters.of(member.node_id).any(|(name, known)| {
            name == network
                && known.state == AdapterState::Up
                && known.member.interface == member.interface
                && known.member.address != member.address
        })
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
        let known = self.adapters.get_mut(network, member.address)?;
        // It was listed later; be it that it is out of sight now. Its own node
        // knows better of one that is not up.
        let out_of_sight = !known.is_out() && !cause.is_fact();
        let stale = known.instance > instance && (known.state == AdapterState::Up || out_of_sight);
        let told = matches!(known.state, AdapterState::Down | AdapterState::Left);
        if known.member.incarnation > member.incarnation {
            return None;
        }
        let never_up = known.state == AdapterState::Joining && !known.told_up;
        if cause == Cause::DaemonDown && verdict.is_none() && never_up && !told {
            // Nobody was told anything of that run, and it is over.
            known.instance = known.instance.max(instance);
            return None;
        }
        self.changes += 1;
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
            | Cause::TargetsUnreachable
            | Cause::Unreachable => AdapterState::Down,
        };
        // That it cannot be told of one that was out of sight is no news.
        known.told_up &= state == AdapterState::Unknown && known.state == AdapterState::Unknown;
        known.state = state;
        // daemon.down and node.left speak for all adapters of the node.
        let tell = state == AdapterState::Down && cause != Cause::DaemonDown;
        // Lost once more, in whatever way, before anybody took it in again.
        let again = known.told_down;
        let told = match state {
            AdapterState::Unknown => Some(EventKind::AdapterInconclusive),
            AdapterState::Up | AdapterState::Joining | AdapterState::Down | AdapterState::Left => {
                tell.then_some(EventKind::AdapterDown)
            }
        };
        known.ended_by = match (told, known.ended_by) {
            // This node itself, or another one, ends that besides.
            (Some(EventKind::AdapterInconclusive), Some(before)) => Some(before),
            (told, before) => told.or(before),
        };
        known.cause = Some(cause);
        known.verdict_id = verdict.map(|verdict| verdict.id.clone());
        known.judged |= verdict.is_some();
        known.since = now;
        known.instance = known.instance.max(instance);
        known.told_down |= tell;
        (tell && !again).then(|| say::adapter_down(network, member, cause, verdict))
    }

    /// The adapter's own node does not say any more that something is wrong.
    pub(crate) fn fact_is_over(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.adapters.get(network, member.address);
        if known.is_some_and(|known| known.cause.is_some_and(Cause::is_fact)) {
            self.adapter_usable(now, network, member.address);
        }
    }

    /// What was wrong with one of this node's adapters is over: it is up when it
    /// is in a group again.
    pub(crate) fn adapter_usable(&mut self, now: Timestamp, network: &str, address: IpAddr) {
        if let Some(known) = self.adapters.get_mut(network, address)
            && known.state == AdapterState::Down
        {
            self.changes += 1;
            known.state = AdapterState::Joining;
            known.cause = None;
            known.verdict_id = None;
            known.since = now;
        }
    }

    /// Its own node says whether the adapter comes and goes, and is held.
    pub(crate) fn adapter_held(
        &mut self,
        now: Timestamp,
        network: &str,
        address: IpAddr,
        held: Option<Held>,
    ) -> Option<Event> {
        let known = self.adapters.get_mut(network, address)?;
        let for_ms = held.and_then(|held| held.for_ms);
        let until = for_ms.map(|for_ms| now + Duration::from_millis(for_ms));
        let before = known.held;
        let losses = held.map(|held| held.losses).or(before.map(|(_, losses)| losses))?;
        known.held = until.map(|until| (until, losses));
        let member = &known.member;
        match (before, until) {
            (None, Some(until)) => {
                known.said_by = member.incarnation;
                Some(say::adapter_damped(network, member, losses, until.since(now)))
            }
            (Some(_), None) => Some(say::adapter_released(network, member, losses)),
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    /// Its own node says what the adapter loses, and whether that is its own fault.
    pub(crate) fn adapter_loses(
        &mut self,
        network: &str,
        address: IpAddr,
        loss: Option<Loss>,
    ) -> Option<Event> {
        let known = self.adapters.get_mut(network, address)?;
        let own = loss.filter(|loss| loss.own);
        if known.lossy == own.is_some() {
            return None;
        }
        known.lossy = own.is_some();
        if known.lossy {
            known.said_by = known.member.incarnation;
        }
        Some(match own {
            Some(loss) => say::adapter_lossy(network, &known.member, loss),
            None => say::adapter_clean(network, &known.member),
        })
    }

    /// Whether an earlier run of its node said last that the adapter is held, or
    /// loses datagrams: the one that runs now does not know that there is
    /// anything to take back.
    pub(crate) fn is_word_of_earlier_run(&self, network: &str, address: IpAddr) -> bool {
        let known = self.adapters.get(network, address);
        known.is_some_and(|known| known.said_by < known.member.incarnation)
    }

    /// Its own node says in which group the adapter was.
    pub(crate) fn adapter_was_in(&mut self, network: &str, address: IpAddr, instance: u64) {
        if let Some(known) = self.adapters.get_mut(network, address) {
            known.instance = known.instance.max(instance);
            self.changes += 1;
        }
    }

    /// The adapter is out of sight, and nobody is to blame (yet).
    pub(crate) fn adapter_unknown(&mut self, now: Timestamp, network: &str, address: IpAddr) {
        if let Some(known) = self.adapters.get_mut(network, address)
            && known.state == AdapterState::Up
        {
            self.changes += 1;
            known.state = AdapterState::Unknown;
            known.cause = None;
            known.verdict_id = None;
            known.since = now;
        }
    }

    /// Groups that are connected to this node list these adapters together
    /// with others, and no other adapter.
    pub(crate) fn in_sight(&mut self, now: Timestamp, visible: &Visible, me: NodeId) -> Vec<Event> {
        let mut events = Vec::new();
        for (network, its) in visible {
            for (group, member) in its.values().filter(|(_, member)| member.node_id != me) {
                // Its leader may never have heard what this node said of it.
                let known = self.adapters.get(network, member.address);
                let said = known.is_some_and(|known| known.said_down)
                    || self.inherited.is_said(network, member);
                let is_up = self.adapter_up(now, network, member, *group);
                let with = |event: Event| Event { authority: event.authority || said, ..event };
                events.extend(is_up.into_iter().map(with));
            }
        }
        let sees = |network: &str, address: &IpAddr| {
            visible.get(network).is_some_and(|its| its.contains_key(address))
        };
        for (network, address, known) in self.adapters.all_mut() {
            let other = known.member.node_id != me;
            if other && known.state == AdapterState::Up && !sees(network, address) {
                known.state = AdapterState::Unknown;
                known.since = now;
                self.changes += 1;
            }
        }
        events
    }

    /// This adapter is not its node's any more. What was told of it ends when
    /// its interface is up with another address; its failed paths are no more.
    pub(crate) fn adapter_forgotten(&mut self, network: &str, address: IpAddr) -> Vec<Event> {
        self.changes += 1;
        let Some(known) = self.adapters.remove(network, address) else { return Vec::new() };
        if let Some(node) = self.nodes.get_mut(&known.member.node_id) {
            node.adapter_withdrawn((network, &known.member.interface), address);
        }
        // It ends when the interface is up with another address.
        if known.is_told_down() {
            self.inherited.add_adapter(network, &known.member, known.said_down);
        }
        if known.doubted {
            self.inherited.add_doubt(network, &known.member);
        }
        self.paths_end(network, address)
    }

    /// The known adapters of a node.
    pub(crate) fn adapters_of(&self, node: NodeId) -> Vec<(String, Member)> {
        let its = self.adapters.of(node);
        its.map(|(network, known)| (network.to_string(), known.member.clone())).collect()
    }
}
