//! What a leader does: proclaim, gather, prepare, commit.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Join, List, Member, Message, Prepare, Removal};

use super::{
    Adopted, Duty, Follow, Group, GroupView, Lead, Membership, Output, Round, Unresponsive,
    state::Joining,
};
use crate::{pace, time::Timestamp};

/// How often a round is drawn out that nobody answers: until it is judged who
/// does not hear whom.
const EXTENSIONS: u32 = 4;

impl Lead {
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        let round = self.round.as_ref().map(|round| round.resend_at.min(round.deadline));
        let gathered = self.gathering.map(|gathering| gathering.until);
        let again = self.commit_again.as_ref().map(|(at, _)| *at);
        [Some(self.proclaim_at), gathered, again, round].into_iter().flatten().min()
    }
}

impl Group {
    pub(super) fn wake_lead(&mut self, now: Timestamp) {
        let stable = self.is_stable(now);
        let timing = self.timing;
        let Some(lead) = self.lead() else { return };
        let gathered = lead.gathering.take_if(|gathering| now >= gathering.until).is_some();
        let again = lead.commit_again.take_if(|(at, _)| now >= *at);
        let proclaim = now >= lead.proclaim_at;
        if proclaim {
            lead.proclaim_at = now + timing.interval * if stable { 4 } else { 1 };
        }
        if let Some((_, commit)) = again {
            self.send(None, commit);
        }
        if proclaim {
            self.outputs.push(Output::Proclaim);
        }
        if gathered {
            self.start_round(now);
        }
        self.wake_round(now);
    }

