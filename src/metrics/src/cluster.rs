//! The daemon, and what it knows of the cluster.

use hats_proto::ipc::{Adapter, Snapshot};

use crate::text::{Text, seconds, seconds_of_ms};

/// Every state of a network, so that each has a series from the beginning.
const NETWORK_STATES: [&str; 5] = ["stable", "unstable", "partitioned", "failed", "no_adapter"];
const NODE_STATES: [&str; 4] = ["up", "down", "left", "unknown"];
const ADAPTER_STATES: [&str; 6] = ["up", "joining", "down", "left", "unknown", "waiting"];

const VERDICT_KINDS: [&str; 7] =
    ["adapter", "path", "network", "partition", "node", "daemon", "inconclusive"];

/// A network that is there and not used.
const LEFT_OUT: &str = "left_out";

pub(crate) fn daemon(text: &mut Text, snapshot: &Snapshot) {
    if let Some(daemon) = &snapshot.daemon {
        text.gauge("hats_daemon_info", "The daemon that answers; always 1.");
        let labels = [
            ("cluster", snapshot.cluster.as_str()),
            ("node", &daemon.node),
            ("version", &daemon.version),
        ];
        text.sample(&labels, 1);
        text.gauge("hats_daemon_uptime_seconds", "Since the daemon started.");
        text.sample(&[], seconds_of_ms(daemon.uptime_ms));
        text.gauge("hats_daemon_resident_bytes", "Resident memory of the daemon.");
        text.sample(&[], daemon.rss_bytes);
        let help = "The daemon's worst scheduling gap of the last minute.";
        text.gauge("hats_daemon_lateness_max_seconds", help);
        text.sample(&[], seconds(daemon.lateness_max_us));
    }
    text.counter("hats_events_total", "Events published since the daemon started.");
    text.sample(&[], snapshot.next_seq.saturating_sub(1));
    let help = "The daemon's judgement of the cluster: 0 OK, 1 DEGRADED, 2 CRITICAL, 3 unknown.";
    text.gauge("hats_cluster_status", help);
    let status = match snapshot.overall.as_str() {
        "OK" => 0,
        "DEGRADED" => 1,
        "CRITICAL" => 2,
        _ => 3,
    };
    text.sample(&[("cluster", &snapshot.cluster)], status);
    if let Some(detection) = &snapshot.detection {
        text.gauge("hats_detection_seconds", "How long a silence is before it counts as one.");
        text.sample(&[("profile", &detection.profile)], seconds(detection.detection_time_us));
        let help = "A verdict follows the last heartbeat within this time.";
        text.gauge("hats_verdict_bound_seconds", help);
        text.sample(&[("profile", &detection.profile)], seconds(detection.verdict_bound_us));
    }
}

pub(crate) fn verdicts(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("hats_verdicts", "Verdicts that the daemon still has, by kind.");
    for kind in VERDICT_KINDS {
        let count = snapshot.verdicts.iter().filter(|verdict| verdict.kind == kind).count();
        text.sample(&[("kind", kind)], count);
    }
}

pub(crate) fn networks(text: &mut Text, snapshot: &Snapshot) {
    let used = || snapshot.networks.iter().filter(|network| network.state != LEFT_OUT);
    let help = "A network, its leader and successor as this node sees them; always 1.";
    text.gauge("hats_network_info", help);
    for network in used() {
        let name = |name: &Option<String>| name.clone().unwrap_or_default();
        let (leader, successor) = (name(&network.leader), name(&network.successor));
        let labels = [
            ("network", network.name.as_str()),
            ("subnet", &network.subnet),
            ("mode", &network.mode),
            ("leader", &leader),
            ("successor", &successor),
        ];
        text.sample(&labels, 1);
    }
    text.gauge("hats_network_state", "1 for the state a network is in, 0 for the others.");
    for network in used() {
        for state in NETWORK_STATES {
            let is = u8::from(network.state == state);
            text.sample(&[("network", &network.name), ("state", state)], is);
        }
    }
    let help = "How many adapters of a network are known, up or not, of all nodes.";
    text.gauge("hats_network_adapters_configured", help);
    for network in used() {
        text.sample(&[("network", &network.name)], network.configured);
    }
    let help = "How many adapters of a network are up, of all nodes.";
    text.gauge("hats_network_adapters_up", help);
    for network in used() {
        text.sample(&[("network", &network.name)], network.up);
    }
    text.gauge("hats_network_unchanged_seconds", "Since the group of a network last changed.");
    for network in used() {
        text.sample(&[("network", &network.name)], seconds_of_ms(network.since_ms));
    }
}

/// `all`, or this node and those with something to say.
pub(crate) fn nodes(text: &mut Text, snapshot: &Snapshot, all: bool) {
    text.gauge("hats_nodes", "How many nodes, this one included, are in this state.");
    for state in NODE_STATES {
        let count = snapshot.nodes.iter().filter(|node| node.state == state).count();
        text.sample(&[("state", state)], count);
    }
    let shown = || {
        snapshot
            .nodes
            .iter()
            .filter(move |node| all || node.self_ || node.state != "up" || node.maintenance)
    };
    let help = match all {
        true => "1 when a node is up, 0 in any other state.",
        false => {
            "1 when a node is up, 0 in any other state. Of other nodes there are only those that \
             are not up or are under maintenance."
        }
    };
    text.gauge("hats_node_up", help);
    for node in shown() {
        let cause = node.cause.as_deref().unwrap_or_default();
        text.sample(&[("node", &node.name), ("cause", cause)], u8::from(node.state == "up"));
    }
    text.gauge("hats_node_maintenance", "1 when a node is under maintenance, else 0.");
    for node in shown() {
        text.sample(&[("node", &node.name)], u8::from(node.maintenance));
    }
}

/// `all`, or this node's and those that are not up.
pub(crate) fn adapters(text: &mut Text, snapshot: &Snapshot, all: bool) {
    let help = "How many adapters, of this node and all others, are in this state.";
    text.gauge("hats_adapters", help);
    for state in ADAPTER_STATES {
        let count = snapshot.adapters.iter().filter(|adapter| adapter.state == state).count();
        text.sample(&[("state", state)], count);
    }
    let help = match all {
        true => "1 when an adapter is up, 0 in any other state; which one is in the label.",
        false => {
            "1 when an adapter is up, 0 in any other state; which one is in the label. Of other \
             nodes' adapters there are only those that are not up."
        }
    };
    text.gauge("hats_adapter_up", help);
    let shown =
        |adapter: &&Adapter| all || adapter.self_ || !matches!(adapter.state.as_str(), "up");
    for adapter in snapshot.adapters.iter().filter(shown) {
        let labels = [
            ("network", adapter.network.as_str()),
            ("node", &adapter.node),
            ("adapter", &adapter.adapter),
            ("addr", &adapter.addr),
            ("state", &adapter.state),
            ("cause", adapter.cause.as_deref().unwrap_or_default()),
        ];
        text.sample(&labels, u8::from(adapter.state == "up"));
    }
}

pub(crate) fn paths(text: &mut Text, snapshot: &Snapshot) {
    text.gauge("hats_paths_failed", "Pairs of working adapters that cannot reach each other.");
    text.sample(&[], snapshot.paths.len());
    text.gauge("hats_path_failed", "A path that has failed; 1 while it has.");
    for path in &snapshot.paths {
        let labels = [
            ("network", path.network.as_str()),
            ("node", &path.node),
            ("peer", &path.peer_node),
            ("addr", &path.addr),
            ("peer_addr", &path.peer_addr),
            ("direction", &path.direction),
        ];
        text.sample(&labels, 1);
    }
}
