//! Any message at all, for the properties.

use std::net::{IpAddr, Ipv6Addr};

use hats_wire::{
    AdapterReport, CHUNK_PART_MAX, CHUNKS_MAX, CaseId, Cause, Chunk, Confidence, Direction,
    Envelope, GroupId, GroupReport, Header, Identity, Incarnation, Item, ItemBody, ItemKey,
    ItemVersion, Join, Letter, List, Member, Message, Multicast, Narrow, NodeId, NodeReport,
    Observation, Overheard, Pair, Prepare, ProbeNotice, ProbeRequest, ProbeResult, ProbeSeen,
    Proclaim, Removal, Silent, Summary, Told, Verdict, VerdictKind,
};
use proptest::{collection::vec, option, prelude::*, sample::select};

fn word() -> impl Strategy<Value = String> {
    "\\PC{0,12}"
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (1u8..224, any::<[u8; 3]>()).prop_map(|(a, [b, c, d])| IpAddr::from([a, b, c, d])),
        (0xfc00u16..0xff00, any::<u64>())
            .prop_map(|(a, low)| Ipv6Addr::from(u128::from(a) << 112 | u128::from(low)).into()),
    ]
}

fn group() -> impl Strategy<Value = GroupId> {
    (0..=1u64 << 62, address()).prop_map(|(instance, leader)| GroupId { instance, leader })
}

fn member() -> impl Strategy<Value = Member> {
    (address(), any::<u64>(), any::<u64>(), word(), word()).prop_map(
        |(address, node_id, incarnation, node, interface)| {
            Member::from(Identity {
                address,
                node_id: NodeId(node_id),
                incarnation: Incarnation(incarnation),
                node,
                interface,
            })
        },
    )
}

fn pair() -> impl Strategy<Value = Pair> {
    (address(), address())
        .prop_filter("two ends", |(a, b)| a != b)
        .prop_map(|(a, b)| Pair::new(a, b))
}

fn cause() -> impl Strategy<Value = Cause> {
    select(Cause::ALL.as_slice())
}

fn removal() -> impl Strategy<Value = Removal> {
    (member(), cause(), word()).prop_map(|(member, cause, verdict_id)| Removal {
        member,
        cause,
        verdict_id,
    })
}

fn told() -> impl Strategy<Value = Vec<Told>> {
    let names = (word(), word(), word(), word(), word());
    let one =
        (any::<[u32; 2]>(), names, vec(word(), 0..3)).prop_map(|(numbers, names, sets)| Told {
            code: numbers[0],
            network: names.0,
            node: names.1,
            interface: names.2,
            peer_node: names.3,
            peer_interface: names.4,
            sets,
            instance: numbers[1].into(),
        });
    vec(one, 0..3)
}

fn observation() -> impl Strategy<Value = Observation> {
    (
        (word(), address(), any::<bool>()),
        (word(), address(), word()),
        (any::<u32>(), any::<u32>(), option::of(any::<u64>()), option::of(any::<u32>())),
        (any::<u32>(), option::of(any::<bool>()), option::of(any::<bool>())),
        (any::<bool>(), option::of(cause())),
    )
        .prop_map(|(prober, target, counts, signs, rest)| Observation {
            prober: prober.0,
            prober_address: prober.1,
            prober_is_reporter: prober.2,
            target: target.0,
            target_address: target.1,
            network: target.2,
            sent: counts.0,
            received: counts.1,
            rtt_us: counts.2,
            seen_by_target: counts.3,
            heard_from_target: signs.0,
            icmp: signs.1,
            elsewhere: signs.2,
            stalled: rest.0,
            fact: rest.1,
        })
}

/// Any header.
pub(crate) fn header() -> impl Strategy<Value = Header> {
    (any::<u32>(), any::<u64>(), any::<u64>()).prop_map(|(cluster, node_id, incarnation)| Header {
        cluster,
        node_id: NodeId(node_id),
        incarnation: Incarnation(incarnation),
    })
}

fn proclaim() -> impl Strategy<Value = Proclaim> {
    (group(), any::<u32>(), any::<[u64; 2]>(), word(), word(), word(), word()).prop_map(
        |(group, size, [digest, database], cluster, network, node, interface)| Proclaim {
            group,
            size,
            digest,
            cluster,
            network,
            node,
            interface,
            database,
        },
    )
}

