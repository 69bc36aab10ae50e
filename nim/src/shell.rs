//! The loop: one `now` per wake-up, everything that has come in, then the
//! deadlines, then what is to be done.

use std::{
    net::IpAddr,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::mpsc::TryRecvError,
};

use anyhow::{Context, bail};
use hats_core::{
    nim::{Effect, Input, Machine},
    time::Timestamp,
};
use hats_sys::{
    AdapterSocket, Arp, ArpPacket, Audience, Echo, Readiness, lock_memory, monotonic_ns,
    set_realtime, wait_readable,
};
use hats_wire::link::{Command, Configure, Mode, Report};

use crate::{
    adapter::{Adapter, News, Sockets},
    daemon::Daemon,
};

/// Datagrams taken in one wake-up, so that a flood cannot hold up the deadlines.
const BATCH: usize = 1024;

/// Serves one adapter until the daemon says stop or is gone.
pub(crate) fn run(socket: UnixStream) -> anyhow::Result<()> {
    let mut daemon = Daemon::new(socket)?;
    let Some(config) = first_command(&mut daemon)? else { return Ok(()) };
    check(&config)?;
    let interface = config.interface.clone();
    let ready = prepare(&config);
    daemon.report(&ready.report)?;
    let adapter = Adapter::start(config.clone(), ready.realtime_priority)?;
    let mut shell = Shell {
        machine: Machine::new(config, Timestamp(monotonic_ns())),
        daemon,
        adapter,
        sockets: None,
    };
    shell.serve().with_context(|| interface)
}

struct Shell {
    machine: Machine,
    daemon: Daemon,
    adapter: Adapter,
    sockets: Option<Sockets>,
}

/// What can be read now.
#[derive(Clone, Copy)]
struct Ready {
    daemon: bool,
    adapter: bool,
    datagrams: bool,
    echo: bool,
    arp: bool,
}

impl Shell {
    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            self.daemon.flush();
            let until = self.machine.next_deadline().map(|(at, _)| at.0);
            let mut ready = self.wait(until)?;
            let now = Timestamp(monotonic_ns());
            if until.is_some_and(|until| now.0 >= until) {
                // What came in while nobody looked counts before what did not come.
                ready.datagrams = true;
            }
            if ready.daemon {
                self.commands(now)?;
            }
            if ready.adapter {
                self.news(now)?;
            }
            if ready.datagrams {
                self.datagrams(now);
            }
            if ready.echo {
                self.echoes(now);
            }
            if ready.arp {
                self.arps(now);
            }
            self.machine.handle(now, Input::Wake);
            if self.act(now)? {
                self.daemon.flush();
                return Ok(());
            }
        }
    }

    fn wait(&self, until: Option<u64>) -> anyhow::Result<Ready> {
        let socket = self.sockets.as_ref().map(|sockets| &sockets.adapter);
        let sockets = socket.map_or([None; 3], AdapterSocket::fds);
        let [own, group, everybody] = sockets.map(|fd| fd.map(|fd| (fd, false)));
        let echo = self.sockets.as_ref().and_then(|sockets| sockets.echo.as_ref());
        let arp = self.sockets.as_ref().and_then(|sockets| sockets.arp.as_ref());
        let ready = wait_readable(
            [
                Some((self.daemon.fd(), self.daemon.wants_to_write())),
                Some((self.adapter.fd(), false)),
                own,
                group,
                everybody,
                echo.map(|echo| (echo.as_fd(), false)),
                arp.map(|arp| (arp.as_fd(), false)),
            ],
            until,
        )?;
        let [daemon, adapter, own, group, everybody, echo, arp] =
            ready.map(|Readiness { readable, .. }| readable);
        Ok(Ready { daemon, adapter, datagrams: own || group || everybody, echo, arp })
    }

    fn commands(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.daemon.read();
        while let Some(command) = self.daemon.next_command()? {
            if let Command::Configure(config) = &command {
                check(config)?;
                self.adapter.configure(config.clone());
            }
            self.machine.handle(now, Input::Command(command));
        }
        if self.daemon.has_ended() {
            self.machine.handle(now, Input::DaemonGone);
        }
        Ok(())
    }

    fn news(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.adapter.drain_wakes();
        loop {
            match self.adapter.news().try_recv() {
                Ok(News::Closed(link)) => {
                    self.sockets = None;
                    self.machine.handle(now, Input::LinkChanged(link));
                }
                Ok(News::Opened(link, sockets)) => {
                    let (echo, arp) = (sockets.echo.is_some(), sockets.arp.is_some());
                    self.sockets = Some(*sockets);
                    self.machine.handle(now, Input::EchoAvailable(echo));
                    self.machine.handle(now, Input::ArpAvailable(arp));
                    self.machine.handle(now, Input::LinkChanged(link));
                }
                Ok(News::Changed(link)) => self.machine.handle(now, Input::LinkChanged(link)),
                Ok(News::Failed(error)) => return Err(error.into()),
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => bail!("the adapter's thread has ended"),
            }
        }
    }

    fn datagrams(&mut self, now: Timestamp) {
        let Some(sockets) = &mut self.sockets else { return };
        for _ in 0..BATCH {
            let Some(arrived) = sockets.adapter.receive() else { break };
            let bytes = sockets.adapter.bytes(&arrived).to_vec();
            let from = arrived.from;
            let input = match arrived.to {
                Audience::Own => Input::Datagram { from, to_group: false, bytes },
                Audience::Group => Input::Datagram { from, to_group: true, bytes },
                Audience::Everybody => Input::Announced { from, bytes },
            };
            self.machine.handle(now, input);
        }
        let refused = sockets.adapter.take_refused();
        for (reason, count) in [
            ("wrong_interface", refused.wrong_interface),
            ("no_sender", refused.no_sender),
            ("receive_errors", refused.errors),
            ("no_room", refused.no_room),
        ] {
            if count > 0 {
                self.machine.handle(now, Input::Rejected(reason, count));
            }
        }
    }

    fn echoes(&mut self, now: Timestamp) {
        let Some(echo) = self.sockets.as_mut().and_then(|sockets| sockets.echo.as_mut()) else {
            return;
        };
        for _ in 0..BATCH {
            let Some(answer) = echo.receive() else { break };
            let input = Input::EchoReply { from: answer.from, sequence: answer.sequence };
            self.machine.handle(now, input);
        }
    }

    fn arps(&mut self, now: Timestamp) {
        let Some(arp) = self.sockets.as_mut().and_then(|sockets| sockets.arp.as_mut()) else {
            return;
        };
        for _ in 0..BATCH {
            let Some(ArpPacket { mac, sender, target, asks }) = arp.receive() else { break };
            self.machine.handle(now, Input::Arp { mac, sender, target, asks });
        }
    }

    /// Does what the machine wants done; whether it wants to end.
    fn act(&mut self, now: Timestamp) -> anyhow::Result<bool> {
        let mut over = false;
        while let Some(effect) = self.machine.next_effect() {
            match effect {
                Effect::Transmit { to, bytes } => {
                    if !self.transmit(to, &bytes) {
                        self.machine.handle(now, Input::SendFailed);
                    }
                }
                Effect::TransmitWhole { to, bytes } => {
                    let sockets = self.sockets.as_ref();
                    if sockets.is_none_or(|it| it.adapter.send_whole(to, &bytes).is_err()) {
                        self.machine.handle(now, Input::SendFailed);
                    }
                }
                Effect::Echo { to, sequence } => {
                    // An echo that could not be sent is one without an answer.
                    if let Some(Sockets { echo: Some(echo), .. }) = &self.sockets {
                        let _ = echo.send(to, sequence);
                    }
                }
                Effect::Arp { mac, sender, target } => {
                    // A question that could not be sent is one without an answer.
                    if let Some(Sockets { arp: Some(arp), .. }) = &self.sockets {
                        let _ = arp.ask(mac, sender, target);
                    }
                }
                Effect::Report(report) => {
                    if !self.daemon.report(&report)? {
                        self.machine.handle(now, Input::Rejected("daemon_slow", 1));
                    }
                }
                Effect::Exit => over = true,
            }
        }
        Ok(over)
    }

    fn transmit(&self, to: Option<IpAddr>, bytes: &[u8]) -> bool {
        let Some(sockets) = &self.sockets else { return false };
        sockets.adapter.send(to, bytes).is_ok()
    }
}

