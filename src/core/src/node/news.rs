//! The link-state database: what is flooded, and what news mean.

use alloc::{string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    AdapterReport, Cause, GroupReport, Identity, Incarnation, Item, ItemBody, Member, NodeId,
    NodeReport, Removal, VerdictKind,
};

use super::Node;
use crate::{
    group::GroupView,
    io::AdapterIndex,
    linkstate::member_of,
    members::Members,
    time::Timestamp,
    view::{AdapterState, NodeState},
};

impl Node {
    /// Makes an item of this node's own known everywhere.
    pub(super) fn originate(&mut self, now: Timestamp, body: ItemBody) {
        let item = self.database.originate(body);
        let mut told = false;
        for index in self.indices() {
            if self.in_company(index) {
                told = true;
                self.tell(now, index, [item.clone()]);
            }
        }
        if told {
            self.repeat(now, item);
        }
    }

    /// A verdict that this node missed. Its flood, if it comes yet, is no news
    /// any more: who does not hear the judge is told now.
    pub(super) fn told_verdict(&mut self, now: Timestamp, item: Item) {
        let verdict = matches!(item.body, ItemBody::Verdict(_));
        if !verdict || !self.database.insert(item.clone()) {
            return;
        }
        self.learn(now, &item);
        for index in self.indices() {
            let hears = origin(&item).is_some_and(|judge| self.is_at_work(index, judge));
            if self.in_company(index) && !hears {
                self.tell(now, index, [item.clone()]);
            }
        }
        self.refresh_nodes(now);
    }

    /// Items arrived: takes what is new and passes it on where it is due.
    pub(super) fn flooded(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        sender: NodeId,
        to_group: bool,
        items: Vec<Item>,
    ) {
        let mut fresh = Vec::new();
        for item in items {
            let over = match &item.body {
                ItemBody::Group(report) => self.is_over(report),
                ItemBody::Node(_) | ItemBody::Verdict(_) => false,
            };
            if over || origin(&item) == Some(self.config.node_id) {
                continue;
            }
            if let ItemBody::Group(report) = &item.body {
                self.doubt_reported(now, report);
            }
            if self.database.insert(item.clone()) {
                fresh.push(item);
            }
        }
        // All of them are there before one takes effect: a late item is told
        // from news by the others.
        for item in &fresh {
            self.learn(now, item);
        }
        self.pass_news_on(now, index, sender, to_group, &fresh);
        if !fresh.is_empty() {
            self.refresh_nodes(now);
        }
    }

    fn learn(&mut self, now: Timestamp, item: &Item) {
        match &item.body {
            ItemBody::Node(report) => self.learn_node(now, report, item.incarnation),
            ItemBody::Group(report) => self.learn_group(now, report),
            ItemBody::Verdict(verdict) => self.learn_verdict(now, verdict),
        }
    }

    fn learn_node(&mut self, now: Timestamp, report: &NodeReport, incarnation: Incarnation) {
        self.check_restart(now, report.node_id, incarnation);
        self.learn_multicast(report);
        // Who has not said which adapters it has may have one where another is alone.
        self.topology.changes += u64::from(self.topology.adapters.any_sole());
        self.learn_narrow(report);
        self.learn_overheard(report);
        let its = self.topology.adapters.of(report.node_id);
        let gone = its.filter(|(network, known)| {
            let member = &known.member;
            !is_listed(report, network, member.address)
                && member.incarnation <= incarnation
                && !known.is_news(incarnation)
        });
        let gone: Vec<(String, Member)> =
            gone.map(|(network, known)| (network.into(), known.member.clone())).collect();
        for (network, member) in gone {
            self.adapter_withdrawn(now, &network, &member);
        }
        for adapter in &report.adapters {
            let member = Member::from(Identity {
                address: adapter.address,
                node_id: report.node_id,
                incarnation,
                node: report.node.clone(),
                interface: adapter.interface.clone(),
            });
            let place = (adapter.network.as_str(), adapter.address);
            self.check_holder(now, report.node_id, place);
            self.topology.adapter_listed(now, &adapter.network, &member, adapter.fault);
            if let Some(cause) = adapter.fault {
                let instance = adapter.group.map_or(0, |group| group.instance);
                self.learn_fact(now, &adapter.network, &member, cause, instance);
            } else {
                self.topology.fact_is_over(now, &adapter.network, &member);
            }
            let (network, address) = (&adapter.network, member.address);
            let anew = self.topology.is_word_of_earlier_run(network, address);
            let held = self.topology.adapter_held(now, network, address, adapter.held);
            let loses = self.topology.adapter_loses(network, address, adapter.loss);
            for event in [held, loses].into_iter().flatten() {
                // Who said it is gone, and its node says nothing of it any more.
                let authority = anew && event.clears.is_some() && self.speaks_for(report.node_id);
                self.publish_as(Some(event), authority);
            }
        }
        if report.leaving {
            let groups = report.adapters.iter().filter_map(|adapter| {
                Some((adapter.network.clone(), adapter.address, adapter.group?.instance))
            });
            for (network, address, instance) in groups.collect::<Vec<_>>() {
                self.topology.adapter_was_in(&network, address, instance);
            }
            self.node_leaves(now, report.node_id, incarnation);
        }
    }

