//! The shell around a node: what hatsd does without deciding anything.

use std::{net::IpAddr, rc::Rc, time::Duration};

use hats_core::{
    config::AdapterSpec,
    event::EventKind,
    io::{Effect, Input, Wake},
    node::Node,
    time::{Timestamp, nanos},
};
use hats_wire::{
    GroupId,
    link::{Command, Report},
};

use crate::{
    host::{Port, Running},
    process::Process,
    queue::Happening,
    record::{Adoption, Order, Said},
    world::World,
};

/// The driver tells its node when it wakes this much too late, or half a
/// detection time.
const LATE_MAX: Duration = Duration::from_millis(50);
/// A NIM that died is started again at once; one that dies again waits so long,
/// then twice as long, ...
const BACKOFF_FIRST: Duration = Duration::from_millis(100);
/// ... but no longer than this.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// A NIM that lived this long was well.
const WELL_AFTER: Duration = Duration::from_secs(60);
/// So many wake-ups in a row without a later deadline are a machine that spins.
const IDLE_WAKES_MAX: u32 = 100;

impl World {
    pub(crate) fn daemon_starts(&mut self, host: usize, run: u64) {
        if self.hosts[host].daemon_run != run || self.hosts[host].daemon.is_some() {
            return;
        }
        let (config, now) = (self.hosts[host].config.clone(), self.clock(host));
        self.trace.state(self, host, &format!("daemon starts, run {}", config.incarnation.0));
        let (starved, hangs) = (self.hosts[host].starved, self.hosts[host].hangs);
        let mut node = Node::new(config, now);
        node.inherit(self.hosts[host].told.clone());
        let daemon = Running::new(run, node).starved(starved).stopped(hangs);
        self.hosts[host].daemon = Some(daemon);
        self.truth.leaves(host, false);
        for index in 0..self.hosts[host].adapters.len() {
            let port = Port { host, adapter: index };
            if !self.adapter(port).replaced {
                self.serve(port, run);
            }
        }
    }

    /// The daemon finds an adapter to serve, and starts a NIM for it.
    fn serve(&mut self, port: Port, run: u64) {
        let adapter = self.adapter_mut(port);
        (adapter.group, adapter.nim_deaths) = (None, 0);
        let adapter = self.adapter(port);
        let spec = AdapterSpec {
            network: self.networks[adapter.network].spec.clone(),
            interface: adapter.interface.clone(),
            address: adapter.address,
            prefix_length: adapter.prefix_length,
            required_targets: adapter.required.clone(),
        };
        let at = self.after(self.timing.nim_start);
        self.queue.put(at, Happening::NimStarts { port, daemon: run });
        self.tell_node(port.host, port, Input::AdapterAdded { adapter: port.index(), spec });
    }

    /// An interface has another address: hatsd serves that instead.
    pub(crate) fn addresses_seen(&mut self, host: usize, run: u64, old: usize, new: usize) {
        if !self.runs_daemon(host, run) {
            return;
        }
        let (old, new) = (Port { host, adapter: old }, Port { host, adapter: new });
        self.tell_node(host, old, Input::AdapterRemoved { adapter: old.index() });
        self.serve(new, run);
    }

    pub(crate) fn report_arrives(&mut self, port: Port, daemon: u64, report: Report) {
        if self.runs_daemon(port.host, daemon) {
            self.trace.report(self, port, &report);
            self.tell_node(port.host, port, Input::Nim { adapter: port.index(), report });
        }
    }

    pub(crate) fn nim_death_seen(&mut self, port: Port, daemon: u64, pid: u32, how: String) {
        if !self.runs_daemon(port.host, daemon) {
            return;
        }
        self.tell_node(port.host, port, Input::NimDied { adapter: port.index(), pid, how });
        let now = self.now;
        let adapter = self.adapter_mut(port);
        if Duration::from_nanos(now - adapter.nim_since) >= WELL_AFTER {
            adapter.nim_deaths = 0;
        }
        let rest = adapter.nim_deaths.checked_sub(1).map_or(Duration::ZERO, |doublings| {
            BACKOFF_FIRST.saturating_mul(1 << doublings.min(16)).min(BACKOFF_MAX)
        });
        adapter.nim_deaths += 1;
        let at = self.after(rest + self.timing.nim_start);
        self.queue.put(at, Happening::NimStarts { port, daemon });
    }

