use alloc::{string::ToString, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    AdapterReport, Cause, GroupId, Header, Held, Identity, Incarnation, Item, ItemBody, Loss,
    Message, Multicast, NodeId, NodeReport, Proclaim, cluster_tag, encode,
    link::{Command, Link, Mode, Report},
};

use super::Node;
use crate::{
    config::{AdapterSpec, Config, NetworkSpec, Profile},
    event::{Event, EventKind},
    io::{AdapterIndex, Effect, Input},
    time::Timestamp,
};

pub(super) const ETH0: AdapterIndex = AdapterIndex(0);

/// n1 with 10.77.1.1 on network neta, alone and leading itself.
pub(super) fn alone() -> Node {
    let config = Config {
        cluster: "atc".into(),
        node: "n1".into(),
        node_id: NodeId(1),
        incarnation: Incarnation(1_000),
        version: "0".into(),
        detection: Profile::Default.detection(),
        realtime_priority: 0,
        lock_memory: false,
    };
    let network = NetworkSpec {
        name: "neta".into(),
        subnet: "10.77.1.0/24".into(),
        mode: Mode::Multicast,
        group: Some(IpAddr::from([239, 255, 1, 1])),
        port: 12347,
        peers: Vec::new(),
        reference_targets: Vec::new(),
    };
    let address = IpAddr::from([10, 77, 1, 1]);
    let spec = AdapterSpec {
        network,
        interface: "eth0".into(),
        address,
        prefix_length: 24,
        required_targets: Vec::new(),
    };
    let link = Link {
        present: true,
        admin_up: true,
        carrier: true,
        address: true,
        open: true,
        ..Link::default()
    };
    let mut node = Node::new(config, Timestamp(0));
    node.handle(Timestamp(1), Input::AdapterAdded { adapter: ETH0, spec });
    node.handle(Timestamp(2), Input::NimStarted { adapter: ETH0 });
    node.handle(Timestamp(3), Input::Nim { adapter: ETH0, report: Report::Link(link) });
    node.wake(Timestamp(300_000_000));
    node.drain();
    node
}

/// 10.77.1.9 of n9, a higher leader, makes its group known.
fn proclaim(cluster: &str, network: &str) -> Input {
    proclaim_as(cluster, network, (NodeId(9), "n9"))
}

/// The same, as a node of this identity and name.
fn proclaim_as(cluster: &str, network: &str, (node_id, node): (NodeId, &str)) -> Input {
    let from = IpAddr::from([10, 77, 1, 9]);
    let header = Header { cluster: cluster_tag(cluster), node_id, incarnation: Incarnation(2_000) };
    let message = Message::Proclaim(Proclaim {
        group: GroupId { instance: 7, leader: from },
        size: 1,
        digest: 0,
        cluster: cluster.into(),
        network: network.into(),
        node: node.into(),
        interface: "eth0".into(),
        database: 0,
    });
    let datagram = encode(&header, &message);
    let report = Report::Received { at_ns: 0, from, to_group: true, datagram };
    Input::Nim { adapter: ETH0, report }
}

/// What the node says and sends when it hears `input` twice.
fn hears_twice(input: &Input) -> (Vec<Event>, usize) {
    let mut node = alone();
    let mut events = Vec::new();
    let mut sent = 0;
    for at in [400_000_000, 500_000_000] {
        node.handle(Timestamp(at), input.clone());
        for effect in node.drain() {
            match effect {
                Effect::Publish(event) => events.push(event),
                Effect::Nim { command: Command::Send { to: Some(_), .. }, .. } => sent += 1,
                Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => {}
            }
        }
    }
    (events, sent)
}

#[test]
fn higher_leader_of_the_same_network_is_asked_to_take_this_one_in() {
    let (events, sent) = hears_twice(&proclaim("atc", "neta"));
    assert_eq!(events, []);
    assert!(sent > 0, "a JOIN goes to it");
}

#[test]
fn leader_that_calls_the_network_by_another_name_is_told_of_once_and_not_joined() {
    let (events, sent) = hears_twice(&proclaim("atc", "10.77.1.0/24"));
    assert_eq!(sent, 0);
    let kinds: Vec<EventKind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::ConfigDrift]);
    assert_eq!(events[0].peer_node, Some("n9".to_string()));
    assert_eq!(events[0].network, Some("neta".to_string()));
}