fn lists() -> impl Strategy<Value = Message> {
    let parts = || (vec(member(), 0..6), vec(pair(), 0..3), vec(removal(), 0..3));
    prop_oneof![
        (group(), group(), parts(), vec(address(), 0..3), told()).prop_map(
            |(group, into, (members, failed_paths, _), leaving, told)| {
                Message::Join(Join { group, into, members, failed_paths, leaving, told })
            }
        ),
        (group(), option::of(group()), any::<u64>(), parts(), told()).prop_map(
            |(group, base, digest, (members, failed_paths, removed), told)| {
                Message::Prepare(Prepare {
                    group,
                    base,
                    members,
                    failed_paths,
                    removed,
                    digest,
                    told,
                })
            }
        ),
        (group(), option::of(group()), parts(), told()).prop_map(
            |(group, base, (members, failed_paths, removed), told)| {
                Message::List(List { group, members, failed_paths, removed, base, told })
            }
        ),
    ]
}

fn short() -> impl Strategy<Value = Message> {
    prop_oneof![
        (any::<u64>(), group(), any::<bool>()).prop_map(|(sequence, group, stalled)| {
            Message::Heartbeat { sequence, group, stalled }
        }),
        proclaim().prop_map(Message::Proclaim),
        (group(), option::of(group()))
            .prop_map(|(group, have)| Message::PrepareAck { group, have }),
        (group(), any::<u64>(), vec(address(), 0..4))
            .prop_map(|(group, digest, absent)| Message::Commit { group, digest, absent }),
        group().prop_map(|have| Message::ListRequest { have }),
        (group(), cause(), word(), vec(address(), 0..4)).prop_map(
            |(group, cause, verdict_id, members)| {
                Message::Expelled { group, cause, verdict_id, members }
            }
        ),
        group().prop_map(|group| Message::Leave { group }),
        group().prop_map(|group| Message::LeaveAck { group }),
        group().prop_map(|group| Message::Goodbye { group }),
        (any::<u64>(), any::<u32>(), any::<u64>(), 0..300u16).prop_map(
            |(case, sequence, probe, padding)| {
                Message::Probe { case: CaseId(case), sequence, probe, padding }
            }
        ),
        (any::<u64>(), any::<u32>(), any::<u64>(), any::<bool>()).prop_map(
            |(case, sequence, probe, stalled)| {
                Message::ProbeReply { case: CaseId(case), sequence, probe, stalled }
            }
        ),
        (address(), address(), vec(any::<u8>(), 0..300))
            .prop_map(|(from, to, datagram)| Message::Relay { from, to, datagram }),
        chunk().prop_map(Message::Chunk),
    ]
}

fn chunk() -> impl Strategy<Value = Chunk> {
    let count = 1..=u32::try_from(CHUNKS_MAX).unwrap();
    let kind = (1u8..=19).prop_filter("no chunk in chunks", |kind| *kind != 16);
    let part = vec(any::<u8>(), 1..=CHUNK_PART_MAX);
    (any::<u64>(), count, any::<u32>(), kind, part).prop_map(
        |(message_id, count, index, kind, part)| Chunk {
            message_id,
            index: index % count,
            count,
            kind,
            part,
        },
    )
}

fn letter() -> impl Strategy<Value = Letter> {
    let case = || (any::<u64>().prop_map(CaseId), any::<u32>());
    let ends = || (word(), address(), address());
    prop_oneof![
        (case(), word(), member(), member(), (any::<u64>(), any::<[bool; 2]>())).prop_map(
            |((case, round), network, reporter, suspect, (timeout_us, [brief, doubts_itself]))| {
                Letter::ProbeRequest(ProbeRequest {
                    case,
                    round,
                    network,
                    reporter,
                    suspect,
                    timeout_us,
                    brief,
                    doubts_itself,
                })
            }
        ),
        (case(), vec(observation(), 0..4), any::<bool>()).prop_map(
            |((case, round), observations, abstains)| {
                Letter::ProbeResult(ProbeResult { case, round, observations, abstains })
            }
        ),
        (case(), ends(), any::<u64>(), any::<bool>()).prop_map(
            |((case, round), (network, prober, target), timeout_us, brief)| {
                Letter::ProbeNotice(ProbeNotice {
                    case,
                    round,
                    network,
                    prober,
                    target,
                    timeout_us,
                    brief,
                })
            }
        ),
        (case(), ends(), any::<u32>(), option::of(cause())).prop_map(
            |((case, round), (network, prober, target), count, fact)| {
                let seen = ProbeSeen { case, round, network, prober, target, count, fact };
                Letter::ProbeSeen(seen)
            }
        ),
        silent().prop_map(Letter::Silent),
        (word(), option::of(verdict())).prop_map(|(case_name, verdict)| {
            let item = |verdict| Item {
                incarnation: Incarnation(1),
                sequence: 1,
                body: ItemBody::Verdict(verdict),
            };
            Letter::SilentAck { case_name, verdict: verdict.map(|it| item(it).into()) }
        }),
    ]
}

