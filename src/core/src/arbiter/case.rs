//! One case: a neighbour that this node misses, and what was found of it.

use alloc::collections::BTreeMap;

use hats_wire::{Direction, GroupId, Pair};

use super::{late::Lateness, *};
use crate::{diagnose::AGREEMENT, sizes::Size};

/// A host that answers ICMP echo, but not hats, may just be busy: below this
/// much silence nothing on it is said to have failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Others than the suspect that a case remembers because they were silent, too.
const STRAYS_MAX: usize = 64;

/// Rounds in which no arbiter answered, before it is concluded without them.
pub(super) const ROUNDS_UNANSWERED: u32 = 3;

/// The same, while other members answer the reporter itself: it may be asking
/// those that are beyond a split, or a group that is not there any more.
pub(super) const ROUNDS_ALONE: u32 = 8;

/// Rounds in which a suspect that lives elsewhere did not say whom it reaches,
/// or in which others that are silent, too, were not asked, before it is
/// concluded without them.
pub(super) const ROUNDS_UNHEARD: u32 = 4;

/// Where datagrams are lost, so many rounds must come to the same conclusion.
pub(super) const ROUNDS_AGREED: u32 = 2;

/// After so many rounds it is concluded whether they agree or not.
pub(super) const ROUNDS_LOSSY: u32 = 8;

/// Rounds in which nobody could tell the direction, before it is called both.
pub(super) const ROUNDS_UNDIRECTED: u32 = 4;

/// Rounds in which members that are silent, too, did not say what they see,
/// before a node is said to be out of reach that has no other network: they may
/// be with it on another side.
pub(super) const ROUNDS_UNSPOKEN: u32 = 8;

/// Rounds whose observations do not go together, before it is said that it
/// cannot be told.
pub(super) const ROUNDS_UNCLEAR: u32 = 8;

/// The times that are configured, or follow from that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    pub(super) interval: Duration,
    pub(super) detection_time: Duration,
    pub(super) probe_timeout: Duration,
    pub(super) lease: Duration,
}

/// What a case has come to.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Concluded {
    pub adapter: AdapterIndex,
    pub conclusion: Conclusion,
    pub silent: Silent,
    /// How often it was reported already.
    pub tries: u32,
    /// It comes of a brief round: nothing is known to get lost.
    pub brief: bool,
}

/// One neighbour that this node misses.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) id: CaseId,
    pub(super) name: String,
    pub(super) adapter: AdapterIndex,
    pub(super) network: String,
    pub(super) suspect: Member,
    pub(super) reporter: Member,
    pub(super) group: GroupId,
    pub(super) last_heard: Timestamp,
    pub(super) silent: bool,
    /// None of its last heartbeats was lost: the first round is brief.
    pub(super) steady: bool,
    /// Its NIM said that its daemon is gone.
    pub(super) goodbye: bool,
    /// Found by a patrol, not by the ring: silence is established then.
    pub(super) silent_at: Option<Timestamp>,
    pub(super) round: u32,
    pub(super) stage: Stage,
    /// What the last complete round found.
    pub(super) found: Option<Found>,
    /// Found by a patrol: it ends when the suspect answers.
    pub(super) patrolled: bool,
    /// Some probes of a target arrived and others did not: datagrams are lost
    /// by chance, and one round may be wrong.
    pub(super) lossy: bool,
    /// Members other than the suspect that did not answer the reporter either.
    pub(super) strays: BTreeSet<IpAddr>,
    /// Rounds in a row that came to the same conclusion.
    pub(super) agreed: u32,
    /// Rounds in a row in which nothing of the reporter's came to the suspect, and
    /// nothing of the suspect's to the reporter.
    pub(super) lost: [u32; 2],
    /// What the last rounds lacked.
    pub(super) lacks: Lacks,
    /// Adapters of the suspect's node that are not known to be at fault.
    pub(super) adapters: usize,
    /// The round after which groups were compared last.
    pub(super) compared: u32,
    pub(super) late: Lateness,
}

