//! What this node finds out by itself: before it judges, before it believes
//! what comes from beyond a split, and who is on which side of one.

use alloc::{boxed::Box, collections::BTreeSet, vec::Vec};

use hats_wire::{Member, Pair, Verdict};

use super::{case::is_over, choose::stranger, *};
use crate::diagnose::{conclusion_of, parted};

/// Looks under way at a time; what comes beyond is judged as it stands.
pub(super) const LOOKS_MAX: usize = 256;

/// A look asks once, one whom the reporter has not heard: by all ways, as in later
/// rounds of a case.
const LOOKS_ROUND: u32 = 2;

/// What a look is for.
#[derive(Debug)]
enum Purpose {
    /// A report that this node is to judge.
    Judge(Box<Silent>),
    /// A report of a network that has fallen apart.
    Survey(Box<Silent>),
    /// A verdict from beyond a split.
    Doubt(Box<Verdict>),
}

/// Probes of this node's own, and what they are for.
#[derive(Debug)]
pub(super) struct Look {
    purpose: Purpose,
    probing: Probing,
    /// The suspect was asked whom it reaches; what it said.
    word: Option<(CaseId, Option<Vec<Observation>>)>,
    /// It ends then, though a NIM has died with its probes.
    pub(super) until: Timestamp,
}

impl Look {
    fn is_over(&self, now: Timestamp) -> bool {
        let waiting = matches!(self.word, Some((_, None)));
        (self.probing.pending.is_empty() && !waiting) || now >= self.until
    }
}

/// A probe of no case: nobody is told that it comes.
fn ask(icmp: bool) -> Ask {
    Ask { case: CaseId(0), count: PROBES, icmp, as_reporter: false, elsewhere: None }
}

impl Arbiter {
    /// Whether this node can see for itself what it is to judge: it is on the
    /// network in question and was not asked, or on another of the suspect's
    /// where nobody has looked. If so it looks, and [`Act::Looked`] follows.
    pub(crate) fn look(&mut self, now: Timestamp, silent: &Silent, around: &Surroundings) -> bool {
        let same = |look: &Look| match &look.purpose {
            Purpose::Judge(other) => other.case_name == silent.case_name,
            Purpose::Survey(_) | Purpose::Doubt(_) => false,
        };
        if self.looks.iter().any(same) {
            return true;
        }
        let wait = self.wait_of(silent.waited_us);
        let mut probing = Probing::waiting(wait);
        // What was seen while somebody late was waited for may be over.
        let old = wait > self.probe_timeout;
        for place in around.places.iter().filter(|place| place.fault.is_none()) {
            let Some(view) = place.group.view() else { continue };
            let me = place.me.address;
            let here = place.network == silent.network;
            let looked = !old
                && silent.observations.iter().any(|o| {
                    o.network == place.network
                        && o.target == silent.suspect.node
                        && (!here || o.prober_address == me)
                });
            let suspect = view.members.of_node(silent.suspect.node_id);
            let reporter = view.members.of_node(silent.reporter.node_id).filter(|_| here);
            for member in suspect.into_iter().chain(reporter).filter(|_| !looked) {
                let failed = place.group.is_failed(Pair::new(me, member.address));
                if member.address != me && !place.group.is_doomed(member.address) && !failed {
                    self.probe(&mut probing, place, member, ask(true));
                }
            }
        }
        let word = self.ask_suspect(silent, around);
        self.begin_look(now, Purpose::Judge(silent.clone().into()), probing, word)
    }

    /// Whether this node looks for itself before it judges that case.
    pub(crate) fn is_looking(&self, case_name: &str) -> bool {
        self.looks.iter().any(|look| match &look.purpose {
            Purpose::Judge(silent) | Purpose::Survey(silent) => silent.case_name == case_name,
            Purpose::Doubt(_) => false,
        })
    }

