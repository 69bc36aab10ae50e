//! Who is in sight: which group each adapter belongs to, by the newest facts
//! known here, and which nodes those groups connect to this one.

use alloc::{collections::BTreeMap, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, GroupReport, Incarnation, Member, NodeId};

use super::Node;
use crate::{linkstate::member_of, pace, time::Timestamp, topology::Visible};

/// Looks at who is in sight, one after another.
const LOOKS_MAX: usize = 4;

/// What the last look at who is in sight was made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Sources {
    /// Group, changes and whether it works, of each local adapter.
    groups: Vec<(Option<GroupId>, u64, bool)>,
    topology: u64,
    reports: u64,
}

impl Node {
    /// Looks anew which nodes and adapters groups connect to this one, as long
    /// as anything has changed that decides about it: a node that is back in
    /// sight brings its adapters. A look costs as much as there are adapters: in a
    /// crowd of which many fail at once it is not done for each of them.
    pub(super) fn refresh_nodes(&mut self, now: Timestamp) {
        for look in 0..LOOKS_MAX {
            self.forget_groups();
            self.assert_groups(now);
            let sources = self.sources();
            if self.refreshed.as_ref() == Some(&sources) {
                self.look_at = None;
                return;
            }
            let next = self.looked_at + self.pause();
            if look == 0 && self.topology.nodes.len() > pace::CROWD && now < next {
                self.look_at = Some(next);
                return;
            }
            self.looked_at = now;
            self.refreshed = Some(sources);
            let (reachable, visible) = self.sight();
            for event in self.topology.in_sight(now, &visible, self.config.node_id) {
                let place = event.network.as_deref().zip(event.addr);
                let authority = place.is_some_and(|(on, at)| self.leads_group_of(on, at));
                self.publish_as(Some(event), authority);
            }
            for (id, event) in self.topology.reachable(now, &reachable, self.config.node_id) {
                let authority = self.speaks_for(id);
                self.publish_as(Some(event), authority);
            }
        }
        self.look_at = None;
    }

    pub(super) fn wake_sight(&mut self, now: Timestamp) {
        if self.look_at.is_some_and(|at| now >= at) {
            self.look_at = None;
            self.refresh_nodes(now);
        }
    }

    /// All that decides who is in sight, as numbers that grow when it changes.
    pub(super) fn sources(&self) -> Sources {
        let groups = self.locals.values().map(|local| {
            let group = local.group.view().map(|view| view.id);
            (group, local.group.changes(), local.fault.is_none())
        });
        let groups = groups.collect();
        Sources { groups, topology: self.topology.changes, reports: self.database.changes() }
    }

    /// The newest group that lists each adapter, among those known here.
    pub(super) fn belongings(&self) -> BTreeMap<&str, BTreeMap<IpAddr, (GroupId, &Member)>> {
        let mut belongs: BTreeMap<&str, BTreeMap<IpAddr, (GroupId, &Member)>> = BTreeMap::new();
        let reported = self.database.groups().filter(|report| !self.is_listed_in_vain(report));
        let reported =
            reported.map(|report| (&*report.network, report.group, false, &report.members[..]));
        let own = self.locals.values().filter(|local| local.fault.is_none());
        let own = own.filter_map(|local| {
            let view = local.group.view()?;
            Some((&*local.spec.network.name, view.id, true, view.members.as_slice()))
        });
        let mut listed: Vec<(&str, GroupId, bool, &[Member])> = reported.chain(own).collect();
        // Of two groups of one instance nobody is in both: who leads one says so,
        // and of its own groups this node knows.
        listed
            .sort_by_key(|(network, group, own, _)| (*network, group.instance, *own, group.leader));
        for (network, group, _, members) in listed {
            let its = belongs.entry(network).or_default();
            for member in members {
                let leads = its.get(&member.address).is_some_and(|(other, _)| {
                    other.instance == group.instance && other.leader == member.address
                });
                if !leads && self.belongs(network, group, member) {
                    // Later ones come later.
                    its.insert(member.address, (group, member));
                }
            }
        }
        belongs
    }

    /// Whether it lists an adapter of this node that is in an earlier group with
    /// others: its leader has not noticed yet, and knows as little of the rest.
    fn is_listed_in_vain(&self, report: &GroupReport) -> bool {
        let mut locals = self.locals.values();
        locals.any(|local| {
            local.group.view().is_some_and(|view| {
                view.members.len() > 1
                    && view.id < report.group
                    && local.spec.network.name == report.network
                    && member_of(report, local.me.address) == Some(&local.me)
            })
        })
    }

    /// Whether to be listed in this group says anything of the adapter now.
    fn belongs(&self, network: &str, group: GroupId, member: &Member) -> bool {
        !self.is_past(network, group, member)
            && !self.is_doomed(network, member.address)
            && !self.returns.is_awaited(network, member)
            && !self.is_withdrawn(network, member)
            && self.own_fault(network, member).is_none()
    }

    /// What its own node says to be wrong with an adapter: a group that lists it
    /// does not know of that.
    pub(super) fn own_fault(&self, network: &str, member: &Member) -> Option<Cause> {
        self.topology.adapters.get(network, member.address)?.fault(member.incarnation)
    }

