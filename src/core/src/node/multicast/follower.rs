//! A node that follows a leader, without multicast.

use alloc::{collections::BTreeSet, vec::Vec};

use hats_wire::{
    GroupId, Header, Identity, Incarnation, ItemBody, Member, Message, Prepare, Proclaim,
    cluster_tag, decode, encode,
    link::{Command, Report},
};

use super::*;
use crate::{
    event::{Event, EventKind},
    io::{Effect, Input},
    members::Members,
    node::tests::{ETH0, alone},
};

const GROUP: u64 = 5_000;

fn address(last: u8) -> IpAddr {
    IpAddr::from([10, 77, 1, last])
}

fn group() -> GroupId {
    GroupId { instance: GROUP, leader: address(9) }
}

/// n1, which [`alone`] makes, and others.
fn member(last: u8) -> Member {
    Member::from(Identity {
        address: address(last),
        node_id: NodeId(last.into()),
        incarnation: Incarnation(1_000),
        node: alloc::format!("n{last}"),
        interface: "eth0".into(),
    })
}

/// n1 after 300 ms, and what it does.
struct Follower {
    node: Node,
    now: Timestamp,
    said: Vec<Event>,
    /// What it sent to the network, and to one.
    sent: Vec<(Option<IpAddr>, Message)>,
}

impl Follower {
    /// In a group with n5 and n9, which leads it.
    fn new() -> Self {
        let now = Timestamp(300_000_000);
        let mut this = Follower { node: alone(), now, said: Vec::new(), sent: Vec::new() };
        let members = Members::new([member(9), member(5), member(1)]);
        let digest = members.digest(&BTreeSet::new());
        let prepare = Prepare {
            group: group(),
            base: None,
            members: members.to_vec(),
            failed_paths: Vec::new(),
            removed: Vec::new(),
            digest,
            told: Vec::new(),
        };
        this.hears(true, &this.proclaim());
        this.hears(true, &Message::Prepare(prepare));
        this.hears(true, &Message::Commit { group: group(), digest, absent: Vec::new() });
        assert_eq!(this.node.group_on(ETH0).unwrap().id, group());
        this
    }

    fn proclaim(&self) -> Message {
        Self::proclaim_of(self.node.database.digest())
    }

    fn proclaim_of(database: u64) -> Message {
        Message::Proclaim(Proclaim {
            group: group(),
            size: 3,
            digest: 0,
            cluster: "atc".into(),
            network: "neta".into(),
            node: "n9".into(),
            interface: "eth0".into(),
            database,
        })
    }

    /// Its leader says something.
    fn hears(&mut self, to_group: bool, message: &Message) {
        let header = Header {
            cluster: cluster_tag("atc"),
            node_id: NodeId(9),
            incarnation: Incarnation(1_000),
        };
        let (from, datagram) = (address(9), encode(&header, message));
        let report = Report::Received { at_ns: self.now.0, from, to_group, datagram };
        self.node.handle(self.now, Input::Nim { adapter: ETH0, report });
        self.take();
    }

    /// Nothing happens for a while but that its NIM lives.
    fn waits(&mut self, intervals: u32) {
        let until = self.now + Duration::from_millis(250) * intervals;
        while let Some((at, _)) = self.node.next_deadline().filter(|(at, _)| *at <= until) {
            self.now = at;
            let report = Report::Statistics(hats_wire::link::Statistics::default());
            self.node.handle(at, Input::Nim { adapter: ETH0, report });
            self.node.wake(at);
            self.take();
        }
        self.now = until;
    }

    fn take(&mut self) {
        for effect in self.node.drain() {
            match effect {
                Effect::Publish(event) => self.said.push(event),
                Effect::Nim { command: Command::Send { to, datagram }, .. } => {
                    self.sent.push((to, decode(&datagram).unwrap().message));
                }
                Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Left => {}
            }
        }
    }