    /// A NIM that has taken no command for long is killed.
    pub(crate) fn nim_stuck(&mut self, port: Port, run: u64) {
        if self.is_blocked(port, run) {
            let how = "killed by signal 9, because it did not take its commands for 1.0 s";
            self.nim_dies(port, how);
        }
    }

    pub(crate) fn runs_daemon(&self, host: usize, run: u64) -> bool {
        self.hosts[host].daemon.as_ref().is_some_and(|daemon| daemon.run == run)
    }

    /// Gives one input to the node of `host`, if its daemon runs.
    pub(crate) fn tell_node(&mut self, host: usize, port: Port, input: Input) {
        let now = self.clock(host);
        self.doing = Some((port, "an input of its node"));
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        daemon.machine.handle(now, input);
        daemon.idle_wakes = 0;
        self.settle_node(host);
    }

    pub(crate) fn node_wakes(&mut self, host: usize, run: u64) {
        let at = self.now;
        let Some(daemon) = self.hosts[host]
            .daemon
            .as_mut()
            .filter(|daemon| daemon.run == run && daemon.wake == Some(at))
        else {
            return;
        };
        daemon.wake = None;
        let due = daemon.machine.next_deadline();
        self.timers += 1;
        self.node_says_late(host, due);
        self.node_does_what_is_due(host, due);
    }

    /// It has not had the CPU: what came meanwhile counts before what is due.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others keep their order")]
    pub(crate) fn daemon_catches_up(&mut self, host: usize, mut inbox: Vec<Happening>) {
        let now = self.now;
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        let run = daemon.run;
        daemon.wake = Some(now);
        let due = daemon.machine.next_deadline();
        self.node_says_late(host, due);
        // One NIM after the other is read, then ends are dealt with, then starts.
        inbox.sort_by_key(|what| match what {
            Happening::ReportArrives { port, .. } => (0, port.adapter),
            Happening::NimStarts { .. } => (2, 0),
            _ => (1, 0),
        });
        for what in inbox.into_iter().filter(|it| !matches!(it, Happening::NodeWakes { .. })) {
            // One after the other in this moment, so that every step is watched.
            self.queue.put(self.now, Happening::Granted(Box::new(what)));
        }
        self.queue.put(now, Happening::Granted(Box::new(Happening::NodeWakes { host, run })));
    }

    /// The driver compares the time with that of its deadline. What was due when
    /// it last looked at the clock was to be done from then on.
    fn node_says_late(&mut self, host: usize, due: Option<Wake>) {
        let now = self.clock(host);
        self.doing = Some((Port { host, adapter: 0 }, "its node being late"));
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        let Some((due, _)) = due.filter(|(due, _)| *due <= now) else { return };
        let limit = LATE_MAX.min(daemon.machine.config().detection.detection_time() / 2);
        let lateness = now.since(due.max(daemon.looked));
        if lateness >= limit {
            daemon.machine.handle(now, Input::Late { lateness_ns: nanos(lateness) });
        }
    }

    fn node_does_what_is_due(&mut self, host: usize, due: Option<Wake>) {
        let now = self.clock(host);
        self.doing = Some((Port { host, adapter: 0 }, "a wake-up of its node"));
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        if let Some((due, why)) = due.filter(|(due, _)| *due <= now) {
            daemon.machine.wake(now);
            daemon.idle_wakes += 1;
            let still = daemon.machine.next_deadline();
            if still.is_none_or(|(later, _)| later > now) {
                daemon.idle_wakes = 0;
            } else if daemon.idle_wakes > IDLE_WAKES_MAX {
                self.broken = Some(format!(
                    "{} does not get past its deadline {why:?} of {due}: now it is {now}",
                    self.hosts[host].name()
                ));
            }
            self.trace.wake(self, host, why);
        }
        self.settle_node(host);
    }

