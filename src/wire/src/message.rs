//! The messages between nodes, as values.
//!
//! A value that exists can be sent: what protobuf leaves optional but the
//! protocol requires is not optional here.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::{fmt, net::IpAddr, ops::Deref};

use crate::{
    CaseId, Cause, Envelope, GroupId, Header, Incarnation, Item, ItemVersion, NodeId, Pair,
};

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
    Heartbeat {
        /// Grows by one with each.
        sequence: u64,
        /// The group it is about.
        group: GroupId,
        /// The daemon behind the sending NIM is stalled.
        stalled: bool,
    },
    /// 2: a leader makes its group known; higher ones merge lower ones.
    Proclaim(Proclaim),
    /// 3: a lower leader asks a higher one to take its whole group.
    Join(Join),
    /// 4: the leader's next membership, to be acknowledged.
    Prepare(Prepare),
    /// 5: the answer to Prepare.
    PrepareAck {
        /// The group it is about.
        group: GroupId,
        /// The membership that is in force where this comes from.
        have: Option<GroupId>,
    },
    /// 6: what was prepared is in force.
    Commit {
        /// The group it is about.
        group: GroupId,
        /// Digest of what was prepared, without those who stay out.
        digest: u64,
        /// Newcomers that were prepared and stay out: they did not acknowledge.
        absent: Vec<IpAddr>,
    },
    /// 7: tell me the membership that follows `have`.
    ListRequest {
        /// What the asker has.
        have: GroupId,
    },
    /// 8: the membership in force.
    List(List),
    /// 9: you are not a member of `group`, and those who are have left you.
    Expelled {
        /// The group it is about.
        group: GroupId,
        /// Why it was removed.
        cause: Cause,
        /// The verdict behind it; empty when a fact was enough.
        verdict_id: String,
        /// Who is in `group`; empty: everybody else.
        members: Vec<IpAddr>,
    },
    /// 10: I am stopping on purpose.
    Leave {
        /// The group it is about.
        group: GroupId,
    },
    /// 11: the answer to Leave.
    LeaveAck {
        /// The group it is about.
        group: GroupId,
    },
    /// 12: a NIM whose daemon is gone says so before it exits.
    Goodbye {
        /// The group it is about.
        group: GroupId,
    },
    /// 13: answer this at once. NIM to NIM.
    Probe {
        /// The reporter's case.
        case: CaseId,
        /// Which one of its probe, from 0.
        sequence: u32,
        /// The prober's number for the whole probe.
        probe: u64,
        /// So many zeros besides.
        padding: u16,
    },
    /// 14: the answer to Probe.
    ProbeReply {
        /// The reporter's case.
        case: CaseId,
        /// Which one of its probe, from 0.
        sequence: u32,
        /// The prober's number for the whole probe.
        probe: u64,
        /// The daemon behind the sending NIM is stalled.
        stalled: bool,
    },
    /// 15: pass `datagram` on to `to`, on this network.
    Relay {
        /// Who wrote it.
        from: IpAddr,
        /// Who is to have it.
        to: IpAddr,
        /// The whole datagram, header included.
        datagram: Vec<u8>,
    },
    /// 16: one part of a message too long for a datagram.
    Chunk(Chunk),
    /// 17: node to node, passed on along groups.
    Envelope(Envelope),
    /// 18: items of the link-state database.
    Flood {
        /// The items.
        items: Vec<Item>,
    },
    /// 19: which items a member has.
    Summary(Summary),
}

/// One adapter in a group.
///
/// It is listed in many places at once (what is in force, what is prepared, what
/// is known): a clone shares it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member(Arc<Identity>);

impl From<Identity> for Member {
    fn from(identity: Identity) -> Self {
        Member(Arc::new(identity))
    }
}

impl Deref for Member {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        &self.0
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a [`Member`] is: an adapter, and the run of the daemon that serves it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Identity {
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

/// So many told faults travel in one message; receivers take no more.
pub const TOLD_MAX: usize = 1_024;
/// And so many bytes of names in them: with a few thousand members beside them they
/// fit the longest message, [`MESSAGE_MAX`](crate::MESSAGE_MAX).
pub const TOLD_BYTES_MAX: usize = 64 << 10;

/// A fault that was said and has not been taken back. What a kind does not have is
/// empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// The number of its code: 2103 is HATS-2103.
    pub code: u32,
    /// Where.
    pub network: String,
    /// Whose it is.
    pub node: String,
    /// Which interface of that node.
    pub interface: String,
    /// The other end of a path.
    pub peer_node: String,
    /// Its interface.
    pub peer_interface: String,
    /// The sides of a network, names of nodes joined by commas.
    pub sets: Vec<String>,
    /// The instance of the newest group that went across them.
    pub instance: u64,
}

impl Told {
    /// The bytes of all its names.
    pub fn bytes(&self) -> usize {
        let names = [&self.network, &self.node, &self.interface, &self.peer_node];
        let names = names.into_iter().chain([&self.peer_interface]).chain(&self.sets);
        names.map(String::len).sum()
    }
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
    /// Whom it still lists besides: they are about to leave it.
    pub leaving: Vec<IpAddr>,
    /// The faults that it has told and not taken back; at most [`TOLD_MAX`].
    pub told: Vec<Told>,
}

/// See [`Message::Prepare`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Prepare {
    /// The identity the membership will have.
    pub group: GroupId,
    /// The membership that it is told by its difference from; none when it is
    /// told in full.
    pub base: Option<GroupId>,
    /// The members; those that are not in `base`, or otherwise, if one is named.
    pub members: Vec<Member>,
    /// Pairs the ring goes round.
    pub failed_paths: Vec<Pair>,
    /// Who leaves, and why.
    pub removed: Vec<Removal>,
    /// Digest of members and failed paths.
    pub digest: u64,
    /// For those who come: the faults that were told and not taken back; at most
    /// [`TOLD_MAX`].
    pub told: Vec<Told>,
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
    /// What the asker said that it has: for whom else this is not.
    pub base: Option<GroupId>,
    /// The faults that were told and not taken back; at most [`TOLD_MAX`].
    pub told: Vec<Told>,
}

/// See [`Message::Summary`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// What the sender has, unless `buckets` says it.
    pub have: Vec<ItemVersion>,
    /// The receiver shall say what it has, too.
    pub answer_wanted: bool,
    /// Digests of all buckets of the sender's database; then `have` is empty.
    pub buckets: Vec<u64>,
    /// The buckets of which `have` lists everything; all of them when empty.
    pub covers: Vec<u32>,
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
