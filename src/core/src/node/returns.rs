//! Who is said to be back, and by whom.
//!
//! A leader that was away takes this group in, and still lists one that was
//! judged meanwhile: it has not missed it yet, and a member that does not answer
//! stays in until its silence is judged. So its word is not taken for as long as
//! that lasts, unless the judged one is heard of.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::{net::IpAddr, slice};

use hats_wire::{GroupId, GroupReport, Incarnation, Member};

use super::Node;
use crate::{io::AdapterIndex, linkstate::member_of, time::Timestamp};

/// Whose return is not believed yet: the run, and until when. Known adapters only.
#[derive(Debug, Default)]
pub(super) struct Returns(BTreeMap<(String, IpAddr), (Incarnation, Timestamp)>);

impl Returns {
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.0.values().map(|(_, until)| *until).min()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is yet to be seen that this one is back.
    pub(super) fn is_awaited(&self, network: &str, member: &Member) -> bool {
        !self.0.is_empty()
            && self
                .0
                .get(&(network.into(), member.address))
                .is_some_and(|(run, _)| *run == member.incarnation)
    }
}

impl Node {
    /// This group was taken in by that of `leader`, which lists these now. Whom it
    /// had itself `before` is no matter.
    pub(super) fn doubt_returns<'a>(
        &mut self,
        now: Timestamp,
        network: &str,
        before: impl Fn(IpAddr) -> bool,
        leader: IpAddr,
        listed: impl Iterator<Item = &'a Member>,
    ) {
        for member in listed.filter(|it| it.address != leader && !before(it.address)) {
            self.doubt(now, network, member);
        }
    }

    /// A group that this node hears of lists some anew, and others that it has not
    /// missed yet: before the report replaces what was known.
    pub(super) fn doubt_reported(&mut self, now: Timestamp, report: &GroupReport) {
        let leader = report.group.leader;
        let known = self.database.group(&report.network, leader);
        if known.is_some_and(|known| known.group >= report.group) {
            return;
        }
        let alone = self.keeps_others(report);
        // Whom it takes in it has heard, and they have heard their leader.
        let taken = |address| known.is_some_and(|known| member_of(known, address).is_none());
        let doubted = report.members.iter().filter(|it| {
            let in_company = it.address == leader || taken(it.address);
            alone || !in_company
        });
        for member in doubted.cloned().collect::<Vec<_>>() {
            self.doubt(now, &report.network, &member);
        }
    }

    /// Whether it lists members of another group without the leader that they
    /// have: it has not missed them yet, and took in nobody.
    fn keeps_others(&self, report: &GroupReport) -> bool {
        let others = |id: GroupId, mut members: slice::Iter<'_, Member>| {
            let theirs = |it: &Member| member_of(report, it.address) == Some(it);
            let leader = self.topology.adapters.get(&report.network, id.leader);
            id.leader != report.group.leader
                && member_of(report, id.leader).is_none()
                && leader.is_none_or(|leader| !leader.is_out())
                && members.any(|it| it.address != report.group.leader && theirs(it))
        };
        let mut known = self.database.groups_of(&report.network);
        known.any(|it| others(it.group, it.members.iter()))
            || self.on_network(&report.network).into_iter().any(|index| {
                let view = self.locals.get(&index).and_then(|local| local.group.view());
                view.is_some_and(|view| others(view.id, view.members.as_slice().iter()))
            })
    }

    /// One that was judged, as far as is known here: what this node is itself, it
    /// knows.
    fn doubt(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.topology.adapters.get(network, member.address);
        let judged = known.is_some_and(|it| it.is_judged(member.incarnation));
        if judged && member.node_id != self.config.node_id {
            let detection = &self.config.detection;
            let until = now + detection.verdict_bound() + detection.heartbeat_interval * 4;
            let which = (network.into(), member.address);
            self.returns.0.entry(which).or_insert((member.incarnation, until));
        }
    }

    /// The group that this node is in has taken it in.
    pub(super) fn was_taken_in(&mut self, network: &str, address: IpAddr) {
        if !self.returns.0.is_empty() {
            self.returns.0.remove(&(network.into(), address));
        }
    }

    /// It is heard of.
    pub(super) fn has_returned(&mut self, now: Timestamp, index: AdapterIndex, from: IpAddr) {
        if self.returns.0.is_empty() {
            return;
        }
        let Some(local) = self.locals.get(&index) else { return };
        let network = local.spec.network.name.clone();
        if self.returns.0.remove(&(network, from)).is_some() {
            self.topology.changes += 1;
            self.refresh_nodes(now);
        }
    }

    pub(super) fn wake_returns(&mut self, now: Timestamp) {
        if self.returns.next_deadline().is_some_and(|until| now >= until) {
            let later = now + self.config.detection.verdict_bound();
            let mut returns = core::mem::take(&mut self.returns);
            returns.0.retain(|(network, address), (_, until)| {
                if now >= *until && self.is_still_doubtful(network, *address) {
                    *until = later;
                }
                now < *until
            });
            self.returns = returns;
            self.topology.changes += 1;
            self.refresh_nodes(now);
        }
    }

    /// One that this node misses itself is being judged once more; and nothing is
    /// known of one that is listed without the leader that others of its group have.
    fn is_still_doubtful(&self, network: &str, address: IpAddr) -> bool {
        let missed = |index| self.arbiter.has_case(index, address);
        let mut reports = self.database.groups_of(network);
        self.on_network(network).into_iter().any(missed)
            || reports.any(|it| member_of(it, address).is_some() && self.keeps_others(it))
    }
}
