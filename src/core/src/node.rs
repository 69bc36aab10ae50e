//! One node: routes what happens to the machines that decide.
//!
//! Everything one hatsd decides, without clock or socket: [`Node::handle`]
//! takes one input, [`Node::drain`] gives what the shell must do about it.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    Cause, GroupReport, Header, Incarnation, ItemKey, Member, NodeId, Reassembly, cluster_tag,
    link::{Command, Configure, Link, Statistics},
};

use crate::{
    arbiter::{Arbiter, Place, Surroundings},
    config::{AdapterSpec, Config},
    damping::Damper,
    event::{Event, EventKind},
    group::{Group, GroupView},
    io::{AdapterIndex, Deadline, Effect, Input, Wake},
    linkstate::Database,
    ring::Neighbours,
    targets::Targets,
    time::{Timestamp, nanos},
    told::OpenFaults,
    topology::Topology,
    view::AdapterState,
};

mod crossed;
mod damped;
mod decide;
mod detours;
mod duplicates;
mod frames;
mod groups;
mod leave;
mod letters;
mod local;
mod losses;
mod multicast;
mod narrow;
mod news;
mod open;
mod paths;
mod required;
mod returns;
mod send;
mod show;
mod sight;
mod sizes;
mod sync;
mod verdicts;

pub(crate) use detours::Detours;
pub(crate) use multicast::Speakers;

/// Time between two lines about this node's own lateness.
const LATE_EVERY: Duration = Duration::from_secs(10);
/// Time between two alive lines.
const ALIVE_EVERY: Duration = Duration::from_secs(300);

/// One of this node's adapters.
#[derive(Debug)]
struct Local {
    spec: AdapterSpec,
    me: Member,
    group: Group,
    nim: NimState,
    /// When its NIM last said anything, or was excused.
    nim_heard: Timestamp,
    link: Option<Link>,
    /// What is wrong with it, as far as this node knows for certain.
    fault: Option<Cause>,
    /// Holds it when it comes and goes.
    damper: Damper,
    /// What it loses.
    losses: losses::Losses,
    /// Who is asked when nobody else is left: those configured, or the gateway.
    references: Vec<IpAddr>,
    /// What it must reach.
    targets: Targets,
    statistics: Statistics,
    neighbours: Neighbours,
    realtime: bool,
    memory_locked: bool,
    sync: sync::Sync,
    /// Ways to those that are not members yet, and not heard directly.
    detours: detours::Detours,
    /// Counts questions for a list, to spread the ways they go.
    questions: usize,
    /// Counts proclaims, to spread what is sent to the absent.
    proclaims: usize,
    /// Whether multicast gets here.
    hearing: multicast::Hearing,
    /// Whether long packets get from it to others.
    widths: narrow::Widths,
    /// What was sent that was long, to send it in shorter parts the next time.
    long_sent: send::LongSent,
    /// The hardware address of another host that was told to have its address.
    rival: Vec<u8>,
    /// Which other networks it hears.
    ears: crossed::Ears,
    /// Who spoke to it by unicast.
    speakers: multicast::Speakers,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum NimState {
    /// Not started yet.
    Absent,
    Running,
    /// Died then; its adapter is not at fault while a new one may still come
    /// inside the detection time.
    Died(Timestamp),
}

/// See the module.
#[derive(Debug)]
pub struct Node {
    config: Config,
    /// When the last input came.
    now: Timestamp,
    header: Header,
    locals: BTreeMap<AdapterIndex, Local>,
    database: Database,
    topology: Topology,
    arbiter: Arbiter,
    reassembly: Reassembly,
    /// Items are flooded three times, in case one is lost.
    repeats: BTreeMap<ItemKey, sync::Repeat>,
    lease_at: Timestamp,
    alive_at: Timestamp,
    leaving: Option<leave::Leaving>,
    paths: paths::Probing,
    duplicates: duplicates::Duplicates,
    /// Counts questions to required targets.
    target_probes: u64,
    /// By which way the last letter of each node came, and when.
    ways_back: BTreeMap<NodeId, letters::WayBack>,
    /// When the daemon of each known node was last heard, on any network.
    spoke: BTreeMap<NodeId, (Incarnation, Timestamp)>,
    foreign: BTreeMap<(AdapterIndex, IpAddr), frames::Foreign>,
    /// Leaders that call a network by another name, once said.
    drifted: BTreeSet<(AdapterIndex, IpAddr)>,
    /// When it was last said that this node was late.
    late_told: Option<Timestamp>,
    verdicts_at: BTreeMap<String, Timestamp>,
    returns: returns::Returns,
    multicast: multicast::Known,
    narrow: narrow::Known,
    crossed: crossed::Known,
    /// From what it was last seen who is in sight, and when it is looked at next.
    refreshed: Option<sight::Sources>,
    looked_at: Timestamp,
    look_at: Option<Timestamp>,
    effects: Vec<Effect>,
    /// When to wake it next, and why, as of the last input.
    due: Option<Wake>,
}

impl Node {
    /// A node that has just started and knows nothing.
    pub fn new(config: Config, now: Timestamp) -> Self {
        let prefix = format!("{}-{}", config.node, config.incarnation.0 % 100_000);
        let header = Header {
            cluster: cluster_tag(&config.cluster),
            node_id: config.node_id,
            incarnation: config.incarnation,
        };
        let mut started = Event::new(
            EventKind::DaemonStarted,
            format!("hatsd {} of {} started", config.version, config.node),
        );
        started.node = Some(config.node.clone());
        started.version = Some(config.version.clone());
        started.incarnation = Some(config.incarnation.0);
        started.authority = true;
        let arbiter = Arbiter::new(
            config.node_id,
            config.incarnation.0,
            &config.node,
            prefix,
            &config.detection,
        );
        let mut node = Node {
            header,
            now,
            locals: BTreeMap::new(),
            database: Database::new(config.incarnation),
            topology: Topology::default(),
            arbiter,
            reassembly: Reassembly::new(),
            repeats: BTreeMap::new(),
            lease_at: now,
            alive_at: now + ALIVE_EVERY,
            leaving: None,
            paths: paths::Probing::default(),
            duplicates: duplicates::Duplicates::default(),
            target_probes: 0,
            ways_back: BTreeMap::new(),
            spoke: BTreeMap::new(),
            foreign: BTreeMap::new(),
            drifted: BTreeSet::new(),
            late_told: None,
            verdicts_at: BTreeMap::new(),
            returns: returns::Returns::default(),
            multicast: multicast::Known::default(),
            narrow: narrow::Known::default(),
            crossed: crossed::Known::default(),
            refreshed: None,
            looked_at: Timestamp::default(),
            look_at: None,
            effects: Vec::from([Effect::Publish(started)]),
            due: None,
            config,
        };
        node.due = node.find_deadline();
        node
    }

