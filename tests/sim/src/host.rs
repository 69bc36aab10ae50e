//! The hosts of a world: a kernel, at most one daemon, adapters with their NIMs.

use std::net::IpAddr;

use hats_core::{
    config::Config, io::AdapterIndex, nim::Machine, node::Node, time::Timestamp, told::OpenFaults,
};
use hats_wire::{GroupId, link::Link};

use crate::{
    clock::Clock,
    faults::Suspend,
    freeze::Blocked,
    net::Conditions,
    process::Gate,
    queue::{Happening, Ticket},
    record::Members,
};

/// The longest packet that an adapter sends.
pub(crate) const MTU: u32 = 1_500;

/// Which adapter of which host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Port {
    /// Index of the host.
    pub(crate) host: usize,
    /// Index of the adapter in its host.
    pub(crate) adapter: usize,
}

impl Port {
    /// The number the daemon knows the adapter by.
    pub(crate) fn index(self) -> AdapterIndex {
        AdapterIndex(u32::try_from(self.adapter).expect("a host has a handful of adapters"))
    }
}

/// A running machine and when it is next to be woken.
#[derive(Debug)]
pub(crate) struct Running<M> {
    /// Tells it from an earlier one in the same place.
    pub(crate) run: u64,
    /// The machine itself.
    pub(crate) machine: M,
    /// The time of its entry in the queue.
    pub(crate) wake: Option<u64>,
    /// That entry, or one that means nothing any more.
    pub(crate) alarm: Option<Ticket>,
    /// Wake-ups in a row that did not move its deadline.
    pub(crate) idle_wakes: u32,
    /// When it last looked at the clock of its host.
    pub(crate) looked: Timestamp,
    /// What keeps it from running; none when nothing does.
    pub(crate) gate: Option<Box<Gate>>,
}

impl<M> Running<M> {
    pub(crate) fn new(run: u64, machine: M) -> Self {
        let looked = Timestamp::default();
        Running { run, machine, wake: None, alarm: None, idle_wakes: 0, looked, gate: None }
    }

    /// It is starved of the CPU by up to so many nanoseconds each time.
    pub(crate) fn starved(mut self, most: u64) -> Self {
        if most > 0 {
            self.gate_mut().most = most;
        }
        self
    }

    /// It begins stopped, if that is so.
    pub(crate) fn stopped(mut self, stopped: bool) -> Self {
        if stopped {
            self.gate_mut().stopped = true;
        }
        self
    }

    /// What keeps it from running, from now on.
    pub(crate) fn gate_mut(&mut self) -> &mut Gate {
        self.gate.get_or_insert_with(Box::default)
    }

    /// It got SIGSTOP.
    pub(crate) fn is_stopped(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.stopped)
    }
}

/// One network interface with one address.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) network: usize,
    pub(crate) interface: String,
    pub(crate) address: IpAddr,
    pub(crate) prefix_length: u8,
    /// It is up only if one of these answers.
    pub(crate) required: Vec<IpAddr>,
    pub(crate) carrier: bool,
    /// Counts what was done to the cable: what was planned before is void.
    pub(crate) cable_turns: u64,
    pub(crate) has_address: bool,
    /// Its address was changed: another one serves the interface.
    pub(crate) replaced: bool,
    /// Nothing gets in, and nobody is told.
    pub(crate) deaf: bool,
    /// Nothing gets out, and nobody is told.
    pub(crate) mute: bool,
    /// What is wrong with the way to it.
    pub(crate) inward: Option<Box<Conditions>>,
    /// What is wrong with the way from it.
    pub(crate) outward: Option<Box<Conditions>>,
    /// Which part of a partitioned network it is on.
    pub(crate) side: usize,
    /// Its NIM process; it has no machine before it is configured.
    pub(crate) nim: Option<Running<Option<Machine>>>,
    pub(crate) nim_pid: u32,
    /// When that process was started.
    pub(crate) nim_since: u64,
    /// How often it died in a row.
    pub(crate) nim_deaths: u32,
    /// Its NIM gets the CPU up to so many nanoseconds late.
    pub(crate) starved: u64,
    /// The membership its daemon adopted last.
    pub(crate) group: Option<(GroupId, Members)>,
}

