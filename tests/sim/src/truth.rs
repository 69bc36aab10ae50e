//! What is really so, and was: the only judge of what may be said.
//!
//! Nothing here is told what was done. It looks at what hosts, adapters and
//! networks are like whenever that may have changed, and remembers each change
//! with its time; [`Moment`] answers what followed from it at some instant.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    host::{Adapter, Host, MTU, Port, Running},
    net::{Conditions, Network},
    world::World,
};

mod moment;

pub(crate) use moment::Moment;

/// From this loss on, a fault is to be found out; below, it is to be endured.
const LOSS_THAT_IS_A_FAULT: f64 = 0.5;

/// How well something gets through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Passage {
    /// Not at all.
    No,
    /// So badly that it may be taken for not at all.
    Poor,
    /// As it should, but for what is to be endured.
    Yes,
}

/// A NIM process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Nim {
    /// It does not run, or knows nothing yet.
    Absent,
    /// It is stopped.
    Stopped,
    /// It gets the CPU so late that it seems to be silent.
    Starved,
    Runs,
}

/// What one adapter is like.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct AdapterIs {
    pub(crate) network: usize,
    /// Its address has been given up for another one.
    pub(crate) replaced: bool,
    pub(crate) carrier: bool,
    pub(crate) address: bool,
    pub(crate) nim: Nim,
    inward: Passage,
    outward: Passage,
    side: usize,
}

/// What one host is like.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct HostIs {
    /// No hats on it.
    pub(crate) plain: bool,
    /// Its kernel runs, and is not suspended.
    pub(crate) awake: bool,
    /// What its sockets have to give and to take waits.
    pub(crate) blocked: bool,
    /// The run of its daemon.
    pub(crate) daemon: Option<u64>,
    /// Its daemon is stopped, or gets the CPU too late.
    pub(crate) stalled: bool,
    /// Its daemon, or a NIM, gets the CPU so late that it says so.
    pub(crate) late: bool,
    /// Its daemon was told to stop in good order.
    pub(crate) leaving: bool,
}

/// What one network is like.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct NetworkIs {
    pub(crate) passage: Passage,
    pub(crate) multicast: bool,
    /// Some way on it loses packets that its adapters may send.
    pub(crate) narrow: bool,
    /// Some way loses datagrams by chance, be it few.
    pub(crate) loses: bool,
    /// Others share its wire.
    pub(crate) joined: bool,
    /// From one adapter to another, where that is worse.
    pub(crate) paths: BTreeMap<(Port, Port), Passage>,
}

/// What something was like since when, oldest first.
#[derive(Debug)]
struct History<T>(Vec<(u64, T)>);

impl<T> Default for History<T> {
    fn default() -> Self {
        History(Vec::new())
    }
}

impl<T: PartialEq> History<T> {
    /// Whether that is news.
    fn note(&mut self, at: u64, is: T) -> bool {
        if self.0.last().is_some_and(|(_, was)| *was == is) {
            return false;
        }
        // Only what time passes over was ever so.
        if self.0.last().is_some_and(|(since, _)| *since == at) {
            self.0.pop();
        }
        self.0.push((at, is));
        true
    }

    fn at(&self, at: u64) -> Option<&T> {
        let after = self.0.partition_point(|(since, _)| *since <= at);
        self.0.get(after.checked_sub(1)?).map(|(_, is)| is)
    }
}

/// What may have changed since it was last looked at.
#[derive(Debug)]
enum Unseen {
    All,
    Hosts(BTreeSet<usize>),
}

/// What is so, and was.
#[derive(Debug)]
pub(crate) struct Truth {
    /// What was done, for messages.
    pub(crate) log: Vec<(u64, String)>,
    hosts: Vec<History<HostIs>>,
    adapters: BTreeMap<Port, History<AdapterIs>>,
    networks: Vec<History<NetworkIs>>,
    /// Whenever something changed, in order.
    changes: Vec<u64>,
    leaving: BTreeSet<usize>,
    unseen: Unseen,
}

impl Default for Truth {
    fn default() -> Self {
        Truth {
            log: Vec::new(),
            hosts: Vec::new(),
            adapters: BTreeMap::new(),
            networks: Vec::new(),
            changes: Vec::new(),
            leaving: BTreeSet::new(),
            unseen: Unseen::All,
        }
    }
}

impl Truth {
    /// Something was done, to whatever.
    pub(crate) fn note(&mut self, at: u64, what: String) {
        self.log.push((at, what));
        self.unseen = Unseen::All;
    }

    /// Something has changed on a host.
    pub(crate) fn changed(&mut self, host: usize) {
        if let Unseen::Hosts(hosts) = &mut self.unseen {
            hosts.insert(host);
        }
    }

    /// The daemon of a host was told to stop in good order, or is started anew.
    pub(crate) fn leaves(&mut self, host: usize, leaving: bool) {
        if leaving {
            self.leaving.insert(host);
        } else {
            self.leaving.remove(&host);
        }
        self.changed(host);
    }

    pub(crate) fn is_loss_a_fault(loss: f64) -> bool {
        loss >= LOSS_THAT_IS_A_FAULT
    }

    /// The spans until `to` in which nothing changed, the latest first: from
    /// when until when.
    pub(crate) fn spans(&self, to: u64) -> impl Iterator<Item = (u64, u64)> {
        let mut until = to;
        let changes = &self.changes[..self.changes.partition_point(|change| *change <= to)];
        changes.iter().rev().copied().chain([0]).map(move |since| {
            let span = (since, until);
            until = since.saturating_sub(1);
            span
        })
    }
}

