//! What the world is told.
//!
//! One [`Event`] becomes one log line and one subscriber message. Its kinds,
//! codes and levels are those of the catalogue, `src/core/events.toml`.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, Confidence, Direction};

macro_rules! catalogue {
    ($($(#[$doc:meta])* $kind:ident $code:literal $name:literal $level:ident)*) => {
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

            /// `adapter.down`.
            pub fn name(self) -> &'static str {
                match self { $(EventKind::$kind => $name,)* }
            }

            /// How bad it is.
            pub fn level(self) -> Level {
                match self { $(EventKind::$kind => Level::$level,)* }
            }
        }
    };
}

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

catalogue! {
    /// The daemon lives: every five minutes, so that silence can be alerted on.
    Alive "1001" "alive" Info
    /// The daemon has started.
    DaemonStarted "1002" "daemon.started" Info
    /// The daemon stops on purpose.
    DaemonStopping "1003" "daemon.stopping" Info
    /// Leader or successor of a group changed.
    NetworkLeader "1101" "network.leader" Info
    /// A network fell into parts; both sides are alive.
    NetworkPartitioned "1110" "network.partitioned" Error
    /// The parts of a network found each other again.
    NetworkMerged "1111" "network.merged" Info
    /// Nobody reaches anybody on a network; the nodes live.
    NetworkFailed "1112" "network.failed" Error
    /// Multicast is dead, unicast works.
    NetworkMulticastBroken "1114" "network.multicast_broken" Warn
    /// An adapter is a member of its network's group.
    AdapterUp "2101" "adapter.up" Info
    /// An adapter is silent; arbitration has not ended.
    AdapterSuspect "2102" "adapter.suspect" Warn
    /// An adapter has failed.
    AdapterDown "2103" "adapter.down" Error
    /// Heartbeats of an adapter come late.
    AdapterLate "2106" "adapter.late" Warn
    /// An adapter that keeps coming back is held.
    AdapterDamped "2108" "adapter.damped" Warn
    /// A held adapter is released.
    AdapterReleased "2109" "adapter.released" Info
    /// An adapter is silent and it cannot be told whose fault it is.
    AdapterInconclusive "2110" "adapter.inconclusive" Warn
    /// Two hosts have one address.
    DuplicateAddress "2120" "duplicate.address" Error
    /// Two well adapters do not reach each other.
    PathFailed "2201" "path.failed" Error
    /// They do again.
    PathRestored "2202" "path.restored" Info
    /// A node can be reached.
    NodeUp "3102" "node.up" Info
    /// A node has failed.
    NodeDown "3103" "node.down" Error
    /// A node left on purpose.
    NodeLeft "3104" "node.left" Info
    /// A node's daemon has been started anew.
    NodeRestarted "3105" "node.restarted" Warn
    /// A daemon has failed, its host lives.
    DaemonDown "3106" "daemon.down" Error
    /// Two nodes have one identity or name.
    DuplicateNode "3110" "duplicate.node" Error
    /// Another cluster is on the wire.
    ForeignCluster "3111" "foreign.cluster" Warn
    /// The daemon or a NIM was not scheduled in time.
    SelfLate "4101" "self.late" Warn
    /// The wall clock was set.
    SelfClockStep "4102" "self.clock_step" Warn
    /// The host was suspended.
    SelfSuspended "4103" "self.suspended" Warn
    /// A NIM process died.
    NimDied "4110" "nim.died" Error
    /// A NIM process does not answer.
    NimStuck "4111" "nim.stuck" Error
    /// A NIM process runs again.
    NimRestarted "4112" "nim.restarted" Info
    /// A privilege is missing; something works less well.
    NimDegraded "4113" "nim.degraded" Warn
    /// A parameter was changed.
    ParamChanged "5101" "param.changed" Info
    /// Nodes disagree in their configuration.
    ConfigDrift "5102" "config.drift" Warn
    /// Something configured does not exist yet.
    ConfigWaiting "5104" "config.waiting" Warn
    /// A datagram failed authentication.
    AuthFailed "5111" "auth.failed" Warn
    /// A subscriber did not read and lost events.
    SubscriberLost "6101" "subscriber.lost" Warn
    /// Maintenance began.
    MaintenanceOn "7101" "maintenance.on" Info
    /// Maintenance ended.
    MaintenanceOff "7102" "maintenance.off" Info
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
    /// Its interface.
    pub peer_adapter: Option<String>,
    /// Its address.
    pub peer_addr: Option<IpAddr>,
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
            peer_adapter: None,
            peer_addr: None,
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
