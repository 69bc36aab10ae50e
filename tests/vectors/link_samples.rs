//! One value of every command and report: what the link's vectors were made from.

use std::net::IpAddr;

use hats_wire::link::{
    Command, Configure, Heard, Link, Measured, Mode, Neighbour, NeighbourState, ProbeDone, Report,
    StartProbe, Statistics,
};
use hats_wire::{CaseId, GroupId, Incarnation, NodeId};

const V4: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 77, 1, 3));
const V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 3));

fn group() -> GroupId {
    GroupId { instance: 41, leader: IpAddr::from([10, 77, 1, 5]) }
}

/// Every command, named as its vector.
pub(crate) fn commands() -> Vec<(&'static str, Command)> {
    let configure = Configure {
        interface: "eth0".into(),
        address: V4,
        prefix_length: 24,
        mode: Mode::Multicast,
        group: Some(IpAddr::from([239, 28, 4, 1])),
        port: 12347,
        node_id: NodeId(3),
        incarnation: Incarnation(1_795_432),
        cluster: 0x1234_5678,
        heartbeat_interval_ns: 250_000_000,
        sensitivity: 4,
        realtime_priority: 50,
        lock_memory: true,
    };
    let unicast = Configure {
        address: V6,
        prefix_length: 128,
        mode: Mode::Unicast,
        group: None,
        lock_memory: false,
        ..configure.clone()
    };
    let probe = StartProbe {
        id: 12,
        case: CaseId(7),
        target: V4,
        count: 5,
        interval_ns: 10_000_000,
        timeout_ns: 100_000_000,
        icmp: true,
        icmp_only: false,
        size: 0,
        until_answered: false,
    };
    let brief = StartProbe { until_answered: true, ..probe.clone() };
    let datagram = vec![0, 1, 254, 255];
    vec![
        ("configure", Command::Configure(configure)),
        ("configure-unicast", Command::Configure(unicast)),
        ("watch", Command::Watch { group: group(), feed: vec![V4, V6], expect: vec![V6] }),
        ("send", Command::Send { to: Some(V4), datagram: datagram.clone() }),
        ("send-network", Command::Send { to: None, datagram }),
        ("start_probe", Command::StartProbe(probe)),
        ("start_probe-until_answered", Command::StartProbe(brief)),
        ("lease", Command::Lease { duration_ns: 500_000_000 }),
        ("shutdown", Command::Shutdown),
    ]
}

/// Every report, named as its vector.
pub(crate) fn reports() -> Vec<(&'static str, Report)> {
    let (at_ns, from, case) = (812_345_678_901, V4, CaseId(7));
    let (node_id, incarnation) = (NodeId(3), Incarnation(1_795_432));
    let ready = Report::Ready {
        pid: 4711,
        version: "0.1.0".into(),
        realtime: true,
        memory_locked: false,
        icmp: true,
        warnings: vec!["memory is not locked: give CAP_IPC_LOCK".into()],
    };
    let neighbour = Neighbour {
        at_ns,
        address: V6,
        state: NeighbourState::Silent,
        last_heard_ns: 811_000_000_000,
        missed: 4,
        stalled: true,
        steady: false,
    };
    let steady = Neighbour { steady: true, ..neighbour.clone() };
    let stranger =
        Report::Stranger { at_ns, from, group: group(), node_id, incarnation, stalled: true };
    vec![
        ("ready", ready),
        ("link", Report::Link(link(at_ns))),
        ("received", Report::Received { at_ns, from, to_group: true, datagram: vec![0, 255] }),
        ("neighbour", Report::Neighbour(neighbour)),
        ("neighbour-steady", Report::Neighbour(steady)),
        ("stranger", stranger),
        ("probe_seen", Report::ProbeSeen { at_ns, from, case, sequence: 3, node_id }),
        ("probe_done", Report::ProbeDone(probe_done(at_ns))),
        ("statistics", Report::Statistics(statistics())),
        ("late", Report::Late { at_ns, lateness_ns: 3_000_000 }),
        ("taken", Report::Taken { at_ns, mac: vec![2, 0, 0, 0, 2, 9] }),
        (
            "overheard",
            Report::Overheard {
                at_ns,
                address: [10, 77, 2, 3].into(),
                mac: vec![2, 0, 0, 0, 2, 3],
            },
        ),
    ]
}

fn link(at_ns: u64) -> Link {
    Link {
        at_ns,
        present: true,
        ifindex: 4,
        admin_up: true,
        carrier: true,
        address: true,
        address_duplicate: true,
        open: true,
        mac: vec![2, 0, 0, 0, 0, 3],
        mtu: 1500,
        error: "bind: the address is not there".into(),
    }
}

fn probe_done(at_ns: u64) -> ProbeDone {
    ProbeDone {
        id: 12,
        at_ns,
        sent: 5,
        received: 4,
        rtt_ns: 180_000,
        icmp_sent: 3,
        icmp_received: 2,
        stalled: true,
        heard: 6,
    }
}

fn statistics() -> Statistics {
    Statistics {
        sent: 1,
        received: 2,
        send_errors: 3,
        heartbeats_sent: 4,
        heartbeats_received: 5,
        heartbeats_missed: 6,
        rejected: vec![("not_ours".into(), 7), ("too_short".into(), 8)],
        lateness_max_ns: 9,
        heard: vec![Heard {
            address: V4,
            last_heard_ns: 10,
            gap_max_ns: 0,
            missed: 11,
            state: NeighbourState::Late,
            measured: Measured {
                since_ns: 12,
                beats: 13,
                lost: 14,
                lost_run_max: 15,
                late_max_ns: 16,
                late: vec![17, 0, 18],
            },
        }],
    }
}
