//! A degraded cluster as its daemon tells it, and the program under test.

#![allow(dead_code, reason = "each including test uses a part of it")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use hats_client::ipc::{
    Adapter, Config, Counter, Daemon, Detection, Neighbour, Network, Nim, Node, Observation, Param,
    Params, Path as FailedPath, Snapshot, Subscriber, Verdict,
};

use crate::fake::EPOCH;

/// The program, asked of nobody yet.
pub(crate) fn program(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hats-status"));
    command.env_remove("HATS_SOCKET").arg("--socket").arg(socket).args(arguments);
    command
}

/// Runs it to its end.
pub(crate) fn run(socket: &Path, arguments: &[&str]) -> Output {
    program(socket, arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Compares with `tests/golden/NAME`; with HATS_BLESS=1 writes it instead.
pub(crate) fn assert_golden(name: &str, actual: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("HATS_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == actual, "{name} differs (HATS_BLESS=1 accepts):\n{actual}\nwas:\n{golden}");
}

/// Ten nodes in no order; n1's adapter on netb mute, n9 crashed, n10's second
/// adapter not there yet, and one path broken.
pub(crate) fn degraded() -> Snapshot {
    Snapshot {
        schema: "hats.status/1".into(),
        ts: "2026-11-22T12:04:07.331Z".into(),
        mono_ns: 812_345_678_901,
        epoch: EPOCH,
        next_seq: 10_923,
        cluster: "atc".into(),
        overall: "DEGRADED".into(),
        reasons: vec!["1 node down".into(), "1 adapter down".into(), "1 path failed".into()],
        daemon: Some(Daemon {
            node: "n2".into(),
            node_id: "00000000000000b2".into(),
            incarnation: 12,
            version: "0.1.0".into(),
            pid: 812,
            uptime_ms: 525_600_000,
            lateness_max_us: 310,
            config_file: None,
            rss_bytes: 9 << 20,
        }),
        detection: Some(Detection {
            profile: "default".into(),
            heartbeat_interval_us: 250_000,
            sensitivity: 4,
            probe_timeout_us: 100_000,
            detection_time_us: 1_000_000,
            verdict_bound_us: 1_200_000,
        }),
        networks: networks(),
        nodes: [10, 9, 2, 1].map(node).into(),
        adapters: [10, 2, 9, 1].into_iter().flat_map(adapters).collect(),
        paths: vec![FailedPath {
            network: "neta".into(),
            node: "n1".into(),
            addr: "192.28.4.1".into(),
            peer_node: "n10".into(),
            peer_addr: "192.28.4.10".into(),
            direction: "to_peer".into(),
            verdict_id: Some("n10-12-3".into()),
            since_ms: 4_200,
        }],
        verdicts: verdicts(),
        nims: [("netb", "ens2f0", 2), ("neta", "ens1f0", 1)].map(nim).into(),
        subscribers: vec![Subscriber {
            client: "hats-status".into(),
            pid: 4_711,
            uid: 1_000,
            queued: 0,
            sent: 3,
            since_ms: 61_000,
        }],
        params: None,
        config: None,
    }
}

/// The same with what `params` and `config` ask for.
pub(crate) fn with_settings() -> Snapshot {
    let param = |name: &str, value: &str, fallback: &str, source: &str, range: &str| Param {
        name: name.into(),
        value: value.into(),
        fallback: fallback.into(),
        source: source.into(),
        range: range.into(),
        meaning: "what it is for".into(),
    };
    let list = vec![
        param("cluster.name", "atc", "hats", "file", "1 to 64 characters"),
        param("detection.heartbeat_interval", "50ms", "50ms", "profile", "1ms to 60s"),
        param("metrics.listen", "none", "none", "default", "loopback address and port"),
    ];
    let file = "/etc/hats/hatsd.toml";
    Snapshot {
        params: Some(Params { list }),
        config: Some(Config {
            file: Some(file.into()),
            looked_for: file.into(),
            effective: "[cluster]\nname = \"atc\"\n".into(),
        }),
        ..degraded()
    }
}

fn networks() -> Vec<Network> {
    let used = |letter: &str, subnet: &str, up: u32| Network {
        name: format!("net{letter}"),
        subnet: format!("{subnet}.0/24"),
        mode: "multicast".into(),
        group: Some("239.28.4.1".into()),
        port: 12_347,
        leader: Some("n10".into()),
        leader_addr: Some(format!("{subnet}.10")),
        successor: Some("n2".into()),
        successor_addr: Some(format!("{subnet}.2")),
        instance: 41,
        configured: 4,
        up,
        state: "stable".into(),
        reason: None,
        since_ms: 72_000,
        members: Vec::new(),
        local: true,
        multicast_broken: false,
        narrow: Vec::new(),
        crossed: Vec::new(),
    };
    let left_out = Network {
        name: "docker0".into(),
        subnet: "172.17.0.0/16".into(),
        state: "left_out".into(),
        reason: Some("a container bridge".into()),
        ..Network::default()
    };
    let netb = Network {
        leader: Some("n2".into()),
        leader_addr: Some("193.28.4.2".into()),
        successor: None,
        successor_addr: None,
        ..used("b", "193.28.4", 1)
    };
    vec![netb, left_out, used("a", "192.28.4", 3)]
}

fn node(number: u64) -> Node {
    let down = number == 9;
    Node {
        name: format!("n{number}"),
        node_id: format!("{:016x}", 0xb0 + number),
        self_: number == 2,
        state: if down { "down" } else { "up" }.into(),
        cause: down.then(|| "node_down".into()),
        incarnation: 3,
        since_ms: 72_000,
        verdict_id: down.then(|| "n10-12-2".into()),
        version: Some("0.1.0".into()),
        maintenance: number == 10,
        ..Node::default()
    }
}

fn adapters(number: u64) -> Vec<Adapter> {
    let adapter = |network: &str, interface: &str, subnet: &str| {
        let (state, cause) = match (network, number) {
            (_, 9) => ("down", Some("node_down")),
            ("netb", 1) => ("down", Some("transmit")),
            ("netb", 10) => ("waiting", None),
            _ => ("up", None),
        };
        let watch = Neighbour {
            addr: format!("{subnet}.1"),
            node: "n1".into(),
            state: "fresh".into(),
            last_heard_ms: 121,
            missed: 0,
            gap_max_us: Some(252_300),
            measured: None,
        };
        let role = match (network, number) {
            ("neta", 10) => Some("leader"),
            // netb's leader says no role: it is told by the network.
            ("neta", 2) => Some("successor"),
            ("neta", 1) => Some("member"),
            _ => None,
        };
        Adapter {
            network: network.into(),
            node: format!("n{number}"),
            adapter: interface.into(),
            addr: format!("{subnet}.{number}"),
            self_: number == 2,
            state: state.into(),
            cause: cause.map(Into::into),
            verdict_id: (cause == Some("transmit")).then(|| "n2-41-7".into()),
            since_ms: 72_000,
            role: role.map(Into::into),
            carrier: (number == 2).then_some(true),
            ifindex: (number == 2).then_some(3),
            mac: (number == 2).then(|| "02:00:00:00:00:02".into()),
            watches: if number == 2 { vec![watch] } else { Vec::new() },
            feeds: if number == 2 { vec![format!("{subnet}.10")] } else { Vec::new() },
            ..Adapter::default()
        }
    };
    vec![adapter("netb", "ens2f0", "193.28.4"), adapter("neta", "ens1f0", "192.28.4")]
}

fn verdicts() -> Vec<Verdict> {
    let probe = |prober: &str, part: &str, target: &str, received, rtt_us| Observation {
        prober: prober.into(),
        prober_addr: "193.28.4.2".into(),
        part: part.into(),
        target: target.into(),
        target_addr: "193.28.4.1".into(),
        network: "netb".into(),
        sent: 5,
        received,
        rtt_us,
        seen_by_target: Some(5),
        heard_from_target: 0,
        icmp: Some(received > 0),
        elsewhere: Some(true),
    };
    vec![
        Verdict {
            id: "n2-41-7".into(),
            ts: "2026-11-22T12:02:55.100Z".into(),
            kind: "adapter".into(),
            network: "netb".into(),
            node: Some("n1".into()),
            adapter: Some("ens2f0".into()),
            addr: Some("193.28.4.1".into()),
            cause: Some("transmit".into()),
            confidence: "high".into(),
            reporter: "n2".into(),
            suspect: "n1".into(),
            arbiters: vec!["n10".into()],
            decided_by: "n10".into(),
            summary: "sends nothing that n2 or n10 hear, still receives; carrier up".into(),
            evidence: vec![
                probe("n2", "reporter", "n1", 0, None),
                probe("n10", "arbiter", "n1", 0, None),
                probe("n10", "arbiter", "n2", 5, Some(210)),
            ],
            took_ms: 1_120,
            ..Verdict::default()
        },
        Verdict {
            id: "n10-12-3".into(),
            ts: "2026-11-22T12:04:03.131Z".into(),
            kind: "path".into(),
            network: "neta".into(),
            node: Some("n1".into()),
            peer_node: Some("n10".into()),
            direction: Some("to_peer".into()),
            confidence: "medium".into(),
            reporter: "n10".into(),
            suspect: "n1".into(),
            arbiters: vec!["n2".into()],
            decided_by: "n10".into(),
            summary: "n2 reaches both n1 and n10".into(),
            hint: Some("Look at the trunk between their switches.".into()),
            took_ms: 1_050,
            ..Verdict::default()
        },
    ]
}

fn nim((network, interface, last): (&str, &str, u32)) -> Nim {
    Nim {
        network: network.into(),
        adapter: interface.into(),
        addr: format!("19{}.28.4.2", last + 1),
        pid: Some(900 + last),
        state: "running".into(),
        restarts: 0,
        sent: 48_211,
        received: 96_104,
        heartbeats_sent: 40_000,
        heartbeats_received: 80_000,
        heartbeats_missed: 4,
        send_errors: 0,
        rejected: vec![
            Counter { name: "not_ours".into(), value: 2 },
            Counter { name: "too_short".into(), value: 0 },
        ],
        lateness_max_us: 112,
        scheduling: Some("fifo".into()),
        memory_locked: Some(true),
        rss_bytes: 5 << 20,
    }
}