impl World {
    /// Looks at what may have changed. To be called before time goes on.
    pub(crate) fn see_truth(&mut self) {
        let mut truth = std::mem::take(&mut self.truth);
        let mut changed = false;
        let hosts = match std::mem::replace(&mut truth.unseen, Unseen::Hosts(BTreeSet::new())) {
            Unseen::Hosts(hosts) => hosts,
            Unseen::All => {
                truth.hosts.resize_with(self.hosts.len(), History::default);
                truth.networks.resize_with(self.networks.len(), History::default);
                for (number, network) in self.networks.iter().enumerate() {
                    let is = network_is(self, network);
                    changed |= truth.networks[number].note(self.now, is);
                }
                (0..self.hosts.len()).collect()
            }
        };
        for host in hosts {
            changed |= self.see_host(&mut truth, host);
        }
        if changed && truth.changes.last() != Some(&self.now) {
            truth.changes.push(self.now);
        }
        self.truth = truth;
    }

    fn see_host(&self, truth: &mut Truth, host: usize) -> bool {
        let leaving = truth.leaving.contains(&host);
        let at = &self.hosts[host];
        let mut changed = truth.hosts[host].note(self.now, host_is(self, at, leaving));
        for (index, adapter) in at.adapters.iter().enumerate() {
            let history = truth.adapters.entry(Port { host, adapter: index }).or_default();
            changed |= history.note(self.now, adapter_is(self, adapter));
        }
        changed
    }

    /// Whether datagrams are lost by chance somewhere.
    pub(crate) fn has_loss(&self) -> bool {
        let loses = |conditions: &Conditions| conditions.loss > 0.0 && conditions.loss < 1.0;
        let adapters = self.hosts.iter().flat_map(|host| &host.adapters);
        let ends = adapters.flat_map(|adapter| [&adapter.inward, &adapter.outward]);
        self.networks
            .iter()
            .any(|network| loses(&network.conditions) || network.paths.values().any(loses))
            || ends.flatten().any(|conditions| loses(conditions))
    }

    /// Whether there is anything that [`see_truth`](Self::see_truth) would see.
    pub(crate) fn is_truth_unseen(&self) -> bool {
        match &self.truth.unseen {
            Unseen::All => true,
            Unseen::Hosts(hosts) => !hosts.is_empty(),
        }
    }
}

fn host_is(world: &World, host: &Host, leaving: bool) -> HostIs {
    let daemon = host.daemon.as_ref();
    let late = world.is_long(std::time::Duration::from_nanos(host.starved));
    HostIs {
        plain: host.plain,
        awake: host.is_awake(),
        blocked: host.blocked.is_some(),
        daemon: daemon.map(|_| host.config.incarnation.0),
        stalled: late || daemon.is_some_and(Running::is_stopped),
        late: is_told(host),
        leaving,
    }
}

/// Whether one that runs so late tells it: half a detection time is told.
fn is_told(host: &Host) -> bool {
    let told = hats_core::time::nanos(host.config.detection.detection_time() / 2);
    let nims = host.adapters.iter().map(|adapter| adapter.starved);
    nims.chain([host.starved]).any(|late| late >= told)
}

fn adapter_is(world: &World, adapter: &Adapter) -> AdapterIs {
    let late = world.is_long(std::time::Duration::from_nanos(adapter.starved));
    let nim = match &adapter.nim {
        Some(nim) if nim.machine.is_none() => Nim::Absent,
        Some(nim) if nim.is_stopped() => Nim::Stopped,
        Some(_) if late => Nim::Starved,
        Some(_) => Nim::Runs,
        None => Nim::Absent,
    };
    let passes = |dead: bool, conditions: &Option<Box<Conditions>>| match conditions {
        _ if dead => Passage::No,
        Some(conditions) => passage(world, conditions),
        None => Passage::Yes,
    };
    AdapterIs {
        network: adapter.network,
        replaced: adapter.replaced,
        carrier: adapter.carrier,
        address: adapter.has_address,
        nim,
        inward: passes(adapter.deaf, &adapter.inward),
        outward: passes(adapter.mute, &adapter.outward),
        side: adapter.side,
    }
}

fn network_is(world: &World, network: &Network) -> NetworkIs {
    let paths = network.paths.iter().map(|(ends, conditions)| (*ends, passage(world, conditions)));
    NetworkIs {
        passage: if network.dead { Passage::No } else { passage(world, &network.conditions) },
        multicast: !network.multicast_dead,
        narrow: ways(world, network).any(|it| it.mtu.is_some_and(|mtu| u32::from(mtu) < MTU)),
        loses: ways(world, network).any(|it| it.loss > 0.0),
        joined: !network.joined.is_empty(),
        paths: paths.filter(|(_, passage)| *passage != Passage::Yes).collect(),
    }
}

/// What all ways of a network, and those to and from its adapters, are like.
fn ways<'a>(world: &'a World, network: &'a Network) -> impl Iterator<Item = &'a Conditions> {
    let adapters = world.hosts.iter().flat_map(|host| &host.adapters);
    let name = &network.spec.name;
    let its = adapters.filter(move |it| world.networks[it.network].spec.name == *name);
    let ends = its.flat_map(|it| [&it.inward, &it.outward]).filter_map(Option::as_deref);
    network.paths.values().chain(ends).chain([&network.conditions])
}

fn passage(world: &World, conditions: &Conditions) -> Passage {
    if conditions.loss >= 1.0 {
        Passage::No
    } else if world.are_a_fault(conditions) {
        Passage::Poor
    } else {
        Passage::Yes
    }
}
