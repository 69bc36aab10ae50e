//! What a member costs.

use std::{ops::AddAssign, time::Duration};

use crate::world::World;

/// IPv4 and UDP.
const HEADERS: u64 = 28;

/// Messages, bytes and timers of one member or of many.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tally {
    /// Datagrams sent; to all is one.
    pub(crate) sent: u64,
    /// Their bytes, with IPv4 and UDP headers.
    pub(crate) sent_bytes: u64,
    /// Datagrams received and handled.
    pub(crate) received: u64,
    /// Their bytes, with IPv4 and UDP headers.
    pub(crate) received_bytes: u64,
    /// How often a timer woke a process.
    pub(crate) timers: u64,
}

impl Tally {
    /// What all nodes of a world cost so far.
    pub(crate) fn of_world(world: &World) -> Self {
        let traffic = world.traffic().total();
        Tally {
            sent: traffic.sent,
            sent_bytes: traffic.sent_bytes + traffic.sent * HEADERS,
            received: traffic.arrived,
            received_bytes: traffic.arrived_bytes + traffic.arrived * HEADERS,
            timers: world.timers,
        }
    }

    pub(crate) fn sends(&mut self, payload: usize) {
        self.sent += 1;
        self.sent_bytes += payload as u64 + HEADERS;
    }

    pub(crate) fn receives(&mut self, payload: usize) {
        self.received += 1;
        self.received_bytes += payload as u64 + HEADERS;
    }

    /// What has been added since `earlier`.
    pub(crate) fn since(&self, earlier: &Tally) -> Tally {
        Tally {
            sent: self.sent - earlier.sent,
            sent_bytes: self.sent_bytes - earlier.sent_bytes,
            received: self.received - earlier.received,
            received_bytes: self.received_bytes - earlier.received_bytes,
            timers: self.timers - earlier.timers,
        }
    }

    /// Per member and second: messages sent, bytes sent, messages received,
    /// bytes received, timers.
    pub(crate) fn rates(&self, members: usize, span: Duration) -> [f64; 5] {
        let per = members as f64 * span.as_secs_f64();
        [self.sent, self.sent_bytes, self.received, self.received_bytes, self.timers]
            .map(|count| count as f64 / per)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.sent += other.sent;
        self.sent_bytes += other.sent_bytes;
        self.received += other.received;
        self.received_bytes += other.received_bytes;
        self.timers += other.timers;
    }
}
