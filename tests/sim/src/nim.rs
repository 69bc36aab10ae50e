//! The shell around a NIM machine: sockets, link and process, simulated.

use std::{net::IpAddr, rc::Rc};

use hats_core::{
    io::Input as NodeInput,
    nim::{Deadline, Effect, Input, Machine},
    time::{Timestamp, nanos},
};
use hats_wire::link::{Command, Report, everybody};

use crate::{
    host::{Port, Running},
    net::{ECHO_SIZE, Lost, Network, Travel, Way, leaves},
    process::Process,
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
        let (run, now) = (self.hosts[port.host].next_run(), self.now);
        let adapter = self.adapter_mut(port);
        adapter.nim = Some(Running::new(run, None).starved(adapter.starved));
        self.truth.changed(port.host);
        let adapter = self.adapter_mut(port);
        adapter.nim_since = now;
        adapter.nim_pid = 10_000 + u32::try_from(run).expect("a host starts few processes");
        self.tell_node(port.host, port, NodeInput::NimStarted { adapter: port.index() });
    }

    pub(crate) fn command_leaves(&mut self, port: Port, command: Command) {
        self.trace.command(self, port, &command);
        if let Some(nim) = &self.adapter(port).nim {
            let (at, run) = (self.after(self.timing.hop), nim.run);
            let command = Box::new(command);
            self.queue.put(at, Happening::CommandArrives { port, run, command });
        }
    }

    /// One thing happens to a NIM that has the CPU.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others do not happen to NIMs")]
    pub(crate) fn happens_to_nim(&mut self, what: Happening) {
        let Some(Process::Nim(port)) = what.process() else { return };
        match what {
            Happening::NimWakes { run, .. } => self.nim_wakes(port, run),
            what => {
                if self.nim_hears(port, what) {
                    self.nim_ends_turn(port);
                }
            }
        }
    }

    /// It has not had the CPU: what came meanwhile counts before what did not.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others do not happen to NIMs")]
    pub(crate) fn nim_catches_up(&mut self, port: Port, mut inbox: Vec<Happening>, dropped: u64) {
        if let Some(nim) = &mut self.adapter_mut(port).nim {
            nim.wake = None;
        }
        inbox.sort_by_key(|what| match what {
            Happening::CommandArrives { .. } => 0,
            Happening::DaemonGoneSeen { .. } => 1,
            Happening::LinkSeen { .. } => 2,
            Happening::DatagramArrives { .. } => 3,
            _ => 4,
        });
        for what in inbox {
            self.nim_hears(port, what);
        }
        if dropped > 0 {
            self.nim_handles(port, Input::Rejected("no_room", dropped));
        }
        self.nim_ends_turn(port);
    }

    /// The daemon did not take what this NIM had to say.
    pub(crate) fn daemon_is_slow(&mut self, port: Port) {
        if self.adapter(port).nim.as_ref().is_some_and(|nim| nim.gate.is_none()) {
            self.nim_handles(port, Input::Rejected("daemon_slow", 1));
            self.nim_ends_turn(port);
        }
    }

    /// The machine takes what happened; whether it was for it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others do not happen to NIMs")]
    fn nim_hears(&mut self, port: Port, what: Happening) -> bool {
        match what {
            Happening::CommandArrives { run, command, .. } => self.nim_is_told(port, run, *command),
            Happening::DaemonGoneSeen { run, .. } => self.daemon_gone_seen(port, run),
            Happening::LinkSeen { run, .. } => self.link_seen(port, run),
            Happening::DatagramArrives { from, group, bytes, .. } => {
                self.datagram_arrives(port, from, group, bytes)
            }
            Happening::EchoReplyArrives { from, sequence, .. } => {
                self.adapter(port).is_open()
                    && self.nim_handles(port, Input::EchoReply { from, sequence })
            }
            _ => false,
        }
    }

    fn nim_is_told(&mut self, port: Port, run: u64, command: Command) -> bool {
        if !self.runs_nim(port, run) {
            return false;
        }
        let now = self.clock(port.host);
        let Some(nim) = &mut self.adapter_mut(port).nim else { return false };
        match command {
            Command::Configure(config) if nim.machine.is_none() => {
                nim.machine = Some(Machine::new(config, now));
                self.truth.changed(port.host);
                let ready = Report::Ready {
                    pid: self.adapter(port).nim_pid,
                    version: "sim".to_owned(),
                    realtime: false,
                    memory_locked: false,
                    icmp: true,
                    warnings: Vec::new(),
                };
                self.report_leaves(port, ready);
                self.link_seen(port, run)
            }
            Command::Configure(_)
            | Command::Watch { .. }
            | Command::Send { .. }
            | Command::StartProbe(_)
            | Command::Lease { .. }
            | Command::Shutdown => self.nim_handles(port, Input::Command(command)),
        }
    }

    fn daemon_gone_seen(&mut self, port: Port, run: u64) -> bool {
        if !self.runs_nim(port, run) {
            return false;
        }
        // One that was never configured has nobody to say goodbye to.
        let told = self.nim_handles(port, Input::DaemonGone);
        if !told {
            self.adapter_mut(port).nim = None;
            self.truth.changed(port.host);
        }
        told
    }

    fn link_seen(&mut self, port: Port, run: u64) -> bool {
        if !self.runs_nim(port, run) {
            return false;
        }
        let link = self.adapter(port).link(self.clock(port.host).0, port);
        self.nim_handles(port, Input::LinkChanged(link))
    }

    fn datagram_arrives(
        &mut self,
        to: Port,
        from: IpAddr,
        group: bool,
        bytes: Rc<Vec<u8>>,
    ) -> bool {
        if !self.adapter(to).is_open() {
            self.trace.lost(self, from, Some(to), &bytes, Lost::Closed);
            return false;
        }
        self.trace.arrival(self, from, to, &bytes);
        // The last receiver of a multicast, and the only one of a unicast, take
        // the bytes themselves.
        let bytes = Rc::try_unwrap(bytes).unwrap_or_else(|shared| shared.to_vec());
        let network = &self.networks[self.adapter(to).network];
        let near = network.owners.contains_key(&from) || network.former.contains_key(&from);
        let input = if near {
            Input::Datagram { from, to_group: group, bytes }
        } else {
            Input::Announced { from, bytes }
        };
        self.nim_handles(to, input)
    }

    pub(crate) fn echo_arrives(&mut self, to: Port, from: Port, sequence: u16) {
        let address = self.adapter(to).address;
        if let Ok(travel) = self.travel(to, from, false, ECHO_SIZE) {
            let reply = Happening::EchoReplyArrives { to: from, from: address, sequence };
            self.queue.put(self.now + travel.took, reply);
        }
    }

    fn nim_wakes(&mut self, port: Port, run: u64) {
        let (at, now) = (self.now, self.clock(port.host));
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        if nim.run != run || nim.wake != Some(at) {
            return;
        }
        nim.wake = None;
        self.timers += 1;
        self.doing = Some((port, "a wake-up of its NIM"));
        let due = self.nim_ends_turn(port);
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        let spins = due.is_some_and(|(due, _)| due <= now);
        nim.idle_wakes = if spins { nim.idle_wakes + 1 } else { 0 };
        // Only wake-ups that change nothing are a machine that spins.
        if nim.idle_wakes > IDLE_WAKES_MAX {
            let name = self.port_name(port);
            self.broken = Some(format!("NIM of {name} does not get past {due:?}: it is {now}"));
        }
    }

    pub(crate) fn runs_nim(&self, port: Port, run: u64) -> bool {
        self.adapter(port).nim.as_ref().is_some_and(|nim| nim.run == run)
    }

    /// One input to the NIM's machine, if it has one; the turn must end after it.
    fn nim_handles(&mut self, port: Port, input: Input) -> bool {
        let now = self.clock(port.host);
        self.doing = Some((port, "an input of its NIM"));
        let Some(nim) = &mut self.adapter_mut(port).nim else { return false };
        let Some(machine) = &mut nim.machine else { return false };
        machine.handle(now, input);
        nim.idle_wakes = 0;
        true
    }

    /// After the last input of a turn: what is due, and what follows from it.
    /// Gives the machine's next deadline.
    fn nim_ends_turn(&mut self, port: Port) -> Option<(Timestamp, Deadline)> {
        let now = self.clock(port.host);
        let nim = &mut self.adapter_mut(port).nim;
        let machine = nim.as_mut().and_then(|nim| nim.machine.as_mut())?;
        let mut due = machine.next_deadline();
        // The real shell gives it each time round; with nothing due it does nothing.
        if due.is_some_and(|(due, _)| due <= now) {
            machine.handle(now, Input::Wake);
            due = machine.next_deadline();
        }
        // Carrying out what it wants does not change the machine.
        while let Some(effect) = self.next_nim_effect(port) {
            if let Some(effect) = self.unless_it_waits(port, effect) {
                self.nim_does(port, effect);
            }
        }
        self.ran.push(Process::Nim(port));
        self.set_nim_alarm_to(port, due);
        due
    }

    pub(crate) fn nim_does(&mut self, port: Port, effect: Effect) {
        match effect {
            Effect::Transmit { to, bytes } => self.transmit(port, to, Rc::new(bytes)),
            Effect::TransmitWhole { to, bytes } => self.transmit(port, Some(to), Rc::new(bytes)),
            Effect::Echo { to, sequence } => self.echo(port, to, sequence),
            // No machine is told that it could.
            Effect::Arp { .. } => {}
            Effect::Report(report) => self.report_leaves(port, report),
            Effect::Exit => {
                self.adapter_mut(port).nim = None;
                self.truth.changed(port.host);
            }
        }
    }

    fn next_nim_effect(&mut self, port: Port) -> Option<Effect> {
        self.adapter_mut(port).nim.as_mut()?.machine.as_mut()?.next_effect()
    }

    pub(crate) fn set_nim_alarm(&mut self, port: Port) {
        let nim = self.adapter(port).nim.as_ref();
        let due = nim.and_then(|nim| nim.machine.as_ref()).and_then(Machine::next_deadline);
        self.set_nim_alarm_to(port, due);
    }

    fn set_nim_alarm_to(&mut self, port: Port, due: Option<(Timestamp, Deadline)>) {
        let (Some((due, _)), Some(nim)) = (due, &self.adapter(port).nim) else { return };
        let (run, wake) = (nim.run, nim.wake);
        let due_at = self.hosts[port.host].clock.when(due.0).max(self.now);
        if wake.is_some_and(|wake| wake <= due_at) {
            return;
        }
        let at = self.timer(port.host, due);
        let alarm = self.queue.put(at, Happening::NimWakes { port, run });
        let Some(nim) = &mut self.adapter_mut(port).nim else { return };
        nim.wake = Some(at);
        if let Some(before) = nim.alarm.replace(alarm) {
            self.queue.cancel(before);
        }
    }

    fn report_leaves(&mut self, port: Port, report: Report) {
        if let Some(daemon) = &self.hosts[port.host].daemon {
            let (at, daemon) = (self.now + nanos(self.timing.hop), daemon.run);
            let report = Box::new(report);
            self.queue.put(at, Happening::ReportArrives { port, daemon, report });
        }
    }

    /// One datagram goes to one adapter, or to all.
    fn transmit(&mut self, from: Port, to: Option<IpAddr>, bytes: Rc<Vec<u8>>) {
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
        let mut arriving = 0;
        if to == Some(everybody(sender)) {
            // Who is on the same network is told by its group, and takes no notice; the
            // kernel drops what comes from an address of its own.
            let joined: Vec<usize> = self.networks[network].joined.iter().copied().collect();
            for network in joined {
                let ports = Rc::clone(&self.networks[network].ports);
                for &to in ports.iter().filter(|to| to.host != from.host) {
                    let alike = self.adapter(to).address.is_ipv4() == sender.is_ipv4();
                    if alike && self.adapter(to).is_open() {
                        arriving += self.carry(from, to, true, &bytes);
                    }
                }
            }
        } else if group {
            let ports = Rc::clone(&self.networks[network].ports);
            for &to in ports.iter().filter(|to| **to != from) {
                // A multicast that nobody there listens to is not worth a line.
                if self.adapter(to).is_open() {
                    arriving += self.carry(from, to, true, &bytes);
                }
            }
        } else if let Some(&to) = to.and_then(|to| self.networks[network].owners.get(&to)) {
            arriving += self.carry(from, to, false, &bytes);
        } else {
            self.trace.lost(self, sender, None, &bytes, Lost::NoSuchHost);
        }
        self.traffic.count(&bytes, arriving);
    }

    /// One datagram to one adapter; how often it arrives there.
    fn carry(&mut self, from: Port, to: Port, group: bool, bytes: &Rc<Vec<u8>>) -> u64 {
        let sender = self.adapter(from).address;
        let fate = self.travel(from, to, group, Network::size(sender, bytes));
        let travel = match self.fated([from, to], bytes, fate) {
            Ok(travel) => travel,
            Err(lost) => {
                self.trace.lost(self, sender, Some(to), bytes, lost);
                return 0;
            }
        };
        let arrival = |bytes| Happening::DatagramArrives { to, from: sender, group, bytes };
        self.queue.put(self.now + travel.took, arrival(Rc::clone(bytes)));
        if !travel.twice {
            return 1;
        }
        let later = self.chance.between(0, nanos(self.timing.latency.1));
        self.queue.put(self.now + travel.took + later, arrival(Rc::clone(bytes)));
        2
    }

    fn echo(&mut self, from: Port, to: IpAddr, sequence: u16) {
        let network = self.adapter(from).network;
        let Some(&to) = self.networks[network].owners.get(&to) else { return };
        if let Ok(travel) = self.travel(from, to, false, ECHO_SIZE) {
            let arrival = Happening::EchoArrives { to, from, sequence };
            self.queue.put(self.now + travel.took, arrival);
        }
    }

    /// How long a packet takes from one adapter to another, or why it is lost.
    fn travel(&mut self, from: Port, to: Port, group: bool, size: usize) -> Result<Travel, Lost> {
        let receiver = &self.hosts[to.host];
        if !receiver.takes_packets() {
            return Err(Lost::HostOff);
        }
        let sender = &self.hosts[from.host].adapters[from.adapter];
        let way = Way {
            network: &self.networks[sender.network],
            from: (from, sender),
            to: (to, &receiver.adapters[to.adapter]),
            group,
            size,
        };
        way.travel(&mut self.chance, &self.timing)
    }
}