fn silent() -> impl Strategy<Value = Silent> {
    (
        (word(), word(), group(), any::<u64>(), any::<u64>()),
        (member(), member(), vec(observation(), 0..4), vec(word(), 0..4)),
    )
        .prop_map(|((case_name, network, group, silent_us, waited_us), evidence)| Silent {
            case_name,
            network,
            group,
            reporter: evidence.0,
            suspect: evidence.1,
            observations: evidence.2,
            arbiters: evidence.3,
            silent_us,
            waited_us,
        })
}

fn node_report() -> impl Strategy<Value = NodeReport> {
    let multicast = prop_oneof![
        Just(Multicast::Unknown),
        Just(Multicast::Heard),
        Just(Multicast::Doubted),
        Just(Multicast::Missing)
    ];
    let narrow = (address(), any::<u32>()).prop_map(|(to, size)| Narrow { to, size });
    let overheard =
        (word(), address()).prop_map(|(network, address)| Overheard { network, address });
    let adapter = (
        word(),
        word(),
        address(),
        option::of(cause()),
        option::of(group()),
        (multicast, vec(narrow, 0..3), vec(overheard, 0..3)),
    )
        .prop_map(
            |(network, interface, address, fault, group, (multicast, narrow, overheard))| {
                AdapterReport {
                    network,
                    interface,
                    address,
                    fault,
                    group,
                    held: None,
                    mac: Vec::new(),
                    loss: None,
                    multicast,
                    narrow,
                    overheard,
                }
            },
        );
    (any::<u64>(), word(), word(), vec(adapter, 0..4), any::<[bool; 2]>()).prop_map(
        |(node_id, node, version, adapters, [leaving, maintenance])| NodeReport {
            node_id: NodeId(node_id),
            node,
            version,
            adapters,
            leaving,
            maintenance,
        },
    )
}

fn group_report() -> impl Strategy<Value = GroupReport> {
    (
        (word(), word(), group(), any::<u64>()),
        (vec(member(), 0..4), vec(pair(), 0..3), vec(removal(), 0..3)),
    )
        .prop_map(|((network, subnet, group, leader), (members, failed_paths, removed))| {
            let leader_node = NodeId(leader);
            GroupReport { network, subnet, group, leader_node, members, failed_paths, removed }
        })
}

fn verdict() -> impl Strategy<Value = Verdict> {
    let kind = select(vec![
        VerdictKind::Adapter,
        VerdictKind::Path,
        VerdictKind::Node,
        VerdictKind::Daemon,
        VerdictKind::Partition,
        VerdictKind::Network,
        VerdictKind::Inconclusive,
    ]);
    let direction = select(vec![Direction::ToPeer, Direction::FromPeer, Direction::Both]);
    let confidence = select(vec![Confidence::High, Confidence::Medium, Confidence::Low]);
    (
        (word(), kind, word(), group(), confidence),
        (member(), option::of(member()), option::of(direction), option::of(cause())),
        (member(), member(), vec(word(), 0..3), word(), any::<u64>()),
        (vec(observation(), 0..3), vec(vec(address(), 0..3), 0..3), word(), any::<u64>()),
    )
        .prop_map(|(what, culprit, who, evidence)| Verdict {
            id: what.0,
            kind: what.1,
            network: what.2,
            group: what.3,
            confidence: what.4,
            culprit: culprit.0,
            peer: culprit.1,
            direction: culprit.2,
            cause: culprit.3,
            reporter: who.0,
            suspect: who.1,
            arbiters: who.2,
            decided_by: who.3,
            decided_by_node: NodeId(who.4),
            observations: evidence.0,
            sides: evidence.1,
            missing: evidence.2,
            took_us: evidence.3,
        })
}

