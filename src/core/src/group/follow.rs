//! What a member does: acknowledge, adopt, and notice what it missed.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::{GroupId, List, Message, Prepare};

use super::{Adopted, Duty, Group, GroupView, Membership, Output, Prepared};
use crate::{members::Members, pace, time::Timestamp};

impl Prepared {
    pub(super) fn next_deadline(&self) -> Timestamp {
        self.ack_at.map_or(self.until, |at| at.min(self.until))
    }
}

impl Group {
    pub(super) fn on_prepare(&mut self, now: Timestamp, from: IpAddr, prepare: Prepare) {
        let until = now + self.timing.round * 2;
        let Some(view) = self.view() else { return };
        // Who is to leave leads nobody, though it goes on and does not know it yet: it
        // would be in and out again with the next two commits.
        if self.is_doomed(from) {
            return;
        }
        let members = match prepare.base {
            None => Members::new(prepare.members),
            Some(base) if base == view.id => {
                let gone = prepare.removed.iter().map(|removal| removal.member.address).collect();
                view.members.changed(&gone, prepare.members)
            }
            // Missed a commit, or a newcomer: it is told in full as well.
            Some(_) => return,
        };
        let failed_paths = prepare.failed_paths.into_iter().collect();
        let next = GroupView { id: prepare.group, members, failed_paths };
        let leads = next.roles().leader == from && next.id.leader == from;
        let Some(rank) = next.members.rank(self.me.address) else { return };
        if !leads || next.digest() != prepare.digest {
            return;
        }
        if next.id == view.id {
            // Its COMMIT is in force here; the acknowledgement was lost.
            let have = Some(next.id);
            self.send(from, Message::PrepareAck { group: next.id, have });
            return;
        }
        let overruled =
            from < view.id.leader && (next.members.contains(view.id.leader) || self.leads());
        if next.id.instance <= view.id.instance || overruled {
            return;
        }
        let (group, size) = (next.id, next.members.len());
        let wait = pace::spread(rank, size, self.timing.ack_retry / 2);
        self.highest = self.highest.max(group.instance);
        self.unresponsive.remove(&from);
        let Some(membership) = self.membership_mut() else { return };
        if let Duty::Joining(joining) = &mut membership.duty {
            joining.give_up_at = joining.give_up_at.max(until);
            joining.again_at = joining.give_up_at;
        }
        let ack_at = Some(now + wait);
        membership.prepared = Some(Prepared { next, removed: prepare.removed, until, ack_at });
        self.acknowledge(now);
    }

    /// Acknowledges when that is due. In a large group it is said again until
    /// COMMIT comes: a list that was sent again in vain is not heard as such.
    fn acknowledge(&mut self, now: Timestamp) {
        let ack_retry = self.timing.ack_retry;
        let have = self.view().map(|view| view.id);
        let Some(prepared) = self.membership_mut().and_then(|it| it.prepared.as_mut()) else {
            return;
        };
        if prepared.ack_at.is_none_or(|at| now < at) {
            return;
        }
        let large = prepared.next.members.len() > pace::SMALL;
        prepared.ack_at = large.then(|| now + ack_retry);
        let group = prepared.next.id;
        self.send(group.leader, Message::PrepareAck { group, have });
    }

    pub(super) fn on_commit(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        group: GroupId,
        digest: u64,
        absent: Vec<IpAddr>,
    ) {
        let me = self.me.address;
        let Some(membership) = self.membership_mut() else { return };
        if membership.view.id == group {
            return;
        }
        let ours = membership.prepared.take_if(|prepared| prepared.next.id == group);
        if absent.contains(&me) {
            // The acknowledgements were lost or late: ask to be taken in again.
            if let Duty::Joining(joining) = &mut membership.duty {
                joining.again_at = now;
            }
            return;
        }
        if let Some(Prepared { mut next, removed, .. }) = ours {
            next.leave_out(&absent.into_iter().collect());
            if next.digest() == digest {
                self.adopt(now, next, removed, Adopted::Committed);
                return;
            }
        }
        if group.instance > membership.view.id.instance && group.leader == from {
            self.ask_for_list(now, from);
        }
    }

