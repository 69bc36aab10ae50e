//! The arbiter's and the target's part.

use alloc::{string::ToString, vec::Vec};
use core::net::IpAddr;

use super::*;

/// A request this node serves.
#[derive(Debug)]
pub(super) struct Asked {
    reporter: NodeId,
    case: CaseId,
    round: u32,
    network: String,
    pub(super) probing: Probing,
    pub(super) deadline: Timestamp,
    grace: Duration,
    /// A suspect's word is waited for this long, if its NIM is late.
    last_call: Option<Timestamp>,
}

impl Asked {
    /// Its time is up. A suspect says all or nothing of whom it reaches: those
    /// that its NIM has not come to may be its company.
    pub(super) fn is_due(&mut self, now: Timestamp) -> bool {
        let partly = self.probing.observations().next().is_some();
        if now >= self.deadline
            && let Some(last_call) = self.last_call.filter(|_| partly)
            && !self.probing.pending.is_empty()
        {
            self.deadline = last_call;
            self.last_call = None;
        }
        now >= self.deadline
    }

    /// All probes are over: what targets say over other networks may still be
    /// on its way, unless everybody answered directly.
    pub(super) fn settle(&mut self, now: Timestamp) {
        if !self.probing.pending.is_empty() {
            return;
        }
        let open = self
            .probing
            .observations()
            .any(|o| o.network == self.network && o.received == 0 && o.elsewhere == Some(false));
        let until = if open { now + self.grace } else { now };
        self.deadline = self.deadline.min(until);
    }

    /// What this node has found.
    pub(super) fn result(&self) -> Act {
        Act::Letter {
            to: self.reporter,
            about: self.network.clone(),
            letter: Letter::ProbeResult(ProbeResult {
                case: self.case,
                round: self.round,
                observations: self.probing.observations().collect(),
                abstains: false,
            }),
            once: self.round == 1 || self.probing.brief,
        }
    }
}

impl Arbiter {
    /// A reporter asks this node to probe.
    pub(crate) fn asked(
        &mut self,
        now: Timestamp,
        reporter: NodeId,
        request: ProbeRequest,
        around: &Surroundings,
    ) {
        // Letters may come over two networks.
        let id = (reporter, request.case, request.round);
        if self.asked.iter().any(|asked| (asked.reporter, asked.case, asked.round) == id) {
            return;
        }
        let place = around.on(&request.network).copied();
        let place = place.filter(|_| now >= self.abstain_until && self.asked.len() < ASKED_MAX);
        let Some(place) = place else {
            self.acts.push(Act::Letter {
                to: reporter,
                about: request.network,
                letter: Letter::ProbeResult(ProbeResult {
                    case: request.case,
                    round: request.round,
                    observations: Vec::new(),
                    abstains: true,
                }),
                once: request.round == 1 || request.brief,
            });
            return;
        };
        let wait = self.wait_of(request.timeout_us);
        let mut probing = Probing::waiting(wait).brief(request.brief);
        let case = (request.case, request.round);
        let suspected = request.suspect.address == place.me.address;
        if suspected {
            // We are the suspect: whom do we reach?
            let tag = request.case.in_round(request.round);
            let near = super::choose::company(&place, self.interval, &request.suspect, &[], around);
            let others = near.iter().filter(|m| m.address != request.reporter.address);
            let ask = Ask { case: tag, count: 2, icmp: false, as_reporter: false, elsewhere: None };
            for member in [&request.reporter].into_iter().chain(others.clone()) {
                self.probe_company(now, &mut probing, &place, member, ask);
            }
            if others.count() == 0 {
                self.probe_references(&mut probing, &place, Ask { count: PROBES, ..ask });
            }
        } else {
            self.probe_suspect(&mut probing, &place, &request.suspect, case, false, around);
            // Nobody doubts it: that it answers is enough.
            let trusted = request.brief && !request.doubts_itself;
            let elsewhere = if trusted {
                None
            } else {
                self.give_notice(&place, &request.reporter, case, &probing, around)
            };
            let tag = request.case.in_round(request.round);
            let ask = Ask { case: tag, count: PROBES, icmp: true, as_reporter: false, elsewhere };
            self.probe(&mut probing, &place, &request.reporter, ask);
            // And ourselves: one that reaches neither must reach somebody.
            let near = super::choose::company(&place, self.interval, &request.suspect, &[], around);
            let near = near.iter().filter(|m| m.address != request.reporter.address);
            for member in near.take(if request.brief { 0 } else { 2 }) {
                let ask = Ask { count: 2, icmp: false, elsewhere: None, ..ask };
                self.probe_company(now, &mut probing, &place, member, ask);
            }
        }
        let mut asked = Asked {
            reporter,
            case: request.case,
            round: request.round,
            network: request.network,
            probing,
            deadline: now + wait * 5 / 4,
            grace: wait / 4,
            last_call: suspected.then_some(now + (self.probe_timeout * LAST_CALL).max(wait * 2)),
        };
        // All that it asks others may have asked just before.
        asked.settle(now);
        self.asked.push(asked);
    }

