use alloc::vec;

use hats_wire::{
    AdapterReport, Header, Incarnation, Item, ItemBody, Message, Multicast, cluster_tag, decode,
    link::{Link, Report},
};

use super::{
    super::tests::{ETH0, alone},
    *,
};
use crate::{
    event::EventKind,
    io::{Effect, Input},
};

const SECOND: u64 = 1_000_000_000;
const ETH1: AdapterIndex = AdapterIndex(1);

fn on(network: u8, host: u8) -> IpAddr {
    IpAddr::from([10, 77, network, host])
}

/// n1 on neta and netb; its second adapter is on the interface of this name.
fn on_two_networks(interface: &str) -> Node {
    let mut node = alone();
    let mut spec = node.locals[&ETH0].spec.clone();
    spec.network.name = "netb".into();
    spec.interface = interface.into();
    spec.address = on(2, 1);
    let link = Link {
        present: true,
        admin_up: true,
        carrier: true,
        address: true,
        open: true,
        ..Link::default()
    };
    let now = Timestamp(300_000_001);
    node.handle(now, Input::AdapterAdded { adapter: ETH1, spec });
    node.handle(now, Input::NimStarted { adapter: ETH1 });
    node.handle(now, Input::Nim { adapter: ETH1, report: Report::Link(link) });
    node.handle(now, n9_says(1, Vec::new()));
    node.wake(Timestamp(SECOND));
    node.drain();
    node
}

/// n9 tells of its adapter on netb, and whom that hears.
fn n9_says(sequence: u64, overheard: Vec<Overheard>) -> Input {
    let incarnation = Incarnation(2_000);
    let header = Header { cluster: cluster_tag("atc"), node_id: NodeId(9), incarnation };
    let adapter = AdapterReport {
        network: "netb".into(),
        interface: "eth1".into(),
        address: on(2, 9),
        fault: None,
        group: None,
        held: None,
        mac: vec![2, 0, 0, 0, 2, 9],
        loss: None,
        multicast: Multicast::default(),
        narrow: Vec::new(),
        overheard,
    };
    let report = NodeReport {
        node_id: NodeId(9),
        node: "n9".into(),
        version: "0".into(),
        adapters: vec![adapter],
        leaving: false,
        maintenance: false,
    };
    let items = vec![Item { incarnation, sequence, body: ItemBody::Node(report) }];
    let datagram = encode(&header, &Message::Flood { items });
    let at_ns = 300_000_001;
    let report = Report::Received { at_ns, from: on(2, 9), to_group: true, datagram };
    Input::Nim { adapter: ETH1, report }
}

fn heard(at: u64, adapter: AdapterIndex, address: IpAddr, mac: &[u8]) -> (Timestamp, Input) {
    let report = Report::Overheard { at_ns: at, address, mac: mac.into() };
    (Timestamp(at), Input::Nim { adapter, report })
}

/// What is said of crossed networks: from second to second, with these heard.
fn said(
    node: &mut Node,
    seconds: core::ops::Range<u64>,
    hears: impl Fn(u64) -> bool,
) -> Vec<Event> {
    hears_as(node, seconds, hears, (on(2, 9), &[2, 0, 0, 0, 2, 9]))
}

fn hears_as(
    node: &mut Node,
    seconds: core::ops::Range<u64>,
    hears: impl Fn(u64) -> bool,
    (address, mac): (IpAddr, &[u8]),
) -> Vec<Event> {
    let mut events = Vec::new();
    for second in seconds {
        if hears(second) {
            let (now, input) = heard(second * SECOND, ETH0, address, mac);
            node.handle(now, input);
        }
        for adapter in [ETH0, ETH1] {
            let report = Report::Statistics(hats_wire::link::Statistics::default());
            node.handle(Timestamp(second * SECOND), Input::Nim { adapter, report });
        }
        node.wake(Timestamp(second * SECOND));
        events.extend(node.drain().into_iter().filter_map(|effect| match effect {
            Effect::Publish(event) => Some(event),
            Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
        }));
    }
    events.retain(|it| it.kind.code() == "HATS-1118" || it.kind.code() == "HATS-1119");
    events
}

