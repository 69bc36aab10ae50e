//! What is to be said of a fault, by whom, and how soon.

use std::{collections::BTreeSet, time::Duration};

use hats_core::config::Detection;
use hats_wire::{Cause, Direction};

use super::draw::Planned;
use crate::{
    campaign::{
        AdapterFault, Expected, Fault, MULTICAST_FOUND, NodeFault, SLACK, Situation, Story,
        Weather, narrow_found,
    },
    expect::Blame,
    faults::Way,
};

/// What is to be said.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Whether it can be told: a third voice is there, or it is a fact. If not, what
    /// is wanted is the truth, and nobody is held to it.
    pub(super) told: bool,
    /// Each of these; if none, nothing of the sort.
    pub(super) blames: Vec<Blame>,
    /// May be said besides.
    pub(super) tolerated: Vec<Blame>,
    /// Who must say it.
    pub(super) witnesses: Vec<String>,
    /// The bound that is printed, or that follows from how it is found.
    pub(super) bound: Duration,
    /// The same, and what lost datagrams may add.
    pub(super) limit: Duration,
}

/// Rounds that may follow where some probes arrive and others do not.
const ROUNDS: u32 = 8;

/// Where somebody is late a round lasts for at most two detection times, and each judge
/// is given one more to acknowledge.
const LATE: u32 = 3;

/// So many detection times it is remembered that somebody was late.
pub(super) const REMEMBERED: u32 = 8;

/// What lost datagrams may add to the time until everybody knows: as many rounds as
/// there may be, and news that only a comparison of databases brings (see
/// `check::scene`).
fn lost_time(detection: &Detection) -> Duration {
    detection.probe_timeout * 2 * ROUNDS + detection.heartbeat_interval * 10
}

impl Wanted {
    /// Of a fault in a cluster that is well; `late`: somebody was late a while ago,
    /// and answers are waited for longer.
    pub(super) fn of(story: &Story, planned: &Planned, late: bool) -> Wanted {
        let fault = &planned.fault;
        let detection = story.detection();
        let lossy = story.loss > 0.0;
        let expected = Expected::of(story, &[], fault);
        let mut wanted = match (expected, special(story, fault)) {
            (_, Some(special)) => special,
            (Some(expected), None) => Wanted {
                told: true,
                blames: expected.blames,
                tolerated: expected.tolerated,
                witnesses: expected.witnesses,
                bound: expected.bound,
                limit: Duration::ZERO,
            },
            (None, None) => Wanted {
                told: false,
                blames: truth(fault, &detection),
                tolerated: Vec::new(),
                witnesses: most_connected(story, fault),
                // Where nobody can be asked silence counts only after a second.
                bound: detection.verdict_bound().max(Duration::from_secs(1)) + SLACK,
                limit: Duration::ZERO,
            },
        };
        if wanted.blames.is_empty() {
            // Long enough for a silence to be judged, and for second thoughts.
            wanted.bound = detection.verdict_bound() * 2 + SLACK;
        }
        let visits = if lossy && planned.class.is_of_paths() { 2 } else { 1 };
        wanted.bound += at_its_end(fault);
        wanted.limit = wanted.bound * visits;
        if lossy && !wanted.blames.is_empty() {
            wanted.limit += lost_time(&detection);
        }
        if late && !wanted.blames.is_empty() {
            wanted.limit += detection.detection_time() * LATE;
        }
        wanted
    }
}

/// What befalls before a fault is as it is: a daemon that is started again says only
/// then what it was.
fn at_its_end(fault: &Fault) -> Duration {
    match fault {
        Fault::Node(NodeFault::DaemonRestart(after), _) => *after,
        Fault::Node(..)
        | Fault::Adapter(..)
        | Fault::Path { .. }
        | Fault::Partition { .. }
        | Fault::NetworkDead(_)
        | Fault::MulticastDead(_)
        | Fault::SwitchOff(_)
        | Fault::Cross(..)
        | Fault::Weather(..) => Duration::ZERO,
    }
}