impl Adapter {
    pub(crate) fn new(network: usize, interface: &str, address: IpAddr, prefix: u8) -> Self {
        Adapter {
            network,
            interface: interface.to_owned(),
            address,
            prefix_length: prefix,
            required: Vec::new(),
            carrier: true,
            cable_turns: 0,
            has_address: true,
            replaced: false,
            deaf: false,
            mute: false,
            inward: None,
            outward: None,
            side: 0,
            nim: None,
            nim_pid: 0,
            nim_since: 0,
            nim_deaths: 0,
            starved: 0,
            group: None,
        }
    }

    /// Its successor on the same interface, with another address.
    pub(crate) fn renumbered(&self, address: IpAddr) -> Self {
        Adapter {
            carrier: self.carrier,
            deaf: self.deaf,
            mute: self.mute,
            inward: self.inward.clone(),
            outward: self.outward.clone(),
            side: self.side,
            starved: self.starved,
            ..Adapter::new(self.network, &self.interface, address, self.prefix_length)
        }
    }

    /// Whether this part, or more, of what goes to it or comes from it is lost.
    pub(crate) fn loses(&self, part: f64) -> bool {
        let conditions = [&self.inward, &self.outward].into_iter().flatten();
        conditions.into_iter().any(|conditions| conditions.loss >= part)
    }

    /// What the kernel says about it.
    pub(crate) fn link(&self, at_ns: u64, port: Port) -> Link {
        let number = (port.host as u32).to_be_bytes();
        Link {
            at_ns,
            present: true,
            ifindex: port.index().0 + 2,
            admin_up: true,
            carrier: self.carrier,
            address: self.has_address,
            address_duplicate: false,
            open: self.has_address,
            mac: vec![2, self.network as u8, number[0], number[1], number[2], number[3]],
            mtu: MTU,
            error: if self.has_address { String::new() } else { "no such address".to_owned() },
        }
    }

    /// Whether its sockets take datagrams.
    pub(crate) fn is_open(&self) -> bool {
        self.has_address && self.nim.as_ref().is_some_and(|nim| nim.machine.is_some())
    }
}

/// One machine.
#[derive(Debug)]
pub(crate) struct Host {
    /// What its daemon is told at its start; the name and identity of the node.
    pub(crate) config: Config,
    /// A host without hats: it answers ICMP echo and nothing else.
    pub(crate) plain: bool,
    /// Its kernel runs.
    pub(crate) up: bool,
    /// It is suspended: nothing happens on it.
    pub(crate) asleep: bool,
    /// How, and since when.
    pub(crate) suspended: Option<(Suspend, u64)>,
    /// What happened while it slept.
    pub(crate) held: Vec<Happening>,
    /// What its sockets have to give and to take waits.
    pub(crate) blocked: Option<Box<Blocked>>,
    /// CLOCK_MONOTONIC.
    pub(crate) clock: Clock,
    /// Its wall clock is this many milliseconds ahead of the world's.
    pub(crate) wall_ms: i64,
    /// When a carrier or an address changed last.
    pub(crate) link_changed: Option<u64>,
    /// Its daemon gets the CPU up to so many nanoseconds late.
    pub(crate) starved: u64,
    /// Its daemon is stopped, or will be as soon as it starts.
    pub(crate) hangs: bool,
    pub(crate) adapters: Vec<Adapter>,
    pub(crate) daemon: Option<Running<Node>>,
    /// What its journal holds of faults that are not over.
    pub(crate) told: OpenFaults,
    /// How many daemons and NIMs it has started.
    pub(crate) runs: u64,
    /// The run of the daemon that is to be there.
    pub(crate) daemon_run: u64,
}

impl Host {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.config.node
    }

    /// A number for the next process.
    pub(crate) fn next_run(&mut self) -> u64 {
        self.runs += 1;
        self.runs
    }

    /// A daemon runs and is not stopped.
    pub(crate) fn has_working_daemon(&self) -> bool {
        self.daemon.as_ref().is_some_and(|daemon| !daemon.is_stopped())
    }

    /// Its kernel takes packets, or whatever keeps them for it.
    pub(crate) fn takes_packets(&self) -> bool {
        self.up && (!self.asleep || self.suspended.is_some_and(|(how, _)| how.keeps_packets()))
    }

    /// Its kernel runs and is not suspended.
    pub(crate) fn is_awake(&self) -> bool {
        self.up && !self.asleep
    }
}
