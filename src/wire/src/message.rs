//! The messages between nodes, as values.
//!
//! A value that exists can be sent: what protobuf leaves optional but the
//! protocol requires is not optional here.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use crate::{CaseId, Cause, Confidence, Direction, GroupId, Header, Incarnation, NodeId, Pair};

/// One datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Who sent it.
    pub header: Header,
    /// What it says.
    pub message: Message,
}

/// What a datagram says. The number of each variant is its type in the header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Message {
    /// 1: I am here. NIM to NIM, downstream.
    Heartbeat { sequence: u64, group: GroupId, stalled: bool },
    /// 2: a leader makes its group known; higher ones merge lower ones.
    Proclaim(Proclaim),
    /// 3: a lower leader asks a higher one to take its whole group.
    Join(Join),
    /// 4: the leader's next membership, to be acknowledged.
    Prepare(Prepare),
    /// 5: the answer to Prepare.
    PrepareAck { group: GroupId },
    /// 6: what was prepared is in force.
    Commit { group: GroupId, digest: u64 },
    /// 7: tell me the membership that follows `have`.
    ListRequest { have: GroupId },
    /// 8: the membership in force.
    List(List),
    /// 9: you are not a member of `group`; dissolve and join anew.
    Expelled { group: GroupId, cause: Cause, verdict_id: String },
    /// 10: I am stopping on purpose.
    Leave { group: GroupId },
    /// 11: the answer to Leave.
    LeaveAck { group: GroupId },
    /// 12: a NIM whose daemon is gone says so before it exits.
    Goodbye { group: GroupId },
    /// 13: answer this at once. NIM to NIM.
    Probe { case: CaseId, sequence: u32, probe: u64 },
    /// 14: the answer to Probe.
    ProbeReply { case: CaseId, sequence: u32, probe: u64, stalled: bool },
    /// 15: pass `datagram` on to `to`, on this network.
    Relay { from: IpAddr, to: IpAddr, datagram: Vec<u8> },
    /// 16: one part of a message too long for a datagram.
    Chunk(Chunk),
    /// 17: node to node, passed on along groups.
    Envelope(Envelope),
    /// 18: items of the link-state database.
    Flood { items: Vec<Item> },
    /// 19: which items a member has.
    Summary { have: Vec<ItemVersion>, answer_wanted: bool },
}

/// One adapter in a group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Member {
    /// Its address on the group's network: members are ordered by it.
    pub address: IpAddr,
    /// Whose adapter it is.
    pub node_id: NodeId,
    /// Which run of that node's daemon.
    pub incarnation: Incarnation,
    /// The node's name.
    pub node: String,
    /// The interface's name.
    pub interface: String,
}

/// Who left a group with a commit, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Removal {
    /// The member that left.
    pub member: Member,
    /// Why.
    pub cause: Cause,
    /// The verdict behind it; empty when a fact was enough.
    pub verdict_id: String,
}

/// See [`Message::Proclaim`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proclaim {
    /// The proclaiming leader's group.
    pub group: GroupId,
    /// How many members it has.
    pub size: u32,
    /// Digest of the committed list.
    pub digest: u64,
    /// The cluster's name.
    pub cluster: String,
    /// The network's name.
    pub network: String,
    /// The leader's node.
    pub node: String,
    /// The leader's interface.
    pub interface: String,
    /// Digest of the leader's link-state database.
    pub database: u64,
}

/// See [`Message::Join`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Join {
    /// The group that asks.
    pub group: GroupId,
    /// The group it wants to be merged into.
    pub into: GroupId,
    /// Its members, its leader among them.
    pub members: Vec<Member>,
    /// Its failed paths.
    pub failed_paths: Vec<Pair>,
}

/// See [`Message::Prepare`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepare {
    /// The identity the membership will have.
    pub group: GroupId,
    /// The members.
    pub members: Vec<Member>,
    /// Pairs the ring goes round.
    pub failed_paths: Vec<Pair>,
    /// Who leaves, and why.
    pub removed: Vec<Removal>,
    /// Digest of members and failed paths.
    pub digest: u64,
}

/// See [`Message::List`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List {
    /// The group in force.
    pub group: GroupId,
    /// Its members.
    pub members: Vec<Member>,
    /// Its failed paths.
    pub failed_paths: Vec<Pair>,
    /// Who left with its last commit, and why.
    pub removed: Vec<Removal>,
}

