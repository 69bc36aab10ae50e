//! Verdicts: who decides, and what is decided.

use alloc::{
    collections::BTreeSet,
    string::{String, ToString},
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{
    Cause, Confidence, Direction, GroupId, Item, ItemBody, Letter, Member, NodeId, Observation,
    Silent, Verdict, VerdictKind,
};

use super::Node;
use crate::{
    arbiter::Concluded,
    diagnose::{Conclusion, Party, conclusion_of},
    group::GroupView,
    linkstate::member_of,
    members::Members,
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
        let Concluded { adapter, conclusion, silent, tries, brief } = concluded;
        if self.database.has_verdict(&silent.case_name) {
            // Decided; what follows from it is under way, unless it was of the past here.
            let patience = self.config.detection.verdict_bound() * 2;
            let at = self.verdicts_at.get(&silent.case_name);
            if at.is_some_and(|at| now > *at + patience) {
                self.arbiter.ask_anew(now, adapter, silent.suspect.address);
            }
            return;
        }
        // This node is about to judge it, or has just judged another case of the same.
        let judged = self.decided_already(&silent).is_some_and(|it| match it.body {
            ItemBody::Verdict(verdict) => verdict.decided_by_node == self.config.node_id,
            ItemBody::Node(_) | ItemBody::Group(_) => false,
        });
        let known = conclusion.blames_suspect() && judged;
        if known || self.arbiter.is_looking(&silent.case_name) {
            return;
        }
        if self.has_just_spoken(now, &silent.suspect, &conclusion) {
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
                self.judges_of_node(silent.suspect.node_id, culprit)
            }
            // So is what concerns more than one adapter, or this node's own:
            // by the leader, though it be out of reach on that network.
            Conclusion::Path { .. }
            | Conclusion::Partition { .. }
            | Conclusion::Network
            | Conclusion::Adapter { culprit: Party::Reporter, .. } => {
                // Who is known to be beyond a split cannot tell how this side is parted.
                let me = silent.reporter.address;
                let broken = self.topology.broken.get(&silent.network);
                let beyond = |it: &&Member| broken.is_some_and(|is| is.parts(me, it.address));
                let fit = view.members.iter().filter(|member| Some(member.node_id) != culprit);
                let (last, first): (Vec<&Member>, Vec<&Member>) = fit.partition(beyond);
                first.into_iter().chain(last).map(|member| member.node_id).collect()
            }
            Conclusion::Alive
            | Conclusion::Fact(_)
            | Conclusion::Adapter { culprit: Party::Suspect, .. }
            | Conclusion::Inconclusive { .. } => {
                self.judges(Some((silent.network.clone(), view.clone())), culprit)
            }
        };
        let alone = matches!(conclusion, Conclusion::Inconclusive { .. });
        // Each is told twice: one letter is easily lost.
        let rank = usize::try_from(tries / TRIES_EACH).unwrap_or(usize::MAX);
        // Of thousands only the first few are looked at.
        let reached = |node: &NodeId| self.is_within_reach(*node, culprit);
        match candidates.into_iter().filter(reached).nth(rank) {
            Some(node) if node != self.config.node_id && !alone => {
                let about = silent.network.clone();
                self.write(now, node, about, Letter::Silent(silent), brief && tries == 0);
            }
            Some(_) | None => self.decide(now, silent),
        }
    }

    /// A member that is known to be down, and silent, is to leave: what was said
    /// of it came when it was not a member here, or not yet.
    fn doom_known(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.topology.adapters.get(network, member.address);
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

    /// Who may decide about a whole node: the members of the first of its
    /// networks on which somebody is within reach.
    fn judges_of_node(&self, node: NodeId, culprit: Option<NodeId>) -> Vec<NodeId> {
        let homes = self.topology.adapters_of(node).into_iter();
        homes
            .map(|(network, member)| {
                let group = self.group_listing(&network, &member);
                self.judges(group.map(|view| (network, view)), culprit)
            })
            .find(|judges| judges.iter().any(|node| self.is_within_reach(*node, culprit)))
            .unwrap_or_default()
    }

    fn is_within_reach(&self, node: NodeId, culprit: Option<NodeId>) -> bool {
        node == self.config.node_id || self.has_way(node, culprit)
    }

    /// The group on a network that lists an adapter: this node's own, or the
    /// newest that was reported.
    pub(super) fn group_listing(&self, network: &str, member: &Member) -> Option<GroupView> {
        let local = self.locals.values().filter(|local| local.spec.network.name == network);
        // A member of another group, or alone, is no judge of it.
        let mut own = local.filter_map(|local| local.group.view());
        let own = own.find(|view| view.members.contains(member.address)).cloned();
        let reported = || {
            let groups = self.database.groups_of(network);
            let groups = groups.filter(|report| member_of(report, member.address).is_some());
            let newest = groups.max_by_key(|report| report.group)?;
            Some(GroupView {
                id: newest.group,
                members: Members::new(newest.members.iter().cloned()),
                failed_paths: newest.failed_paths.iter().copied().collect(),
            })
        };
        own.or_else(reported)
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
        let conclusion = conclusion_of(&silent);
        let mine = silent.reporter.node_id == self.config.node_id;
        if !mine && matches!(conclusion, Conclusion::Inconclusive { .. }) {
            // Whoever cannot tell says so itself.
            return;
        }
        let fact = matches!(conclusion, Conclusion::Fact(_));
        if fact && self.is_fact_over(&silent.network, &silent.suspect) {
            return;
        }
        let mut looking = false;
        if conclusion.blames_suspect() && !fact {
            self.with_arbiter(|arbiter, around| looking = arbiter.look(now, &silent, around));
        }
        if !looking {
            self.judge(now, silent);
        }
    }

    /// This node has looked. What it has seen may leave nothing to be told: the
    /// reporter goes on asking.
    pub(super) fn looked(&mut self, now: Timestamp, silent: Silent) {
        if !matches!(conclusion_of(&silent), Conclusion::Inconclusive { .. }) {
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
        if self.has_just_spoken(now, &silent.suspect, &conclusion) {
            return;
        }
        if matches!(conclusion, Conclusion::Node { .. } | Conclusion::Daemon)
            && let Some(verdict) = self.arbiter.confirmed(&silent.suspect)
        {
            // Another has judged it, and this node was about to make sure.
            self.take_verdict(now, &verdict);
            return;
        }
        if matches!(conclusion, Conclusion::Partition { .. }) {
            self.with_arbiter(|arbiter, around| arbiter.survey(now, silent, around));
            return;
        }
        if let Some(verdict) = self.verdict(silent, &conclusion) {
            self.pronounce(now, verdict);
        }
    }

    /// Whether a node that is said to be gone was heard while it was asked, be it
    /// with an address that those who asked did not know yet: it is not. An
    /// adapter is not vouched for by another one.
    fn has_just_spoken(&self, now: Timestamp, suspect: &Member, conclusion: &Conclusion) -> bool {
        let gone = matches!(conclusion, Conclusion::Node { .. } | Conclusion::Daemon);
        let lately = self.config.detection.probe_timeout * 2;
        let spoke = self.spoke.get(&suspect.node_id);
        gone && spoke.is_some_and(|(run, at)| *run >= suspect.incarnation && now < *at + lately)
    }

    /// The sides of a broken network are known.
    pub(super) fn surveyed(&mut self, now: Timestamp, silent: Silent, reached: &BTreeSet<IpAddr>) {
        if self.is_broken_between(&silent) {
            return;
        }
        let Some(index) = self.on_network(&silent.network).first().copied() else { return };
        let Some(local) = self.locals.get(&index) else { return };
        let Some(view) = local.group.view() else { return };
        let me = local.me.address;
        let Conclusion::Partition { sides: evident } = conclusion_of(&silent) else { return };
        let reached = with_company(&silent, reached.iter().copied().chain([me]).collect());
        // Who was left behind counts, too, and who has gone on without this node.
        let outside = evident.iter().flatten().filter(|it| !view.members.contains(**it));
        let members = view.members.iter().map(|member| member.address);
        let (near, far): (Vec<IpAddr>, Vec<IpAddr>) =
            members.chain(outside.copied()).partition(|address| reached.contains(address));
        if far.is_empty() {
            // It works again; who is still silent is looked at anew.
            return;
        }
        let parties = [silent.reporter.address, silent.suspect.address];
        let met = parties.iter().any(|party| near.contains(party));
        let known = self.topology.broken.get(&silent.network);
        if !met
            && known.is_some_and(|it| near.len() == 1 || parties.iter().all(|p| it.parts(me, *p)))
        {
            // It is another side that is in parts: this node knows who is on its own.
            return;
        }
        // One that reaches nobody itself knows only what the evidence shows.
        let sides = if near.len() == 1 { evident } else { [near, far] };
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
            let known = self.topology.adapters.get(&silent.network, member.address)?;
            (known.state == AdapterState::Up).then_some(known.joined)
        };
        joined(&silent.reporter).is_some_and(|reporter| {
            let latest = joined(&silent.suspect).map_or(reporter, |suspect| suspect.max(reporter));
            latest > silent.group.instance
        })
    }

    /// Whether what the evidence says is known already: two neighbours miss
    /// the same adapter, and a dead node is missed on each of its networks. Who
    /// is on another side of a broken network is silent for that.
    fn is_settled(&self, silent: &Silent, conclusion: &Conclusion) -> bool {
        let (reporter, suspect) = (silent.reporter.address, silent.suspect.address);
        let broken = self.topology.broken.get(&silent.network);
        if broken.is_some_and(|broken| broken.parts(reporter, suspect)) {
            return true;
        }
        let down = |member: &Member| {
            let known = self.topology.adapters.get(&silent.network, member.address);
            // Out of sight is not judged yet, and judged in vain not for good.
            known.is_some_and(|known| {
                let vain = matches!(conclusion, Conclusion::Inconclusive { .. });
                let judged = match known.state {
                    AdapterState::Down | AdapterState::Left => true,
                    AdapterState::Unknown => vain && known.is_out(),
                    AdapterState::Up | AdapterState::Joining => false,
                };
                known.member.incarnation >= member.incarnation && judged
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
            Conclusion::Partition { .. } => self.is_broken_between(silent),
            Conclusion::Network => self.topology.broken.contains_key(&silent.network),
        }
    }

    /// Whether the network is known to be in parts, and the two of a report are
    /// not on one side: else that side is in parts itself.
    fn is_broken_between(&self, silent: &Silent) -> bool {
        let (reporter, suspect) = (silent.reporter.address, silent.suspect.address);
        let broken = self.topology.broken.get(&silent.network);
        broken.is_some_and(|broken| !broken.joins(reporter, suspect))
    }

    /// The verdict by which a report is settled.
    pub(super) fn decided_already(&self, silent: &Silent) -> Option<Item> {
        let conclusion = conclusion_of(silent);
        if !self.is_settled(silent, &conclusion) {
            return None;
        }
        let (reporter, suspect) = (silent.reporter.address, silent.suspect.address);
        let broken = self.topology.broken.get(&silent.network);
        if let Some(broken) = broken.filter(|broken| broken.parts(reporter, suspect)) {
            return self.database.verdict_item(&broken.verdict_id);
        }
        let of = |member: &Member| {
            self.topology.adapters.get(&silent.network, member.address)?.verdict_id.as_ref()
        };
        let id = match &conclusion {
            Conclusion::Alive => None,
            Conclusion::Adapter { culprit: Party::Reporter, .. } => of(&silent.reporter),
            Conclusion::Partition { .. } | Conclusion::Network => {
                self.topology.broken.get(&silent.network).map(|broken| &broken.verdict_id)
            }
            Conclusion::Path { .. } => {
                let pair = hats_wire::Pair::new(silent.reporter.address, silent.suspect.address);
                let known = self.topology.paths.get(&(silent.network.clone(), pair));
                known.and_then(|known| known.verdict_id.as_ref())
            }
            Conclusion::Fact(_)
            | Conclusion::Adapter { .. }
            | Conclusion::Node { .. }
            | Conclusion::Daemon
            | Conclusion::Inconclusive { .. } => of(&silent.suspect),
        };
        self.database.verdict_item(id?)
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
        let whole = matches!(kind, VerdictKind::Partition | VerdictKind::Network);
        let group = if whole {
            self.current_group(&silent.network)
        } else {
            // This node's own may have gone on without the culprit already.
            self.newest_group(&silent.network, &culprit)
        };
        let group = group.unwrap_or(silent.group);
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
}

/// These, and whom they have met in turn: a path of this node's own may fail.
fn with_company(silent: &Silent, mut near: BTreeSet<IpAddr>) -> BTreeSet<IpAddr> {
    let met = |o: &&Observation| o.network == silent.network && o.received > 0;
    let met: Vec<[IpAddr; 2]> = silent
        .observations
        .iter()
        .filter(met)
        .map(|o| [o.prober_address, o.target_address])
        .collect();
    loop {
        let one_is = |ends: &&[IpAddr; 2]| ends.iter().any(|end| near.contains(end));
        let more: Vec<IpAddr> = met.iter().filter(one_is).flatten().copied().collect();
        let before = near.len();
        near.extend(more);
        if near.len() == before {
            return near;
        }
    }
}