#[test]
fn networks_on_one_wire_are_told_once_and_that_they_are_apart_again() {
    let mut node = on_two_networks("eth1");
    let events = said(&mut node, 2..20, |second| second % 5 == 0);
    let [crossed] = &events[..] else { panic!("{events:?}") };
    assert_eq!((crossed.kind, crossed.authority), (EventKind::NetworkCrossed, true));
    assert_eq!(crossed.network.as_deref(), Some("neta"));
    assert_eq!((crossed.node.as_deref(), crossed.addr), (Some("n1"), Some(on(1, 1))));
    assert_eq!(crossed.peer_network.as_deref(), Some("netb"));
    assert_eq!((crossed.peer_node.as_deref(), crossed.peer_addr), (Some("n9"), Some(on(2, 9))));
    assert_eq!(crossed.peer_mac.as_deref(), Some("02:00:00:00:02:09"));
    assert_eq!(node.crossed.with("netb"), ["neta"]);

    // It was heard last at 15 s.
    assert_eq!(said(&mut node, 20..45, |_| false), []);
    let events = said(&mut node, 45..47, |_| false);
    let [over] = &events[..] else { panic!("{events:?}") };
    assert_eq!((over.kind, over.authority), (EventKind::NetworkSeparated, true));
    assert_eq!(over.clears, Some(EventKind::NetworkCrossed));
    assert_eq!(
        (over.network.as_deref(), over.peer_network.as_deref()),
        (Some("neta"), Some("netb"))
    );
    assert!(node.crossed.with("netb").is_empty());
}

#[test]
fn one_that_is_heard_for_a_moment_is_not_told() {
    let mut node = on_two_networks("eth1");
    assert_eq!(said(&mut node, 2..60, |second| second == 5 || second == 6), []);
}

#[test]
fn networks_of_one_interface_share_their_wire_on_purpose() {
    let mut node = on_two_networks("eth0");
    assert_eq!(said(&mut node, 2..20, |second| second % 5 == 0), []);
}

#[test]
fn host_that_speaks_of_an_address_with_another_hardware_address_is_not_heard() {
    let mut node = on_two_networks("eth1");
    let always = |_| true;
    assert_eq!(hears_as(&mut node, 2..20, always, (on(2, 9), &[2, 0, 0, 0, 1, 9])), []);
    // Without one it may be the adapter itself.
    assert_eq!(hears_as(&mut node, 20..40, always, (on(2, 9), &[])).len(), 1);
}

#[test]
fn address_of_the_own_subnet_or_of_nobody_is_not_heard() {
    let mut node = on_two_networks("eth1");
    for address in [on(1, 9), on(3, 9)] {
        assert_eq!(hears_as(&mut node, 2..20, |_| true, (address, &[])), []);
    }
}

#[test]
fn what_a_node_says_that_is_not_there_is_not_told() {
    let mut node = on_two_networks("eth1");
    let overheard = vec![Overheard { network: "neta".into(), address: on(1, 1) }];
    node.handle(Timestamp(SECOND), n9_says(2, overheard));
    let effects = node.drain().into_iter();
    let mut kinds = effects.filter_map(|effect| match effect {
        Effect::Publish(event) => Some(event.kind),
        Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => None,
    });
    assert!(!kinds.any(|kind| kind == EventKind::NetworkCrossed));
}

/// How often everybody on the wire of an adapter is told of it in so many seconds,
/// from the second one on.
fn announced(node: &mut Node, seconds: u64) -> usize {
    let mut count = 0;
    for second in 2..2 + seconds {
        node.wake(Timestamp(second * SECOND));
        for effect in node.drain() {
            let Effect::Nim { adapter: ETH0, command: Command::Send { to, datagram } } = effect
            else {
                continue;
            };
            if to == Some(everybody(on(1, 1))) {
                let frame = decode(&datagram).unwrap();
                assert!(matches!(frame.message, Message::Proclaim(_)));
                count += 1;
            }
        }
    }
    count
}

#[test]
fn leaders_of_several_networks_make_themselves_known_to_everybody_each_five_seconds() {
    assert_eq!(announced(&mut on_two_networks("eth1"), 20), 4);
    assert_eq!(announced(&mut alone(), 20), 0);
}
