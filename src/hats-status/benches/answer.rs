//! How long `hats-status` takes to answer on a large cluster: from its start to
//! its end, as a shell sees it.
//!
//! `cargo bench -p hats-status` starts a daemon that only serves a snapshot of
//! 1,000 nodes on two networks, runs each command many times, and prints the
//! median, the slowest, and the processor time of one run, which a busy machine
//! does not change much. It fails when a median is above the bound.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark fails by panicking")]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use fake::Fake;
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use hats_client::ipc::{Adapter, Daemon, Detection, Network, Node, Snapshot};

const NODES: usize = 1_000;
const RUNS: usize = 40;

/// What an answer may take.
const BOUND: Duration = Duration::from_millis(20);

fn main() {
    let fake = Fake::with_snapshot(snapshot());
    println!("hats-status on {NODES} nodes x 2 networks, {RUNS} runs each");
    println!("{:<24} {:>9} {:>9} {:>9} {:>9}", "command", "median", "slowest", "cpu", "bytes");
    let mut slow = Vec::new();
    for arguments in [
        "overview",
        "nodes",
        "adapters",
        "networks",
        "overview -o json",
        "adapters -o line",
        "overview -o nagios",
        "overview -o prom",
        "adapters --node n500",
        "overview -o wide",
        "graph",
        "lssrc",
    ] {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        let mut times = Vec::new();
        let mut bytes = 0;
        let spent = children();
        for _ in 0..RUNS {
            let mut command = Command::new(env!("CARGO_BIN_EXE_hats-status"));
            command.arg("--socket").arg(fake.socket()).args(&arguments).stderr(Stdio::null());
            let begun = Instant::now();
            let output = command.output().unwrap();
            times.push(begun.elapsed());
            assert_eq!(output.status.code(), Some(0), "{arguments:?}");
            bytes = output.stdout.len();
        }
        let cpu = (children() - spent) / u32::try_from(RUNS).unwrap();
        times.sort();
        let (median, slowest) = (times[RUNS / 2], times[RUNS - 1]);
        let name = arguments.join(" ");
        println!(
            "{name:<24} {:>9} {:>9} {:>9} {bytes:>9}",
            millis(median),
            millis(slowest),
            millis(cpu)
        );
        if median > BOUND {
            slow.push(name);
        }
    }
    assert!(slow.is_empty(), "slower than {BOUND:?}: {}", slow.join(", "));
}

/// The processor time of all children that have ended.
fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let spent = usage.user_time() + usage.system_time();
    Duration::from_micros(u64::try_from(spent.num_microseconds()).unwrap())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}

fn snapshot() -> Snapshot {
    let networks = ["neta", "netb"];
    let addr = |network: usize, number: usize| {
        format!("10.{}.{}.{}", 77 + network, number / 250, 1 + number % 250)
    };
    let mut snapshot = Snapshot {
        schema: "hats.status/1".into(),
        ts: "2026-11-22T12:04:07.331Z".into(),
        overall: "OK".into(),
        cluster: "large".into(),
        epoch: fake::EPOCH,
        next_seq: 10,
        daemon: Some(Daemon { node: "n1".into(), ..Daemon::default() }),
        detection: Some(Detection {
            heartbeat_interval_us: 250_000,
            sensitivity: 4,
            detection_time_us: 1_000_000,
            ..Detection::default()
        }),
        ..Snapshot::default()
    };
    for (at, name) in networks.iter().enumerate() {
        snapshot.networks.push(Network {
            name: (*name).into(),
            subnet: format!("10.{}.0.0/16", 77 + at),
            leader: Some(format!("n{NODES}")),
            leader_addr: Some(addr(at, NODES - 1)),
            state: "stable".into(),
            configured: u32::try_from(NODES).unwrap(),
            up: u32::try_from(NODES).unwrap(),
            members: (0..NODES).rev().map(|number| addr(at, number)).collect(),
            local: true,
            ..Network::default()
        });
    }
    for number in 0..NODES {
        let node = format!("n{}", number + 1);
        for (at, name) in networks.iter().enumerate() {
            snapshot.adapters.push(Adapter {
                network: (*name).into(),
                node: node.clone(),
                adapter: "enp129s0f0np0".into(),
                addr: addr(at, number),
                self_: number == 0,
                state: "up".into(),
                role: Some("member".into()),
                since_ms: 86_400_000,
                ..Adapter::default()
            });
        }
        snapshot.nodes.push(Node {
            name: node,
            node_id: format!("{number:016x}"),
            self_: number == 0,
            state: "up".into(),
            version: Some("0.1.0".into()),
            ..Node::default()
        });
    }
    snapshot
}
