//! Whoever floods a table fills it, and no more.

use alloc::{vec, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{GroupId, Identity, Incarnation, Join, Member, Message, NodeId, Pair};

use super::*;
use crate::{
    config::Profile, group::Group, linkstate::ITEMS_MAX, members::tests::member, time::Timestamp,
    topology::Topology,
};

/// The invented member of that number, below 10.77.1.1.
fn invented(number: usize) -> Member {
    let number = u32::try_from(number).expect("not that many");
    Member::from(Identity {
        address: IpAddr::V4((0x0a00_0000 + number).into()),
        node_id: NodeId(1_000_000 + u64::from(number)),
        incarnation: Incarnation(1),
        node: alloc::format!("x{number}"),
        interface: "eth0".into(),
    })
}

fn assert_fits(sizes: impl IntoIterator<Item = Size>) {
    for size in sizes {
        assert!(size.len <= size.max, "{size:?}");
    }
}

#[test]
fn a_leader_takes_in_no_more_than_a_group_can_have() {
    let mut group = Group::new(member(9), &Profile::Default.detection(), 1);
    group.enable(Timestamp::default());
    let now = Timestamp::default() + Duration::from_secs(1);
    group.wake(now);
    group.drain();
    let into = group.view().expect("it leads itself").id;
    let each = 100;
    for first in (0..MEMBERS_MAX * 2).step_by(each) {
        let members: Vec<Member> = (first..first + each).map(invented).collect();
        let from = members[each - 1].address;
        let failed_paths = (0..each - 1).map(|at| Pair::new(members[at].address, from)).collect();
        let group_id = GroupId { instance: 1, leader: from };
        let (leaving, told) = (vec![], vec![]);
        let join = Join { group: group_id, into, members, failed_paths, leaving, told };
        group.handle(now, from, Message::Join(join));
        group.drain();
        assert_fits(group.sizes());
    }
    let joins = group.sizes().find(|size| size.of == "members to be").expect("it leads");
    assert!(joins.len > MEMBERS_MAX - each, "nearly full: {joins:?}");
}

#[test]
fn adapters_and_nodes_beyond_what_can_be_known_are_not_known() {
    let mut topology = Topology::default();
    for number in 0..ADAPTERS_MAX + 2 {
        topology.adapter_seen(Timestamp::default(), "neta", &invented(number));
        if number % 1_000 == 0 {
            assert_fits(topology.sizes());
        }
    }
    assert_fits(topology.sizes());
    let full = topology.sizes().map(|size| (size.of, size.len));
    assert_eq!(full[..2], [("known adapters", ADAPTERS_MAX), ("known nodes", ITEMS_MAX)]);
    let (first, last) = (invented(0).address, invented(ADAPTERS_MAX + 1).address);
    assert!(topology.adapters.get("neta", first).is_some());
    assert!(topology.adapters.get("neta", last).is_none());
}
