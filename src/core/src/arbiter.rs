//! Arbitration: who is asked, what is probed, and when the evidence is in.
//!
//! ```text
//! reporter R          arbiter X (up to 3)            suspect S
//!    | ProbeRequest -----> |                            |    over another network
//!    | probes ------------------------------------------>|    on the network in question
//!    |<------- probes --- | ------- probes ------------->|    on the network in question
//!    |<------- notice --- | ------- notice ------------->|    over another network
//!    | ------- seen ----> | <------ seen --------------- |    over another network
//!    |<------------------------- probes back ----------- |    on the network in question
//!    |<------ ProbeResult |                             |    over another network
//! ```
//!
//! Probing begins with the first late heartbeat and goes on in rounds, so that
//! the evidence is there when silence is established. The notice makes the
//! target say what arrived and probe back: that tells deaf from mute.
//!
//! This machine gathers; [`diagnose`](crate::diagnose) concludes; the group's
//! acting leader decides.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    AdapterReport, CaseId, Cause, Identity, Letter, Member, NodeId, Observation, ProbeNotice,
    ProbeRequest, ProbeResult, ProbeSeen, Silent, Verdict,
    link::{ProbeDone, StartProbe},
};

use crate::{
    config::Detection,
    diagnose::{Conclusion, Evidence, Party, REFERENCE, diagnose},
    group::Group,
    io::AdapterIndex,
    linkstate::Database,
    node::{Detours, Speakers},
    sizes::{Each, Size},
    time::{Timestamp, nanos},
};

mod asked;
mod case;
mod choose;
mod late;
mod looks;
mod reporter;

use asked::Asked;
use case::Case;
pub(crate) use case::Concluded;
use late::LateNodes;
use looks::Look;

/// Arbiters asked in a case.
pub(crate) const ARBITERS_MAX: usize = 3;
/// Members from all round the ring that a party probes in a round to learn
/// whether it reaches anybody.
pub(crate) const COMPANY_MAX: usize = 12;
/// Probes sent to each target in a round.
pub(crate) const PROBES: u32 = 3;
/// A NIM that is late is waited for so many probe timeouts.
const LAST_CALL: u32 = 6;
/// A probe that began less than this part of a timeout ago is shared.
const SHARED_PART: u32 = 4;
/// In a brief round, this part, and though it is over.
const SHARED_PART_BRIEF: u32 = 2;
/// Requests of others served at one time; more are refused by abstaining.
pub(crate) const ASKED_MAX: usize = 256;
/// Notices remembered, to answer probes that come after them.
const NOTICES_MAX: usize = 1024;
/// Cases of this node's own at one time: neighbours, leaders, visited members of
/// all its adapters. What is beyond is looked at when a patrol finds it again.
const CASES_MAX: usize = 256;
/// Probes that others may share; one beyond is not shared.
const SHARED_MAX: usize = 1024;

/// One local adapter, as arbitration sees it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub adapter: AdapterIndex,
    pub network: &'a str,
    pub me: &'a Member,
    pub group: &'a Group,
    pub references: &'a [IpAddr],
    /// What its own node knows to be wrong with it.
    pub fault: Option<Cause>,
    /// How those were heard of that are not members.
    pub heard: &'a Detours,
    /// Who has spoken to it by unicast.
    pub speakers: &'a Speakers,
    pub now: Timestamp,
}

/// What a node knows when it arbitrates.
pub(crate) struct Surroundings<'a> {
    pub places: Vec<Place<'a>>,
    pub database: &'a Database,
}

