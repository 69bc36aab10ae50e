//! How long the daemon is trusted to be alive without another word.

use core::time::Duration;

use crate::time::Timestamp;

/// The daemon's lease. Without one it is trusted for good: the first one starts it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lease {
    granted: Option<(Timestamp, Duration)>,
}

impl Lease {
    pub(super) fn renew(&mut self, duration: Duration, now: Timestamp) {
        self.granted = Some((now, duration));
    }

    /// It ran out: heartbeats say that the daemon is stalled.
    pub(super) fn is_stalled(&self, now: Timestamp) -> bool {
        self.granted.is_some_and(|(at, duration)| now >= at + duration)
    }

    /// It ran out a whole lease ago: heartbeats stop.
    pub(super) fn is_lost(&self, now: Timestamp) -> bool {
        self.granted.is_some_and(|(at, duration)| now >= at + duration + duration)
    }
}
