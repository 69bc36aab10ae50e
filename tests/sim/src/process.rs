//! What keeps a process from running: a stop signal, or others on its CPU.
//!
//! What comes meanwhile waits where it waits in reality: datagrams in the
//! socket's buffer, commands and reports in the link between daemon and NIM,
//! each with its bound. When the process has the CPU again, it finds everything
//! at once, in the order in which its loop looks.

use std::{collections::BTreeMap, time::Duration};

use hats_wire::link::{Report, encode_report};

use crate::{
    host::{Host, Port},
    net::Lost,
    queue::Happening,
    world::World,
};

/// Datagrams that a socket holds for a process that does not read: the usual
/// buffer is 212,992 bytes, and with its driver's page a datagram is charged for
/// 2,304 of them. Each of the two sockets, own address and group, has such a
/// buffer.
const SOCKET_DATAGRAMS_MAX: usize = 92;

/// Commands that the kernel holds for a NIM that does not read: the same buffer,
/// 768 bytes charged for each. Beyond, the daemon knows that it is blocked.
const COMMANDS_MAX: usize = 277;

/// Bytes that a NIM keeps for a slow daemon before it drops what others sent.
const REPORT_BYTES_MAX: usize = 1 << 20;

/// A NIM that takes no command for the detection time, and at least so long,
/// is killed.
const STUCK_MIN: Duration = Duration::from_secs(1);

/// Packets that a virtual host's adapters keep while it is suspended.
const ADAPTER_QUEUE_MAX: usize = 1_000;

/// A process of a host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Process {
    /// hatsd of that host.
    Daemon(usize),
    /// hats-nim of that adapter.
    Nim(Port),
}

/// What keeps a process from running, and what waits for it.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// It got SIGSTOP.
    pub(crate) stopped: bool,
    /// Whenever it is to run, it gets the CPU up to so many nanoseconds late.
    pub(crate) most: u64,
    /// It is to run and has not got the CPU.
    pub(crate) waits: bool,
    /// What came meanwhile.
    inbox: Vec<Happening>,
    /// Datagrams to its own address, and to the group.
    datagrams: [usize; 2],
    /// Datagrams that found no room.
    pub(crate) dropped: u64,
    commands: usize,
    /// Bytes that each NIM has to say.
    reports: BTreeMap<usize, usize>,
}

impl Gate {
    /// Takes out what waits.
    pub(crate) fn empty(&mut self) -> Vec<Happening> {
        (self.datagrams, self.commands) = ([0, 0], 0);
        self.reports.clear();
        std::mem::take(&mut self.inbox)
    }

    fn is_open(&self) -> bool {
        !self.stopped && !self.waits && self.most == 0
    }
}

impl Host {
    /// It is suspended: what happens waits, or vanishes.
    pub(crate) fn keep(&mut self, what: Happening) {
        let keeps = self.suspended.is_some_and(|(how, _)| how.keeps_packets());
        if !what.is_packet() {
            self.held.push(what);
        } else if keeps {
            let packets = self.held.iter().filter(|what| what.is_packet()).count();
            if packets < ADAPTER_QUEUE_MAX {
                self.held.push(what);
            }
        }
    }
}

impl World {
    /// Gives `what` back if its process has the CPU; otherwise it waits.
    pub(crate) fn through_gate(&mut self, what: Happening) -> Option<Happening> {
        if let Happening::Granted(what) = what {
            return Some(*what);
        }
        let Some(process) = what.process() else { return Some(what) };
        let run = match process {
            Process::Daemon(host) => {
                let daemon = self.hosts[host].daemon.as_ref();
                daemon.filter(|daemon| daemon.gate.is_some()).map(|daemon| daemon.run)
            }
            Process::Nim(port) => {
                let nim = self.adapter(port).nim.as_ref();
                nim.filter(|nim| nim.gate.is_some()).map(|nim| nim.run)
            }
        };
        let Some(run) = run else { return Some(what) };
        let gate = self.gate_mut(process)?;
        if !gate.stopped && !gate.waits {
            gate.waits = true;
            let most = gate.most;
            let late = self.chance.between(0, most);
            self.queue.put(self.now + late, Happening::Scheduled { process, run });
        }
        self.wait_for(process, run, what);
        None
    }