impl<'a> Surroundings<'a> {
    fn place(&self, adapter: AdapterIndex) -> Option<&Place<'a>> {
        self.places.iter().find(|place| place.adapter == adapter)
    }

    fn on(&self, network: &str) -> Option<&Place<'a>> {
        self.places.iter().find(|place| place.network == network && place.fault.is_none())
    }

    /// Whether a node has an adapter on a network other than `network`, be it
    /// one that this node is on or not: letters find their way.
    fn is_elsewhere(&self, node: NodeId, network: &str) -> bool {
        self.well_elsewhere(node, network) > 0
    }

    /// How many adapters it has there that are not known to be at fault.
    fn well_elsewhere(&self, node: NodeId, network: &str) -> usize {
        self.database.node(node).map_or(0, |(report, _)| {
            let well = |it: &&AdapterReport| it.network != network && it.fault.is_none();
            report.adapters.iter().filter(well).count()
        })
    }

    /// The known adapters of a node on networks other than `network`.
    fn elsewhere(&self, node: NodeId, network: &str) -> Vec<(&Place<'a>, Member)> {
        let Some((report, incarnation)) = self.database.node(node) else { return Vec::new() };
        let others = report.adapters.iter().filter(|adapter| adapter.network != network);
        others
            .filter_map(|adapter| {
                let member = Member::from(Identity {
                    address: adapter.address,
                    node_id: node,
                    incarnation,
                    node: report.node.clone(),
                    interface: adapter.interface.clone(),
                });
                Some((self.on(&adapter.network)?, member))
            })
            .collect()
    }
}

/// How a neighbour is missed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Missed {
    pub last_heard: Timestamp,
    /// Silent, and not just late.
    pub silent: bool,
    /// None of its heartbeats was lost for a while.
    pub steady: bool,
}

impl Missed {
    /// Nothing is known of its heartbeats.
    fn late_since(last_heard: Timestamp) -> Missed {
        Missed { last_heard, silent: false, steady: false }
    }

    fn silent_since(last_heard: Timestamp) -> Missed {
        Missed { silent: true, ..Missed::late_since(last_heard) }
    }
}

/// What arbitration wants done.
#[derive(Debug)]
pub(crate) enum Act {
    /// Send to a node. `about` is the network to avoid; `once`: in one copy, if nothing
    /// is known against the way, since what gets lost is asked again.
    Letter { to: NodeId, about: String, letter: Letter, once: bool },
    /// Have a NIM probe.
    Probe { adapter: AdapterIndex, probe: StartProbe },
    /// Silence is established and not explained yet.
    Suspicion { adapter: AdapterIndex, suspect: Member, silent_ms: u64 },
    /// A case of this node is concluded: have it decided.
    Concluded(alloc::boxed::Box<Concluded>),
    /// The suspect answers probes but does not feed this node: compare groups.
    Compare { adapter: AdapterIndex, neighbour: IpAddr },
    /// A survey is over: who was reached.
    Surveyed { silent: alloc::boxed::Box<Silent>, reached: BTreeSet<IpAddr> },
    /// This node has looked for one that somebody beyond a split says is gone.
    Doubted { verdict: alloc::boxed::Box<Verdict>, answered: bool },
    /// This node has looked itself: its observations are with the report's.
    Looked(alloc::boxed::Box<Silent>),
}

/// What is asked of one target.
#[derive(Clone, Copy, Debug)]
struct Ask {
    case: CaseId,
    count: u32,
    icmp: bool,
    as_reporter: bool,
    /// Whether its node has answered over another network; none when it has none.
    elsewhere: Option<bool>,
}

/// Probes of one round that are under way, and what has come of them.
#[derive(Debug)]
struct Probing {
    /// How long each waits for answers.
    wait: Duration,
    /// Nothing is known to get lost: of each target, one answer is enough.
    brief: bool,
    pending: BTreeSet<u64>,
    observations: Vec<(u64, Observation)>,
}

impl Probing {
    fn waiting(wait: Duration) -> Self {
        Probing { wait, brief: false, pending: BTreeSet::new(), observations: Vec::new() }
    }

    fn brief(self, brief: bool) -> Self {
        Probing { brief, ..self }
    }

    /// One less than usual in a brief round.
    fn questions(&self, usual: u32) -> u32 {
        if self.brief { usual - 1 } else { usual }
    }

    /// Between two questions: in a brief round the first one has time to be answered.
    fn pause(&self) -> Duration {
        self.wait / if self.brief { PROBES } else { PROBES * 2 }
    }

    fn note(&mut self, id: u64, observation: Observation) {
        self.pending.insert(id);
        self.observations.push((id, observation));
    }

    fn done(&mut self, done: &ProbeDone) -> bool {
        let pending = self.pending.remove(&done.id);
        if pending {
            self.fill(done);
        }
        pending
    }