#[test]
fn another_cluster_on_the_wire_is_named_once_and_not_joined() {
    let (mut node, mut events, mut sent) = (alone(), Vec::new(), 0);
    for at in (4..40).map(|tenth| tenth * 100_000_000) {
        let mut input = proclaim("radar", "neta");
        if let Input::Nim { report: Report::Received { at_ns, .. }, .. } = &mut input {
            *at_ns = at;
        }
        node.handle(Timestamp(at), input);
        if at == 1_000_000_000 {
            let (address, mac) = (IpAddr::from([10, 77, 1, 9]), Vec::from([2, 0, 0, 0, 1, 9]));
            let report = Report::Overheard { at_ns: at, address, mac };
            assert_eq!(events, []);
            node.handle(Timestamp(at), Input::Nim { adapter: ETH0, report });
        }
        for effect in node.drain() {
            match effect {
                Effect::Publish(event) => events.push(event),
                Effect::Nim { command: Command::Send { to: Some(_), .. }, .. } => sent += 1,
                Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => {}
            }
        }
    }
    assert_eq!(events[0].peer_mac, Some("02:00:00:00:01:09".to_string()));
    assert_eq!(sent, 0);
    let kinds: Vec<EventKind> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::ForeignCluster]);
    assert!(events[0].msg.contains("radar"), "{}", events[0].msg);
}

/// What a node does whose NIM has last been heard after 3 ns, woken until `until`;
/// how the NIM was ended, and what was said.
fn woken_until(until: u64, spoken_at: Option<u64>) -> (Vec<AdapterIndex>, Vec<EventKind>) {
    let mut node = alone();
    let (mut ended, mut said) = (Vec::new(), Vec::new());
    let mut spoken_at = spoken_at;
    while let Some((at, _)) = node.next_deadline().filter(|(at, _)| at.0 <= until) {
        if let Some(spoken) = spoken_at.take_if(|spoken| *spoken <= at.0) {
            let report = Report::Statistics(hats_wire::link::Statistics::default());
            node.handle(Timestamp(spoken), Input::Nim { adapter: ETH0, report });
        }
        node.wake(at);
        for effect in node.drain() {
            match effect {
                Effect::EndNim { adapter, .. } => ended.push(adapter),
                Effect::Publish(event) => said.push(event.kind),
                Effect::Nim { .. } | Effect::Left => {}
            }
        }
    }
    (ended, said)
}

#[test]
fn a_nim_that_says_nothing_for_a_lease_is_replaced() {
    assert_eq!(woken_until(1_999_999_999, None).0, []);
    let (ended, said) = woken_until(2_100_000_000, None);
    assert_eq!(ended, [ETH0]);
    assert!(said.contains(&EventKind::NimStuck), "{said:?}");
}

#[test]
fn a_nim_that_says_something_within_its_lease_is_not_stuck() {
    assert_eq!(woken_until(2_100_000_000, Some(1_000_000_000)).0, []);
}

#[test]
fn a_daemon_that_was_late_does_not_take_its_nim_for_stuck() {
    let mut node = alone();
    let late = Input::Late { lateness_ns: 5_000_000_000 };
    node.handle(Timestamp(5_300_000_000), late);
    node.wake(Timestamp(5_300_000_001));
    let ends = |effect: &Effect| matches!(effect, Effect::EndNim { .. });
    assert!(!node.drain().iter().any(ends));
}

#[test]
fn a_nim_that_is_late_does_not_excuse_another_one_that_is_stuck() {
    let mut node = alone();
    let spec = AdapterSpec { interface: "eth1".into(), ..node.locals[&ETH0].spec.clone() };
    let eth1 = AdapterIndex(1);
    node.handle(Timestamp(400_000_000), Input::AdapterAdded { adapter: eth1, spec });
    node.handle(Timestamp(400_000_000), Input::NimStarted { adapter: eth1 });
    let late = Report::Late { at_ns: 0, lateness_ns: 200_000_000 };
    node.handle(Timestamp(1_900_000_000), Input::Nim { adapter: eth1, report: late });
    node.wake(Timestamp(2_100_000_000));
    let ended: Vec<AdapterIndex> = node
        .drain()
        .into_iter()
        .filter_map(|it| if let Effect::EndNim { adapter, .. } = it { Some(adapter) } else { None })
        .collect();
    assert_eq!(ended, [ETH0]);
}

