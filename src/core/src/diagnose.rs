//! What the observations of one arbitration mean: one pure function.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, Confidence, Direction, Member, Observation, Silent};

mod contact;

/// What was found, and about whom.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The network the heartbeats were missed on.
    pub network: &'a str,
    /// Who missed them.
    pub reporter: &'a Member,
    /// Whose they were.
    pub suspect: &'a Member,
    /// Every probe's result, those on other networks included.
    pub observations: &'a [Observation],
}

/// Which of the two parties.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// The one that missed heartbeats.
    Reporter,
    /// The one whose heartbeats were missed.
    Suspect,
}

/// What the observations mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conclusion {
    /// The suspect answers the reporter: heartbeats were lost, nothing failed.
    Alive,
    /// The suspect's own node says what is wrong with its adapter.
    Fact(Cause),
    /// One adapter has failed.
    Adapter {
        /// Whose.
        culprit: Party,
        /// Transmit, receive or both.
        cause: Cause,
        /// How sure.
        confidence: Confidence,
    },
    /// Both are well, the path between them is not.
    Path {
        /// Seen from the reporter.
        direction: Direction,
    },
    /// The network has fallen into parts.
    Partition {
        /// The addresses that reach the reporter, itself included, and those
        /// that reach the suspect.
        sides: [Vec<IpAddr>; 2],
    },
    /// Nobody reaches anybody on the network, the nodes live.
    Network,
    /// The suspect's node has failed.
    Node {
        /// NodeDown, or Unreachable when it has no other network to tell by.
        cause: Cause,
        /// How sure.
        confidence: Confidence,
    },
    /// The suspect's daemon has failed, its host answers.
    Daemon,
    /// It cannot be told.
    Inconclusive {
        /// What would have told it.
        missing: &'static str,
    },
}

impl Conclusion {
    /// Whether both put it down to the same thing, be it for another cause.
    pub(crate) fn agrees(&self, other: &Conclusion) -> bool {
        let culprit = |conclusion: &Conclusion| {
            if let Conclusion::Adapter { culprit, .. } = conclusion { Some(*culprit) } else { None }
        };
        core::mem::discriminant(self) == core::mem::discriminant(other)
            && culprit(self) == culprit(other)
    }

    /// Whether it puts the fault on the suspect's side.
    pub(crate) fn blames_suspect(&self) -> bool {
        match self {
            Conclusion::Fact(_)
            | Conclusion::Adapter { culprit: Party::Suspect, .. }
            | Conclusion::Node { .. }
            | Conclusion::Daemon => true,
            Conclusion::Alive
            | Conclusion::Adapter { culprit: Party::Reporter, .. }
            | Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Inconclusive { .. } => false,
        }
    }
}

/// What a report's evidence means.
pub(crate) fn conclusion_of(silent: &Silent) -> Conclusion {
    diagnose(&Evidence {
        network: &silent.network,
        reporter: &silent.reporter,
        suspect: &silent.suspect,
        observations: &silent.observations,
    })
}

/// Everybody whom a report shows on either side of a network in parts.
pub(crate) fn parted(silent: &Silent) -> BTreeSet<IpAddr> {
    let Conclusion::Partition { sides } = conclusion_of(silent) else { return BTreeSet::new() };
    sides.into_iter().flatten().collect()
}

/// What is missing when nobody else can look.
pub const NO_THIRD_VOICE: &str = "a third node on this network, or a reference target";

/// What is missing when what was seen does not go together.
pub const AGREEMENT: &str = "observations that agree";