    /// Asks a suspect that lives elsewhere whom it reaches, unless it has said
    /// so: a reporter that is half cut off itself may not have heard it.
    fn ask_suspect(
        &mut self,
        silent: &Silent,
        around: &Surroundings,
    ) -> Option<(CaseId, Option<Vec<Observation>>)> {
        let suspect = &silent.suspect;
        let here = |o: &&Observation| o.network == silent.network;
        let said = |o: &Observation| o.prober_address == suspect.address;
        let place = around.on(&silent.network)?;
        let lives = |o: &Observation| {
            let elsewhere = o.network != silent.network && o.received > 0;
            o.target == suspect.node && (o.elsewhere == Some(true) || elsewhere)
        };
        let lives = silent.observations.iter().any(lives);
        if !lives || silent.observations.iter().filter(here).any(said) {
            return None;
        }
        self.next_case += 1;
        let case = CaseId::new(self.me, self.next_case);
        self.acts.push(Act::Letter {
            to: suspect.node_id,
            about: silent.network.clone(),
            letter: Letter::ProbeRequest(ProbeRequest {
                case,
                round: LOOKS_ROUND,
                network: silent.network.clone(),
                reporter: place.me.clone(),
                suspect: suspect.clone(),
                timeout_us: nanos(self.wait_of(silent.waited_us)) / 1_000,
                brief: false,
                doubts_itself: false,
            }),
            once: false,
        });
        Some((case, None))
    }

    /// What a suspect says that was asked by a look.
    pub(super) fn look_answered(
        &mut self,
        now: Timestamp,
        result: &ProbeResult,
        around: &Surroundings,
    ) {
        let fresh = |o: &&Observation| {
            let failed = |place: &Place| place.group.failed_paths();
            !around.on(&o.network).is_some_and(|place| is_over(&failed(place), o))
        };
        for look in &mut self.looks {
            if let Some((case, word)) = &mut look.word
                && *case == result.case
            {
                *word = Some(result.observations.iter().filter(fresh).cloned().collect());
            }
        }
        self.end_looks(now, around);
    }

    /// Looks for a node that somebody beyond a split says is gone, wherever it
    /// is a member with this one; [`Act::Doubted`] follows. False when there is
    /// nowhere to look.
    pub(crate) fn doubt(
        &mut self,
        now: Timestamp,
        verdict: &Verdict,
        around: &Surroundings,
    ) -> bool {
        let mut probing = Probing::waiting(self.probe_timeout);
        for place in around.places.iter().filter(|place| place.fault.is_none()) {
            let Some(view) = place.group.view() else { continue };
            for member in view.members.of_node(verdict.culprit.node_id) {
                if !place.group.is_doomed(member.address) {
                    self.probe(&mut probing, place, member, ask(false));
                }
            }
        }
        self.begin_look(now, Purpose::Doubt(verdict.clone().into()), probing, None)
    }

    /// Ends a look for this run of a node, as it is known to be gone. Gives the
    /// verdict that it was to confirm.
    pub(crate) fn confirmed(&mut self, culprit: &Member) -> Option<Verdict> {
        let doubted = |look: &Look| match &look.purpose {
            Purpose::Doubt(verdict) => {
                let said = &verdict.culprit;
                said.node_id == culprit.node_id && said.incarnation >= culprit.incarnation
            }
            Purpose::Judge(_) | Purpose::Survey(_) => false,
        };
        let at = self.looks.iter().position(doubted)?;
        match self.looks.remove(at).purpose {
            Purpose::Doubt(verdict) => Some(*verdict),
            Purpose::Judge(_) | Purpose::Survey(_) => None,
        }
    }

    /// Finds out whom this node reaches on a network that has fallen apart;
    /// [`Act::Surveyed`] follows.
    pub(crate) fn survey(&mut self, now: Timestamp, silent: Silent, around: &Surroundings) {
        let same = |look: &Look| match &look.purpose {
            Purpose::Survey(other) => other.network == silent.network,
            Purpose::Judge(_) | Purpose::Doubt(_) => false,
        };
        if self.looks.iter().any(same) {
            return;
        }
        let Some(place) = around.on(&silent.network) else { return };
        let Some(view) = place.group.view() else { return };
        let mut probing = Probing::waiting(self.wait_of(silent.waited_us));
        // Who was left behind is asked after, too, and who has gone on without this
        // node.
        let outside = parted(&silent).into_iter().filter(|it| !view.members.contains(*it));
        let outside: Vec<Member> = outside.map(stranger).collect();
        let others = view.members.iter().chain(&outside);
        for member in others.filter(|member| member.address != place.me.address) {
            self.probe(&mut probing, place, member, ask(false));
        }
        let silent = Box::new(silent);
        if !self.begin_look(now, Purpose::Survey(silent.clone()), probing, None) {
            self.acts.push(Act::Surveyed { silent, reached: BTreeSet::new() });
        }
    }

