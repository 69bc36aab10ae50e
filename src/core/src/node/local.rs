//! This node's own adapters and their NIMs.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use core::{net::IpAddr, time::Duration};

use hats_wire::{
    AdapterReport, Cause, Identity, ItemBody, Member, Message, NodeReport,
    link::{Command, NeighbourState, Report, Statistics},
};

use super::{LATE_EVERY, Local, NimState, Node, damped::held_of, sync::Sync};
use crate::{
    arbiter::Missed,
    config::AdapterSpec,
    damping::Damper,
    event::{Event, EventKind},
    group::Group,
    io::{AdapterIndex, Effect},
    ring::Neighbours,
    say,
    targets::Targets,
    time::{Timestamp, nanos},
};

impl Node {
    pub(super) fn adapter_added(&mut self, now: Timestamp, index: AdapterIndex, spec: AdapterSpec) {
        let me = Member::from(Identity {
            address: spec.address,
            node_id: self.config.node_id,
            incarnation: self.config.incarnation,
            node: self.config.node.clone(),
            interface: spec.interface.clone(),
        });
        self.check_holder(now, me.node_id, (&spec.network.name, spec.address));
        self.topology.adapter_seen(now, &spec.network.name, &me);
        // Instances must grow across restarts: they begin with the run, which is
        // the time in milliseconds, and no group commits so fast.
        let group = Group::new(me.clone(), &self.config.detection, self.config.incarnation.0);
        let targets = Targets::new(&spec.required_targets, &self.config.detection);
        let references = spec.network.reference_targets.clone();
        let local = Local {
            spec,
            me,
            group,
            nim: NimState::Absent,
            nim_heard: now,
            link: None,
            fault: None,
            damper: Damper::default(),
            losses: super::losses::Losses::default(),
            references,
            targets,
            statistics: Statistics::default(),
            neighbours: Neighbours::default(),
            realtime: false,
            memory_locked: false,
            sync: Sync::default(),
            detours: super::detours::Detours::default(),
            questions: 0,
            proclaims: 0,
            hearing: super::multicast::Hearing::default(),
            widths: super::narrow::Widths::default(),
            ears: super::crossed::Ears::default(),
            rival: Vec::new(),
            long_sent: super::send::LongSent::default(),
            speakers: super::multicast::Speakers::default(),
        };
        self.locals.insert(index, local);
        self.report_self(now);
        self.refresh_nodes(now);
    }

