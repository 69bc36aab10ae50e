//! What one node says to another across networks: the letters of envelopes.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use crate::{CaseId, Cause, GroupId, Member, NodeId, Pair};

/// See [`Message::Envelope`](crate::Message::Envelope).
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
    SilentAck {
        /// Which case it was.
        case_name: String,
        /// What was decided already, if it is: the reporter may have missed it.
        verdict: Option<alloc::boxed::Box<crate::Item>>,
    },
    /// An end of a failed path to the acting leader: it works again.
    PathRestored {
        /// Where.
        network: String,
        /// Which path.
        pair: Pair,
    },
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
    /// Nothing is known to get lost here: of each target, one answer is enough.
    pub brief: bool,
    /// The reporter misses all that it watches: it may well be the one.
    pub doubts_itself: bool,
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
    /// Nothing is known to get lost here: of each target, one answer is enough.
    pub brief: bool,
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
    /// How long answers were waited for: longer than a probe's timeout when some
    /// came late; 0 when that was not said.
    pub waited_us: u64,
}
