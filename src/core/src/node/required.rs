//! Targets that an adapter must reach: asking them, and what follows for it.

use alloc::{string::ToString, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    CaseId, Cause, ItemBody, NodeReport,
    link::{Command, ProbeDone, StartProbe},
};

use super::{NimState, Node};
use crate::{
    event::{Event, EventKind},
    io::AdapterIndex,
    say,
    targets::Standing,
    time::{Timestamp, nanos},
};

/// Ids of these probes begin here, apart from those of others.
const FIRST_ID: u64 = 1 << 61;

impl Node {
    /// Asks what is due on one adapter.
    pub(super) fn ask_targets(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.nim != NimState::Running {
            return;
        }
        let Some(asking) = local.targets.wake(now) else { return };
        let timeout_ns = nanos(asking.timeout);
        for target in asking.targets {
            self.target_probes += 1;
            let id = FIRST_ID + self.target_probes;
            if let Some(local) = self.locals.get_mut(&index) {
                local.targets.asked(id, target);
            }
            let probe = StartProbe {
                id,
                case: CaseId(0),
                target,
                count: asking.requests,
                // The last one is waited for as long as half of all.
                interval_ns: timeout_ns / (u64::from(asking.requests) * 2),
                timeout_ns,
                icmp: true,
                icmp_only: true,
                size: 0,
                until_answered: false,
            };
            self.nim(index, Command::StartProbe(probe));
        }
    }

    pub(super) fn target_probe_done(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        done: &ProbeDone,
    ) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let before = local.targets.standing();
        if local.targets.done(now, done) {
            let lost = before == Standing::Well && local.targets.standing() == Standing::Silent;
            self.stands_otherwise(now, index, lost);
        }
    }

    /// Its NIM says whether it may send ICMP echo: without, nobody can be asked.
    pub(super) fn may_ask(&mut self, now: Timestamp, index: AdapterIndex, permitted: bool) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.targets.permitted(permitted);
        if permitted || local.targets.addresses().is_empty() {
            return;
        }
        let words = "cannot ask its required_targets without ICMP echo: it counts as up without";
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let mut event = say::about_adapter(EventKind::NimDegraded, &name, &me, words);
        event.authority = true;
        self.publish(event);
        if self.locals.get(&index).is_some_and(|local| local.link.is_some()) {
            self.stands_otherwise(now, index, false);
        }
    }

    /// What this node itself can add to the news of its adapter.
    pub(super) fn name_missing(&self, index: AdapterIndex, cause: Cause, event: &mut Event) {
        if cause != Cause::TargetsUnreachable {
            return;
        }
        let Some(local) = self.locals.get(&index) else { return };
        let asked: Vec<_> = local.targets.addresses().iter().map(ToString::to_string).collect();
        event.missing = Some(alloc::format!("an answer from {}", asked.join(" or ")));
    }

    /// An adapter that reaches none of its targets may reach its group all the
    /// same: it tells the group so before it leaves it.
    pub(super) fn tell_before_leaving(&mut self, index: AdapterIndex, report: &NodeReport) {
        let item = self.database.originate(ItemBody::Node(report.clone()));
        self.flood(index, None, [item]);
    }

    /// A member that has missed it speaks to the adapter as to one of its group.
    pub(super) fn tell_again(&mut self, index: AdapterIndex, from: IpAddr) {
        let fault = self.locals.get(&index).and_then(|local| local.fault);
        if fault == Some(Cause::TargetsUnreachable) {
            let item = self.database.own_node(self.config.node_id);
            self.flood(index, Some(from), item);
        }
    }
}