/// What is said of another daemon that proclaims as `who` from 1 s until 4 s.
fn said_beside(who: (NodeId, &str)) -> Vec<EventKind> {
    let mut node = alone();
    let mut said = Vec::new();
    for at in 4..=160 {
        let now = Timestamp(at * 250_000_000);
        if at <= 16 {
            let mut input = proclaim_as("atc", "neta", who);
            if let Input::Nim { report: Report::Received { at_ns, .. }, .. } = &mut input {
                *at_ns = now.0;
            }
            node.handle(now, input);
        }
        let statistics = Report::Statistics(hats_wire::link::Statistics::default());
        node.handle(now, Input::Nim { adapter: ETH0, report: statistics });
        node.wake(now);
        said.extend(node.drain().into_iter().filter_map(|effect| match effect {
            Effect::Publish(event) => Some(event.kind),
            Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
        }));
    }
    said.retain(|kind| kind.code().starts_with("HATS-31") || kind.code() == "HATS-2121");
    said.retain(|kind| !matches!(kind, EventKind::NodeUp));
    said
}

#[test]
fn another_daemon_with_this_nodes_identity_or_name_is_told_and_that_it_is_gone() {
    let told = [EventKind::DuplicateNode, EventKind::DuplicateResolved];
    assert_eq!(said_beside((NodeId(1), "n1")), told);
    assert_eq!(said_beside((NodeId(7), "n1")), told);
    assert_eq!(said_beside((NodeId(7), "n7")), []);
}

/// n9 of this run says of its adapter what it loses, and whether it is held.
fn says(run: u64, loss: Option<Loss>, held: Option<Held>) -> Input {
    let from = IpAddr::from([10, 77, 1, 9]);
    let incarnation = Incarnation(run);
    let header = Header { cluster: cluster_tag("atc"), node_id: NodeId(9), incarnation };
    let adapter = AdapterReport {
        network: "neta".into(),
        interface: "eth0".into(),
        address: from,
        fault: None,
        group: None,
        held,
        mac: Vec::new(),
        loss,
        multicast: Multicast::default(),
        narrow: Vec::new(),
        overheard: Vec::new(),
    };
    let report = NodeReport {
        node_id: NodeId(9),
        node: "n9".into(),
        version: "0".into(),
        adapters: Vec::from([adapter]),
        leaving: false,
        maintenance: false,
    };
    let body = ItemBody::Node(report);
    let items = Vec::from([Item { incarnation, sequence: 1, body }]);
    let datagram = encode(&header, &Message::Flood { items });
    let report = Report::Received { at_ns: 0, from, to_group: true, datagram };
    Input::Nim { adapter: ETH0, report }
}

#[test]
fn what_an_earlier_run_said_of_its_adapter_is_taken_back_with_authority() {
    let mut node = alone();
    let mut said = |at: u64, input| {
        node.handle(Timestamp(at), input);
        let effects = node.drain().into_iter();
        let events = effects.filter_map(|effect| match effect {
            Effect::Publish(event) => Some((event.kind, event.authority)),
            Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
        });
        events.collect::<Vec<_>>()
    };
    let loss = Some(Loss { inward: 100, outward: 100, own: true });
    let held = Some(Held { for_ms: Some(5_000), losses: 3 });
    let begun = said(400_000_000, says(2_000, loss, held));
    assert!(begun.contains(&(EventKind::AdapterLossy, false)), "{begun:?}");
    assert!(begun.contains(&(EventKind::AdapterDamped, false)), "{begun:?}");
    let over = said(500_000_000, says(3_000, None, None));
    assert!(over.contains(&(EventKind::AdapterClean, true)), "{over:?}");
    assert!(over.contains(&(EventKind::AdapterReleased, true)), "{over:?}");
}

