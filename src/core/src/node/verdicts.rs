//! What a verdict means here, whoever decided it.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_wire::{Cause, Member, Verdict, VerdictKind};

use super::{Local, Node};
use crate::{
    io::AdapterIndex, members::Members, say, time::Timestamp, topology::goes_across,
    view::AdapterState,
};

impl Node {
    /// A verdict, ours or another's, takes effect here.
    pub(super) fn learn_verdict(&mut self, now: Timestamp, verdict: &Verdict) {
        if !self.is_outdated(verdict) && self.is_doubtful(now, verdict) {
            let mut looking = false;
            self.with_arbiter(|arbiter, around| looking = arbiter.doubt(now, verdict, around));
            if looking {
                return;
            }
        }
        self.take_verdict(now, verdict);
    }

    /// Whether it comes from beyond a split: a group of this node's lists the
    /// culprit, and none lists who decided that it is gone with it. Or it comes
    /// late: on another network the culprit has been taken in a moment ago.
    fn is_doubtful(&self, now: Timestamp, verdict: &Verdict) -> bool {
        // The NIMs of a daemon that hangs answer for it, and have said that it does.
        let hangs = verdict.observations.iter().any(|seen| seen.stalled);
        let gone = matches!(verdict.kind, VerdictKind::Node | VerdictKind::Daemon) && !hangs;
        let culprit = verdict.culprit.node_id;
        if !gone || culprit == self.config.node_id {
            return false;
        }
        let here = |local: &Local, node| {
            let mut members = local.group.view().into_iter().flat_map(|v| v.members.of_node(node));
            members.any(|member| !local.group.is_doomed(member.address))
        };
        let locals = || self.locals.values().filter(|local| local.fault.is_none());
        let detection = &self.config.detection;
        let lately = detection.verdict_bound() + detection.heartbeat_interval * 4;
        let fresh = self.topology.adapters.of(culprit).any(|(network, known)| {
            let mut there = locals().filter(|local| local.spec.network.name == network);
            known.state == AdapterState::Up
                && now < known.since + lately
                && there.any(|local| here(local, culprit))
        });
        if fresh {
            return true;
        }
        let mut with_culprit = locals().filter(|local| here(local, culprit)).peekable();
        with_culprit.peek().is_some()
            && !with_culprit.any(|local| here(local, verdict.decided_by_node))
    }

    /// This node has looked: the verdict holds unless the culprit answered.
    pub(super) fn doubted(&mut self, now: Timestamp, verdict: &Verdict, answered: bool) {
        if !answered {
            self.take_verdict(now, verdict);
        }
    }

    pub(super) fn take_verdict(&mut self, now: Timestamp, verdict: &Verdict) {
        self.verdicts_at.insert(verdict.id.clone(), now);
        self.verdicts_at.retain(|id, _| self.database.has_verdict(id));
        if self.is_outdated(verdict) {
            return;
        }
        let authority = verdict.decided_by_node == self.config.node_id;
        match verdict.kind {
            VerdictKind::Adapter => self.adapter_judged(now, verdict, authority),
            VerdictKind::Path => self.path_judged(now, verdict, authority),
            VerdictKind::Node | VerdictKind::Daemon => self.node_judged(now, verdict, authority),
            VerdictKind::Partition | VerdictKind::Network => {
                self.network_judged(now, verdict, authority);
            }
            VerdictKind::Inconclusive => self.nobody_judged(now, verdict, authority),
        }
    }