/// What a campaign leaves open and is certain here, one fault at a time.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
fn special(story: &Story, fault: &Fault) -> Option<Wanted> {
    let detection = story.detection();
    let wanted = |blame: Blame, bound: Duration| Wanted {
        told: true,
        blames: vec![blame],
        tolerated: Vec::new(),
        witnesses: most_connected(story, fault),
        bound,
        limit: Duration::ZERO,
    };
    match fault {
        // The first loss is a fact; those that follow may be told again.
        Fault::Adapter(AdapterFault::Flap(..), node, network) => {
            let first = Fault::Adapter(AdapterFault::Carrier, node.clone(), network.clone());
            let expected = Expected::of(story, &[], &first)?;
            let down = Blame::adapter(node, network, Cause::LinkDown);
            let mut wanted = wanted(down.clone(), expected.bound);
            wanted.tolerated = vec![down];
            Some(wanted)
        }
        Fault::MulticastDead(network) if story.loss > 0.0 && story.on(network).len() > 1 => {
            let found = detection.heartbeat_interval * MULTICAST_FOUND * 2;
            Some(wanted(Blame::multicast(network), found))
        }
        Fault::Weather(Weather::Mtu(_), ways) => {
            Some(wanted(Blame::mtu(ways.network()), narrow_found(story) * 2))
        }
        _ => None,
    }
}

/// Whoever is connected to most.
fn most_connected(story: &Story, fault: &Fault) -> Vec<String> {
    let after = Situation::new(story, [fault]);
    let connected = story.nodes.iter().map(|node| after.connected(&node.name, None));
    let most = connected.max_by_key(BTreeSet::len);
    most.into_iter().flatten().map(str::to_owned).collect()
}

/// What it is, whether anybody can know or not.
fn truth(fault: &Fault, detection: &Detection) -> Vec<Blame> {
    // One that is over before it can be judged may be noticed, and need not be.
    let bound = detection.verdict_bound() + SLACK;
    if fault.suspends().is_some_and(|span| span <= bound) {
        return Vec::new();
    }
    let blame = match fault {
        Fault::Adapter(what, node, network) => {
            let cause = match what {
                AdapterFault::Cut | AdapterFault::NimHang => Cause::Both,
                AdapterFault::Deaf => Cause::Receive,
                AdapterFault::Mute => Cause::Transmit,
                AdapterFault::Carrier | AdapterFault::Flap(..) => Cause::LinkDown,
                AdapterFault::Address => Cause::AddressLost,
                AdapterFault::AddressChange => Cause::Removed,
                AdapterFault::NimKill | AdapterFault::NimStarve(_) => return Vec::new(),
            };
            Blame::adapter(node, network, cause)
        }
        Fault::Node(what, node) => match what {
            NodeFault::Crash
            | NodeFault::Pause(_)
            | NodeFault::PauseQueueing(_)
            | NodeFault::Sleep(_) => Blame::node(node),
            NodeFault::DaemonKill | NodeFault::DaemonHang | NodeFault::DaemonRestart(_) => {
                Blame::daemon(node)
            }
            NodeFault::Leave => Blame::left(node),
            NodeFault::DaemonStarve(_)
            | NodeFault::Starve(_)
            | NodeFault::ClockRate(_)
            | NodeFault::WallClock(_) => return Vec::new(),
        },
        Fault::Path { a, b, network, way } => {
            let direction = match way {
                Way::Both => Direction::Both,
                Way::There => Direction::ToPeer,
            };
            Blame::path(a, b, network, direction)
        }
        Fault::Partition { network, .. } => Blame::partition(network),
        Fault::NetworkDead(network) | Fault::SwitchOff(network) => Blame::network(network),
        Fault::MulticastDead(network) => Blame::multicast(network),
        Fault::Weather(..) | Fault::Cross(..) => return Vec::new(),
    };
    vec![blame]
}