    /// What it reported of its adapter, and to whom, by and by.
    fn reported(&self) -> Vec<(Option<IpAddr>, Multicast)> {
        let items = |message: &Message| {
            if let Message::Flood { items } = message { items.clone() } else { Vec::new() }
        };
        let said = |body: &ItemBody| match body {
            ItemBody::Node(report) => Some(report.adapters[0].multicast),
            ItemBody::Group(_) | ItemBody::Verdict(_) => None,
        };
        let sent = self.sent.iter();
        let all = sent.flat_map(|(to, it)| items(it).into_iter().map(move |item| (*to, item)));
        all.filter_map(|(to, item)| Some((to, said(&item.body)?))).collect()
    }

    fn said(&self, kind: EventKind) -> usize {
        self.said.iter().filter(|event| event.kind == kind).count()
    }
}

#[test]
fn a_follower_that_doubts_says_so_to_each_by_unicast_and_not_before_it_does() {
    let mut follower = Follower::new();
    follower.sent.clear();
    follower.waits(12);
    assert!(!follower.reported().iter().any(|(_, it)| *it == Multicast::Doubted));
    assert!(!follower.sent.iter().any(|(to, _)| *to == Some(address(5))), "no copies");
    follower.waits(2);
    for to in [None, Some(address(5)), Some(address(9))] {
        assert!(follower.reported().contains(&(to, Multicast::Doubted)), "to {to:?}");
    }
}

#[test]
fn multicast_is_said_to_be_broken_once_and_to_work_again_when_it_does() {
    let mut follower = Follower::new();
    for _ in 0..20 {
        follower.waits(1);
        follower.hears(false, &follower.proclaim());
    }
    assert_eq!(follower.said(EventKind::NetworkMulticastBroken), 1);
    assert_eq!(follower.said(EventKind::NetworkMulticastRestored), 0);
    let shown = follower.node.view();
    assert!(shown.networks[0].multicast_broken);
    for _ in 0..4 {
        follower.waits(4);
        follower.hears(true, &follower.proclaim());
        follower.hears(false, &follower.proclaim());
    }
    assert_eq!(follower.said(EventKind::NetworkMulticastBroken), 1);
    assert_eq!(follower.said(EventKind::NetworkMulticastRestored), 1);
    assert!(!follower.node.view().networks[0].multicast_broken);
    let cleared = follower.said.iter().find_map(|event| event.clears);
    assert_eq!(cleared, Some(EventKind::NetworkMulticastBroken));
}

#[test]
fn the_copy_of_a_proclaim_that_was_heard_asks_for_nothing_again() {
    let mut follower = Follower::new();
    follower.waits(1);
    let other = Follower::proclaim_of(follower.node.database.digest() ^ 1);
    follower.sent.clear();
    follower.hears(true, &other);
    follower.hears(false, &other);
    let compares = |(_, it): &&(Option<IpAddr>, Message)| matches!(it, Message::Summary(_));
    assert_eq!(follower.sent.iter().filter(compares).count(), 0);
    follower.waits(4);
    follower.hears(true, &other);
    assert_eq!(follower.sent.iter().filter(compares).count(), 1, "the second in a row");
}

#[test]
fn one_that_spoke_by_unicast_and_is_no_member_is_proclaimed_to() {
    let mut node = alone();
    let from = address(7);
    let report = Report::ProbeSeen {
        at_ns: 300_000_000,
        from,
        case: hats_wire::CaseId(1),
        sequence: 0,
        node_id: NodeId(7),
    };
    node.handle(Timestamp(300_000_000), Input::Nim { adapter: ETH0, report });
    node.drain();
    let mut to = BTreeSet::new();
    while let Some((at, _)) = node.next_deadline().filter(|(at, _)| at.0 < 1_000_000_000) {
        node.wake(at);
        to.extend(node.drain().into_iter().filter_map(|effect| match effect {
            Effect::Nim { command: Command::Send { to, .. }, .. } => to,
            Effect::Nim { .. } | Effect::EndNim { .. } | Effect::Publish(_) | Effect::Left => None,
        }));
    }
    assert_eq!(to, BTreeSet::from([from]));
}
