//! The neighbours that are watched, and what the daemon knows of them.

use alloc::{collections::BTreeMap, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::{
    Incarnation,
    link::{Heard, Measured, Neighbour, NeighbourState},
};

use crate::{
    monitor::Monitor,
    quality::Quality,
    time::{Timestamp, nanos},
};

#[derive(Clone, Debug, Default)]
pub(super) struct Neighbours {
    watched: BTreeMap<IpAddr, Watched>,
}

#[derive(Clone, Debug)]
struct Watched {
    monitor: Monitor,
    /// What the daemon was told last.
    state: NeighbourState,
    stalled: bool,
    quality: Quality,
}

impl Watched {
    fn report(&self, address: IpAddr, missed: u64, now: Timestamp) -> Neighbour {
        Neighbour {
            at_ns: now.0,
            address,
            state: self.state,
            last_heard_ns: self.monitor.last_heard().0,
            missed,
            stalled: self.stalled,
            steady: self.quality.is_steady(),
        }
    }

    /// The beats that are missing now: none while it counts as heard.
    fn missed(&self, now: Timestamp) -> u64 {
        match self.state {
            NeighbourState::Waiting | NeighbourState::Fresh => 0,
            NeighbourState::Late | NeighbourState::Silent => self.monitor.missed(now),
        }
    }
}

impl Neighbours {
    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    /// Watches these from now on and gives what was missed of those no longer
    /// watched. Those kept keep their history.
    pub(super) fn replace(
        &mut self,
        expect: &[IpAddr],
        interval: Duration,
        sensitivity: u32,
        now: Timestamp,
    ) -> u64 {
        let mut before = core::mem::take(&mut self.watched);
        for address in expect {
            let watched = before.remove(address).unwrap_or_else(|| Watched {
                monitor: Monitor::new(interval, sensitivity, now),
                state: NeighbourState::Waiting,
                stalled: false,
                quality: Quality::new(now),
            });
            // An address may be named twice: the first one took the history.
            self.watched.entry(*address).or_insert(watched);
        }
        before.values().map(|watched| watched.missed(now)).sum()
    }

    pub(super) fn retune(&mut self, interval: Duration, sensitivity: u32) {
        for watched in self.watched.values_mut() {
            watched.monitor.retune(interval, sensitivity);
        }
    }

    pub(super) fn excuse(&mut self, lateness: Duration, now: Timestamp) {
        for watched in self.watched.values_mut() {
            watched.monitor.excuse(lateness, now);
        }
    }

    /// A heartbeat of a watched neighbour arrived.
    pub(super) fn beat(
        &mut self,
        address: IpAddr,
        (run, number): (Incarnation, u64),
        interval: Duration,
        now: Timestamp,
    ) {
        if let Some(watched) = self.watched.get_mut(&address) {
            watched.quality.beat(now, run, number, interval);
        }
    }

    /// The observer slept, be it for so short a time that no silence is excused.
    pub(super) fn slept(&mut self, lateness: Duration) {
        for watched in self.watched.values_mut() {
            watched.quality.excuse(lateness);
        }
    }

    pub(super) fn is_watched(&self, address: IpAddr) -> bool {
        self.watched.contains_key(&address)
    }

    pub(super) fn set_stalled(&mut self, address: IpAddr, stalled: bool) {
        if let Some(watched) = self.watched.get_mut(&address) {
            watched.stalled = stalled;
        }
    }

    /// A datagram arrived: gives a report if that is a change, and the beats
    /// that were missed before it.
    pub(super) fn heard(&mut self, address: IpAddr, now: Timestamp) -> Option<Neighbour> {
        let watched = self.watched.get_mut(&address)?;
        let missed = watched.missed(now);
        watched.monitor.heard(now);
        if watched.state == NeighbourState::Fresh {
            return None;
        }
        watched.state = NeighbourState::Fresh;
        Some(watched.report(address, missed, now))
    }

    /// Those that got worse. Only a datagram makes one better: an excuse that
    /// moves the clock back does not.
    pub(super) fn wake(&mut self, now: Timestamp) -> Vec<Neighbour> {
        let mut worse = Vec::new();
        for (address, watched) in &mut self.watched {
            let state = watched.monitor.state(now);
            if state > watched.state {
                watched.state = state;
                worse.push(watched.report(*address, watched.monitor.missed(now), now));
            }
        }
        worse
    }

    pub(super) fn deadline(&self) -> Option<(Timestamp, IpAddr)> {
        self.watched
            .iter()
            .filter_map(|(address, watched)| {
                watched.monitor.deadline(watched.state).map(|at| (at, *address))
            })
            .min()
    }

    /// Beats missing now, of all of them.
    pub(super) fn missed(&self, now: Timestamp) -> u64 {
        self.watched.values().map(|watched| watched.missed(now)).sum()
    }

    /// For a report: each begins to look for its longest silence anew.
    pub(super) fn heard_list(&mut self, now: Timestamp) -> Vec<Heard> {
        self.watched
            .iter_mut()
            .map(|(address, watched)| Heard {
                address: *address,
                last_heard_ns: watched.monitor.last_heard().0,
                gap_max_ns: nanos(watched.monitor.take_gap_max(now)),
                missed: watched.missed(now),
                state: watched.state,
                measured: Measured {
                    since_ns: watched.quality.since().0,
                    beats: watched.quality.beats(),
                    lost: watched.quality.lost(),
                    lost_run_max: watched.quality.run_max(),
                    late_max_ns: nanos(watched.quality.late_max()),
                    late: watched.quality.late().to_vec(),
                },
            })
            .collect()
    }
}