    /// A probe that nobody had answered is answered after all. Gives by whom.
    fn amend(&mut self, done: &ProbeDone) -> Option<String> {
        let mut silent = self.unanswered();
        let (_, node) = silent.find(|(id, _)| *id == done.id && done.received > 0)?;
        drop(silent);
        self.fill(done);
        Some(node)
    }

    /// The probes that are over, and whose targets have not answered them.
    fn unanswered(&self) -> impl Iterator<Item = (u64, String)> {
        let over = self.observations.iter().filter(|(id, _)| !self.pending.contains(id));
        let silent = over.filter(|(_, o)| o.sent > 0 && o.received == 0);
        silent.map(|(id, o)| (*id, o.target.clone()))
    }

    fn fill(&mut self, done: &ProbeDone) {
        if let Some((_, observation)) = self.observations.iter_mut().find(|(id, _)| *id == done.id)
        {
            observation.sent = done.sent;
            observation.received = done.received;
            observation.rtt_us = (done.received > 0).then_some(done.rtt_ns / 1_000);
            observation.heard_from_target = done.heard;
            observation.icmp = (done.icmp_sent > 0).then_some(done.icmp_received > 0);
            observation.stalled = done.stalled;
        }
    }

    fn seen(&mut self, seen: &ProbeSeen) {
        for (_, observation) in &mut self.observations {
            if observation.network == seen.network
                && observation.prober_address == seen.prober
                && observation.target_address == seen.target
            {
                let count = observation.seen_by_target.unwrap_or(0).max(seen.count);
                observation.seen_by_target = Some(count);
                observation.elsewhere = Some(true);
                observation.fact = observation.fact.or(seen.fact);
            }
        }
    }

    fn observations(&self) -> impl Iterator<Item = Observation> {
        // A probe that is not over, or was never sent, is no evidence.
        let over = self.observations.iter().filter(|(id, _)| !self.pending.contains(id));
        let sent = over.filter(|(_, o)| o.sent > 0 || o.icmp.is_some());
        sent.map(|(_, observation)| observation.clone())
    }
}

/// A probe that others may share who wait as long, and as briefly.
#[derive(Debug)]
struct Shared {
    began: Timestamp,
    id: u64,
    wait: Duration,
    brief: bool,
    /// What came of it, once it is over.
    done: Option<ProbeDone>,
}

impl Shared {
    /// Whether a probe that would begin now would find the same.
    fn serves(&self, now: Timestamp, probing: &Probing, timeout: Duration) -> bool {
        let part = if self.brief { SHARED_PART_BRIEF } else { SHARED_PART };
        now <= self.began + timeout / part
            && (self.wait, self.brief) == (probing.wait, probing.brief)
            && (self.brief || self.done.is_none())
    }
}

/// What was said to be on its way, or has arrived, from one prober in one round.
#[derive(Debug, Default)]
struct Arrived {
    count: u32,
    /// Whom to tell: the prober's node, when it gave notice.
    notice: Option<(NodeId, ProbeNotice)>,
}

/// The machine of this node: its own cases, and those it was asked about.
#[derive(Debug)]
pub(crate) struct Arbiter {
    me: NodeId,
    name: String,
    case_prefix: String,
    probe_timeout: Duration,
    interval: Duration,
    detection_time: Duration,
    /// A NIM that has said nothing for so long is replaced by its daemon.
    lease: Duration,
    /// A late neighbour has this long to answer before others are asked.
    knock: Duration,
    first_case: u64,
    next_case: u64,
    next_probe: u64,
    cases: BTreeMap<(AdapterIndex, IpAddr), Case>,
    asked: Vec<Asked>,
    /// Answered; but some targets may yet answer late.
    told: Vec<Asked>,
    late_nodes: LateNodes,
    looks: Vec<Look>,
    /// The latest probe of each member that others may share.
    shared: BTreeMap<(AdapterIndex, IpAddr), Shared>,
    arrived: BTreeMap<(CaseId, IpAddr, AdapterIndex), Arrived>,
    arrived_order: alloc::collections::VecDeque<(CaseId, IpAddr, AdapterIndex)>,
    abstain_until: Timestamp,
    acts: Vec<Act>,
}

