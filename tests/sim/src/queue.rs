//! What is still to happen, in order.

use std::{cmp::Ordering, collections::BinaryHeap, net::IpAddr, rc::Rc};

use hats_wire::link::{Command, Report};

use crate::{host::Port, process::Process};

/// One thing that will happen.
#[derive(Debug)]
pub(crate) enum Happening {
    /// A host's daemon starts.
    DaemonStarts { host: usize, run: u64 },
    /// A daemon's next deadline may have come.
    NodeWakes { host: usize, run: u64 },
    /// A NIM's next deadline may have come.
    NimWakes { port: Port, run: u64 },
    /// A NIM process has been started.
    NimStarts { port: Port, daemon: u64 },
    /// The daemon notices that a NIM process died, and how.
    NimDeathSeen { port: Port, daemon: u64, pid: u32, how: String },
    /// The daemon finds that a NIM has not taken its commands for long.
    NimStuck { port: Port, run: u64 },
    /// The daemon sees that an interface has another address.
    AddressesSeen { host: usize, daemon: u64, old: usize, new: usize },
    /// What waited for a process that has got the CPU, in its turn.
    Granted(Box<Happening>),
    /// A process that was to have the CPU gets it.
    Scheduled { process: Process, run: u64 },
    /// A cable is pulled or put back.
    CarrierTurns { port: Port, turn: u64, there: bool },
    /// A command gets to a NIM.
    CommandArrives { port: Port, run: u64, command: Command },
    /// A report gets to a daemon.
    ReportArrives { port: Port, daemon: u64, report: Report },
    /// The socket to the daemon closes at the NIM's end.
    DaemonGoneSeen { port: Port, run: u64 },
    /// The kernel tells the NIM about its link.
    LinkSeen { port: Port, run: u64 },
    /// A datagram gets to an adapter.
    DatagramArrives { to: Port, from: IpAddr, group: bool, bytes: Rc<Vec<u8>> },
    /// An ICMP echo request gets to an adapter.
    EchoArrives { to: Port, from: Port, sequence: u16 },
    /// An ICMP echo reply gets to an adapter.
    EchoReplyArrives { to: Port, from: IpAddr, sequence: u16 },
}

impl Happening {
    /// The host to which it happens.
    pub(crate) fn host(&self) -> usize {
        match self {
            Happening::Granted(what) => what.host(),
            Happening::DaemonStarts { host, .. }
            | Happening::NodeWakes { host, .. }
            | Happening::AddressesSeen { host, .. }
            | Happening::Scheduled { process: Process::Daemon(host), .. } => *host,
            Happening::NimWakes { port, .. }
            | Happening::NimStarts { port, .. }
            | Happening::NimDeathSeen { port, .. }
            | Happening::NimStuck { port, .. }
            | Happening::CarrierTurns { port, .. }
            | Happening::Scheduled { process: Process::Nim(port), .. }
            | Happening::CommandArrives { port, .. }
            | Happening::ReportArrives { port, .. }
            | Happening::DaemonGoneSeen { port, .. }
            | Happening::LinkSeen { port, .. } => port.host,
            Happening::DatagramArrives { to, .. }
            | Happening::EchoArrives { to, .. }
            | Happening::EchoReplyArrives { to, .. } => to.host,
        }
    }

    /// The process that it waits for the CPU with; none when the kernel does it.
    pub(crate) fn process(&self) -> Option<Process> {
        match self {
            Happening::Granted(what) => what.process(),
            Happening::NodeWakes { host, .. } | Happening::AddressesSeen { host, .. } => {
                Some(Process::Daemon(*host))
            }
            Happening::NimStarts { port, .. }
            | Happening::NimDeathSeen { port, .. }
            | Happening::NimStuck { port, .. }
            | Happening::ReportArrives { port, .. } => Some(Process::Daemon(port.host)),
            Happening::NimWakes { port, .. }
            | Happening::CommandArrives { port, .. }
            | Happening::DaemonGoneSeen { port, .. }
            | Happening::LinkSeen { port, .. }
            | Happening::DatagramArrives { to: port, .. }
            | Happening::EchoReplyArrives { to: port, .. } => Some(Process::Nim(*port)),
            Happening::DaemonStarts { .. }
            | Happening::EchoArrives { .. }
            | Happening::Scheduled { .. }
            | Happening::CarrierTurns { .. } => None,
        }
    }

    /// Whether it comes from the network, and is lost on a host that sleeps.
    pub(crate) fn is_packet(&self) -> bool {
        matches!(
            self,
            Happening::DatagramArrives { .. }
                | Happening::EchoArrives { .. }
                | Happening::EchoReplyArrives { .. }
        )
    }
}

/// When something happens, and where it lies. Entries are moved about a lot:
/// what happens is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    at: u64,
    order: u64,
    place: u32,
}

impl Ord for Entry {
    /// The earliest is the greatest; of one instant, the one put in first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What is still to happen. Two things of one instant keep the order in which
/// they were put in, so that a run depends on nothing but its seed.
#[derive(Debug)]
pub(crate) struct Queue<T = Happening> {
    heap: BinaryHeap<Entry>,
    order: u64,
    places: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new(), order: 0, places: Vec::new(), free: Vec::new() }
    }
}

impl<T> Queue<T> {
    /// `what` will happen at `at`.
    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.order += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("memory ends before")
        });
        self.places[place as usize] = Some(what);
        self.heap.push(Entry { at, order: self.order, place });
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The next thing.
    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        let entry = self.heap.pop()?;
        self.free.push(entry.place);
        let what = self.places[entry.place as usize].take();
        Some((entry.at, what.expect("an entry has its place for itself")))
    }
}
