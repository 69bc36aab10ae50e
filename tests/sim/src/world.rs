//! The world: virtual time, hosts, networks, and what happens next.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use hats_core::{
    event::Event,
    time::{Timestamp, nanos},
};

use crate::{
    belief,
    chance::Chance,
    check::{self, Checked, Checker},
    clock::Clock,
    host::{Adapter, Host, Port},
    net::Network,
    plan::{Plan, Timing},
    process::Process,
    queue::{Happening, Queue},
    record::Records,
    tamper::Tamper,
    trace::Trace,
    traffic::Traffic,
    truth::Truth,
};

/// How often a predicate is asked when nothing was published or adopted.
const ASK_EVERY: u64 = 10_000_000;

/// Whether an event is worth its memory.
pub(crate) type Keeps = Box<dyn Fn(&Event) -> bool>;

/// A cluster on a virtual clock and simulated networks.
///
/// Nodes and networks are named as in the [`Plan`]; an unknown name panics,
/// for it is a mistake in the test.
pub struct World {
    pub(crate) now: u64,
    pub(crate) seed: u64,
    pub(crate) timing: Timing,
    pub(crate) chance: Chance,
    pub(crate) queue: Queue,
    pub(crate) hosts: Vec<Host>,
    pub(crate) networks: Vec<Network>,
    pub(crate) names: BTreeMap<String, usize>,
    pub(crate) records: Records,
    pub(crate) truth: Truth,
    pub(crate) trace: Trace,
    pub(crate) traffic: Traffic,
    pub(crate) checkers: Vec<Box<dyn Checker>>,
    pub(crate) checked: Checked,
    /// Whose machines have run since the last check.
    pub(crate) ran: Vec<Process>,
    /// Rules are held that the protocol does not keep yet.
    pub(crate) strict: bool,
    /// Breaks machines; none but in tests of the checkers.
    pub(crate) tamper: Option<Box<dyn Tamper>>,
    /// What is being done, for the message when a machine panics.
    pub(crate) doing: Option<(Port, &'static str)>,
    /// Which events stay in the records once they are checked; all, if none.
    pub(crate) keeps: Option<Keeps>,
    /// A machine broke its contract with the shell.
    pub(crate) broken: Option<String>,
    steps: u64,
    /// How often a timer woke a process.
    pub(crate) timers: u64,
}

impl World {
    /// Nodes `n1`.. on networks `neta`..; see [`Plan::lan`].
    pub fn lan(nodes: u32, networks: u8) -> Plan {
        Plan::lan(1, nodes, networks)
    }

    /// Nothing yet; see [`Plan::new`].
    pub fn plan(seed: u64) -> Plan {
        Plan::new(seed)
    }

    pub(crate) fn new(
        seed: u64,
        timing: Timing,
        mut hosts: Vec<Host>,
        mut networks: Vec<Network>,
    ) -> World {
        let mut chance = Chance::new(seed);
        let strict = check::strict_from_environment();
        for (at, host) in hosts.iter_mut().enumerate() {
            host.clock = Clock::new(chance.between(1, 3_600_000_000_000));
            for (index, adapter) in host.adapters.iter().enumerate() {
                let port = Port { host: at, adapter: index };
                let earlier = networks[adapter.network].owners.insert(adapter.address, port);
                assert!(earlier.is_none(), "address {} is planned twice", adapter.address);
            }
        }
        for network in &mut networks {
            network.list_ports();
        }
        let names =
            hosts.iter().enumerate().map(|(at, host)| (host.name().to_owned(), at)).collect();
        World {
            now: 0,
            seed,
            timing,
            chance,
            queue: Queue::default(),
            hosts,
            networks,
            names,
            records: Records::default(),
            truth: Truth::default(),
            trace: Trace::from_environment(),
            traffic: Traffic::default(),
            checkers: check::all(strict),
            checked: Checked::default(),
            ran: Vec::new(),
            strict,
            tamper: None,
            doing: None,
            keeps: None,
            broken: None,
            steps: 0,
            timers: 0,
        }
    }

    /// Takes out the checker of this name: somebody else knows better.
    pub(crate) fn without(&mut self, name: &str) {
        self.checkers.retain(|checker| checker.name() != name);
    }

    /// Time since the world began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.now)
    }

    /// How many things have happened.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Lets time pass. Panics when a checker objects.
    pub fn run_for(&mut self, span: Duration) {
        if let Err(why) = self.advance(span) {
            panic!("{}", belief::report(self, &why));
        }
    }

    /// Lets time pass; an error is a checker's objection.
    pub(crate) fn advance(&mut self, span: Duration) -> Result<(), String> {
        let end = self.now + nanos(span);
        while self.queue.next_at().is_some_and(|at| at <= end) {
            self.step()?;
        }
        self.now = end;
        Ok(())
    }

    /// Lets time pass until `done`, at most for `limit`: how long it took, or
    /// what every node believes instead.
    pub fn run_until(
        &mut self,
        done: impl FnMut(&World) -> bool,
        limit: Duration,
    ) -> Result<Duration, String> {
        let begin = self.now;
        match self.run_until_or(done, limit) {
            Ok(true) => Ok(Duration::from_nanos(self.now - begin)),
            Ok(false) => Err(belief::report(self, &format!("it did not come about in {limit:?}"))),
            Err(why) => Err(belief::report(self, &why)),
        }
    }