/// Rounds in a row, up to the last one, that lacked something.
#[derive(Debug, Default)]
pub(super) struct Lacks {
    /// Arbiters were asked and none answered: ask the reference targets too.
    pub(super) unanswered: u32,
    /// The suspect's node lives elsewhere and was asked whom it reaches, and
    /// has not said so.
    pub(super) unheard: u32,
    /// Members other than the suspect did not answer the reporter either, and
    /// none of them was asked what it sees, or none that lives has said so.
    pub(super) unasked: u32,
    /// Such members were asked, and none has said what it sees.
    pub(super) unspoken: u32,
    /// Nobody could tell which way the culprit fails.
    pub(super) undirected: u32,
    /// What was seen does not go together.
    pub(super) unclear: u32,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Late, and asked directly: most often it answers, and that is all.
    Knocking {
        until: Timestamp,
    },
    Round(Round),
    /// The next round begins then.
    Resting {
        until: Timestamp,
    },
    /// Reported; said again if no decision comes.
    Reported {
        again_at: Timestamp,
        tries: u32,
    },
}

#[derive(Debug)]
pub(super) struct Round {
    pub(super) started: Timestamp,
    /// It waits for those that answer late.
    pub(super) patient: bool,
    pub(super) deadline: Timestamp,
    /// Our own NIM is waited for this long, even after the deadline.
    pub(super) last_call: Timestamp,
    /// The deadline, or the last call once that has passed.
    pub(super) wake_at: Timestamp,
    pub(super) probing: Probing,
    /// The arbiters; and the suspect, if it can be asked over another network.
    pub(super) asked: Vec<Member>,
    pub(super) results: BTreeMap<NodeId, Vec<Observation>>,
    /// Paths that are known to have failed: what they lose is no news.
    pub(super) failed: BTreeSet<Pair>,
    /// The reporter misses all that it watches.
    pub(super) doubts_itself: bool,
}

#[derive(Debug)]
pub(super) struct Found {
    pub(super) completed: Timestamp,
    /// How long answers were waited for; long enough for those that are late?
    pub(super) waited: Duration,
    pub(super) patient: bool,
    pub(super) brief: bool,
    /// An arbiter reaches the reporter.
    pub(super) confirmed: bool,
    /// The reporter doubted itself, and had all asked that tell whether it is the one.
    pub(super) doubted: bool,
    /// All arbiters have answered, or were asked by all ways.
    pub(super) heard: bool,
    pub(super) conclusion: Conclusion,
    pub(super) observations: Vec<Observation>,
    pub(super) arbiters: Vec<String>,
    /// Adapters whose hosts answer ICMP echo on the network in question.
    pub(super) echoes: BTreeSet<IpAddr>,
    /// Adapters of the suspect's node whose host answers, and no hats.
    pub(super) hosts_only: usize,
    /// A NIM of the suspect's says that its daemon is stalled.
    pub(super) stalled: bool,
}

/// Whether it says only that one of these paths has failed.
pub(super) fn is_over(paths: &BTreeSet<Pair>, o: &Observation) -> bool {
    o.received == 0
        && !paths.is_empty()
        && paths.contains(&Pair::new(o.prober_address, o.target_address))
}

impl Round {
    /// Whether everything is in, or its time is up; if not, it is looked at again then.
    fn is_over(&mut self, now: Timestamp, suspect: NodeId) -> bool {
        let probed = self.probing.pending.is_empty();
        let complete = probed && self.results.len() == self.asked.len();
        if complete {
            return true;
        }
        if now < self.deadline {
            return false;
        }
        // To ask anew those that have yet to answer would only make them later.
        let mut arbiters = self.asked.iter().filter(|it| it.node_id != suspect);
        let unanswered = arbiters.all(|it| !self.results.contains_key(&it.node_id));
        let more = self.started + self.probing.wait * 5 / 2;
        if self.probing.brief && unanswered && now < more {
            (self.deadline, self.wake_at) = (more, more);
            return false;
        }
        // Others may not answer; our own NIM will, however late.
        if !probed && now < self.last_call {
            self.wake_at = self.last_call;
            return false;
        }
        true
    }
}

