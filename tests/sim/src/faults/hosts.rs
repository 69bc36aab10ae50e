//! What can be done to whole nodes.

use std::time::Duration;

use hats_core::io::Input;
use hats_wire::Incarnation;

use super::START_MS;
use crate::{host::Port, process::Process, queue::Happening, world::World};

/// How a host is suspended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Suspend {
    /// A virtual host that does not run: its clock goes on, packets vanish.
    Frozen,
    /// The same, but its adapters keep what comes, up to their bound.
    Queueing,
    /// The host itself sleeps: CLOCK_MONOTONIC stands still, packets vanish.
    Asleep,
}

impl Suspend {
    /// What comes from the network is not lost at once.
    pub(crate) fn keeps_packets(self) -> bool {
        match self {
            Suspend::Queueing => true,
            Suspend::Frozen | Suspend::Asleep => false,
        }
    }
}

impl World {
    /// Power is gone: everything on the node is silent at once.
    pub fn crash(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("crash {node}"));
        self.power_off(host);
    }

    fn power_off(&mut self, host: usize) {
        self.wake_clock(host);
        let at = &mut self.hosts[host];
        (at.up, at.asleep, at.daemon, at.daemon_run) = (false, false, None, 0);
        at.held.clear();
        for adapter in &mut at.adapters {
            (adapter.nim, adapter.group) = (None, None);
        }
    }

    /// Starts the daemon of a node that has none yet.
    pub fn start(&mut self, node: &str) {
        self.done(format!("start {node}"));
        self.start_within(node, Duration::ZERO);
    }

    pub(crate) fn start_within(&mut self, node: &str, spread: Duration) {
        let host = self.host_named(node);
        let run = self.hosts[host].next_run();
        self.hosts[host].daemon_run = run;
        let late = self.chance.between(0, spread.as_nanos() as u64);
        self.queue.put(self.now + late, Happening::DaemonStarts { host, run });
    }

    /// The node comes back as a new incarnation. A daemon that still runs is
    /// ended without a word, as by a reset of the host.
    pub fn restart(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("restart {node}"));
        if self.hosts[host].daemon.is_some() || !self.hosts[host].up {
            self.power_off(host);
        }
        self.hosts[host].up = true;
        let Incarnation(before) = self.hosts[host].config.incarnation;
        // As hatsd does: milliseconds of the wall clock, and more than before.
        let clock = START_MS + self.now / 1_000_000;
        let clock = clock.saturating_add_signed(self.hosts[host].wall_ms);
        self.hosts[host].config.incarnation = Incarnation(clock.max(before + 1));
        if !self.hosts[host].plain {
            self.start_within(node, Duration::ZERO);
        }
    }

    /// The whole host is suspended: no process runs, no packet is taken.
    pub fn pause(&mut self, node: &str) {
        self.suspend(node, Suspend::Frozen);
    }

    /// The whole host is suspended, in this way.
    pub fn suspend(&mut self, node: &str, how: Suspend) {
        let host = self.host_named(node);
        self.done(format!("suspend {node}: {how:?}"));
        let now = self.now;
        let at = &mut self.hosts[host];
        if !at.asleep {
            (at.asleep, at.suspended) = (true, Some((how, now)));
        }
    }

    /// The host goes on; what was due meanwhile is late.
    pub fn resume(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("resume {node}"));
        self.wake_clock(host);
        self.hosts[host].asleep = false;
        let held = std::mem::take(&mut self.hosts[host].held);
        self.schedule_all(host);
        for what in held {
            match what.process().zip(what.process().and_then(|process| self.run_of(process))) {
                Some((process, run)) => self.wait_for(process, run, what),
                None => {
                    self.queue.put(self.now, what);
                }
            }
        }
    }

    /// Every process of the host is to run again.
    fn schedule_all(&mut self, host: usize) {
        self.schedule(Process::Daemon(host));
        for adapter in 0..self.hosts[host].adapters.len() {
            self.schedule(Process::Nim(Port { host, adapter }));
        }
    }

    /// The clock of a host that slept goes on where it stood.
    fn wake_clock(&mut self, host: usize) {
        let now = self.now;
        let at = &mut self.hosts[host];
        if let Some((Suspend::Asleep, since)) = at.suspended.take() {
            at.clock.skip(since, now);
        }
    }

    /// Alarms are set anew, after something was done to the clock.
    pub(super) fn set_alarms(&mut self, host: usize) {
        if let Some(daemon) = &mut self.hosts[host].daemon {
            daemon.wake = None;
            self.set_node_alarm(host);
        }
        for adapter in 0..self.hosts[host].adapters.len() {
            let port = Port { host, adapter };
            if let Some(nim) = &mut self.adapter_mut(port).nim {
                nim.wake = None;
                self.set_nim_alarm(port);
            }
        }
    }

    /// Stops in good order.
    pub fn leave(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("{node} leaves"));
        self.truth.leaves(host, true);
        if self.hosts[host].daemon.is_none() {
            // What is stopped before it has started does not start.
            self.hosts[host].daemon_run = 0;
            return;
        }
        self.tell_node(host, Port { host, adapter: 0 }, Input::Leave);
    }
}
