//! What a directed story says that must be said: by hand, to the letter.

use std::{collections::BTreeSet, time::Duration};

use hats_core::event::EventKind;
use hats_wire::{Cause, Direction};

use super::{
    expected::{Expected, SLACK},
    fault::Fault,
    situation::Situation,
    span,
    story::Story,
    words,
};
use crate::expect::Blame;

/// How soon something must have been said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Within {
    /// The printed bound on a verdict.
    Bound,
    /// The same for what only a patrol finds: a path that no heartbeat uses.
    Patrol,
    /// So long.
    Span(Duration),
}

impl Within {
    /// As it stands in a scenario.
    pub fn words(self) -> String {
        match self {
            Within::Bound => "bound".to_owned(),
            Within::Patrol => "patrol".to_owned(),
            Within::Span(span) => span::words(span),
        }
    }

    /// What [`words`](Self::words) says.
    pub fn parse(text: &str) -> Result<Within, String> {
        match text {
            "bound" => Ok(Within::Bound),
            "patrol" => Ok(Within::Patrol),
            _ => span::parse(text)
                .map(Within::Span)
                .ok_or_else(|| format!("expected bound, patrol or a duration: {}", span::EXPECTED)),
        }
    }
}

/// Exactly this must be said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// Each by every witness, once; with authority by one node.
    pub blames: Vec<Blame>,
    /// May be said besides.
    pub tolerated: Vec<Blame>,
    /// Who must say it; none: the nodes that are still connected to most.
    pub witnesses: Option<Vec<String>>,
    /// How soon after the fault.
    pub within: Within,
}

/// The causes that an adapter or node can be down for.
fn cause(word: &str) -> Result<Cause, String> {
    Cause::ALL.into_iter().find(|cause| cause.word() == word).ok_or_else(|| {
        let words = Cause::ALL.map(Cause::word);
        format!("cause is {word:?}: expected one of {}", words.join(", "))
    })
}

impl Blame {
    /// The blame that `text` says, as [`Display`](std::fmt::Display) writes it:
    ///
    /// ```text
    /// adapter.down n3/neta transmit
    /// adapter.inconclusive neta
    /// path.failed n1 - n2 on neta [both|to_peer|from_peer]
    /// node.down n3 [CAUSE]      daemon.down n3      node.left n3
    /// network.partitioned neta  network.failed neta  network.multicast_broken neta
    /// network.mtu neta          network.crossed neta
    /// ```
    pub fn parse(text: &str) -> Result<Blame, String> {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let (first, last) = rest.rsplit_once(' ').unwrap_or((rest, ""));
        let known = EventKind::ALL.iter().find(|it| it.name() == kind);
        match known {
            Some(EventKind::AdapterDown) => {
                let (node, network) = words::adapter(first)?;
                Ok(Blame::adapter(&node, &network, cause(last)?))
            }
            Some(EventKind::AdapterInconclusive) => {
                Ok(Blame::inconclusive(&words::one(rest, "a network")?))
            }
            Some(EventKind::NodeDown) if last.is_empty() => {
                Ok(Blame::node(&words::one(rest, "a node")?))
            }
            Some(EventKind::NodeDown) => {
                Ok(Blame::node_for(&words::one(first, "a node")?, cause(last)?))
            }
            Some(EventKind::DaemonDown) => Ok(Blame::daemon(&words::one(rest, "a node")?)),
            Some(EventKind::NodeLeft) => Ok(Blame::left(&words::one(rest, "a node")?)),
            Some(EventKind::PathFailed) => {
                let way = [Direction::Both, Direction::ToPeer, Direction::FromPeer]
                    .into_iter()
                    .find(|way| way.word() == last);
                let (a, _, b, network) = words::path(if way.is_some() { first } else { rest })?;
                let blame = Blame::path(&a, &b, &network, way.unwrap_or(Direction::Both));
                Ok(if way.is_some() { blame } else { blame.any_way() })
            }
            Some(EventKind::NetworkPartitioned) => {
                Ok(Blame::partition(&words::one(rest, "a network")?))
            }
            Some(EventKind::NetworkFailed) => Ok(Blame::network(&words::one(rest, "a network")?)),
            Some(EventKind::NetworkMulticastBroken) => {
                Ok(Blame::multicast(&words::one(rest, "a network")?))
            }
            Some(EventKind::NetworkMtu) => Ok(Blame::mtu(&words::one(rest, "a network")?)),
            Some(EventKind::NetworkCrossed) => Ok(Blame::crossed(&words::one(rest, "a network")?)),
            _ => Err("expected adapter.down, adapter.inconclusive, path.failed, node.down, \
                      node.left, daemon.down, network.partitioned, network.failed, \
                      network.multicast_broken, network.mtu or network.crossed first"
                .to_owned()),
        }
    }
}

impl Expectation {
    /// The same as what follows from a situation: after `faults` befell
    /// `story`, in which `standing` were in force.
    pub(crate) fn expected(
        &self,
        story: &Story,
        standing: &[&Fault],
        faults: &[&Fault],
    ) -> Expected {
        let after = Situation::new(story, standing.iter().chain(faults).copied());
        let bound = match self.within {
            Within::Bound => story.detection().verdict_bound() + SLACK,
            Within::Patrol => {
                let members = story.networks.iter().map(|network| story.on(network).len());
                let others = u32::try_from(members.max().unwrap_or(1)).expect("few nodes");
                let detection = story.detection();
                let every = detection.heartbeat_interval.max(Duration::from_millis(250));
                every * others + detection.verdict_bound() * 2 + SLACK
            }
            Within::Span(span) => span,
        };
        let most = || {
            let connected = story.nodes.iter().map(|node| after.connected(&node.name, None));
            connected.max_by_key(BTreeSet::len).into_iter().flatten().map(str::to_owned).collect()
        };
        Expected {
            blames: self.blames.clone(),
            tolerated: self.tolerated.clone(),
            witnesses: self.witnesses.clone().unwrap_or_else(most),
            bound,
        }
    }
}