impl Found {
    fn new(
        completed: Timestamp,
        conclusion: Conclusion,
        observations: Vec<Observation>,
        arbiters: Vec<String>,
        network: &str,
        suspect: &str,
    ) -> Found {
        let echo = |o: &&Observation| o.icmp == Some(true);
        let here = observations.iter().filter(|o| o.network == network);
        let echoes = here.filter(echo).map(|o| o.target_address).collect();
        let of_suspect = || observations.iter().filter(|o| o.target == suspect);
        let hosts: BTreeSet<IpAddr> = of_suspect().filter(echo).map(|o| o.target_address).collect();
        let hats = |address: &&IpAddr| {
            of_suspect().any(|o| o.target_address == **address && o.received > 0)
        };
        let hosts_only = hosts.iter().filter(|address| !hats(address)).count();
        let stalled = of_suspect().any(|o| o.stalled);
        Found {
            completed,
            waited: Duration::ZERO,
            patient: false,
            brief: false,
            confirmed: false,
            doubted: false,
            heard: false,
            conclusion,
            observations,
            arbiters,
            echoes,
            hosts_only,
            stalled,
        }
    }
}

impl Found {
    /// Whether it says what was so at that time, or (but for `more`) little before.
    pub(super) fn is_fresh(&self, at: Timestamp, more: Duration) -> bool {
        self.completed + self.waited * 2 + more >= at
    }

    /// Whether it was looked for as this conclusion needs. A brief round asks too few to
    /// see another side of a split, which one that lives elsewhere would tell itself; and
    /// an arbiter that the first letter did not get to may be the one that reaches a node.
    pub(super) fn is_thorough(&self) -> bool {
        match &self.conclusion {
            Conclusion::Alive | Conclusion::Fact(_) => true,
            Conclusion::Adapter { culprit: Party::Suspect, .. } | Conclusion::Daemon => {
                !self.brief || self.confirmed
            }
            Conclusion::Adapter { culprit: Party::Reporter, .. } => !self.brief || self.doubted,
            Conclusion::Node { .. } => !self.brief && self.heard,
            Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Inconclusive { .. } => !self.brief,
        }
    }

    /// When to look again if it is to be fresh when patience is over.
    pub(super) fn next_round(&self, until: Timestamp, pause: Duration) -> Timestamp {
        if self.is_fresh(until, Duration::ZERO) {
            return until;
        }
        let left = until.since(self.completed).saturating_sub(self.waited * 2);
        self.completed + pause.min(left)
    }
}

/// So many probes must be lost, one after the other, before that is no chance
/// (less than one in a million) where `arrived` of `all` others are answered.
fn needed_probes(all: u64, arrived: u64) -> u32 {
    match (arrived * 100).checked_div(all) {
        None | Some(90..) => 6,
        Some(75..) => 10,
        Some(50..) => 20,
        Some(33..) => 34,
        Some(_) => 48,
    }
}

/// Whose adapter it is said to be.
fn accused(conclusion: &Conclusion, reporter: &Member, suspect: &Member) -> Option<IpAddr> {
    let Conclusion::Adapter { culprit, .. } = conclusion else { return None };
    Some(match culprit {
        Party::Reporter => reporter.address,
        Party::Suspect => suspect.address,
    })
}

impl Case {
    pub(super) fn sizes(&self) -> impl Iterator<Item = Size> {
        let (asked, results) = match &self.stage {
            Stage::Round(round) => (round.asked.len(), round.results.len()),
            Stage::Knocking { .. } | Stage::Resting { .. } | Stage::Reported { .. } => (0, 0),
        };
        let own = [
            Size::new("silent others of a case", self.strays.len(), STRAYS_MAX),
            Size::new("who is asked in a round", asked, ARBITERS_MAX + STRAYS_MAX + 1),
            Size::new("answers in a round", results, asked),
        ];
        own.into_iter().chain(self.late.sizes())
    }

    /// Whether the last round put it down to the reporter.
    pub(super) fn found_itself_at_fault(&self) -> bool {
        self.found.as_ref().is_some_and(|found| {
            matches!(found.conclusion, Conclusion::Adapter { culprit: Party::Reporter, .. })
        })
    }

    /// Whether the round that begins may be brief: the first one of a neighbour of whose
    /// heartbeats none was lost, and a second one if the first, in which the reporter
    /// did not doubt itself, has given it reason to.
    pub(super) fn may_be_brief(&self) -> bool {
        let brief = self.found.as_ref().is_some_and(|found| found.brief);
        let doubted = self.round == 2 && brief && self.found_itself_at_fault();
        self.steady && !self.lossy && (self.round == 1 || doubted)
    }