/// What n9 says in this version of its report: the last numbers of its addresses.
fn lists(sequence: u64, addresses: &[u8]) -> Item {
    let adapters = addresses.iter().map(|last| AdapterReport {
        network: "neta".into(),
        interface: "eth0".into(),
        address: IpAddr::from([10, 77, 1, *last]),
        fault: None,
        group: None,
        held: None,
        mac: Vec::new(),
        loss: None,
        multicast: Multicast::default(),
        narrow: Vec::new(),
        overheard: Vec::new(),
    });
    let report = NodeReport {
        node_id: NodeId(9),
        node: "n9".into(),
        version: "0".into(),
        adapters: adapters.collect(),
        leaving: false,
        maintenance: false,
    };
    Item { incarnation: Incarnation(2_000), sequence, body: ItemBody::Node(report) }
}

#[test]
fn an_address_is_not_taken_away_by_a_report_of_before_it() {
    let mut node = alone();
    let leader = IpAddr::from([10, 77, 1, 97]);
    let fresh = Identity {
        address: leader,
        node_id: NodeId(9),
        incarnation: Incarnation(2_000),
        node: "n9".into(),
        interface: "eth0".into(),
    };
    let group = GroupId { instance: 7, leader };
    node.topology.adapter_up(Timestamp(400_000_000), "neta", &fresh.into(), group);
    let mut down = |item: Item| {
        let now = Timestamp(400_000_000 + item.sequence);
        node.flooded(now, ETH0, NodeId(9), true, Vec::from([item]));
        let said = node.drain().into_iter().filter_map(|effect| match effect {
            Effect::Publish(event) if event.kind == EventKind::AdapterDown => event.cause,
            Effect::Publish(_) | Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
        });
        said.collect::<Vec<Cause>>()
    };
    assert_eq!(down(lists(1, &[9])), [], "it is of before");
    assert_eq!(down(lists(2, &[97])), []);
    assert_eq!(down(lists(3, &[98])), [Cause::Removed], "it was listed, and is no more");
}

#[test]
fn host_without_hats_that_has_this_address_is_told_with_its_hardware_address() {
    let mut node = alone();
    let mut said = |at: u64, mac: &[u8]| {
        let report = Report::Taken { at_ns: at, mac: mac.into() };
        node.handle(Timestamp(at), Input::Nim { adapter: ETH0, report });
        let effects = node.drain().into_iter();
        let events = effects.filter_map(|effect| match effect {
            Effect::Publish(event) => Some((event.kind, event.peer_mac, event.authority)),
            Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
        });
        events.collect::<Vec<_>>()
    };
    let mac = Some("02:00:00:00:00:09".to_string());
    let rival = [2, 0, 0, 0, 0, 9];
    assert_eq!(said(400_000_000, &rival), [(EventKind::DuplicateAddress, mac, true)]);
    assert_eq!(said(500_000_000, &rival), []);
    assert_eq!(said(600_000_000, &[]), [(EventKind::DuplicateResolved, None, true)]);
    assert_eq!(said(700_000_000, &[]), []);
}

#[test]
fn host_that_a_node_says_to_be_itself_is_not_told_as_one_without_hats() {
    let mut node = alone();
    let (now, rival) = (Timestamp(400_000_000), Vec::from([2, 0, 0, 0, 0, 9]));
    node.flooded(now, ETH0, NodeId(9), true, Vec::from([lists(1, &[1])]));
    node.drain();
    let report = Report::Taken { at_ns: now.0, mac: rival };
    node.handle(now, Input::Nim { adapter: ETH0, report });
    let told = |effect: &Effect| matches!(effect, Effect::Publish(_));
    assert!(!node.drain().iter().any(told), "the two nodes tell it themselves");
}

#[test]
fn hardware_address_is_reported_as_soon_as_the_nim_has_said_it() {
    let mut node = alone();
    let mac = Vec::from([2, 0, 0, 0, 0, 1]);
    let link = Link { mac: mac.clone(), ..node.locals[&ETH0].link.clone().unwrap() };
    node.handle(Timestamp(400_000_000), Input::Nim { adapter: ETH0, report: Report::Link(link) });
    let (report, _) = node.database.node(NodeId(1)).unwrap();
    assert_eq!(report.adapters[0].mac, mac);
}
