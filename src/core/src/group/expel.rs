//! What those say and do who find that they are not together any more.
//!
//! Only what somebody says of itself, or the leader of a group of itself, is
//! believed; of others it is a reason to ask them.

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Message};

use super::{Adopted, Group};
use crate::{pace, time::Timestamp};

impl Group {
    /// Who has an older membership than this one, and is no member of it, is to
    /// know.
    pub(super) fn say_gone(&mut self, to: IpAddr) {
        let Some(view) = self.view() else { return };
        let small = view.members.len() <= pace::SMALL;
        let members = view.members.iter().map(|member| member.address).filter(|_| small).collect();
        self.send(to, expelled(view.id, members));
    }

    /// The leaders of groups that list somebody who is here are to know.
    pub(super) fn say_elsewhere(&mut self, all: Vec<(GroupId, Vec<IpAddr>)>) {
        let Some(id) = self.view().map(|view| view.id) else { return };
        let me = self.me.address;
        for (group, members) in all.into_iter().filter(|(group, _)| group.leader != me) {
            self.send(group.leader, expelled(id, members));
        }
    }

    /// Those who went on without this one leave it behind when they are most of
    /// its group, or its leader with others; else it is they who have left.
    pub(super) fn on_expelled(&mut self, now: Timestamp, from: IpAddr, expelled: Expelled) {
        let me = self.me.address;
        // It answers: it hears us after all.
        self.unresponsive.remove(&from);
        let Expelled { group, cause, verdict_id, members } = expelled.clone();
        let Some(view) = self.view() else { return };
        if group == view.id || group.instance < view.id.instance || members.contains(&me) {
            return;
        }
        let known = view.members.contains(from) || view.members.contains(group.leader);
        let doomed = &self.doomed;
        let listed =
            |address: &IpAddr| view.members.contains(*address) && !doomed.contains_key(address);
        // The leader here goes on with others, or more do than stay.
        let with_others = members.len() > 1;
        let all = members.is_empty();
        let theirs: BTreeSet<IpAddr> =
            members.into_iter().chain([group.leader]).filter(listed).collect();
        let others = view.members.iter().filter(|it| it.address != me && listed(&it.address));
        // So does who is to leave in the eyes of this one, and led it: they meet.
        let led = with_others && from == view.id.leader && group.leader == from;
        let acting = self.acting_leader().is_some_and(|it| theirs.contains(&it));
        let leads = led || (with_others && acting);
        let (have, others) = (view.id, others.count());
        if known && (all || leads || theirs.len() * 2 > others) {
            self.highest = self.highest.max(group.instance);
            self.stand_alone(now, Adopted::Expelled { cause, verdict_id });
            return;
        }
        let mut left = false;
        for address in theirs {
            if address == from || address == group.leader {
                self.highest = self.highest.max(group.instance);
                self.doom(now, address, Cause::Unreachable, "");
                left = true;
            } else {
                self.send(address, Message::ListRequest { have });
            }
        }
        if let Some(leader) = self.acting_leader().filter(|it| left && *it != me) {
            // Whoever is to commit that must know it as well.
            self.send(leader, expelled.message());
        }
    }
}

/// What [`Message::Expelled`] says.
#[derive(Clone)]
pub(super) struct Expelled {
    pub(super) group: GroupId,
    pub(super) cause: Cause,
    pub(super) verdict_id: String,
    pub(super) members: Vec<IpAddr>,
}

impl Expelled {
    fn message(self) -> Message {
        let Expelled { group, cause, verdict_id, members } = self;
        Message::Expelled { group, cause, verdict_id, members }
    }
}

fn expelled(group: GroupId, members: Vec<IpAddr>) -> Message {
    let (cause, verdict_id) = (Cause::Unreachable, String::new());
    Message::Expelled { group, cause, verdict_id, members }
}
