//! The hosts of a world: a kernel, at most one daemon, adapters with their NIMs.

use std::{net::IpAddr, rc::Rc};

use hats_core::{config::Config, io::AdapterIndex, nim::Machine, node::Node};
use hats_wire::{GroupId, link::Link};

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
    /// Wake-ups in a row that did not move its deadline.
    pub(crate) idle_wakes: u32,
}

impl<M> Running<M> {
    pub(crate) fn new(run: u64, machine: M) -> Self {
        Running { run, machine, wake: None, idle_wakes: 0 }
    }
}

/// One network interface with one address.
#[derive(Debug)]
pub(crate) struct Adapter {
    pub(crate) network: usize,
    pub(crate) interface: String,
    pub(crate) address: IpAddr,
    pub(crate) prefix_length: u8,
    pub(crate) carrier: bool,
    pub(crate) has_address: bool,
    /// Nothing gets in, and nobody is told.
    pub(crate) deaf: bool,
    /// Nothing gets out, and nobody is told.
    pub(crate) mute: bool,
    pub(crate) loss_in: f64,
    pub(crate) loss_out: f64,
    /// Which part of a partitioned network it is on.
    pub(crate) side: usize,
    /// Its NIM process; it has no machine before it is configured.
    pub(crate) nim: Option<Running<Option<Machine>>>,
    pub(crate) nim_pid: u32,
    /// The membership its daemon adopted last.
    pub(crate) group: Option<(GroupId, Rc<[IpAddr]>)>,
}

impl Adapter {
    pub(crate) fn new(network: usize, interface: &str, address: IpAddr, prefix: u8) -> Self {
        Adapter {
            network,
            interface: interface.to_owned(),
            address,
            prefix_length: prefix,
            carrier: true,
            has_address: true,
            deaf: false,
            mute: false,
            loss_in: 0.0,
            loss_out: 0.0,
            side: 0,
            nim: None,
            nim_pid: 0,
            group: None,
        }
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
            mtu: 1500,
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
    /// What happened while it slept.
    pub(crate) held: Vec<crate::queue::Happening>,
    /// Its clock is this far ahead of the world's.
    pub(crate) clock: u64,
    pub(crate) adapters: Vec<Adapter>,
    pub(crate) daemon: Option<Running<Node>>,
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

    /// Its kernel runs and is not suspended.
    pub(crate) fn is_awake(&self) -> bool {
        self.up && !self.asleep
    }
}
