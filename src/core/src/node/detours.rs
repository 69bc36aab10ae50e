//! Round a path that failed before its ends were in one group.
//!
//! A leader that hears of another one only through its members cannot take it
//! in, or join it: the two do not hear each other. So followers pass on what
//! leaders of other groups proclaim, and who hears of somebody that way answers
//! the same way. Once the two are in one group, the path is found to have
//! failed, and the group's own relays take over.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{Message, Pair, link::Command};

use super::{Local, Node};
use crate::{io::AdapterIndex, sizes::Size, time::Timestamp};

/// Ways remembered for each adapter.
const WAYS_MAX: usize = 64;
/// Followers that pass on a proclaim: the highest ones, in case one is failing.
const PASS_ON: usize = 2;

/// How a leader of another group was heard of.
#[derive(Clone, Copy, Debug)]
struct Way {
    /// The first time, without a pause since.
    since: Timestamp,
    directly: Option<Timestamp>,
    relay: Option<(IpAddr, Timestamp)>,
    /// It chose the detour itself: it does not hear this adapter.
    asked: bool,
}

impl Way {
    /// When it was last heard of.
    fn heard(&self) -> Timestamp {
        let relayed = self.relay.map(|(_, at)| at);
        self.directly.into_iter().chain(relayed).max().unwrap_or(self.since)
    }
}

/// How those were heard of that are not members.
#[derive(Debug, Default)]
pub(crate) struct Detours(BTreeMap<IpAddr, Way>);

impl Detours {
    pub(super) fn size(&self) -> Size {
        Size::new("detours", self.0.len(), WAYS_MAX)
    }

    /// Something from `origin` has come, by way of `relay` or directly.
    pub(super) fn learn(
        &mut self,
        now: Timestamp,
        origin: IpAddr,
        relay: Option<IpAddr>,
        asked: bool,
        keep: Duration,
    ) {
        self.0.retain(|_, way| now <= way.heard() + keep);
        if self.0.len() >= WAYS_MAX && !self.0.contains_key(&origin) {
            return;
        }
        let new = Way { since: now, directly: None, relay: None, asked: false };
        let way = self.0.entry(origin).or_insert(new);
        match relay {
            None => way.directly = Some(now),
            Some(relay) => {
                let lasts = way.relay.is_some_and(|(_, at)| now <= at + keep);
                way.asked = asked || (way.asked && lasts);
                way.relay = Some((relay, now));
            }
        }
    }

    /// Those that were heard directly within `keep`.
    pub(crate) fn heard(&self, now: Timestamp, keep: Duration) -> impl Iterator<Item = IpAddr> {
        let heard = move |way: &Way| way.directly.is_some_and(|at| now <= at + keep);
        self.0.iter().filter(move |(_, way)| heard(way)).map(|(address, _)| *address)
    }

    /// By whom to send to it: if it was not heard directly, or not for long
    /// enough to take it for one that answers, or if it asked for that.
    pub(super) fn way(&self, now: Timestamp, to: IpAddr, keep: Duration) -> Option<IpAddr> {
        let way = self.0.get(&to)?;
        let (relay, at) = way.relay?;
        let directly = way.directly.is_some_and(|at| now <= at + keep);
        let answers = directly && !way.asked && now <= way.since + keep;
        (now <= at + keep && !answers).then_some(relay)
    }
}

impl Node {
    /// A way is good for five of the proclaims that leaders of stable groups send.
    pub(super) fn detours_last(&self) -> Duration {
        self.config.detection.heartbeat_interval * 20
    }