    fn wake_round(&mut self, now: Timestamp) {
        let ack_retry = self.timing.ack_retry;
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return };
        if now >= round.deadline {
            self.finish_round(now);
            return;
        }
        if now < round.resend_at {
            return;
        }
        round.resend_at = now + ack_retry;
        let silent: Vec<IpAddr> = round
            .next
            .members
            .iter()
            .map(|member| member.address)
            .filter(|address| !round.acks.contains(address))
            .collect();
        let small = round.next.members.len() <= pace::SMALL;
        let prepare = in_full(&round.next, &round.removed);
        if silent.len() > pace::FEW && !small {
            self.send(None, prepare);
            return;
        }
        for address in silent {
            self.send(address, prepare.clone());
        }
    }

    /// A higher leader takes this group; a lower one is to be taken.
    pub(super) fn on_proclaim(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        let me = self.me.address;
        let interval = self.timing.interval;
        // Clocks of nodes differ: ours must not make an instance lower than one in use.
        self.highest = self.highest.max(group.instance);
        let ignored = self.unresponsive.get(&from).is_some_and(|held| now < held.until);
        let acting = self.acting_leader();
        let expected = self.expects_commit(now, group);
        let Some(membership) = self.membership_mut() else { return };
        match &mut membership.duty {
            Duty::Lead(_) if from > me && !ignored => self.join(now, from, group),
            // It did not hear us, or we not it: lead on, and let it know.
            Duty::Lead(_) if from > me => self.send_join(from, group),
            Duty::Lead(lead) if from < me => {
                // Answer it at once, but not each of many.
                if lead.proclaim_at > now + interval / 4 {
                    lead.proclaim_at = now + interval / 4;
                }
            }
            Duty::Joining(joining) if from > joining.leader && !ignored => {
                self.join(now, from, group);
            }
            Duty::Joining(joining) if from == joining.leader => joining.into = group,
            // The leader is ahead; or who acts for it has gone on without me.
            Duty::Follow(_) if from == membership.view.id.leader || Some(from) == acting => {
                if group.instance > membership.view.id.instance && !expected {
                    self.ask_for_list(now, from);
                }
            }
            Duty::Lead(_) | Duty::Joining(_) | Duty::Follow(_) => {}
        }
    }

    pub(super) fn join(&mut self, now: Timestamp, leader: IpAddr, into: GroupId) {
        let timing = self.timing;
        let Some(membership) = self.membership_mut() else { return };
        membership.duty = Duty::Joining(Joining {
            leader,
            into,
            again_at: now + timing.ack_retry * 2,
            give_up_at: now + timing.join,
        });
        self.send_join(leader, into);
    }

    fn send_join(&mut self, leader: IpAddr, into: GroupId) {
        let Some(view) = self.view() else { return };
        let message = Message::Join(Join {
            group: view.id,
            into,
            members: view
                .members
                .iter()
                .filter(|member| !self.doomed.contains_key(&member.address))
                .cloned()
                .collect(),
            failed_paths: view.failed_paths.iter().copied().collect(),
        });
        self.send(leader, message);
    }

    pub(super) fn wake_joining(&mut self, now: Timestamp) {
        let timing = self.timing;
        let Some(Membership { duty: Duty::Joining(joining), .. }) = self.membership_mut() else {
            return;
        };
        let (leader, into) = (joining.leader, joining.into);
        if now >= joining.give_up_at {
            // It proclaims, but does not hear us or cannot be heard: lead on,
            // and listen to it again later.
            let held =
                self.unresponsive.entry(leader).or_insert(Unresponsive { until: now, times: 0 });
            held.times = (held.times + 1).min(5);
            held.until = now + timing.join * (1 << held.times);
            self.lead_again(now);
        } else if now >= joining.again_at {
            joining.again_at = now + timing.ack_retry * 2;
            self.send_join(leader, into);
        }
    }

    pub(super) fn lead_again(&mut self, now: Timestamp) {
        let me = self.me.address;
        let Some(membership) = self.membership_mut() else { return };
        membership.duty = if membership.view.id.leader == me {
            Duty::Lead(Lead { proclaim_at: now, ..Lead::default() })
        } else {
            Duty::Follow(Follow::default())
        };
        if !self.doomed.is_empty() || !self.path_changes.is_empty() {
            self.changes_wanted(now);
        }
    }

    /// A lower group asks to be taken in.
    pub(super) fn on_join(&mut self, now: Timestamp, from: IpAddr, join: Join) {
        let me = self.me.address;
        if from > me || join.members.iter().any(|member| member.address > me) {
            return;
        }
        self.highest = self.highest.max(join.group.instance);
        let gather = self.timing.gather;
        let Some(membership) = self.membership() else { return };
        if !matches!(membership.duty, Duty::Lead(_)) {
            return;
        }
        let mut again = Vec::new();
        let mut fresh = Vec::new();
        // One that was written before the membership in force says nothing of
        // its members: it is late, or came twice.
        let current = join.into.instance >= membership.view.id.instance;
        for member in join.members {
            match membership.view.members.get(member.address) {
                // It left us without a word, or was started anew: its leaving
                // is committed first, so that everybody sees it go.
                Some(known) if current && (*known != member || member.address == from) => {
                    again.push(member);
                }
                Some(_) => {}
                None => fresh.push(member),
            }
        }
        let Some(lead) = self.lead() else { return };
        let known = fresh.iter().all(|member| {
            let preparing = lead.round.as_ref().map(|round| &round.next.members);
            preparing.is_some_and(|members| members.get(member.address) == Some(member))
        });
        if !known {
            lead.joins.extend(fresh.into_iter().map(|member| (member.address, member)));
            lead.join_paths.extend(join.failed_paths);
            lead.gather(now, gather);
        }
        for member in again {
            self.doom(now, member.address, Cause::Unreachable, "");
        }
    }

    /// Begins the two-phase commit of what is wanted, at once; but while one
    /// waits for members that live, what comes meanwhile is gathered.
    pub(super) fn begin_round(&mut self, now: Timestamp) {
        let gather = self.timing.gather;
        if self.is_waiting()
            && let Some(lead) = self.lead()
        {
            lead.gather(now, gather);
        } else {
            self.start_round(now);
        }
    }

    /// Whether a round has begun that can still be acknowledged by all.
    fn is_waiting(&self) -> bool {
        match self.membership().map(|membership| &membership.duty) {
            Some(Duty::Lead(Lead { round: Some(round), .. })) => round.is_waiting(&self.doomed),
            Some(_) | None => false,
        }
    }

    /// Begins, or begins again, the two-phase commit of what is wanted.
    fn start_round(&mut self, now: Timestamp) {
        let timing = self.timing;
        let Some((next, removed)) = self.next_view() else { return };
        if next.members.len() == 1 {
            self.adopt(now, next, removed, Adopted::Committed);
            return;
        }
        self.highest = next.id.instance;
        let Some(view) = self.view() else { return };
        let messages = prepares(view, &next, &removed);
        let acks = BTreeSet::from([self.me.address]);
        let Some(lead) = self.lead() else { return };
        lead.gathering = None;
        lead.round = Some(Round {
            next,
            removed,
            acks,
            resend_at: now + timing.ack_retry,
            deadline: now + timing.round,
            extended: 0,
        });
        for (to, message) in messages {
            self.send(to, message);
        }
    }

    /// The membership that is wanted, when it differs from the one in force.
    fn next_view(&mut self) -> Option<(GroupView, Vec<Removal>)> {
        let id = GroupId { instance: self.highest + 1, leader: self.me.address };
        let doomed = self.doomed.clone();
        let changes = self.path_changes.clone();
        let membership = self.membership()?;
        let Duty::Lead(lead) = &membership.duty else { return None };
        let view = &membership.view;
        // Those a running round was about to take in are still wanted.
        let preparing = lead.round.iter().flat_map(|round| round.next.members.iter());
        let wanted = preparing.chain(lead.joins.values());
        let wanted = wanted.filter(|member| !doomed.contains_key(&member.address)).cloned();
        let gone = doomed.keys().copied().collect();
        let members = view.members.changed(&gone, wanted);
        let mut failed_paths = view.failed_paths.clone();
        failed_paths.extend(lead.join_paths.iter().copied());
        for (pair, failed) in changes {
            if failed {
                failed_paths.insert(pair);
            } else {
                failed_paths.remove(&pair);
            }
        }
        failed_paths.retain(|pair| members.contains(pair.low()) && members.contains(pair.high()));
        let removed = doomed.into_values().map(|doomed| doomed.removal).collect();
        if members == view.members && failed_paths == view.failed_paths {
            return None;
        }
        if let Some(lead) = self.lead() {
            lead.joins.clear();
            lead.join_paths.clear();
        }
        Some((GroupView { id, members, failed_paths }, removed))
    }

    pub(super) fn on_prepare_ack(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return };
        if round.next.id != group || !round.next.members.contains(from) {
            return;
        }
        round.acks.insert(from);
        let complete = round.acks.len() == round.next.members.len();
        if complete {
            self.finish_round(now);
        } else if !self.is_waiting() {
            // Those that are missing have been judged meanwhile.
            self.start_round(now);
        }
    }

    /// Commits what was prepared. Newcomers that did not answer stay out; a
    /// member that did not answer stays in until its silence is judged.
    fn finish_round(&mut self, now: Timestamp) {
        let round_lasts = self.timing.round;
        let Some(lead) = self.lead() else { return };
        let Some(mut round) = lead.round.take() else { return };
        if round.acks.len() == 1 && round.extended < EXTENSIONS {
            // Nobody answers: this may be the one that hears nothing, and what
            // it committed alone would stand against the others' word.
            round.extended += 1;
            round.deadline = now + round_lasts;
            lead.round = Some(round);
            return;
        }
        let Some(view) = self.view() else { return };
        let mut next = round.next;
        let absent: BTreeSet<IpAddr> = next
            .members
            .iter()
            .map(|member| member.address)
            .filter(|address| !round.acks.contains(address) && !view.members.contains(*address))
            .collect();
        next.leave_out(&absent);
        if next.members == view.members && next.failed_paths == view.failed_paths {
            // Only newcomers that did not answer: nothing has changed.
            return;
        }
        let (group, digest) = (next.id, next.digest());
        let commit = Message::Commit { group, digest, absent: absent.into_iter().collect() };
        let waiting = self
            .lead()
            .map(|lead| (core::mem::take(&mut lead.joins), core::mem::take(&mut lead.join_paths)));
        self.send(None, commit.clone());
        let (retry, gather) = (self.timing.ack_retry, self.timing.gather);
        self.adopt(now, next, round.removed, Adopted::Committed);
        if let Some(lead) = self.lead() {
            lead.commit_again = Some((now + retry, commit));
            if let Some((joins, paths)) = waiting
                && !joins.is_empty()
            {
                lead.joins = joins;
                lead.join_paths = paths;
                lead.gather(now, gather);
            }
        }
    }

    pub(super) fn on_list_request(&mut self, from: IpAddr, have: GroupId) {
        let Some(view) = self.view() else { return };
        if have.instance > view.id.instance {
            return;
        }
        let message = if view.members.contains(from) {
            Message::List(List {
                group: view.id,
                members: view.members.to_vec(),
                failed_paths: view.failed_paths.iter().copied().collect(),
                removed: self.removed().to_vec(),
            })
        } else if have.instance < view.id.instance {
            let (cause, verdict_id) = (Cause::Unreachable, Default::default());
            Message::Expelled { group: view.id, cause, verdict_id }
        } else {
            return;
        };
        self.send(from, message);
    }

    /// A member stops on purpose.
    pub(super) fn on_leave(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        self.doom(now, from, Cause::Left, "");
        if self.leads() {
            self.send(from, Message::LeaveAck { group });
        }
    }

    fn lead(&mut self) -> Option<&mut Lead> {
        match self.membership_mut() {
            Some(Membership { duty: Duty::Lead(lead), .. }) => Some(lead),
            Some(_) | None => None,
        }
    }
}

