//! One table a kind of thing.

use std::collections::BTreeMap;

use hats_client::ipc::{Adapter, Neighbour, Network, Nim, Node, Snapshot, Verdict};

use super::{
    LEFT_OUT, NOTHING, faults::sign, matrix::node_state, or_nothing, overview::Detail, role, state,
};
use crate::{
    table::{Table, first_that_fits, paragraph},
    words::{age, cause, share, span},
};

/// `hats-status networks`; `all` also those that are not used.
pub(crate) fn networks(snapshot: &Snapshot, all: bool, wide: bool) -> String {
    if wide {
        return networks_table(snapshot, all, Detail::Everything).render();
    }
    let details = [Detail::Mode, Detail::Subnet, Detail::Addresses, Detail::Names];
    let text =
        first_that_fits(details.into_iter().map(|detail| networks_table(snapshot, all, detail)));
    let reasons = snapshot.networks.iter().filter(|network| all || network.state != LEFT_OUT);
    let reasons = reasons.filter_map(|network| Some((network, network.reason.as_deref()?)));
    let reasons = reasons.map(|(network, reason)| {
        paragraph(sign(network), &format!("{} {}: {reason}", network.name, network_state(network)))
    });
    text + &reasons.collect::<String>()
}

/// Networks with leader, successor, and how many adapters are known and up.
pub(crate) fn networks_table(snapshot: &Snapshot, all: bool, detail: Detail) -> Table {
    let with_mode = detail <= Detail::Mode;
    let with_subnet = detail <= Detail::Subnet;
    let everything = detail == Detail::Everything;
    let mut titles = vec!["NETWORK"];
    titles.extend(with_subnet.then_some("SUBNET"));
    titles.extend(with_mode.then_some("MODE"));
    titles.extend(["LEADER", "SUCCESSOR", "CFG", "UP", "STATE", "SINCE"]);
    titles.extend(
        everything.then_some(["GROUP", "PORT", "INSTANCE", "REASON"]).into_iter().flatten(),
    );
    let mut table = Table::new(&titles);
    for network in snapshot.networks.iter().filter(|network| all || network.state != LEFT_OUT) {
        let party = |name: &Option<String>, addr: &Option<String>| match (name, addr) {
            (Some(name), Some(addr)) if detail <= Detail::Addresses => format!("{name} {addr}"),
            (name, _) => or_nothing(name.as_deref()),
        };
        let mut row = vec![network.name.clone()];
        row.extend(with_subnet.then(|| network.subnet.clone()));
        row.extend(with_mode.then(|| or_nothing(Some(&network.mode))));
        row.push(party(&network.leader, &network.leader_addr));
        row.push(party(&network.successor, &network.successor_addr));
        row.extend([network.configured.to_string(), network.up.to_string()]);
        row.extend([network_state(network), age(network.since_ms)]);
        if everything {
            row.extend([or_nothing(network.group.as_deref()), network.port.to_string()]);
            row.extend([network.instance.to_string(), or_nothing(network.reason.as_deref())]);
        }
        table.row(row);
    }
    table
}

fn network_state(network: &Network) -> String {
    match network.state.as_str() {
        "no_adapter" => "no adapter".into(),
        LEFT_OUT => "left out".into(),
        other => other.into(),
    }
}

/// `hats-status nodes`.
pub(crate) fn nodes(snapshot: &Snapshot, wide: bool) -> String {
    let titles: &[&str] = if wide {
        &[" NODE", "STATE", "UP", "SINCE", "VERSION", "INCARNATION", "ID", "VERDICT", "WHY"]
    } else {
        &[" NODE", "STATE", "UP", "SINCE", "VERSION", "WHY"]
    };
    let mut table = Table::new(titles);
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for adapter in &snapshot.adapters {
        let (up, all) = counts.entry(&adapter.node).or_default();
        *up += usize::from(adapter.state == "up");
        *all += 1;
    }
    for node in &snapshot.nodes {
        let (up, all) = counts.get(node.name.as_str()).copied().unwrap_or_default();
        let mark = if node.self_ { '*' } else { ' ' };
        let mut row = vec![format!("{mark}{}", node.name), node_state(node)];
        row.push(format!("{up}/{all}"));
        row.extend([age(node.since_ms), or_nothing(node.version.as_deref())]);
        if wide {
            row.extend([node.incarnation.to_string(), node.node_id.clone()]);
            row.push(or_nothing(node.verdict_id.as_deref()));
        }
        row.push(node_why(node));
        table.row(row);
    }
    table.render()
}

