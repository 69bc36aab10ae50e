//! Who is said to be back, and by whom.
//!
//! A leader that was away takes this group in, and still lists one that was
//! judged meanwhile: it has not missed it yet, and a member that does not answer
//! stays in until its silence is judged. So its word is not taken for as long as
//! that lasts, unless the judged one is heard of.

use alloc::{collections::BTreeMap, string::String};
use core::net::IpAddr;

use hats_wire::{GroupReport, Incarnation, Member};

use super::Node;
use crate::{io::AdapterIndex, linkstate::member_of, time::Timestamp, view::AdapterState};

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
    /// A group of several members was taken in by that of `leader`, which lists
    /// these now.
    pub(super) fn doubt_returns<'a>(
        &mut self,
        now: Timestamp,
        network: &str,
        before: impl Fn(IpAddr) -> bool,
        leader: IpAddr,
        listed: impl Iterator<Item = &'a Member>,
    ) {
        let detection = &self.config.detection;
        let until = now + detection.verdict_bound() + detection.heartbeat_interval * 4;
        // What this node is a member of itself, it knows.
        let others = listed.filter(|it| it.node_id != self.config.node_id);
        for member in others.filter(|it| it.address != leader && !before(it.address)) {
            let known = self.topology.adapters.get(network, member.address);
            let judged = known.is_some_and(|known| {
                matches!(known.state, AdapterState::Down | AdapterState::Unknown)
                    && known.verdict_id.is_some()
                    && known.member.incarnation == member.incarnation
            });
            if judged {
                let which = (network.into(), member.address);
                self.returns.0.entry(which).or_insert((member.incarnation, until));
            }
        }
    }

    /// The same, of a group that this node hears of: before the report replaces
    /// what was known.
    pub(super) fn doubt_reported(&mut self, now: Timestamp, report: &GroupReport) {
        let leader = report.group.leader;
        let known = self.database.group(&report.network, leader);
        if known.is_some_and(|known| known.group >= report.group) {
            return;
        }
        let before = self.database.groups_of(&report.network).find(|other| {
            other.group < report.group
                && other.members.len() > 1
                && member_of(other, leader).is_none()
                && other.members.iter().any(|it| member_of(report, it.address) == Some(it))
        });
        let Some(before) = before.cloned() else { return };
        let had = |address| member_of(&before, address).is_some();
        self.doubt_returns(now, &report.network, had, leader, report.members.iter());
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
            // One that this node misses itself is being judged once more.
            let later = now + self.config.detection.verdict_bound();
            let (locals, arbiter) = (&self.locals, &self.arbiter);
            self.returns.0.retain(|(network, address), (_, until)| {
                let missed = locals.iter().any(|(index, local)| {
                    local.spec.network.name == *network && arbiter.has_case(*index, *address)
                });
                if missed && now >= *until {
                    *until = later;
                }
                now < *until
            });
            self.topology.changes += 1;
            self.refresh_nodes(now);
        }
    }
}
