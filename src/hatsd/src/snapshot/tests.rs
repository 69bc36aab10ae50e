use std::time::Duration;

use hats_core::{
    config::{AdapterSpec, Mode, NetworkSpec},
    io::AdapterIndex,
    view::{NodeState, VerdictView},
};
use hats_wire::{
    Cause, Confidence, Direction, GroupId, Identity, Incarnation, Member, NodeId, Pair, Verdict,
    VerdictKind,
    link::{Link, NeighbourState, Statistics},
};

use super::*;
use crate::discovery::{LeftOut, Waiting};

const NOW: Timestamp = Timestamp(100_000_000_000);

fn ago(millis: u64) -> Timestamp {
    Timestamp(NOW.0 - millis * 1_000_000)
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn config() -> Config {
    Config {
        cluster: "atc".to_owned(),
        node: "n1".to_owned(),
        node_id: NodeId(1),
        incarnation: Incarnation(9),
        version: "0.1.0".to_owned(),
        detection: Profile::Default.detection(),
        realtime_priority: 0,
        lock_memory: false,
    }
}

fn node(name: &str, state: NodeState) -> NodeView {
    NodeView {
        name: name.to_owned(),
        node_id: NodeId(u64::from(name.as_bytes()[1])),
        is_self: name == "n1",
        state,
        cause: None,
        verdict_id: None,
        incarnation: Incarnation(9),
        version: "0.1.0".to_owned(),
        since: ago(5_000),
        maintenance: false,
    }
}

fn adapter(node: &str, address: &str) -> AdapterView {
    AdapterView {
        network: "neta".to_owned(),
        node: node.to_owned(),
        interface: "eth0".to_owned(),
        address: ip(address),
        is_self: node == "n1",
        state: AdapterState::Up,
        cause: None,
        verdict_id: None,
        since: ago(2_000),
        held: None,
    }
}

/// Three nodes on one network, all well, seen from n1.
fn view() -> View {
    let network = NetworkView {
        broken: None,
        multicast_broken: false,
        narrow: Vec::new(),
        crossed: Vec::new(),
        name: "neta".to_owned(),
        subnet: "10.77.1.0/24".to_owned(),
        mode: Some(Mode::Multicast),
        group_address: Some(ip("239.28.4.1")),
        port: 12347,
        local: true,
        group: Some(GroupId { instance: 41, leader: ip("10.77.1.3") }),
        members: vec![ip("10.77.1.3"), ip("10.77.1.2"), ip("10.77.1.1")],
        leader: Some("n3".to_owned()),
        successor: Some(("n2".to_owned(), ip("10.77.1.2"))),
        stable: true,
        since: ago(7_000),
    };
    let heard = Heard {
        address: ip("10.77.1.2"),
        last_heard_ns: ago(120).0,
        gap_max_ns: 260_500_000,
        missed: 0,
        state: NeighbourState::Fresh,
        measured: Measured::default(),
    };
    let link = Link { present: true, ifindex: 3, open: true, carrier: true, ..Link::default() };
    let local = LocalView {
        adapter: AdapterIndex(0),
        network: "neta".to_owned(),
        interface: "eth0".to_owned(),
        address: ip("10.77.1.1"),
        link: Some(Link { mac: vec![2, 0, 0, 0, 0, 0xab], ..link }),
        statistics: Statistics { sent: 12, ..Statistics::default() },
        feeds: vec![ip("10.77.1.3")],
        watches: vec![heard],
        references: vec![ip("10.77.1.254")],
        required: Vec::new(),
        realtime: false,
        memory_locked: false,
        since: ago(7_000),
        stable: true,
    };
    View {
        networks: vec![network],
        nodes: ["n1", "n2", "n3"].map(|name| node(name, NodeState::Up)).to_vec(),
        adapters: vec![
            adapter("n1", "10.77.1.1"),
            adapter("n2", "10.77.1.2"),
            adapter("n3", "10.77.1.3"),
        ],
        locals: vec![local],
        ..View::default()
    }
}

fn facts() -> nim::Facts {
    let network = NetworkSpec {
        name: "neta".to_owned(),
        subnet: "10.77.1.0/24".to_owned(),
        mode: Mode::Multicast,
        group: None,
        port: 12347,
        peers: Vec::new(),
        reference_targets: Vec::new(),
    };
    let (interface, address) = ("eth0".to_owned(), ip("10.77.1.1"));
    nim::Facts {
        adapter: AdapterIndex(0),
        spec: AdapterSpec {
            network,
            interface,
            address,
            prefix_length: 24,
            required_targets: Vec::new(),
        },
        pid: Some(std::process::id()),
        ready: true,
        restarts: 0,
        dropped: 0,
    }
}

fn snapshot_of(view: &View, plan: &Plan, nims: &[nim::Facts]) -> ipc::Snapshot {
    build(Sources {
        place: Place { now: NOW, epoch: 9, next_seq: 17 },
        wall: jiff::Timestamp::from_millisecond(1_795_432_000_007).unwrap(),
        view,
        config: &config(),
        profile: Profile::Default,
        config_file: None,
        plan,
        nims,
        subscribers: Vec::new(),
        started: ago(60_000),
        lateness_max: Duration::from_micros(250),
    })
}

fn snapshot(view: &View) -> ipc::Snapshot {
    snapshot_of(view, &Plan::default(), &[facts()])
}

fn member(node: &str, address: &str) -> Member {
    Member::from(Identity {
        address: ip(address),
        node_id: NodeId(3),
        incarnation: Incarnation(9),
        node: node.to_owned(),
        interface: "eth0".to_owned(),
    })
}

fn verdict(kind: VerdictKind, cause: Option<Cause>) -> VerdictView {
    let verdict = Verdict {
        id: "n2-9-1".to_owned(),
        kind,
        network: "neta".to_owned(),
        group: GroupId { instance: 41, leader: ip("10.77.1.3") },
        culprit: member("n3", "10.77.1.3"),
        peer: None,
        direction: None,
        cause,
        confidence: Confidence::High,
        reporter: member("n2", "10.77.1.2"),
        suspect: member("n3", "10.77.1.3"),
        arbiters: vec!["n1".to_owned()],
        decided_by: "n2".to_owned(),
        decided_by_node: NodeId(2),
        observations: Vec::new(),
        sides: Vec::new(),
        missing: String::new(),
        took_us: 1_042_700,
    };
    VerdictView { at: ago(1_500), verdict }
}

fn down(view: &mut View, cause: Cause) {
    view.adapters[2].state = AdapterState::Down;
    view.adapters[2].cause = Some(cause);
    view.adapters[2].verdict_id = Some("n2-9-1".to_owned());
}

#[test]
fn a_cluster_that_is_well_is_ok_and_ages_are_milliseconds() {
    let shown = snapshot(&view());
    assert_eq!((shown.overall.as_str(), shown.reasons.len()), ("OK", 0));
    assert_eq!((shown.epoch, shown.next_seq, shown.mono_ns), (9, 17, NOW.0));
    let daemon = shown.daemon.unwrap();
    assert_eq!((daemon.uptime_ms, daemon.lateness_max_us), (60_000, 250));
    let detection = shown.detection.unwrap();
    assert_eq!((detection.detection_time_us, detection.verdict_bound_us), (1_000_000, 1_200_000));
    let network = &shown.networks[0];
    assert_eq!((network.configured, network.up, network.since_ms), (3, 3, 7_000));
    assert_eq!(network.state, "stable");
    let roles: Vec<_> = shown.adapters.iter().map(|it| it.role.as_deref().unwrap()).collect();
    assert_eq!(roles, ["member", "successor", "leader"]);
    let own = &shown.adapters[0];
    assert_eq!((own.carrier, own.ifindex), (Some(true), Some(3)));
    assert_eq!(own.mac.as_deref(), Some("02:00:00:00:00:ab"));
    assert_eq!((own.watches[0].node.as_str(), own.watches[0].last_heard_ms), ("n2", 120));
    assert_eq!(shown.adapters[1].carrier, None, "the kernel is asked on the own node only");
    let nim = &shown.nims[0];
    assert_eq!((nim.state.as_str(), nim.sent), ("running", 12));
    assert!(nim.rss_bytes > 0);
}

#[test]
fn no_share_of_heartbeats_is_later_than_the_worst_of_them() {
    let mut view = view();
    // Two within 100 us, one within 150 us, and that one 120 us late.
    view.locals[0].watches[0].measured =
        Measured { beats: 3, late: vec![2, 1], late_max_ns: 120_000, ..Measured::default() };
    let shown = snapshot(&view).adapters[0].watches[0].measured.unwrap();
    let late = [shown.late_p500_us, shown.late_p990_us, shown.late_p999_us];
    assert_eq!((late, shown.late_max_us), ([Some(100), Some(120), Some(120)], 120));
}

#[test]
fn an_adapter_that_is_down_degrades_the_cluster_with_the_reason_in_words() {
    let mut view = view();
    down(&mut view, Cause::Transmit);
    view.verdicts = vec![verdict(VerdictKind::Adapter, Some(Cause::Transmit))];
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "DEGRADED");
    let expected = "adapter eth0 of n3 on neta is down: silent: sends nothing that others hear, \
                    still receives (transmit)";
    assert_eq!(shown.reasons, [expected]);
    assert_eq!(shown.networks[0].up, 2);
    let verdict = &shown.verdicts[0];
    assert_eq!((verdict.kind.as_str(), verdict.took_ms), ("adapter", 1_042));
    assert_eq!(verdict.ts, "2026-11-23T11:06:38.507Z");
    assert!(verdict.summary.contains("eth0 of n3"), "{}", verdict.summary);
}

