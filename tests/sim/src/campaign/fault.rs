//! What a campaign does to a cluster, as values: to be injected, ended, and
//! told in words.

use std::{fmt, time::Duration};

use super::span;
use crate::{faults::Way, world::World};

/// What can befall one adapter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AdapterFault {
    /// Neither sends nor receives, carrier up.
    Cut,
    /// Receives nothing.
    Deaf,
    /// Sends nothing.
    Mute,
    /// The carrier is lost, and the kernel says so.
    Carrier,
    /// The address is lost, and the kernel says so.
    Address,
    /// The NIM process is killed; the daemon starts another one.
    NimKill,
}

/// What can befall one node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum NodeFault {
    /// Power is gone.
    Crash,
    /// The daemon dies, the host lives.
    DaemonKill,
    /// The daemon dies and is started again after this long.
    DaemonRestart(Duration),
    /// The host is suspended for this long.
    Pause(Duration),
    /// The daemon stops on purpose.
    Leave,
}

/// One thing that is done to a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// To an adapter: what, the node, the network.
    Adapter(AdapterFault, String, String),
    /// To a node: what, the node.
    Node(NodeFault, String),
    /// To the path between two nodes on a network; one-way: from the first on.
    Path {
        /// One end.
        a: String,
        /// The other end.
        b: String,
        /// The network.
        network: String,
        /// Which way.
        way: Way,
    },
    /// To a network: it falls in two.
    Partition {
        /// The network.
        network: String,
        /// One side.
        low: Vec<String>,
        /// The other side.
        high: Vec<String>,
    },
    /// To a network: nothing gets anywhere.
    NetworkDead(String),
}

impl Fault {
    /// The kind in one word, for counting.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Adapter(AdapterFault::Cut, ..) => "cut",
            Fault::Adapter(AdapterFault::Deaf, ..) => "deaf",
            Fault::Adapter(AdapterFault::Mute, ..) => "mute",
            Fault::Adapter(AdapterFault::Carrier, ..) => "carrier",
            Fault::Adapter(AdapterFault::Address, ..) => "address",
            Fault::Adapter(AdapterFault::NimKill, ..) => "nim-kill",
            Fault::Node(NodeFault::Crash, _) => "crash",
            Fault::Node(NodeFault::DaemonKill, _) => "daemon-kill",
            Fault::Node(NodeFault::DaemonRestart(_), _) => "daemon-restart",
            Fault::Node(NodeFault::Pause(_), _) => "pause",
            Fault::Node(NodeFault::Leave, _) => "leave",
            Fault::Path { way: Way::Both, .. } => "path",
            Fault::Path { way: Way::There, .. } => "path-one-way",
            Fault::Partition { .. } => "partition",
            Fault::NetworkDead(_) => "network-dead",
        }
    }

    /// The node it befalls, if it is one node or adapter.
    pub fn node(&self) -> Option<&str> {
        match self {
            Fault::Adapter(_, node, _) | Fault::Node(_, node) => Some(node),
            Fault::Path { .. } | Fault::Partition { .. } | Fault::NetworkDead(_) => None,
        }
    }

    /// The network it befalls, if it is not a whole node.
    pub fn network(&self) -> Option<&str> {
        match self {
            Fault::Adapter(_, _, network)
            | Fault::Path { network, .. }
            | Fault::Partition { network, .. }
            | Fault::NetworkDead(network) => Some(network),
            Fault::Node(..) => None,
        }
    }

    /// How long it lasts, if that is a part of it.
    pub fn own_end(&self) -> Option<Duration> {
        match self {
            Fault::Node(NodeFault::DaemonRestart(after) | NodeFault::Pause(after), _) => {
                Some(*after)
            }
            Fault::Node(..)
            | Fault::Adapter(..)
            | Fault::Path { .. }
            | Fault::Partition { .. }
            | Fault::NetworkDead(_) => None,
        }
    }

    /// Whether the two cannot be done to one cluster at the same time.
    pub fn collides(&self, other: &Fault) -> bool {
        match (self, other) {
            (Fault::Adapter(_, node, network), Fault::Adapter(_, node2, network2)) => {
                node == node2 && network == network2
            }
            (Fault::Node(_, node), Fault::Node(_, node2)) => node == node2,
            (Fault::Path { a, b, network, .. }, Fault::Path { a: a2, b: b2, network: n2, .. }) => {
                network == n2 && ((a == a2 && b == b2) || (a == b2 && b == a2))
            }
            (
                Fault::Partition { network, .. } | Fault::NetworkDead(network),
                Fault::Partition { network: other, .. } | Fault::NetworkDead(other),
            ) => network == other,
            (_, _) => false,
        }
    }

    /// Does it.
    pub(crate) fn inject(&self, world: &mut World) {
        match self {
            Fault::Adapter(what, node, network) => match what {
                AdapterFault::Cut => world.cut(node, network),
                AdapterFault::Deaf => world.deaf(node, network),
                AdapterFault::Mute => world.mute(node, network),
                AdapterFault::Carrier => world.carrier(node, network, false),
                AdapterFault::Address => world.address_lost(node, network),
                AdapterFault::NimKill => world.kill_nim(node, network),
            },
            Fault::Node(what, node) => match what {
                NodeFault::Crash => world.crash(node),
                NodeFault::DaemonKill | NodeFault::DaemonRestart(_) => world.kill_daemon(node),
                NodeFault::Pause(_) => world.pause(node),
                NodeFault::Leave => world.leave(node),
            },
            Fault::Path { a, b, network, way } => world.path(a, b, network, *way),
            Fault::Partition { network, low, high } => {
                let sides = [low, high].map(|side| side.iter().map(String::as_str).collect());
                let [low, high]: [Vec<&str>; 2] = sides;
                world.partition(network, &[&low, &high]);
            }
            Fault::NetworkDead(network) => world.network_dead(network, true),
        }
    }

    /// Ends it.
    pub(crate) fn end(&self, world: &mut World) {
        match self {
            Fault::Adapter(what, node, network) => match what {
                AdapterFault::Cut | AdapterFault::Deaf | AdapterFault::Mute => {
                    world.heal(node, network);
                }
                AdapterFault::Carrier => world.carrier(node, network, true),
                AdapterFault::Address => world.address_back(node, network),
                AdapterFault::NimKill => {}
            },
            Fault::Node(NodeFault::Pause(_), node) => world.resume(node),
            Fault::Node(
                NodeFault::Crash
                | NodeFault::DaemonKill
                | NodeFault::DaemonRestart(_)
                | NodeFault::Leave,
                node,
            ) => world.restart(node),
            Fault::Path { a, b, network, .. } => world.heal_path(a, b, network),
            Fault::Partition { network, .. } => world.heal_partition(network),
            Fault::NetworkDead(network) => world.network_dead(network, false),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words())?;
        match self.own_end() {
            Some(end) => write!(f, " for {}", span::words(end)),
            None => Ok(()),
        }
    }
}
