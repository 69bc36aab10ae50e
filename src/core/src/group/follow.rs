//! What a member does: acknowledge, adopt, and notice what it missed.

use alloc::string::String;
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, List, Message, Prepare};

use super::{Adopted, Duty, Group, GroupView, Membership, Output, Prepared};
use crate::{members::Members, time::Timestamp};

impl Group {
    pub(super) fn on_prepare(&mut self, now: Timestamp, from: IpAddr, prepare: Prepare) {
        let until = now + self.timing.round * 2;
        let next = GroupView {
            id: prepare.group,
            members: Members::new(prepare.members),
            failed_paths: prepare.failed_paths.into_iter().collect(),
        };
        let leads = next.roles().leader == from && next.id.leader == from;
        if !leads || !next.members.contains(self.me.address) || next.digest() != prepare.digest {
            return;
        }
        let Some(view) = self.view() else { return };
        if next.id == view.id {
            // Its COMMIT is in force here; the acknowledgement was lost.
            self.send(from, Message::PrepareAck { group: next.id });
            return;
        }
        let overruled =
            from < view.id.leader && (next.members.contains(view.id.leader) || self.leads());
        if next.id.instance <= view.id.instance || overruled {
            return;
        }
        let group = next.id;
        self.highest = self.highest.max(group.instance);
        self.unresponsive.remove(&from);
        let Some(membership) = self.membership_mut() else { return };
        if let Duty::Joining(joining) = &mut membership.duty {
            joining.give_up_at = joining.give_up_at.max(until);
            joining.again_at = joining.give_up_at;
        }
        membership.prepared = Some(Prepared { next, removed: prepare.removed, until });
        self.send(from, Message::PrepareAck { group });
    }

    pub(super) fn on_commit(&mut self, now: Timestamp, from: IpAddr, group: GroupId, digest: u64) {
        let Some(membership) = self.membership_mut() else { return };
        if membership.view.id == group {
            return;
        }
        match membership.prepared.take() {
            Some(prepared) if prepared.next.id == group && prepared.next.digest() == digest => {
                self.adopt(now, prepared.next, prepared.removed, Adopted::Committed);
            }
            other => {
                membership.prepared = other.filter(|prepared| prepared.next.id != group);
                if group.instance > membership.view.id.instance && group.leader == from {
                    self.ask_for_list(now, from);
                }
            }
        }
    }

    pub(super) fn on_list(&mut self, now: Timestamp, list: List) {
        let view = GroupView {
            id: list.group,
            members: Members::new(list.members),
            failed_paths: list.failed_paths.into_iter().collect(),
        };
        let later = self.view().is_some_and(|mine| view.id.instance > mine.id.instance);
        if later
            && view.members.contains(self.me.address)
            && view.roles().leader == view.id.leader
            && view.id.leader != self.me.address
        {
            self.adopt(now, view, list.removed, Adopted::Committed);
        }
    }

    pub(super) fn on_expelled(
        &mut self,
        now: Timestamp,
        from: IpAddr,
        group: GroupId,
        cause: Cause,
        verdict_id: String,
    ) {
        // It answers: it hears us after all.
        self.unresponsive.remove(&from);
        let Some(view) = self.view() else { return };
        let known = view.members.contains(from) || view.members.contains(group.leader);
        if known && view.members.len() > 1 && group.instance > view.id.instance {
            self.highest = self.highest.max(group.instance);
            self.stand_alone(now, Adopted::Expelled { cause, verdict_id });
        }
    }

    /// A heartbeat of `from` names a group that is not mine.
    pub fn on_stranger(&mut self, now: Timestamp, from: IpAddr, group: GroupId) {
        self.highest = self.highest.max(group.instance);
        let Some(view) = self.view() else { return };
        if group == view.id {
            return;
        }
        if group.instance > view.id.instance {
            self.ask_for_list(now, group.leader);
            if from != group.leader {
                let have = self.view().map(|view| view.id);
                if let Some(have) = have {
                    self.send(from, Message::ListRequest { have });
                }
            }
        } else if !view.members.contains(from)
            && (view.members.contains(group.leader) || view.members.len() > 1)
        {
            let (cause, verdict_id) = (Cause::Unreachable, String::new());
            let group = view.id;
            self.send(from, Message::Expelled { group, cause, verdict_id });
        }
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
        let expired = membership.prepared.as_ref().is_some_and(|prepared| now >= prepared.until);
        if expired && let Some(prepared) = membership.prepared.take() {
            self.ask_for_list(now, prepared.next.id.leader);
        }
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
            self.outputs.push(Output::Overdue { leader });
        }
        self.changes_wanted(now);
    }
}
