//! What a leader does: proclaim, gather, prepare, commit.

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Member, Message, Pair, Prepare, Removal};

use super::{Adopted, Duty, Group, GroupView, Lead, Membership, Output, Prepared, Round};
use crate::{pace, sizes::PATHS_MAX, time::Timestamp};

/// How often a round is drawn out that takes in nobody while newcomers are silent:
/// they may be late.
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
        if self.lead().and_then(|lead| lead.round.as_ref()).is_some_and(|it| now >= it.deadline) {
            if !self.waits_for_suspects(now) {
                self.finish_round(now);
            }
            return;
        }
        let missed = self.missed();
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return };
        if now < round.resend_at {
            return;
        }
        round.resend_at = now + ack_retry;
        let last = round.resend_at >= round.deadline;
        let mut silent: Vec<IpAddr> = round
            .next
            .members
            .iter()
            .map(|member| member.address)
            .filter(|address| !round.acks.contains_key(address))
            .collect();
        let small = round.next.members.len() <= pace::SMALL;
        round.resent = true;
        let since = round.began;
        let prepare = in_full(&round.next, &round.removed);
        if silent.len() > pace::FEW && !small {
            if !last {
                self.send(None, prepare);
                return;
            }
            // Where multicast is dead, some come in with each round.
            silent.truncate(pace::SMALL);
        }
        if last && !missed.is_empty() {
            self.outputs.push(Output::Missed { members: missed, since });
        }
        for address in silent {
            self.send(address, prepare.clone());
        }
    }

    /// Members that have not acknowledged the removal of others, and are not to
    /// leave themselves.
    fn missed(&self) -> Vec<IpAddr> {
        let Some(Membership { view, duty: Duty::Lead(lead), .. }) = self.membership() else {
            return Vec::new();
        };
        let Some(round) = lead.round.as_ref().filter(|round| !round.removed.is_empty()) else {
            return Vec::new();
        };
        let listed = round.next.members.iter().map(|member| member.address);
        listed
            .filter(|address| view.members.contains(*address))
            .filter(|it| !round.acks.contains_key(it) && !self.doomed.contains_key(it))
            .collect()
    }

    /// Those that failed at one instant leave in one commit: while the silence of
    /// one that does not acknowledge is being judged, the round goes on.
    fn waits_for_suspects(&mut self, now: Timestamp) -> bool {
        let (ack_retry, limit) = (self.timing.ack_retry, self.timing.missed);
        if !self.missed().iter().any(|address| self.suspects.contains(address)) {
            return false;
        }
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return false };
        let waits = now < round.began + limit;
        if waits {
            round.deadline = now + ack_retry;
        }
        waits
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
        let outdated =
            |it: &mut Prepared| it.next.id.leader == from && it.next.id.instance < group.instance;
        if membership.prepared.take_if(outdated).is_some()
            && let Duty::Joining(joining) = &mut membership.duty
        {
            // It went on without this one.
            joining.again_at = now;
        }
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

    /// Whether the membership that is prepared lists one that is to leave.
    fn prepares_doomed(&self) -> bool {
        match self.membership().map(|membership| &membership.duty) {
            Some(Duty::Lead(Lead { round: Some(round), .. })) => {
                self.doomed.keys().any(|address| round.next.members.contains(*address))
            }
            Some(_) | None => false,
        }
    }

    /// Begins, or begins again, the two-phase commit of what is wanted.
    pub(super) fn start_round(&mut self, now: Timestamp) {
        let timing = self.timing;
        let Some((next, removed)) = self.next_view() else { return };
        if next.members.len() == 1 {
            self.adopt(now, next, removed, Adopted::Committed);
            return;
        }
        self.highest = next.id.instance;
        let Some(view) = self.view() else { return };
        let messages = prepares(view, &next, &removed);
        let acks = BTreeMap::from([(self.me.address, Some(view.id))]);
        let Some(lead) = self.lead() else { return };
        // Those a running round was about to take in are still wanted.
        let before = lead.round.take();
        let began = before.as_ref().map_or(now, |round| round.began);
        let mut asked = before.map(|round| round.asked).unwrap_or_default();
        for group in core::mem::take(&mut lead.asked).into_values() {
            group.note(&mut asked);
        }
        lead.gathering = None;
        lead.round = Some(Round {
            next,
            removed,
            acks,
            asked,
            began,
            resend_at: now + timing.ack_retry,
            resent: false,
            deadline: now + timing.round,
            extended: 0,
        });
        for (to, message) in messages {
            self.send(to, message);
        }
    }

    /// The membership that is wanted, when it differs from the one in force or is to be
    /// committed anew.
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
        while failed_paths.len() > PATHS_MAX {
            failed_paths.pop_last();
        }
        let removed = doomed.into_values().map(|doomed| doomed.removal).collect();
        let same = members == view.members && failed_paths == view.failed_paths;
        if same && !self.reaffirm {
            return None;
        }
        if let Some(lead) = self.lead() {
            lead.joins.clear();
            lead.join_paths.clear();
        }
        Some((GroupView { id, members, failed_paths }, removed))
    }

    pub(super) fn on_prepare_ack(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        group: GroupId,
        have: Option<GroupId>,
    ) {
        if self.view().is_some_and(|view| view.id == group && view.id.leader == self.me.address) {
            self.on_late_ack(now, from, have);
            return;
        }
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return };
        if round.next.id != group || !round.next.members.contains(from) {
            return;
        }
        let members = round.next.members.clone();
        if self.has_left(&members, from, have) {
            // Its leaving is committed first, so that everybody sees it go.
            if self.note_doomed(from, Cause::Unreachable, "") {
                self.start_round(now);
            }
            return;
        }
        let Some(round) = self.lead().and_then(|lead| lead.round.as_mut()) else { return };
        round.acks.insert(from, have);
        if round.acks.len() == round.next.members.len() {
            self.finish_round(now);
        } else if !self.is_waiting() {
            // Those that are missing have been judged meanwhile.
            self.start_round(now);
        }
    }

    /// A member acknowledges what is in force: it missed the commit, or left.
    fn on_late_ack(&mut self, now: Timestamp, from: IpAddr, have: Option<GroupId>) {
        let Some(view) = self.view() else { return };
        let (members, group, digest) = (view.members.clone(), view.id, view.digest());
        if self.has_left(&members, from, have) {
            self.doom(now, from, Cause::Unreachable, "");
        } else if have != Some(group) && members.contains(from) {
            self.send(from, Message::Commit { group, digest, absent: Vec::new() });
        }
    }

    /// Commits what was prepared. Newcomers that did not answer stay out; a
    /// member that did not answer stays in until its silence is judged.
    fn finish_round(&mut self, now: Timestamp) {
        let round_lasts = self.timing.round;
        if self.prepares_doomed() {
            // Who has been judged meanwhile would seem to be taken in again, by a
            // membership that came after its verdict.
            self.start_round(now);
            return;
        }
        let Some(mut round) = self.lead().and_then(|lead| lead.round.take()) else { return };
        let Some(view) = self.view() else { return };
        // To whom the path has failed, and nobody is left to pass it on, cannot answer.
        let me = self.me.address;
        let failed = |it: IpAddr| round.next.failed_paths.contains(&Pair::new(me, it));
        let others = round.next.members.iter().map(|it| it.address).filter(|it| *it != me);
        let kept = others.into_iter().any(|it| view.members.contains(it) && !failed(it));
        let newcomers =
            || round.next.members.iter().filter(|it| !view.members.contains(it.address));
        let silent = newcomers().any(|it| !round.acks.contains_key(&it.address));
        let in_vain = newcomers().all(|it| !round.acks.contains_key(&it.address))
            && round.removed.is_empty()
            && round.next.failed_paths == view.failed_paths;
        let late = silent && in_vain && round.extended < EXTENSIONS;
        if (round.acks.len() == 1 && kept) || late {
            // Nobody answers: this may be the one that hears nothing, and what
            // it committed alone would stand against the others' word. It lasts until
            // it is judged who does not hear whom.
            round.extended += 1;
            round.deadline = now + round_lasts;
            let anew = round.extended > EXTENSIONS;
            if let Some(lead) = self.lead() {
                lead.round = Some(round);
            }
            if anew {
                // They may be in a group of theirs that is as late as this one.
                self.start_round(now);
            }
            return;
        }
        let Some(membership) = self.membership() else { return };
        let view = &membership.view;
        let (absent, elsewhere) = round.strays(view);
        let mut next = round.next.clone();
        next.leave_out(&absent);
        let same = next.members == view.members && next.failed_paths == view.failed_paths;
        if same && !self.reaffirm {
            // Only newcomers that did not answer: nothing has changed.
            self.say_elsewhere(elsewhere);
            return;
        }
        let bases = round.bases(&next, membership.bases_after(&next));
        let (group, digest) = (next.id, next.digest());
        let commit = Message::Commit { group, digest, absent: absent.into_iter().collect() };
        let waiting = self.lead().map(core::mem::take);
        self.send(None, commit.clone());
        if round.resent && next.members.len() <= pace::SMALL {
            // Where multicast is dead, this is lost like what came before.
            let me = self.me.address;
            for member in next.members.iter().filter(|it| it.address != me) {
                self.send(member.address, commit.clone());
            }
        }
        let (retry, gather) = (self.timing.ack_retry, self.timing.gather);
        self.adopt(now, next, round.removed, Adopted::Committed);
        if let Some(membership) = self.membership_mut() {
            membership.bases = bases;
        }
        if let Some(lead) = self.lead() {
            lead.commit_again = Some((now + retry, commit));
            if let Some(waiting) = waiting.filter(|waiting| !waiting.joins.is_empty()) {
                lead.joins = waiting.joins;
                lead.join_paths = waiting.join_paths;
                lead.asked = waiting.asked;
                lead.gather(now, gather);
            }
        }
        self.say_elsewhere(elsewhere);
    }

    /// A member stops on purpose.
    pub(super) fn on_leave(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        self.doom(now, from, Cause::Left, "");
        if self.leads() {
            self.send(from, Message::LeaveAck { group });
        }
    }

    pub(super) fn lead(&mut self) -> Option<&mut Lead> {
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
        told: Vec::new(),
    });
    let newcomers = to.into_iter().map(|address| (Some(address), full.clone()));
    [(None, difference)].into_iter().chain(newcomers).collect()
}

pub(super) fn in_full(next: &GroupView, removed: &[Removal]) -> Message {
    Message::Prepare(Prepare {
        group: next.id,
        base: None,
        members: next.members.to_vec(),
        failed_paths: next.failed_paths.iter().copied().collect(),
        removed: removed.to_vec(),
        digest: next.digest(),
        told: Vec::new(),
    })
}
