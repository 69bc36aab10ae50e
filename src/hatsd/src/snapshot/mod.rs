//! Everything a daemon knows, as one message: the core's view, and what only
//! the shell knows (processes, subscribers, what is left out or waited for).

mod words;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::IpAddr, path::Path, time::Duration};

use hats_core::{
    config::{Config, Profile},
    event::EventKind,
    quality::percentile,
    time::Timestamp,
    view::{AdapterState, AdapterView, LocalView, NetworkView, NodeView, PathView, View},
};
use hats_proto::ipc;
use hats_wire::link::{Heard, Measured};

use crate::{clock, discovery::Plan, ipc::Place, nim, publish::wall_clock};

/// The shape of the snapshot as JSON; only ever added to.
const SCHEMA: &str = "hats.status/1";

/// What a snapshot is made from.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    pub(crate) place: Place,
    pub(crate) wall: jiff::Timestamp,
    pub(crate) view: &'a View,
    pub(crate) config: &'a Config,
    pub(crate) profile: Profile,
    pub(crate) config_file: Option<&'a Path>,
    pub(crate) plan: &'a Plan,
    pub(crate) nims: &'a [nim::Facts],
    pub(crate) subscribers: Vec<ipc::Subscriber>,
    pub(crate) started: Timestamp,
    pub(crate) lateness_max: Duration,
}

/// The snapshot.
pub(crate) fn build(sources: Sources<'_>) -> ipc::Snapshot {
    let nims: Vec<ipc::Nim> = sources.nims.iter().map(|nim| sources.nim(nim)).collect();
    let mut snapshot = ipc::Snapshot {
        schema: SCHEMA.to_owned(),
        ts: wall_clock(sources.wall),
        mono_ns: sources.place.now.0,
        epoch: sources.place.epoch,
        next_seq: sources.place.next_seq,
        cluster: sources.config.cluster.clone(),
        overall: String::new(),
        reasons: Vec::new(),
        daemon: Some(sources.daemon()),
        detection: Some(sources.detection()),
        networks: sources.networks(),
        nodes: sources.view.nodes.iter().map(|node| sources.node(node)).collect(),
        adapters: sources.adapters(),
        paths: sources.view.paths.iter().map(|path| sources.path(path)).collect(),
        verdicts: sources.view.verdicts.iter().map(|it| sources.verdict(it)).collect(),
        nims,
        subscribers: sources.subscribers,
        params: None,
        config: None,
    };
    (snapshot.overall, snapshot.reasons) = hats_metrics::assess(&snapshot);
    snapshot
}

