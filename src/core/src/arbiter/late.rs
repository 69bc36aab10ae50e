//! Those that answer later than a probe waits: they are late, not silent.
//!
//! A host that is short of CPU answers a little later than usual, a probe's
//! timeout is short, and nothing tells the one from a host that is gone but the
//! answer that comes after all. So a NIM tells such an answer as well, an arbiter
//! says its result anew, and the reporter believes no round any more that has not
//! waited for a detection time. Who sees nothing of the sort waits no longer.

use alloc::collections::BTreeSet;
use core::net::IpAddr;

use super::{
    case::{Round, Stage},
    *,
};
use crate::sizes::Size;

/// Probes without an answer, and arbiters without a result, that a case
/// remembers.
const OWING_MAX: usize = 128;

/// Adapters of its two nodes that a case remembers to have answered.
const MET_MAX: usize = 64;

/// Nodes known to be late; of more, those that were late longest ago are forgotten.
pub(super) const LATE_MAX: usize = 256;

/// A node that was late is taken to be so for this many detection times.
const LATE_FOR: u32 = 8;

/// Nodes that answered later than a probe waits, by name, and when they did.
#[derive(Debug, Default)]
pub(super) struct LateNodes(BTreeMap<String, Timestamp>);

impl LateNodes {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn note(&mut self, now: Timestamp, node: String) {
        self.0.insert(node, now);
        if self.0.len() > LATE_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, at)| **at).map(|(it, _)| it.clone())
        {
            self.0.remove(&oldest);
        }
    }
}

/// Who has not answered a case yet, and whether somebody was late.
#[derive(Debug, Default)]
pub(super) struct Lateness {
    /// Some answer came after the time that it was waited for, or nobody hears
    /// any more of one that answered a moment ago.
    pub(super) seen: bool,
    /// Whose answer to which probe is missing.
    probes: BTreeMap<u64, String>,
    /// Whose result of which round.
    results: BTreeMap<(u32, NodeId), String>,
    /// Adapters of the two nodes that have answered somebody.
    met: BTreeSet<(String, IpAddr)>,
}

impl Lateness {
    /// Nothing is known yet but whether the suspect was late a while ago.
    pub(super) fn of_one(late: bool) -> Self {
        Lateness { seen: late, ..Lateness::default() }
    }

    /// A round is over: who owes an answer.
    pub(super) fn round_ended(&mut self, number: u32, round: &Round) {
        self.probes.extend(round.probing.unanswered());
        let owing = round.asked.iter().filter(|it| !round.results.contains_key(&it.node_id));
        self.results.extend(owing.map(|it| ((number, it.node_id), it.node.clone())));
        while self.probes.len() > OWING_MAX {
            self.probes.pop_first();
        }
        while self.results.len() > OWING_MAX {
            self.results.pop_first();
        }
    }

    /// What a round has seen: whether some answer took longer than `usual`, or
    /// one of `parties` that was heard in a round before is not any more.
    pub(super) fn notice(
        &mut self,
        observations: &[Observation],
        usual: Duration,
        parties: &[&Member; 2],
    ) {
        let mut met = BTreeSet::new();
        let mut asked = BTreeSet::new();
        for o in observations {
            self.seen |= is_late(o, usual);
            let ends = [o.prober_address, o.target_address];
            for end in ends.into_iter().filter(|_| o.received > 0) {
                met.insert((o.network.clone(), end));
            }
            if parties.iter().any(|party| party.node == o.target) {
                asked.insert((o.network.clone(), o.target_address));
            }
        }
        self.seen |= self.met.difference(&met).any(|it| asked.contains(it));
        let more = met.into_iter().filter(|it| asked.contains(it) && !self.met.contains(it));
        let more: Vec<_> = more.take(MET_MAX.saturating_sub(self.met.len())).collect();
        self.met.extend(more);
    }

    pub(super) fn sizes(&self) -> [Size; 3] {
        [
            Size::new("probes of a case without an answer", self.probes.len(), OWING_MAX),
            Size::new("results that a case misses", self.results.len(), OWING_MAX),
            Size::new("adapters that a case has met", self.met.len(), MET_MAX),
        ]
    }
}

fn is_late(o: &Observation, usual: Duration) -> bool {
    let usual = u64::try_from(usual.as_micros()).unwrap_or(u64::MAX);
    o.received > 0 && o.rtt_us.is_some_and(|rtt| rtt > usual)
}

impl Case {
    /// Somebody is late: what was found without waiting for it is not reported.
    fn is_slow(&mut self, now: Timestamp) {
        self.late.seen = true;
        if matches!(self.stage, Stage::Reported { .. })
            && self.found.as_ref().is_some_and(|found| !found.patient)
        {
            self.stage = Stage::Resting { until: now };
        }
    }

    /// An answer to one of this node's probes comes after all. Gives whose.
    fn late_answer(&mut self, now: Timestamp, done: &ProbeDone) -> Option<String> {
        let late = self.late.probes.remove(&done.id).filter(|_| done.received > 0)?;
        self.is_slow(now);
        Some(late)
    }

    /// A result of a round that is over: of one that had not answered then, or
    /// that has since heard of one that had not answered it. Gives who was late.
    pub(super) fn late_result(
        &mut self,
        now: Timestamp,
        from: NodeId,
        result: &ProbeResult,
        usual: Duration,
    ) -> Vec<String> {
        let owed = self.late.results.remove(&(result.round, from));
        let late = result.observations.iter().filter(|o| is_late(o, usual));
        let mut late: Vec<String> = late.map(|o| o.target.clone()).collect();
        late.extend(owed.filter(|_| !result.abstains));
        if !late.is_empty() {
            self.is_slow(now);
        }
        late
    }
}

impl Arbiter {
    /// How long a round waits that somebody may answer late: as long as for a
    /// heartbeat.
    pub(super) fn patience(&self) -> Duration {
        self.detection_time.max(self.probe_timeout)
    }

    /// As long as the one who asks, but never longer than that.
    pub(super) fn wait_of(&self, asked_us: u64) -> Duration {
        Duration::from_micros(asked_us).clamp(self.probe_timeout, self.patience())
    }

    /// Whether this node was late a while ago.
    pub(super) fn was_late(&self, now: Timestamp, node: &str) -> bool {
        let keep = self.detection_time * LATE_FOR;
        self.late_nodes.0.get(node).is_some_and(|at| now <= *at + keep)
    }

    pub(super) fn are_late(&mut self, now: Timestamp, nodes: Vec<String>) {
        for node in nodes.into_iter().filter(|node| *node != self.name) {
            self.late_nodes.note(now, node);
        }
    }

    /// The answer to a probe comes when its result was told already.
    pub(super) fn answered_late(&mut self, now: Timestamp, done: &ProbeDone) {
        let mut late: Vec<String> =
            self.cases.values_mut().filter_map(|case| case.late_answer(now, done)).collect();
        let keep = self.detection_time;
        self.told.retain(|told| now <= told.deadline + keep);
        let mut amended = Vec::new();
        for told in &mut self.told {
            if let Some(node) = told.probing.amend(done) {
                late.push(node);
                amended.push(told.result());
            }
        }
        self.acts.extend(amended);
        self.are_late(now, late);
    }
}
