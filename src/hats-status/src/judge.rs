//! The judgement of a part of the cluster. That of the whole is the daemon's;
//! the rules are the same (docs/hats-status.md).

use std::collections::BTreeSet;

use hats_client::ipc::Snapshot;

/// OK, DEGRADED or CRITICAL, and why.
pub(crate) fn assess(part: &Snapshot) -> (String, Vec<String>) {
    let critical = critical(part);
    let degraded = degraded(part);
    let word = match (critical.is_empty(), degraded.is_empty()) {
        (false, _) => "CRITICAL",
        (true, false) => "DEGRADED",
        (true, true) => "OK",
    };
    (word.to_owned(), critical.into_iter().chain(degraded).collect())
}

fn critical(part: &Snapshot) -> Vec<String> {
    let nodes = part.nodes.iter().filter(|node| node.state == "down" && !node.maintenance);
    let nodes = nodes.map(|node| format!("node {} is down", node.name));
    let networks = part.networks.iter().filter(|it| is_broken(&it.state));
    nodes.chain(networks.map(|it| format!("network {} is {}", it.name, it.state))).collect()
}

fn is_broken(state: &str) -> bool {
    matches!(state, "partitioned" | "failed")
}

fn degraded(part: &Snapshot) -> Vec<String> {
    let excused: BTreeSet<&str> = part
        .nodes
        .iter()
        .filter(|node| node.state == "down" || node.maintenance)
        .map(|node| node.name.as_str())
        .collect();
    let broken: BTreeSet<&str> = part
        .networks
        .iter()
        .filter(|network| is_broken(&network.state))
        .map(|network| network.name.as_str())
        .collect();
    let mut reasons: Vec<String> = part
        .nodes
        .iter()
        .filter(|node| node.state == "unknown")
        .map(|node| format!("the state of node {} is not known", node.name))
        .collect();
    for adapter in &part.adapters {
        let what =
            format!("adapter {} of {} on {}", adapter.adapter, adapter.node, adapter.network);
        match adapter.state.as_str() {
            "down" | "unknown" if excused.contains(adapter.node.as_str()) => {}
            "unknown" if broken.contains(adapter.network.as_str()) => {}
            "down" => reasons.push(format!("{what} is down")),
            "unknown" => reasons.push(format!("the state of {what} is not known")),
            "waiting" => reasons.push(format!("{what} is configured, but not there")),
            _ => {}
        }
    }
    for path in &part.paths {
        let (node, peer, network) = (&path.node, &path.peer_node, &path.network);
        reasons.push(format!("the path between {node} and {peer} on {network} has failed"));
    }
    for nim in part.nims.iter().filter(|nim| nim.state == "backing_off") {
        reasons.push(format!("the NIM of {} keeps dying and is started again later", nim.adapter));
    }
    reasons
}
