//! Node to node: letters find their way over any network.

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Envelope, GroupReport, Item, ItemBody, Letter, Message, NodeId, Pair};

use super::{Local, Node};
use crate::{arbiter::Act, io::AdapterIndex, say, time::Timestamp};

/// Nodes that may pass a letter on.
const HOPS_MAX: u32 = 4;
/// Ways a letter is sent at the same time, in case one is failing.
const COPIES_MAX: usize = 2;
/// And if it does not matter over which, the network in question included.
const EVERYWHERE_MAX: usize = 4;
/// Nodes whose last letter's way is remembered.
pub(super) const WAYS_BACK_MAX: usize = 256;
/// And if it must go over the network in question: who is on which side of it
/// is not known.
const ROUNDABOUT_MAX: usize = 8;

/// How the last letter of a node came.
#[derive(Clone, Copy, Debug)]
pub(super) struct WayBack {
    at: Timestamp,
    index: AdapterIndex,
    sender: IpAddr,
    hops_left: u32,
}

impl Node {
    pub(super) fn act(&mut self, now: Timestamp, act: Act) {
        match act {
            Act::Letter { to, about, letter, once } => self.write(now, to, about, letter, once),
            Act::Probe { adapter, probe } => {
                self.nim(adapter, hats_wire::link::Command::StartProbe(probe));
            }
            Act::Suspicion { adapter, suspect, silent_ms } => {
                if let Some(local) = self.locals.get(&adapter) {
                    let event = say::suspect(&local.spec.network.name, &suspect, silent_ms);
                    self.publish(event);
                }
            }
            Act::Concluded(concluded) => self.have_decided(now, *concluded),
            Act::Compare { adapter, neighbour } => {
                if let Some(local) = self.locals.get_mut(&adapter) {
                    local.group.compare_with(neighbour);
                }
            }
            Act::Doubted { verdict, answered } => self.doubted(now, &verdict, answered),
            Act::Looked(silent) => self.looked(now, *silent),
            Act::Surveyed { silent, reached } => self.surveyed(now, *silent, &reached),
        }
    }

    /// Writes a letter. To itself, it is read at once.
    pub(super) fn letter(&mut self, now: Timestamp, to: NodeId, about: String, letter: Letter) {
        self.write(now, to, about, letter, false);
    }

    /// The same; in one copy if it is to go `once`, and nothing is known against the
    /// way: it is said again if nobody answers.
    pub(super) fn write(
        &mut self,
        now: Timestamp,
        to: NodeId,
        about: String,
        letter: Letter,
        once: bool,
    ) {
        if to == self.config.node_id {
            self.read(now, to, about, letter);
            return;
        }
        let from = self.config.node_id;
        self.forward(Envelope { from, to, hops_left: HOPS_MAX, about, letter }, once);
    }

    pub(super) fn envelope(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        sender: IpAddr,
        mut envelope: Envelope,
    ) {
        let lease = self.lease();
        self.ways_back.retain(|_, way| now <= way.at + lease);
        let way = WayBack { at: now, index, sender, hops_left: envelope.hops_left };
        let known = self.ways_back.get(&envelope.from);
        // A copy that went round is no better than one that came straight.
        let better = known.is_none_or(|known| {
            way.hops_left >= known.hops_left || now > known.at + self.config.detection.probe_timeout
        });
        if better && (self.ways_back.len() < WAYS_BACK_MAX || known.is_some()) {
            self.ways_back.insert(envelope.from, way);
        }
        if envelope.to == self.config.node_id {
            self.read(now, envelope.from, envelope.about, envelope.letter);
        } else if envelope.hops_left > 0 && envelope.from != self.config.node_id {
            envelope.hops_left -= 1;
            self.forward(envelope, false);
        }
    }

