//! What is wrong, in words, with the evidence.

use std::collections::BTreeSet;

use hats_client::ipc::{Adapter, Network, Node, Observation, Path, Snapshot, Verdict};

use super::{LEFT_OUT, NO_PROBES, or_nothing, used_networks, verdict::part};
use crate::{table::paragraph, words};

/// More than this at once are counted, not told.
const TOLD_MAX: usize = 12;

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Fault<'a> {
    /// In one sentence.
    pub(crate) text: String,
    /// What it was concluded from, where the daemon still has it.
    verdict: Option<&'a Verdict>,
}

/// Everything that is wrong: networks, nodes, adapters of nodes that are
/// not themselves down, paths.
pub(crate) fn faults(snapshot: &Snapshot) -> Vec<Fault<'_>> {
    let mut faults = Vec::new();
    for network in used_networks(snapshot).filter(|network| is_broken(network)) {
        faults.extend(network_told(network).map(|text| Fault { text, verdict: None }));
    }
    let mut lost_nodes = BTreeSet::new();
    for node in snapshot.nodes.iter().filter(|node| is_wrong(&node.state)) {
        lost_nodes.insert(node.name.as_str());
        let verdict = find(snapshot, node.verdict_id.as_deref());
        faults.push(Fault { text: node_fault(node, verdict), verdict });
    }
    let wrong = |adapter: &&Adapter| {
        is_wrong(&adapter.state) && !lost_nodes.contains(adapter.node.as_str())
    };
    for adapter in snapshot.adapters.iter().filter(wrong) {
        let verdict = find(snapshot, adapter.verdict_id.as_deref());
        faults.push(Fault { text: adapter_fault(adapter, verdict), verdict });
    }
    for path in &snapshot.paths {
        let verdict = find(snapshot, path.verdict_id.as_deref());
        faults.push(Fault { text: path_fault(path), verdict });
    }
    faults
}

/// Whether a network is judged to be wrong. One that has just changed, or that
/// this node is not on, is not.
pub(crate) fn is_broken(network: &Network) -> bool {
    let is_well = matches!(network.state.as_str(), "stable" | "unstable" | "no_adapter" | LEFT_OUT);
    network.multicast_broken
        || !network.narrow.is_empty()
        || !network.crossed.is_empty()
        || !is_well
}

/// What begins the paragraph of a network.
pub(crate) fn sign(network: &Network) -> &'static str {
    if is_broken(network) { "! " } else { "note: " }
}

fn network_told(network: &Network) -> Option<String> {
    let (state, since) = (network.state.replace('_', " "), words::age(network.since_ms));
    let reason = network.reason.as_deref()?;
    Some(format!("{} {state} for {since}: {reason}", network.name))
}

/// A `!` paragraph a fault and a `note:` for what is none, or nothing.
pub(crate) fn told(snapshot: &Snapshot) -> String {
    let faults = faults(snapshot);
    let mut text = String::new();
    for fault in faults.iter().take(TOLD_MAX) {
        text.push_str(&paragraph("! ", &fault.text));
        if let Some(verdict) = fault.verdict {
            text.push_str(&paragraph("  ", &evidence(verdict)));
            text.push_str(&paragraph("  ", &format!("hats-status verdicts {}", verdict.id)));
        }
        text.push('\n');
    }
    if faults.len() > TOLD_MAX {
        let more = faults.len() - TOLD_MAX;
        text.push_str(&format!("! and {more} more: hats-status nodes, hats-status adapters\n\n"));
    }
    for network in used_networks(snapshot).filter(|network| !is_broken(network)) {
        text.extend(network_told(network).map(|told| paragraph(sign(network), &told)));
    }
    text
}

pub(crate) fn is_wrong(state: &str) -> bool {
    matches!(state, "down" | "unknown" | "waiting")
}

fn find<'a>(snapshot: &'a Snapshot, id: Option<&str>) -> Option<&'a Verdict> {
    let id = id?;
    snapshot.verdicts.iter().rev().find(|verdict| verdict.id == id)
}

fn node_fault(node: &Node, verdict: Option<&Verdict>) -> String {
    let why = why(node.reason.as_deref(), node.cause.as_deref(), verdict);
    format!("node {} {} for {}{why}", node.name, node.state, words::age(node.since_ms))
}

fn adapter_fault(adapter: &Adapter, verdict: Option<&Verdict>) -> String {
    let Adapter { network, node, adapter: interface, addr, since_ms, .. } = adapter;
    let state = if adapter.state == "waiting" { "absent" } else { &adapter.state };
    let why = if state == "absent" && adapter.reason.is_none() {
        ": configured, but not there".to_owned()
    } else {
        why(adapter.reason.as_deref(), adapter.cause.as_deref(), verdict)
    };
    let addr = if addr.is_empty() { String::new() } else { format!(" {addr}") };
    format!("{network}/{node}/{interface}{addr} {state} for {}{why}", words::age(*since_ms))
}

