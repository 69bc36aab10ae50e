//! The identities that appear in messages.

use alloc::string::String;
use core::{fmt, net::IpAddr};

/// One host running one hatsd: stable across restarts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(pub u64);

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// Grows at each start of a daemon; tells a restarted one from the old one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Incarnation(pub u64);

/// One committed membership: the leader's address and a number that grows.
///
/// Ordered by instance first: of two groups that list the same adapter, the
/// later instance is the one it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId {
    /// Grows with each committed membership.
    pub instance: u64,
    /// The address of the member that committed it.
    pub leader: IpAddr,
}

/// Two members of one network, in address order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Pair {
    low: IpAddr,
    high: IpAddr,
}

impl Pair {
    /// The pair of `a` and `b`, whichever way round they are given.
    pub fn new(a: IpAddr, b: IpAddr) -> Self {
        Pair { low: a.min(b), high: a.max(b) }
    }

    /// The lower address.
    pub fn low(&self) -> IpAddr {
        self.low
    }

    /// The higher address.
    pub fn high(&self) -> IpAddr {
        self.high
    }

    /// Whether `address` is one of the two.
    pub fn has(&self, address: IpAddr) -> bool {
        self.low == address || self.high == address
    }

    /// The other one of the two, when `address` is one of them.
    pub fn other(&self, address: IpAddr) -> Option<IpAddr> {
        if address == self.low {
            Some(self.high)
        } else if address == self.high {
            Some(self.low)
        } else {
            None
        }
    }
}

/// One arbitration of one reporter; with the reporter's name and incarnation
/// it becomes the verdict's id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CaseId(pub u64);

impl CaseId {
    /// The case of this number of the node `reporter`: half of the bits tell
    /// reporters apart, so that arbiters of several do not mix them up.
    pub fn new(reporter: NodeId, number: u64) -> Self {
        let reporter = (reporter.0 ^ (reporter.0 >> 32)) & 0xffff_ffff;
        CaseId(reporter << 32 | (number & 0xff_ffff) << 8)
    }

    /// What the probes of one of its rounds carry.
    pub fn in_round(self, round: u32) -> Self {
        CaseId(self.0 & !0xff | u64::from(round & 0xff))
    }
}

/// Why an adapter, node or daemon is down. The words of events and messages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Cause {
    /// Sends nothing that others hear, still receives.
    Transmit,
    /// Receives nothing, still sends.
    Receive,
    /// Neither sends nor receives.
    Both,
    /// No carrier, or set down by its administrator.
    LinkDown,
    /// Its address went away.
    AddressLost,
    /// Its interface went away.
    Removed,
    /// Its node is down.
    NodeDown,
    /// Its daemon is down.
    DaemonDown,
    /// Its NIM cannot be kept running.
    NimFailed,
    /// Nothing answers, and its node has no other network to tell more by.
    Unreachable,
    /// It left on purpose.
    Left,
    /// Taken out for maintenance.
    Maintenance,
    /// Silent, and there is no third voice to say whose fault it is.
    Inconclusive,
    /// None of the targets that it must reach answers.
    TargetsUnreachable,
}

impl Cause {
    /// Every cause, in the order of the protocol's numbers.
    pub const ALL: [Cause; 14] = [
        Cause::Transmit,
        Cause::Receive,
        Cause::Both,
        Cause::LinkDown,
        Cause::AddressLost,
        Cause::Removed,
        Cause::NodeDown,
        Cause::DaemonDown,
        Cause::NimFailed,
        Cause::Unreachable,
        Cause::Left,
        Cause::Maintenance,
        Cause::Inconclusive,
        Cause::TargetsUnreachable,
    ];

    /// The word in events, logs and status: `link_down`.
    pub fn word(self) -> &'static str {
        match self {
            Cause::Transmit => "transmit",
            Cause::Receive => "receive",
            Cause::Both => "both",
            Cause::LinkDown => "link_down",
            Cause::AddressLost => "address_lost",
            Cause::Removed => "removed",
            Cause::NodeDown => "node_down",
            Cause::DaemonDown => "daemon_down",
            Cause::NimFailed => "nim_failed",
            Cause::Unreachable => "unreachable",
            Cause::Left => "left",
            Cause::Maintenance => "maintenance",
            Cause::Inconclusive => "inconclusive",
            Cause::TargetsUnreachable => "targets_unreachable",
        }
    }

    /// Whether the adapter's own node knows this for certain, without arbitration.
    pub fn is_fact(self) -> bool {
        match self {
            Cause::LinkDown
            | Cause::AddressLost
            | Cause::Removed
            | Cause::NimFailed
            | Cause::TargetsUnreachable
            | Cause::Left
            | Cause::Maintenance => true,
            Cause::Transmit
            | Cause::Receive
            | Cause::Both
            | Cause::NodeDown
            | Cause::DaemonDown
            | Cause::Unreachable
            | Cause::Inconclusive => false,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How sure a verdict is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Confidence {
    /// Every voice agrees and the direction is shown from both sides.
    High,
    /// The culprit is sure, some part of the evidence is missing.
    Medium,
    /// Nobody but the reporter could look.
    Low,
}

impl Confidence {
    /// The word in events: `high`.
    pub fn word(self) -> &'static str {
        match self {
            Confidence::High => "high",
            Confidence::Medium => "medium",
            Confidence::Low => "low",
        }
    }
}

/// Which way a path fails, seen from its first end.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Direction {
    /// Nothing gets from the first end to the second.
    ToPeer,
    /// Nothing gets from the second end to the first.
    FromPeer,
    /// Nothing gets through either way, or it cannot be told which.
    Both,
}

impl Direction {
    /// The word in events: `to_peer`.
    pub fn word(self) -> &'static str {
        match self {
            Direction::ToPeer => "to_peer",
            Direction::FromPeer => "from_peer",
            Direction::Both => "both",
        }
    }
}

/// The name of a case as people see it: `n3-41-7`.
pub fn case_name(node: &str, incarnation: Incarnation, case: CaseId) -> String {
    alloc::format!("{node}-{}-{}", incarnation.0 % 100_000, case.0)
}
