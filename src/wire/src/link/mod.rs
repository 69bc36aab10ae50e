//! What hatsd and a NIM say to each other, as values.
//!
//! `proto/hats/nim/v1.proto` says what each message means; times are
//! nanoseconds of CLOCK_MONOTONIC. [`Frames`] cuts the stream; the decoders take
//! one frame, the encoders give one with its length in front.

use alloc::{string::String, vec::Vec};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{CaseId, GroupId, Incarnation, NodeId};

mod codec;
mod error;
mod frames;

pub use codec::{decode_command, decode_report, encode_command, encode_report};
pub use error::LinkError;
pub use frames::{FRAME_MAX, Frames};

/// How messages to the whole network travel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// To a multicast group.
    Multicast,
    /// To the subnet's broadcast address (IPv4 only).
    Broadcast,
    /// To each known peer by itself.
    Unicast,
}

/// The port of [`everybody`], whatever the port of a network.
pub const EVERYBODY_PORT: u16 = 12347;

/// The group of all hosts on a wire, in which everybody is without joining. Leaders
/// make themselves known there, so that networks that share a wire by mistake,
/// each with a group of its own, hear each other.
pub fn everybody(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(224, 0, 0, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
    }
}

impl Mode {
    /// The word in configuration and status.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Multicast => "multicast",
            Mode::Broadcast => "broadcast",
            Mode::Unicast => "unicast",
        }
    }
}

/// From hatsd to the NIM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// First of all: which adapter, and how to beat.
    Configure(Configure),
    /// The neighbours from now on.
    Watch {
        /// Named in the heartbeats.
        group: GroupId,
        /// Send heartbeats to these.
        feed: Vec<IpAddr>,
        /// Expect heartbeats from these.
        expect: Vec<IpAddr>,
    },
    /// Send one datagram, complete with header.
    Send {
        /// To whom; to the network when nobody is named.
        to: Option<IpAddr>,
        /// The bytes.
        datagram: Vec<u8>,
    },
    /// Probe an address.
    StartProbe(StartProbe),
    /// Go on for this long without another word.
    Lease {
        /// Nanoseconds.
        duration_ns: u64,
    },
    /// The daemon is stopping in good order.
    Shutdown,
}

/// See [`Command::Configure`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Configure {
    /// The interface's name.
    pub interface: String,
    /// The adapter's address.
    pub address: IpAddr,
    /// The prefix length of its subnet.
    pub prefix_length: u8,
    /// How messages to the network travel.
    pub mode: Mode,
    /// Multicast group or broadcast address; none in unicast mode.
    pub group: Option<IpAddr>,
    /// The UDP port.
    pub port: u16,
    /// For the headers of heartbeats and probes.
    pub node_id: NodeId,
    /// For the headers of heartbeats and probes.
    pub incarnation: Incarnation,
    /// For the headers; datagrams with another tag go to the daemon uninspected.
    pub cluster: u32,
    /// Time between heartbeats.
    pub heartbeat_interval_ns: u64,
    /// Missed heartbeats that make silence.
    pub sensitivity: u32,
    /// 0: normal scheduling; 1 to 99: SCHED_FIFO at that priority.
    pub realtime_priority: u8,
    /// Keep all memory resident.
    pub lock_memory: bool,
}

/// See [`Command::StartProbe`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StartProbe {
    /// Comes back in [`Report::ProbeDone`].
    pub id: u64,
    /// The case in whose service it is.
    pub case: CaseId,
    /// Whom.
    pub target: IpAddr,
    /// How many.
    pub count: u32,
    /// Time between them.
    pub interval_ns: u64,
    /// Time for all of it, from the start.
    pub timeout_ns: u64,
    /// ICMP echo beside the hats probes.
    pub icmp: bool,
    /// Only ICMP echo.
    pub icmp_only: bool,
    /// Each probe's datagram is padded to so many bytes, and never fragmented; 0:
    /// neither.
    pub size: u32,
    /// Nothing more is asked once one answer has come; ICMP echo goes beside the
    /// last question only.
    pub until_answered: bool,
}

/// From the NIM to hatsd.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Report {
    /// The answer to Configure.
    Ready {
        /// The NIM's process.
        pid: u32,
        /// The NIM's version.
        version: String,
        /// SCHED_FIFO was obtained.
        realtime: bool,
        /// Memory is locked.
        memory_locked: bool,
        /// ICMP can be sent.
        icmp: bool,
        /// What was asked for and not obtained, and how to give it.
        warnings: Vec<String>,
    },
    /// The adapter's state, at start and after each change.
    Link(Link),
    /// A datagram for the daemon.
    Received {
        /// When.
        at_ns: u64,
        /// From whom.
        from: IpAddr,
        /// It came to the multicast group or broadcast address.
        to_group: bool,
        /// The bytes.
        datagram: Vec<u8>,
    },
    /// A watched neighbour's state changed.
    Neighbour(Neighbour),
    /// A heartbeat that was not expected, or differs in group, node or incarnation.
    Stranger {
        /// When.
        at_ns: u64,
        /// From whom.
        from: IpAddr,
        /// The group it names.
        group: GroupId,
        /// The node in its header.
        node_id: NodeId,
        /// The incarnation in its header.
        incarnation: Incarnation,
        /// It says that its daemon is stalled.
        stalled: bool,
    },
    /// A probe arrived.
    ProbeSeen {
        /// When.
        at_ns: u64,
        /// From whom.
        from: IpAddr,
        /// The case it names.
        case: CaseId,
        /// Its number.
        sequence: u32,
        /// The node in its header.
        node_id: NodeId,
    },
    /// A probe of ours is over.
    ProbeDone(ProbeDone),
    /// Counters, once a second when they changed.
    Statistics(Statistics),
    /// Another host says that it has the adapter's address.
    Taken {
        /// When.
        at_ns: u64,
        /// Its hardware address; empty: it does not say so any more.
        mac: Vec<u8>,
    },
    /// A host on the adapter's wire: of another subnet, or one that was asked for.
    Overheard {
        /// When it was heard.
        at_ns: u64,
        /// Its address.
        address: IpAddr,
        /// Its hardware address; empty when it is not known.
        mac: Vec<u8>,
    },
    /// The NIM itself was late.
    Late {
        /// When it woke.
        at_ns: u64,
        /// How much too late.
        lateness_ns: u64,
    },
}