fn path_fault(path: &Path) -> String {
    let way = match path.direction.as_str() {
        "to_peer" => "does not reach",
        "from_peer" => "does not hear",
        _ => "neither hears nor reaches",
    };
    format!(
        "{}: {} ({}) {way} {} ({}) for {}: both adapters are well, the path is not",
        path.network,
        path.node,
        path.addr,
        path.peer_node,
        path.peer_addr,
        words::age(path.since_ms)
    )
}

fn why(reason: Option<&str>, cause: Option<&str>, verdict: Option<&Verdict>) -> String {
    let summary = verdict.map(|verdict| verdict.summary.as_str());
    let why = reason.or(summary).filter(|text| !text.is_empty()).or(cause.map(words::cause));
    why.map(|why| format!(": {why}")).unwrap_or_default()
}

/// Who probed whom and how many answers came.
fn evidence(verdict: &Verdict) -> String {
    // What was found on the network in question, of the two parties; the rest
    // is in `hats-status verdicts ID`.
    let parties = [&verdict.reporter, &verdict.suspect];
    let probes: Vec<String> = verdict
        .evidence
        .iter()
        .filter(|it| it.network == verdict.network && parties.contains(&&it.target))
        .map(probe)
        .collect();
    let probes = if probes.is_empty() { NO_PROBES.to_owned() } else { probes.join(", ") };
    format!("evidence (confidence {}): {probes}", or_nothing(Some(&verdict.confidence)))
}

fn probe(observation: &Observation) -> String {
    let Observation { prober, target, sent, received, .. } = observation;
    let part = part(&observation.part);
    format!("{prober}->{target} {received}/{sent}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            nodes: vec![Node {
                name: "n3".into(),
                state: "down".into(),
                cause: Some("node_down".into()),
                since_ms: 12_000,
                ..Node::default()
            }],
            adapters: vec![Adapter {
                network: "neta".into(),
                node: "n3".into(),
                adapter: "eth0".into(),
                state: "down".into(),
                ..Adapter::default()
            }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn the_adapters_of_a_failed_node_are_not_told_one_by_one() {
        let snapshot = snapshot();
        let texts: Vec<String> = faults(&snapshot).into_iter().map(|fault| fault.text).collect();
        assert_eq!(texts, ["node n3 down for 12s: the node has failed"]);
    }

    #[test]
    fn what_is_no_fault_to_the_judgement_is_a_note() {
        let reason = Some("its group has just changed".to_owned());
        let narrow = |mtu| vec![hats_client::ipc::Narrow { mtu, ..Default::default() }];
        let network = |state: &str, multicast_broken, mtu: Option<u32>| Snapshot {
            networks: vec![Network {
                name: "neta".into(),
                state: state.into(),
                reason: reason.clone(),
                multicast_broken,
                narrow: mtu.map(narrow).unwrap_or_default(),
                ..Network::default()
            }],
            ..Snapshot::default()
        };
        for (state, broken, mtu) in [
            ("unstable", false, None),
            ("no_adapter", false, None),
            ("stable", true, None),
            ("stable", false, Some(576)),
            ("partitioned", false, None),
            ("failed", false, None),
        ] {
            let snapshot = network(state, broken, mtu);
            let is_fault = hats_metrics::assess(&snapshot).0 != "OK";
            assert_eq!(faults(&snapshot).len(), usize::from(is_fault), "{state}");
            let sign = if is_fault { "! neta " } else { "note: neta " };
            assert!(told(&snapshot).starts_with(sign), "{state}: {}", told(&snapshot));
        }
    }

    #[test]
    fn a_configured_adapter_that_is_not_there_is_a_fault() {
        let mut snapshot = snapshot();
        snapshot.nodes.clear();
        snapshot.adapters[0].state = "waiting".into();
        let text = faults(&snapshot).remove(0).text;
        assert_eq!(text, "neta/n3/eth0 absent for 0.0s: configured, but not there");
    }

    #[test]
    fn a_path_is_told_in_its_direction() {
        let mut path = Path {
            network: "neta".into(),
            node: "n1".into(),
            addr: "10.0.0.1".into(),
            peer_node: "n2".into(),
            peer_addr: "10.0.0.2".into(),
            direction: "from_peer".into(),
            ..Path::default()
        };
        assert!(path_fault(&path).contains("n1 (10.0.0.1) does not hear n2 (10.0.0.2)"));
        path.direction = "to_peer".into();
        assert!(path_fault(&path).contains("does not reach n2"));
        path.direction = "both".into();
        assert!(path_fault(&path).contains("neither hears nor reaches n2"));
    }

    #[test]
    fn a_thousand_faults_do_not_fill_the_screen() {
        let mut snapshot = snapshot();
        snapshot.nodes = vec![snapshot.nodes[0].clone(); 1_000];
        let told = told(&snapshot);
        assert!(told.lines().count() < 30 && told.contains("! and 988 more"), "{told}");
    }
}