fn node_why(node: &Node) -> String {
    or_nothing(node.reason.as_deref().or(node.cause.as_deref().map(cause)))
}

/// `hats-status adapters`.
pub(crate) fn adapters(snapshot: &Snapshot, wide: bool) -> String {
    let mut titles = vec!["NETWORK", " NODE", "ADAPTER", "ADDRESS", "STATE", "ROLE", "SINCE"];
    if wide {
        titles.extend(["CARRIER", "IFINDEX", "MAC", "FEEDS", "WATCHES", "VERDICT", "WHY"]);
    }
    let mut table = Table::new(&titles);
    for adapter in &snapshot.adapters {
        let mark = if adapter.self_ { '*' } else { ' ' };
        let mut row = vec![adapter.network.clone(), format!("{mark}{}", adapter.node)];
        row.extend([adapter.adapter.clone(), or_nothing(Some(&adapter.addr))]);
        row.push(state(&adapter.state, adapter.cause.as_deref()));
        row.extend([or_nothing(role(snapshot, adapter)), age(adapter.since_ms)]);
        if wide {
            row.extend(local_part(adapter));
            row.push(or_nothing(adapter.verdict_id.as_deref()));
            let why = adapter.reason.as_deref().or(adapter.cause.as_deref().map(cause));
            row.push(or_nothing(why));
        }
        table.row(row);
    }
    table.render()
}

fn local_part(adapter: &Adapter) -> [String; 5] {
    let carrier = adapter.carrier.map(|carrier| if carrier { "yes" } else { "no" });
    let watches: Vec<String> = adapter
        .watches
        .iter()
        .map(|neighbour| {
            let Neighbour { addr, state, last_heard_ms, .. } = neighbour;
            let heard = match neighbour.gap_max_us {
                // The time since the last one is as old as what the NIM said,
                // which looks like a silence where there is none.
                Some(us) => format!("{addr} {state}, gap at most {}ms", us.div_ceil(1_000)),
                None => format!("{addr} {state}, heard {last_heard_ms}ms ago"),
            };
            match &neighbour.measured {
                Some(it) => {
                    let lost = share(it.lost, it.beats + it.lost);
                    format!("{heard}, lost {lost}, late at most {}", span(it.late_max_us))
                }
                None => heard,
            }
        })
        .collect();
    [
        or_nothing(carrier),
        adapter.ifindex.map_or(NOTHING.into(), |index| index.to_string()),
        or_nothing(adapter.mac.as_deref()),
        or_nothing(Some(&adapter.feeds.join(","))),
        or_nothing(Some(&watches.join(", "))),
    ]
}

/// `hats-status verdicts`; `of_all`: nothing was left out.
pub(crate) fn verdicts(snapshot: &Snapshot, of_all: bool, wide: bool) -> String {
    let mut titles = vec!["ID", "TIME", "KIND", "ABOUT", "CAUSE", "CONFIDENCE", "TOOK"];
    if wide {
        titles.extend(["REPORTER", "ARBITERS", "DECIDED BY", "SUMMARY"]);
    }
    let mut table = Table::new(&titles);
    for verdict in &snapshot.verdicts {
        let time = match verdict.ts.split_once('T') {
            Some((_, time)) if !wide => time.to_owned(),
            Some(_) | None => verdict.ts.clone(),
        };
        let mut row = vec![verdict.id.clone(), time, verdict.kind.clone(), about(verdict)];
        let why = verdict.cause.as_deref().or(verdict.direction.as_deref());
        row.extend([or_nothing(why), or_nothing(Some(&verdict.confidence))]);
        row.push(span(verdict.took_ms.saturating_mul(1_000)));
        if wide {
            row.extend([or_nothing(Some(&verdict.reporter)), verdict.arbiters.join(",")]);
            row.extend([verdict.decided_by.clone(), verdict.summary.clone()]);
        }
        table.row(row);
    }
    if table.is_empty() && of_all {
        return "no verdicts: nothing had to be arbitrated since this daemon started\n".into();
    }
    if table.is_empty() {
        return "no verdicts about what is selected\n".into();
    }
    table.render()
}