    pub(super) fn on_list(&mut self, now: Timestamp, list: List) {
        let view = GroupView {
            id: list.group,
            members: Members::new(list.members),
            failed_paths: list.failed_paths.into_iter().collect(),
        };
        // One that was asked for before this one left is of the past.
        let asked = |mine: &GroupView| list.base.is_none_or(|base| base == mine.id);
        let later = self.view().is_some_and(|it| asked(it) && view.id.instance > it.id.instance);
        if later
            && view.members.contains(self.me.address)
            && view.roles().leader == view.id.leader
            && view.id.leader != self.me.address
        {
            self.adopt(now, view, list.removed, Adopted::Committed);
        }
    }

    /// A heartbeat of `from` names a group that is not mine.
    pub fn on_stranger(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        self.highest = self.highest.max(group.instance);
        if self.expects_commit(now, group) {
            return;
        }
        let Some(view) = self.view() else { return };
        if group == view.id {
            return;
        }
        if group.instance > view.id.instance {
            let have = view.id;
            self.ask_for_list(now, group.leader);
            if from != group.leader {
                self.send(from, Message::ListRequest { have });
            }
        } else if !view.members.contains(from)
            && (view.members.contains(group.leader) || view.members.len() > 1)
        {
            self.say_gone(from);
        }
    }

    /// Whether this group is prepared here: it is in force elsewhere, so its
    /// COMMIT is on its way, or was lost and is said again.
    pub(super) fn expects_commit(&mut self, now: Timestamp, group: GroupId) -> bool {
        let patience = now + self.timing.ack_retry * 2;
        let prepared = self.membership_mut().and_then(|membership| membership.prepared.as_mut());
        let Some(prepared) = prepared.filter(|prepared| prepared.next.id == group) else {
            return false;
        };
        prepared.until = prepared.until.min(patience);
        true
    }

    /// A watched neighbour lives but does not feed this member: one of the two
    /// has missed a commit.
    pub fn compare_with(&mut self, neighbour: IpAddr) {
        let Some(view) = self.view() else { return };
        let (have, leader) = (view.id, view.id.leader);
        self.send(neighbour, Message::ListRequest { have });
        if leader != self.me.address && leader != neighbour {
            self.send(leader, Message::ListRequest { have });
        }
    }

    pub(super) fn ask_for_list(&mut self, now: Timestamp, whom: IpAddr) {
        let recently = self.asked_list_at.is_some_and(|at| now < at + self.timing.ack_retry);
        let Some(have) = self.view().map(|view| view.id) else { return };
        if whom == self.me.address || recently {
            return;
        }
        self.asked_list_at = Some(now);
        self.send(whom, Message::ListRequest { have });
    }

    /// A PREPARE whose COMMIT did not come: it was lost, or the leader died.
    pub(super) fn wake_prepared(&mut self, now: Timestamp) {
        let Some(membership) = self.membership_mut() else { return };
        if let Some(prepared) = membership.prepared.take_if(|prepared| now >= prepared.until) {
            self.ask_for_list(now, prepared.next.id.leader);
        }
        self.acknowledge(now);
    }

    pub(super) fn wake_follow(&mut self, now: Timestamp) {
        let Some(Membership { duty: Duty::Follow(follow), .. }) = self.membership_mut() else {
            return;
        };
        if follow.commit_due.is_none_or(|due| now < due) {
            return;
        }
        follow.commit_due = None;
        if self.doomed.is_empty() && self.path_changes.is_empty() {
            return;
        }
        if let Some(leader) = self.acting_leader() {
            // It may be in another group by now, and well.
            self.ask_for_list(now, leader);
            self.outputs.push(Output::Overdue { leader });
        }
        self.changes_wanted(now);
    }
}

impl GroupView {
    /// These are no members, and paths to them no paths of the group.
    pub(super) fn leave_out(&mut self, gone: &BTreeSet<IpAddr>) {
        if !gone.is_empty() {
            self.members = self.members.changed(gone, []);
        }
        let members = &self.members;
        self.failed_paths
            .retain(|pair| members.contains(pair.low()) && members.contains(pair.high()));
    }
}
