//! What a campaign does to a cluster, as values: to be injected, ended, and
//! told in words.

use std::{fmt, time::Duration};

use hats_core::config::Detection;

use super::{
    span,
    story::{Member, Story},
    weather::{Ways, Weather},
};
use crate::{
    faults::{Suspend, Way},
    world::World,
};

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
    /// The NIM process is stopped.
    NimHang,
    /// The NIM gets the CPU up to so much late.
    NimStarve(Duration),
    /// The carrier comes and goes: so many times down, and up again.
    Flap(u8, Duration, Duration),
    /// The interface gets another address.
    AddressChange,
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
    /// The daemon is stopped, its NIMs are not.
    DaemonHang,
    /// The daemon gets the CPU up to so much late.
    DaemonStarve(Duration),
    /// So do daemon and NIMs.
    Starve(Duration),
    /// The host is suspended for this long, and its adapters keep what comes.
    PauseQueueing(Duration),
    /// The host sleeps for this long, and its clock stands still.
    Sleep(Duration),
    /// Its clock gains so many millionths.
    ClockRate(i32),
    /// Its wall clock steps by so many milliseconds.
    WallClock(i64),
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
    /// To a network: it falls into two or more sides.
    Partition {
        /// The network.
        network: String,
        /// Who is on each side.
        sides: Vec<Vec<String>>,
    },
    /// To a network: nothing gets anywhere.
    NetworkDead(String),
    /// To a network: multicast gets nowhere, unicast is well.
    MulticastDead(String),
    /// To two networks: a cable joins their switches.
    Cross(String, String),
    /// To a network: its switch has no power, and nobody a carrier.
    SwitchOff(String),
    /// To some ways: they are bad by degrees.
    Weather(Weather, Ways),
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
            Fault::Adapter(AdapterFault::NimHang, ..) => "nim-hang",
            Fault::Adapter(AdapterFault::NimStarve(_), ..) => "nim-starve",
            Fault::Adapter(AdapterFault::Flap(..), ..) => "flap",
            Fault::Adapter(AdapterFault::AddressChange, ..) => "address-change",
            Fault::Node(NodeFault::Crash, _) => "crash",
            Fault::Node(NodeFault::DaemonKill, _) => "daemon-kill",
            Fault::Node(NodeFault::DaemonRestart(_), _) => "daemon-restart",
            Fault::Node(NodeFault::Pause(_), _) => "pause",
            Fault::Node(NodeFault::Leave, _) => "leave",
            Fault::Node(NodeFault::DaemonHang, _) => "daemon-hang",
            Fault::Node(NodeFault::DaemonStarve(_), _) => "daemon-starve",
            Fault::Node(NodeFault::Starve(_), _) => "starve",
            Fault::Node(NodeFault::PauseQueueing(_), _) => "pause-queueing",
            Fault::Node(NodeFault::Sleep(_), _) => "sleep",
            Fault::Node(NodeFault::ClockRate(_), _) => "clock-rate",
            Fault::Node(NodeFault::WallClock(_), _) => "wall-clock",
            Fault::Path { way: Way::Both, .. } => "path",
            Fault::Path { way: Way::There, .. } => "path-one-way",
            Fault::Partition { sides, .. } if sides.len() > 2 => "partition-in-more",
            Fault::Partition { .. } => "partition",
            Fault::NetworkDead(_) => "network-dead",
            Fault::MulticastDead(_) => "multicast-dead",
            Fault::Cross(..) => "cross",
            Fault::SwitchOff(_) => "switch-off",
            Fault::Weather(weather, _) => weather.kind(),
        }
    }

    /// The node it befalls, if it is one node or adapter.
    pub fn node(&self) -> Option<&str> {
        match self {
            Fault::Adapter(_, node, _) | Fault::Node(_, node) => Some(node),
            Fault::Path { .. }
            | Fault::Partition { .. }
            | Fault::NetworkDead(_)
            | Fault::MulticastDead(_)
            | Fault::Cross(..)
            | Fault::SwitchOff(_)
            | Fault::Weather(..) => None,
        }
    }

    /// The network it befalls, if it is not a whole node.
    pub fn network(&self) -> Option<&str> {
        match self {
            Fault::Adapter(_, _, network)
            | Fault::Path { network, .. }
            | Fault::Partition { network, .. }
            | Fault::NetworkDead(network)
            | Fault::MulticastDead(network)
            | Fault::Cross(network, _)
            | Fault::SwitchOff(network) => Some(network),
            Fault::Weather(_, ways) => Some(ways.network()),
            Fault::Node(..) => None,
        }
    }

    /// How long it lasts, if that is a part of it.
    pub fn own_end(&self) -> Option<Duration> {
        match self {
            Fault::Node(
                NodeFault::DaemonRestart(after)
                | NodeFault::Pause(after)
                | NodeFault::PauseQueueing(after)
                | NodeFault::Sleep(after),
                _,
            ) => Some(*after),
            Fault::Adapter(AdapterFault::Flap(times, down, up), ..) => {
                Some((*down + *up) * u32::from(*times))
            }
            Fault::Node(..)
            | Fault::Adapter(..)
            | Fault::Path { .. }
            | Fault::Partition { .. }
            | Fault::NetworkDead(_)
            | Fault::MulticastDead(_)
            | Fault::Cross(..)
            | Fault::SwitchOff(_)
            | Fault::Weather(..) => None,
        }
    }

    /// How long the node is suspended, if it is that.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub(crate) fn suspends(&self) -> Option<Duration> {
        match self {
            Fault::Node(
                NodeFault::Pause(span) | NodeFault::PauseQueueing(span) | NodeFault::Sleep(span),
                _,
            ) => Some(*span),
            _ => None,
        }
    }

    /// Nobody may be blamed for it: the protocol has to endure it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub fn is_endured(&self, detection: &Detection) -> bool {
        // Sooner than a silence that counts.
        let soon =
            |late: Duration| late + detection.heartbeat_interval < detection.detection_time();
        match self {
            Fault::Node(NodeFault::ClockRate(_) | NodeFault::WallClock(_), _)
            | Fault::MulticastDead(_)
            | Fault::Cross(..) => true,
            Fault::Node(NodeFault::DaemonStarve(late) | NodeFault::Starve(late), _)
            | Fault::Adapter(AdapterFault::NimStarve(late), ..) => soon(*late),
            Fault::Weather(weather, _) => weather.is_endured(detection),
            _ => false,
        }
    }

    /// While it is in force, what must be said may be said late.
    pub(crate) fn makes_late(&self) -> bool {
        matches!(
            self,
            Fault::Weather(..)
                | Fault::Node(
                    NodeFault::DaemonStarve(_) | NodeFault::Starve(_) | NodeFault::ClockRate(_),
                    _
                )
                | Fault::Adapter(AdapterFault::NimStarve(_), ..)
        )
    }

    /// Only a patrol finds it where no heartbeats go.
    pub(crate) fn is_of_paths(&self) -> bool {
        matches!(self, Fault::Path { .. } | Fault::Partition { .. } | Fault::Weather(..))
    }

    /// Before anybody knows of anybody: without multicast a node is only known by
    /// what it says on another network.
    pub(crate) fn hides_somebody(&self, story: &Story) -> bool {
        let Fault::MulticastDead(network) = self else { return false };
        let sole = |member: &Member| member.adapters.len() == 1 && member.is_on(network);
        story.nodes.iter().any(sole)
    }

    /// It is over in the moment in which it is done.
    pub(crate) fn is_momentary(&self) -> bool {
        matches!(
            self,
            Fault::Adapter(AdapterFault::NimKill | AdapterFault::AddressChange, ..)
                | Fault::Node(NodeFault::WallClock(_), _)
        )
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
            )
            | (Fault::MulticastDead(network), Fault::MulticastDead(other))
            | (Fault::SwitchOff(network), Fault::SwitchOff(other)) => network == other,
            // What ends one would end the other.
            (Fault::SwitchOff(network), Fault::Adapter(_, _, other))
            | (Fault::Adapter(_, _, other), Fault::SwitchOff(network)) => network == other,
            (Fault::Weather(_, ways), Fault::Weather(_, others)) => ways.are_of(others),
            (Fault::Weather(_, ways), other) | (other, Fault::Weather(_, ways)) => {
                other.replaces(ways)
            }
            (_, _) => false,
        }
    }

    /// Whether its beginning or end is the end of weather on those ways.
    fn replaces(&self, ways: &Ways) -> bool {
        match (self, ways) {
            (Fault::Adapter(_, node, network), Ways::To(n, net) | Ways::From(n, net)) => {
                node == n && network == net
            }
            (Fault::Path { a, b, network, .. }, Ways::Path(a2, b2, net, _)) => {
                network == net && ((a == a2 && b == b2) || (a == b2 && b == a2))
            }
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
                AdapterFault::NimHang => world.hang_nim(node, network),
                AdapterFault::NimStarve(late) => world.starve_nim(node, network, *late),
                AdapterFault::Flap(times, down, up) => {
                    world.flap(node, network, u32::from(*times), *down, *up);
                }
                AdapterFault::AddressChange => {
                    let address = world.free_address(node, network);
                    world.address_change(node, network, &address);
                }
            },
            Fault::Node(what, node) => match what {
                NodeFault::Crash => world.crash(node),
                NodeFault::DaemonKill | NodeFault::DaemonRestart(_) => world.kill_daemon(node),
                NodeFault::Pause(_) => world.pause(node),
                NodeFault::Leave => world.leave(node),
                NodeFault::DaemonHang => world.hang_daemon(node),
                NodeFault::DaemonStarve(late) => world.starve_daemon(node, *late),
                NodeFault::Starve(late) => world.starve_host(node, *late),
                NodeFault::PauseQueueing(_) => world.suspend(node, Suspend::Queueing),
                NodeFault::Sleep(_) => world.suspend(node, Suspend::Asleep),
                NodeFault::ClockRate(ppm) => world.clock_rate(node, *ppm),
                NodeFault::WallClock(ms) => world.wall_clock_step(node, *ms),
            },
            Fault::Path { a, b, network, way } => world.path(a, b, network, *way),
            Fault::Partition { network, sides } => {
                let sides: Vec<Vec<&str>> =
                    sides.iter().map(|side| side.iter().map(String::as_str).collect()).collect();
                let sides: Vec<&[&str]> = sides.iter().map(Vec::as_slice).collect();
                world.partition(network, &sides);
            }
            Fault::NetworkDead(network) => world.network_dead(network, true),
            Fault::MulticastDead(network) => world.multicast_dead(network, true),
            Fault::Cross(one, other) => world.cross(one, other, true),
            Fault::SwitchOff(network) => world.switch_off(network, true),
            Fault::Weather(weather, ways) => weather.set(world, ways, true),
        }
    }

    /// Ends it.
    pub(crate) fn end(&self, world: &mut World) {
        match self {
            Fault::Adapter(what, node, network) => match what {
                AdapterFault::Cut | AdapterFault::Deaf | AdapterFault::Mute => {
                    world.heal(node, network);
                }
                AdapterFault::Carrier | AdapterFault::Flap(..) => {
                    world.carrier(node, network, true);
                }
                AdapterFault::Address => world.address_back(node, network),
                AdapterFault::NimKill | AdapterFault::AddressChange => {}
                AdapterFault::NimHang => world.resume_nim(node, network),
                AdapterFault::NimStarve(_) => world.starve_nim(node, network, Duration::ZERO),
            },
            Fault::Node(
                NodeFault::Pause(_) | NodeFault::PauseQueueing(_) | NodeFault::Sleep(_),
                node,
            ) => world.resume(node),
            Fault::Node(NodeFault::DaemonHang, node) => world.resume_daemon(node),
            Fault::Node(NodeFault::DaemonStarve(_), node) => {
                world.starve_daemon(node, Duration::ZERO);
            }
            Fault::Node(NodeFault::Starve(_), node) => world.starve_host(node, Duration::ZERO),
            Fault::Node(NodeFault::ClockRate(_), node) => world.clock_rate(node, 0),
            Fault::Node(NodeFault::WallClock(_), _) => {}
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
            Fault::MulticastDead(network) => world.multicast_dead(network, false),
            Fault::Cross(one, other) => world.cross(one, other, false),
            Fault::SwitchOff(network) => world.switch_off(network, false),
            Fault::Weather(weather, ways) => weather.set(world, ways, false),
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
