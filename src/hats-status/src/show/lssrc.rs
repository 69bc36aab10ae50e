//! The page of `lssrc -ls cthats`, for those who have read it for years.
//!
//! The rows and columns are where RSCT's are. What hats does not have is left
//! out or says so; docs/hats-status.md tells what each number is here.

use std::fmt::Write as _;

use hats_client::ipc::{Adapter, Network, Nim, Snapshot};

use crate::words::clean;

/// The whole page.
pub(crate) fn page(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    let pid = snapshot.daemon.as_ref().map_or(0, |daemon| daemon.pid);
    line(&mut out, "Subsystem         Group            PID          Status");
    line(&mut out, &format!(" {:<17}{:<17}{pid:<13}active", "hatsd", "hats"));
    line(&mut out, "Network Name   Indx Defd  Mbrs  St   Adapter ID      Group ID");
    for (index, network) in super::used_networks(snapshot).enumerate() {
        let own = |adapter: &&Adapter| adapter.self_ && adapter.network == network.name;
        for adapter in snapshot.adapters.iter().filter(own) {
            adapter_rows(&mut out, snapshot, index, network, adapter);
        }
    }
    clients(&mut out, snapshot);
    line(&mut out, "  Dead Man Switch Disabled.");
    line(&mut out, &format!("  Configuration Instance = {}", snapshot.epoch));
    let rss = snapshot.daemon.as_ref().map_or(0, |daemon| daemon.rss_bytes / 1_024);
    let pinned = snapshot.nims.iter().filter(|nim| nim.memory_locked == Some(true)).count();
    line(&mut out, &format!("  NIMs pinned: {pinned} of {}.", snapshot.nims.len()));
    line(&mut out, &format!("  Resident memory of the daemon: {rss} KB."));
    nodes(&mut out, snapshot);
    out
}

/// A line that a name in it cannot break.
fn line(out: &mut String, text: &str) {
    out.push_str(clean(text).trim_end());
    out.push('\n');
}

fn adapter_rows(
    out: &mut String,
    snapshot: &Snapshot,
    index: usize,
    network: &Network,
    adapter: &Adapter,
) {
    let name = &network.name;
    let state = match (adapter.state.as_str(), network.state.as_str()) {
        ("down" | "waiting" | "left", _) => "D",
        ("up", "stable") => "S",
        _ => "U",
    };
    let (defined, members, addr) = (network.configured, network.up, &adapter.addr);
    let group = network.leader_addr.as_deref().unwrap_or("-");
    line(
        out,
        &format!("{name:<15}[{index:>2}] {defined:<6}{members:<6}{state:<5}{addr:<16}{group}"),
    );
    // RSCT's instance numbers have 32 bits: the lower ones of ours.
    let run = snapshot.daemon.as_ref().map_or(0, |daemon| daemon.incarnation) & 0xffff_ffff;
    let instance = network.instance & 0xffff_ffff;
    let device = &adapter.adapter;
    let (run, instance) = (format!("{run:#010x}"), format!("{instance:#010x}"));
    line(out, &format!("{name:<15}[{index:>2}] {device:<17}{run:<16}{instance}"));
    if let Some(detection) = &snapshot.detection {
        let (seconds, rest) = (
            detection.heartbeat_interval_us / 1_000_000,
            detection.heartbeat_interval_us % 1_000_000,
        );
        let sensitivity = detection.sensitivity;
        let millis = rest / 1_000;
        line(
            out,
            &format!(
                "HB Interval = {seconds}.{millis:03} secs. Sensitivity = {sensitivity} missed beats"
            ),
        );
    }
    let of = |nim: &&Nim| nim.network == *name && nim.addr == adapter.addr;
    if let Some(nim) = snapshot.nims.iter().find(of) {
        nim_rows(out, adapter, nim);
    }
}

fn nim_rows(out: &mut String, adapter: &Adapter, nim: &Nim) {
    let current: u64 = adapter.watches.iter().map(|upstream| upstream.missed).sum();
    let total = nim.heartbeats_missed;
    line(out, &format!("Missed HBs: Total: {total} Current group: {current}"));
    let (sent, errors) = (nim.sent, nim.send_errors);
    line(out, &format!("Packets sent    : {sent} ICMP 0 Errors: {errors} No mbuf: 0"));
    let dropped = nim.rejected.iter().fold(0_u64, |sum, it| sum.saturating_add(it.value));
    line(out, &format!("Packets received: {} ICMP 0 Dropped: {dropped}", nim.received));
    match nim.pid {
        Some(pid) => line(out, &format!("NIM's PID: {pid}")),
        None => line(out, "NIM's PID: none, it is started again later"),
    }
}

fn clients(out: &mut String, snapshot: &Snapshot) {
    let count = snapshot.subscribers.len();
    line(out, &format!("  {count} locally connected Clients with PIDs:"));
    let mut text = String::new();
    for subscriber in &snapshot.subscribers {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}( {}) ", subscriber.client, subscriber.pid);
    }
    if !text.is_empty() {
        line(out, &text);
    }
}

fn nodes(out: &mut String, snapshot: &Snapshot) {
    let named = |up: bool| -> Vec<&str> {
        let nodes = snapshot.nodes.iter().filter(|node| (node.state == "up") == up);
        nodes.map(|node| node.name.as_str()).collect()
    };
    let (up, down) = (named(true).len(), named(false));
    line(out, &format!("  Number of nodes up: {up}. Number of nodes down: {}.", down.len()));
    if !down.is_empty() {
        line(out, &format!("  Nodes down: {}", down.join(" ")));
    }
}
