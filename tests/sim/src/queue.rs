//! What is still to happen, in order.

use std::{cmp::Ordering, collections::BinaryHeap, net::IpAddr, rc::Rc};

use hats_wire::link::{Command, Report};

use crate::host::Port;

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
    /// The daemon notices that a NIM process died.
    NimDeathSeen { port: Port, daemon: u64, pid: u32 },
    /// A command gets to a NIM.
    CommandArrives { port: Port, run: u64, command: Command },
    /// A report gets to a daemon.
    ReportArrives { port: Port, daemon: u64, report: Report },
    /// The socket to the daemon closes at the NIM's end.
    DaemonGoneSeen { port: Port, run: u64 },
    /// The kernel tells the NIM about its link.
    LinkSeen { port: Port, run: u64 },
    /// A datagram gets to an adapter.
    DatagramArrives { to: Port, from: IpAddr, group: bool, bytes: Rc<[u8]> },
    /// An ICMP echo request gets to an adapter.
    EchoArrives { to: Port, from: Port, sequence: u16 },
    /// An ICMP echo reply gets to an adapter.
    EchoReplyArrives { to: Port, from: IpAddr, sequence: u16 },
}

impl Happening {
    /// The host to which it happens.
    pub(crate) fn host(&self) -> usize {
        match self {
            Happening::DaemonStarts { host, .. } | Happening::NodeWakes { host, .. } => *host,
            Happening::NimWakes { port, .. }
            | Happening::NimStarts { port, .. }
            | Happening::NimDeathSeen { port, .. }
            | Happening::CommandArrives { port, .. }
            | Happening::ReportArrives { port, .. }
            | Happening::DaemonGoneSeen { port, .. }
            | Happening::LinkSeen { port, .. } => port.host,
            Happening::DatagramArrives { to, .. }
            | Happening::EchoArrives { to, .. }
            | Happening::EchoReplyArrives { to, .. } => to.host,
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

#[derive(Debug)]
struct Entry<T> {
    at: u64,
    order: u64,
    what: T,
}

impl<T> Ord for Entry<T> {
    /// The earliest is the greatest; of one instant, the one put in first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

/// What is still to happen. Two things of one instant keep the order in which
/// they were put in, so that a run depends on nothing but its seed.
#[derive(Debug)]
pub(crate) struct Queue<T = Happening> {
    heap: BinaryHeap<Entry<T>>,
    order: u64,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new(), order: 0 }
    }
}

impl<T> Queue<T> {
    /// `what` will happen at `at`.
    pub(crate) fn put(&mut self, at: u64, what: T) {
        self.order += 1;
        self.heap.push(Entry { at, order: self.order, what });
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// The next thing.
    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        self.heap.pop().map(|entry| (entry.at, entry.what))
    }
}
