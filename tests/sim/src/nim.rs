//! The shell around a NIM machine: sockets, link and process, simulated.

use std::{net::IpAddr, rc::Rc};

use hats_core::{
    io::Input as NodeInput,
    nim::{Effect, Input, Machine},
    time::nanos,
};
use hats_wire::link::{Command, Report};

use crate::{
    host::{Port, Running},
    net::{Lost, Way, leaves},
    queue::Happening,
    world::World,
};

/// So many wake-ups in a row without a later deadline are a machine that spins.
const IDLE_WAKES_MAX: u32 = 100;

impl World {
    pub(crate) fn nim_starts(&mut self, port: Port, daemon: u64) {
        if !self.runs_daemon(port.host, daemon) {
            return;
        }
        // The NIM of an earlier daemon still has the port: it is on its way out.
        if self.adapter(port).nim.is_some() {
            let at = self.after(self.timing.nim_start);
            self.queue.put(at, Happening::NimStarts { port, daemon });
            return;
        }
        let run = self.hosts[port.host].next_run();
        let adapter = self.adapter_mut(port);
        adapter.nim = Some(Running::new(run, None));
        adapter.nim_pid = 10_000 + u32::try_from(run).expect("a host starts few processes");
        self.tell_node(port.host, port, NodeInput::NimStarted { adapter: port.index() });
    }

    pub(crate) fn command_leaves(&mut self, port: Port, command: Command) {
        self.trace.command(self, port, &command);
        if let Some(nim) = &self.adapter(port).nim {
            let (at, run) = (self.after(self.timing.hop), nim.run);
            self.queue.put(at, Happening::CommandArrives { port, run, command });
        }
    }

    pub(crate) fn command_arrives(&mut self, port: Port, run: u64, command: Command) {
        if !self.runs_nim(port, run) {
            return;
        }
        let now = self.clock(port.host);
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        match command {
            Command::Configure(config) if nim.machine.is_none() => {
                nim.machine = Some(Machine::new(config, now));
                let ready = Report::Ready {
                    pid: self.adapter(port).nim_pid,
                    version: "sim".to_owned(),
                    realtime: false,
                    memory_locked: false,
                    icmp: true,
                    warnings: Vec::new(),
                };
                self.report_leaves(port, ready);
                self.link_seen(port, run);
            }
            Command::Configure(_)
            | Command::Watch { .. }
            | Command::Send { .. }
            | Command::StartProbe(_)
            | Command::Lease { .. }
            | Command::Shutdown => self.tell_nim(port, Input::Command(command)),
        }
    }

    pub(crate) fn daemon_gone_seen(&mut self, port: Port, run: u64) {
        if !self.runs_nim(port, run) {
            return;
        }
        self.tell_nim(port, Input::DaemonGone);
        // One that was never configured has nobody to say goodbye to.
        if self.adapter(port).nim.as_ref().is_some_and(|nim| nim.machine.is_none()) {
            self.adapter_mut(port).nim = None;
        }
    }

    pub(crate) fn link_seen(&mut self, port: Port, run: u64) {
        if self.runs_nim(port, run) {
            let link = self.adapter(port).link(self.clock(port.host).0, port);
            self.tell_nim(port, Input::LinkChanged(link));
        }
    }

    pub(crate) fn datagram_arrives(&mut self, to: Port, from: IpAddr, group: bool, bytes: &[u8]) {
        if !self.adapter(to).is_open() {
            self.trace.lost(self, from, Some(to), bytes, Lost::Closed);
            return;
        }
        self.trace.arrival(self, from, to, bytes);
        self.tell_nim(to, Input::Datagram { from, to_group: group, bytes: bytes.to_vec() });
    }

    pub(crate) fn echo_arrives(&mut self, to: Port, from: Port, sequence: u16) {
        let address = self.adapter(to).address;
        if let Ok(took) = self.travel(to, from, false) {
            let reply = Happening::EchoReplyArrives { to: from, from: address, sequence };
            self.queue.put(self.now + took, reply);
        }
    }

    pub(crate) fn echo_reply_arrives(&mut self, to: Port, from: IpAddr, sequence: u16) {
        if self.adapter(to).is_open() {
            self.tell_nim(to, Input::EchoReply { from, sequence });
        }
    }

    pub(crate) fn nim_wakes(&mut self, port: Port, run: u64) {
        let (at, now) = (self.now, self.clock(port.host));
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        if nim.run != run || nim.wake != Some(at) {
            return;
        }
        nim.wake = None;
        let due = nim.machine.as_ref().and_then(Machine::next_deadline);
        if due.is_some_and(|(due, _)| due <= now) {
            self.tell_nim(port, Input::Wake);
        } else {
            self.set_nim_alarm(port);
        }
    }

    fn runs_nim(&self, port: Port, run: u64) -> bool {
        self.adapter(port).nim.as_ref().is_some_and(|nim| nim.run == run)
    }