    /// Whether the verdict is of the past: a later group lists the culprit, or its
    /// node has that adapter no more. The
    /// next one after the verdict's may have been prepared before it.
    fn is_outdated(&self, verdict: &Verdict) -> bool {
        let culprit = &verdict.culprit;
        let run = self.topology.nodes.get(&culprit.node_id).map(|known| known.incarnation);
        if run.is_some_and(|run| run > culprit.incarnation) {
            return true;
        }
        let mut concerned = [Some(culprit), verdict.peer.as_ref()].into_iter().flatten();
        if concerned.any(|member| self.is_withdrawn(&verdict.network, member)) {
            return true;
        }
        let fact = verdict.cause.is_some_and(Cause::is_fact);
        if fact && self.is_fact_over(&verdict.network, culprit) {
            return true;
        }
        if matches!(verdict.kind, VerdictKind::Partition | VerdictKind::Network) {
            // Each side goes on, and lists its own.
            return self.newest_across(verdict) > verdict.group.instance + 1;
        }
        // Whose adapter failed stands alone, and that may be known before the verdict is.
        let newest = if verdict.kind == VerdictKind::Adapter {
            self.newest_company(&verdict.network, culprit)
        } else {
            self.newest_group(&verdict.network, culprit)
        };
        let known = newest.is_some_and(|group| group.instance > verdict.group.instance + 1);
        let Some(peer) = verdict.peer.as_ref().filter(|_| known) else { return known };
        let pair = hats_wire::Pair::new(culprit.address, peer.address);
        !self
            .on_network(&verdict.network)
            .into_iter()
            .any(|index| self.failed_paths(index).contains(&pair))
    }