    /// Lets time pass until `done`, at most for `limit`: whether it came about;
    /// an error is a checker's objection.
    pub(crate) fn run_until_or(
        &mut self,
        mut done: impl FnMut(&World) -> bool,
        limit: Duration,
    ) -> Result<bool, String> {
        let end = self.now + nanos(limit);
        let mut asked = (u64::MAX, usize::MAX);
        loop {
            let state = (self.now / ASK_EVERY, self.records.changes());
            if asked != state {
                asked = state;
                if done(self) {
                    return Ok(true);
                }
            }
            if self.queue.next_at().is_none_or(|at| at > end) {
                self.now = end;
                return Ok(done(self));
            }
            self.step()?;
        }
    }

    /// Lets the next thing happen; an error is a checker's objection.
    pub fn step(&mut self) -> Result<(), String> {
        if self.is_truth_unseen() {
            self.see_truth();
        }
        let Some((at, what)) = self.queue.take() else { return Ok(()) };
        self.now = at;
        self.steps += 1;
        self.dispatch(what);
        self.doing = None;
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        self.check()
    }

    fn dispatch(&mut self, what: Happening) {
        if let Happening::CarrierTurns { port, turn, there } = what {
            return self.carrier_turns(port, turn, there);
        }
        let host = &mut self.hosts[what.host()];
        if !host.up {
            return;
        }
        if host.asleep {
            host.keep(what);
            return;
        }
        let Some(what) = self.unless_blocked(what) else { return };
        if let Some(what) = self.through_gate(what) {
            self.happen(what);
        }
    }

    /// It happens to a host that runs, and to a process that has the CPU.
    pub(crate) fn happen(&mut self, what: Happening) {
        match what {
            Happening::DaemonStarts { host, run } => self.daemon_starts(host, run),
            Happening::NodeWakes { host, run } => self.node_wakes(host, run),
            Happening::NimStarts { port, daemon } => self.nim_starts(port, daemon),
            Happening::NimDeathSeen { port, daemon, pid, how } => {
                self.nim_death_seen(port, daemon, pid, how);
            }
            Happening::NimStuck { port, run } => self.nim_stuck(port, run),
            Happening::ReportArrives { port, daemon, report } => {
                self.report_arrives(port, daemon, *report);
            }
            Happening::AddressesSeen { host, daemon, old, new } => {
                self.addresses_seen(host, daemon, old, new);
            }
            Happening::EchoArrives { to, from, sequence } => {
                self.echo_arrives(to, from, sequence);
            }
            Happening::Scheduled { process, run } => self.scheduled(process, run),
            Happening::Granted(what) => self.happen(*what),
            Happening::CarrierTurns { port, turn, there } => self.carrier_turns(port, turn, there),
            what @ (Happening::NimWakes { .. }
            | Happening::CommandArrives { .. }
            | Happening::DaemonGoneSeen { .. }
            | Happening::LinkSeen { .. }
            | Happening::DatagramArrives { .. }
            | Happening::EchoReplyArrives { .. }) => self.happens_to_nim(what),
        }
    }

    /// `span` from now, for the queue.
    pub(crate) fn after(&self, span: Duration) -> u64 {
        self.now + nanos(span)
    }

    /// The time on the clock of `host`.
    pub(crate) fn clock(&self, host: usize) -> Timestamp {
        Timestamp(self.hosts[host].clock.at(self.now))
    }

    /// When the clock of `host` will show `at`, in the world's time; at
    /// earliest now, and a timer is a bit late.
    pub(crate) fn timer(&mut self, host: usize, at: Timestamp) -> u64 {
        let due = self.hosts[host].clock.when(at.0).max(self.now);
        due + self.chance.between(0, nanos(self.timing.wake_late))
    }

    pub(crate) fn adapter(&self, port: Port) -> &Adapter {
        &self.hosts[port.host].adapters[port.adapter]
    }

    pub(crate) fn adapter_mut(&mut self, port: Port) -> &mut Adapter {
        &mut self.hosts[port.host].adapters[port.adapter]
    }

    /// The index of the host of that name.
    pub(crate) fn host_named(&self, name: &str) -> usize {
        *self.names.get(name).unwrap_or_else(|| panic!("no node is called {name:?}"))
    }

    /// The index of the network of that name.
    pub(crate) fn network_named(&self, name: &str) -> usize {
        self.networks
            .iter()
            .position(|network| network.spec.name == name)
            .unwrap_or_else(|| panic!("no network is called {name:?}"))
    }

    /// The adapter of `node` on `network`.
    pub(crate) fn port_named(&self, node: &str, network: &str) -> Port {
        let (host, number) = (self.host_named(node), self.network_named(network));
        self.hosts[host]
            .adapters
            .iter()
            .position(|adapter| adapter.network == number && !adapter.replaced)
            .map(|adapter| Port { host, adapter })
            .unwrap_or_else(|| panic!("{node} has no adapter on {network}"))
    }

    /// Whose address that is, as a name, on whatever network.
    pub(crate) fn name_of(&self, address: IpAddr) -> String {
        self.networks
            .iter()
            .find_map(|network| {
                network.owners.get(&address).or_else(|| network.former.get(&address))
            })
            .map_or_else(|| address.to_string(), |port| self.hosts[port.host].name().to_owned())
    }

    /// `n3/neta`.
    pub(crate) fn port_name(&self, port: Port) -> String {
        let network = &self.networks[self.adapter(port).network];
        format!("{}/{}", self.hosts[port.host].name(), network.spec.name)
    }
}

impl Drop for World {
    /// A failing test says which world it was and how to see more of it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            if let Some((port, what)) = &self.doing {
                let who = self.hosts.get(port.host).map_or("?", Host::name);
                eprintln!("sim: {who} was handling {what}");
            }
            eprintln!(
                "sim: seed {} at {}, step {}; HATS_TRACE=events|1|all shows what happened",
                self.seed,
                Timestamp(self.now),
                self.steps
            );
        }
    }
}