#[test]
fn a_node_that_is_down_is_critical_and_its_adapters_are_not_listed_again() {
    let mut view = view();
    down(&mut view, Cause::NodeDown);
    view.nodes[2].state = NodeState::Down;
    view.nodes[2].cause = Some(Cause::NodeDown);
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "CRITICAL");
    assert_eq!(shown.reasons.len(), 1, "{:?}", shown.reasons);
    assert!(shown.reasons[0].starts_with("node n3 is down: "), "{:?}", shown.reasons);

    view.nodes[2].cause = Some(Cause::DaemonDown);
    let shown = snapshot(&view);
    assert!(shown.reasons[0].starts_with("the daemon of node n3 is down: "), "{:?}", shown.reasons);
}

#[test]
fn a_network_that_fell_apart_is_critical_and_said_once() {
    let mut view = view();
    for index in [1, 2] {
        view.adapters[index].state = AdapterState::Unknown;
    }
    view.networks[0].broken = Some(EventKind::NetworkPartitioned);
    let mut apart = verdict(VerdictKind::Partition, None);
    apart.verdict.sides = vec![vec![ip("10.77.1.1")], vec![ip("10.77.1.2"), ip("10.77.1.3")]];
    view.verdicts = vec![apart];
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "CRITICAL");
    let said = shown.reasons.iter().filter(|it| **it == "neta has fallen apart: n1 | n2,n3");
    assert_eq!(said.count(), 1, "{:?}", shown.reasons);
    assert_eq!(shown.verdicts[0].sets, ["n1", "n2,n3"]);
    assert_eq!(shown.verdicts[0].node, None, "nobody is blamed");
}

