//! How a group is taken into another one: what the lower leader asks for, and
//! whom the higher one takes.
//!
//! Whoever left somebody must be seen to leave before they are together again.
//! So a newcomer comes from the group whose leader asked for it, with everybody
//! whom that group lists and the next membership has.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Join, Member, Message};

use super::{
    Duty, Follow, Group, GroupView, Lead, Membership, Unresponsive,
    state::{Asked, Joining, Round, UNRESPONSIVE_MAX},
};
use crate::{
    members::Members,
    sizes::{MEMBERS_MAX, PATHS_MAX},
    time::Timestamp,
};

impl Group {
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

    pub(super) fn send_join(&mut self, leader: IpAddr, into: GroupId) {
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
            leaving: view
                .members
                .iter()
                .map(|member| member.address)
                .filter(|address| self.doomed.contains_key(address))
                .collect(),
            // What was told is its node's to say, here and below.
            told: Vec::new(),
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
            self.forget_unresponsive(leader);
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

    /// Makes room for one more leader.
    fn forget_unresponsive(&mut self, leader: IpAddr) {
        if self.unresponsive.len() >= UNRESPONSIVE_MAX && !self.unresponsive.contains_key(&leader) {
            let first = self.unresponsive.iter().min_by_key(|(_, held)| held.until);
            if let Some(first) = first.map(|(address, _)| *address) {
                self.unresponsive.remove(&first);
            }
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
        let (gather, its) = (self.timing.gather, join.group.instance);
        let Some(membership) = self.membership() else { return };
        if !matches!(membership.duty, Duty::Lead(_)) {
            return;
        }
        let mut again = Vec::new();
        let mut fresh = Vec::new();
        // One that was written before the membership in force says nothing of
        // its members: it is late, or came twice.
        let current = join.into.instance >= membership.view.id.instance;
        let later = join.group.instance > membership.view.id.instance;
        let asked = Asked::new(&join);
        for member in join.members {
            match membership.view.members.get(member.address) {
                // It left us without a word, or was started anew: its leaving
                // is committed first, so that everybody sees it go.
                Some(known) if current && (later || *known != member || member.address == from) => {
                    again.push(member);
                }
                // Whose it is by now it says when it acknowledges.
                Some(_) => {}
                None => fresh.push(member),
            }
        }
        let size = membership.view.members.len();
        let Some(lead) = self.lead() else { return };
        // A group that is full takes nobody in.
        let more = fresh.iter().filter(|member| !lead.joins.contains_key(&member.address));
        if size + lead.joins.len() + more.count() > MEMBERS_MAX {
            return;
        }
        if let Some(round) = &mut lead.round {
            asked.clone().note(&mut round.asked);
        }
        asked.note(&mut lead.asked);
        let known = fresh.iter().all(|member| {
            let preparing = lead.round.as_ref().map(|round| &round.next.members);
            preparing.is_some_and(|members| members.get(member.address) == Some(member))
        });
        if !known {
            lead.joins.extend(fresh.into_iter().map(|member| (member.address, member)));
            let room = PATHS_MAX.saturating_sub(lead.join_paths.len());
            lead.join_paths.extend(join.failed_paths.into_iter().take(room));
            lead.gather(now, gather);
        }
        let outrun = lead.round.as_ref().is_some_and(|round| {
            round.next.id.instance <= its && round.next.members.contains(from)
        });
        for member in again {
            self.doom(now, member.address, Cause::Unreachable, "");
        }
        if outrun {
            // It has gone on alone meanwhile, and cannot acknowledge what is not later.
            self.start_round(now);
        }
    }
}

impl Round {
    /// Newcomers of a round that cannot be taken in: they did not answer, they
    /// are not in the group that asked for them any more, or that group lists
    /// somebody who is here by another way and has not been seen to leave it.
    /// With them, who that is, by the leader that is to know.
    pub(super) fn strays(
        &self,
        view: &GroupView,
    ) -> (BTreeSet<IpAddr>, Vec<(GroupId, Vec<IpAddr>)>) {
        let members = &self.next.members;
        let mut out = BTreeSet::new();
        let mut from: BTreeMap<IpAddr, GroupId> = BTreeMap::new();
        for member in members.iter().filter(|it| !view.members.contains(it.address)) {
            match self.acks.get(&member.address) {
                Some(Some(have)) => {
                    let asked = self.asked.get(&have.leader).filter(|asked| asked.group == *have);
                    if asked.is_some_and(|it| it.listed.get(member.address) == Some(member)) {
                        from.insert(member.address, *have);
                    } else {
                        out.insert(member.address);
                    }
                }
                Some(None) => {}
                None => {
                    out.insert(member.address);
                }
            }
        }
        let mut elsewhere = Vec::new();
        loop {
            let torn = self.asked.values().find_map(|asked| {
                let its = |address: &IpAddr| from.get(address) == Some(&asked.group);
                from.keys().any(its).then_some(())?;
                let here = |address: &IpAddr| members.contains(*address) && !out.contains(address);
                let others: Vec<IpAddr> = asked.lists(members).filter(here).collect();
                let others: Vec<IpAddr> = others.into_iter().filter(|it| !its(it)).collect();
                (!others.is_empty()).then_some((asked.group, others))
            });
            let Some((group, others)) = torn else { return (out, elsewhere) };
            out.extend(from.iter().filter(|(_, it)| **it == group).map(|(address, _)| *address));
            from.retain(|_, it| *it != group);
            elsewhere.push((group, others));
        }
    }
}

impl Asked {
    fn new(join: &Join) -> Self {
        Asked {
            group: join.group,
            listed: Members::new(join.members.iter().cloned()),
            leaving: join.leaving.iter().copied().collect(),
        }
    }

    /// The latest that each leader asked for counts.
    pub(super) fn note(self, all: &mut BTreeMap<IpAddr, Asked>) {
        let known = all.get(&self.group.leader);
        let room = known.is_some() || all.len() < MEMBERS_MAX;
        if room && known.is_none_or(|known| known.group.instance <= self.group.instance) {
            all.insert(self.group.leader, self);
        }
    }

    /// Those of `members` that it lists.
    fn lists<'a>(&'a self, members: &'a Members) -> impl Iterator<Item = IpAddr> + 'a {
        let same = |member: &&Member| members.get(member.address) == Some(*member);
        let listed = self.listed.iter().filter(same).map(|member| member.address);
        listed.chain(self.leaving.iter().copied())
    }
}