    /// Sends towards the addressee: directly where both are members, avoiding
    /// the network the letter is about; else to nodes that are nearer; else
    /// over that network, too, directly and by way of others.
    fn forward(&mut self, envelope: Envelope, once: bool) {
        let Envelope { from, to, .. } = envelope;
        let about = envelope.about.as_str();
        // What a target says of its probes would prove nothing if it left the
        // target, or had come to it, over the network in question.
        let target = match envelope.letter {
            Letter::ProbeNotice(_) => Some(to),
            Letter::ProbeSeen(_) => Some(from),
            Letter::ProbeRequest(_)
            | Letter::ProbeResult(_)
            | Letter::Silent(_)
            | Letter::SilentAck { .. }
            | Letter::PathRestored { .. } => None,
        };
        let mine = from == self.config.node_id;
        let mut ways = self.direct_ways(to, about, false);
        if ways.is_empty() {
            ways = self.next_hops(to, about, |network, _| network != about);
        }
        let roundabout = ways.is_empty();
        if roundabout {
            let barred = |network: &str, node| network == about && Some(node) == target;
            let direct = target.is_none() || (target == Some(from) && from != self.config.node_id);
            if direct {
                ways = self.direct_ways(to, about, true);
            }
            if ways.is_empty() || mine {
                let hops = self.next_hops(to, about, |network, node| !barred(network, node));
                // Hops over another network first: the one in question may be
                // in parts.
                let (elsewhere, there): (Vec<_>, Vec<_>) =
                    hops.into_iter().partition(|(index, _)| !self.is_on(*index, about));
                ways = elsewhere.into_iter().chain(ways).chain(there).collect();
            }
        } else {
            // Other networks may have faults, too, that are not known yet.
            if target.is_none() {
                ways.truncate(if mine { ways.len() } else { 1 });
                ways.extend(self.direct_ways(to, about, true));
            }
            if mine {
                ways.extend(self.relays(to, about));
            }
        }
        // Whom this node misses itself may not hear it either.
        ways.sort_by_key(|(index, address)| self.arbiter.has_case(*index, *address));
        if target.is_none() && (mine || ways.is_empty()) {
            // Who is not a member with this node any more can be answered still.
            let back = self.ways_back.get(&to).filter(|way| self.now <= way.at + self.lease());
            let back = back.map(|way| (way.index, way.sender));
            ways.splice(0..0, back.filter(|way| !ways.contains(way)));
        }
        // Copies of copies would be a storm, but for one that goes no further.
        let copies = match (mine, roundabout) {
            (true, false) if once && self.is_straight(&ways, to) => 1,
            (false, true) => 1,
            (false, false) if target.is_some() => 1,
            (false, false) => COPIES_MAX,
            (true, false) if target.is_some() => COPIES_MAX,
            (true, false) => EVERYWHERE_MAX,
            (true, true) => ROUNDABOUT_MAX,
        };
        let message = Message::Envelope(envelope);
        for (index, address) in ways.into_iter().take(copies) {
            self.send(index, Some(address), &message);
        }
    }

    /// Whether a letter can get to a node that does not go by way of `culprit`.
    pub(super) fn has_way(&self, to: NodeId, culprit: Option<NodeId>) -> bool {
        let direct = self.locals.values().filter(|local| local.fault.is_none()).any(|local| {
            local.group.view().is_some_and(|view| {
                view.members.of_node(to).any(|it| !local.group.is_doomed(it.address))
            })
        });
        direct || !self.next_hops(to, "", |_, node| Some(node) != culprit).is_empty()
    }

    /// Whether this node is in a group with others.
    fn has_company(&self) -> bool {
        let well = self.locals.iter().filter(|(_, local)| local.fault.is_none());
        well.into_iter().any(|(index, _)| self.in_company(*index))
    }

    fn is_on(&self, index: AdapterIndex, network: &str) -> bool {
        self.locals.get(&index).is_some_and(|local| local.spec.network.name == network)
    }

    /// Whether the first of these ways leads to the addressee itself, and nothing
    /// speaks against it.
    fn is_straight(&self, ways: &[(AdapterIndex, IpAddr)], to: NodeId) -> bool {
        let Some((index, address)) = ways.first() else { return false };
        let Some(local) = self.locals.get(index) else { return false };
        let view = local.group.view();
        let its = view.and_then(|view| view.members.get(*address)).map(|it| it.node_id);
        its == Some(to)
            && !local.group.is_failed(Pair::new(local.me.address, *address))
            && !self.arbiter.has_case(*index, *address)
    }

    /// Those whose path failed come last: they are sent round it.
    fn direct_ways(&self, to: NodeId, about: &str, same: bool) -> Vec<(AdapterIndex, IpAddr)> {
        let mut ways: Vec<(bool, AdapterIndex, IpAddr)> = self
            .locals
            .iter()
            .filter(|(_, local)| (local.spec.network.name == about) == same)
            .filter(|(_, local)| local.fault.is_none())
            .filter_map(|(index, local)| {
                let view = local.group.view()?;
                let me = local.me.address;
                let mut its = view.members.of_node(to);
                let member = its.find(|member| !local.group.is_doomed(member.address))?;
                let failed = local.group.is_failed(Pair::new(me, member.address));
                Some((failed, *index, member.address))
            })
            .collect();
        ways.sort_unstable();
        ways.into_iter().map(|(_, index, address)| (index, address)).collect()
    }