    /// Whether more is known of the adapter than that it was in this group: it
    /// failed later, it left, its address went away, or its daemon was started anew.
    fn is_past(&self, network: &str, group: GroupId, member: &Member) -> bool {
        let known = self.topology.adapters.get(network, member.address);
        let outlived = known.is_some_and(|known| known.outlived(group));
        let node = self.topology.nodes.get(&member.node_id);
        let gone = node.is_some_and(|node| node.had(network, member.address));
        outlived
            || node.is_some_and(|node| node.newest > member.incarnation)
            || (gone && self.is_withdrawn(network, member))
            || (gone && self.topology.is_renumbered(network, member))
    }

    /// Whether the group's own leader is known not to be in it any more: it is no
    /// news to anybody.
    pub(super) fn is_leaderless(&self, report: &GroupReport) -> bool {
        let leader = member_of(report, report.group.leader);
        report.leader_node != self.config.node_id
            && leader.is_some_and(|leader| self.is_past(&report.network, report.group, leader))
    }

    /// Whether nothing can be learned from a report any more: its group has lost
    /// its leader, and members have gone on in another one.
    pub(super) fn is_over(&self, report: &GroupReport) -> bool {
        let later = |group: GroupId, has: &dyn Fn(&Member) -> bool| {
            group > report.group
                && group.leader != report.group.leader
                && report.members.iter().any(has)
        };
        self.is_leaderless(report)
            && (self.database.groups_of(&report.network).any(|other| {
                later(other.group, &|member| member_of(other, member.address) == Some(member))
            }) || self.locals.values().any(|local| {
                let view = local.group.view().filter(|_| local.spec.network.name == report.network);
                view.is_some_and(|view| {
                    later(view.id, &|member| view.members.get(member.address) == Some(member))
                })
            }))
    }

    fn forget_groups(&mut self) {
        let over = self.database.groups().filter(|report| self.is_over(report));
        let over: Vec<_> = over.map(|it| (it.network.clone(), it.group.leader)).collect();
        for (network, leader) in over {
            self.database.forget_group(&network, leader);
        }
    }

    /// No other adapter is known on that network, by the word of everybody who is
    /// there: to be alone is no fault.
    pub(super) fn is_sole(&self, network: &str, address: IpAddr) -> bool {
        self.topology.adapters.on(network).all(|(other, _)| *other == address)
            && self.locals.values().filter_map(|local| local.group.view()).all(|view| {
                let said = |it: &Member| self.database.node(it.node_id).map(|(_, run)| run);
                view.members.iter().all(|it| said(it) >= Some(it.incarnation))
            })
    }

    /// The nodes that groups connect to this one, and the adapters that are in
    /// such a group with others.
    fn sight(&self) -> (BTreeMap<NodeId, Incarnation>, Visible) {
        let mut rooms: BTreeMap<(&str, GroupId), Vec<&Member>> = BTreeMap::new();
        for (network, its) in self.belongings() {
            for (group, member) in its.into_values() {
                rooms.entry((network, group)).or_default().push(member);
            }
        }
        let mut found = BTreeMap::from([(self.config.node_id, self.config.incarnation)]);
        let mut visible = Visible::new();
        loop {
            let before = found.len();
            rooms.retain(|(network, group), room| {
                let connected = room.iter().any(|member| found.contains_key(&member.node_id));
                if connected {
                    for member in room.iter() {
                        let seen = found.entry(member.node_id).or_insert(member.incarnation);
                        *seen = (*seen).max(member.incarnation);
                    }
                    if room.len() > 1 || self.is_sole(network, room[0].address) {
                        let its =
                            room.iter().map(|member| (member.address, (*group, (*member).clone())));
                        visible.entry((*network).into()).or_default().extend(its);
                    }
                }
                !connected
            });
            if found.len() == before {
                return (found, visible);
            }
        }
    }

    /// The newest group known here that lists this member.
    pub(super) fn newest_group(&self, network: &str, member: &Member) -> Option<GroupId> {
        self.newest_of(network, member, 1)
    }

    /// The same, of those in which it has company: to stand alone is no return.
    pub(super) fn newest_company(&self, network: &str, member: &Member) -> Option<GroupId> {
        self.newest_of(network, member, 2)
    }

    fn newest_of(&self, network: &str, member: &Member, size: usize) -> Option<GroupId> {
        let same = |other: &Member| other.incarnation >= member.incarnation;
        let reported = self
            .database
            .groups_of(network)
            .filter(|report| report.members.len() >= size)
            .filter(|report| member_of(report, member.address).is_some_and(same))
            .map(|report| report.group);
        let own = self
            .locals
            .values()
            .filter(|local| local.spec.network.name == network)
            .filter_map(|local| local.group.view())
            .filter(|view| view.members.len() >= size)
            .filter(|view| view.members.get(member.address).is_some_and(same))
            .map(|view| view.id);
        reported.chain(own).max()
    }

    pub(super) fn is_doomed(&self, network: &str, address: IpAddr) -> bool {
        self.locals
            .values()
            .any(|local| local.spec.network.name == network && local.group.is_doomed(address))
    }
}