    /// Until when this case may tell that it is the reporter: while a brief round of one
    /// that doubts itself runs, and while the last round has told so and counts.
    pub(super) fn tells_of_reporter(
        &self,
        now: Timestamp,
        interval: Duration,
    ) -> Option<Timestamp> {
        if let Stage::Round(round) = &self.stage {
            let asks = round.probing.brief && round.doubts_itself;
            return asks.then_some(round.wake_at);
        }
        let found = self.found.as_ref().filter(|found| found.is_fresh(now, interval))?;
        if !self.found_itself_at_fault() {
            return None;
        }
        Some(found.completed + found.waited * 2 + interval)
    }

    /// Whether its first round has yet to begin.
    pub(super) fn is_waiting(&self) -> bool {
        self.round == 0 && matches!(self.stage, Stage::Resting { .. })
    }

    /// Its first round begins with the next wake.
    pub(super) fn wait_no_longer(&mut self) {
        if self.is_waiting() {
            self.stage = Stage::Resting { until: Timestamp::default() };
        }
    }

    /// What was found before says nothing of now.
    pub(super) fn begin_anew(&mut self, now: Timestamp) {
        self.found = None;
        self.lacks = Lacks::default();
        self.late = Lateness::of_one(self.late.seen);
        self.strays.clear();
        self.lost = [0; 2];
        self.stage = Stage::Resting { until: now };
    }

    /// Silence that a busy host explains as well as a fault must last.
    pub(super) fn patience(&self, found: &Found, lease: Duration) -> Option<Timestamp> {
        let busy = match &found.conclusion {
            Conclusion::Daemon | Conclusion::Inconclusive { .. } => true,
            // It is the daemon; NIMs of its other adapters have yet to notice.
            Conclusion::Adapter { culprit: Party::Suspect, .. } if self.goodbye => true,
            Conclusion::Adapter { culprit: Party::Suspect, .. } => {
                found.echoes.contains(&self.suspect.address)
            }
            Conclusion::Adapter { culprit: Party::Reporter, .. } => {
                found.echoes.contains(&self.reporter.address)
            }
            Conclusion::Alive
            | Conclusion::Fact(_)
            | Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Node { .. } => false,
        };
        let daemon = found.conclusion == Conclusion::Daemon;
        let sure = self.goodbye && daemon;
        // Where not all adapters of its host answer so, a NIM may hang: its daemon
        // replaces it when it has not answered for a lease.
        let one_nim = daemon && !found.stalled && found.hosts_only < self.adapters;
        let patience = if one_nim { PATIENCE.max(lease) + PATIENCE / 2 } else { PATIENCE };
        (busy && !sure).then(|| self.last_heard + patience)
    }

    /// How many rounds must have come to this. Where datagrams are lost, so many
    /// probes of what has failed must have been lost as chance does not explain.
    fn rounds_needed(&self, found: &Found) -> u32 {
        let path = matches!(found.conclusion, Conclusion::Path { .. });
        if !self.lossy {
            return if path { ROUNDS_AGREED } else { 1 };
        }
        let (reporter, suspect) = (self.reporter.address, self.suspect.address);
        let own = matches!(found.conclusion, Conclusion::Adapter { culprit: Party::Reporter, .. });
        let culprit = if own { reporter } else { suspect };
        let concerned = |o: &&Observation| {
            let ends = [o.prober_address, o.target_address];
            ends.contains(&culprit) && (!path || ends.contains(&reporter))
        };
        let here = || found.observations.iter().filter(|o| o.network == self.network);
        // Any number may have come in a letter.
        let sent: u64 = here().filter(concerned).map(|o| u64::from(o.sent)).sum();
        let others = || here().filter(|o| !concerned(o));
        let (all, arrived) = others().fold((0, 0), |(all, arrived), o| {
            (all + u64::from(o.sent), arrived + u64::from(o.received))
        });
        let each = u32::try_from(sent.max(1)).unwrap_or(u32::MAX);
        needed_probes(all, arrived).div_ceil(each).max(ROUNDS_AGREED)
    }

    /// Whether chance may explain what the rounds so far have found.
    pub(super) fn may_be_chance(&self, found: &Found) -> bool {
        let needed = self.rounds_needed(found);
        let [there, back] = self.lost;
        let Conclusion::Path { direction } = found.conclusion else {
            return self.agreed < needed && self.round < ROUNDS_LOSSY;
        };
        let lost = match direction {
            Direction::ToPeer => there,
            Direction::FromPeer => back,
            Direction::Both => there.min(back),
        };
        self.agreed < ROUNDS_AGREED || lost < needed
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let stage = match &self.stage {
            Stage::Round(round) => round.wake_at,
            Stage::Resting { until } | Stage::Knocking { until } => *until,
            Stage::Reported { again_at, .. } => *again_at,
        };
        self.silent_at.into_iter().chain([stage]).min()
    }