    /// Has it take back what an earlier run of its daemon told the world, when
    /// it is over: for the start, before the first input.
    pub fn inherit(&mut self, faults: OpenFaults) {
        self.topology.inherit(self.now, faults, Duration::ZERO);
    }

    /// What it was told at its start.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What the shell must do, in order. To be emptied after every input.
    pub fn drain(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// Takes one input.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.now = now;
        match input {
            Input::AdapterAdded { adapter, spec } => self.adapter_added(now, adapter, spec),
            Input::AdapterRemoved { adapter } => self.adapter_removed(now, adapter),
            Input::GatewayFound { adapter, gateway } => self.gateway_found(adapter, gateway),
            Input::NimStarted { adapter } => self.nim_started(adapter),
            Input::NimDied { adapter, pid, how } => self.nim_died(now, adapter, pid, &how),
            Input::Nim { adapter, report } => self.nim_report(now, adapter, report),
            Input::Late { lateness_ns } => {
                self.excuse_nims(now);
                self.excuse_leaders(now);
                self.late(now, lateness_ns);
            }
            Input::Leave => self.leave(now),
        }
        self.settle(now);
    }

    /// Does what is overdue, once.
    pub fn wake(&mut self, now: Timestamp) {
        self.now = now;
        for index in self.indices() {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            if local.group.next_deadline().is_some_and(|at| now >= at) {
                local.group.suspects(self.arbiter.suspects(index));
                local.group.wake(now);
            }
            self.check_nim(now, index);
            self.check_damping(now, index);
            self.ask_targets(now, index);
        }
        if self.arbiter.next_deadline().is_some_and(|at| now >= at) {
            self.with_arbiter(|arbiter, around| arbiter.wake(now, around));
        }
        if now >= self.lease_at {
            self.renew_leases(now);
            self.check_losses(now);
            self.check_duplicates(now);
            self.announce(now);
        }
        if now >= self.alive_at {
            self.alive_at = now + ALIVE_EVERY;
            self.say_alive();
        }
        self.repeat_items(now);
        self.wake_sync(now);
        self.probe_paths(now);
        self.say_alone(now);
        self.wake_returns(now);
        self.wake_inherited(now);
        self.wake_multicast(now);
        self.wake_sight(now);
        self.wake_leaving(now);
        self.settle(now);
    }