    fn adapter_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let culprit = &verdict.culprit;
        let cause = verdict.cause.unwrap_or(Cause::Both);
        let instance = verdict.group.instance;
        // The next membership may have been prepared before; one that it led
        // itself, alone, has no next one but a merger.
        let last = instance + u64::from(verdict.group.leader != culprit.address);
        for index in self.on_network(&verdict.network) {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            if local.group.view().is_none_or(|view| view.id.instance > instance) {
                continue;
            }
            if local.me.address == culprit.address {
                // It is this node's own adapter: it knows, and stands alone.
                local.group.isolate(now);
                self.arbiter.close_all(index, |_| false);
            } else {
                local.group.doom(now, culprit.address, cause, &verdict.id);
            }
        }
        let network = &verdict.network;
        let event = self.topology.adapter_down(now, network, culprit, cause, Some(verdict), last);
        self.publish_as(event, authority);
    }

    fn path_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let Some(peer) = &verdict.peer else { return };
        let pair = hats_wire::Pair::new(verdict.culprit.address, peer.address);
        let event = self.topology.path_failed(now, verdict);
        self.publish_as(event, authority);
        for index in self.on_network(&verdict.network) {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.set_path(now, pair, true);
            }
            for end in [pair.low(), pair.high()] {
                self.arbiter.close(index, end);
            }
        }
    }

    fn node_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let culprit = &verdict.culprit;
        if culprit.node_id == self.config.node_id {
            return;
        }
        let daemon = verdict.kind == VerdictKind::Daemon;
        let cause = if daemon { Cause::DaemonDown } else { Cause::NodeDown };
        let restarted = self
            .topology
            .nodes
            .get(&culprit.node_id)
            .is_some_and(|known| known.incarnation > culprit.incarnation);
        if restarted {
            return;
        }
        self.node_is_down(now, culprit, cause, Some(verdict), authority);
    }

    /// This run of a node, or its daemon, is gone: with all its adapters.
    pub(super) fn node_is_down(
        &mut self,
        now: Timestamp,
        culprit: &Member,
        cause: Cause,
        verdict: Option<&Verdict>,
        authority: bool,
    ) {
        let node = cause == Cause::NodeDown;
        let kind = if node { VerdictKind::Node } else { VerdictKind::Daemon };
        let id = verdict.map_or("", |verdict| &verdict.id);
        self.doom_node(now, culprit.node_id, Some(culprit.incarnation), cause, id);
        // What nobody judged is said by who speaks for it, however it was learned.
        let authority = authority || (verdict.is_none() && self.speaks_for(culprit.node_id));
        let event = self.topology.node_down(now, culprit, kind, verdict);
        self.publish_as(event, authority);
        for (network, member) in self.topology.adapters_of(culprit.node_id) {
            if member.incarnation > culprit.incarnation {
                continue;
            }
            let instance = self.instance_of(&network, &member);
            let event =
                self.topology.adapter_down(now, &network, &member, cause, verdict, instance);
            self.publish_as(event, authority);
        }
    }

    /// The instance of the newest group known that goes across the sides: the
    /// one that fell apart. (The judge may have gone on without the others.)
    fn newest_across(&self, verdict: &Verdict) -> u64 {
        let reported = self
            .database
            .groups_of(&verdict.network)
            .map(|report| (report.group, Members::new(report.members.iter().cloned())));
        let own = self.locals.values().filter(|local| local.spec.network.name == verdict.network);
        let own = own.filter_map(|local| local.group.view());
        let own = own.map(|view| (view.id, view.members.clone()));
        let across =
            reported.chain(own).filter(|(_, members)| goes_across(&verdict.sides, members));
        let newest = across.map(|(group, _)| group.instance).max();
        // None: all stand alone already, and the next one is a merger.
        newest.unwrap_or(verdict.group.instance.saturating_sub(1))
    }

    fn network_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let instance = self.newest_across(verdict);
        let event = self.topology.network_broken(verdict, instance);
        self.publish_as(event, authority);
        for index in self.on_network(&verdict.network) {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            let me = local.me.address;
            let on = |side: &Vec<IpAddr>, address| side.contains(&address);
            let far: Vec<IpAddr> = match verdict.sides.iter().find(|side| on(side, me)) {
                // Of those that it does not name, be they on this side, it says nothing.
                Some(mine) => local
                    .group
                    .view()
                    .into_iter()
                    .flat_map(|view| view.members.iter())
                    .map(|member| member.address)
                    .filter(|address| !on(mine, *address))
                    .filter(|address| verdict.sides.iter().any(|side| on(side, *address)))
                    .collect(),
                // Another side is itself in parts.
                None if !verdict.sides.is_empty() => continue,
                None => {
                    local.group.isolate(now);
                    Vec::new()
                }
            };
            for address in &far {
                local.group.doom(now, *address, Cause::Unreachable, &verdict.id);
            }
            self.arbiter.close_all(index, |address| !far.contains(&address));
        }
    }

    /// It cannot be told: nobody is blamed, those concerned stand alone.
    fn nobody_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let concerned: Vec<AdapterIndex> = self
            .on_network(&verdict.network)
            .into_iter()
            .filter(|index| {
                self.locals.get(index).is_some_and(|local| {
                    [&verdict.reporter, &verdict.suspect]
                        .iter()
                        .any(|member| member.address == local.me.address)
                })
            })
            .collect();
        let instance = verdict.group.instance;
        let later = |index: &AdapterIndex| {
            let view = self.locals.get(index).and_then(|local| local.group.view());
            view.is_some_and(|view| view.members.len() > 1 && view.id.instance > instance)
        };
        if concerned.is_empty() || concerned.iter().any(later) {
            return;
        }
        let known = self.topology.adapters.get(&verdict.network, verdict.suspect.address);
        if known.is_none_or(|known| known.state == AdapterState::Up) {
            let event = say::inconclusive(&verdict.network, verdict);
            self.publish_as(Some(event), authority);
        }
        if verdict.suspect.node_id != self.config.node_id {
            // Of the groups that the two were in together: what others have of
            // the suspect since then holds.
            let views = concerned
                .iter()
                .filter_map(|it| self.locals.get(it))
                .filter_map(|it| it.group.view());
            let instance =
                views.map(|view| view.id.instance).max().unwrap_or(instance).min(instance);
            self.topology.adapter_down(
                now,
                &verdict.network,
                &verdict.suspect,
                Cause::Inconclusive,
                Some(verdict),
                instance,
            );
        }
        for index in concerned {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.isolate(now);
            }
            self.arbiter.close_all(index, |_| false);
        }
    }
}
