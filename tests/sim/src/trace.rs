//! One dense line per thing that happens. `docs/hats-sim.md` has the legend.

use std::{cell::RefCell, io::Write, net::IpAddr, time::Duration};

use hats_core::{
    event::Event,
    io::Deadline,
    time::{Timestamp, nanos},
};
use hats_wire::{
    Message, decode,
    link::{Command, Report},
};

use crate::{host::Port, net::Lost, summary::Summary, world::World};

/// How much of what happens is printed; each has all of the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Detail {
    /// Nothing.
    Off,
    /// Published events, faults, and processes that start and end.
    Events,
    /// What daemons do, without what comes at every heartbeat.
    Some,
    /// Everything.
    All,
}

impl Detail {
    /// Those that can be asked for, with their words.
    pub const WORDS: [(&'static str, Detail); 3] =
        [("events", Detail::Events), ("1", Detail::Some), ("all", Detail::All)];

    /// What `word` stands for.
    pub fn named(word: &str) -> Option<Detail> {
        Detail::WORDS.iter().find(|(name, _)| *name == word).map(|(_, detail)| *detail)
    }
}

/// Which part of what happens is printed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tracing {
    /// How much.
    pub detail: Detail,
    /// Only of these nodes; none: of all.
    pub nodes: Vec<String>,
    /// Only what is of these networks, or of none; none: of all.
    pub networks: Vec<String>,
    /// Not before.
    pub from: Duration,
    /// Not after.
    pub until: Option<Duration>,
}

impl Tracing {
    /// Everything of such detail.
    pub fn of(detail: Detail) -> Self {
        let (nodes, networks, from) = (Vec::new(), Vec::new(), Duration::ZERO);
        Tracing { detail, nodes, networks, from, until: None }
    }

    /// As the variables `HATS_TRACE*` of the environment say.
    fn from_environment() -> Self {
        let list = |name: &str| {
            let value = std::env::var(name).unwrap_or_default();
            value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let detail = match std::env::var("HATS_TRACE").as_deref() {
            Err(_) | Ok("" | "0") => Detail::Off,
            Ok(word) => Detail::named(word)
                .unwrap_or_else(|| panic!("HATS_TRACE is {word:?}: expected events, 1 or all")),
        };
        let from = std::env::var("HATS_TRACE_FROM").unwrap_or_else(|_| "0".to_owned());
        let seconds = from.parse().ok().and_then(|from| Duration::try_from_secs_f64(from).ok());
        Tracing {
            detail,
            nodes: list("HATS_TRACE_NODES"),
            networks: list("HATS_TRACE_NETWORKS"),
            from: seconds
                .unwrap_or_else(|| panic!("HATS_TRACE_FROM is {from:?}: expected seconds")),
            until: None,
        }
    }
}

/// What is printed, and where to.
pub(crate) struct Trace {
    level: Detail,
    nodes: Vec<String>,
    networks: Vec<String>,
    from_ns: u64,
    until_ns: u64,
    /// None: standard error.
    out: Option<RefCell<Box<dyn Write + Send>>>,
}

impl Trace {
    /// On standard error, as the environment says.
    pub(crate) fn from_environment() -> Self {
        Trace { out: None, ..Trace::to(Tracing::from_environment(), Box::new(std::io::sink())) }
    }

    /// What `tracing` asks for, to `out`.
    pub(crate) fn to(tracing: Tracing, out: Box<dyn Write + Send>) -> Self {
        Trace {
            level: tracing.detail,
            nodes: tracing.nodes,
            networks: tracing.networks,
            from_ns: nanos(tracing.from),
            until_ns: tracing.until.map_or(u64::MAX, nanos),
            out: Some(RefCell::new(out)),
        }
    }

    fn in_time(&self, world: &World) -> bool {
        (self.from_ns..=self.until_ns).contains(&world.now)
    }

    fn wants(&self, world: &World, level: Detail, host: usize, network: Option<usize>) -> bool {
        let listed =
            |list: &[String], name: &str| list.is_empty() || list.iter().any(|it| it == name);
        self.level >= level
            && self.in_time(world)
            && listed(&self.nodes, world.hosts[host].name())
            && network.is_none_or(|at| listed(&self.networks, &world.networks[at].spec.name))
    }

    fn wants_port(&self, world: &World, level: Detail, port: Port) -> bool {
        self.level >= level
            && self.wants(world, level, port.host, Some(world.adapter(port).network))
    }