    /// The gate of a process that runs; it has one from now on.
    pub(crate) fn gate_mut(&mut self, process: Process) -> Option<&mut Gate> {
        match process {
            Process::Daemon(host) => Some(self.hosts[host].daemon.as_mut()?.gate_mut()),
            Process::Nim(port) => Some(self.adapter_mut(port).nim.as_mut()?.gate_mut()),
        }
    }

    /// `what` waits for the process, if there is room.
    pub(crate) fn wait_for(&mut self, process: Process, run: u64, what: Happening) {
        match (&what, process) {
            (Happening::DatagramArrives { to, from, group, bytes }, _) => {
                let (to, from, bytes) = (*to, *from, std::rc::Rc::clone(bytes));
                let socket = usize::from(*group);
                let open = self.adapter(to).is_open();
                let Some(gate) = self.gate_mut(process) else { return };
                if !open || gate.datagrams[socket] >= SOCKET_DATAGRAMS_MAX {
                    gate.dropped += u64::from(open);
                    let why = if open { Lost::NoRoom } else { Lost::Closed };
                    self.trace.lost(self, from, Some(to), &bytes, why);
                    return;
                }
                gate.datagrams[socket] += 1;
            }
            (Happening::CommandArrives { .. }, Process::Nim(port)) => {
                let Some(gate) = self.gate_mut(process) else { return };
                gate.commands += 1;
                if gate.commands == COMMANDS_MAX + 1 {
                    let detection = self.hosts[port.host].config.detection.detection_time();
                    let at = self.after(detection.max(STUCK_MIN));
                    self.queue.put(at, Happening::NimStuck { port, run });
                }
            }
            (Happening::ReportArrives { port, report, .. }, _) => {
                let (port, bytes) = (*port, encode_report(report).len());
                let of_others =
                    matches!(**report, Report::Received { .. } | Report::ProbeSeen { .. });
                let Some(gate) = self.gate_mut(process) else { return };
                let waiting = gate.reports.entry(port.adapter).or_default();
                if *waiting > REPORT_BYTES_MAX && of_others {
                    return self.daemon_is_slow(port);
                }
                *waiting += bytes;
            }
            (_, _) => {}
        }
        if let Some(gate) = self.gate_mut(process) {
            gate.inbox.push(what);
        }
    }

    /// Whether the NIM has had no room for commands since it was found blocked.
    pub(crate) fn is_blocked(&self, port: Port, run: u64) -> bool {
        let nim = self.adapter(port).nim.as_ref().filter(|nim| nim.run == run);
        nim.and_then(|nim| nim.gate.as_ref()).is_some_and(|gate| gate.commands > COMMANDS_MAX)
    }

    /// Which run of the process is there.
    pub(crate) fn run_of(&self, process: Process) -> Option<u64> {
        match process {
            Process::Daemon(host) => self.hosts[host].daemon.as_ref().map(|daemon| daemon.run),
            Process::Nim(port) => self.adapter(port).nim.as_ref().map(|nim| nim.run),
        }
    }

    /// The process is to run: it gets the CPU in a moment.
    pub(crate) fn schedule(&mut self, process: Process) {
        let usual = self.timing.wake_late.as_nanos() as u64;
        let Some(run) = self.run_of(process) else { return };
        let Some(gate) = self.gate_mut(process) else { return };
        if gate.waits {
            return;
        }
        gate.waits = true;
        let most = gate.most.max(usual);
        let late = self.chance.between(0, most);
        self.queue.put(self.now + late, Happening::Scheduled { process, run });
    }

    /// The process has the CPU: it finds everything that came meanwhile.
    pub(crate) fn scheduled(&mut self, process: Process, run: u64) {
        let runs = match process {
            Process::Daemon(host) => self.runs_daemon(host, run),
            Process::Nim(port) => self.runs_nim(port, run),
        };
        let Some(gate) = self.gate_mut(process).filter(|_| runs) else { return };
        gate.waits = false;
        if gate.stopped {
            return;
        }
        let inbox = gate.empty();
        let dropped = std::mem::take(&mut gate.dropped);
        let over = gate.is_open();
        match process {
            Process::Daemon(host) => {
                if over && let Some(daemon) = &mut self.hosts[host].daemon {
                    daemon.gate = None;
                }
                self.daemon_catches_up(host, inbox);
            }
            Process::Nim(port) => {
                if over && let Some(nim) = &mut self.adapter_mut(port).nim {
                    nim.gate = None;
                }
                self.nim_catches_up(port, inbox, dropped);
            }
        }
    }
}
