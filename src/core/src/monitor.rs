//! One neighbour's heartbeats.
//!
//! Turns "heard at" into a state and says when that state would change by
//! itself. It sends nothing and reports nothing: that is [`nim`](crate::nim)'s.
//!
//! ```text
//!            heard            1.5 intervals         interval x sensitivity
//!  Waiting --------> Fresh -----------------> Late -----------------------> Silent
//!     |                ^                       |  ^                            |
//!     |                +------- heard ---------+--|------------ heard ---------+
//!     +-------- 1 interval more than that --------+
//! ```

use core::time::Duration;

use hats_wire::link::NeighbourState;

use crate::time::{Timestamp, nanos};

/// Watches one neighbour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Monitor {
    interval: Duration,
    sensitivity: u32,
    since: Timestamp,
    /// From where silence is counted: the last datagram, moved forward by what
    /// was excused. One interval after `since` for one that was never heard.
    silent_from: Timestamp,
    /// The last datagram, if there ever was one.
    heard: Option<Timestamp>,
    /// The longest silence between two datagrams since it was last asked for.
    gap_max: Duration,
}

impl Monitor {
    /// A neighbour nobody has heard yet. Intervals under 1 ns and sensitivities
    /// under 2 are taken for those.
    pub fn new(interval: Duration, sensitivity: u32, now: Timestamp) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let sensitivity = sensitivity.max(2);
        Monitor {
            interval,
            sensitivity,
            since: now,
            silent_from: now + interval,
            heard: None,
            gap_max: Duration::ZERO,
        }
    }

    /// Changes the rhythm and keeps the history.
    pub fn retune(&mut self, interval: Duration, sensitivity: u32) {
        self.interval = interval.max(Duration::from_nanos(1));
        self.sensitivity = sensitivity.max(2);
    }

    /// A datagram of the neighbour arrived.
    pub fn heard(&mut self, now: Timestamp) {
        self.gap_max = self.gap(now);
        self.heard = Some(now);
        self.silent_from = now;
    }

    /// The observer itself slept for `lateness` until `now`: the silence in that
    /// time is its own.
    pub fn excuse(&mut self, lateness: Duration, now: Timestamp) {
        if self.silent_from < now {
            self.silent_from = (self.silent_from + lateness).min(now);
        }
    }

    /// How the neighbour is doing.
    pub fn state(&self, now: Timestamp) -> NeighbourState {
        if now >= self.silent_at() {
            NeighbourState::Silent
        } else if now >= self.late_at() {
            NeighbourState::Late
        } else if self.heard.is_none() {
            NeighbourState::Waiting
        } else {
            NeighbourState::Fresh
        }
    }

    /// When a neighbour in `state` gets worse if nothing is heard; never once it
    /// is silent.
    pub fn deadline(&self, state: NeighbourState) -> Option<Timestamp> {
        match state {
            NeighbourState::Waiting | NeighbourState::Fresh => Some(self.late_at()),
            NeighbourState::Late => Some(self.silent_at()),
            NeighbourState::Silent => None,
        }
    }

    /// When it was last heard; when the watch began if never.
    pub fn last_heard(&self) -> Timestamp {
        self.heard.unwrap_or(self.since)
    }

    /// The longest silence since this was last asked, the one that lasts
    /// included. What was excused is none; nor is the time before the first
    /// datagram.
    pub fn take_gap_max(&mut self, now: Timestamp) -> Duration {
        let gap = self.gap(now);
        self.gap_max = Duration::ZERO;
        gap
    }

    fn gap(&self, now: Timestamp) -> Duration {
        let lasting = match self.heard {
            Some(_) => now.since(self.silent_from),
            None => Duration::ZERO,
        };
        lasting.max(self.gap_max)
    }

    /// Whole intervals of silence.
    pub fn missed(&self, now: Timestamp) -> u64 {
        nanos(now.since(self.silent_from)) / nanos(self.interval)
    }

    fn late_at(&self) -> Timestamp {
        self.silent_from + self.interval + self.interval / 2
    }

    fn silent_at(&self) -> Timestamp {
        self.silent_from + self.interval.saturating_mul(self.sensitivity)
    }
}

#[cfg(test)]
mod tests;
