//! The cluster in one word, and the reasons in sentences: by hatsd for all of
//! it, by `hats-status` for the part that was selected, with the same rules.

use std::collections::BTreeSet;

use hats_proto::ipc;

/// OK, DEGRADED or CRITICAL, and why.
pub fn assess(snapshot: &ipc::Snapshot) -> (String, Vec<String>) {
    let critical = critical(snapshot);
    let degraded = degraded(snapshot);
    let word = match (critical.is_empty(), degraded.is_empty()) {
        (false, _) => "CRITICAL",
        (true, false) => "DEGRADED",
        (true, true) => "OK",
    };
    (word.to_owned(), critical.into_iter().chain(degraded).collect())
}

fn critical(snapshot: &ipc::Snapshot) -> Vec<String> {
    let mut reasons = Vec::new();
    for node in snapshot.nodes.iter().filter(|node| node.state == "down" && !node.maintenance) {
        let what = match node.cause.as_deref() {
            Some("daemon_down") => "the daemon of node",
            Some(_) | None => "node",
        };
        let why = node.reason.as_deref().unwrap_or("it has failed");
        reasons.push(format!("{what} {} is down: {why}", node.name));
    }
    for network in snapshot.networks.iter().filter(|network| is_broken(network)) {
        let told = snapshot.verdicts.iter().rev().find(|verdict| {
            verdict.network == network.name
                && (verdict.kind == "network" || verdict.kind == "partition")
        });
        reasons.push(match told {
            Some(verdict) => verdict.summary.clone(),
            None => format!("network {} is {}", network.name, network.state),
        });
    }
    reasons
}

fn is_broken(network: &ipc::Network) -> bool {
    network.state == "partitioned" || network.state == "failed"
}

fn degraded(snapshot: &ipc::Snapshot) -> Vec<String> {
    let mut reasons = Vec::new();
    let down: BTreeSet<&str> = snapshot
        .nodes
        .iter()
        .filter(|node| node.state == "down" || node.maintenance)
        .map(|node| node.name.as_str())
        .collect();
    let broken: BTreeSet<&str> = snapshot
        .networks
        .iter()
        .filter(|network| is_broken(network))
        .map(|network| network.name.as_str())
        .collect();
    for node in snapshot.nodes.iter().filter(|node| node.state == "unknown") {
        let why = node.reason.as_deref().unwrap_or("it cannot be reached");
        reasons.push(format!("the state of node {} is not known: {why}", node.name));
    }
    // Forming takes a group a few intervals; ten are too many.
    let joining_ms = snapshot
        .detection
        .as_ref()
        .map_or(u64::MAX, |it| (it.heartbeat_interval_us / 100).max(3_000));
    for adapter in &snapshot.adapters {
        let what =
            format!("adapter {} of {} on {}", adapter.adapter, adapter.node, adapter.network);
        let why = adapter.reason.as_deref().unwrap_or("no reason known");
        match adapter.state.as_str() {
            // With its node, which was said above.
            "down" | "unknown" if down.contains(adapter.node.as_str()) => {}
            // With its network, the same.
            "unknown" if broken.contains(adapter.network.as_str()) => {}
            "down" => reasons.push(format!("{what} is down: {why}")),
            "unknown" => reasons.push(format!("the state of {what} is not known: {why}")),
            "joining" if adapter.since_ms > joining_ms => {
                reasons.push(format!("{what} has not joined a group: {why}"));
            }
            "waiting" => reasons.push(format!("waiting: {why}")),
            _ => {}
        }
    }
    for path in &snapshot.paths {
        reasons.push(format!(
            "the path between {} and {} on {} has failed",
            path.node, path.peer_node, path.network
        ));
    }
    for network in snapshot.networks.iter().filter(|network| network.multicast_broken) {
        reasons.push(format!("multicast does not get through on network {}", network.name));
    }
    for network in &snapshot.networks {
        if let Some(mtu) = network.narrow.iter().map(|way| way.mtu).min() {
            let name = &network.name;
            reasons.push(format!("packets of more than {mtu} bytes get lost on network {name}"));
        }
    }
    for network in &snapshot.networks {
        let name = &network.name;
        for other in network.crossed.iter().filter(|other| *other > name) {
            reasons.push(format!("networks {name} and {other} share a wire"));
        }
    }
    for nim in snapshot.nims.iter().filter(|nim| nim.state == "backing_off") {
        reasons.push(format!("the NIM of {} keeps dying and is started again later", nim.adapter));
    }
    reasons
}