impl Arbiter {
    /// Cases are numbered from the `run` on, so that answers to those of an
    /// earlier run of the daemon are not taken for answers to this one's.
    pub(crate) fn new(
        me: NodeId,
        run: u64,
        name: &str,
        prefix: String,
        detection: &Detection,
    ) -> Self {
        Arbiter {
            me,
            name: name.to_string(),
            case_prefix: prefix,
            probe_timeout: detection.probe_timeout,
            interval: detection.heartbeat_interval,
            detection_time: detection.detection_time(),
            lease: detection.lease(),
            knock: (detection.probe_timeout / 2)
                .min(detection.detection_time().saturating_sub(detection.late_after()) / 4),
            first_case: run << 10,
            next_case: run << 10,
            next_probe: 0,
            cases: BTreeMap::new(),
            asked: Vec::new(),
            told: Vec::new(),
            late_nodes: LateNodes::default(),
            looks: Vec::new(),
            shared: BTreeMap::new(),
            arrived: BTreeMap::new(),
            arrived_order: alloc::collections::VecDeque::new(),
            abstain_until: Timestamp::default(),
            acts: Vec::new(),
        }
    }

    pub(crate) fn sizes(&self) -> impl Iterator<Item = Size> {
        let own = [
            // The node does what it wants before it is done with an input.
            Size::new("acts", self.acts.len(), 0),
            Size::new("cases", self.cases.len(), CASES_MAX).under_way().each(Each::Adapter),
            Size::new("requests", self.asked.len(), ASKED_MAX).under_way(),
            Size::new("requests answered", self.told.len(), ASKED_MAX),
            Size::new("nodes that were late", self.late_nodes.len(), late::LATE_MAX),
            Size::new("looks", self.looks.len(), looks::LOOKS_MAX).under_way(),
            Size::new("shared probes", self.shared.len(), SHARED_MAX),
            Size::new("notices", self.arrived.len(), NOTICES_MAX),
            Size::new("order of notices", self.arrived_order.len(), NOTICES_MAX),
        ];
        own.into_iter().chain(self.cases.values().flat_map(Case::sizes))
    }

    pub(crate) fn drain(&mut self) -> Vec<Act> {
        core::mem::take(&mut self.acts)
    }

    /// This node was late: for a detection time it does not judge others.
    pub(crate) fn abstain(&mut self, now: Timestamp) {
        self.abstain_until = now + self.detection_time;
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let cases = self.cases.values().filter_map(Case::next_deadline);
        let asked = self.asked.iter().map(|asked| asked.deadline);
        let looks = self.looks.iter().map(|look| look.until);
        cases.chain(asked).chain(looks).min()
    }

    pub(crate) fn wake(&mut self, now: Timestamp, around: &Surroundings) {
        // What this node has seen itself comes first: a case that is due in the same
        // moment would go to the next judge.
        self.end_looks(now, around);
        self.wake_cases(now, around);
        for at in (0..self.asked.len()).rev() {
            if self.asked[at].is_due(now) {
                self.answer(at);
            }
        }
    }

    /// A NIM's probe is over.
    pub(crate) fn probe_done(&mut self, now: Timestamp, done: &ProbeDone, around: &Surroundings) {
        for case in self.cases.values_mut() {
            case.probe_done(done);
        }
        self.settle_cases(now, around);
        for at in (0..self.asked.len()).rev() {
            if self.asked[at].probing.done(done) {
                self.asked[at].settle(now);
                if self.asked[at].is_due(now) {
                    self.answer(at);
                }
            }
        }
        self.look_probed(now, done, around);
        self.answered_late(now, done);
        if let Some(shared) = self.shared.values_mut().find(|shared| shared.id == done.id) {
            shared.done = Some(done.clone());
        }
    }