    /// Carries out what the node wants, and sets its alarm.
    fn settle_node(&mut self, host: usize) {
        let now = self.clock(host);
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        daemon.looked = now;
        let effects = daemon.machine.drain();
        let effects = self.tampered(host, effects);
        let mut adopted: Vec<Port> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Nim { adapter, command } => {
                    let port = Port { host, adapter: adapter.0 as usize };
                    if let Command::Watch { group, feed, expect } = &command {
                        adopted.push(port);
                        let (feed, expect) = (feed.clone(), expect.clone());
                        let run = self.hosts[host].config.incarnation.0;
                        let order = Order { port, run, group: *group, feed, expect };
                        self.records.orders.push(order);
                    }
                    self.command_leaves(port, command);
                }
                Effect::EndNim { adapter, why } => {
                    let port = Port { host, adapter: adapter.0 as usize };
                    self.nim_dies(port, &format!("killed by signal 9, because {why}"));
                }
                Effect::Publish(event) => {
                    self.trace.event(self, host, &event);
                    if event.kind == EventKind::NetworkLeader {
                        let adapters = 0..self.hosts[host].adapters.len();
                        adopted.extend(adapters.map(|adapter| Port { host, adapter }));
                    }
                    let run = self.hosts[host].config.incarnation.0;
                    let at = self.now();
                    let observer = self.hosts[host].name().to_owned();
                    self.hosts[host].told.note(&event);
                    self.records.said(Said { at, observer, run, event });
                }
                Effect::Left => {
                    self.trace.state(self, host, "daemon exits in good order");
                    self.daemon_ends(host);
                    return;
                }
            }
        }
        self.note_adoptions(host, &adopted);
        self.ran.push(Process::Daemon(host));
        self.set_node_alarm(host);
    }

    pub(crate) fn set_node_alarm(&mut self, host: usize) {
        let Some(daemon) = &self.hosts[host].daemon else { return };
        let (run, wake) = (daemon.run, daemon.wake);
        let Some((due, _)) = daemon.machine.next_deadline() else { return };
        let due_at = self.hosts[host].clock.when(due.0).max(self.now);
        if wake.is_some_and(|wake| wake <= due_at) {
            return;
        }
        let at = self.timer(host, due);
        let alarm = self.queue.put(at, Happening::NodeWakes { host, run });
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        daemon.wake = Some(at);
        if let Some(before) = daemon.alarm.replace(alarm) {
            self.queue.cancel(before);
        }
    }

    /// A daemon that gives its NIM a new watch list may have a new membership.
    fn note_adoptions(&mut self, host: usize, ports: &[Port]) {
        let Some(daemon) = self.hosts[host].daemon.as_ref().filter(|_| !ports.is_empty()) else {
            return;
        };
        let mut found: Vec<(Port, GroupId, Rc<[IpAddr]>)> = Vec::new();
        let run = self.hosts[host].config.incarnation.0;
        let mut members: Vec<IpAddr> = Vec::new();
        for &port in ports {
            let Some(view) = daemon.machine.group_on(port.index()) else { continue };
            let group = view.id;
            members.clear();
            members.extend(view.members.iter().rev().map(|member| member.address));
            let had = self.adapter(port).group.as_ref();
            let same = had.is_some_and(|had| had.0 == group && had.1[..] == members[..]);
            if same || found.iter().any(|(other, ..)| *other == port) {
                continue;
            }
            found.push((port, group, self.records.membership(group, &members)));
        }
        for (port, group, members) in found {
            self.adapter_mut(port).group = Some((group, Rc::clone(&members)));
            self.note_adoption(Adoption { at: self.now(), port, run, group, members });
        }
    }

    /// The daemon process is gone; its NIMs notice when their socket closes.
    pub(crate) fn daemon_ends(&mut self, host: usize) {
        self.hosts[host].daemon = None;
        self.hosts[host].daemon_run = 0;
        self.truth.changed(host);
        let at = self.after(self.timing.hop);
        for adapter in 0..self.hosts[host].adapters.len() {
            let port = Port { host, adapter };
            if let Some(nim) = &self.adapter(port).nim {
                let run = nim.run;
                self.queue.put(at, Happening::DaemonGoneSeen { port, run });
            }
        }
    }

    /// The deadline of a node, in the world's time, with its reason.
    pub(crate) fn pending(&self, host: usize) -> Option<(Timestamp, String)> {
        let daemon = self.hosts[host].daemon.as_ref()?;
        let (due, why) = daemon.machine.next_deadline()?;
        Some((Timestamp(self.hosts[host].clock.when(due.0)), format!("{why:?}")))
    }
}