    pub(super) fn probe_done(&mut self, done: &ProbeDone) {
        if let Stage::Round(round) = &mut self.stage {
            round.probing.done(done);
        }
    }

    pub(super) fn seen(&mut self, seen: &ProbeSeen) {
        if let Stage::Round(round) = &mut self.stage
            && self.id == seen.case
            && self.round == seen.round
        {
            round.probing.seen(seen);
        }
    }

    /// Ends the round when everything is in, or its time is up.
    pub(super) fn settle(&mut self, now: Timestamp, usual: Usual) {
        let Stage::Round(round) = &mut self.stage else { return };
        if !round.is_over(now, self.suspect.node_id) {
            return;
        }
        let probed = round.probing.pending.is_empty();
        let own = |o: Observation| o.target_address == self.suspect.address;
        if !probed && !round.probing.observations().any(own) {
            // Our own NIM has not come to it: that says nothing of anybody.
            self.late.seen = true;
            self.stage = Stage::Resting { until: now };
            return;
        }
        let mut observations: Vec<Observation> = round.probing.observations().collect();
        let arbiters =
            || round.asked.iter().filter(|member| member.node_id != self.suspect.node_id);
        let answered: Vec<String> = arbiters()
            .filter(|arbiter| round.results.get(&arbiter.node_id).is_some_and(|r| !r.is_empty()))
            .map(|arbiter| arbiter.node.clone())
            .collect();
        observations.extend(round.results.values().flatten().cloned());
        observations.retain(|o| o.network != self.network || !is_over(&round.failed, o));
        let evidence = Evidence {
            network: &self.network,
            reporter: &self.reporter,
            suspect: &self.suspect,
            observations: &observations,
        };
        let conclusion = diagnose(&evidence);
        for (rounds, carried) in self.lost.iter_mut().zip(evidence.carried()) {
            // A brief round asks less often than chance is reckoned by.
            *rounds = if carried { 0 } else { *rounds + u32::from(!round.probing.brief) };
        }
        self.late.round_ended(self.round, round);
        self.late.notice(&observations, usual.probe_timeout, &[&self.reporter, &self.suspect]);
        let (patient, waited, brief) = (round.patient, round.probing.wait, round.probing.brief);
        let (confirmed, doubted) = (evidence.is_confirmed(), round.doubts_itself);
        let all_ways = self.round > 1 && !brief;
        let heard = all_ways || arbiters().all(|it| round.results.contains_key(&it.node_id));
        self.lossy |= observations.iter().any(|o| o.received > 0 && o.received < o.sent);
        let at_length = self.found.as_ref().filter(|found| !found.brief);
        let same = at_length.is_some_and(|found| found.conclusion.agrees(&conclusion));
        self.agreed = if same { self.agreed + 1 } else { 1 };
        let here = || observations.iter().filter(|o| o.network == self.network);
        // Their nodes said what arrived, or have no other network to say it over.
        let directed = |culprit: IpAddr| {
            let mut of = here().filter(|o| o.target_address == culprit);
            of.any(|o| o.seen_by_target.is_some() || o.elsewhere.is_none())
        };
        let accused = accused(&conclusion, &self.reporter, &self.suspect);
        let undirected = accused.is_some_and(|culprit| !directed(culprit));
        let suspects = self.suspect.node_id;
        let unheard = round.asked.iter().any(|member| member.node_id == suspects)
            && !round.results.contains_key(&suspects);
        // Others that do not answer the reporter either.
        let strays = || {
            here().filter(|o| {
                o.prober_address == self.reporter.address
                    && o.received == 0
                    && o.target_address != self.suspect.address
            })
        };
        let asked =
            |o: &Observation| round.asked.iter().find(|member| member.address == o.target_address);
        let fresh = strays().any(|o| asked(o).is_none());
        let known = round.asked.iter().any(|member| self.strays.contains(&member.address));
        // One that lives elsewhere will say what it sees.
        let lives = |of: &Observation| {
            let mut elsewhere = observations.iter().filter(|o| o.network != self.network);
            elsewhere.any(|o| o.target == of.target && o.received > 0)
        };
        let spoke = |o: &Observation| {
            let result = asked(o).and_then(|member| round.results.get(&member.node_id));
            result.is_some_and(|observations| !observations.is_empty())
        };
        let unspoken = strays().any(|o| asked(o).is_some()) && !strays().any(spoke);
        let mute = unspoken && strays().any(|o| asked(o).is_some() && lives(o));
        let unasked = mute || (fresh && !known);
        let unanswered = arbiters().next().is_some() && answered.is_empty();
        let count = |rounds: &mut u32, lacking| *rounds = if lacking { *rounds + 1 } else { 0 };
        let unclear = conclusion == Conclusion::Inconclusive { missing: AGREEMENT };
        count(&mut self.lacks.unanswered, unanswered);
        count(&mut self.lacks.unheard, unheard);
        count(&mut self.lacks.unasked, unasked);
        count(&mut self.lacks.unspoken, unspoken);
        count(&mut self.lacks.undirected, undirected);
        count(&mut self.lacks.unclear, unclear);
        let silent: Vec<IpAddr> = strays().map(|o| o.target_address).collect();
        let room = STRAYS_MAX.saturating_sub(self.strays.len());
        self.strays.extend(silent.into_iter().take(room));
        let earliest = now.max(round.started + usual.interval / 2);
        let suspect = &self.suspect.node;
        let found = Found::new(now, conclusion, observations, answered, &self.network, suspect);
        self.rest(
            earliest,
            Found { waited, patient, brief, confirmed, doubted, heard, ..found },
            usual,
        );
    }