    /// Whether somebody answers at all: one probe does for all who ask for it
    /// at about the same time, so that a network that fails is not flooded.
    fn probe_company(
        &mut self,
        now: Timestamp,
        probing: &mut Probing,
        place: &Place,
        target: &Member,
        ask: Ask,
    ) {
        let key = (place.adapter, target.address);
        if let Some(shared) = self.shared.get(&key)
            && shared.serves(now, probing, self.probe_timeout)
        {
            probing.note(shared.id, self.blank(place, target, ask));
            if let Some(done) = &shared.done {
                probing.done(done);
            }
            return;
        }
        self.probe(probing, place, target, ask);
        self.shared.retain(|_, shared| now <= shared.began + self.probe_timeout);
        if self.shared.len() < SHARED_MAX {
            let Probing { wait, brief, .. } = *probing;
            let id = self.next_probe;
            self.shared.insert(key, Shared { began: now, id, wait, brief, done: None });
        }
    }

    /// Starts one probe and notes what it is to find out.
    fn probe(&mut self, probing: &mut Probing, place: &Place, target: &Member, ask: Ask) {
        let Ask { case, count, icmp, .. } = ask;
        self.next_probe += 1;
        let id = self.next_probe;
        let reference = target.node == REFERENCE;
        self.acts.push(Act::Probe {
            adapter: place.adapter,
            probe: StartProbe {
                id,
                case,
                target: target.address,
                count: if reference { count } else { probing.questions(count) },
                interval_ns: nanos(probing.pause()),
                timeout_ns: nanos(probing.wait),
                icmp: icmp || reference,
                icmp_only: reference,
                size: 0,
                until_answered: probing.brief,
            },
        });
        probing.note(id, self.blank(place, target, ask));
    }

    /// Asks those that run no hats. One that does is a party, no third voice.
    fn probe_references(&mut self, probing: &mut Probing, place: &Place, ask: Ask) {
        let view = place.group.view();
        let member = |address| view.is_some_and(|view| view.members.contains(address));
        for address in place.references.iter().copied().filter(|address| !member(*address)) {
            let me = Identity::clone(place.me);
            let target = Identity { address, node: REFERENCE.to_string(), ..me };
            self.probe(probing, place, &target.into(), ask);
        }
    }

    /// The observation of a probe that is not over.
    fn blank(&self, place: &Place, target: &Member, ask: Ask) -> Observation {
        Observation {
            prober: self.name.clone(),
            prober_address: place.me.address,
            prober_is_reporter: ask.as_reporter,
            target: target.node.clone(),
            target_address: target.address,
            network: place.network.to_string(),
            sent: 0,
            received: 0,
            rtt_us: None,
            seen_by_target: None,
            heard_from_target: 0,
            icmp: None,
            elsewhere: ask.elsewhere,
            stalled: false,
            fact: None,
        }
    }

    /// Probes the suspect on `place`'s network, its node's other adapters too,
    /// with ICMP echo beside the probes, and tells its node so.
    fn probe_suspect(
        &mut self,
        probing: &mut Probing,
        place: &Place,
        suspect: &Member,
        case: (CaseId, u32),
        as_reporter: bool,
        around: &Surroundings,
    ) {
        let elsewhere = self.give_notice(place, suspect, case, probing, around);
        let case = case.0.in_round(case.1);
        let ask = Ask { case, count: PROBES, icmp: true, as_reporter, elsewhere };
        self.probe(probing, place, suspect, ask);
        // Of other networks it is not known whether they lose anything.
        let count = PROBES + u32::from(probing.brief);
        for (other, member) in &around.elsewhere(suspect.node_id, place.network) {
            self.probe(probing, other, member, Ask { elsewhere: None, count, ..ask });
        }
    }

    /// Tells the target's node, if it has another network, that probes are on
    /// their way. Gives what is known then of whether it answers there.
    fn give_notice(
        &mut self,
        place: &Place,
        target: &Member,
        (case, round): (CaseId, u32),
        probing: &Probing,
        around: &Surroundings,
    ) -> Option<bool> {
        if !around.is_elsewhere(target.node_id, place.network) {
            return None;
        }
        let notice = ProbeNotice {
            case,
            round,
            network: place.network.to_string(),
            prober: place.me.address,
            target: target.address,
            timeout_us: nanos(probing.wait) / 1_000,
            brief: probing.brief,
        };
        self.acts.push(Act::Letter {
            to: target.node_id,
            about: place.network.to_string(),
            letter: Letter::ProbeNotice(notice),
            once: round == 1 || probing.brief,
        });
        Some(false)
    }
}

#[cfg(test)]
mod tests;
