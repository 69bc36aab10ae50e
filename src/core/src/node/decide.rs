//! Verdicts: who decides, what is decided, and what it means here.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{
    Cause, Confidence, Direction, GroupId, ItemBody, Letter, Member, NodeId, Silent, Verdict,
    VerdictKind,
};

use super::Node;
use crate::{
    arbiter::Concluded,
    diagnose::{Conclusion, Evidence, Party, diagnose},
    group::GroupView,
    io::AdapterIndex,
    members::Members,
    say,
    time::Timestamp,
    view::AdapterState,
};

/// How often a report is sent to one judge before the next one gets it.
const TRIES_EACH: u32 = 2;

impl Node {
    /// A case of this node is concluded: reports it to the acting leader, to
    /// the next in rank when that one does not answer, and decides it itself
    /// when nobody is left.
    pub(super) fn have_decided(&mut self, now: Timestamp, concluded: Concluded) {
        let Concluded { adapter, conclusion, silent, tries } = concluded;
        if self.database.has_verdict(&silent.case_name) {
            // Decided; what follows from it is under way.
            return;
        }
        let Some(local) = self.locals.get(&adapter) else { return };
        let Some(view) = local.group.view().cloned() else { return };
        if conclusion.blames_suspect() {
            self.doom_known(now, &silent.network, &silent.suspect);
        }
        let culprit = match &conclusion {
            Conclusion::Adapter { culprit: Party::Reporter, .. } => Some(silent.reporter.node_id),
            Conclusion::Path { .. } | Conclusion::Partition { .. } | Conclusion::Network => None,
            Conclusion::Alive
            | Conclusion::Fact(_)
            | Conclusion::Adapter { .. }
            | Conclusion::Node { .. }
            | Conclusion::Daemon
            | Conclusion::Inconclusive { .. } => Some(silent.suspect.node_id),
        };
        let candidates = match conclusion {
            // A node is judged by one leader, whatever networks it is missed on.
            Conclusion::Node { .. } | Conclusion::Daemon => {
                self.judges(self.home_of(silent.suspect.node_id), culprit)
            }
            // So is what concerns more than one adapter, or this node's own:
            // by the leader, though it be out of reach on that network.
            Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Adapter { culprit: Party::Reporter, .. } => {
                let ids = view.members.iter().map(|member| member.node_id);
                ids.filter(|id| Some(*id) != culprit).collect()
            }
            Conclusion::Alive
            | Conclusion::Fact(_)
            | Conclusion::Adapter { culprit: Party::Suspect, .. }
            | Conclusion::Inconclusive { .. } => {
                self.judges(Some((silent.network.clone(), view.clone())), culprit)
            }
        };
        let candidates: Vec<NodeId> = candidates
            .into_iter()
            .filter(|node| *node == self.config.node_id || self.has_way(*node, culprit))
            .collect();
        let alone = matches!(conclusion, Conclusion::Inconclusive { .. });
        // Each is told twice: one letter is easily lost.
        let rank = usize::try_from(tries / TRIES_EACH).unwrap_or(usize::MAX);
        match candidates.get(rank) {
            Some(node) if *node != self.config.node_id && !alone => {
                let about = silent.network.clone();
                self.letter(now, *node, about, Letter::Silent(silent));
            }
            Some(_) | None => self.decide(now, silent),
        }
    }

