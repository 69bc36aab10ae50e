//! The shell around a node: what hatsd does without deciding anything.

use std::{net::IpAddr, rc::Rc};

use hats_core::{
    config::AdapterSpec,
    event::EventKind,
    io::{Effect, Input},
    node::Node,
    time::{Timestamp, nanos},
};
use hats_wire::{
    GroupId,
    link::{Command, Report},
};

use crate::{
    host::{Port, Running},
    queue::Happening,
    record::{Adoption, Said},
    world::World,
};

/// The driver tells its node when it wakes this much too late.
const LATE_AFTER_NS: u64 = 10_000_000;
/// So many wake-ups in a row without a later deadline are a machine that spins.
const IDLE_WAKES_MAX: u32 = 100;

impl World {
    pub(crate) fn daemon_starts(&mut self, host: usize, run: u64) {
        if self.hosts[host].daemon_run != run || self.hosts[host].daemon.is_some() {
            return;
        }
        let (config, now) = (self.hosts[host].config.clone(), self.clock(host));
        self.trace.state(self, host, &format!("daemon starts, run {}", config.incarnation.0));
        self.hosts[host].daemon = Some(Running::new(run, Node::new(config, now)));
        for index in 0..self.hosts[host].adapters.len() {
            let port = Port { host, adapter: index };
            let adapter = self.adapter(port);
            let spec = AdapterSpec {
                network: self.networks[adapter.network].spec.clone(),
                interface: adapter.interface.clone(),
                address: adapter.address,
                prefix_length: adapter.prefix_length,
            };
            self.adapter_mut(port).group = None;
            let at = self.after(self.timing.nim_start);
            self.queue.put(at, Happening::NimStarts { port, daemon: run });
            self.tell_node(host, port, Input::AdapterAdded { adapter: port.index(), spec });
        }
    }

    pub(crate) fn report_arrives(&mut self, port: Port, daemon: u64, report: Report) {
        if self.runs_daemon(port.host, daemon) {
            self.trace.report(self, port, &report);
            self.tell_node(port.host, port, Input::Nim { adapter: port.index(), report });
        }
    }

    pub(crate) fn nim_death_seen(&mut self, port: Port, daemon: u64, pid: u32) {
        if self.runs_daemon(port.host, daemon) {
            let input =
                Input::NimDied { adapter: port.index(), pid, how: "killed by signal 9".to_owned() };
            self.tell_node(port.host, port, input);
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
        let now = self.clock(host);
        let at = self.now;
        self.doing = Some((Port { host, adapter: 0 }, "a wake-up of its node"));
        let Some(daemon) = self.hosts[host]
            .daemon
            .as_mut()
            .filter(|daemon| daemon.run == run && daemon.wake == Some(at))
        else {
            return;
        };
        daemon.wake = None;
        if let Some((due, why)) = daemon.machine.next_deadline().filter(|(due, _)| *due <= now) {
            let lateness_ns = nanos(now.since(due));
            if lateness_ns >= LATE_AFTER_NS {
                daemon.machine.handle(now, Input::Late { lateness_ns });
            }
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
            self.trace.wake(self, host, &format!("{why:?}"));
        }
        self.settle_node(host);
    }

    /// Carries out what the node wants, and sets its alarm.
    fn settle_node(&mut self, host: usize) {
        let Some(daemon) = &mut self.hosts[host].daemon else { return };
        let effects = daemon.machine.drain();
        let mut adopted: Vec<Port> = Vec::new();
        for effect in effects {
            match effect {
                Effect::Nim { adapter, command } => {
                    let port = Port { host, adapter: adapter.0 as usize };
                    if matches!(command, Command::Watch { .. }) {
                        adopted.push(port);
                    }
                    self.command_leaves(port, command);
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
        self.set_node_alarm(host);
    }

    pub(crate) fn set_node_alarm(&mut self, host: usize) {
        let Some(daemon) = &self.hosts[host].daemon else { return };
        let (run, wake) = (daemon.run, daemon.wake);
        let Some((due, _)) = daemon.machine.next_deadline() else { return };
        let due_at = due.0.saturating_sub(self.hosts[host].clock).max(self.now);
        if wake.is_some_and(|wake| wake <= due_at) {
            return;
        }
        let at = self.timer(host, due);
        if let Some(daemon) = &mut self.hosts[host].daemon {
            daemon.wake = Some(at);
        }
        self.queue.put(at, Happening::NodeWakes { host, run });
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
            self.records.adopted(Adoption { at: self.now(), port, run, group, members });
        }
    }

    /// The daemon process is gone; its NIMs notice when their socket closes.
    pub(crate) fn daemon_ends(&mut self, host: usize) {
        self.hosts[host].daemon = None;
        self.hosts[host].daemon_run = 0;
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
        Some((Timestamp(due.0.saturating_sub(self.hosts[host].clock)), format!("{why:?}")))
    }
}
