//! What is still to happen, in order.

use std::{net::IpAddr, rc::Rc};

use hats_wire::link::{Command, Report};

use crate::{host::Port, process::Process};

/// One thing that will happen. It is handed on many times: what is large is
/// boxed.
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
    CommandArrives { port: Port, run: u64, command: Box<Command> },
    /// A report gets to a daemon.
    ReportArrives { port: Port, daemon: u64, report: Box<Report> },
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

impl Entry {
    /// The earliest is first; of one instant, the one put in first.
    fn before(&self, other: &Entry) -> bool {
        (self.at, self.order) < (other.at, other.order)
    }
}

/// One thing in the queue, for who wants to call it off.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ticket {
    place: u32,
    order: u64,
}

/// Children of an entry in the heap: fewer levels than with two.
const ARITY: usize = 4;

/// What is still to happen. Two things of one instant keep the order in which
/// they were put in, so that a run depends on nothing but its seed.
#[derive(Debug)]
pub(crate) struct Queue<T = Happening> {
    heap: Vec<Entry>,
    order: u64,
    places: Vec<Option<T>>,
    /// Where in the heap the entry of each place is.
    spots: Vec<u32>,
    free: Vec<u32>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let (heap, places, spots, free) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Queue { heap, order: 0, places, spots, free }
    }
}

impl<T> Queue<T> {
    /// `what` will happen at `at`.
    pub(crate) fn put(&mut self, at: u64, what: T) -> Ticket {
        self.order += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.spots.push(0);
            u32::try_from(self.places.len() - 1).expect("memory ends before")
        });
        self.places[place as usize] = Some(what);
        let entry = Entry { at, order: self.order, place };
        self.heap.push(entry);
        self.rise(self.heap.len() - 1, entry);
        Ticket { place, order: self.order }
    }

    /// It will not happen, if it has not yet.
    pub(crate) fn cancel(&mut self, ticket: Ticket) {
        let spot = self.spots[ticket.place as usize] as usize;
        let entry = self.heap.get(spot);
        if entry.is_some_and(|it| (it.place, it.order) == (ticket.place, ticket.order)) {
            self.remove(spot);
        }
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<u64> {
        self.heap.first().map(|entry| entry.at)
    }

    /// The next thing.
    pub(crate) fn take(&mut self) -> Option<(u64, T)> {
        let at = self.next_at()?;
        let what = self.remove(0);
        Some((at, what.expect("an entry has its place for itself")))
    }

    fn remove(&mut self, spot: usize) -> Option<T> {
        let gone = self.heap[spot];
        let last = self.heap.pop().filter(|last| *last != gone);
        if let Some(last) = last {
            // It comes from the bottom, of this branch or of another one.
            if spot > 0 && last.before(&self.heap[(spot - 1) / ARITY]) {
                self.rise(spot, last);
            } else {
                self.sink(spot, last);
            }
        }
        self.free.push(gone.place);
        self.places[gone.place as usize].take()
    }

    /// Puts `entry` at `spot`, or as far up from there as it belongs.
    fn rise(&mut self, mut spot: usize, entry: Entry) {
        while spot > 0 {
            let above = (spot - 1) / ARITY;
            if !entry.before(&self.heap[above]) {
                break;
            }
            self.set(spot, self.heap[above]);
            spot = above;
        }
        self.set(spot, entry);
    }

    /// Puts `entry` at `spot`, or as far down from there as it belongs.
    fn sink(&mut self, mut spot: usize, entry: Entry) {
        loop {
            let below = spot * ARITY + 1;
            let Some(children) = self.heap.get(below..) else { break };
            let children = children.iter().take(ARITY).enumerate();
            let first = children.min_by_key(|(_, child)| (child.at, child.order));
            let Some((child, first)) = first.filter(|(_, first)| first.before(&entry)) else {
                break;
            };
            let (child, first) = (below + child, *first);
            self.set(spot, first);
            spot = child;
        }
        self.set(spot, entry);
    }

    fn set(&mut self, spot: usize, entry: Entry) {
        self.heap[spot] = entry;
        self.spots[entry.place as usize] = u32::try_from(spot).expect("memory ends before");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    #[test]
    fn what_is_put_in_comes_out_in_order_except_what_was_called_off() {
        let mut chance = Chance::new(7);
        let (mut queue, mut expected, mut tickets) = (Queue::default(), Vec::new(), Vec::new());
        for number in 0..2_000u64 {
            // Few instants, so that many things share one.
            let at = chance.between(0, 200);
            tickets.push((queue.put(at, number), at, number));
            expected.push((at, number));
            if number.is_multiple_of(3) {
                let which = chance.between(0, tickets.len() as u64 - 1) as usize;
                let (ticket, at, number) = tickets.swap_remove(which);
                queue.cancel(ticket);
                expected.retain(|other| *other != (at, number));
            }
        }
        expected.sort_unstable();
        let came: Vec<(u64, u64)> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(came, expected);
    }

    #[test]
    fn what_has_happened_is_not_called_off_nor_what_took_its_place() {
        let mut queue = Queue::default();
        let first = queue.put(1, "first");
        assert_eq!(queue.take(), Some((1, "first")));
        queue.put(2, "second");
        queue.cancel(first);
        assert_eq!(queue.take(), Some((2, "second")));
    }
}
