//! Everything a node knows, for status output.

use alloc::{collections::BTreeMap, vec::Vec};

use hats_wire::{
    Verdict,
    link::{Heard, Measured, NeighbourState},
};

use super::{Local, Node};
use crate::{
    election::elect,
    group::GroupView,
    io::AdapterIndex,
    members::Members,
    time::Timestamp,
    view::{AdapterView, LocalView, NetworkView, NodeView, PathView, VerdictView, View},
};

impl Node {
    /// Everything it knows, as of the last input.
    pub fn view(&self) -> View {
        View { verdicts: self.show_verdicts(), ..self.view_without_verdicts() }
    }

    /// The same without verdicts and their evidence, which are most of it.
    pub fn view_without_verdicts(&self) -> View {
        let now = self.now;
        View {
            networks: self.show_networks(now),
            nodes: self.show_nodes(),
            adapters: self.show_adapters(),
            paths: self.show_paths(),
            verdicts: Vec::new(),
            locals: self
                .locals
                .iter()
                .map(|(index, local)| show_local(now, *index, local))
                .collect(),
        }
    }

    /// The membership in force on a local adapter: cheaper than the whole view.
    pub fn group_on(&self, adapter: AdapterIndex) -> Option<&GroupView> {
        self.locals.get(&adapter)?.group.view()
    }

    /// A verdict that took effect here, if it is still kept: cheaper than the
    /// whole view.
    pub fn verdict_in_force(&self, id: &str) -> Option<&Verdict> {
        self.verdicts_at.get(id)?;
        self.database.verdict(id)
    }

    fn show_networks(&self, now: Timestamp) -> Vec<NetworkView> {
        let mut networks: BTreeMap<&str, NetworkView> = BTreeMap::new();
        for local in self.locals.values() {
            let spec = &local.spec.network;
            let view = local.group.view();
            let members = view.map(|view| view.members.clone()).unwrap_or_default();
            let shown = network_view(&spec.name, &members, view.map(|view| view.id));
            let shown = NetworkView {
                subnet: spec.subnet.clone(),
                mode: Some(spec.mode),
                group_address: spec.group,
                port: spec.port,
                local: true,
                stable: local.group.is_stable(now),
                since: local.group.since().unwrap_or_else(|| self.since_of(local)),
                ..shown
            };
            let better = networks
                .get(spec.name.as_str())
                .is_none_or(|known| known.members.len() < shown.members.len());
            if better {
                networks.insert(&spec.name, shown);
            }
        }
        for report in self.database.groups() {
            let known = networks.get(report.network.as_str());
            let newer = known.is_none_or(|known| {
                !known.local && known.group.is_none_or(|group| group < report.group)
            });
            if newer {
                let members = Members::new(report.members.iter().cloned());
                let shown = network_view(&report.network, &members, Some(report.group));
                let shown = NetworkView { subnet: report.subnet.clone(), ..shown };
                networks.insert(&report.network, shown);
            }
        }
        networks
            .into_values()
            .map(|shown| {
                let broken = self.topology.broken.get(&shown.name).map(|broken| broken.kind);
                let multicast_broken = self.multicast.is_broken(&shown.name);
                let narrow = self.narrow.ways(&shown.name);
                let crossed = self.crossed.with(&shown.name);
                NetworkView { broken, multicast_broken, narrow, crossed, ..shown }
            })
            .collect()
    }

    /// Without a group: since when the adapter is as it is.
    fn since_of(&self, local: &Local) -> Timestamp {
        let network = &local.spec.network.name;
        self.topology
            .adapters
            .get(network, local.spec.address)
            .map_or(self.now, |known| known.since)
    }

    fn show_nodes(&self) -> Vec<NodeView> {
        self.topology
            .nodes
            .iter()
            .map(|(id, node)| {
                let report = self.database.node(*id).map(|(report, _)| report);
                NodeView {
                    name: node.name.clone(),
                    node_id: *id,
                    is_self: *id == self.config.node_id,
                    state: node.state,
                    cause: node.cause,
                    verdict_id: node.verdict_id.clone(),
                    incarnation: node.incarnation,
                    version: report.map(|report| report.version.clone()).unwrap_or_default(),
                    since: node.since,
                    maintenance: report.is_some_and(|report| report.maintenance),
                }
            })
            .collect()
    }

    fn show_adapters(&self) -> Vec<AdapterView> {
        self.topology
            .adapters
            .iter()
            .map(|(network, address, known)| AdapterView {
                network: network.into(),
                node: known.member.node.clone(),
                interface: known.member.interface.clone(),
                address: *address,
                is_self: known.member.node_id == self.config.node_id,
                state: known.state,
                cause: known.cause,
                verdict_id: known.verdict_id.clone(),
                since: known.since,
                held: known.held,
            })
            .collect()
    }

    fn show_paths(&self) -> Vec<PathView> {
        self.topology
            .paths
            .iter()
            .map(|((network, pair), path)| {
                let (one, other) = &path.ends;
                let low = if one.address == pair.low() { one } else { other };
                let high = if one.address == pair.low() { other } else { one };
                PathView {
                    network: network.clone(),
                    pair: *pair,
                    nodes: (low.node.clone(), high.node.clone()),
                    verdict_id: path.verdict_id.clone(),
                    since: path.since,
                }
            })
            .collect()
    }

    fn show_verdicts(&self) -> Vec<VerdictView> {
        let mut verdicts: Vec<VerdictView> = self
            .verdicts_at
            .iter()
            .filter_map(|(id, at)| {
                Some(VerdictView { at: *at, verdict: self.database.verdict(id)?.clone() })
            })
            .collect();
        verdicts.sort_by_key(|shown| shown.at);
        verdicts
    }
}

fn network_view(name: &str, members: &Members, group: Option<hats_wire::GroupId>) -> NetworkView {
    let roles = elect(members, |_| true);
    let node = |address| members.get(address).map(|member| member.node.clone());
    NetworkView {
        name: name.into(),
        subnet: Default::default(),
        mode: None,
        group_address: None,
        port: 0,
        local: false,
        group,
        members: members.iter().map(|member| member.address).collect(),
        leader: roles.and_then(|roles| node(roles.leader)),
        successor: roles
            .and_then(|roles| roles.successor)
            .and_then(|address| Some((node(address)?, address))),
        broken: None,
        multicast_broken: false,
        narrow: Vec::new(),
        crossed: Vec::new(),
        stable: true,
        since: Timestamp::default(),
    }
}

fn show_local(now: Timestamp, index: AdapterIndex, local: &Local) -> LocalView {
    let heard = |address| {
        local.statistics.heard.iter().find(|heard| heard.address == address).cloned().unwrap_or(
            Heard {
                address,
                last_heard_ns: 0,
                gap_max_ns: 0,
                missed: 0,
                state: NeighbourState::Waiting,
                measured: Measured::default(),
            },
        )
    };
    LocalView {
        adapter: index,
        network: local.spec.network.name.clone(),
        interface: local.spec.interface.clone(),
        address: local.spec.address,
        link: local.link.clone(),
        statistics: local.statistics.clone(),
        feeds: local.neighbours.feed.clone(),
        watches: local.neighbours.watch.iter().map(|address| heard(*address)).collect(),
        references: local.references.clone(),
        required: local.targets.addresses().to_vec(),
        realtime: local.realtime,
        memory_locked: local.memory_locked,
        since: local.group.since().unwrap_or_default(),
        stable: local.group.is_stable(now),
    }
}
