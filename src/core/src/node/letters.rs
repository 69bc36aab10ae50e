//! Node to node: letters find their way over any network.

use alloc::{collections::BTreeSet, string::String, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Envelope, Letter, Message, NodeId, Pair};

use super::Node;
use crate::{arbiter::Act, io::AdapterIndex, say, time::Timestamp};

/// Nodes that may pass a letter on.
const HOPS_MAX: u32 = 4;
/// Networks a letter is sent over at the same time, in case one is failing.
const COPIES_MAX: usize = 2;

impl Node {
    pub(super) fn act(&mut self, now: Timestamp, act: Act) {
        match act {
            Act::Letter { to, about, letter } => self.letter(now, to, about, letter),
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
            Act::Surveyed { silent, reached } => self.surveyed(now, *silent, &reached),
        }
    }

    /// Writes a letter. To itself, it is read at once.
    pub(super) fn letter(&mut self, now: Timestamp, to: NodeId, about: String, letter: Letter) {
        if to == self.config.node_id {
            self.read(now, to, about, letter);
            return;
        }
        let from = self.config.node_id;
        self.forward(Envelope { from, to, hops_left: HOPS_MAX, about, letter });
    }

    pub(super) fn envelope(&mut self, now: Timestamp, mut envelope: Envelope) {
        if envelope.to == self.config.node_id {
            self.read(now, envelope.from, envelope.about, envelope.letter);
        } else if envelope.hops_left > 0 && envelope.from != self.config.node_id {
            envelope.hops_left -= 1;
            self.forward(envelope);
        }
    }

    /// Sends towards the addressee: directly where both are members, avoiding
    /// the network the letter is about; else to a node that is nearer.
    fn forward(&mut self, envelope: Envelope) {
        // What a target says of its probes would prove nothing if it came
        // over the network in question.
        let elsewhere_only =
            matches!(envelope.letter, Letter::ProbeNotice(_) | Letter::ProbeSeen(_));
        let mut ways = self.direct_ways(envelope.to, &envelope.about, false);
        if ways.is_empty() {
            ways = self.next_hop(envelope.to, &envelope.about).into_iter().collect();
        }
        if ways.is_empty() && !elsewhere_only {
            ways = self.direct_ways(envelope.to, &envelope.about, true);
        }
        let message = Message::Envelope(envelope);
        for (index, address) in ways.into_iter().take(COPIES_MAX) {
            self.send(index, Some(address), &message);
        }
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
                let member = view.members.iter().find(|member| {
                    member.node_id == to && !local.group.is_doomed(member.address)
                })?;
                let failed = view.failed_paths.contains(&Pair::new(me, member.address));
                Some((failed, *index, member.address))
            })
            .collect();
        ways.sort_unstable();
        ways.into_iter().map(|(_, index, address)| (index, address)).collect()
    }

    /// The neighbour on the shortest way through the groups, not using the
    /// network in question.
    fn next_hop(&self, to: NodeId, about: &str) -> Option<(AdapterIndex, IpAddr)> {
        let mut rooms: Vec<BTreeSet<NodeId>> = self
            .database
            .groups()
            .filter(|report| report.network != about)
            .map(|report| report.members.iter().map(|member| member.node_id).collect())
            .collect();
        // Nodes that are as near to the addressee as found so far.
        let mut near = BTreeSet::from([to]);
        for _ in 0..HOPS_MAX {
            for local in self.locals.iter().filter(|(_, local)| local.fault.is_none()) {
                let (index, local) = local;
                if local.spec.network.name == about {
                    continue;
                }
                let Some(view) = local.group.view() else { continue };
                let hop = view.members.iter().find(|member| {
                    member.address != local.me.address
                        && near.contains(&member.node_id)
                        && !local.group.is_doomed(member.address)
                });
                if let Some(member) = hop {
                    return Some((*index, member.address));
                }
            }
            let (joined, apart): (Vec<_>, Vec<_>) =
                rooms.into_iter().partition(|room| !room.is_disjoint(&near));
            if joined.is_empty() {
                return None;
            }
            near.extend(joined.into_iter().flatten());
            rooms = apart;
        }
        None
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
            Letter::Silent(silent) => {
                let case_name = silent.case_name.clone();
                self.decide(now, silent);
                self.letter(now, from, about, Letter::SilentAck { case_name });
            }
            Letter::SilentAck { case_name } => self.arbiter.acknowledged(now, &case_name),
            Letter::PathRestored { network, pair } => self.path_works(now, &network, pair),
        }
    }
}
