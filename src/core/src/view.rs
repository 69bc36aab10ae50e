//! What a node knows, as plain values for status output.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    Cause, GroupId, Incarnation, NodeId, Pair, Verdict,
    link::{Heard, Link, Mode, Statistics},
};

use crate::{event::EventKind, io::AdapterIndex, time::Timestamp};

/// Everything a node knows at one instant.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct View {
    /// Networks by name.
    pub networks: Vec<NetworkView>,
    /// Nodes, this one included, by name.
    pub nodes: Vec<NodeView>,
    /// Adapters of all nodes, by network and address.
    pub adapters: Vec<AdapterView>,
    /// Failed paths.
    pub paths: Vec<PathView>,
    /// Verdicts, newest last.
    pub verdicts: Vec<VerdictView>,
    /// This node's adapters, by index.
    pub locals: Vec<LocalView>,
}

/// One network.
#[derive(Clone, PartialEq, Debug)]
pub struct NetworkView {
    /// Its name.
    pub name: String,
    /// Its subnet.
    pub subnet: String,
    /// Known for the networks this node is on.
    pub mode: Option<Mode>,
    /// Multicast group or broadcast address.
    pub group_address: Option<IpAddr>,
    /// UDP port.
    pub port: u16,
    /// This node has an adapter on it.
    pub local: bool,
    /// The group this node is in, or the newest it heard of.
    pub group: Option<GroupId>,
    /// The group's members, leader first.
    pub members: Vec<IpAddr>,
    /// The leader's node.
    pub leader: Option<String>,
    /// The successor's node and address.
    pub successor: Option<(String, IpAddr)>,
    /// It fell apart, or failed as a whole: the event that said so.
    pub broken: Option<EventKind>,
    /// Multicast does not get through on it, unicast does.
    pub multicast_broken: bool,
    /// From the one to the other, packets of more bytes than this get lost.
    pub narrow: Vec<(IpAddr, IpAddr, u32)>,
    /// Other networks that share its wire.
    pub crossed: Vec<String>,
    /// No change for ten heartbeat intervals.
    pub stable: bool,
    /// When the group last changed.
    pub since: Timestamp,
}

/// Whether a node can be reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NodeState {
    /// A path of groups connects it to this node.
    Up,
    /// It failed, or its daemon did.
    Down,
    /// It left on purpose.
    Left,
    /// It cannot be reached, and it cannot be told why.
    Unknown,
}

/// One node.
#[derive(Clone, PartialEq, Debug)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// Its identity.
    pub node_id: NodeId,
    /// It is this one.
    pub is_self: bool,
    /// Whether it can be reached.
    pub state: NodeState,
    /// Why not.
    pub cause: Option<Cause>,
    /// The verdict behind that.
    pub verdict_id: Option<String>,
    /// Its daemon's run.
    pub incarnation: Incarnation,
    /// Its daemon's version.
    pub version: String,
    /// When the state last changed.
    pub since: Timestamp,
    /// Under maintenance.
    pub maintenance: bool,
}

/// Whether an adapter works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AdapterState {
    /// A member of its group.
    Up,
    /// Usable, not yet in a group with others.
    Joining,
    /// Failed.
    Down,
    /// Left on purpose.
    Left,
    /// Silent, and it cannot be told why.
    Unknown,
}

/// One adapter of any node.
#[derive(Clone, PartialEq, Debug)]
pub struct AdapterView {
    /// The network's name.
    pub network: String,
    /// The node's name.
    pub node: String,
    /// The interface.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// It is one of this node's.
    pub is_self: bool,
    /// Whether it works.
    pub state: AdapterState,
    /// Why not.
    pub cause: Option<Cause>,
    /// The verdict behind that.
    pub verdict_id: Option<String>,
    /// When the state last changed.
    pub since: Timestamp,
    /// It comes and goes: until when it is held down, as far as is known here,
    /// and after how many losses.
    pub held: Option<(Timestamp, u64)>,
}

/// A failed path.
#[derive(Clone, PartialEq, Debug)]
pub struct PathView {
    /// The network's name.
    pub network: String,
    /// The two ends.
    pub pair: Pair,
    /// The nodes of the lower and the higher address.
    pub nodes: (String, String),
    /// The verdict behind it.
    pub verdict_id: Option<String>,
    /// Since when.
    pub since: Timestamp,
}

/// A verdict and when it was learned.
#[derive(Clone, PartialEq, Debug)]
pub struct VerdictView {
    /// When.
    pub at: Timestamp,
    /// What.
    pub verdict: Verdict,
}

/// One of this node's adapters, as its NIM tells it.
#[derive(Clone, PartialEq, Debug)]
pub struct LocalView {
    /// The shell's number for it.
    pub adapter: AdapterIndex,
    /// The network's name.
    pub network: String,
    /// The interface.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// What the kernel says; none before the NIM's first word.
    pub link: Option<Link>,
    /// Counters.
    pub statistics: Statistics,
    /// Who it feeds.
    pub feeds: Vec<IpAddr>,
    /// Who it watches.
    pub watches: Vec<Heard>,
    /// Who is asked when nobody else is left.
    pub references: Vec<IpAddr>,
    /// Who must answer for it to be up.
    pub required: Vec<IpAddr>,
    /// SCHED_FIFO was obtained.
    pub realtime: bool,
    /// Its memory is locked.
    pub memory_locked: bool,
    /// When its group last changed.
    pub since: Timestamp,
    /// No change for ten heartbeat intervals.
    pub stable: bool,
}
