//! What ought to be said after a fault: by whom, how often, how soon.

use std::{collections::BTreeSet, fmt, time::Duration};

use hats_core::event::{Event, EventKind};
use hats_wire::{Cause, Direction};

use crate::{
    record::{Mark, Said},
    world::World,
};

/// The kinds of events that put something down to somebody.
const KINDS: [EventKind; 11] = [
    EventKind::AdapterDown,
    EventKind::AdapterInconclusive,
    EventKind::PathFailed,
    EventKind::NodeDown,
    EventKind::NodeLeft,
    EventKind::DaemonDown,
    EventKind::NetworkPartitioned,
    EventKind::NetworkFailed,
    EventKind::NetworkMulticastBroken,
    EventKind::NetworkMtu,
    EventKind::NetworkCrossed,
];

/// One thing that is said to have failed or left. What is none matches anything.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Blame {
    kind: EventKind,
    node: Option<String>,
    network: Option<String>,
    cause: Option<Cause>,
    peer: Option<String>,
    direction: Option<Direction>,
}

impl Blame {
    fn new(kind: EventKind) -> Self {
        Blame { kind, node: None, network: None, cause: None, peer: None, direction: None }
    }

    /// `adapter.down` with this cause.
    pub fn adapter(node: &str, network: &str, cause: Cause) -> Self {
        Blame {
            node: Some(node.to_owned()),
            network: Some(network.to_owned()),
            cause: Some(cause),
            ..Blame::new(EventKind::AdapterDown)
        }
    }

    /// `path.failed`; the direction is seen from `node`.
    pub fn path(node: &str, peer: &str, network: &str, direction: Direction) -> Self {
        Blame {
            node: Some(node.to_owned()),
            network: Some(network.to_owned()),
            peer: Some(peer.to_owned()),
            direction: Some(direction),
            ..Blame::new(EventKind::PathFailed)
        }
        .lower_end_first()
    }

    /// The same, whichever way the path fails.
    pub fn any_way(self) -> Self {
        Blame { direction: None, ..self }
    }

    /// `node.down`.
    pub fn node(node: &str) -> Self {
        Blame { node: Some(node.to_owned()), ..Blame::new(EventKind::NodeDown) }
    }

    /// `node.down` with this cause.
    pub fn node_for(node: &str, cause: Cause) -> Self {
        Blame { cause: Some(cause), ..Blame::node(node) }
    }

    /// `daemon.down`.
    pub fn daemon(node: &str) -> Self {
        Blame { node: Some(node.to_owned()), ..Blame::new(EventKind::DaemonDown) }
    }

    /// `node.left`.
    pub fn left(node: &str) -> Self {
        Blame { node: Some(node.to_owned()), ..Blame::new(EventKind::NodeLeft) }
    }

    /// `network.partitioned`.
    pub fn partition(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::NetworkPartitioned) }
    }

    /// `network.failed`.
    pub fn network(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::NetworkFailed) }
    }

    /// `network.multicast_broken`.
    pub fn multicast(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::NetworkMulticastBroken) }
    }

    /// `network.mtu`.
    pub fn mtu(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::NetworkMtu) }
    }

    /// `network.crossed`, by the first of the networks.
    pub fn crossed(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::NetworkCrossed) }
    }

    /// A whole node with its adapters on `networks`, all down for `cause`.
    pub fn whole_node(what: Blame, networks: &[&str], cause: Cause) -> Vec<Blame> {
        let node = what.node.clone().unwrap_or_default();
        let adapters = networks.iter().map(|network| Blame::adapter(&node, network, cause));
        adapters.chain([what.clone()]).collect()
    }

    /// `adapter.inconclusive`, whichever adapter of the network it is.
    pub fn inconclusive(network: &str) -> Self {
        Blame { network: Some(network.to_owned()), ..Blame::new(EventKind::AdapterInconclusive) }
    }

    /// What `event` blames, if it is of that sort.
    pub fn of(event: &Event) -> Option<Blame> {
        KINDS.contains(&event.kind).then(|| {
            Blame {
                kind: event.kind,
                node: event.node.clone(),
                network: event.network.clone(),
                cause: event.cause,
                peer: event.peer_node.clone(),
                direction: event.direction,
            }
            .lower_end_first()
        })
    }

    /// A path has two ends and no first one: the lower name stands in front.
    fn lower_end_first(self) -> Self {
        if self.kind != EventKind::PathFailed || self.peer >= self.node {
            return self;
        }
        let direction = self.direction.map(|direction| match direction {
            Direction::ToPeer => Direction::FromPeer,
            Direction::FromPeer => Direction::ToPeer,
            Direction::Both => Direction::Both,
        });
        Blame { node: self.peer, peer: self.node, direction, ..self }
    }

    /// The nodes, networks and adapters that are named.
    pub(crate) fn places(&self) -> Vec<(Option<&str>, Option<&str>)> {
        let network = self.network.as_deref();
        let peer = self.peer.as_deref().map(|peer| (Some(peer), network));
        [(self.node.as_deref(), network)].into_iter().chain(peer).collect()
    }

    /// Whether it is of the same sort and of the same adapter, path, node or network,
    /// for whatever cause and in whichever direction.
    pub(crate) fn is_of_the_same(&self, said: &Blame) -> bool {
        let of = |it: &Blame| Blame { cause: None, direction: None, ..it.clone() };
        of(self) == of(said)
    }

    /// Whether what is said is what was wanted.
    pub(crate) fn covers(&self, said: &Blame) -> bool {
        fn fits<T: PartialEq>(wanted: Option<&T>, is: Option<&T>) -> bool {
            wanted.is_none() || wanted == is
        }
        self.kind == said.kind
            && fits(self.node.as_ref(), said.node.as_ref())
            && fits(self.network.as_ref(), said.network.as_ref())
            && fits(self.cause.as_ref(), said.cause.as_ref())
            && fits(self.peer.as_ref(), said.peer.as_ref())
            && fits(self.direction.as_ref(), said.direction.as_ref())
    }
}