fn flooded() -> impl Strategy<Value = Message> {
    let body = prop_oneof![
        node_report().prop_map(ItemBody::Node),
        group_report().prop_map(ItemBody::Group),
        verdict().prop_map(ItemBody::Verdict),
    ];
    let item = (any::<u64>(), any::<u64>(), body).prop_map(|(incarnation, sequence, body)| Item {
        incarnation: Incarnation(incarnation),
        sequence,
        body,
    });
    let key = prop_oneof![
        any::<u64>().prop_map(|node| ItemKey::Node(NodeId(node))),
        (word(), address()).prop_map(|(network, leader)| ItemKey::Group(network, leader)),
        word().prop_map(ItemKey::Verdict),
    ];
    let version = (key, any::<u64>(), any::<u64>()).prop_map(|(key, incarnation, sequence)| {
        ItemVersion { key, incarnation: Incarnation(incarnation), sequence }
    });
    prop_oneof![
        vec(item, 0..4).prop_map(|items| Message::Flood { items }),
        (vec(version, 0..6), any::<bool>(), vec(any::<u64>(), 0..4), vec(any::<u32>(), 0..4))
            .prop_map(|(have, answer_wanted, buckets, covers)| {
                Message::Summary(Summary { have, answer_wanted, buckets, covers })
            }),
    ]
}

/// Any message, whatever its length.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let envelope = (any::<[u64; 2]>(), any::<u32>(), word(), letter()).prop_map(
        |([from, to], hops_left, about, letter)| {
            let (from, to) = (NodeId(from), NodeId(to));
            Message::Envelope(Envelope { from, to, hops_left, about, letter })
        },
    );
    prop_oneof![4 => short(), 2 => lists(), 2 => envelope, 2 => flooded()]
}

/// An item of a node with two adapters.
pub(crate) fn node_item(node: u64) -> Item {
    let adapter = |network: u8| AdapterReport {
        network: format!("net{network}"),
        interface: format!("eth{network}"),
        address: [10, network, 0, 1].into(),
        fault: None,
        group: None,
        held: None,
        mac: Vec::new(),
        loss: None,
        multicast: Multicast::Unknown,
        narrow: Vec::new(),
        overheard: Vec::new(),
    };
    let report = NodeReport {
        node_id: NodeId(node),
        node: "n".repeat(usize::try_from(node % 9).expect("small") + 1),
        version: "1.0".into(),
        adapters: vec![adapter(1), adapter(2)],
        leaving: false,
        maintenance: false,
    };
    Item { incarnation: Incarnation(1), sequence: node, body: ItemBody::Node(report) }
}

/// A list whose message has a body of exactly `len` bytes (60 or more).
pub(crate) fn list_of_len(len: usize) -> Message {
    let header = Header { cluster: 0, node_id: NodeId(0), incarnation: Incarnation(0) };
    let list = |node: usize, members: usize| {
        let member = |node: String| {
            Member::from(Identity {
                address: [10, 0, 0, 1].into(),
                node_id: NodeId(1),
                incarnation: Incarnation(1),
                node,
                interface: String::new(),
            })
        };
        Message::List(List {
            group: GroupId { instance: 1, leader: [10, 0, 0, 1].into() },
            members: (0..members)
                .map(|_| member("n".repeat(1000)))
                .chain([member("n".repeat(node))])
                .collect(),
            failed_paths: Vec::new(),
            removed: Vec::new(),
            base: None,
            told: Vec::new(),
        })
    };
    let body_len = |message: &Message| hats_wire::encode(&header, message).len() - 32;
    let members = len.saturating_sub(60) / 1100;
    let short = body_len(&list(0, members));
    let guess = len.checked_sub(short).expect("long enough");
    (guess.saturating_sub(16)..=guess)
        .map(|node| list(node, members))
        .find(|message| body_len(message) == len)
        .expect("some length of the name fits")
}