    /// Keeps what was found, and rests until the next round is needed.
    fn rest(&mut self, earliest: Timestamp, found: Found, usual: Usual) {
        let until = if self.silent || self.lacks_something(&found) {
            earliest
        } else {
            earliest.max(self.next_needed(&found, usual))
        };
        self.found = Some(found);
        self.stage = Stage::Resting { until };
    }

    /// When the next round is to begin so that the last one is over, and still
    /// counts, when it is concluded: more of them would only be traffic.
    fn next_needed(&self, found: &Found, usual: Usual) -> Timestamp {
        let silence = self.silent_at.unwrap_or(self.last_heard + usual.detection_time);
        let (at, more) = match self.patience(found, usual.lease) {
            Some(until) => (until.max(silence), Duration::ZERO),
            None => (silence, usual.interval),
        };
        if found.is_fresh(at, more) {
            return found.completed + found.waited * 2 + more;
        }
        Timestamp(at.0.saturating_sub(nanos(found.waited * 2)))
    }

    /// Whether what was found would not do, if silence were established now.
    fn lacks_something(&self, found: &Found) -> bool {
        let lacks = &self.lacks;
        let of_suspect = lacks.unheard + lacks.unasked + lacks.unspoken > 0;
        lacks.unanswered + lacks.undirected + lacks.unclear > 0
            || (of_suspect && found.conclusion.blames_suspect())
            || matches!(found.conclusion, Conclusion::Inconclusive { .. })
            || (self.late.seen && !found.patient)
            || !found.is_thorough()
            || self.may_be_chance(found)
    }

    /// How many rounds without an arbiter's answer it takes to conclude this.
    pub(super) fn rounds_unanswered(&self, found: &Found) -> u32 {
        let company = found.observations.iter().any(|o| {
            o.network == self.network && o.prober_address == self.reporter.address && o.received > 0
        });
        if company { ROUNDS_ALONE } else { ROUNDS_UNANSWERED }
    }

    /// Whether the latest evidence is older than that.
    pub(super) fn is_old(&self, now: Timestamp, limit: Duration) -> bool {
        self.found.as_ref().is_some_and(|found| now > found.completed + limit)
    }

    pub(super) fn silent_report(&self, now: Timestamp) -> Option<Silent> {
        let found = self.found.as_ref()?;
        Some(Silent {
            case_name: self.name.clone(),
            network: self.network.clone(),
            group: self.group,
            reporter: self.reporter.clone(),
            suspect: self.suspect.clone(),
            observations: found.observations.clone(),
            arbiters: found.arbiters.clone(),
            silent_us: u64::try_from(now.since(self.last_heard).as_micros()).unwrap_or(u64::MAX),
            waited_us: u64::try_from(found.waited.as_micros()).unwrap_or(u64::MAX),
        })
    }
}
