//! Paths that the ring does not use, and paths that failed.
//!
//! Heartbeats go between neighbours only. Each adapter also patrols: it probes
//! one other member after the other, at a rate that does not grow with the
//! group, so that a path nobody's heartbeats use is known to fail before it is
//! needed. Failed paths are probed until they work again.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    CaseId, Letter, Pair,
    link::{Command, ProbeDone, StartProbe},
};

use super::Node;
use crate::{
    io::AdapterIndex,
    sizes::{PATHS_MAX, Size},
    time::{Timestamp, nanos},
};

/// Probes in a trial of a failed path.
const PROBES: u32 = 3;
/// Trials in a row that must succeed before a path is restored: most of their probes
/// are answered. To ask for all of them keeps a path that works for ever, where
/// datagrams are lost by chance; one that loses more than half is not to be used.
const TRIALS: u32 = 3;
/// Time between two probes of a patrol, unless the heartbeat interval is longer.
const PATROL_EVERY: Duration = Duration::from_millis(250);
/// Ids of these probes begin here, apart from arbitration's.
const FIRST_ID: u64 = 1 << 62;

/// Probes of paths under way; while so many are, none begins.
const RUNNING_MAX: usize = 256;

/// What a probe is for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Trial(Pair),
    /// Whether a long probe gets there.
    Long(IpAddr),
    /// Whether a short one beside it does.
    Short(IpAddr),
    /// The member visited; whether it failed to answer a first probe.
    Patrol(IpAddr, bool),
}

/// The probes this module has under way.
#[derive(Debug, Default)]
pub(super) struct Probing {
    trial_at: Option<Timestamp>,
    patrol_at: Option<Timestamp>,
    next_id: u64,
    running: BTreeMap<u64, (AdapterIndex, Purpose)>,
    good: BTreeMap<(AdapterIndex, Pair), u32>,
    /// Who was visited last.
    visited: BTreeMap<AdapterIndex, IpAddr>,
}

impl Probing {
    /// The probes of this adapter's NIM are not going to end.
    pub(super) fn forget(&mut self, index: AdapterIndex) {
        self.running.retain(|_, (of, _)| *of != index);
        self.good.retain(|(of, _), _| *of != index);
    }

    /// The adapter is not this node's any more.
    pub(super) fn end(&mut self, index: AdapterIndex) {
        self.forget(index);
        self.visited.remove(&index);
    }

    pub(super) fn sizes(&self, adapters: usize) -> [Size; 3] {
        [
            Size::new("probes of paths", self.running.len(), RUNNING_MAX),
            Size::new("trials of failed paths", self.good.len(), PATHS_MAX),
            Size::new("members visited last", self.visited.len(), adapters),
        ]
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.trial_at.into_iter().chain(self.patrol_at).min()
    }
}

impl Node {
    pub(super) fn probe_paths(&mut self, now: Timestamp) {
        self.try_failed_paths(now);
        if self.paths.patrol_at.is_none_or(|at| now >= at) {
            let every = self.config.detection.heartbeat_interval.max(PATROL_EVERY);
            self.paths.patrol_at = Some(now + every);
            for index in self.indices() {
                let last = self.paths.visited.get(&index).copied();
                if let Some(address) = self.next_visit(index, last) {
                    self.paths.visited.insert(index, address);
                    let purpose = Purpose::Patrol(address, false);
                    let timeout = self.config.detection.probe_timeout;
                    self.probe_path(purpose, index, address, (1, timeout), 0);
                }
                self.try_widths(now, index);
            }
            self.conclude_narrow(now);
        }
    }

    fn try_failed_paths(&mut self, now: Timestamp) {
        let mine: Vec<(AdapterIndex, Pair)> = self
            .indices()
            .into_iter()
            .flat_map(|index| {
                let me = self.locals.get(&index).map(|local| local.me.address);
                let pairs = self.failed_paths(index).into_iter();
                pairs.filter(move |pair| Some(pair.low()) == me).map(move |pair| (index, pair))
            })
            .collect();
        if mine.is_empty() {
            self.paths.trial_at = None;
            self.paths.good.clear();
            return;
        }
        if self.paths.trial_at.is_some_and(|at| now < at) {
            return;
        }
        self.paths.trial_at = Some(now + self.config.detection.heartbeat_interval * 2);
        self.paths.good.retain(|path, _| mine.contains(path));
        for (index, pair) in mine {
            let timeout = self.config.detection.probe_timeout;
            self.probe_path(Purpose::Trial(pair), index, pair.high(), (PROBES, timeout), 0);
        }
    }

