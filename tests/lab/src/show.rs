//! Shows a lab to people.

use crate::{
    control::{NodeStatus, Status},
    out::columns,
};

/// The tables of `hats-lab status`.
pub fn status(status: &Status) -> String {
    let mut text = format!("{}\n", networks(status));
    text.push_str(&columns(&nodes(status)));
    text.push('\n');
    text.push_str(&columns(&ports(status)));
    for warning in &status.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

fn networks(status: &Status) -> String {
    let plan = &status.plan;
    let networks: Vec<_> =
        plan.networks.iter().map(|n| format!("{} {}", n.name, n.subnet)).collect();
    format!(
        "{} nodes, {}; links {}, profile {}\n",
        plan.nodes,
        networks.join(", "),
        plan.links,
        plan.profile
    )
}

fn nodes(status: &Status) -> Vec<Vec<String>> {
    let mut rows = vec![row(["NODE", "HATSD", "PROCESSES (host pid)"])];
    for node in &status.nodes {
        let processes: Vec<_> = node
            .processes
            .iter()
            .map(|p| format!("{} {}", p.name, p.host_pid.unwrap_or(p.pid)))
            .collect();
        rows.push(vec![node.node.clone(), daemon(status, node), processes.join(", ")]);
    }
    rows
}

fn daemon(status: &Status, node: &NodeStatus) -> String {
    let stopped = node
        .processes
        .iter()
        .any(|process| Some(process.pid) == node.hatsd && process.state == "T");
    match (&node.hatsd, &node.ended) {
        (Some(_), _) if stopped => "stopped".into(),
        (Some(_), _) => "runs".into(),
        (None, Some(how)) => how.clone(),
        (None, None) if !status.plan.daemons => "none".into(),
        (None, None) => "not started".into(),
    }
}

fn ports(status: &Status) -> Vec<Vec<String>> {
    let mut rows =
        vec![row(["NODE", "ADAPTER", "NETWORK", "ADDRESS", "SENT", "RECEIVED", "LOST", "FAULTS"])];
    let number = |n: Option<u64>| n.map_or("-".to_owned(), |n| n.to_string());
    for node in &status.nodes {
        for port in &node.ports {
            rows.push(vec![
                node.node.clone(),
                port.adapter.clone(),
                port.network.clone(),
                port.addr.to_string(),
                number(port.sent),
                number(port.received),
                number(port.lost),
                if port.faults.is_empty() { "-".into() } else { port.faults.join(", ") },
            ]);
        }
    }
    rows
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
