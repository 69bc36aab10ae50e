//! Questions about the state of the whole cluster.

use std::{collections::BTreeSet, net::IpAddr, rc::Rc};

use hats_core::view::{AdapterState, NodeState, View};
use hats_wire::{GroupId, Incarnation};

use crate::{
    host::{Host, Port, Running},
    world::World,
};

impl World {
    /// Every live node is in one group with all others on each of its networks,
    /// and sees every live node and each of its adapters up.
    ///
    /// Adapters with a fault that still lasts do not count. A cluster without a
    /// live node, or with a daemon that is still to start, is not settled.
    pub fn settled(&self) -> bool {
        self.formed() && (0..self.hosts.len()).all(|host| self.sees_all_well(host))
    }

    /// On every network, all well adapters of live nodes have adopted one and
    /// the same membership: themselves. Not while a daemon is still to start.
    pub fn formed(&self) -> bool {
        let starting = |host: &Host| host.up && host.daemon_run != 0 && host.daemon.is_none();
        if self.live().is_empty() || self.hosts.iter().any(starting) {
            return false;
        }
        (0..self.networks.len()).all(|network| {
            let ports = self.well_ports(network);
            let Some(first) = ports.first() else { return true };
            let mut expected: Vec<IpAddr> =
                ports.iter().map(|port| self.adapter(*port).address).collect();
            expected.sort_unstable();
            let group = self.adopted(*first);
            let Some((group, members)) = group else { return false };
            // There is one copy of each membership.
            members[..] == expected[..]
                && ports.iter().all(|port| {
                    self.adopted(*port)
                        .is_some_and(|other| other.0 == *group && Rc::ptr_eq(&other.1, members))
                })
        })
    }

    /// What the node believes, if its daemon runs.
    pub fn view(&self, node: &str) -> Option<View> {
        let daemon = self.hosts[self.host_named(node)].daemon.as_ref()?;
        Some(daemon.machine.view())
    }

    /// The same without its verdicts: cheaper.
    pub(crate) fn view_without_verdicts(&self, node: &str) -> Option<View> {
        let daemon = self.hosts[self.host_named(node)].daemon.as_ref()?;
        Some(daemon.machine.view_without_verdicts())
    }

    /// The members of the group that `node` is in on `network`, highest first,
    /// as node names.
    pub fn group_of(&self, node: &str, network: &str) -> Vec<String> {
        self.adopted(self.port_named(node, network)).map_or_else(Vec::new, |(_, members)| {
            members.iter().rev().map(|address| self.name_of(*address)).collect()
        })
    }

    /// How often the daemon of `node` has adopted a membership on `network`.
    pub fn commits_of(&self, node: &str, network: &str) -> usize {
        let port = self.port_named(node, network);
        self.records.adoptions.iter().filter(|adoption| adoption.port == port).count()
    }

    fn adopted(&self, port: Port) -> Option<&(GroupId, Rc<[IpAddr]>)> {
        self.adapter(port).group.as_ref()
    }

    /// The adapters on `network` that nothing keeps from their group.
    fn well_ports(&self, network: usize) -> Vec<Port> {
        self.networks[network].owners.values().copied().filter(|port| self.is_well(*port)).collect()
    }

    fn is_well(&self, port: Port) -> bool {
        let (host, adapter) = (&self.hosts[port.host], self.adapter(port));
        host.is_awake()
            && host.has_working_daemon()
            && !adapter.nim.as_ref().is_some_and(Running::is_stopped)
            && adapter.carrier
            && adapter.has_address
            && !adapter.deaf
            && !adapter.mute
            && !adapter.loses(1.0)
    }

    fn sees_all_well(&self, index: usize) -> bool {
        let Some(daemon) = self.hosts[index]
            .daemon
            .as_ref()
            .filter(|daemon| self.hosts[index].is_awake() && !daemon.is_stopped())
        else {
            return true;
        };
        let view = daemon.machine.view_without_verdicts();
        // A node whose restart is not heard of yet is not seen as it is.
        let up_nodes: BTreeSet<(&str, Incarnation)> = view
            .nodes
            .iter()
            .filter(|node| node.state == NodeState::Up)
            .map(|node| (node.name.as_str(), node.incarnation))
            .collect();
        let up_adapters: BTreeSet<IpAddr> = view
            .adapters
            .iter()
            .filter(|adapter| adapter.state == AdapterState::Up)
            .map(|adapter| adapter.address)
            .collect();
        let live = self.live();
        let well = (0..self.networks.len()).flat_map(|network| self.well_ports(network));
        let well: BTreeSet<IpAddr> = well.map(|port| self.adapter(port).address).collect();
        let run_of = |node: &str| self.hosts[self.host_named(node)].config.incarnation;
        let live: BTreeSet<_> = live.iter().map(|node| (node.as_str(), run_of(node))).collect();
        up_nodes == live && up_adapters == well
    }
}