    /// Where nothing is configured the default gateway is the reference target.
    pub(super) fn gateway_found(&mut self, index: AdapterIndex, gateway: Option<IpAddr>) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.spec.network.reference_targets.is_empty() {
            local.references = gateway.into_iter().collect();
        }
    }

    pub(super) fn adapter_removed(&mut self, now: Timestamp, index: AdapterIndex) {
        // The others are told that it goes on purpose.
        let group = self.locals.get(&index).and_then(|local| local.group.view());
        if let Some(group) = group.filter(|view| view.members.len() > 1).map(|view| view.id) {
            self.send(index, None, &Message::Leave { group });
        }
        if self.locals.get(&index).is_some_and(|local| local.fault.is_none()) {
            self.set_fault(now, index, Some(Cause::Removed));
        }
        self.end_hold(now, index);
        self.paths.end(index);
        let Some(local) = self.locals.remove(&index) else { return };
        self.arbiter.close_all(index, |_| false);
        let (name, address) = (local.spec.network.name.clone(), local.spec.address);
        for event in self.topology.adapter_forgotten(&name, address) {
            self.publish_as(Some(event), false);
        }
        self.nim(index, Command::Shutdown);
        // Another one may come in its place at once: who is in sight without it
        // is seen when something else happens.
        self.report_self(now);
    }

    pub(super) fn nim_started(&mut self, index: AdapterIndex) {
        let now = self.now;
        let Some(local) = self.locals.get_mut(&index) else { return };
        let restarted = matches!(local.nim, NimState::Died(_));
        local.nim = NimState::Running;
        local.nim_heard = now;
        self.configure(index);
        let lease = nanos(self.lease());
        self.nim(index, Command::Lease { duration_ns: lease });
        self.watch(index);
        if restarted && let Some(local) = self.locals.get(&index) {
            let name = local.spec.network.name.clone();
            let me = local.me.clone();
            let mut event =
                say::about_adapter(EventKind::NimRestarted, &name, &me, "NIM started again");
            event.clears = Some(EventKind::NimDied);
            event.authority = true;
            self.publish(event);
        }
    }

    pub(super) fn nim_died(&mut self, now: Timestamp, index: AdapterIndex, pid: u32, how: &str) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if !matches!(local.nim, NimState::Died(_)) {
            local.nim = NimState::Died(now);
        }
        // Its probes ended with it, and it cannot say so.
        local.targets.usable(now, false);
        self.paths.forget(index);
        let Some(local) = self.locals.get(&index) else { return };
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let words = format!("NIM (pid {pid}) died: {how}");
        let mut event = say::about_adapter(EventKind::NimDied, &name, &me, &words);
        event.pid = Some(pid);
        event.authority = true;
        self.publish(event);
    }

    /// How long a NIM may stay away: almost as long as the others wait.
    pub(super) fn nim_patience(&self) -> Duration {
        let detection = &self.config.detection;
        detection.detection_time().saturating_sub(detection.heartbeat_interval / 2)
    }

    /// A NIM that stays away longer is a fault: said just before the others
    /// miss it, it spares them the arbitration.
    pub(super) fn check_nim(&mut self, now: Timestamp, index: AdapterIndex) {
        let patience = self.nim_patience();
        let Some(local) = self.locals.get(&index) else { return };
        if let NimState::Died(at) = local.nim
            && local.fault.is_none()
            && now >= at + patience
        {
            self.set_fault(now, index, Some(Cause::NimFailed));
        }
        self.check_nim_answers(now, index);
    }

    /// A NIM answers each renewal of its lease. One that has not for as long as a
    /// lease lasts is stopped or stuck: it is replaced.
    fn check_nim_answers(&mut self, now: Timestamp, index: AdapterIndex) {
        let lease = self.lease();
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.nim != NimState::Running || now < local.nim_heard + lease {
            return;
        }
        let silent = now.since(local.nim_heard);
        // Once for each time that it could have answered.
        local.nim_heard = now;
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let words = format!("NIM has said nothing for {} ms; it is replaced", silent.as_millis());
        let mut event = say::about_adapter(EventKind::NimStuck, &name, &me, &words);
        event.late_ms = u64::try_from(silent.as_millis()).ok();
        event.authority = true;
        self.publish(event);
        let why = format!("it had said nothing for {} ms", silent.as_millis());
        self.effects.push(Effect::EndNim { adapter: index, why });
    }

    pub(super) fn nim_report(&mut self, now: Timestamp, index: AdapterIndex, report: Report) {
        if self.is_stale(now, &report) {
            return;
        }
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.nim_heard = now;
        match report {
            Report::Ready { realtime, memory_locked, icmp, warnings, .. } => {
                self.nim_ready(index, realtime, memory_locked, warnings);
                self.may_ask(now, index, icmp);
            }
            Report::Link(link) => self.link(now, index, link),
            Report::Received { from, to_group, datagram, .. } => {
                self.received(now, index, from, to_group, &datagram);
            }
            Report::Neighbour(neighbour) => {
                let address = neighbour.address;
                match neighbour.state {
                    NeighbourState::Waiting => {}
                    NeighbourState::Fresh => {
                        self.arbiter.close(index, address);
                        self.has_returned(now, index, address);
                    }
                    NeighbourState::Late | NeighbourState::Silent => {
                        let missed = Missed {
                            last_heard: Timestamp(neighbour.last_heard_ns),
                            silent: neighbour.state == NeighbourState::Silent,
                            steady: neighbour.steady,
                        };
                        self.with_arbiter(|arbiter, around| {
                            arbiter.missed(now, index, address, missed, around);
                        });
                    }
                }
            }
            Report::Taken { mac, .. } => self.claimed(index, mac),
            Report::Overheard { address, mac, .. } => self.overhears(now, index, address, &mac),
            Report::Stranger { from, group, node_id, incarnation, stalled, .. } => {
                self.note_speaker(now, index, from);
                self.check_incarnation(now, index, from, node_id, incarnation);
                if stalled {
                    self.goodbye(now, index, from);
                }
                if let Some(local) = self.locals.get_mut(&index) {
                    local.group.on_stranger(now, from, group);
                }
            }
            Report::ProbeSeen { from, case, .. } => {
                self.note_speaker(now, index, from);
                self.arbiter.probe_seen(index, from, case);
                self.say_it_is_held(index, from);
            }
            Report::ProbeDone(done) => {
                self.path_probe_done(now, index, &done);
                self.target_probe_done(now, index, &done);
                self.with_arbiter(|arbiter, around| arbiter.probe_done(now, &done, around));
            }
            Report::Statistics(statistics) => {
                if let Some(local) = self.locals.get_mut(&index) {
                    local.losses.counted(&statistics);
                    local.statistics = statistics;
                }
            }
            Report::Late { lateness_ns, .. } => self.late(now, lateness_ns),
        }
    }

    /// Whether it says what was so when this daemon did not run: others have
    /// gone on since, and what still counts is repeated.
    fn is_stale(&self, now: Timestamp, report: &Report) -> bool {
        let at = match report {
            Report::Received { at_ns, .. }
            | Report::Overheard { at_ns, .. }
            | Report::Stranger { at_ns, .. }
            | Report::ProbeSeen { at_ns, .. } => Timestamp(*at_ns),
            Report::Ready { .. }
            | Report::Link(_)
            | Report::Neighbour(_)
            | Report::ProbeDone(_)
            | Report::Statistics(_)
            | Report::Taken { .. }
            | Report::Late { .. } => return false,
        };
        now.since(at) > self.config.detection.detection_time()
    }

    fn nim_ready(
        &mut self,
        index: AdapterIndex,
        realtime: bool,
        memory_locked: bool,
        warnings: Vec<String>,
    ) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.realtime = realtime;
        local.memory_locked = memory_locked;
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        for warning in warnings {
            let mut event = say::about_adapter(EventKind::NimDegraded, &name, &me, &warning);
            event.authority = true;
            self.publish(event);
        }
    }

    /// This daemon slept: what its NIMs said meanwhile may still be on its way here.
    pub(super) fn excuse_nims(&mut self, now: Timestamp) {
        for local in self.locals.values_mut() {
            local.nim_heard = now;
        }
    }

    /// A daemon or NIM that slept does not judge others by what it slept through.
    pub(super) fn late(&mut self, now: Timestamp, lateness_ns: u64) {
        let limit = nanos(self.config.detection.detection_time() / 2);
        if lateness_ns < limit {
            return;
        }
        self.arbiter.abstain(now);
        if self.late_told.is_some_and(|at| now < at + LATE_EVERY) {
            return;
        }
        self.late_told = Some(now);
        let ms = lateness_ns / 1_000_000;
        let text = format!("{} was not scheduled for {ms} ms", self.config.node);
        let mut event = Event::new(EventKind::SelfLate, text);
        event.node = Some(self.config.node.clone());
        event.late_ms = Some(ms);
        event.authority = true;
        self.publish(event);
    }

    /// The one place where a local adapter becomes usable or stops being so.
    pub(super) fn set_fault(&mut self, now: Timestamp, index: AdapterIndex, fault: Option<Cause>) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.fault == fault {
            if fault.is_none() {
                local.group.enable(now);
            }
            return;
        }
        local.fault = fault;
        let Some(cause) = fault else {
            local.group.enable(now);
            let (name, address) = (local.spec.network.name.clone(), local.me.address);
            self.topology.adapter_usable(now, &name, address);
            self.report_self(now);
            return;
        };
        let alone = local.group.view().is_none_or(|view| view.members.len() == 1);
        let instance = local.group.view().map_or(0, |view| view.id.instance);
        let report = self.self_report();
        if cause == Cause::TargetsUnreachable {
            self.tell_before_leaving(index, &report);
        }
        if let Some(local) = self.locals.get_mut(&index) {
            local.group.disable();
        }
        self.follows(now, index);
        self.arbiter.close_all(index, |_| false);
        self.watch(index);
        let Some(local) = self.locals.get(&index) else { return };
        let (name, me) = (local.spec.network.name.clone(), local.me.clone());
        let mut event = self.topology.adapter_down(now, &name, &me, cause, None, instance);
        if let Some(event) = &mut event {
            self.name_missing(index, cause, event);
        }
        self.publish_as(event, alone);
        // The report names the group that the fault ended.
        self.originate(now, ItemBody::Node(report));
        self.refresh_nodes(now);
    }

    /// Tells the others what this node's adapters are like now.
    pub(super) fn report_self(&mut self, now: Timestamp) {
        let report = self.self_report();
        self.learn_multicast(&report);
        self.learn_narrow(&report);
        self.learn_overheard(&report);
        self.originate(now, ItemBody::Node(report));
    }

    pub(super) fn self_report(&self) -> NodeReport {
        NodeReport {
            node_id: self.config.node_id,
            node: self.config.node.clone(),
            version: self.config.version.to_string(),
            adapters: self
                .locals
                .values()
                .map(|local| AdapterReport {
                    network: local.spec.network.name.clone(),
                    interface: local.spec.interface.clone(),
                    address: local.spec.address,
                    fault: local.fault,
                    group: local.group.view().map(|view| view.id),
                    held: held_of(self.now, &local.damper),
                    mac: local.link.as_ref().map_or_else(Vec::new, |link| link.mac.clone()),
                    loss: local.losses.told,
                    multicast: local.hearing.says(),
                    narrow: local.widths.says(),
                    overheard: local.ears.says(),
                })
                .collect(),
            leaving: self.leaving.is_some(),
            maintenance: false,
        }
    }

    /// Tells the NIM who its neighbours are.
    pub(super) fn watch(&mut self, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        local.neighbours = local.group.neighbours();
        let group = local
            .group
            .view()
            .map_or(hats_wire::GroupId { instance: 0, leader: local.me.address }, |view| view.id);
        let Neighbours { feed, watch } = local.neighbours.clone();
        if local.nim == NimState::Running {
            self.nim(index, Command::Watch { group, feed, expect: watch });
        }
    }
}