    /// When to call [`wake`](Self::wake) next, and why.
    pub fn next_deadline(&self) -> Option<Wake> {
        self.due
    }

    /// Only inputs and wake-ups change it: shells ask for it more often.
    fn find_deadline(&self) -> Option<Wake> {
        let groups = self.locals.iter().filter_map(|(index, local)| {
            let nim = match local.nim {
                NimState::Died(at) if local.fault.is_none() => Some(at + self.nim_patience()),
                NimState::Running => Some(local.nim_heard + self.lease()),
                NimState::Died(_) | NimState::Absent => None,
            };
            let alone = self.alone_until(local);
            let held = local.damper.held_until();
            let targets = local.targets.next_deadline();
            let targets = targets.filter(|_| local.nim == NimState::Running);
            let doubt = self.doubts_at(&local.hearing);
            let dues = local.group.next_deadline().into_iter().chain(nim).chain(alone);
            let at = dues.chain(held).chain(targets).chain(doubt).min()?;
            Some((at, Deadline::Group(*index)))
        });
        let cases = self.arbiter.next_deadline().map(|at| (at, Deadline::Case));
        let pause = self.pause();
        let syncs = self.locals.values().filter_map(|local| local.sync.next_deadline(pause));
        let repeats = self.repeats.values().map(|repeat| repeat.at);
        let repeats =
            repeats.chain(syncs).chain(self.look_at).min().map(|at| (at, Deadline::LinkState));
        let paths = self.paths.next_deadline().map(|at| (at, Deadline::Case));
        let returns = self.returns.next_deadline().into_iter().chain(self.topology.inherited_until);
        let returns = returns.min().map(|at| (at, Deadline::Case));
        let leave = self.leaving.as_ref().and_then(leave::Leaving::next_deadline);
        let leave = leave.map(|at| (at, Deadline::Leave));
        let steady = [(self.lease_at, Deadline::Lease), (self.alive_at, Deadline::Alive)];
        let lasting = paths.into_iter().chain(returns).chain(leave).chain(steady);
        groups.chain(cases).chain(repeats).chain(lasting).min()
    }

    /// Carries out what the machines want until none wants anything.
    fn settle(&mut self, now: Timestamp) {
        loop {
            let mut quiet = true;
            let wants = |local: &Local| local.group.has_output();
            if self.locals.values().any(wants) {
                quiet = false;
                for index in self.indices() {
                    let outputs = self.locals.get_mut(&index).map(|local| local.group.drain());
                    for output in outputs.into_iter().flatten() {
                        self.group_output(now, index, output);
                    }
                }
            }
            for act in self.arbiter.drain() {
                quiet = false;
                self.act(now, act);
            }
            if quiet {
                self.conclude_multicast();
                self.conclude_crossed();
                self.due = self.find_deadline();
                return;
            }
        }
    }

    fn indices(&self) -> Vec<AdapterIndex> {
        self.locals.keys().copied().collect()
    }

    fn publish(&mut self, event: Event) {
        if event.authority {
            self.topology.said(&event);
        }
        self.effects.push(Effect::Publish(event));
    }

    fn publish_as(&mut self, event: Option<Event>, authority: bool) {
        if let Some(mut event) = event {
            event.authority |= authority;
            self.publish(event);
        }
    }

    fn nim(&mut self, adapter: AdapterIndex, command: Command) {
        self.effects.push(Effect::Nim { adapter, command });
    }

    /// Runs the arbiter with what it may look at.
    fn with_arbiter(&mut self, run: impl FnOnce(&mut Arbiter, &Surroundings)) {
        let places = self
            .locals
            .iter()
            .map(|(index, local)| Place {
                adapter: *index,
                network: &local.spec.network.name,
                me: &local.me,
                group: &local.group,
                references: &local.references,
                fault: local.fault,
                heard: &local.detours,
                speakers: &local.speakers,
                now: self.now,
            })
            .collect();
        let around = Surroundings { places, database: &self.database };
        run(&mut self.arbiter, &around);
    }

