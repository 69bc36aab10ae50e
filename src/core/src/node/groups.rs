//! What the groups of this node's adapters want, and what their commits mean.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    Cause, GroupId, GroupReport, Item, ItemBody, Member, Message, NodeId, Pair, Proclaim, Removal,
    VerdictKind, link::Mode,
};

use super::{Local, Node};
use crate::{
    group::{Adopted, GroupView, Output},
    io::AdapterIndex,
    say,
    time::Timestamp,
    view::{AdapterState, NodeState},
};

/// Addresses that are missing from the group and proclaimed to by unicast at a time.
const ABSENT_MAX: usize = 16;

impl Node {
    /// A member that proclaims a group of its own, later than it was taken in
    /// here, has left: it heard nothing of this one for long, and sends still.
    pub(super) fn leads_elsewhere(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        member: IpAddr,
        group: GroupId,
    ) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let known = self.topology.adapters.get(&local.spec.network.name, member);
        let later = known.is_some_and(|known| known.joined < group.instance);
        if later && group.leader == member {
            local.group.on_another_group(now, member, group);
        }
    }

    pub(super) fn group_output(&mut self, now: Timestamp, index: AdapterIndex, output: Output) {
        match output {
            Output::Send { to, mut message } => {
                self.tell_open_faults(index, &mut message);
                self.send(index, to, &message);
                if let (Some(to), Message::ListRequest { .. }) = (to, &message) {
                    self.ask_round(index, to, &message);
                }
            }
            Output::Proclaim => self.proclaim(now, index),
            Output::Committed { before, view, removed, why } => {
                self.committed(now, index, before, view, &removed, why);
            }
            Output::Overdue { leader } => {
                // It may not know what this node knows.
                self.compare_in_full(index, leader);
                self.with_arbiter(|arbiter, around| {
                    arbiter.unanswered(now, index, leader, now, around);
                });
            }
            Output::Missed { members, since } => self.with_arbiter(|arbiter, around| {
                for address in members {
                    arbiter.unanswered(now, index, address, since, around);
                }
            }),
        }
    }

    /// What an adapter that leads makes known.
    pub(super) fn proclaim_of(&self, index: AdapterIndex) -> Option<Message> {
        let local = self.locals.get(&index)?;
        let view = local.group.view().filter(|view| view.id.leader == local.me.address)?;
        Some(Message::Proclaim(Proclaim {
            group: view.id,
            size: u32::try_from(view.members.len()).unwrap_or(u32::MAX),
            digest: view.members.digest(&view.failed_paths),
            cluster: self.config.cluster.clone(),
            network: local.spec.network.name.clone(),
            node: self.config.node.clone(),
            interface: local.spec.interface.clone(),
            database: self.database.digest(),
        }))
    }

    fn proclaim(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(message) = self.proclaim_of(index) else { return };
        let doubted = self.is_doubted(index);
        let soon = now + self.config.detection.heartbeat_interval;
        let Some(local) = self.locals.get_mut(&index) else { return };
        let Some(view) = local.group.view() else { return };
        // Those that should be here and are not hear of it by unicast too:
        // multicast may be dead where unicast works.
        let known = self.topology.adapters.on(&local.spec.network.name);
        let known = known.map(|(address, _)| *address);
        let absent: BTreeSet<IpAddr> = known
            .chain(local.speakers.recent(now, soon.since(now)))
            .chain(local.spec.network.peers.iter().copied())
            .filter(|address| !view.members.contains(*address))
            .collect();
        local.proclaims += 1;
        if doubted {
            local.group.proclaim_by(soon);
        }
        let skip = (local.proclaims * ABSENT_MAX) % absent.len().max(1);
        let some: Vec<IpAddr> =
            absent.iter().cycle().skip(skip).take(ABSENT_MAX.min(absent.len())).copied().collect();
        let multicast = local.spec.network.mode != Mode::Unicast;
        self.send(index, None, &message);
        if multicast || !some.is_empty() {
            for address in some {
                self.send(index, Some(address), &message);
            }
        }
    }

    fn committed(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        before: Option<GroupView>,
        view: GroupView,
        removed: &[Removal],
        why: Adopted,
    ) {
        self.watch(index);
        self.follows(now, index);
        let Some(local) = self.locals.get(&index) else { return };
        let network = local.spec.network.name.clone();
        let me = local.me.clone();
        let leads = view.id.leader == me.address;
        let watched = local.neighbours.watch.clone();
        self.arbiter.close_unwatched(index, &watched);
        self.arbiter.close_all(index, |address| {
            view.members.contains(address)
                && !view.failed_paths.contains(&Pair::new(me.address, address))
        });
        // By a merge, or by coming back: what was found before is of the past.
        let fresh = |address| {
            before.as_ref().is_none_or(|before| {
                !before.members.contains(address) || !before.members.contains(view.id.leader)
            })
        };
        self.arbiter.begin_anew(now, index, view.id, fresh);
        // Whom another group lost before it took this one in is not this one's
        // loss: they may have been on its side.
        let taken_in =
            before.as_ref().is_some_and(|before| !before.members.contains(view.id.leader));
        if !taken_in {
            self.say_removed(now, &network, removed, view.id.instance, leads);
            let had = |address| before.as_ref().is_some_and(|it| it.members.contains(address));
            for member in view.members.iter().filter(|it| !had(it.address)) {
                self.was_taken_in(&network, member.address);
            }
        } else if let Some(before) = before.as_ref() {
            let had = |address| before.members.contains(address);
            self.doubt_returns(now, &network, had, view.id.leader, view.members.iter());
        }
        if !taken_in {
            self.doom_faulty(now, index, before.as_ref(), &view);
        }
        self.say_present(now, &network, &view, &me, leads);
        match &why {
            Adopted::Expelled { .. } | Adopted::Isolated => {
                for member in before.iter().flat_map(|view| view.members.iter()) {
                    if member.address != me.address {
                        self.topology.adapter_unknown(now, &network, member.address);
                    }
                }
            }
            Adopted::Started | Adopted::Committed => {
                let gone = before.iter().flat_map(|view| view.members.iter());
                for member in gone.filter(|member| !view.members.contains(member.address)) {
                    self.topology.adapter_unknown(now, &network, member.address);
                }
            }
        }
        let (members, failed) = (&view.members, &view.failed_paths);
        for event in self.topology.paths_committed(&network, view.id, members, failed) {
            self.publish_as(Some(event), leads);
        }
        // Judged while this membership was prepared by one that did not know of it.
        for pair in self.topology.paths_still_failed(&network, members, failed) {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.set_path(now, pair, true);
            }
        }
        let event = self.topology.network_merged(&network, view.id, &view.members);
        self.publish_as(event, leads);
        self.say_leader(&network, before.as_ref(), &view, leads);
        self.report_group(now, index, &view, leads);
        self.greet(now, index, before.as_ref(), &view);
        self.refresh_nodes(now);
    }

    fn say_removed(
        &mut self,
        now: Timestamp,
        network: &str,
        removed: &[Removal],
        instance: u64,
        leads: bool,
    ) {
        for Removal { member, cause, verdict_id } in removed {
            if member.node_id == self.config.node_id || self.is_withdrawn(network, member) {
                continue;
            }
            let verdict = self.database.verdict(verdict_id).cloned();
            let split = verdict.as_ref().is_some_and(|verdict| {
                matches!(verdict.kind, VerdictKind::Partition | VerdictKind::Network)
            });
            if cause.is_fact() && self.is_fact_over(network, member) {
                // It comes back while its removal is being committed.
                continue;
            }
            // Out of reach is not unwell: what a verdict says of it comes with
            // the verdict.
            // One that is here and doubted has not been told either.
            let told = self.verdicts_at.contains_key(verdict_id);
            let untold = !told && !verdict_id.is_empty() && !cause.is_fact();
            if untold && verdict.is_none() {
                for index in self.on_network(network) {
                    self.want_verdict(now, index, verdict_id);
                }
            }
            if split || untold || *cause == Cause::Unreachable {
                self.topology.adapter_unknown(now, network, member.address);
                continue;
            }
            let known = self.topology.nodes.get(&member.node_id);
            let up = known.is_some_and(|known| known.state == NodeState::Up);
            let judged = matches!(cause, Cause::NodeDown | Cause::DaemonDown);
            if up && self.verdicts_at.contains_key(verdict_id) && judged {
                // Its node was judged, or its daemon, and has come back meanwhile.
                self.topology.adapter_unknown(now, network, member.address);
                continue;
            }
            // The commit may be the first that is heard of a restart.
            if matches!(cause, Cause::DaemonDown | Cause::NodeDown) {
                let authority = verdict.is_none() && self.speaks_for(member.node_id);
                self.node_is_down(now, member, *cause, verdict.as_ref(), authority);
            }
            let before = instance.saturating_sub(1);
            let event =
                self.topology.adapter_down(now, network, member, *cause, verdict.as_ref(), before);
            self.publish_as(event, leads);
        }
    }

    /// Whom a leader keeps that has not heard of the fault of one is to leave yet.
    fn doom_faulty(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        before: Option<&GroupView>,
        view: &GroupView,
    ) {
        let Some(local) = self.locals.get(&index) else { return };
        let network = &local.spec.network.name;
        let kept = |it: &&Member| before.is_some_and(|b| b.members.get(it.address) == Some(*it));
        let kept = view.members.iter().filter(kept);
        let faulty = kept.filter_map(|it| Some((it.address, self.own_fault(network, it)?)));
        let faulty: Vec<(IpAddr, Cause)> = faulty.collect();
        let Some(local) = self.locals.get_mut(&index) else { return };
        for (address, cause) in faulty {
            local.group.doom(now, address, cause, "");
        }
    }

    /// The adapter's own node says by now that nothing is wrong with it.
    pub(super) fn is_fact_over(&self, network: &str, member: &Member) -> bool {
        self.database.node(member.node_id).is_some_and(|(report, run)| {
            let mut adapters = report.adapters.iter();
            run == member.incarnation
                && !report.leaving
                && adapters.any(|it| {
                    it.network == network && it.address == member.address && it.fault.is_none()
                })
        })
    }

    fn say_present(
        &mut self,
        now: Timestamp,
        network: &str,
        view: &GroupView,
        me: &Member,
        leads: bool,
    ) {
        for member in view.members.iter() {
            if member.address == me.address && view.members.len() == 1 {
                // Alone: joining, and up only if nobody comes.
                continue;
            }
            self.check_restart(now, member.node_id, member.incarnation);
            if self.returns.is_awaited(network, member) || self.own_fault(network, member).is_some()
            {
                continue;
            }
            let run = self.topology.nodes.get(&member.node_id).map(|node| node.newest);
            if run.is_some_and(|run| run > member.incarnation) {
                // It has been started anew: who leads here does not know it yet.
                let gone = Some(member.incarnation);
                self.doom_node(now, member.node_id, gone, Cause::DaemonDown, "");
                continue;
            }
            if self.is_withdrawn(network, member) {
                let node = self.topology.nodes.get(&member.node_id);
                if !node.is_some_and(|node| node.had(network, member.address)) {
                    // Not told of it yet: it is up when its node says so.
                    continue;
                }
                // Its group did not know that it is gone, and its leader sees to
                // it; if the address came back, it is taken in anew.
                for index in self.on_network(network) {
                    if let Some(local) = self.locals.get_mut(&index)
                        && local.group.leads()
                    {
                        local.group.doom(now, member.address, Cause::Removed, "");
                    }
                }
                continue;
            }
            for event in self.topology.adapter_up(now, network, member, view.id) {
                self.publish_as(Some(event), leads);
            }
        }
    }

    /// When an adapter that is alone counts as up: nobody else was ever known
    /// on its network, and nobody came for ten heartbeat intervals.
    pub(super) fn alone_until(&self, local: &Local) -> Option<Timestamp> {
        let view = local.group.view().filter(|view| view.members.len() == 1)?;
        let name = &local.spec.network.name;
        let me = self.topology.adapters.get(name, local.me.address)?;
        let others = !self.is_sole(name, local.me.address);
        let waiting = me.state == AdapterState::Joining && local.fault.is_none() && !others;
        let wait = self.config.detection.heartbeat_interval * 10;
        (waiting && view.id.leader == local.me.address)
            .then(|| local.group.since().map(|since| since + wait))?
    }

    pub(super) fn say_alone(&mut self, now: Timestamp) {
        let due = |local: &&Local| self.alone_until(local).is_some_and(|at| now >= at);
        let alone: Vec<(alloc::string::String, Member, GroupId)> = self
            .locals
            .values()
            .filter(due)
            .filter_map(|local| {
                let view = local.group.view()?;
                Some((local.spec.network.name.clone(), local.me.clone(), view.id))
            })
            .collect();
        for (network, me, group) in alone {
            for event in self.topology.adapter_up(now, &network, &me, group) {
                self.publish_as(Some(event), true);
            }
        }
    }

    fn say_leader(
        &mut self,
        network: &str,
        before: Option<&GroupView>,
        view: &GroupView,
        leads: bool,
    ) {
        let roles = view.roles();
        let changed = before.is_none_or(|before| before.roles() != roles);
        let company = view.members.len() > 1 || before.is_some_and(|b| b.members.len() > 1);
        if changed && company {
            let event = say::leader(network, view.id, &view.members, roles);
            self.publish_as(Some(event), leads);
        }
    }

    /// Every member makes the same report of its group. It is news only to nodes
    /// that are not in it: its leader tells them, or who is there for it.
    fn report_group(&mut self, now: Timestamp, index: AdapterIndex, view: &GroupView, leads: bool) {
        if let Some((item, leader)) = self.group_item(index, view) {
            self.database.insert(item.clone());
            self.tell_group(now, index, view, leads, (item, leader));
        }
    }

    /// Its report of a group that it leads may have been taken for superseded by
    /// one that listed its members without their consent: when that is not so
    /// any more, it is told anew.
    pub(super) fn assert_groups(&mut self, now: Timestamp) {
        for index in self.indices() {
            let Some(local) = self.locals.get(&index) else { continue };
            let Some(view) = local.group.view() else { continue };
            let (network, me) = (&local.spec.network.name, local.me.address);
            let known = self.database.group(network, me).map(|report| report.group);
            if view.id.leader != me || known == Some(view.id) {
                continue;
            }
            let view = view.clone();
            if let Some((item, leader)) = self.group_item(index, &view)
                && self.database.insert(item.clone())
            {
                self.tell_group(now, index, &view, true, (item, leader));
            }
        }
    }

    fn group_item(&self, index: AdapterIndex, view: &GroupView) -> Option<(Item, NodeId)> {
        let local = self.locals.get(&index)?;
        let leader = view.members.get(view.id.leader)?;
        let report = GroupReport {
            network: local.spec.network.name.clone(),
            subnet: local.spec.network.subnet.clone(),
            group: view.id,
            leader_node: leader.node_id,
            members: view.members.to_vec(),
            failed_paths: view.failed_paths.iter().copied().collect(),
            removed: local.group.removed().to_vec(),
        };
        let body = ItemBody::Group(report);
        let (incarnation, sequence) = (leader.incarnation, view.id.instance);
        Some((Item { incarnation, sequence, body }, leader.node_id))
    }

    fn tell_group(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        view: &GroupView,
        leads: bool,
        (item, leader): (Item, NodeId),
    ) {
        let mut told = false;
        for other in self.indices() {
            let speaks =
                leads || (!self.is_at_work(other, leader) && self.is_gateway(index, other));
            if other != index && speaks && self.is_news_to(other, view) {
                told = true;
                self.tell(now, other, [item.clone()]);
            }
        }
        if told {
            self.repeat(now, item);
        }
    }

    /// Whether somebody in that group is on a node without a member in `view`.
    fn is_news_to(&self, index: AdapterIndex, view: &GroupView) -> bool {
        let there = self.locals.get(&index).and_then(|local| local.group.view());
        let members = there.into_iter().flat_map(|there| there.members.iter());
        members
            .filter(|member| member.node_id != self.config.node_id)
            .any(|member| view.members.of_node(member.node_id).next().is_none())
    }

    /// Failed paths of this network's group, as this node knows them.
    pub(super) fn failed_paths(&self, index: AdapterIndex) -> Vec<Pair> {
        let view = self.locals.get(&index).and_then(|local| local.group.view());
        view.map_or_else(Vec::new, |view| view.failed_paths.iter().copied().collect())
    }
}
