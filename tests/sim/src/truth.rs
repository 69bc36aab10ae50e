//! What was really done to a world: the only judge of who may be blamed.

use std::collections::{BTreeMap, BTreeSet};

use crate::{host::Port, world::World};

/// From this loss on, a fault is to be found out; below, it is to be endured.
const LOSS_THAT_IS_A_FAULT: f64 = 0.5;

/// Everything that ever had a fault, healed or not.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// What was done, for messages.
    pub(crate) log: Vec<(u64, String)>,
    adapters: BTreeSet<Port>,
    hosts: BTreeSet<usize>,
    daemons: BTreeSet<usize>,
    networks: BTreeSet<usize>,
    pairs: BTreeSet<(Port, Port)>,
    /// How many paths of an adapter were cut: with several, adapter and paths
    /// cannot be told apart.
    cut_paths: BTreeMap<Port, BTreeSet<Port>>,
}

impl Truth {
    pub(crate) fn note(&mut self, at: u64, what: String) {
        self.log.push((at, what));
    }

    /// All is well again: from now on nothing may be blamed.
    pub(crate) fn forgive(&mut self) {
        *self = Truth { log: std::mem::take(&mut self.log), ..Truth::default() };
    }

    pub(crate) fn touch_adapter(&mut self, port: Port) {
        self.adapters.insert(port);
    }

    pub(crate) fn touch_host(&mut self, host: usize) {
        self.hosts.insert(host);
    }

    /// The daemon was kept from running: it may be said to be down, and so may
    /// its adapters, but not its node.
    pub(crate) fn touch_daemon(&mut self, host: usize) {
        self.daemons.insert(host);
    }

    pub(crate) fn touch_network(&mut self, network: usize) {
        self.networks.insert(network);
    }

    pub(crate) fn touch_pair(&mut self, a: Port, b: Port) {
        self.pairs.insert((a.min(b), a.max(b)));
        self.cut_paths.entry(a).or_default().insert(b);
        self.cut_paths.entry(b).or_default().insert(a);
    }

    pub(crate) fn is_loss_a_fault(loss: f64) -> bool {
        loss >= LOSS_THAT_IS_A_FAULT
    }

    /// Whether something was done that may look like a fault of this adapter.
    pub(crate) fn may_blame_adapter(&self, port: Port) -> bool {
        self.adapters.contains(&port)
            || self.hosts.contains(&port.host)
            || self.daemons.contains(&port.host)
            || self.cut_paths.get(&port).is_some_and(|others| others.len() > 1)
    }

    pub(crate) fn may_blame_host(&self, host: usize) -> bool {
        self.hosts.contains(&host)
    }

    pub(crate) fn may_blame_daemon(&self, host: usize) -> bool {
        self.hosts.contains(&host) || self.daemons.contains(&host)
    }

    pub(crate) fn may_blame_pair(&self, a: Port, b: Port) -> bool {
        self.pairs.contains(&(a.min(b), a.max(b)))
    }

    /// Whether the node may have become unreachable for some others although
    /// it lives: everything it is connected by was touched.
    pub(crate) fn may_be_unreachable(&self, world: &World, host: usize) -> bool {
        let adapters = &world.hosts[host].adapters;
        adapters.iter().enumerate().all(|(adapter, at)| {
            let port = Port { host, adapter };
            self.adapters.contains(&port)
                || self.networks.contains(&at.network)
                || self.cut_paths.contains_key(&port)
        })
    }

    /// Whether, for some node, nothing was left but touched adapters: then it
    /// is cut off and may believe that all others are.
    pub(crate) fn may_be_cut_off(&self, world: &World, observer: &str) -> bool {
        self.may_be_unreachable(world, world.host_named(observer))
    }
}