/// See [`Message::Chunk`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// The same in all parts of one message of one sender.
    pub message_id: u64,
    /// Which part, from 0.
    pub index: u32,
    /// How many parts there are.
    pub count: u32,
    /// The message type of the whole.
    pub kind: u8,
    /// The part.
    pub part: Vec<u8>,
}

/// See [`Message::Envelope`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Envelope {
    /// Who wrote it.
    pub from: NodeId,
    /// Who is to read it.
    pub to: NodeId,
    /// How many more nodes may pass it on.
    pub hops_left: u32,
    /// The network it is about, which it avoids when it can.
    pub about: String,
    /// What it says.
    pub letter: Letter,
}

/// What one node says to another, whatever the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Letter {
    /// Reporter to arbiter: probe us both.
    ProbeRequest(ProbeRequest),
    /// Arbiter to reporter: what I found.
    ProbeResult(ProbeResult),
    /// Prober to its target's node: probes are on their way.
    ProbeNotice(ProbeNotice),
    /// Target's node to the prober: what arrived.
    ProbeSeen(ProbeSeen),
    /// Reporter to the acting leader: silence, and the evidence.
    Silent(Silent),
    /// The leader has it.
    SilentAck { case_name: String },
}

/// See [`Letter::ProbeRequest`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeRequest {
    /// The reporter's case.
    pub case: CaseId,
    /// Which round of it.
    pub round: u32,
    /// Where to probe.
    pub network: String,
    /// Who misses heartbeats.
    pub reporter: Member,
    /// Whose heartbeats are missed.
    pub suspect: Member,
    /// How long a probe may take.
    pub timeout_us: u64,
}

/// See [`Letter::ProbeNotice`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeNotice {
    /// The reporter's case.
    pub case: CaseId,
    /// Which round of it.
    pub round: u32,
    /// Where the probes are sent.
    pub network: String,
    /// The adapter that probes.
    pub prober: IpAddr,
    /// The adapter that is probed.
    pub target: IpAddr,
    /// How long a probe may take.
    pub timeout_us: u64,
}

/// See [`Letter::ProbeSeen`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeSeen {
    /// The reporter's case.
    pub case: CaseId,
    /// Which round of it.
    pub round: u32,
    /// Where the probes were sent.
    pub network: String,
    /// The adapter that probed.
    pub prober: IpAddr,
    /// The adapter that was probed.
    pub target: IpAddr,
    /// How many probes arrived so far.
    pub count: u32,
    /// What the target's node itself knows to be wrong with its adapter.
    pub fact: Option<Cause>,
}

/// What one node found when it probed one adapter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observation {
    /// The prober's node.
    pub prober: String,
    /// The adapter it probed from.
    pub prober_address: IpAddr,
    /// Whether the prober is the reporter itself, and not an arbiter.
    pub prober_is_reporter: bool,
    /// The target's node.
    pub target: String,
    /// The adapter it probed.
    pub target_address: IpAddr,
    /// The network probed on.
    pub network: String,
    /// Probes sent.
    pub sent: u32,
    /// Answers received on the same network.
    pub received: u32,
    /// The shortest round trip in microseconds, when there was one.
    pub rtt_us: Option<u64>,
    /// How many probes the target says, over another network, it received.
    pub seen_by_target: Option<u32>,
    /// Datagrams of the target that reached the prober's adapter meanwhile.
    pub heard_from_target: u32,
    /// Whether ICMP echo was answered, when it was tried.
    pub icmp: Option<bool>,
    /// Whether the target's daemon answered over another network, when one was tried.
    pub elsewhere: Option<bool>,
    /// An answer said that the daemon behind the target's NIM is stalled.
    pub stalled: bool,
    /// What the target's node itself knows to be wrong with its adapter.
    pub fact: Option<Cause>,
}

/// See [`Letter::ProbeResult`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProbeResult {
    /// The reporter's case.
    pub case: CaseId,
    /// Which round of it.
    pub round: u32,
    /// What was found.
    pub observations: Vec<Observation>,
    /// The arbiter does not trust itself now.
    pub abstains: bool,
}

/// See [`Letter::Silent`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Silent {
    /// Becomes the verdict's id.
    pub case_name: String,
    /// Where.
    pub network: String,
    /// The reporter's group.
    pub group: GroupId,
    /// Who misses heartbeats.
    pub reporter: Member,
    /// Whose heartbeats are missed.
    pub suspect: Member,
    /// The evidence.
    pub observations: Vec<Observation>,
    /// Who was asked.
    pub arbiters: Vec<String>,
    /// How long nothing was heard.
    pub silent_us: u64,
}

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
