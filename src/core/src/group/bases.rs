//! Who goes on from one membership to the next.
//!
//! A member that missed a commit catches up; one that was in another group
//! meanwhile, or by itself, does not: it has left, and comes back by a JOIN.
//! What tells the two apart is the membership that it has in force.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, List, Message};

use super::{
    Group, GroupView, Membership,
    state::{BASES_MAX, Base, Round},
};
use crate::{members::Members, time::Timestamp};

impl Membership {
    /// Whether who has `have` in force may go on to a membership of `members`
    /// that follows this one.
    fn leads_to(&self, members: &Members, whom: IpAddr, have: GroupId) -> bool {
        have == self.view.id
            || self.bases.iter().any(|base| {
                base.id == have
                    && !base.gone.contains(&whom)
                    && !base.gone.iter().any(|gone| members.contains(*gone))
            })
    }

    /// What members may have of this one and those before, after `next`.
    pub(super) fn bases_after(&self, next: &GroupView) -> Vec<Base> {
        let left = || {
            let stays = |it: &&hats_wire::Member| next.members.get(it.address) == Some(*it);
            self.view.members.iter().filter(move |it| !stays(it)).map(|it| it.address)
        };
        let skip = (self.bases.len() + 1).saturating_sub(BASES_MAX);
        let mut bases: Vec<Base> = self.bases.iter().skip(skip).cloned().collect();
        for base in &mut bases {
            base.gone.extend(left());
        }
        bases.push(Base { id: self.view.id, gone: left().collect() });
        bases
    }
}

impl Round {
    /// What those who acknowledged may have until they hear of the commit.
    pub(super) fn bases(&self, next: &GroupView, kept: Vec<Base>) -> Vec<Base> {
        let taken = self.asked.values().filter(|asked| {
            let from = |address: IpAddr| self.acks.get(&address) == Some(&Some(asked.group));
            next.members.iter().any(|member| from(member.address))
        });
        let gone = |listed: &Members| -> BTreeSet<IpAddr> {
            let stays = |it: &&hats_wire::Member| next.members.get(it.address) == Some(*it);
            listed.iter().filter(|it| !stays(it)).map(|it| it.address).collect()
        };
        let taken = taken.map(|asked| Base {
            id: asked.group,
            gone: gone(&asked.listed).into_iter().chain(asked.leaving.iter().copied()).collect(),
        });
        // Where all have answered, nobody has what they did not name.
        let all = next.members.iter().all(|member| self.acks.contains_key(&member.address));
        let named = |base: &Base| {
            !all || self.acks.values().any(|have| have.is_none_or(|have| have == base.id))
        };
        kept.into_iter().filter(named).chain(taken).collect()
    }
}

impl Group {
    /// A member said what it has, and that was for `members`: it has left if
    /// nothing leads from there to here.
    pub(super) fn has_left(&self, members: &Members, whom: IpAddr, have: Option<GroupId>) -> bool {
        self.membership().is_some_and(|membership| {
            membership.view.members.contains(whom)
                && have.is_some_and(|have| !membership.leads_to(members, whom, have))
        })
    }

    /// A member leads a group of its own, which began after it was taken in here.
    pub(crate) fn on_another_group(&mut self, now: Timestamp, member: IpAddr, its: GroupId) {
        let Some(view) = self.view() else { return };
        let mine = self.leads() && view.id.leader == self.me.address;
        if mine && self.has_left(&view.members, member, Some(its)) {
            self.doom(now, member, Cause::Unreachable, "");
        }
    }

    pub(super) fn on_list_request(&mut self, now: Timestamp, from: IpAddr, have: GroupId) {
        let Some(view) = self.view() else { return };
        let member = view.members.contains(from);
        if have.instance > view.id.instance {
            if member && self.leads() && view.id.leader == self.me.address {
                // It went on elsewhere: nothing later is in force here.
                self.doom(now, from, Cause::Unreachable, "");
            }
        } else if member && !self.has_left(&view.members, from, Some(have)) {
            self.send_list(from, have);
        } else if member {
            if view.id.leader == self.me.address {
                // It went elsewhere, or asked long ago: it answers with what it has.
                let prepare = super::lead::in_full(view, self.removed());
                self.send(from, prepare);
            }
        } else if have != view.id {
            self.say_gone(from);
        }
    }

    pub(super) fn send_list(&mut self, to: IpAddr, base: GroupId) {
        let Some(view) = self.view() else { return };
        let message = Message::List(List {
            group: view.id,
            members: view.members.to_vec(),
            failed_paths: view.failed_paths.iter().copied().collect(),
            removed: self.removed().to_vec(),
            base: Some(base),
            told: Vec::new(),
        });
        self.send(to, message);
    }
}
