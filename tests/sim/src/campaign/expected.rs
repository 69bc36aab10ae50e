//! What must be said of a single fault that befalls a settled cluster.

use std::{collections::BTreeSet, time::Duration};

use hats_core::config::Detection;
use hats_wire::{Cause, Direction};

use super::{
    fault::{AdapterFault, Fault, NodeFault},
    situation::Situation,
    story::Story,
    weather::{Ways, Weather},
};
use crate::{expect::Blame, faults::Way, host::MTU};

/// What must be said, by whom, how soon.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) blames: Vec<Blame>,
    /// May be said besides.
    pub(crate) tolerated: Vec<Blame>,
    pub(crate) witnesses: Vec<String>,
    pub(crate) bound: Duration,
}

/// On top of the printed bound: commit and flooding, a few round trips.
pub(crate) const SLACK: Duration = Duration::from_millis(20);

/// Within so many intervals it is found that multicast is dead, if next to
/// nothing is lost besides: 13 until it is doubted, 8 until it is sure, and what
/// leaders take to proclaim.
pub(crate) const MULTICAST_FOUND: u32 = 30;

/// Within so long it is found, if next to nothing is lost, that long packets get
/// lost to one of the others: of eight visits of the patrol one is made with a long
/// probe, nine more make it sure, then twelve lengths are tried, and others are given
/// five seconds to find more. Twice that where two visit each other in turn.
pub(crate) fn narrow_found(story: &Story) -> Duration {
    let detection = story.detection();
    let every = detection.heartbeat_interval.max(Duration::from_millis(250));
    let members = story.networks.iter().map(|network| story.on(network).len());
    let others = u32::try_from(members.max().unwrap_or(1)).expect("few nodes");
    every * (8 * others + 12) + detection.probe_timeout * 15 + Duration::from_secs(6)
}

/// Leaders make themselves known each five seconds, and are heard twice.
pub(crate) const CROSSED_FOUND: Duration = Duration::from_secs(12);
/// Another network is not heard any more after half a minute.
pub(crate) const CROSSED_OVER: Duration = Duration::from_secs(32);

