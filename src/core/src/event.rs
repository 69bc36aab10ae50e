//! What the world is told.
//!
//! One [`Event`] becomes one log line and one subscriber message. Its kinds,
//! codes and levels are those of the catalogue, `src/core/events.toml`.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, Confidence, Direction};

macro_rules! catalogue {
    ($(
        $(#[$doc:meta])*
        $kind:ident $code:literal $name:literal $level:ident $id:literal has_end = $end:literal
    )*) => {
        /// The kinds of events.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum EventKind { $($(#[$doc])* $kind,)* }

        impl EventKind {
            /// Every kind, in the order of codes.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$kind,)*];

            /// `HATS-nnnn`: never reused.
            pub fn code(self) -> &'static str {
                match self { $(EventKind::$kind => concat!("HATS-", $code),)* }
            }

            /// The number in [`code`](Self::code).
            pub fn number(self) -> u32 {
                match self { $(EventKind::$kind => crate::event::number($code),)* }
            }

            /// `adapter.down`.
            pub fn name(self) -> &'static str {
                match self { $(EventKind::$kind => $name,)* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(EventKind::$kind => Level::$level,)* }
            }

            /// MESSAGE_ID in the journal: 32 hexadecimal digits.
            pub fn message_id(self) -> &'static str {
                match self { $(EventKind::$kind => $id,)* }
            }

            /// Whether another event may end it, by its `clears`.
            pub fn has_end(self) -> bool {
                match self { $(EventKind::$kind => $end,)* }
            }
        }
    };
}

/// The digits of a code; the catalogue has nothing else there.
const fn number(digits: &str) -> u32 {
    let (digits, mut at, mut number) = (digits.as_bytes(), 0, 0);
    while at < digits.len() {
        number = number * 10 + (digits[at] - b'0') as u32;
        at += 1;
    }
    number
}

mod kind;

pub use kind::EventKind;

/// How bad an event is. State changes are info and above.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// A change, a recovery.
    Info,
    /// Someone should look.
    Warn,
    /// A confirmed fault.
    Error,
}

impl Level {
    /// The word in log lines.
    pub fn word(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// One thing that happened, for people and programs.
///
/// Flat, because it travels flat: docs/events.md lists which kind has which
/// fields. The shell adds time, order and observer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// For people: one line.
    pub msg: String,
    /// The node it is about.
    pub node: Option<String>,
    /// The network it is about.
    pub network: Option<String>,
    /// The interface it is about.
    pub adapter: Option<String>,
    /// The address it is about.
    pub addr: Option<IpAddr>,
    /// Why.
    pub cause: Option<Cause>,
    /// How sure.
    pub confidence: Option<Confidence>,
    /// The verdict behind it.
    pub verdict_id: Option<String>,
    /// Who missed heartbeats.
    pub reporter: Option<String>,
    /// Who was asked to probe.
    pub arbiters: Vec<String>,
    /// The other end of a path, the other holder of an address.
    pub peer_node: Option<String>,
    /// Its network, if that is another one.
    pub peer_network: Option<String>,
    /// Its interface.
    pub peer_adapter: Option<String>,
    /// Its address.
    pub peer_addr: Option<IpAddr>,
    /// Its hardware address, and that of the other holder of an address.
    pub mac: Option<String>,
    /// See `mac`.
    pub peer_mac: Option<String>,
    /// Datagrams lost on their way to an adapter, in percent.
    pub loss_in: Option<u64>,
    /// And on their way from it.
    pub loss_out: Option<u64>,
    /// The longest packet that arrives, in bytes from the IP header on.
    pub mtu: Option<u64>,
    /// Which way a path fails, seen from `node`.
    pub direction: Option<Direction>,
    /// The leader's node and address.
    pub leader: Option<(String, IpAddr)>,
    /// The successor's node and address.
    pub successor: Option<(String, IpAddr)>,
    /// How many members.
    pub members: Option<u32>,
    /// The group's instance.
    pub instance: Option<u64>,
    /// The sides of a partition, names joined by commas.
    pub sets: Vec<String>,
    /// A recovery: what it ends.
    pub clears: Option<EventKind>,
    /// What would make an inconclusive case conclusive.
    pub missing: Option<String>,
    /// Likely cause and what to try.
    pub hint: Option<String>,
    /// How late.
    pub late_ms: Option<u64>,
    /// How many.
    pub count: Option<u64>,
    /// A process.
    pub pid: Option<u32>,
    /// A run of a daemon.
    pub incarnation: Option<u64>,
    /// A daemon's version.
    pub version: Option<String>,
    /// This node decided it: exactly one observer says so.
    pub authority: bool,
}

impl Event {
    /// An event of `kind` that says `msg` and nothing else yet.
    pub fn new(kind: EventKind, msg: String) -> Self {
        Event {
            kind,
            msg,
            node: None,
            network: None,
            adapter: None,
            addr: None,
            cause: None,
            confidence: None,
            verdict_id: None,
            reporter: None,
            arbiters: Vec::new(),
            peer_node: None,
            peer_network: None,
            peer_adapter: None,
            peer_addr: None,
            mac: None,
            peer_mac: None,
            loss_in: None,
            loss_out: None,
            mtu: None,
            direction: None,
            leader: None,
            successor: None,
            members: None,
            instance: None,
            sets: Vec::new(),
            clears: None,
            missing: None,
            hint: None,
            late_ms: None,
            count: None,
            pid: None,
            incarnation: None,
            version: None,
            authority: false,
        }
    }
}