/// See [`Report::Link`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Link {
    /// When it was seen.
    pub at_ns: u64,
    /// The interface exists.
    pub present: bool,
    /// Its index now.
    pub ifindex: u32,
    /// Its administrator set it up.
    pub admin_up: bool,
    /// It has carrier.
    pub carrier: bool,
    /// The address is on it and can be used.
    pub address: bool,
    /// Another host has the address.
    pub address_duplicate: bool,
    /// The sockets are open.
    pub open: bool,
    /// The hardware address.
    pub mac: Vec<u8>,
    /// The largest packet.
    pub mtu: u32,
    /// Why the sockets are not open; else empty.
    pub error: String,
}

/// How a watched neighbour is doing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NeighbourState {
    /// Nothing heard yet, within the grace of a new neighbour.
    Waiting,
    /// Heard in time.
    Fresh,
    /// One heartbeat is late: 1.5 intervals.
    Late,
    /// Nothing heard for the detection time.
    Silent,
}

impl NeighbourState {
    /// The word in status output.
    pub fn word(self) -> &'static str {
        match self {
            NeighbourState::Waiting => "waiting",
            NeighbourState::Fresh => "fresh",
            NeighbourState::Late => "late",
            NeighbourState::Silent => "silent",
        }
    }
}

/// See [`Report::Neighbour`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Neighbour {
    /// When it changed.
    pub at_ns: u64,
    /// Who.
    pub address: IpAddr,
    /// To what.
    pub state: NeighbourState,
    /// When it was last heard (or, never heard, when the watch began).
    pub last_heard_ns: u64,
    /// Heartbeats missed in a row.
    pub missed: u64,
    /// Its last heartbeat said that its daemon is stalled.
    pub stalled: bool,
    /// None of its last 64 heartbeats before was lost.
    pub steady: bool,
}

/// See [`Report::ProbeDone`].
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ProbeDone {
    /// From [`StartProbe`].
    pub id: u64,
    /// When.
    pub at_ns: u64,
    /// Hats probes sent.
    pub sent: u32,
    /// Answers to them.
    pub received: u32,
    /// The shortest round trip; 0 when nothing came back.
    pub rtt_ns: u64,
    /// ICMP echoes sent.
    pub icmp_sent: u32,
    /// Answers to them.
    pub icmp_received: u32,
    /// Some answer said that the daemon behind it is stalled.
    pub stalled: bool,
    /// Datagrams of any kind from the target meanwhile.
    pub heard: u32,
}

/// See [`Report::Statistics`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Statistics {
    /// Datagrams sent.
    pub sent: u64,
    /// Datagrams received.
    pub received: u64,
    /// Datagrams the kernel refused to send.
    pub send_errors: u64,
    /// Heartbeats sent.
    pub heartbeats_sent: u64,
    /// Heartbeats received.
    pub heartbeats_received: u64,
    /// Heartbeats that did not come.
    pub heartbeats_missed: u64,
    /// Datagrams refused, by reason.
    pub rejected: Vec<(String, u64)>,
    /// The worst wake-up since the last report.
    pub lateness_max_ns: u64,
    /// The watched neighbours.
    pub heard: Vec<Heard>,
}

/// When a watched neighbour was last heard.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Heard {
    /// Who.
    pub address: IpAddr,
    /// When.
    pub last_heard_ns: u64,
    /// The longest silence since the last report.
    pub gap_max_ns: u64,
    /// Heartbeats missed in a row.
    pub missed: u64,
    /// How it is doing.
    pub state: NeighbourState,
    /// How well its heartbeats arrive.
    pub measured: Measured,
}

/// How well a watched neighbour's heartbeats have arrived since the watch began.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measured {
    /// When the watch began.
    pub since_ns: u64,
    /// Heartbeats that arrived.
    pub beats: u64,
    /// Heartbeats that did not.
    pub lost: u64,
    /// The most that were lost in a row.
    pub lost_run_max: u64,
    /// The largest lateness.
    pub late_max_ns: u64,
    /// How many were late by at most 100 us, 150 us, 200 us, 300 us and so on,
    /// and more than the bound before.
    pub late: Vec<u64>,
}
