//! One dense line per thing that happens, on standard error. The crate's
//! documentation has the legend.

use std::net::IpAddr;

use hats_core::{event::Event, time::Timestamp};
use hats_wire::{
    Message, decode,
    link::{Command, Report},
};

use crate::{host::Port, net::Lost, summary::Summary, world::World};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Level {
    Off,
    Events,
    Some,
    All,
}

/// What is printed.
#[derive(Debug)]
pub(crate) struct Trace {
    level: Level,
    nodes: Vec<String>,
    networks: Vec<String>,
    from_ns: u64,
}

impl Trace {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let list = |name: &str| {
            let value = std::env::var(name).unwrap_or_default();
            value.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let level = match std::env::var("HATS_TRACE").as_deref() {
            Err(_) | Ok("" | "0") => Level::Off,
            Ok("events") => Level::Events,
            Ok("1") => Level::Some,
            Ok("all") => Level::All,
            Ok(other) => panic!("HATS_TRACE is {other:?}: expected events, 1 or all"),
        };
        let from = std::env::var("HATS_TRACE_FROM").unwrap_or_else(|_| "0".to_owned());
        let from: f64 = from
            .parse()
            .unwrap_or_else(|_| panic!("HATS_TRACE_FROM is {from:?}: expected seconds"));
        Trace {
            level,
            nodes: list("HATS_TRACE_NODES"),
            networks: list("HATS_TRACE_NETWORKS"),
            from_ns: (from * 1e9) as u64,
        }
    }

    fn wants(&self, world: &World, level: Level, host: usize, network: Option<usize>) -> bool {
        let listed =
            |list: &[String], name: &str| list.is_empty() || list.iter().any(|it| it == name);
        self.level >= level
            && world.now >= self.from_ns
            && listed(&self.nodes, world.hosts[host].name())
            && network.is_none_or(|at| listed(&self.networks, &world.networks[at].spec.name))
    }

    fn wants_port(&self, world: &World, level: Level, port: Port) -> bool {
        self.level >= level
            && self.wants(world, level, port.host, Some(world.adapter(port).network))
    }

    pub(crate) fn transmit(&self, world: &World, from: Port, to: Option<IpAddr>, bytes: &[u8]) {
        if self.wants_port(world, level_of(self.level, bytes), from) {
            let to = to.map_or("all".to_owned(), |to| world.name_of(to));
            line(world, &world.port_name(from), '>', &to, &Summary(world).datagram(bytes));
        }
    }

    pub(crate) fn arrival(&self, world: &World, from: IpAddr, to: Port, bytes: &[u8]) {
        if self.wants_port(world, Level::All, to) {
            let from = world.name_of(from);
            line(world, &world.port_name(to), '<', &from, &Summary(world).datagram(bytes));
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
        if self.level < Level::Some {
            return;
        }
        let sender = world.networks.iter().find_map(|network| network.owners.get(&from)).copied();
        let Some(at) = sender.or(to) else { return };
        if self.wants_port(world, level_of(self.level, bytes), at) {
            let to = to.map_or("-", |to| world.hosts[to.host].name());
            let what = format!("{}: {why}", Summary(world).datagram(bytes));
            line(world, &world.port_name(at), 'x', to, &what);
        }
    }

    pub(crate) fn command(&self, world: &World, port: Port, command: &Command) {
        // A datagram to be sent has a line of its own when it is.
        let level = match command {
            Command::Send { .. } | Command::Lease { .. } => Level::All,
            Command::Configure(_)
            | Command::Watch { .. }
            | Command::StartProbe(_)
            | Command::Shutdown => Level::Some,
        };
        if self.wants_port(world, level, port) {
            line(world, &world.port_name(port), 'v', "", &Summary(world).command(command));
        }
    }

    pub(crate) fn report(&self, world: &World, port: Port, report: &Report) {
        let level = match report {
            Report::Received { .. } | Report::Statistics(_) => Level::All,
            Report::Ready { .. }
            | Report::Link(_)
            | Report::Neighbour(_)
            | Report::Stranger { .. }
            | Report::ProbeSeen { .. }
            | Report::ProbeDone(_)
            | Report::Late { .. } => Level::Some,
        };
        if self.wants_port(world, level, port) {
            line(world, &world.port_name(port), '^', "", &Summary(world).report(report));
        }
    }

    pub(crate) fn wake(&self, world: &World, host: usize, why: &str) {
        if self.wants(world, Level::All, host, None) {
            line(world, world.hosts[host].name(), '~', "", why);
        }
    }

    pub(crate) fn event(&self, world: &World, host: usize, event: &Event) {
        if self.wants(world, Level::Events, host, None) {
            line(world, world.hosts[host].name(), '!', "", &Summary(world).event(event));
        }
    }

    pub(crate) fn state(&self, world: &World, host: usize, what: &str) {
        if self.wants(world, Level::Events, host, None) {
            line(world, world.hosts[host].name(), '=', "", what);
        }
    }

    pub(crate) fn fault(&self, world: &World, what: &str) {
        if self.level >= Level::Events {
            line(world, "--------", ' ', "", what);
        }
    }
}

/// Heartbeats and probes are printed only when everything is.
fn level_of(asked: Level, bytes: &[u8]) -> Level {
    if asked < Level::Some {
        return Level::Some;
    }
    let often = decode(bytes).is_ok_and(|frame| {
        matches!(
            frame.message,
            Message::Heartbeat { .. } | Message::Probe { .. } | Message::ProbeReply { .. }
        )
    });
    if often { Level::All } else { Level::Some }
}

fn line(world: &World, place: &str, sign: char, peer: &str, what: &str) {
    let now = Timestamp(world.now).to_string();
    eprintln!("{now:>12} {place:<9} {sign} {peer:<5} {what}");
}