    pub(super) fn probe_path(
        &mut self,
        purpose: Purpose,
        index: AdapterIndex,
        target: IpAddr,
        (count, timeout): (u32, Duration),
        size: u32,
    ) {
        if self.paths.running.len() >= RUNNING_MAX {
            return;
        }
        self.paths.next_id += 1;
        let id = FIRST_ID + self.paths.next_id;
        self.paths.running.insert(id, (index, purpose));
        let probe_timeout_ns = nanos(self.config.detection.probe_timeout);
        let probe = StartProbe {
            id,
            case: CaseId(0),
            target,
            count,
            interval_ns: probe_timeout_ns / 6,
            timeout_ns: nanos(timeout),
            icmp: false,
            icmp_only: false,
            size,
            until_answered: false,
        };
        self.nim(index, Command::StartProbe(probe));
    }

    /// The next member by rank after the one visited last.
    pub(super) fn next_visit(&self, index: AdapterIndex, last: Option<IpAddr>) -> Option<IpAddr> {
        let local = self.locals.get(&index).filter(|local| local.fault.is_none())?;
        let view = local.group.view()?;
        let me = local.me.address;
        let list = view.members.as_slice();
        let start = view.members.first_below(last.unwrap_or(me));
        (0..list.len()).map(|step| list[(start + step) % list.len()].address).find(|address| {
            *address != me
                && !local.group.is_doomed(*address)
                && !view.failed_paths.contains(&Pair::new(me, *address))
        })
    }

    pub(super) fn path_probe_done(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        done: &ProbeDone,
    ) {
        let purpose = self.paths.running.remove(&done.id).map(|(_, purpose)| purpose);
        if let Some(Purpose::Patrol(peer, false)) = purpose
            && done.sent > 0
            && let Some(local) = self.locals.get_mut(&index)
        {
            local.losses.probed(done.id, peer, done.received > 0);
            if done.received > 0 {
                self.note_speaker(now, index, peer);
            }
        }
        if purpose.is_none()
            && done.received > 0
            && let Some(local) = self.locals.get_mut(&index)
        {
            local.losses.answered_late(done.id);
            self.width_answered_late(index, done.id);
        }
        match purpose {
            Some(Purpose::Trial(pair)) => self.trial_done(now, index, pair, done),
            Some(Purpose::Patrol(address, again)) if done.received == 0 => {
                if again {
                    self.with_arbiter(|arbiter, around| {
                        arbiter.unanswered(now, index, address, now, around);
                    });
                } else {
                    // One datagram is easily lost, and a host may be busy: this
                    // silence counts when it has lasted as long as any other.
                    let timeout = self.config.detection.detection_time();
                    self.probe_path(
                        Purpose::Patrol(address, true),
                        index,
                        address,
                        (PROBES, timeout),
                        0,
                    );
                }
            }
            Some(Purpose::Long(peer)) => self.width_probed(now, index, (peer, true), done),
            Some(Purpose::Short(peer)) => self.width_probed(now, index, (peer, false), done),
            Some(Purpose::Patrol(..)) | None => {}
        }
    }

    fn trial_done(&mut self, now: Timestamp, index: AdapterIndex, pair: Pair, done: &ProbeDone) {
        let key = (index, pair);
        if done.received * 2 <= done.sent {
            self.paths.good.remove(&key);
            return;
        }
        let good = self.paths.good.entry(key).or_default();
        *good += 1;
        if *good < TRIALS {
            return;
        }
        self.paths.good.remove(&key);
        let Some(local) = self.locals.get(&index) else { return };
        let network = local.spec.network.name.clone();
        let leader = local.group.acting_leader();
        let leader = local
            .group
            .view()
            .and_then(|view| view.members.get(leader?))
            .map(|member| member.node_id);
        if let Some(node) = leader {
            let letter = Letter::PathRestored { network: network.clone(), pair };
            self.letter(now, node, network, letter);
        }
    }

    /// An end of a failed path says that it works again.
    pub(super) fn path_works(&mut self, now: Timestamp, network: &str, pair: Pair) {
        for index in self.on_network(network) {
            if let Some(local) = self.locals.get_mut(&index)
                && local.group.leads()
            {
                local.group.set_path(now, pair, false);
            }
        }
    }
}