    /// One input to the NIM, if it runs and knows what it is for.
    fn tell_nim(&mut self, port: Port, input: Input) {
        let now = self.clock(port.host);
        self.doing = Some((port, "an input of its NIM"));
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        let Some(machine) = &mut nim.machine else { return };
        let woken = input == Input::Wake;
        machine.handle(now, input);
        if !woken {
            machine.handle(now, Input::Wake);
        }
        // Only wake-ups that change nothing are a machine that spins.
        let spins = woken && machine.next_deadline().is_some_and(|(due, _)| due <= now);
        nim.idle_wakes = if spins { nim.idle_wakes + 1 } else { 0 };
        if nim.idle_wakes > IDLE_WAKES_MAX {
            let due = machine.next_deadline();
            let name = self.port_name(port);
            self.broken = Some(format!("NIM of {name} does not get past {due:?}: it is {now}"));
        }
        self.settle_nim(port);
    }

    /// Carries out what the NIM wants, and sets its alarm.
    fn settle_nim(&mut self, port: Port) {
        while let Some(effect) = self.next_nim_effect(port) {
            match effect {
                Effect::Transmit { to, bytes } => self.transmit(port, to, bytes.into()),
                Effect::Echo { to, sequence } => self.echo(port, to, sequence),
                Effect::Report(report) => self.report_leaves(port, report),
                Effect::Exit => self.adapter_mut(port).nim = None,
            }
        }
        self.set_nim_alarm(port);
    }

    fn next_nim_effect(&mut self, port: Port) -> Option<Effect> {
        self.adapter_mut(port).nim.as_mut()?.machine.as_mut()?.next_effect()
    }

    pub(crate) fn set_nim_alarm(&mut self, port: Port) {
        let Some(nim) = &self.adapter(port).nim else { return };
        let (run, wake) = (nim.run, nim.wake);
        let Some((due, _)) = nim.machine.as_ref().and_then(Machine::next_deadline) else { return };
        let due_at = due.0.saturating_sub(self.hosts[port.host].clock).max(self.now);
        if wake.is_some_and(|wake| wake <= due_at) {
            return;
        }
        let at = self.timer(port.host, due);
        if let Some(nim) = &mut self.adapter_mut(port).nim {
            nim.wake = Some(at);
        }
        self.queue.put(at, Happening::NimWakes { port, run });
    }

    fn report_leaves(&mut self, port: Port, report: Report) {
        if let Some(daemon) = &self.hosts[port.host].daemon {
            let (at, daemon) = (self.now + nanos(self.timing.hop), daemon.run);
            self.queue.put(at, Happening::ReportArrives { port, daemon, report });
        }
    }

    /// One datagram goes to one adapter, or to all.
    fn transmit(&mut self, from: Port, to: Option<IpAddr>, bytes: Rc<[u8]>) {
        let network = self.adapter(from).network;
        let spec = &self.networks[network].spec;
        let group = to.is_none() || to == spec.group;
        self.trace.transmit(self, from, to.filter(|_| !group), &bytes);
        let sender = self.adapter(from).address;
        if let Err(lost) = leaves(self.adapter(from)) {
            self.trace.lost(self, sender, None, &bytes, lost);
            self.traffic.count(&bytes, 0);
            return;
        }
        let receivers: Vec<Port> = if group {
            let owners = self.networks[network].owners.values();
            owners.copied().filter(|port| *port != from).collect()
        } else {
            to.and_then(|to| self.networks[network].owners.get(&to)).copied().into_iter().collect()
        };
        if receivers.is_empty() && !group {
            self.trace.lost(self, sender, None, &bytes, Lost::NoSuchHost);
        }
        let mut arriving = 0;
        for to in receivers {
            // A multicast that nobody there listens to is not worth a line.
            if group && !self.adapter(to).is_open() {
                continue;
            }
            match self.travel(from, to, group) {
                Ok(took) => {
                    arriving += 1;
                    let bytes = Rc::clone(&bytes);
                    let arrival = Happening::DatagramArrives { to, from: sender, group, bytes };
                    self.queue.put(self.now + took, arrival);
                }
                Err(lost) => self.trace.lost(self, sender, Some(to), &bytes, lost),
            }
        }
        self.traffic.count(&bytes, arriving);
    }

    fn echo(&mut self, from: Port, to: IpAddr, sequence: u16) {
        let network = self.adapter(from).network;
        let Some(&to) = self.networks[network].owners.get(&to) else { return };
        if let Ok(took) = self.travel(from, to, false) {
            self.queue.put(self.now + took, Happening::EchoArrives { to, from, sequence });
        }
    }

    /// How long a packet takes from one adapter to another, or why it is lost.
    fn travel(&mut self, from: Port, to: Port, group: bool) -> Result<u64, Lost> {
        let receiver = &self.hosts[to.host];
        if !receiver.is_awake() {
            return Err(Lost::HostOff);
        }
        let sender = &self.hosts[from.host].adapters[from.adapter];
        let way = Way {
            network: &self.networks[sender.network],
            from: (from, sender),
            to: (to, &receiver.adapters[to.adapter]),
            group,
        };
        way.travel(&mut self.chance, &self.timing)
    }
}