impl Expected {
    /// What `fault` must lead to in a settled cluster in which `standing` are in
    /// force already. None where the observations leave it open: then only the
    /// table of what [may be said](crate::check) holds.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub(crate) fn of(story: &Story, standing: &[&Fault], fault: &Fault) -> Option<Expected> {
        let before = Situation::new(story, standing.iter().copied());
        let after = Situation::new(story, standing.iter().copied().chain([fault]));
        let no_multicast = standing.iter().filter_map(|fault| match fault {
            Fault::MulticastDead(network) => Some(Blame::multicast(network)),
            _ => None,
        });
        let narrow = standing.iter().copied().chain([fault]).filter_map(|fault| match fault {
            Fault::Weather(Weather::Mtu(_), ways) => Some(Blame::mtu(ways.network())),
            _ => None,
        });
        let crossed = standing.iter().copied().chain([fault]).filter_map(|fault| match fault {
            Fault::Cross(one, other) => Some(Blame::crossed(one.min(other))),
            _ => None,
        });
        let expected = Expected {
            blames: Vec::new(),
            // It takes a follower that misses it: there may have been none.
            tolerated: no_multicast.chain(narrow).chain(crossed).collect(),
            witnesses: Vec::new(),
            bound: story.detection().verdict_bound() + SLACK,
        };
        if let Fault::MulticastDead(network) = fault {
            let rough = story.loss > 0.0 || standing.iter().any(|fault| fault.makes_late());
            return expected.multicast(&before, &after, network, rough);
        }
        if let Fault::Weather(Weather::Mtu(bytes), Ways::Network(network)) = fault
            && u32::from(*bytes) < MTU
            && standing.is_empty()
            && story.loss == 0.0
            && members(&before, network).len() > 1
        {
            let bound = narrow_found(story);
            let this =
                Expected { bound, ..expected }.seen_from(&after, members(&before, network)[0]);
            return this.says(vec![Blame::mtu(network)]);
        }
        if fault.is_endured(&story.detection()) {
            return expected.nothing(&after);
        }
        let expected = match fault {
            Fault::Adapter(what, node, network) => {
                expected.adapter(&before, &after, *what, node, network)
            }
            Fault::Node(what, node) => expected.host(&before, &after, *what, node),
            Fault::Path { a, b, network, way } => {
                expected.path(&before, &after, (a, b), network, *way)
            }
            Fault::Partition { network, sides } => {
                expected.partition(&before, &after, network, sides)
            }
            Fault::SwitchOff(_)
            | Fault::Weather(..)
            | Fault::MulticastDead(_)
            | Fault::Cross(..) => None,
            Fault::NetworkDead(network) => {
                let members = members(&before, network);
                if members.len() < 3 || !are_connected_elsewhere(&after, &members, network) {
                    return None;
                }
                let blames = vec![Blame::network(network)];
                expected.seen_from(&after, members.first()?).says(blames)
            }
        };
        expected.filter(|expected| !expected.witnesses.is_empty())
    }

    /// Whoever is connected to most says nothing, for long.
    fn nothing(mut self, after: &Situation) -> Option<Self> {
        let connected = after.story.nodes.iter().map(|node| after.connected(&node.name, None));
        let most = connected.max_by_key(BTreeSet::len)?;
        self.witnesses = most.into_iter().map(str::to_owned).collect();
        self.bound = after.story.detection().detection_time() * 8;
        (!self.witnesses.is_empty()).then_some(self)
    }

    /// Nobody is to blame; that there is none is said by everybody.
    fn multicast(
        mut self,
        before: &Situation,
        after: &Situation,
        network: &str,
        rough: bool,
    ) -> Option<Self> {
        let members = members(before, network);
        let touched = before.is_network_touched(network) || before.is_path_touched(network);
        if rough || touched || members.len() < 2 {
            self.tolerated.push(Blame::multicast(network));
            return self.nothing(after);
        }
        self.bound = before.story.detection().heartbeat_interval * MULTICAST_FOUND;
        self.seen_from(after, members[0]).says(vec![Blame::multicast(network)])
    }

    fn says(mut self, blames: Vec<Blame>) -> Option<Self> {
        self.blames = blames;
        Some(self)
    }

    /// All that are connected to `node` are witnesses.
    fn seen_from(mut self, after: &Situation, node: &str) -> Self {
        let known = after.story.nodes.iter().find(|member| member.name == node);
        let connected = known.map(|member| after.connected(&member.name, None));
        self.witnesses = connected.into_iter().flatten().map(str::to_owned).collect();
        self
    }

    fn adapter(
        self,
        before: &Situation,
        after: &Situation,
        what: AdapterFault,
        node: &str,
        network: &str,
    ) -> Option<Self> {
        let touched = before.is_network_touched(network) || before.is_path_touched(network);
        let rest = before.peers(node, network);
        if !before.is_well(node, network) || touched || rest.is_empty() {
            return None;
        }
        let detection = before.story.detection();
        if what == AdapterFault::NimKill {
            // A new one comes within 25 ms; half a detection time is patience.
            let quick = detection.detection_time() / 2 > Duration::from_millis(30);
            return self.seen_from(after, rest[0]).says(Vec::new()).filter(|_| quick);
        }
        let elsewhere = rest.iter().all(|peer| after.connected(peer, None).contains(node));
        let cause = match what {
            AdapterFault::Cut | AdapterFault::NimHang => Cause::Both,
            AdapterFault::Deaf => Cause::Receive,
            AdapterFault::Mute => Cause::Transmit,
            AdapterFault::Carrier => Cause::LinkDown,
            AdapterFault::Address => Cause::AddressLost,
            // The daemon finds another address before its NIM misses the old one.
            AdapterFault::AddressChange => Cause::Removed,
            AdapterFault::NimKill | AdapterFault::NimStarve(_) | AdapterFault::Flap(..) => {
                return None;
            }
        };
        let changed = what == AdapterFault::AddressChange;
        let fact = changed || matches!(what, AdapterFault::Carrier | AdapterFault::Address);
        let mut this = self.seen_from(after, rest[0]);
        if what == AdapterFault::NimHang {
            // Its kernel answers: then silence counts only after a second.
            this.bound += Duration::from_secs(1).saturating_sub(detection.detection_time());
        }
        if elsewhere && (fact || rest.len() >= 2) {
            return this.says(vec![Blame::adapter(node, network, cause)]);
        }
        let alone = before.networks_of(node) == [network] && !changed;
        if rest.len() >= 2 && alone && what != AdapterFault::Deaf {
            if what == AdapterFault::NimHang {
                // Its host answers on that one network, and no hats does.
                return this.says(vec![Blame::daemon(node)]);
            }
            let down = Blame::node_for(node, Cause::Unreachable);
            return this.says(Blame::whole_node(down, &[network], Cause::NodeDown));
        }
        None
    }

    fn host(
        mut self,
        before: &Situation,
        after: &Situation,
        what: NodeFault,
        node: &str,
    ) -> Option<Self> {
        let networks = before.networks_of(node);
        let troubled = networks.iter().any(|network| {
            before.is_network_touched(network)
                || before.is_path_touched(network)
                || before.of_adapter(node, network).is_some()
        });
        let best = networks.iter().map(|network| before.peers(node, network)).max_by_key(Vec::len);
        let best = best.filter(|peers| peers.len() >= 2)?;
        if troubled || before.of_node(node).is_some() {
            return None;
        }
        for network in &networks {
            // Where nobody else can look, that is said first.
            if before.peers(node, network).len() < 2 {
                self.tolerated.push(Blame::inconclusive(network));
            }
        }
        let detection = before.story.detection();
        match what {
            NodeFault::Crash => self.node_dies(before, after, node, &networks, best[0]),
            NodeFault::Pause(span) | NodeFault::PauseQueueing(span) | NodeFault::Sleep(span)
                if span > detection.verdict_bound() + SLACK =>
            {
                self.node_dies(before, after, node, &networks, best[0])
            }
            NodeFault::Pause(span) | NodeFault::PauseQueueing(span) | NodeFault::Sleep(span) => {
                let quiet =
                    span + detection.heartbeat_interval * 5 / 4 < detection.detection_time();
                self.seen_from(after, best[0]).says(Vec::new()).filter(|_| quiet)
            }
            NodeFault::DaemonKill => self.seen_from(after, best[0]).says(vec![Blame::daemon(node)]),
            NodeFault::DaemonRestart(_) => {
                self.seen_from(after, best[0]).says(vec![Blame::daemon(node)])
            }
            NodeFault::DaemonHang => {
                // Its NIMs beat for two leases.
                self.bound += lease(&detection) * 2;
                self.seen_from(after, best[0]).says(vec![Blame::daemon(node)])
            }
            NodeFault::DaemonStarve(_)
            | NodeFault::Starve(_)
            | NodeFault::ClockRate(_)
            | NodeFault::WallClock(_) => None,
            NodeFault::Leave => self.seen_from(after, best[0]).says(vec![Blame::left(node)]),
        }
    }

    fn node_dies(
        self,
        before: &Situation,
        after: &Situation,
        node: &str,
        networks: &[&str],
        witness: &str,
    ) -> Option<Self> {
        let shared = |network: &&&str| !before.peers(node, network).is_empty();
        let what = match networks.iter().filter(shared).count() {
            1 if networks.len() == 1 => Blame::node_for(node, Cause::Unreachable),
            _ => Blame::node(node),
        };
        let this = self.seen_from(after, witness);
        this.says(Blame::whole_node(what, networks, Cause::NodeDown))
    }

    fn path(
        mut self,
        before: &Situation,
        after: &Situation,
        ends: (&str, &str),
        network: &str,
        way: Way,
    ) -> Option<Self> {
        let (a, b) = ends;
        let members = members(before, network);
        let touched = before.is_network_touched(network) || before.is_path_touched(network);
        if touched || members.len() < 3 || !before.reaches(a, b, network) {
            return None;
        }
        let direction = match way {
            Way::Both => Direction::Both,
            Way::There => Direction::ToPeer,
        };
        // Found by heartbeats, or by a patrol that probes one member after the
        // other, each second time it comes round at the latest.
        let detection = before.story.detection();
        let every = detection.heartbeat_interval.max(Duration::from_millis(250));
        let others = u32::try_from(members.len() - 1).expect("few nodes");
        self.bound = every * others + detection.verdict_bound() * 2 + SLACK;
        // Only over another network can an end say what it received.
        let told = are_connected_elsewhere(after, &[a, b], network);
        let blame = Blame::path(a, b, network, direction);
        self.seen_from(after, a).says(vec![if told { blame } else { blame.any_way() }])
    }

    fn partition(
        mut self,
        before: &Situation,
        after: &Situation,
        network: &str,
        sides: &[Vec<String>],
    ) -> Option<Self> {
        let members = members(before, network);
        let on = |side: &[String]| members.iter().filter(|m| side.iter().any(|s| s == *m)).count();
        // One alone is not told from one whose adapter is cut.
        if sides.iter().any(|side| on(side) < 2)
            || before.is_path_touched(network)
            || before.is_network_touched(network)
            || !are_connected_elsewhere(after, &members, network)
        {
            return None;
        }
        if sides.len() > 2 {
            // Those whom the decider does not reach are one side to it, until it
            // shows that they are more.
            self.tolerated.push(Blame::partition(network));
        }
        self.seen_from(after, members[0]).says(vec![Blame::partition(network)])
    }
}

/// How long a NIM trusts a daemon that says nothing.
pub(crate) fn lease(detection: &Detection) -> Duration {
    (detection.detection_time() * 2).max(Duration::from_secs(2))
}

/// The nodes with a well adapter on the network.
fn members<'a>(before: &Situation<'a>, network: &str) -> Vec<&'a str> {
    let members = before.story.on(network).into_iter();
    members.filter(|node| before.is_well(node, network)).collect()
}

fn are_connected_elsewhere(after: &Situation, members: &[&str], network: &str) -> bool {
    let first =
        after.story.nodes.iter().find(|member| Some(&member.name.as_str()) == members.first());
    first.is_some_and(|first| {
        let connected = after.connected(&first.name, Some(network));
        members.iter().all(|node| connected.contains(node))
    })
}