    pub(super) fn answer(&mut self, at: usize) {
        let asked = self.asked.swap_remove(at);
        self.acts.push(asked.result());
        if asked.probing.unanswered().next().is_some() {
            if self.told.len() >= ASKED_MAX {
                self.told.remove(0);
            }
            self.told.push(asked);
        }
    }

    /// A prober says that its probes are on their way to an adapter of ours.
    pub(crate) fn noticed(&mut self, from: NodeId, notice: ProbeNotice, around: &Surroundings) {
        let Some(place) = around
            .places
            .iter()
            .find(|place| place.network == notice.network && place.me.address == notice.target)
        else {
            return;
        };
        let case = notice.case.in_round(notice.round);
        let key = (case, notice.prober, place.adapter);
        let again = self.arrived.get(&key).is_some_and(|arrived| arrived.notice.is_some());
        if place.fault.is_none() && !again {
            // Probe back: what the prober hears of it tells whether we send.
            let wait = self.wait_of(notice.timeout_us);
            let mut unnoted = Probing::waiting(wait).brief(notice.brief);
            let me = Identity::clone(place.me);
            let prober = Identity { address: notice.prober, ..me }.into();
            let ask = Ask { case, count: PROBES, icmp: false, as_reporter: false, elsewhere: None };
            self.probe(&mut unnoted, place, &prober, ask);
        }
        let fault = place.fault;
        let arrived = self.arrived(key);
        arrived.notice = Some((from, notice));
        self.tell(key, fault);
    }

    /// A probe reached an adapter of ours.
    pub(crate) fn probe_seen(&mut self, adapter: AdapterIndex, from: IpAddr, case: CaseId) {
        if case == CaseId(0) {
            // A patrol's, or a look's: nobody gives notice of those.
            return;
        }
        let key = (case, from, adapter);
        let arrived = self.arrived(key);
        arrived.count += 1;
        // Where nothing gets lost the first is the news.
        let brief = arrived.notice.as_ref().is_some_and(|(_, notice)| notice.brief);
        if !brief || arrived.count == 1 {
            self.tell(key, None);
        }
    }

    fn arrived(&mut self, key: (CaseId, IpAddr, AdapterIndex)) -> &mut Arrived {
        if !self.arrived.contains_key(&key) {
            self.arrived_order.push_back(key);
            if self.arrived_order.len() > NOTICES_MAX
                && let Some(oldest) = self.arrived_order.pop_front()
            {
                self.arrived.remove(&oldest);
            }
        }
        self.arrived.entry(key).or_default()
    }

    fn tell(&mut self, key: (CaseId, IpAddr, AdapterIndex), fact: Option<Cause>) {
        let Some(Arrived { count, notice: Some((to, notice)) }) = self.arrived.get(&key) else {
            return;
        };
        self.acts.push(Act::Letter {
            to: *to,
            about: notice.network.to_string(),
            letter: Letter::ProbeSeen(ProbeSeen {
                case: notice.case,
                round: notice.round,
                network: notice.network.clone(),
                prober: notice.prober,
                target: notice.target,
                count: *count,
                fact,
            }),
            once: notice.round == 1 || notice.brief,
        });
    }

    /// A target says what arrived of the probes of this node.
    pub(crate) fn seen(&mut self, seen: &ProbeSeen) {
        for case in self.cases.values_mut() {
            case.seen(seen);
        }
        for asked in &mut self.asked {
            if asked.case == seen.case && asked.round == seen.round {
                asked.probing.seen(seen);
            }
        }
    }
}