/// What says that `next` shall follow `view`, and to whom: the difference to
/// members, the whole to newcomers. Where nearly everything is new, or fits a
/// datagram, the whole to everybody.
fn prepares(
    view: &GroupView,
    next: &GroupView,
    removed: &[Removal],
) -> Vec<(Option<IpAddr>, Message)> {
    let known = |member: &&Member| view.members.get(member.address) == Some(*member);
    let fresh: Vec<Member> = next.members.iter().filter(|m| !known(m)).cloned().collect();
    let full = in_full(next, removed);
    if next.members.len() <= pace::SMALL || fresh.len() > pace::FEW {
        return Vec::from([(None, full)]);
    }
    let to: Vec<IpAddr> = fresh.iter().map(|member| member.address).collect();
    let difference = Message::Prepare(Prepare {
        group: next.id,
        base: Some(view.id),
        members: fresh,
        failed_paths: next.failed_paths.iter().copied().collect(),
        removed: removed.to_vec(),
        digest: next.digest(),
    });
    let newcomers = to.into_iter().map(|address| (Some(address), full.clone()));
    [(None, difference)].into_iter().chain(newcomers).collect()
}

fn in_full(next: &GroupView, removed: &[Removal]) -> Message {
    Message::Prepare(Prepare {
        group: next.id,
        base: None,
        members: next.members.to_vec(),
        failed_paths: next.failed_paths.iter().copied().collect(),
        removed: removed.to_vec(),
        digest: next.digest(),
    })
}
