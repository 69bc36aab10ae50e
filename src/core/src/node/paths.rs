//! Failed paths are probed until they work again.

use alloc::collections::BTreeMap;

use hats_wire::{
    CaseId, Letter, Pair,
    link::{Command, ProbeDone, StartProbe},
};

use super::Node;
use crate::{
    io::AdapterIndex,
    time::{Timestamp, nanos},
};

/// Probes in a trial.
const PROBES: u32 = 3;
/// Trials in a row that must succeed wholly.
const TRIALS: u32 = 3;
/// Ids of these probes begin here, apart from arbitration's.
const FIRST_ID: u64 = 1 << 62;

/// Which failed paths of this node's adapters are being probed.
#[derive(Debug, Default)]
pub(super) struct Probing {
    at: Option<Timestamp>,
    next_id: u64,
    running: BTreeMap<u64, (AdapterIndex, Pair)>,
    good: BTreeMap<(AdapterIndex, Pair), u32>,
}

impl Probing {
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.at
    }
}

impl Node {
    pub(super) fn probe_failed_paths(&mut self, now: Timestamp) {
        let every = self.config.detection.heartbeat_interval * 2;
        let mine: alloc::vec::Vec<(AdapterIndex, Pair)> = self
            .indices()
            .into_iter()
            .flat_map(|index| {
                let me = self.locals.get(&index).map(|local| local.me.address);
                let pairs = self.failed_paths(index).into_iter();
                pairs.filter(move |pair| Some(pair.low()) == me).map(move |pair| (index, pair))
            })
            .collect();
        if mine.is_empty() {
            self.probing_paths =
                Probing { next_id: self.probing_paths.next_id, ..Probing::default() };
            return;
        }
        if self.probing_paths.at.is_some_and(|at| now < at) {
            return;
        }
        self.probing_paths.at = Some(now + every);
        self.probing_paths.running.clear();
        for (index, pair) in mine {
            self.probing_paths.next_id += 1;
            let id = FIRST_ID + self.probing_paths.next_id;
            self.probing_paths.running.insert(id, (index, pair));
            let timeout_ns = nanos(self.config.detection.probe_timeout);
            let probe = StartProbe {
                id,
                case: CaseId(0),
                target: pair.high(),
                count: PROBES,
                interval_ns: timeout_ns / 6,
                timeout_ns,
                icmp: false,
                icmp_only: false,
            };
            self.nim(index, Command::StartProbe(probe));
        }
    }

    pub(super) fn path_probe_done(&mut self, index: AdapterIndex, done: &ProbeDone) {
        let Some(key) = self.probing_paths.running.remove(&done.id) else { return };
        if done.received < done.sent || done.sent == 0 {
            self.probing_paths.good.remove(&key);
            return;
        }
        let good = self.probing_paths.good.entry(key).or_default();
        *good += 1;
        if *good < TRIALS {
            return;
        }
        self.probing_paths.good.remove(&key);
        let Some(local) = self.locals.get(&index) else { return };
        let network = local.spec.network.name.clone();
        let leader = local.group.acting_leader();
        let leader = local
            .group
            .view()
            .and_then(|view| view.members.get(leader?))
            .map(|member| member.node_id);
        if let Some(node) = leader {
            let letter = Letter::PathRestored { network: network.clone(), pair: key.1 };
            self.letter(Timestamp(done.at_ns), node, network, letter);
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