#[test]
fn a_network_that_loses_long_packets_is_degraded_and_says_where() {
    let mut view = view();
    view.networks[0].narrow = vec![(ip("10.77.1.1"), ip("10.77.1.3"), 586)];
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "DEGRADED");
    assert_eq!(shown.reasons, ["packets of more than 586 bytes get lost on network neta"]);
    let network = &shown.networks[0];
    assert_eq!((&*network.narrow[0].node, &*network.narrow[0].peer_node), ("n1", "n3"));
    assert_eq!(
        network.reason.as_deref(),
        Some("packets of more than 586 bytes from n1 to n3 get lost")
    );
    view.networks[0].narrow.push((ip("10.77.1.3"), ip("10.77.1.1"), 590));
    let shown = snapshot(&view);
    assert_eq!(
        shown.networks[0].reason.as_deref(),
        Some("packets of more than 586 bytes from n1 to n3 get lost, and on 1 more way")
    );
}

#[test]
fn a_network_without_multicast_is_degraded_and_says_what_holds_it() {
    let mut view = view();
    view.networks[0].multicast_broken = true;
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "DEGRADED");
    assert_eq!(shown.reasons, ["multicast does not get through on network neta"]);
    let network = &shown.networks[0];
    assert!(network.multicast_broken && network.state == "stable", "{network:?}");
    let reason = network.reason.as_deref().unwrap_or_default();
    assert!(reason.ends_with("the group holds by unicast"), "{reason}");
}