impl fmt::Display for Blame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        match (&self.node, &self.peer, &self.network) {
            (Some(node), Some(peer), Some(network)) => write!(f, " {node} - {peer} on {network}")?,
            (Some(node), None, Some(network)) => write!(f, " {node}/{network}")?,
            (node, peer, network) => {
                let mut words = [node, peer, network].into_iter().flatten();
                words.try_for_each(|word| write!(f, " {word}"))?;
            }
        }
        let words = [self.cause.map(Cause::word), self.direction.map(Direction::word)];
        words.into_iter().flatten().try_for_each(|word| write!(f, " {word}"))
    }
}

impl World {
    /// Since `mark`, each of `witnesses` must say each of `expected` within
    /// `bound`, exactly once and nothing else of that sort during `quiet` more;
    /// exactly one of all nodes says each with authority.
    ///
    /// Gives the time until the last of them had said the last; panics with
    /// everything worth knowing when it is otherwise.
    pub fn expect(
        &mut self,
        mark: Mark,
        witnesses: &[String],
        expected: &[Blame],
        bound: Duration,
        quiet: Duration,
    ) -> Duration {
        self.expect_besides(mark, witnesses, (expected, &[]), bound, quiet)
    }

    /// The same, with what may be said besides or again.
    pub fn expect_besides(
        &mut self,
        mark: Mark,
        witnesses: &[String],
        said: (&[Blame], &[Blame]),
        bound: Duration,
        quiet: Duration,
    ) -> Duration {
        assert!(!witnesses.is_empty(), "nobody is left to say anything");
        match self.check_said(mark, witnesses, said, bound, quiet) {
            Ok(took) => took,
            Err(why) => panic!("{}", crate::belief::report(self, &why)),
        }
    }

    /// The same; an error says what is missing or too much.
    pub(crate) fn check_said(
        &mut self,
        mark: Mark,
        witnesses: &[String],
        (expected, tolerated): (&[Blame], &[Blame]),
        bound: Duration,
        quiet: Duration,
    ) -> Result<Duration, String> {
        let limit = (mark.at + bound).saturating_sub(self.now());
        let all = |world: &World| missing(world, mark, witnesses, expected).is_empty();
        if !self.run_until_or(all, limit)? {
            let missing = missing(self, mark, witnesses, expected).join("\n  ");
            return Err(format!("missing within {bound:?}:\n  {missing}"));
        }
        let took = self.now() - mark.at;
        self.advance(quiet)?;
        let wrong = wrong(self, mark, witnesses, expected, tolerated);
        if wrong.is_empty() { Ok(took) } else { Err(wrong.join("\n")) }
    }
}

fn blames<'a>(
    world: &'a World,
    mark: Mark,
    node: &'a str,
) -> impl Iterator<Item = (&'a Said, Blame)> {
    world
        .since(mark)
        .iter()
        .filter(move |said| said.observer == node)
        .filter_map(|said| Blame::of(&said.event).map(|blame| (said, blame)))
}

fn missing(world: &World, mark: Mark, witnesses: &[String], expected: &[Blame]) -> Vec<String> {
    let mut missing = Vec::new();
    for node in witnesses {
        let said: Vec<Blame> = blames(world, mark, node).map(|(_, blame)| blame).collect();
        for wanted in expected.iter().filter(|wanted| !said.iter().any(|it| wanted.covers(it))) {
            missing.push(format!("{node} has not said {wanted}"));
        }
    }
    missing
}

fn wrong(
    world: &World,
    mark: Mark,
    witnesses: &[String],
    expected: &[Blame],
    tolerated: &[Blame],
) -> Vec<String> {
    let mut wrong = Vec::new();
    for node in witnesses {
        let mut open: Vec<&Blame> = expected.iter().collect();
        for (said, blame) in blames(world, mark, node) {
            match open.iter().position(|wanted| wanted.covers(&blame)) {
                Some(at) => drop(open.remove(at)),
                None if tolerated.iter().any(|it| it.covers(&blame)) => {}
                None => {
                    wrong.push(format!("{node} said at {:?}, and should not: {blame}", said.at))
                }
            }
        }
        wrong.extend(open.iter().map(|wanted| format!("{node} has not said {wanted}")));
    }
    for wanted in expected {
        let decisions: Vec<&Said> = world
            .since(mark)
            .iter()
            .filter(|said| said.event.authority)
            .filter(|said| Blame::of(&said.event).is_some_and(|blame| wanted.covers(&blame)))
            .collect();
        let decided: Vec<&str> = decisions.iter().map(|said| said.observer.as_str()).collect();
        // What may be said again is decided again, each time by one.
        let verdicts = decisions.iter().map(|said| said.event.verdict_id.as_ref());
        let each = verdicts.collect::<BTreeSet<_>>().len() == decided.len();
        if each && !decided.is_empty() && tolerated.iter().any(|it| it.covers(wanted)) {
            continue;
        }
        // Those that hear nothing of the witnesses decide for themselves.
        let heard = decided.iter().filter(|node| witnesses.iter().any(|it| it == *node));
        if decided.len() != 1 && heard.count() != 1 {
            wrong.push(format!("{wanted} has the authority of {decided:?}: expected one node"));
        }
    }
    wrong
}