    /// The local adapters on a network.
    fn on_network(&self, network: &str) -> Vec<AdapterIndex> {
        self.locals
            .iter()
            .filter(|(_, local)| local.spec.network.name == network)
            .map(|(index, _)| *index)
            .collect()
    }

    /// Whether this node speaks for a network: it leads its group, and no
    /// higher leader's is known to be at work there.
    fn leads_network(&self, network: &str) -> bool {
        let mine = self.locals.values().filter(|local| {
            let known = self.topology.adapters.get(network, local.me.address);
            // One that is itself to blame for being alone speaks for nobody.
            let down = known.is_some_and(|known| known.state == AdapterState::Down);
            local.spec.network.name == network
                && local.fault.is_none()
                && !down
                && local.group.leads()
        });
        let mine = mine.filter_map(|local| Some((local.group.view()?.members.len() > 1, local)));
        let Some((company, local)) =
            mine.max_by_key(|(company, local)| (*company, local.me.address))
        else {
            return false;
        };
        let above = |report: &GroupReport| {
            let leader = self.topology.adapters.get(network, report.group.leader);
            let works = leader.is_some_and(|known| {
                known.state == AdapterState::Up && known.instance <= report.group.instance
            });
            report.network == network
                && report.members.len() > 1
                && report.leader_node != self.config.node_id
                && works
                && !local.group.is_doomed(report.group.leader)
                && (!company || report.group.leader > local.me.address)
        };
        !self.database.groups().any(above)
    }

    /// Whether this node speaks for what happens to another one: the highest of
    /// those that are with it does, on the first of its networks where it has company.
    fn speaks_for(&self, node: NodeId) -> bool {
        let company = self.topology.adapters_of(node).into_iter().find_map(|(network, member)| {
            let fit = |other: &&Member| {
                let known = self.topology.adapters.get(&network, other.address);
                other.node_id != node
                    && !self.is_doomed(&network, other.address)
                    && known.is_none_or(|known| known.state != AdapterState::Down)
            };
            let highest = |group: GroupView| group.members.iter().find(fit).map(|it| it.node_id);
            // It may have been taken out of the group by now.
            let mine = self.locals.values().filter(|local| local.fault.is_none());
            let mine = mine.filter(|local| local.spec.network.name == network);
            let mine = mine.filter_map(|local| local.group.view().cloned()).find_map(highest);
            // Who is alone there may be so for a fault of its own.
            mine.or_else(|| self.group_listing(&network, &member).and_then(highest))
        });
        company == Some(self.config.node_id)
    }

    fn configure(&mut self, index: AdapterIndex) {
        let Some(local) = self.locals.get(&index) else { return };
        let spec = &local.spec;
        let configure = Configure {
            interface: spec.interface.clone(),
            address: spec.address,
            prefix_length: spec.prefix_length,
            mode: spec.network.mode,
            group: spec.network.group,
            port: spec.network.port,
            node_id: self.config.node_id,
            incarnation: self.config.incarnation,
            cluster: self.header.cluster,
            heartbeat_interval_ns: nanos(self.config.detection.heartbeat_interval),
            sensitivity: self.config.detection.sensitivity,
            realtime_priority: self.config.realtime_priority,
            lock_memory: self.config.lock_memory,
        };
        self.nim(index, Command::Configure(configure));
    }

    /// How long a NIM goes on without this daemon.
    fn lease(&self) -> Duration {
        self.config.detection.lease()
    }

    fn renew_leases(&mut self, now: Timestamp) {
        let lease = self.lease();
        self.lease_at = now + lease / 4;
        for index in self.indices() {
            if self.locals.get(&index).is_some_and(|local| local.nim == NimState::Running) {
                self.nim(index, Command::Lease { duration_ns: nanos(lease) });
            }
        }
    }

    fn say_alive(&mut self) {
        let nodes = self.topology.nodes.values();
        let up = nodes.filter(|node| node.state == crate::view::NodeState::Up).count();
        let count = self.topology.nodes.len();
        let text = format!("{} alive: {up} of {count} nodes up", self.config.node);
        let mut event = Event::new(EventKind::Alive, text);
        event.node = Some(self.config.node.clone());
        event.count = u64::try_from(up).ok();
        event.authority = true;
        self.publish(event);
    }
}

#[cfg(test)]
mod tests;
