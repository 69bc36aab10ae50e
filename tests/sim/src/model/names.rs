//! Three nodes on one network, and how they and what they say are called.

use std::net::IpAddr;

use hats_wire::{GroupId, Identity, Incarnation, Member, Message, NodeId, Removal};

/// How many nodes there are.
pub(super) const NODES: usize = 3;

/// A set of nodes, one bit each.
pub(super) type Set = u8;

/// The set of one.
pub(super) fn only(node: u8) -> Set {
    1 << node
}

/// Whether it is in the set.
pub(super) fn has(set: Set, node: u8) -> bool {
    set & only(node) != 0
}

/// All nodes, lowest address first.
pub(super) fn nodes() -> impl DoubleEndedIterator<Item = u8> + Clone {
    0..NODES as u8
}

/// Its address: the higher the number, the higher the address.
pub(super) fn address(node: u8) -> IpAddr {
    IpAddr::from([10, 77, 1, node + 1])
}

/// Whose address that is.
pub(super) fn node(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(v4) => v4.octets()[3] - 1,
        IpAddr::V6(_) => unreachable!("all addresses of the model are 10.77.1.x"),
    }
}

/// `n3`.
pub(super) fn name(node: u8) -> String {
    format!("n{}", node + 1)
}

/// A run of a node's daemon as a member.
pub(super) fn member(node: u8, incarnation: u64) -> Member {
    Member::from(Identity {
        address: address(node),
        node_id: NodeId(0x1001 + u64::from(node)),
        incarnation: Incarnation(incarnation),
        node: name(node),
        interface: "eth0".to_owned(),
    })
}

/// `n3 n2`, highest first.
pub(super) fn names(set: Set) -> String {
    nodes().rev().filter(|node| has(set, *node)).map(name).collect::<Vec<_>>().join(" ")
}

/// `n3#7`: instance 7 of the group that n3 leads.
pub(super) fn group(id: &GroupId) -> String {
    format!("{}#{}", name(node(id.leader)), id.instance)
}

/// A message in a few words, as in the simulator's trace.
pub(super) fn message(message: &Message) -> String {
    match message {
        Message::Proclaim(it) => format!("Proclaim {} size {}", group(&it.group), it.size),
        Message::Join(it) => {
            format!("Join {} into {} [{}]", group(&it.group), group(&it.into), members(&it.members))
        }
        Message::Prepare(it) => format!(
            "Prepare {} [{}]{}",
            group(&it.group),
            members(&it.members),
            removed(&it.removed)
        ),
        Message::PrepareAck { group: it, have } => {
            let have = have.map_or(String::new(), |have| format!(" from {}", group(&have)));
            format!("PrepareAck {}{have}", group(it))
        }
        Message::Commit { group: it, .. } => format!("Commit {}", group(it)),
        Message::ListRequest { have } => format!("ListRequest have {}", group(have)),
        Message::List(it) => {
            format!("List {} [{}]{}", group(&it.group), members(&it.members), removed(&it.removed))
        }
        Message::Expelled { group: it, cause, members, .. } => {
            let members: Vec<String> = members.iter().map(|it| name(node(*it))).collect();
            format!("Expelled from {} [{}]: {cause}", group(it), members.join(" "))
        }
        Message::Leave { group: it } => format!("Leave {}", group(it)),
        Message::LeaveAck { group: it } => format!("LeaveAck {}", group(it)),
        Message::Heartbeat { .. }
        | Message::Goodbye { .. }
        | Message::Probe { .. }
        | Message::ProbeReply { .. }
        | Message::Relay { .. }
        | Message::Chunk(_)
        | Message::Envelope(_)
        | Message::Flood { .. }
        | Message::Summary(_) => unreachable!("no group says {message:?}"),
    }
}

/// The kind of a message, to count.
pub(super) fn kind(message: &Message) -> String {
    let text = self::message(message);
    text.split_whitespace().next().unwrap_or_default().to_owned()
}

fn members(members: &[Member]) -> String {
    members.iter().map(|member| member.node.clone()).collect::<Vec<_>>().join(" ")
}

fn removed(removed: &[Removal]) -> String {
    if removed.is_empty() {
        return String::new();
    }
    let word = |it: &Removal| format!("{} {}", it.member.node, it.cause);
    format!(" removed [{}]", removed.iter().map(word).collect::<Vec<_>>().join(" "))
}