    /// False when nothing is probed and nobody asked.
    fn begin_look(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        probing: Probing,
        word: Option<(CaseId, Option<Vec<Observation>>)>,
    ) -> bool {
        let any = !probing.pending.is_empty() || word.is_some();
        let any = any && self.looks.len() < LOOKS_MAX;
        if any {
            // A letter may be lost; a NIM that is late answers in the end.
            let patience = if word.is_some() { 2 } else { LAST_CALL };
            let until = (now + self.probe_timeout * patience).max(now + probing.wait * 2);
            self.looks.push(Look { purpose, probing, word, until });
        }
        any
    }

    pub(super) fn look_probed(&mut self, now: Timestamp, done: &ProbeDone, around: &Surroundings) {
        let mut any = false;
        for look in &mut self.looks {
            any |= look.probing.done(done);
        }
        if any {
            self.end_looks(now, around);
        }
    }

    pub(super) fn end_looks(&mut self, now: Timestamp, around: &Surroundings) {
        while let Some(at) = self.looks.iter().position(|look| look.is_over(now)) {
            let Look { purpose, probing, word, .. } = self.looks.remove(at);
            self.end_look(now, purpose, &probing, word.map(|(_, word)| word), around);
        }
    }

    /// `word` is what a suspect that was asked has said, if it has.
    fn end_look(
        &mut self,
        now: Timestamp,
        purpose: Purpose,
        probing: &Probing,
        word: Option<Option<Vec<Observation>>>,
        around: &Surroundings,
    ) {
        let seen: Vec<Observation> = probing.observations().collect();
        match purpose {
            Purpose::Judge(mut silent) => {
                // A NIM answers for a daemon that hangs, and says so.
                let here = |o: &Observation| {
                    let answers = o.received > 0 && !o.stalled;
                    o.network == silent.network && o.target == silent.suspect.node && answers
                };
                // If it answers, or is heard where nobody heard it, something has
                // changed since: what was seen before and now does not go together.
                let heard = |o: &Observation| {
                    let of = o.target_address == silent.suspect.address;
                    o.network == silent.network && of && o.heard_from_target > 0
                };
                let anew = seen.iter().any(heard) && !silent.observations.iter().any(heard);
                if seen.iter().any(here) || anew {
                    return;
                }
                let unheard = matches!(word, Some(None));
                let unasked = word.is_none();
                silent.observations.extend(seen);
                silent.observations.extend(word.flatten().unwrap_or_default());
                // One that lives is heard before its adapter is blamed: whom it
                // reaches, nobody else knows.
                let culprit = matches!(
                    conclusion_of(&silent),
                    Conclusion::Adapter { culprit: Party::Suspect, .. }
                );
                // That it lives may have been found by this look only.
                let asked =
                    if culprit && unasked { self.ask_suspect(&silent, around) } else { None };
                if asked.is_some() {
                    let nothing = Probing::waiting(probing.wait);
                    self.begin_look(now, Purpose::Judge(silent), nothing, asked);
                } else if !(unheard && culprit) {
                    self.acts.push(Act::Looked(silent));
                }
            }
            Purpose::Survey(silent) => {
                let reached = seen.iter().filter(|o| o.received > 0).map(|o| o.target_address);
                let reached = reached.collect();
                self.acts.push(Act::Surveyed { silent, reached });
            }
            Purpose::Doubt(verdict) => {
                let answered = seen.iter().any(|o| o.received > 0);
                self.acts.push(Act::Doubted { verdict, answered });
            }
        }
    }
}
