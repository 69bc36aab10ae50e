//! One file per subject; here is what they share.

use alloc::{vec, vec::Vec};
use core::net::{IpAddr, Ipv4Addr};

use hats_wire::{
    CaseId, Frame, Incarnation, NodeId, decode,
    link::{Mode, Neighbour, NeighbourState, ProbeDone, StartProbe},
};

use super::*;

mod beats;
mod claims;
mod datagrams;
mod probes;
mod self_watch;

const START: Timestamp = Timestamp(5_000_000_000);
const OWN: u8 = 1;
const CLUSTER: u32 = 7;

/// A machine and the effects it had.
struct Bench {
    machine: Machine,
    effects: Vec<Effect>,
}

impl Bench {
    /// 10 ms x 3, sockets open, nothing watched.
    fn open() -> Bench {
        let mut bench = Bench { machine: Machine::new(config(), START), effects: Vec::new() };
        bench.at(0, Input::LinkChanged(Link { open: true, ..Link::default() }));
        bench.take();
        bench
    }

    /// Feeds and expects adapter 2.
    fn with_neighbour() -> Bench {
        let mut bench = Bench::open();
        bench.at(0, watch(&[2], &[2]));
        bench.take();
        bench
    }

    fn at(&mut self, micros: u64, input: Input) {
        self.machine.handle(after(micros), input);
        while let Some(effect) = self.machine.next_effect() {
            self.effects.push(effect);
        }
    }

    /// Wakes it whenever it wants to be until `micros`.
    fn run_until(&mut self, micros: u64) {
        while let Some((at, _)) =
            self.machine.next_deadline().filter(|(at, _)| *at <= after(micros))
        {
            let before = self.machine.next_deadline();
            self.machine.handle(at, Input::Wake);
            assert_ne!(before, self.machine.next_deadline(), "woken for nothing");
            while let Some(effect) = self.machine.next_effect() {
                self.effects.push(effect);
            }
        }
    }

    fn take(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// The messages sent since, by receiver.
    fn sent(&mut self) -> Vec<(Option<IpAddr>, Message)> {
        self.take()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Transmit { to, bytes } => Some((to, decode(&bytes).unwrap().message)),
                Effect::TransmitWhole { .. }
                | Effect::Echo { .. }
                | Effect::Arp { .. }
                | Effect::Report(_)
                | Effect::Exit => None,
            })
            .collect()
    }

    /// The reports since, without statistics.
    fn reports(&mut self) -> Vec<Report> {
        self.take()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Report(Report::Statistics(_)) => None,
                Effect::Report(report) => Some(report),
                Effect::TransmitWhole { .. }
                | Effect::Echo { .. }
                | Effect::Arp { .. }
                | Effect::Transmit { .. }
                | Effect::Exit => None,
            })
            .collect()
    }

    fn states(&mut self) -> Vec<NeighbourState> {
        self.reports()
            .into_iter()
            .filter_map(
                |report| if let Report::Neighbour(n) = report { Some(n.state) } else { None },
            )
            .collect()
    }

    /// Heartbeats of adapter 2 until `micros`, beginning at `from`, every 10 ms.
    fn hear_until(&mut self, from: u64, micros: u64) {
        for at in (from..=micros).step_by(10_000) {
            self.run_until(at);
            self.at(at, from_2(beat(1)));
        }
    }
}

fn config() -> Configure {
    Configure {
        interface: "eth0".into(),
        address: address(OWN),
        prefix_length: 24,
        mode: Mode::Multicast,
        group: Some(IpAddr::V4(Ipv4Addr::new(239, 1, 1, 1))),
        port: 12347,
        node_id: NodeId(u64::from(OWN)),
        incarnation: Incarnation(1),
        cluster: CLUSTER,
        heartbeat_interval_ns: 10_000_000,
        sensitivity: 3,
        realtime_priority: 0,
        lock_memory: false,
    }
}

fn address(host: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, host))
}

fn after(micros: u64) -> Timestamp {
    START + Duration::from_micros(micros)
}

fn group(instance: u64) -> GroupId {
    GroupId { instance, leader: address(9) }
}

fn watch(feed: &[u8], expect: &[u8]) -> Input {
    Input::Command(Command::Watch {
        group: group(1),
        feed: feed.iter().copied().map(address).collect(),
        expect: expect.iter().copied().map(address).collect(),
    })
}

fn beat(instance: u64) -> Message {
    Message::Heartbeat { sequence: 1, group: group(instance), stalled: false }
}

fn datagram(from: u8, cluster: u32, message: &Message) -> Input {
    let header = Header { cluster, node_id: NodeId(u64::from(from)), incarnation: Incarnation(1) };
    Input::Datagram { from: address(from), to_group: false, bytes: encode(&header, message) }
}

fn from_2(message: Message) -> Input {
    datagram(2, CLUSTER, &message)
}

fn statistics(effects: &[Effect]) -> hats_wire::link::Statistics {
    let last = effects.iter().rev().find_map(|effect| match effect {
        Effect::Report(Report::Statistics(statistics)) => Some(statistics.clone()),
        Effect::Report(_)
        | Effect::TransmitWhole { .. }
        | Effect::Echo { .. }
        | Effect::Arp { .. }
        | Effect::Transmit { .. }
        | Effect::Exit => None,
    });
    last.expect("statistics were reported")
}