    /// Members that pass on what goes to another one of theirs, on networks other
    /// than `about`: the way between the two may have failed.
    fn relays(&self, to: NodeId, about: &str) -> Vec<(AdapterIndex, IpAddr)> {
        let ways = self.direct_ways(to, about, false);
        let relayed = |(index, address)| Some((index, self.relay_to(index, address)?));
        ways.into_iter().filter_map(relayed).collect()
    }

    /// The neighbours on the shortest ways through the groups, as far as nodes
    /// may be `used` on networks; not the addressee itself on network `about`.
    fn next_hops(
        &self,
        to: NodeId,
        about: &str,
        used: impl Fn(&str, NodeId) -> bool,
    ) -> Vec<(AdapterIndex, IpAddr)> {
        let rooms = || -> Vec<BTreeSet<NodeId>> {
            let room = |report: &GroupReport| {
                let nodes = report.members.iter().map(|member| member.node_id);
                nodes.filter(|node| used(&report.network, *node)).collect()
            };
            self.database.groups().map(room).collect()
        };
        // Those that the ways found so far do not go through; who is a member with
        // the addressee needs none.
        let mut apart: Option<Vec<BTreeSet<NodeId>>> = None;
        // Nodes that are as near to the addressee as found so far.
        let mut near = BTreeSet::from([to]);
        for _ in 0..HOPS_MAX {
            let usable = |local: &&Local| {
                local.fault.is_none() && used(&local.spec.network.name, self.config.node_id)
            };
            let mut hops = Vec::new();
            for (index, local) in self.locals.iter().filter(|(_, local)| usable(local)) {
                let members = local.group.view().into_iter().flat_map(|view| view.members.iter());
                let fit = members.filter(|member| {
                    member.address != local.me.address
                        && near.contains(&member.node_id)
                        && used(&local.spec.network.name, member.node_id)
                        && (member.node_id != to || local.spec.network.name != about)
                        && !local.group.is_doomed(member.address)
                });
                hops.extend(fit.map(|member| (*index, member.address)));
            }
            if !hops.is_empty() {
                return hops;
            }
            let (joined, others): (Vec<_>, Vec<_>) = apart
                .take()
                .unwrap_or_else(rooms)
                .into_iter()
                .partition(|room| !room.is_disjoint(&near));
            if joined.is_empty() {
                return Vec::new();
            }
            near.extend(joined.into_iter().flatten());
            apart = Some(others);
        }
        Vec::new()
    }

    /// Whether this was decided just now: everybody is being told.
    fn is_news(&self, now: Timestamp, item: &Item) -> bool {
        let at = match &item.body {
            ItemBody::Verdict(verdict) => self.verdicts_at.get(&verdict.id),
            ItemBody::Node(_) | ItemBody::Group(_) => None,
        };
        at.is_some_and(|at| now <= *at + self.config.detection.probe_timeout)
    }

    fn read(&mut self, now: Timestamp, from: NodeId, about: String, letter: Letter) {
        match letter {
            Letter::ProbeRequest(request) => {
                self.with_arbiter(|arbiter, around| arbiter.asked(now, from, request, around));
            }
            Letter::ProbeResult(result) => {
                self.with_arbiter(|arbiter, around| arbiter.result(now, from, result, around));
            }
            Letter::ProbeNotice(notice) => {
                self.with_arbiter(|arbiter, around| arbiter.noticed(from, notice, around));
            }
            Letter::ProbeSeen(seen) => self.arbiter.seen(&seen),
            // What it decides it must be able to tell.
            Letter::Silent(_) if !self.has_company() => {}
            Letter::Silent(silent) => {
                let case_name = silent.case_name.clone();
                let verdict = self.decided_already(&silent);
                // Everybody is just being told: one way will do.
                let once = verdict.as_ref().is_some_and(|item| self.is_news(now, item));
                let verdict = verdict.map(Into::into);
                self.decide(now, silent);
                self.write(now, from, about, Letter::SilentAck { case_name, verdict }, once);
            }
            Letter::SilentAck { case_name, verdict } => {
                self.arbiter.acknowledged(now, &case_name);
                if let Some(item) = verdict {
                    self.told_verdict(now, *item);
                }
            }
            Letter::PathRestored { network, pair } => self.path_works(now, &network, pair),
        }
    }
}