    pub(crate) fn transmit(&self, world: &World, from: Port, to: Option<IpAddr>, bytes: &[u8]) {
        if self.wants_port(world, level_of(self.level, bytes), from) {
            let to = to.map_or("all".to_owned(), |to| world.name_of(to));
            self.line(world, &world.port_name(from), '>', &to, &Summary(world).datagram(bytes));
        }
    }

    pub(crate) fn arrival(&self, world: &World, from: IpAddr, to: Port, bytes: &[u8]) {
        if self.wants_port(world, Detail::All, to) {
            let from = world.name_of(from);
            self.line(world, &world.port_name(to), '<', &from, &Summary(world).datagram(bytes));
        }
    }

    pub(crate) fn lost(
        &self,
        world: &World,
        from: IpAddr,
        to: Option<Port>,
        bytes: &[u8],
        why: Lost,
    ) {
        if self.level < Detail::Some {
            return;
        }
        let sender = world.networks.iter().find_map(|network| network.owners.get(&from)).copied();
        let Some(at) = sender.or(to) else { return };
        if self.wants_port(world, level_of(self.level, bytes), at) {
            let to = to.map_or("-", |to| world.hosts[to.host].name());
            let what = format!("{}: {why}", Summary(world).datagram(bytes));
            self.line(world, &world.port_name(at), 'x', to, &what);
        }
    }

    pub(crate) fn command(&self, world: &World, port: Port, command: &Command) {
        // A datagram to be sent has a line of its own when it is.
        let level = match command {
            Command::Send { .. } | Command::Lease { .. } => Detail::All,
            Command::Configure(_)
            | Command::Watch { .. }
            | Command::StartProbe(_)
            | Command::Shutdown => Detail::Some,
        };
        if self.wants_port(world, level, port) {
            self.line(world, &world.port_name(port), 'v', "", &Summary(world).command(command));
        }
    }

    pub(crate) fn report(&self, world: &World, port: Port, report: &Report) {
        let level = match report {
            Report::Received { .. } | Report::Statistics(_) => Detail::All,
            Report::Ready { .. }
            | Report::Link(_)
            | Report::Neighbour(_)
            | Report::Stranger { .. }
            | Report::ProbeSeen { .. }
            | Report::ProbeDone(_)
            | Report::Overheard { .. }
            | Report::Taken { .. }
            | Report::Late { .. } => Detail::Some,
        };
        if self.wants_port(world, level, port) {
            self.line(world, &world.port_name(port), '^', "", &Summary(world).report(report));
        }
    }

    pub(crate) fn wake(&self, world: &World, host: usize, why: Deadline) {
        if self.wants(world, Detail::All, host, None) {
            self.line(world, world.hosts[host].name(), '~', "", &format!("{why:?}"));
        }
    }

    pub(crate) fn event(&self, world: &World, host: usize, event: &Event) {
        if self.wants(world, Detail::Events, host, None) {
            self.line(world, world.hosts[host].name(), '!', "", &Summary(world).event(event));
        }
    }

    pub(crate) fn state(&self, world: &World, host: usize, what: &str) {
        if self.wants(world, Detail::Events, host, None) {
            self.line(world, world.hosts[host].name(), '=', "", what);
        }
    }

    pub(crate) fn fault(&self, world: &World, what: &str) {
        if self.level >= Detail::Events && self.in_time(world) {
            self.line(world, "--------", ' ', "", what);
        }
    }

    fn line(&self, world: &World, place: &str, sign: char, peer: &str, what: &str) {
        let now = Timestamp(world.now).to_string();
        match &self.out {
            None => eprintln!("{now:>12} {place:<9} {sign} {peer:<5} {what}"),
            // Who does not read on has seen enough: the run goes on without.
            Some(out) => {
                drop(writeln!(out.borrow_mut(), "{now:>12} {place:<9} {sign} {peer:<5} {what}"))
            }
        }
    }
}

/// Heartbeats and probes are printed only when everything is.
fn level_of(asked: Detail, bytes: &[u8]) -> Detail {
    if asked < Detail::Some {
        return Detail::Some;
    }
    let often = decode(bytes).is_ok_and(|frame| {
        matches!(
            frame.message,
            Message::Heartbeat { .. } | Message::Probe { .. } | Message::ProbeReply { .. }
        )
    });
    if often { Detail::All } else { Detail::Some }
}