    /// A member that is known to be down, and silent, is to leave: what was said
    /// of it came when it was not a member here, or not yet.
    fn doom_known(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.topology.adapters.get(&(network.to_string(), member.address));
        let Some(known) = known.filter(|known| {
            let out = matches!(known.state, AdapterState::Down | AdapterState::Left);
            out && known.member.incarnation >= member.incarnation
        }) else {
            return;
        };
        let cause = known.cause.unwrap_or(Cause::Unreachable);
        let verdict_id = known.verdict_id.clone().unwrap_or_default();
        for index in self.on_network(network) {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.doom(now, member.address, cause, &verdict_id);
            }
        }
    }

    /// The group of the first network that a node has an adapter on.
    fn home_of(&self, node: NodeId) -> Option<(String, GroupView)> {
        let (network, member) = self.topology.adapters_of(node).into_iter().next()?;
        let local = self.locals.values().filter(|local| local.spec.network.name == network);
        // A member of another group, or alone, is no judge of it.
        let mut own = local.filter_map(|local| local.group.view());
        let own = own.find(|view| view.members.contains(member.address)).cloned();
        let reported = || {
            let groups = self.database.groups().filter(|report| {
                report.network == network
                    && report.members.iter().any(|m| m.address == member.address)
            });
            let newest = groups.max_by_key(|report| report.group)?;
            Some(GroupView {
                id: newest.group,
                members: Members::new(newest.members.iter().cloned()),
                failed_paths: newest.failed_paths.iter().copied().collect(),
            })
        };
        Some((network.clone(), own.or_else(reported)?))
    }

    /// Who may decide, in this order: the members by rank; those that this
    /// node misses itself come last.
    fn judges(&self, group: Option<(String, GroupView)>, culprit: Option<NodeId>) -> Vec<NodeId> {
        let Some((network, view)) = group else { return Vec::new() };
        let missed = |member: &Member| {
            self.on_network(&network).iter().any(|index| {
                self.arbiter.has_case(*index, member.address)
                    || self
                        .locals
                        .get(index)
                        .is_some_and(|local| local.group.is_doomed(member.address))
            })
        };
        let fit = view.members.iter().filter(|member| Some(member.node_id) != culprit);
        let (last, first): (Vec<&Member>, Vec<&Member>) = fit.partition(|member| missed(member));
        first.into_iter().chain(last).map(|member| member.node_id).collect()
    }

    /// Judges a reporter's evidence, unless it is known already, or old. Nobody
    /// is blamed before this node has looked where it can.
    pub(super) fn decide(&mut self, now: Timestamp, silent: Silent) {
        if self.database.has_verdict(&silent.case_name) || self.is_of_the_past(&silent) {
            return;
        }
        let mut looking = false;
        if conclusion_of(&silent).blames_suspect() {
            self.with_arbiter(|arbiter, around| looking = arbiter.look(&silent, around));
        }
        if !looking {
            self.judge(now, silent);
        }
    }

    /// Draws the conclusion and makes the verdict known.
    pub(super) fn judge(&mut self, now: Timestamp, silent: Silent) {
        if self.database.has_verdict(&silent.case_name) {
            return;
        }
        let conclusion = conclusion_of(&silent);
        if self.is_settled(&silent, &conclusion) {
            if conclusion.blames_suspect() {
                self.doom_known(now, &silent.network, &silent.suspect);
            }
            return;
        }
        if matches!(conclusion, Conclusion::Partition { .. }) {
            self.with_arbiter(|arbiter, around| arbiter.survey(silent, around));
            return;
        }
        if let Some(verdict) = self.verdict(silent, &conclusion) {
            self.pronounce(now, verdict);
        }
    }

    /// The sides of a broken network are known.
    pub(super) fn surveyed(&mut self, now: Timestamp, silent: Silent, reached: &BTreeSet<IpAddr>) {
        if self.topology.broken.contains_key(&silent.network) {
            return;
        }
        let Some(index) = self.on_network(&silent.network).first().copied() else { return };
        let Some(local) = self.locals.get(&index) else { return };
        let Some(view) = local.group.view() else { return };
        let me = local.me.address;
        let (near, far): (Vec<IpAddr>, Vec<IpAddr>) = view
            .members
            .iter()
            .map(|member| member.address)
            .partition(|address| *address == me || reached.contains(address));
        if far.is_empty() {
            // It works again; who is still silent is looked at anew.
            return;
        }
        // One that reaches nobody itself knows only what the evidence shows.
        let evident = conclusion_of(&silent);
        let sides = if let Conclusion::Partition { sides } = evident
            && near.len() == 1
        {
            sides
        } else {
            [near, far]
        };
        let conclusion = Conclusion::Partition { sides: sides.clone() };
        let Some(mut verdict) = self.verdict(silent, &conclusion) else { return };
        verdict.sides = sides.to_vec();
        self.pronounce(now, verdict);
    }

    fn pronounce(&mut self, now: Timestamp, verdict: Verdict) {
        self.originate(now, ItemBody::Verdict(verdict.clone()));
        self.learn_verdict(now, &verdict);
        self.refresh_nodes(now);
    }

    /// Whether a party was taken in by a later group than the evidence is of:
    /// it was gathered while the two were apart. Not so while the reporter is
    /// still outside.
    fn is_of_the_past(&self, silent: &Silent) -> bool {
        let joined = |member: &Member| {
            let known = self.topology.adapters.get(&(silent.network.clone(), member.address))?;
            (known.state == AdapterState::Up).then_some(known.joined)
        };
        joined(&silent.reporter).is_some_and(|reporter| {
            let latest = joined(&silent.suspect).map_or(reporter, |suspect| suspect.max(reporter));
            latest > silent.group.instance
        })
    }

    /// Whether what the evidence says is known already: two neighbours miss
    /// the same adapter, and a dead node is missed on each of its networks.
    fn is_settled(&self, silent: &Silent, conclusion: &Conclusion) -> bool {
        let down = |member: &Member| {
            let known = self.topology.adapters.get(&(silent.network.clone(), member.address));
            known.is_some_and(|known| {
                known.member.incarnation >= member.incarnation
                    && !matches!(known.state, AdapterState::Up | AdapterState::Joining)
            })
        };
        match conclusion {
            Conclusion::Alive => true,
            Conclusion::Adapter { culprit: Party::Reporter, .. } => down(&silent.reporter),
            Conclusion::Fact(_)
            | Conclusion::Adapter { culprit: Party::Suspect, .. }
            | Conclusion::Node { .. }
            | Conclusion::Daemon
            | Conclusion::Inconclusive { .. } => down(&silent.suspect),
            Conclusion::Path { .. } => {
                let pair = hats_wire::Pair::new(silent.reporter.address, silent.suspect.address);
                self.topology.paths.contains_key(&(silent.network.clone(), pair))
                    || down(&silent.reporter)
                    || down(&silent.suspect)
            }
            Conclusion::Partition { .. } | Conclusion::Network => {
                self.topology.broken.contains_key(&silent.network)
            }
        }
    }

    fn verdict(&self, silent: Silent, conclusion: &Conclusion) -> Option<Verdict> {
        let high = Confidence::High;
        let suspect = silent.suspect.clone();
        let reporter = silent.reporter.clone();
        let (kind, culprit, cause, confidence) = match conclusion {
            Conclusion::Alive => return None,
            Conclusion::Fact(cause) => (VerdictKind::Adapter, suspect, Some(*cause), high),
            Conclusion::Adapter { culprit: Party::Suspect, cause, confidence } => {
                (VerdictKind::Adapter, suspect, Some(*cause), *confidence)
            }
            Conclusion::Adapter { culprit: Party::Reporter, cause, confidence } => {
                (VerdictKind::Adapter, reporter, Some(*cause), *confidence)
            }
            Conclusion::Path { .. } => (VerdictKind::Path, reporter, None, high),
            Conclusion::Partition { .. } => (VerdictKind::Partition, suspect, None, high),
            Conclusion::Network => (VerdictKind::Network, suspect, None, high),
            Conclusion::Node { cause, confidence } => {
                (VerdictKind::Node, suspect, Some(*cause), *confidence)
            }
            Conclusion::Daemon => (VerdictKind::Daemon, suspect, Some(Cause::DaemonDown), high),
            Conclusion::Inconclusive { .. } => {
                let cause = Some(Cause::Inconclusive);
                (VerdictKind::Inconclusive, suspect, cause, Confidence::Low)
            }
        };
        let missing = if let Conclusion::Inconclusive { missing } = conclusion {
            (*missing).to_string()
        } else {
            String::new()
        };
        let direction =
            if let Conclusion::Path { direction } = conclusion { Some(*direction) } else { None };
        let group = self.current_group(&silent.network).unwrap_or(silent.group);
        // A path that fails one way is told from the end that is not heard.
        let (culprit, peer, direction) = match (kind, direction) {
            (VerdictKind::Path, Some(Direction::FromPeer)) => {
                (silent.suspect.clone(), Some(culprit), Some(Direction::ToPeer))
            }
            (VerdictKind::Path, _) => (culprit, Some(silent.suspect.clone()), direction),
            (_, _) => (culprit, None, None),
        };
        Some(Verdict {
            id: silent.case_name,
            kind,
            network: silent.network,
            group,
            culprit,
            peer,
            direction,
            cause,
            confidence,
            reporter: silent.reporter,
            suspect: silent.suspect,
            arbiters: silent.arbiters,
            decided_by: self.config.node.clone(),
            decided_by_node: self.config.node_id,
            observations: silent.observations,
            sides: Vec::new(),
            missing,
            took_us: silent.silent_us,
        })
    }

    fn current_group(&self, network: &str) -> Option<GroupId> {
        let local = self.locals.values().find(|local| local.spec.network.name == network)?;
        local.group.view().map(|view| view.id)
    }

    /// A verdict, ours or another's, takes effect here.
    pub(super) fn learn_verdict(&mut self, now: Timestamp, verdict: &Verdict) {
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

    /// Whether the verdict is of the past: a later group lists the culprit. The
    /// next one after the verdict's may have been prepared before it.
    fn is_outdated(&self, verdict: &Verdict) -> bool {
        let culprit = &verdict.culprit;
        let run = self.topology.nodes.get(&culprit.node_id).map(|known| known.incarnation);
        if run.is_some_and(|run| run > culprit.incarnation) {
            return true;
        }
        let newest = self.newest_group(&verdict.network, culprit);
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
        let event =
            self.topology.adapter_down(now, network, culprit, cause, Some(verdict), instance);
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
        self.doom_node(now, culprit.node_id, Some(culprit.incarnation), cause, &verdict.id);
        let event = self.topology.node_down(now, culprit, verdict.kind, Some(verdict));
        self.publish_as(event, authority);
        for (network, member) in self.topology.adapters_of(culprit.node_id) {
            let instance = self.instance_of(&network, member.address);
            let event =
                self.topology.adapter_down(now, &network, &member, cause, Some(verdict), instance);
            self.publish_as(event, authority);
        }
    }

    fn network_judged(&mut self, now: Timestamp, verdict: &Verdict, authority: bool) {
        let event = self.topology.network_broken(verdict);
        self.publish_as(event, authority);
        for index in self.on_network(&verdict.network) {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            let me = local.me.address;
            let far: Vec<IpAddr> = match verdict.sides.iter().find(|side| side.contains(&me)) {
                Some(mine) => local
                    .group
                    .view()
                    .into_iter()
                    .flat_map(|view| view.members.iter())
                    .map(|member| member.address)
                    .filter(|address| !mine.contains(address))
                    .collect(),
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
        let known = self.topology.adapters.get(&(verdict.network.clone(), verdict.suspect.address));
        if known.is_none_or(|known| known.state == AdapterState::Up) {
            let event = say::inconclusive(&verdict.network, verdict);
            self.publish_as(Some(event), authority);
        }
        if verdict.suspect.node_id != self.config.node_id {
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

/// What a report's evidence means.
fn conclusion_of(silent: &Silent) -> Conclusion {
    diagnose(&Evidence {
        network: &silent.network,
        reporter: &silent.reporter,
        suspect: &silent.suspect,
        observations: &silent.observations,
    })
}