    /// Who is asked for a list may be heard and not hear: each second question
    /// goes by way of a member as well, another one each time.
    pub(super) fn ask_round(&mut self, index: AdapterIndex, whom: IpAddr, question: &Message) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.questions += 1;
        let (me, asked) = (local.me.address, local.questions);
        let members = local.group.view().into_iter().flat_map(|view| view.members.iter());
        let others = members.map(|member| member.address).filter(|it| *it != me && *it != whom);
        let others: Vec<IpAddr> = others.collect();
        if others.is_empty() || asked % 2 == 1 {
            return;
        }
        let relay = others[asked / 2 % others.len()];
        for datagram in hats_wire::split_within(&self.header, question, self.datagram_max(index)) {
            self.relay(index, me, relay, whom, &datagram);
        }
    }

    /// Lets this adapter's leader know of a leader that it may not hear.
    pub(super) fn pass_on(&mut self, index: AdapterIndex, from: IpAddr, proclaim: &[u8]) {
        let (now, keep) = (self.now, self.detours_last());
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.detours.learn(now, from, None, false, keep);
        if let Some(leader) = leader_to_tell(local, from) {
            self.relay(index, from, leader, leader, proclaim);
        }
    }

    pub(super) fn relay(
        &mut self,
        index: AdapterIndex,
        from: IpAddr,
        relay: IpAddr,
        to: IpAddr,
        datagram: &[u8],
    ) {
        let wrapped = Message::Relay { from, to, datagram: datagram.to_vec() };
        for datagram in hats_wire::split_within(&self.header, &wrapped, self.datagram_max(index)) {
            self.nim(index, Command::Send { to: Some(relay), datagram });
        }
    }

    /// A member that reaches both this adapter and `to`: the acting leader if it
    /// can, else the first by rank. One that is itself missed comes last.
    pub(super) fn relay_to(&self, index: AdapterIndex, to: IpAddr) -> Option<IpAddr> {
        let local = self.locals.get(&index)?;
        let view = local.group.view()?;
        let me = local.me.address;
        let fit = |address: &IpAddr| {
            *address != me
                && *address != to
                && !local.group.is_doomed(*address)
                && !local.group.is_failed(Pair::new(me, *address))
                && !local.group.is_failed(Pair::new(to, *address))
        };
        let members = || view.members.iter().map(|member| member.address).filter(fit);
        members().find(|it| !self.arbiter.has_case(index, *it)).or_else(|| members().next())
    }
}

/// The leader, if this adapter is one of the highest followers and `from` is
/// not a member.
fn leader_to_tell(local: &Local, from: IpAddr) -> Option<IpAddr> {
    let view = local.group.view()?;
    let leader = local.group.acting_leader()?;
    let mut followers = view
        .members
        .iter()
        .map(|member| member.address)
        .filter(|address| *address != leader && !local.group.is_doomed(*address));
    let mine = followers.by_ref().take(PASS_ON).any(|address| address == local.me.address);
    (mine && !view.members.contains(from)).then_some(leader)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, last])
    }

    #[test]
    fn a_way_is_forgotten_when_nothing_comes_by_it() {
        let keep = Duration::from_secs(5);
        let (one, other) = (address(1), address(2));
        let mut detours = Detours::default();
        detours.learn(Timestamp(0), one, Some(other), false, keep);
        assert_eq!(detours.way(Timestamp(0) + keep, one, keep), Some(other));
        assert_eq!(detours.way(Timestamp(1) + keep, one, keep), None);
        assert_eq!(detours.way(Timestamp(0), other, keep), None);
    }

    #[test]
    fn what_is_heard_directly_needs_no_detour() {
        let keep = Duration::from_secs(5);
        let (one, other) = (address(1), address(2));
        let mut detours = Detours::default();
        detours.learn(Timestamp(0), one, None, false, keep);
        detours.learn(Timestamp(1), one, Some(other), false, keep);
        assert_eq!(detours.way(Timestamp(1), one, keep), None);
        let later = Timestamp(1) + keep;
        detours.learn(later, one, Some(other), false, keep);
        assert_eq!(detours.way(later, one, keep), Some(other));
    }

    #[test]
    fn one_that_chose_the_detour_itself_is_answered_by_it_although_it_is_heard() {
        let keep = Duration::from_secs(5);
        let (one, other) = (address(1), address(2));
        let mut detours = Detours::default();
        detours.learn(Timestamp(0), one, Some(other), true, keep);
        detours.learn(Timestamp(1), one, None, false, keep);
        assert_eq!(detours.way(Timestamp(1), one, keep), Some(other));
    }

    #[test]
    fn one_that_is_heard_all_the_time_and_never_comes_is_told_by_a_detour_as_well() {
        let keep = Duration::from_secs(5);
        let (one, other) = (address(1), address(2));
        let mut detours = Detours::default();
        for second in 0..=6 {
            let now = Timestamp(0) + Duration::from_secs(second);
            detours.learn(now, one, None, false, keep);
            detours.learn(now, one, Some(other), false, keep);
            let due = second > 5;
            assert_eq!(detours.way(now, one, keep), due.then_some(other), "after {second} s");
        }
    }

    #[test]
    fn ways_are_bounded_and_the_oldest_make_room_when_they_are_over() {
        let keep = Duration::from_secs(5);
        let mut detours = Detours::default();
        for last in 0..=WAYS_MAX as u8 {
            detours.learn(Timestamp(0), address(last), Some(address(200)), false, keep);
        }
        assert_eq!(detours.0.len(), WAYS_MAX);
        let later = Timestamp(1) + keep;
        detours.learn(later, address(201), Some(address(200)), false, keep);
        assert_eq!(detours.way(later, address(201), keep), Some(address(200)));
        assert_eq!(detours.0.len(), 1);
    }
}