#[test]
fn a_node_that_left_on_purpose_is_no_fault() {
    let mut view = view();
    view.nodes[2].state = NodeState::Left;
    view.adapters[2].state = AdapterState::Left;
    view.adapters[2].cause = Some(Cause::Left);
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "OK", "{:?}", shown.reasons);
    assert_eq!(shown.nodes[2].reason.as_deref(), Some("left on purpose"));
}

#[test]
fn what_is_waited_for_and_what_is_left_out_is_shown_with_its_reason() {
    let plan = Plan {
        waiting: vec![Waiting {
            network: "neta".to_owned(),
            interface: Some("ens1f0".to_owned()),
            address: None,
            reason: "interface ens1f0 does not exist".to_owned(),
        }],
        left_out: vec![LeftOut {
            interface: "docker0".to_owned(),
            subnet: Some("172.17.0.0/16".parse().unwrap()),
            reason: "docker0 is a bridge of containers".to_owned(),
        }],
        adapters: Vec::new(),
    };
    let shown = snapshot_of(&view(), &plan, &[facts()]);
    assert_eq!(shown.overall, "DEGRADED");
    assert_eq!(shown.reasons, ["waiting: interface ens1f0 does not exist"]);
    let waiting = &shown.adapters[3];
    assert_eq!((waiting.state.as_str(), waiting.self_), ("waiting", true));
    assert_eq!(shown.networks[0].configured, 4);
    let left_out = &shown.networks[1];
    assert_eq!((left_out.name.as_str(), left_out.state.as_str()), ("172.17.0.0/16", "left_out"));
    assert_eq!(left_out.reason.as_deref(), Some("docker0 is a bridge of containers"));
}

#[test]
fn a_failed_path_blames_no_adapter_and_is_told_from_its_lower_end() {
    let mut view = view();
    let mut path = verdict(VerdictKind::Path, None);
    path.verdict.peer = Some(member("n1", "10.77.1.1"));
    path.verdict.direction = Some(Direction::ToPeer);
    view.verdicts = vec![path];
    view.paths = vec![PathView {
        network: "neta".to_owned(),
        pair: Pair::new(ip("10.77.1.1"), ip("10.77.1.3")),
        nodes: ("n1".to_owned(), "n3".to_owned()),
        verdict_id: Some("n2-9-1".to_owned()),
        since: ago(1_500),
    }];
    let shown = snapshot(&view);
    assert_eq!(shown.overall, "DEGRADED");
    assert_eq!(shown.reasons, ["the path between n1 and n3 on neta has failed"]);
    let path = &shown.paths[0];
    assert_eq!((path.node.as_str(), path.direction.as_str()), ("n1", "from_peer"));
}

#[test]
fn a_nim_that_rests_between_two_lives_degrades_the_cluster() {
    let resting = nim::Facts { pid: None, ready: false, restarts: 4, ..facts() };
    let shown = snapshot_of(&view(), &Plan::default(), &[resting]);
    assert_eq!((shown.overall.as_str(), shown.nims[0].state.as_str()), ("DEGRADED", "backing_off"));
    assert_eq!(shown.nims[0].scheduling, None);
}