/// Draws the conclusion from the table below, unless what was seen speaks
/// against it: an adapter fails towards everybody, or it is none that fails; a
/// dead node or daemon is heard by nobody, and nothing passes on a dead network.
pub fn diagnose(evidence: &Evidence) -> Conclusion {
    let conclusion = by_table(evidence);
    let unlikely = match &conclusion {
        Conclusion::Adapter { culprit, .. } => evidence.is_partial(match culprit {
            Party::Reporter => evidence.reporter.address,
            Party::Suspect => evidence.suspect.address,
        }),
        Conclusion::Node { .. } => evidence.is_heard(evidence.suspect.address),
        // NIMs end with their daemon, or say that it hangs.
        Conclusion::Daemon => !evidence.suspect_is_stalled() && evidence.suspect_is_heard(),
        Conclusion::Network => evidence.anything_passes(),
        Conclusion::Alive
        | Conclusion::Fact(_)
        | Conclusion::Path { .. }
        | Conclusion::Partition { .. }
        | Conclusion::Inconclusive { .. } => false,
    };
    if unlikely { Conclusion::Inconclusive { missing: AGREEMENT } } else { conclusion }
}

/// DESIGN's table, row by row, first match wins; two meet when either has
/// answered the other, which takes both directions:
///
/// 1. NIMs answer for a daemon that says nothing itself: the daemon;
/// 2. the two parties meet: nothing failed;
/// 3. the suspect's node knows what is wrong;
/// 4. some arbiter, or whoever answers both, meets both: the path;
/// 5. arbiters meet only one side each, and both sides are met: partition;
///    (a party that reaches anybody at all has a side);
/// 6. arbiters meet the reporter, none the suspect: the suspect's adapter if
///    its node lives elsewhere, else its daemon if its host answers, else its node;
/// 7. arbiters meet the suspect, none the reporter, which was tried with others
///    than the suspect: the reporter's adapter;
/// 8. arbiters answer, but meet nobody: the network, if the suspect lives
///    elsewhere or has no elsewhere;
/// 9. nobody answers: reference targets decide, or it is inconclusive.
fn by_table(evidence: &Evidence) -> Conclusion {
    let reporter = evidence.reporter.address;
    let suspect = evidence.suspect.address;
    if evidence.suspect_is_stalled() {
        return Conclusion::Daemon;
    }
    // Though no probe went both ways: datagrams are lost, the path works.
    if evidence.carries(reporter, suspect) && evidence.carries(suspect, reporter) {
        return Conclusion::Alive;
    }
    if let Some(fact) = evidence.on(suspect).filter_map(|o| o.fact).min() {
        return Conclusion::Fact(fact);
    }
    let voters = evidence.voters();
    let third = voters.iter().copied().chain(evidence.company(suspect));
    if third.into_iter().any(|it| evidence.meet(it, reporter) && evidence.meet(it, suspect)) {
        return Conclusion::Path { direction: evidence.path_direction() };
    }
    let side_of = |party: IpAddr| -> Vec<IpAddr> {
        let company = evidence.company(party);
        let voters = voters.iter().copied();
        voters.filter(|voter| evidence.meet(*voter, party)).chain(company).collect()
    };
    let with_reporter = side_of(reporter);
    let with_suspect = side_of(suspect);
    match (with_reporter.is_empty(), with_suspect.is_empty()) {
        (false, false) => {
            let side = |first, mut rest: Vec<IpAddr>| {
                rest.insert(0, first);
                rest
            };
            Conclusion::Partition {
                sides: [side(reporter, with_reporter), side(suspect, with_suspect)],
            }
        }
        (false, true) => {
            let gone = evidence.suspect_is_gone(Confidence::High);
            // The reporter alone cannot tell the suspect from its own path to it,
            // whoever else answers it. A host's echo is more than its word.
            if voters.is_empty() && gone != Conclusion::Daemon {
                return Conclusion::Inconclusive { missing: NO_THIRD_VOICE };
            }
            gone
        }
        // With the suspect alone it may be the path.
        (true, false) if evidence.is_tried_with_others(reporter) => {
            let cause = evidence.adapter_cause(reporter);
            Conclusion::Adapter { culprit: Party::Reporter, cause, confidence: Confidence::High }
        }
        (true, _) => evidence.without_voters(&voters),
    }
}