    /// An adapter that its node does not list any more is not one: it leaves
    /// its groups, and what is still said of it is of the past.
    fn adapter_withdrawn(&mut self, now: Timestamp, network: &str, member: &Member) {
        let known = self.topology.adapters.get(network, member.address);
        if known.is_some_and(|known| known.is_told_up()) {
            let instance = self.instance_of(network, member);
            self.learn_fact(now, network, member, Cause::Removed, instance);
        }
        for index in self.on_network(network) {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.doom(now, member.address, Cause::Removed, "");
            }
            self.arbiter.close(index, member.address);
        }
        let authority = self.leads_network(network);
        for event in self.topology.adapter_forgotten(network, member.address) {
            self.publish_as(Some(event), authority);
        }
    }

    /// An interface of a member speaks with another address than it is a member
    /// with: that one is gone, though its node could not say so yet.
    pub(super) fn check_address(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        (node, run): (NodeId, Incarnation),
        interface: &str,
        address: IpAddr,
    ) {
        let Some(local) = self.locals.get(&index) else { return };
        let Some(view) = local.group.view() else { return };
        let before = view.members.of_node(node).find(|member| {
            member.incarnation == run
                && member.interface == interface
                && member.address != address
                && !local.group.is_doomed(member.address)
        });
        let Some(member) = before.cloned() else { return };
        let (network, instance) = (local.spec.network.name.clone(), view.id.instance);
        self.learn_fact(now, &network, &member, Cause::Removed, instance);
        self.arbiter.close(index, member.address);
    }

    /// Whether the adapter is not one any more: nothing is known of it, because
    /// this run of its node has said that it does not have it.
    pub(super) fn is_withdrawn(&self, network: &str, member: &Member) -> bool {
        let known = self.topology.adapters.get(network, member.address);
        if known.is_some_and(|known| known.member.node_id == member.node_id) {
            return false;
        }
        // Its interface is up with another address, be it that its node's own word
        // of that is yet to come.
        let node = self.topology.nodes.get(&member.node_id);
        let mut others = self.topology.adapters.of(member.node_id);
        if node.is_some_and(|node| node.had(network, member.address))
            && others.any(|(name, other)| {
                name == network
                    && other.state == AdapterState::Up
                    && other.member.interface == member.interface
                    && other.member.incarnation >= member.incarnation
            })
        {
            return true;
        }
        self.database.node(member.node_id).is_some_and(|(report, run)| {
            run == member.incarnation && !is_listed(report, network, member.address)
        })
    }

    /// An adapter's own node says what is wrong with it.
    fn learn_fact(
        &mut self,
        now: Timestamp,
        network: &str,
        member: &Member,
        cause: Cause,
        instance: u64,
    ) {
        let mut authority = false;
        // A group may have gone on with it that did not know: what counts is whether
        // it was taken in since.
        let known = self.topology.adapters.get(network, member.address);
        let known = known.filter(|known| known.state == AdapterState::Up);
        let joined = known.map(|known| known.joined);
        let mut last = instance + 1;
        for index in self.on_network(network) {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            let Some(view) = local.group.view() else { continue };
            let since = joined.unwrap_or(view.id.instance);
            if view.members.get(member.address) == Some(member)
                && (since <= instance + 1 || instance == 0)
            {
                last = last.max(view.id.instance);
                local.group.doom(now, member.address, cause, "");
                authority = local.group.leads();
            }
        }
        let event = self.topology.adapter_down(now, network, member, cause, None, last);
        self.publish_as(event, authority);
    }

    /// This run of the node's daemon stops on purpose.
    fn node_leaves(&mut self, now: Timestamp, node: NodeId, run: Incarnation) {
        if self.topology.nodes.get(&node).is_some_and(|known| known.incarnation > run) {
            // It has been started again since.
            return;
        }
        self.doom_node(now, node, Some(run), Cause::Left, "");
        for (network, member) in self.topology.adapters_of(node) {
            let instance = self.instance_of(&network, &member);
            self.topology.adapter_down(now, &network, &member, Cause::Left, None, instance);
        }
        let authority = self.speaks_for(node);
        let event = self.topology.node_left(now, node);
        self.publish_as(event, authority);
    }

    /// All members of a node leave all groups of this one.
    pub(super) fn doom_node(
        &mut self,
        now: Timestamp,
        node: NodeId,
        up_to: Option<Incarnation>,
        cause: Cause,
        verdict_id: &str,
    ) {
        for local in self.locals.values_mut() {
            let addresses: Vec<IpAddr> = local
                .group
                .view()
                .into_iter()
                .flat_map(|view| view.members.of_node(node))
                .filter(|member| up_to.is_none_or(|limit| member.incarnation <= limit))
                .map(|member| member.address)
                .collect();
            for address in addresses {
                local.group.doom(now, address, cause, verdict_id);
            }
        }
    }

    /// The newest instance of a group known to list the adapter.
    pub(super) fn instance_of(&self, network: &str, member: &Member) -> u64 {
        let known = self.topology.adapters.get(network, member.address);
        // The same run: a group that lists a later one says nothing of this.
        let same = |it: &&Member| it.incarnation == member.incarnation;
        let reported = self.database.groups_of(network);
        let reported = reported.filter(|it| member_of(it, member.address).filter(same).is_some());
        let own = self.locals.values().filter(|local| local.spec.network.name == network);
        let own = own.filter_map(|local| local.group.view());
        let own = own.filter(|view| view.members.get(member.address).filter(same).is_some());
        let groups = reported.map(|report| report.group).chain(own.map(|view| view.id));
        let instances = groups.map(|group| group.instance);
        instances.chain(known.map(|known| known.instance)).max().unwrap_or(0)
    }

    /// A datagram or report shows a newer run of a daemon than is known: the
    /// old one is gone, whether or not anybody missed it.
    pub(super) fn check_restart(&mut self, now: Timestamp, node: NodeId, seen: Incarnation) {
        let Some(known) = self.topology.nodes.get_mut(&node) else { return };
        if node == self.config.node_id || seen <= known.incarnation {
            return;
        }
        known.newest = known.newest.max(seen);
        let known = &*known;
        let old = known.incarnation;
        let up = known.counts_as_up();
        let member = Member::from(Identity {
            address: IpAddr::from([0, 0, 0, 0]),
            node_id: node,
            incarnation: old,
            node: known.name.clone(),
            interface: String::new(),
        });
        self.doom_node(now, node, Some(old), Cause::DaemonDown, "");
        for (network, member) in self.topology.adapters_of(node) {
            if member.incarnation > old {
                continue;
            }
            // The next membership may have been prepared before.
            let last = self.instance_of(&network, &member).saturating_add(1);
            self.topology.adapter_down(now, &network, &member, Cause::DaemonDown, None, last);
        }
        if up {
            let authority = self.speaks_for(node);
            let event = self.topology.node_down(now, &member, VerdictKind::Daemon, None);
            self.publish_as(event, authority);
        }
    }

    pub(super) fn check_incarnation(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        node: NodeId,
        incarnation: Incarnation,
    ) {
        let Some(local) = self.locals.get(&index) else { return };
        let member = local.group.view().and_then(|view| view.members.get(from));
        if member.is_some_and(|m| m.node_id == node && m.incarnation < incarnation) {
            self.check_restart(now, node, incarnation);
        }
    }

    /// A leader reports its group: news for those that are not in it.
    fn learn_group(&mut self, now: Timestamp, report: &GroupReport) {
        for member in &report.members {
            self.check_restart(now, member.node_id, member.incarnation);
            if !self.is_withdrawn(&report.network, member) {
                self.topology.adapter_seen(now, &report.network, member);
            }
        }
        let mine = self.on_network(&report.network).into_iter().any(|index| {
            self.locals.get(&index).and_then(|local| local.group.view()).is_some_and(|view| {
                view.members.contains(report.group.leader) || view.id.leader == report.group.leader
            })
        });
        for index in self.on_network(&report.network) {
            if let Some(local) = self.locals.get_mut(&index) {
                local.group.heard_of(report.group);
            }
        }
        self.check_left_behind(report);
        if mine {
            return;
        }
        self.answer_removals(now, report);
        self.learn_removals(now, report);
        let members = Members::new(report.members.iter().cloned());
        let failed = report.failed_paths.iter().copied().collect();
        let network = &report.network;
        for event in self.topology.paths_committed(network, report.group, &members, &failed) {
            self.publish_as(Some(event), false);
        }
        let event = self.topology.network_merged(network, report.group, &members);
        self.publish_as(event, false);
    }

    /// My leader is a member of a newer group than mine, and I am not: one of us
    /// has missed something.
    fn check_left_behind(&mut self, report: &GroupReport) {
        for index in self.on_network(&report.network) {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            let Some(view) = local.group.view() else { continue };
            let (leader, me) = (view.id.leader, local.me.address);
            let newer = report.group.instance > view.id.instance;
            let lists = |address: IpAddr| member_of(report, address).is_some();
            if newer && leader != me && lists(leader) && !lists(me) {
                local.group.compare_with(leader);
            }
        }
    }

    /// A group that I am not in has lost members that are in one of mine: they are beyond
    /// a split from it. Whoever hears of both believes the later one.
    fn answer_removals(&mut self, now: Timestamp, report: &GroupReport) {
        for index in self.on_network(&report.network) {
            let Some(local) = self.locals.get_mut(&index).filter(|it| it.fault.is_none()) else {
                continue;
            };
            let lost = |view: &GroupView| {
                let lists = |removal: &Removal| {
                    let member = view.members.get(removal.member.address);
                    member.is_some_and(|member| *member == removal.member)
                };
                view.id.instance <= report.group.instance && report.removed.iter().any(lists)
            };
            if local.group.view().is_some_and(lost) {
                local.group.reaffirm(now);
            }
        }
    }

    fn learn_removals(&mut self, now: Timestamp, report: &GroupReport) {
        for removal in &report.removed {
            if removal.member.node_id == self.config.node_id
                || removal.verdict_id.is_empty()
                || self.is_withdrawn(&report.network, &removal.member)
            {
                continue;
            }
            let verdict = self.database.verdict(&removal.verdict_id).cloned();
            let Some(verdict) = verdict else {
                for index in self.indices() {
                    self.want_verdict(now, index, &removal.verdict_id);
                }
                continue;
            };
            let known = self.topology.nodes.get(&removal.member.node_id);
            let back = verdict.kind == VerdictKind::Node
                && known.is_some_and(|known| known.state == NodeState::Up);
            if matches!(verdict.kind, VerdictKind::Adapter | VerdictKind::Node) && !back {
                let before = report.group.instance.saturating_sub(1);
                let event = self.topology.adapter_down(
                    now,
                    &report.network,
                    &removal.member,
                    removal.cause,
                    Some(&verdict),
                    before,
                );
                self.publish_as(event, false);
            }
        }
    }
}

fn is_listed(report: &NodeReport, network: &str, address: IpAddr) -> bool {
    let it = |adapter: &AdapterReport| adapter.network == network && adapter.address == address;
    report.adapters.iter().any(it)
}

/// The node that made an item; none for a verdict, whose decider may be anyone.
pub(super) fn origin(item: &Item) -> Option<NodeId> {
    match &item.body {
        ItemBody::Node(report) => Some(report.node_id),
        ItemBody::Group(report) => Some(report.leader_node),
        ItemBody::Verdict(verdict) => Some(verdict.decided_by_node),
    }
}