/// Waits for the first command, which must say who we are; none when the daemon
/// ends before.
fn first_command(daemon: &mut Daemon) -> anyhow::Result<Option<Configure>> {
    loop {
        match daemon.next_command()? {
            Some(Command::Configure(config)) => return Ok(Some(config)),
            Some(other) => bail!("hatsd began with {other:?}: expected Configure"),
            None if daemon.has_ended() => return Ok(None),
            None => {
                wait_readable([Some((daemon.fd(), false))], None)?;
                daemon.read();
            }
        }
    }
}

/// Refuses what cannot work, by name.
fn check(config: &Configure) -> anyhow::Result<()> {
    let Configure { interface, address, group, mode, sensitivity, realtime_priority, .. } = config;
    if interface.is_empty() || interface.len() > 15 {
        bail!("interface {interface:?}: expected a name of 1 to 15 characters");
    }
    if config.port == 0 {
        bail!("port 0: expected 1 to 65535");
    }
    let interval = config.heartbeat_interval_ns;
    if !(1_000_000..=3_600_000_000_000).contains(&interval) {
        bail!("heartbeat interval of {interval} ns: expected 1 ms to 1 h");
    }
    if !(2..=10_000).contains(sensitivity) {
        bail!("sensitivity {sensitivity}: expected 2 to 10000");
    }
    if *realtime_priority > 99 {
        bail!("realtime priority {realtime_priority}: expected 0 to 99");
    }
    match (mode, group) {
        (Mode::Multicast, Some(group))
            if group.is_multicast() && group.is_ipv4() == address.is_ipv4() => {}
        (Mode::Broadcast, Some(IpAddr::V4(_))) if address.is_ipv4() => {}
        (Mode::Unicast, None) => {}
        (Mode::Multicast, _) => {
            bail!("group {group:?}: expected a multicast group of {address}'s family")
        }
        (Mode::Broadcast, _) => bail!("group {group:?}: expected an IPv4 broadcast address"),
        (Mode::Unicast, _) => bail!("group {group:?}: expected none in unicast mode"),
    }
    Ok(())
}

struct Prepared {
    report: Report,
    /// What was obtained; 0 for normal scheduling.
    realtime_priority: u8,
}

/// Gets what was asked for; what is not to be had becomes a warning.
fn prepare(config: &Configure) -> Prepared {
    let mut warnings = Vec::new();
    let mut warn = |result: Result<(), hats_sys::Error>| {
        let obtained = result.is_ok();
        warnings.extend(result.err().map(|error| error.to_string()));
        obtained
    };
    let icmp = warn(Echo::permitted(config.address.is_ipv6()));
    if config.address.is_ipv4() {
        warn(Arp::permitted());
    }
    let memory_locked = config.lock_memory && warn(lock_memory());
    let priority = config.realtime_priority;
    let realtime = priority > 0 && warn(set_realtime(priority));
    let report = Report::Ready {
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        realtime,
        memory_locked,
        icmp,
        warnings,
    };
    Prepared { report, realtime_priority: if realtime { priority } else { 0 } }
}