impl Sources<'_> {
    fn age(&self, since: Timestamp) -> u64 {
        clock::millis(self.place.now.since(since))
    }

    fn daemon(&self) -> ipc::Daemon {
        let pid = std::process::id();
        ipc::Daemon {
            node: self.config.node.clone(),
            node_id: self.config.node_id.to_string(),
            incarnation: self.config.incarnation.0,
            version: self.config.version.clone(),
            pid,
            uptime_ms: self.age(self.started),
            lateness_max_us: clock::micros(self.lateness_max),
            config_file: self.config_file.map(|path| path.display().to_string()),
            rss_bytes: hats_sys::rss_bytes(pid).unwrap_or(0),
        }
    }

    fn detection(&self) -> ipc::Detection {
        let detection = &self.config.detection;
        ipc::Detection {
            profile: self.profile.word().to_owned(),
            heartbeat_interval_us: clock::micros(detection.heartbeat_interval),
            sensitivity: detection.sensitivity,
            probe_timeout_us: clock::micros(detection.probe_timeout),
            detection_time_us: clock::micros(detection.detection_time()),
            verdict_bound_us: clock::micros(detection.verdict_bound()),
        }
    }

    fn networks(&self) -> Vec<ipc::Network> {
        let mut networks: Vec<ipc::Network> =
            self.view.networks.iter().map(|network| self.network(network)).collect();
        let mut left_out: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for left in &self.plan.left_out {
            if let Some(subnet) = left.subnet {
                left_out.entry(subnet.to_string()).or_default().push(&left.reason);
            }
        }
        for (subnet, reasons) in left_out {
            if networks.iter().any(|network| network.name == subnet) {
                continue;
            }
            networks.push(ipc::Network {
                name: subnet.clone(),
                subnet,
                state: "left_out".to_owned(),
                reason: Some(reasons.join("; ")),
                local: true,
                ..ipc::Network::default()
            });
        }
        networks
    }

    fn network(&self, network: &NetworkView) -> ipc::Network {
        let known = || self.view.adapters.iter().filter(|it| it.network == network.name);
        let waiting = self.plan.waiting.iter().filter(|it| it.network == network.name).count();
        let (state, reason) = match (network.broken, network.local, network.stable) {
            (Some(EventKind::NetworkPartitioned), _, _) => {
                ("partitioned", Some("its parts do not reach each other".to_owned()))
            }
            (Some(_), _, _) => ("failed", Some("nobody reaches anybody on it".to_owned())),
            (None, false, _) => ("no_adapter", Some("this node has no adapter on it".to_owned())),
            (None, true, true) => ("stable", None),
            (None, true, false) => {
                ("unstable", Some("its group has just changed, or is being formed".to_owned()))
            }
        };
        let multicast_broken = network.multicast_broken;
        let dead = || "multicast does not get through: the group holds by unicast".to_owned();
        let reason = reason.or_else(|| multicast_broken.then(dead));
        let narrow = self.narrow(network);
        let reason = reason.or_else(|| words::narrow(&narrow));
        let reason = words::crossed(&network.crossed).or(reason);
        let (successor, successor_addr) = network.successor.clone().unzip();
        ipc::Network {
            name: network.name.clone(),
            subnet: network.subnet.clone(),
            mode: network.mode.map(|mode| mode.word().to_owned()).unwrap_or_default(),
            group: network.group_address.map(|address| address.to_string()),
            port: network.port.into(),
            leader: network.leader.clone(),
            leader_addr: network.group.map(|group| group.leader.to_string()),
            successor,
            successor_addr: successor_addr.map(|address| address.to_string()),
            instance: network.group.map_or(0, |group| group.instance),
            configured: count(known().count() + waiting),
            up: count(known().filter(|it| it.state == AdapterState::Up).count()),
            state: state.to_owned(),
            reason,
            since_ms: self.age(network.since),
            members: network.members.iter().map(IpAddr::to_string).collect(),
            local: network.local,
            multicast_broken,
            narrow,
            crossed: network.crossed.clone(),
        }
    }

    fn narrow(&self, network: &NetworkView) -> Vec<ipc::Narrow> {
        if network.narrow.is_empty() {
            return Vec::new();
        }
        let its = self.view.adapters.iter().filter(|it| it.network == network.name);
        let names: BTreeMap<IpAddr, &str> = its.map(|it| (it.address, &*it.node)).collect();
        let node = |at: &IpAddr| names.get(at).copied().unwrap_or_default().to_owned();
        let shown = network.narrow.iter().map(|(from, to, mtu)| ipc::Narrow {
            node: node(from),
            addr: from.to_string(),
            peer_node: node(to),
            peer_addr: to.to_string(),
            mtu: *mtu,
        });
        shown.collect()
    }

    fn node(&self, node: &NodeView) -> ipc::Node {
        ipc::Node {
            name: node.name.clone(),
            node_id: node.node_id.to_string(),
            self_: node.is_self,
            state: words::node_state(node.state).to_owned(),
            cause: node.cause.map(|cause| cause.word().to_owned()),
            reason: words::node_reason(node.state, node.cause),
            incarnation: node.incarnation.0,
            since_ms: self.age(node.since),
            verdict_id: node.verdict_id.clone(),
            version: Some(node.version.clone()).filter(|version| !version.is_empty()),
            maintenance: node.maintenance,
        }
    }

    fn adapters(&self) -> Vec<ipc::Adapter> {
        let known = self.view.adapters.iter().map(|adapter| self.adapter(adapter));
        let waiting = self.plan.waiting.iter().map(|waiting| ipc::Adapter {
            network: waiting.network.clone(),
            node: self.config.node.clone(),
            adapter: waiting.interface.clone().unwrap_or_default(),
            addr: waiting.address.map(|address| address.to_string()).unwrap_or_default(),
            self_: true,
            state: "waiting".to_owned(),
            reason: Some(waiting.reason.clone()),
            ..ipc::Adapter::default()
        });
        known.chain(waiting).collect()
    }

    fn adapter(&self, adapter: &AdapterView) -> ipc::Adapter {
        let local = if adapter.is_self { self.local(adapter) } else { None };
        let link = local.and_then(|local| local.link.as_ref());
        let heard = |heard: &Heard| self.neighbour(&adapter.network, heard);
        ipc::Adapter {
            network: adapter.network.clone(),
            node: adapter.node.clone(),
            adapter: adapter.interface.clone(),
            addr: adapter.address.to_string(),
            self_: adapter.is_self,
            state: words::adapter_state(adapter.state).to_owned(),
            cause: adapter.cause.map(|cause| cause.word().to_owned()),
            reason: match adapter.held {
                Some((until, losses)) => Some(words::held(until.since(self.place.now), losses)),
                None => words::adapter_reason(adapter.state, adapter.cause, link),
            },
            verdict_id: adapter.verdict_id.clone(),
            since_ms: self.age(adapter.since),
            role: self.role(adapter),
            carrier: link.map(|link| link.carrier),
            ifindex: link.filter(|link| link.present).map(|link| link.ifindex),
            mac: link.and_then(|link| words::mac(&link.mac)),
            watches: local.map(|it| it.watches.iter().map(heard).collect()).unwrap_or_default(),
            feeds: local
                .map(|it| it.feeds.iter().map(IpAddr::to_string).collect())
                .unwrap_or_default(),
            held_ms: adapter.held.map(|(until, _)| clock::millis(until.since(self.place.now))),
            losses: adapter.held.map(|(_, losses)| losses),
            references: local.map(|it| words::addresses(&it.references)).unwrap_or_default(),
            required: local.map(|it| words::addresses(&it.required)).unwrap_or_default(),
        }
    }

    fn local(&self, adapter: &AdapterView) -> Option<&LocalView> {
        let same = |it: &&LocalView| it.network == adapter.network && it.address == adapter.address;
        self.view.locals.iter().find(same)
    }

    fn role(&self, adapter: &AdapterView) -> Option<String> {
        let network = self.view.networks.iter().find(|it| it.name == adapter.network)?;
        if !network.members.contains(&adapter.address) || adapter.state != AdapterState::Up {
            return None;
        }
        let leader = network.group.map(|group| group.leader);
        let successor = network.successor.as_ref().map(|(_, address)| *address);
        let role = if leader == Some(adapter.address) {
            "leader"
        } else if successor == Some(adapter.address) {
            "successor"
        } else {
            "member"
        };
        Some(role.to_owned())
    }

    fn neighbour(&self, network: &str, heard: &Heard) -> ipc::Neighbour {
        ipc::Neighbour {
            addr: heard.address.to_string(),
            node: self.node_at(network, heard.address),
            state: heard.state.word().to_owned(),
            last_heard_ms: match heard.last_heard_ns {
                0 => 0,
                at => self.age(Timestamp(at)),
            },
            missed: heard.missed,
            gap_max_us: Some(heard.gap_max_ns / 1_000).filter(|_| heard.last_heard_ns > 0),
            measured: Some(self.measured(&heard.measured)).filter(|it| it.beats > 0),
        }
    }

    fn measured(&self, measured: &Measured) -> ipc::Measured {
        let late_max_us = measured.late_max_ns / 1_000;
        // Lateness is counted by steps, whose ends may be later than any was.
        let late = |thousandths| {
            let bound = percentile(&measured.late, thousandths);
            bound.map(|bound| clock::micros(bound).min(late_max_us))
        };
        ipc::Measured {
            span_ms: self.age(Timestamp(measured.since_ns)),
            beats: measured.beats,
            lost: measured.lost,
            lost_run_max: measured.lost_run_max,
            late_p500_us: late(500),
            late_p990_us: late(990),
            late_p999_us: late(999),
            late_max_us,
        }
    }

    fn node_at(&self, network: &str, address: IpAddr) -> String {
        let at = |it: &&AdapterView| it.network == network && it.address == address;
        self.view.adapters.iter().find(at).map(|it| it.node.clone()).unwrap_or_default()
    }

    fn path(&self, path: &PathView) -> ipc::Path {
        let direction = path.verdict_id.as_ref().and_then(|id| {
            let verdict = self.view.verdicts.iter().find(|it| it.verdict.id == *id)?;
            // The verdict sees it from its culprit, this from the lower address.
            let turned = verdict.verdict.culprit.address != path.pair.low();
            verdict.verdict.direction.map(|it| words::seen_from_low(it, turned))
        });
        ipc::Path {
            network: path.network.clone(),
            node: path.nodes.0.clone(),
            addr: path.pair.low().to_string(),
            peer_node: path.nodes.1.clone(),
            peer_addr: path.pair.high().to_string(),
            direction: direction.unwrap_or("both").to_owned(),
            verdict_id: path.verdict_id.clone(),
            since_ms: self.age(path.since),
        }
    }

    fn nim(&self, nim: &nim::Facts) -> ipc::Nim {
        let local = self.view.locals.iter().find(|local| local.adapter == nim.adapter);
        let statistics = local.map(|local| local.statistics.clone()).unwrap_or_default();
        let link = local.and_then(|local| local.link.as_ref());
        let state = match (nim.pid, nim.ready) {
            (None, _) => "backing_off",
            (Some(_), false) => "starting",
            (Some(_), true) if link.is_some_and(|link| !link.open) => "waiting",
            (Some(_), true) => "running",
        };
        let counter = |(name, value): (String, u64)| ipc::Counter { name, value };
        let mut rejected: Vec<ipc::Counter> =
            statistics.rejected.into_iter().map(counter).collect();
        if nim.dropped > 0 {
            rejected.push(counter(("commands_dropped".to_owned(), nim.dropped)));
        }
        let scheduling = |local: &LocalView| if local.realtime { "fifo" } else { "normal" };
        ipc::Nim {
            network: nim.spec.network.name.clone(),
            adapter: nim.spec.interface.clone(),
            addr: nim.spec.address.to_string(),
            pid: nim.pid,
            state: state.to_owned(),
            restarts: nim.restarts,
            sent: statistics.sent,
            received: statistics.received,
            heartbeats_sent: statistics.heartbeats_sent,
            heartbeats_received: statistics.heartbeats_received,
            heartbeats_missed: statistics.heartbeats_missed,
            send_errors: statistics.send_errors,
            rejected,
            lateness_max_us: statistics.lateness_max_ns / 1_000,
            scheduling: local.filter(|_| nim.ready).map(|it| scheduling(it).to_owned()),
            memory_locked: local.filter(|_| nim.ready).map(|local| local.memory_locked),
            rss_bytes: nim.pid.and_then(hats_sys::rss_bytes).unwrap_or(0),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