impl Evidence<'_> {
    /// Observations of this address on the network in question.
    fn on(&self, target: IpAddr) -> impl Iterator<Item = &Observation> {
        self.observations
            .iter()
            .filter(move |o| o.network == self.network && o.target_address == target)
    }

    /// Either has answered the other: both adapters send and receive, whoever
    /// of the two asked.
    fn meet(&self, one: IpAddr, other: IpAddr) -> bool {
        self.observations.iter().any(|o| {
            let ends = (o.prober_address, o.target_address);
            let between = ends == (one, other) || ends == (other, one);
            between && o.received > 0 && o.network == self.network
        })
    }

    /// Some arbiter meets the reporter: it is not the one.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.voters().into_iter().any(|voter| self.meet(voter, self.reporter.address))
    }

    /// Those that answer a party itself, other than arbiters: a party that
    /// somebody answers has an adapter that works.
    fn company(&self, party: IpAddr) -> BTreeSet<IpAddr> {
        let voters = self.voters();
        self.observations
            .iter()
            .filter(|o| o.network == self.network && o.prober_address == party && o.received > 0)
            .filter(|o| o.target != REFERENCE)
            .map(|o| o.target_address)
            .filter(|target| *target != self.reporter.address && *target != self.suspect.address)
            .filter(|target| !voters.contains(target))
            .collect()
    }

    /// The arbiters' addresses on the network in question.
    fn voters(&self) -> BTreeSet<IpAddr> {
        let parties = [self.reporter.address, self.suspect.address];
        self.observations
            .iter()
            .filter(|o| o.network == self.network && !parties.contains(&o.prober_address))
            .map(|o| o.prober_address)
            .collect()
    }

    /// Which way the path fails, by what each end received of the other.
    fn path_direction(&self) -> Direction {
        let ours =
            self.on(self.suspect.address).find(|o| o.prober_address == self.reporter.address);
        let arrived_there = ours.and_then(|o| o.seen_by_target).is_some_and(|count| count > 0);
        let arrived_here = ours.is_some_and(|o| o.heard_from_target > 0);
        match (arrived_there, arrived_here) {
            (true, false) => Direction::FromPeer,
            (false, true) => Direction::ToPeer,
            (true, true) | (false, false) => Direction::Both,
        }
    }

    /// What does not work on an adapter that nobody gets an answer from.
    fn adapter_cause(&self, target: IpAddr) -> Cause {
        let receives = self.on(target).any(|o| o.seen_by_target.is_some_and(|count| count > 0));
        let sends = self.on(target).any(|o| o.heard_from_target > 0);
        match (receives, sends) {
            (true, false) => Cause::Transmit,
            (false, true) => Cause::Receive,
            (true, true) | (false, false) => Cause::Both,
        }
    }

    /// The suspect's daemon has answered on some other network, or its NIM there.
    fn suspect_lives_elsewhere(&self) -> bool {
        self.suspect_speaks()
            || self.of_suspect_node().any(|o| {
                // Be it with another address of it on the same one.
                let other = o.network != self.network || o.target_address != self.suspect.address;
                other && o.received > 0
            })
    }

    /// The suspect's daemon itself has said something: what arrived of probes,
    /// or what it found when it was asked.
    fn suspect_speaks(&self) -> bool {
        self.of_suspect_node().any(|o| o.elsewhere == Some(true))
            || self
                .observations
                .iter()
                .any(|o| o.network == self.network && o.prober_address == self.suspect.address)
    }

    /// A NIM of the suspect's says that it has not heard of its daemon for long.
    fn suspect_is_stalled(&self) -> bool {
        self.of_suspect_node().any(|o| o.stalled) && !self.suspect_speaks()
    }

    /// Some adapter of its node sends, though it may answer nobody.
    fn suspect_is_heard(&self) -> bool {
        self.of_suspect_node().any(|o| o.heard_from_target > 0)
    }

    fn suspect_has_another_network(&self) -> bool {
        self.of_suspect_node().any(|o| o.network != self.network || o.elsewhere.is_some())
    }

    fn of_suspect_node(&self) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(|o| o.target == self.suspect.node)
    }

    /// No arbiter reaches the suspect's adapter, and the fault is on its side.
    fn suspect_is_gone(&self, confidence: Confidence) -> Conclusion {
        if self.suspect_lives_elsewhere() {
            let cause = self.adapter_cause(self.suspect.address);
            return Conclusion::Adapter { culprit: Party::Suspect, cause, confidence };
        }
        if self.of_suspect_node().any(|o| o.icmp == Some(true)) {
            return Conclusion::Daemon;
        }
        if self.suspect_has_another_network() {
            return Conclusion::Node { cause: Cause::NodeDown, confidence };
        }
        // One network only: its transmissions are all that can be known of it.
        if self.on(self.suspect.address).any(|o| o.heard_from_target > 0) {
            return Conclusion::Adapter {
                culprit: Party::Suspect,
                cause: Cause::Receive,
                confidence: Confidence::Medium,
            };
        }
        Conclusion::Node { cause: Cause::Unreachable, confidence: Confidence::Medium }
    }

    /// Whether one of the reference targets answered a party that asked them.
    fn reaches_reference(&self, party: IpAddr) -> Option<bool> {
        let mut asked = self.observations.iter().filter(|o| {
            o.network == self.network && o.target == REFERENCE && o.prober_address == party
        });
        asked.clone().next()?;
        Some(asked.any(|o| o.icmp == Some(true)))
    }

    /// No arbiter reaches either party.
    fn without_voters(&self, voters: &BTreeSet<IpAddr>) -> Conclusion {
        let reporter = self.reporter.address;
        match (self.reaches_reference(reporter), self.reaches_reference(self.suspect.address)) {
            (Some(true), Some(true)) => {
                return Conclusion::Path { direction: self.path_direction() };
            }
            (Some(true), Some(false) | None) => return self.suspect_is_gone(Confidence::Medium),
            (Some(false), Some(false)) => return Conclusion::Network,
            (Some(false), Some(true) | None) => {
                return Conclusion::Adapter {
                    culprit: Party::Reporter,
                    cause: Cause::Both,
                    confidence: Confidence::Medium,
                };
            }
            (None, _) => {}
        }
        // Voters that reach others, but neither party, show a network that
        // works; and the reporter reaches nobody on it.
        let parties = [reporter, self.suspect.address];
        let works = self.observations.iter().any(|o| {
            o.network == self.network
                && o.received > 0
                && voters.contains(&o.prober_address)
                && !parties.contains(&o.target_address)
        });
        if works {
            return Conclusion::Adapter {
                culprit: Party::Reporter,
                cause: self.adapter_cause(reporter),
                confidence: Confidence::Medium,
            };
        }
        if !voters.is_empty() && self.suspect_lives_elsewhere() {
            return Conclusion::Network;
        }
        if self.of_suspect_node().any(|o| o.icmp == Some(true)) && !self.suspect_lives_elsewhere() {
            return Conclusion::Daemon;
        }
        // Arbiters that share another network with the reporter answered over
        // that one; they and the reporter live, and do not meet on this one.
        let voters_are_elsewhere =
            self.on(reporter).any(|o| o.elsewhere.is_some() && voters.contains(&o.prober_address));
        if voters_are_elsewhere && !self.suspect_has_another_network() {
            return Conclusion::Network;
        }
        // Others answered: this node is not the sick one.
        if !voters.is_empty() {
            return self.suspect_is_gone(Confidence::Medium);
        }
        Conclusion::Inconclusive { missing: NO_THIRD_VOICE }
    }
}

/// The target's name in observations of a reference target.
pub const REFERENCE: &str = "reference target";

#[cfg(test)]
mod tests;
