//! One value of every message: what the vectors were made from.

use std::net::IpAddr;

use hats_wire::{
    AdapterReport, CaseId, Cause, Chunk, Confidence, Direction, Envelope, GroupId, GroupReport,
    Header, Identity, Incarnation, Item, ItemBody, ItemKey, ItemVersion, Join, Letter, List, Loss,
    Member, Message, Multicast, NodeId, NodeReport, Observation, Pair, Prepare, ProbeNotice,
    ProbeRequest, ProbeResult, ProbeSeen, Proclaim, Removal, Silent, Summary, Told, Verdict,
    VerdictKind, cluster_tag,
};

pub(crate) fn header() -> Header {
    Header {
        cluster: cluster_tag("atc"),
        node_id: NodeId(0x0123_4567_89ab_cdef),
        incarnation: Incarnation(1_795_432),
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn group() -> GroupId {
    GroupId { instance: 41, leader: address("10.77.1.5") }
}

fn group_v6() -> GroupId {
    GroupId { instance: 1 << 62, leader: address("fe80::5") }
}

fn member(number: u8) -> Member {
    Member::from(Identity {
        address: IpAddr::from([10, 77, 1, number]),
        node_id: NodeId(0xfeed_0000_0000_0000 | u64::from(number)),
        incarnation: Incarnation(1_795_400 + u64::from(number)),
        node: format!("n{number}"),
        interface: "eth0".into(),
    })
}

fn member_v6() -> Member {
    let (address, interface) = (address("fe80::3"), "ens1f0".into());
    Identity { address, interface, ..Identity::clone(&member(3)) }.into()
}

fn pair() -> Pair {
    Pair::new(address("10.77.1.2"), address("10.77.1.3"))
}

fn told() -> Vec<Told> {
    let word = |text: &str| text.to_owned();
    vec![
        Told {
            code: 1110,
            network: word("netb"),
            sets: vec![word("n1,n2"), word("n3")],
            instance: 300,
            ..Told::default()
        },
        Told {
            code: 2201,
            network: word("neta"),
            node: word("n1"),
            interface: word("eth0"),
            peer_node: word("n2"),
            peer_interface: word("eth1"),
            ..Told::default()
        },
    ]
}

fn removal() -> Removal {
    Removal { member: member(3), cause: Cause::Transmit, verdict_id: "n2-95432-7".into() }
}

fn mute() -> Observation {
    Observation {
        prober: "n1".into(),
        prober_address: address("10.77.1.1"),
        prober_is_reporter: false,
        target: "n3".into(),
        target_address: address("10.77.1.3"),
        network: "neta".into(),
        sent: 5,
        received: 0,
        rtt_us: None,
        seen_by_target: Some(5),
        heard_from_target: 0,
        icmp: Some(false),
        elsewhere: Some(true),
        stalled: false,
        fact: None,
    }
}

fn well() -> Observation {
    Observation {
        prober_is_reporter: true,
        received: 4,
        rtt_us: Some(0),
        seen_by_target: Some(0),
        heard_from_target: 9,
        icmp: None,
        elsewhere: None,
        stalled: true,
        fact: Some(Cause::LinkDown),
        ..mute()
    }
}

fn silent() -> Silent {
    Silent {
        case_name: "n2-95432-7".into(),
        network: "neta".into(),
        group: group(),
        reporter: member(2),
        suspect: member(3),
        observations: vec![mute(), well()],
        arbiters: vec!["n1".into(), "n5".into()],
        silent_us: 1_000_250,
        waited_us: 0,
    }
}

fn verdict() -> Verdict {
    Verdict {
        id: "n2-95432-7".into(),
        kind: VerdictKind::Path,
        network: "neta".into(),
        group: group(),
        culprit: member(3),
        peer: Some(member(2)),
        direction: Some(Direction::FromPeer),
        cause: Some(Cause::Both),
        confidence: Confidence::Medium,
        reporter: member(2),
        suspect: member(3),
        arbiters: vec!["n1".into()],
        decided_by: "n5".into(),
        decided_by_node: NodeId(5),
        observations: vec![mute()],
        sides: vec![vec![address("10.77.1.1"), address("10.77.1.2")], vec![address("fe80::3")]],
        missing: "a third node on neta".into(),
        took_us: 1_034_000,
    }
}

fn node_report() -> NodeReport {
    NodeReport {
        node_id: NodeId(7),
        node: "n7".into(),
        version: "0.1.0".into(),
        adapters: vec![
            AdapterReport {
                network: "neta".into(),
                interface: "eth0".into(),
                address: address("10.77.1.7"),
                fault: None,
                group: Some(group()),
                held: None,
                mac: vec![2, 0, 0, 0, 0, 7],
                loss: Some(Loss { inward: 31, outward: 0, own: true }),
                multicast: Multicast::Unknown,
                narrow: Vec::new(),
                overheard: Vec::new(),
            },
            AdapterReport {
                network: "netb".into(),
                interface: "eth1".into(),
                address: address("fe80::7"),
                fault: Some(Cause::AddressLost),
                group: None,
                held: None,
                mac: Vec::new(),
                loss: None,
                multicast: Multicast::Unknown,
                narrow: Vec::new(),
                overheard: Vec::new(),
            },
        ],
        leaving: true,
        maintenance: false,
    }
}

fn group_report() -> GroupReport {
    GroupReport {
        network: "neta".into(),
        subnet: "10.77.1.0/24".into(),
        group: group(),
        leader_node: NodeId(5),
        members: vec![member(5), member(2)],
        failed_paths: vec![pair()],
        removed: vec![removal()],
    }
}

fn item(sequence: u64, body: ItemBody) -> Item {
    Item { incarnation: Incarnation(1_795_432), sequence, body }
}

fn letter(letter: Letter) -> Message {
    let (from, to) = (NodeId(2), NodeId(5));
    Message::Envelope(Envelope { from, to, hops_left: 8, about: "neta".into(), letter })
}

/// Every message, named as its vector.
pub(crate) fn messages() -> Vec<(&'static str, Message)> {
    let mut all = group_messages();
    all.extend(probe_messages());
    all.extend(letters());
    all.extend(flooded());
    all
}

fn group_messages() -> Vec<(&'static str, Message)> {
    vec![
        ("heartbeat", Message::Heartbeat { sequence: 300, group: group(), stalled: true }),
        ("proclaim", Message::Proclaim(proclaim())),
        (
            "join",
            Message::Join(Join {
                group: group(),
                into: group_v6(),
                members: vec![member(2), member_v6()],
                failed_paths: vec![pair()],
                leaving: vec![],
                told: vec![],
            }),
        ),
        (
            "join-leaving",
            Message::Join(Join {
                group: group(),
                into: group_v6(),
                members: vec![member(2)],
                failed_paths: vec![],
                leaving: vec![address("10.77.1.4")],
                told: vec![],
            }),
        ),
        (
            "prepare",
            Message::Prepare(Prepare {
                group: group(),
                base: None,
                members: vec![member(5), member(2)],
                failed_paths: vec![pair()],
                removed: vec![removal()],
                digest: 0x1122_3344_5566_7788,
                told: vec![],
            }),
        ),
        (
            "prepare-difference",
            Message::Prepare(Prepare {
                group: group(),
                base: Some(GroupId { instance: group().instance - 1, ..group() }),
                members: vec![member(5)],
                failed_paths: vec![],
                removed: vec![removal()],
                digest: 0x1122_3344_5566_7788,
                told: vec![],
            }),
        ),
        (
            "prepare-told",
            Message::Prepare(Prepare {
                group: group(),
                base: None,
                members: vec![member(5), member(2)],
                failed_paths: vec![],
                removed: vec![],
                digest: 0x1122_3344_5566_7788,
                told: told(),
            }),
        ),
        (
            "join-told",
            Message::Join(Join {
                group: group(),
                into: group_v6(),
                members: vec![member(2)],
                failed_paths: vec![],
                leaving: vec![],
                told: told(),
            }),
        ),
        (
            "list-told",
            Message::List(List {
                group: group(),
                members: vec![member(5)],
                failed_paths: vec![],
                removed: vec![],
                base: None,
                told: told(),
            }),
        ),
        ("prepare_ack", Message::PrepareAck { group: group_v6(), have: None }),
        ("prepare_ack-have", Message::PrepareAck { group: group_v6(), have: Some(group()) }),
        (
            "commit",
            Message::Commit { group: group(), digest: 0x1122_3344_5566_7788, absent: vec![] },
        ),
        (
            "commit-absent",
            Message::Commit {
                group: group(),
                digest: 0x1122_3344_5566_7788,
                absent: vec![address("10.77.1.4")],
            },
        ),
        ("list_request", Message::ListRequest { have: group() }),
        (
            "list",
            Message::List(List {
                group: group(),
                members: vec![member(5), member(2)],
                failed_paths: vec![pair()],
                removed: vec![removal()],
                base: None,
                told: vec![],
            }),
        ),
        (
            "list-base",
            Message::List(List {
                group: group(),
                members: vec![member(5)],
                failed_paths: vec![],
                removed: vec![],
                base: Some(GroupId { instance: group().instance - 1, ..group() }),
                told: vec![],
            }),
        ),
        (
            "expelled",
            Message::Expelled {
                group: group(),
                cause: Cause::Inconclusive,
                verdict_id: "n2-95432-7".into(),
                members: vec![],
            },
        ),
        (
            "expelled-members",
            Message::Expelled {
                group: group(),
                cause: Cause::Unreachable,
                verdict_id: String::new(),
                members: vec![address("10.77.1.5"), address("10.77.1.2")],
            },
        ),
        ("leave", Message::Leave { group: group() }),
        ("leave_ack", Message::LeaveAck { group: group() }),
        ("goodbye", Message::Goodbye { group: group() }),
    ]
}

fn proclaim() -> Proclaim {
    Proclaim {
        group: group(),
        size: 8,
        digest: 0x1122_3344_5566_7788,
        cluster: "atc".into(),
        network: "neta".into(),
        node: "n5".into(),
        interface: "eth0".into(),
        database: 0x99aa_bbcc_ddee_ff00,
    }
}

fn probe_messages() -> Vec<(&'static str, Message)> {
    let case = CaseId(7);
    let probe = Message::Probe { case, sequence: 3, probe: 1 << 40, padding: 0 };
    let datagram = hats_wire::encode(&header(), &probe);
    let (from, to) = (address("10.77.1.2"), address("10.77.1.3"));
    let chunk = Chunk { message_id: 77, index: 1, count: 3, kind: 8, part: vec![0, 1, 254, 255] };
    vec![
        ("probe", probe),
        ("probe_reply", Message::ProbeReply { case, sequence: 3, probe: 1 << 40, stalled: true }),
        ("relay", Message::Relay { from, to, datagram }),
        ("chunk", Message::Chunk(chunk)),
    ]
}

fn letters() -> Vec<(&'static str, Message)> {
    let (case, round, network) = (CaseId(7), 2, String::from("neta"));
    let (prober, target) = (address("10.77.1.1"), address("10.77.1.3"));
    let timeout_us = 100_000;
    let request = ProbeRequest {
        case,
        round,
        network: network.clone(),
        reporter: member(2),
        suspect: member(3),
        timeout_us,
        brief: false,
        doubts_itself: false,
    };
    let brief_request = ProbeRequest { brief: true, doubts_itself: true, ..request.clone() };
    let observations = vec![mute(), well()];
    let result = ProbeResult { case, round, observations, abstains: true };
    let notice = ProbeNotice {
        case,
        round,
        network: network.clone(),
        prober,
        target,
        timeout_us,
        brief: false,
    };
    let brief_notice = ProbeNotice { brief: true, ..notice.clone() };
    let fact = Some(Cause::NimFailed);
    let seen = ProbeSeen { case, round, network, prober, target, count: 5, fact };
    let case_name: String = "n2-95432-7".into();
    let decided = Some(item(2, ItemBody::Verdict(verdict())).into());
    vec![
        ("envelope-probe_request", letter(Letter::ProbeRequest(request))),
        ("envelope-probe_request-brief", letter(Letter::ProbeRequest(brief_request))),
        ("envelope-probe_result", letter(Letter::ProbeResult(result))),
        ("envelope-probe_notice", letter(Letter::ProbeNotice(notice))),
        ("envelope-probe_notice-brief", letter(Letter::ProbeNotice(brief_notice))),
        ("envelope-probe_seen", letter(Letter::ProbeSeen(seen))),
        ("envelope-silent", letter(Letter::Silent(silent()))),
        (
            "envelope-silent_ack",
            letter(Letter::SilentAck { case_name: case_name.clone(), verdict: None }),
        ),
        ("envelope-silent_ack-verdict", letter(Letter::SilentAck { case_name, verdict: decided })),
    ]
}

fn flooded() -> Vec<(&'static str, Message)> {
    let flood = |body| Message::Flood { items: vec![item(9, body)] };
    let version = |key| ItemVersion { key, incarnation: Incarnation(1_795_432), sequence: 9 };
    let summary = |summary| Message::Summary(Summary { answer_wanted: true, ..summary });
    let have = vec![
        version(ItemKey::Node(NodeId(7))),
        version(ItemKey::Group("neta".into(), address("10.77.1.5"))),
        version(ItemKey::Verdict("n2-95432-7".into())),
    ];
    vec![
        ("flood-node", flood(ItemBody::Node(node_report()))),
        ("flood-group", flood(ItemBody::Group(group_report()))),
        ("flood-verdict", flood(ItemBody::Verdict(verdict()))),
        ("summary", summary(Summary { have: have.clone(), ..Summary::default() })),
        (
            "summary-buckets",
            summary(Summary { buckets: vec![1, 0, u64::MAX], ..Summary::default() }),
        ),
        ("summary-covers", summary(Summary { have, covers: vec![0, 63], ..Summary::default() })),
    ]
}
