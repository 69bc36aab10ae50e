//! Members that stand still for a while and are well otherwise, and what a
//! kernel keeps for them meanwhile.

use std::{collections::VecDeque, fmt};

use hats_core::nim::Effect;

use crate::{host::Port, net::ECHO_SIZE, queue::Happening, world::World};

/// What stands still, and what comes first when it is over.
///
/// The kernel runs on in each case: it answers ICMP echo, and keeps for the
/// sockets what comes in, as long as there is room.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Freeze {
    /// The processes do not run, as after SIGSTOP or on a machine without a free
    /// core. Afterwards what came in is handled before any timer.
    Stopped,
    /// The processes run and their timers fire, but nothing is sent and nothing
    /// that came in is handled: Lifeguard's anomaly, which blocks each message
    /// just before it is sent or just after it is received. Both wait in their
    /// sockets, and what finds no room there is gone.
    Blocked,
}

impl Freeze {
    /// Every kind, the one of the paper first.
    pub(crate) const ALL: [Freeze; 2] = [Freeze::Blocked, Freeze::Stopped];
}

impl fmt::Display for Freeze {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Freeze::Stopped => "stopped",
            Freeze::Blocked => "blocked",
        })
    }
}

/// A socket's receive buffer.
#[derive(Debug)]
pub(crate) struct Backlog<T> {
    held: VecDeque<T>,
    room: usize,
    /// How many found no room.
    pub(crate) refused: u64,
}

impl<T> Backlog<T> {
    /// An empty one in which the kernel accounts for up to `room` bytes: twice
    /// what the program asks for, within what it is allowed.
    pub(crate) fn new(room: usize) -> Self {
        Backlog { held: VecDeque::new(), room, refused: 0 }
    }

    /// Keeps `what`, which came in a datagram of `length` bytes, if there is room.
    pub(crate) fn keep(&mut self, what: T, length: usize) {
        let cost = accounted(length);
        if cost > self.room {
            self.refused += 1;
            return;
        }
        self.room -= cost;
        self.held.push_back(what);
    }

    /// Everything that was kept, oldest first.
    pub(crate) fn into_held(self) -> VecDeque<T> {
        self.held
    }
}

/// What waits for the sockets of a host that is blocked, and what waits to leave
/// them.
#[derive(Debug)]
pub(crate) struct Blocked {
    backlog: Backlog<Happening>,
    outbox: Backlog<(Port, Effect)>,
}

/// What the sockets of a host hold: the usual 212,992 bytes, which the kernel
/// doubles.
pub(crate) const SOCKET_ROOM: usize = 2 * 212_992;

impl World {
    /// All of hats on the node stands still until [`World::thaw`]; its kernel
    /// lives on.
    pub(crate) fn freeze(&mut self, node: &str, how: Freeze) {
        let host = self.host_named(node);
        match how {
            Freeze::Stopped => {
                self.hang_daemon(node);
                self.networks_of(host).iter().for_each(|network| self.hang_nim(node, network));
            }
            Freeze::Blocked => {
                self.done(format!("what {node} sends and receives waits"));
                let (backlog, outbox) = (Backlog::new(SOCKET_ROOM), Backlog::new(SOCKET_ROOM));
                self.hosts[host].blocked = Some(Box::new(Blocked { backlog, outbox }));
            }
        }
    }

    /// It goes on.
    pub(crate) fn thaw(&mut self, node: &str, how: Freeze) {
        let host = self.host_named(node);
        match how {
            Freeze::Stopped => {
                self.networks_of(host).iter().for_each(|network| self.resume_nim(node, network));
                self.resume_daemon(node);
            }
            Freeze::Blocked => {
                let Some(blocked) = self.hosts[host].blocked.take() else { return };
                self.done(format!("what {node} sends and receives flows"));
                for (port, effect) in blocked.outbox.into_held() {
                    self.nim_does(port, effect);
                }
                for what in blocked.backlog.into_held() {
                    self.queue.put(self.now, what);
                }
            }
        }
    }

    fn networks_of(&self, host: usize) -> Vec<String> {
        let adapters = self.hosts[host].adapters.iter();
        adapters.map(|adapter| self.networks[adapter.network].spec.name.clone()).collect()
    }

    /// Gives `what` back unless it waits because its host is blocked.
    pub(crate) fn unless_blocked(&mut self, what: Happening) -> Option<Happening> {
        let Some(blocked) = &mut self.hosts[what.host()].blocked else { return Some(what) };
        let length = if let Happening::DatagramArrives { bytes, .. } = &what {
            bytes.len()
        } else if matches!(what, Happening::EchoReplyArrives { .. }) {
            ECHO_SIZE
        } else {
            return Some(what);
        };
        blocked.backlog.keep(what, length);
        None
    }

    /// Gives `effect` back unless it waits because its host is blocked.
    pub(crate) fn unless_it_waits(&mut self, port: Port, effect: Effect) -> Option<Effect> {
        match &mut self.hosts[port.host].blocked {
            Some(blocked)
                if matches!(
                    effect,
                    Effect::Transmit { .. } | Effect::TransmitWhole { .. } | Effect::Echo { .. }
                ) =>
            {
                let length = if let Effect::Transmit { bytes, .. }
                | Effect::TransmitWhole { bytes, .. } = &effect
                {
                    bytes.len()
                } else {
                    ECHO_SIZE
                };
                blocked.outbox.keep((port, effect), length);
                None
            }
            Some(_) | None => Some(effect),
        }
    }
}

/// What Linux accounts for a datagram that waits in a socket: its buffer head,
/// and a block of memory for headers, payload and the block's own tail.
fn accounted(length: usize) -> usize {
    const BUFFER_HEAD: usize = 256;
    const HEADERS: usize = 42;
    const TAIL: usize = 320;
    BUFFER_HEAD + (length + HEADERS + TAIL).next_power_of_two()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_keeps_the_oldest_and_counts_the_rest() {
        // 212,992 bytes, the usual limit, hold 277 small datagrams.
        let mut backlog = Backlog::new(212_992);
        for number in 0..300 {
            backlog.keep(number, 100);
        }
        assert_eq!(backlog.refused, 23);
        assert_eq!(
            backlog.into_held().into_iter().collect::<Vec<_>>(),
            (0..277).collect::<Vec<_>>()
        );
    }
}