/// What a verdict is about, as network/node/adapter, shortened to what it names.
pub(crate) fn about(verdict: &Verdict) -> String {
    if let Some(peer) = &verdict.peer_node {
        return format!("{} {} - {peer}", verdict.network, or_nothing(verdict.node.as_deref()));
    }
    let parts =
        [Some(verdict.network.as_str()), verdict.node.as_deref(), verdict.adapter.as_deref()];
    let parts: Vec<&str> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    or_nothing(Some(&parts.join("/")))
}

/// `hats-status nims`.
pub(crate) fn nims(snapshot: &Snapshot, wide: bool) -> String {
    if wide {
        return nims_table(snapshot, true, true).render();
    }
    first_that_fits([true, false].into_iter().map(|totals| nims_table(snapshot, totals, false)))
}

fn nims_table(snapshot: &Snapshot, totals: bool, wide: bool) -> Table {
    let mut titles = vec!["NETWORK", "ADAPTER", "PID", "STATE", "RESTARTS"];
    titles.extend(totals.then_some(["SENT", "RECEIVED"]).into_iter().flatten());
    titles.extend(["MISSED", "REFUSED", "LATE"]);
    if wide {
        titles.extend(["ADDRESS", "HB-SENT", "HB-RECEIVED", "ERRORS", "SCHEDULING", "LOCKED"]);
        titles.extend(["RSS", "REFUSED BY REASON"]);
    }
    let mut table = Table::new(&titles);
    for nim in &snapshot.nims {
        let mut row = vec![nim.network.clone(), nim.adapter.clone()];
        row.push(nim.pid.map_or(NOTHING.into(), |pid| pid.to_string()));
        row.push(nim.state.replace('_', " "));
        row.push(nim.restarts.to_string());
        if totals {
            row.extend([nim.sent, nim.received].map(|count| count.to_string()));
        }
        let refused =
            nim.rejected.iter().fold(0_u64, |sum, counter| sum.saturating_add(counter.value));
        row.extend([nim.heartbeats_missed, refused].map(|count| count.to_string()));
        row.push(span(nim.lateness_max_us));
        if wide {
            row.extend(nim_detail(nim));
        }
        table.row(row);
    }
    table
}

fn nim_detail(nim: &Nim) -> Vec<String> {
    let mut row = vec![or_nothing(Some(&nim.addr))];
    let counts = [nim.heartbeats_sent, nim.heartbeats_received, nim.send_errors];
    row.extend(counts.map(|count| count.to_string()));
    row.push(or_nothing(nim.scheduling.as_deref()));
    row.push(or_nothing(nim.memory_locked.map(|locked| if locked { "yes" } else { "no" })));
    row.push(format!("{} KiB", nim.rss_bytes / 1_024));
    let reasons = nim.rejected.iter().filter(|counter| counter.value > 0);
    let reasons = reasons.map(|counter| format!("{} {}", counter.name, counter.value));
    row.push(or_nothing(Some(&reasons.collect::<Vec<_>>().join(", "))));
    row
}

/// `hats-status subscribers`.
pub(crate) fn subscribers(snapshot: &Snapshot) -> String {
    let mut table = Table::new(&["CLIENT", "PID", "UID", "QUEUED", "SENT", "SINCE"]);
    for subscriber in &snapshot.subscribers {
        let mut row = vec![subscriber.client.clone()];
        row.extend([subscriber.pid, subscriber.uid].map(|id| id.to_string()));
        row.extend([subscriber.queued, subscriber.sent].map(|count| count.to_string()));
        row.push(age(subscriber.since_ms));
        table.row(row);
    }
    table.render()
}
