//! What is flooded: the items of the link-state database.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use crate::{
    Cause, Confidence, Direction, GroupId, Incarnation, Member, NodeId, Observation, Pair, Removal,
};

/// One entry of the link-state database. The newest version wins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// The originator's run.
    pub incarnation: Incarnation,
    /// Grows with each version within that run.
    pub sequence: u64,
    /// What it says.
    pub body: ItemBody,
}

/// What an item says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ItemBody {
    /// A node on itself.
    Node(NodeReport),
    /// A leader on its group.
    Group(GroupReport),
    /// A leader's decision.
    Verdict(Verdict),
}

/// What tells items apart.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ItemKey {
    /// The report of this node.
    Node(NodeId),
    /// The report of this leader on this network.
    Group(String, IpAddr),
    /// The verdict of this id.
    Verdict(String),
}

/// An item without its body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ItemVersion {
    /// Which item.
    pub key: ItemKey,
    /// The originator's run.
    pub incarnation: Incarnation,
    /// Its version.
    pub sequence: u64,
}

/// A node on itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodeReport {
    /// Who.
    pub node_id: NodeId,
    /// Its name.
    pub node: String,
    /// The version of its daemon.
    pub version: String,
    /// Its adapters, those that do not work included.
    pub adapters: Vec<AdapterReport>,
    /// It is stopping on purpose.
    pub leaving: bool,
    /// It is under maintenance.
    pub maintenance: bool,
}

/// A node on one of its adapters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdapterReport {
    /// The network's name.
    pub network: String,
    /// The interface's name.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Why it cannot be used, or nothing when it can.
    pub fault: Option<Cause>,
    /// The group it is in, or was in when the fault came.
    pub group: Option<GroupId>,
    /// It comes and goes; whether it is held down.
    pub held: Option<Held>,
    /// Its hardware address; empty when it is not known.
    pub mac: Vec<u8>,
    /// It loses datagrams to and from several others.
    pub loss: Option<Loss>,
    /// What it hears of that its leader says to the whole network.
    pub multicast: Multicast,
    /// To these long packets get lost, and short ones do not.
    pub narrow: Vec<Narrow>,
    /// Adapters of other networks that it hears on its own wire, one of each.
    pub overheard: Vec<Overheard>,
}

/// An adapter of another network than the one that hears it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Overheard {
    /// Its network.
    pub network: String,
    /// Its address.
    pub address: IpAddr,
}

/// The way from an adapter to another one on its network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Narrow {
    /// The other one.
    pub to: IpAddr,
    /// The longest packet that arrives, in bytes from the IP header on.
    pub size: u32,
}

/// Of an adapter that loses datagrams to and from several others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loss {
    /// So many thousandths of what is sent to it.
    pub inward: u32,
    /// So many thousandths of what it sends.
    pub outward: u32,
    /// Its node takes the adapter itself for the cause.
    pub own: bool,
}

/// What an adapter hears of that its leader says to the whole network.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Multicast {
    /// It has no reason to say anything of it.
    #[default]
    Unknown,
    /// It is heard, where it was doubted.
    Heard,
    /// None of it for a while: it wants to be told by unicast as well.
    Doubted,
    /// Only what comes by unicast.
    Missing,
}

/// Of an adapter that comes and goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Held {
    /// Held for so many milliseconds more, if it is not lost again; none when it
    /// is not held.
    pub for_ms: Option<u64>,
    /// It was lost so often.
    pub losses: u64,
}

/// A leader on its group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupReport {
    /// The network's name.
    pub network: String,
    /// The network's subnet, as text.
    pub subnet: String,
    /// The group.
    pub group: GroupId,
    /// The leader's node.
    pub leader_node: NodeId,
    /// The members.
    pub members: Vec<Member>,
    /// Pairs the ring goes round.
    pub failed_paths: Vec<Pair>,
    /// Who left with the last commit, and why.
    pub removed: Vec<Removal>,
}

/// What a verdict is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum VerdictKind {
    /// One adapter has failed.
    Adapter,
    /// Two well adapters do not reach each other.
    Path,
    /// A node has failed.
    Node,
    /// A daemon has failed, its host lives.
    Daemon,
    /// The network has fallen into parts.
    Partition,
    /// The whole network has failed.
    Network,
    /// It cannot be told.
    Inconclusive,
}

impl VerdictKind {
    /// The word in status output: `adapter`.
    pub fn word(self) -> &'static str {
        match self {
            VerdictKind::Adapter => "adapter",
            VerdictKind::Path => "path",
            VerdictKind::Node => "node",
            VerdictKind::Daemon => "daemon",
            VerdictKind::Partition => "partition",
            VerdictKind::Network => "network",
            VerdictKind::Inconclusive => "inconclusive",
        }
    }
}

/// A decision with its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Its name, from the reporter's case.
    pub id: String,
    /// What it is about.
    pub kind: VerdictKind,
    /// Where.
    pub network: String,
    /// The group it was decided in; membership in a later one ends it.
    pub group: GroupId,
    /// The adapter (its node) at fault, one end of a path, or the suspect of
    /// an inconclusive case.
    pub culprit: Member,
    /// The other end of a path.
    pub peer: Option<Member>,
    /// Which way a path fails, seen from `culprit`.
    pub direction: Option<Direction>,
    /// Why the culprit is down.
    pub cause: Option<Cause>,
    /// How sure it is.
    pub confidence: Confidence,
    /// Who missed heartbeats.
    pub reporter: Member,
    /// Whose heartbeats were missed.
    pub suspect: Member,
    /// Who was asked.
    pub arbiters: Vec<String>,
    /// The node that decided.
    pub decided_by: String,
    /// The node that decided.
    pub decided_by_node: NodeId,
    /// The evidence.
    pub observations: Vec<Observation>,
    /// The sides of a partition.
    pub sides: Vec<Vec<IpAddr>>,
    /// What would make an inconclusive case conclusive; else empty.
    pub missing: String,
    /// From the last heartbeat heard to the decision.
    pub took_us: u64,
}
