//! How well one neighbour's heartbeats arrive: how many are lost, and how late
//! the others are.
//!
//! A lost heartbeat shows in the numbers of those that do arrive; how late one
//! is, in the time since the one before, less the intervals that its number
//! says have passed. So loss is a rate, lateness a delay, and neither is taken
//! for the other. Who was itself late has its lateness taken off.

use core::time::Duration;

use hats_wire::Incarnation;

use crate::time::{Timestamp, nanos};

/// Bounds that lateness is sorted by.
pub const BOUNDS: usize = 40;

/// The largest lateness that counts to bound `at`: 100 us, 150 us, 200 us,
/// 300 us, and so on to 78 s.
pub fn bound(at: usize) -> Duration {
    let at = at.min(BOUNDS - 1);
    let base = if at.is_multiple_of(2) { 100 } else { 150 };
    Duration::from_micros(base << (at / 2))
}

/// What has been measured of one neighbour.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quality {
    /// Run, number and arrival of the latest heartbeat.
    last: Option<(Incarnation, u64, Timestamp)>,
    since: Timestamp,
    beats: u64,
    lost: u64,
    run_max: u64,
    /// Heartbeats in a row, up to the latest one, of which none was lost.
    unbroken: u64,
    late_max: Duration,
    late: [u64; BOUNDS],
}

/// So many heartbeats in a row that arrived: nothing is known to get lost here.
pub const STEADY: u64 = 64;

impl Quality {
    /// Of a neighbour that is watched from now on.
    pub fn new(now: Timestamp) -> Self {
        Quality {
            last: None,
            since: now,
            beats: 0,
            lost: 0,
            run_max: 0,
            unbroken: 0,
            late_max: Duration::ZERO,
            late: [0; BOUNDS],
        }
    }

    /// A heartbeat arrived.
    pub fn beat(&mut self, now: Timestamp, run: Incarnation, number: u64, interval: Duration) {
        self.beats += 1;
        let Some((_, before, at)) = self.last.filter(|(of, ..)| *of == run) else {
            self.unbroken = 1;
            self.last = Some((run, number, now));
            return;
        };
        if number <= before {
            // Overtaken on its way, and counted as lost; or a copy.
            self.lost = self.lost.saturating_sub(u64::from(number < before));
            return;
        }
        let (elapsed, interval) = (nanos(now.since(at)), nanos(interval).max(1));
        // One that is sent out of turn has a number, too.
        let passed = (elapsed + interval / 2) / interval;
        let steps = (number - before).min(passed.max(1));
        self.unbroken = if steps > 1 { 1 } else { self.unbroken + 1 };
        self.lost += steps - 1;
        self.run_max = self.run_max.max(steps - 1);
        let late = Duration::from_nanos(elapsed.saturating_sub(steps.saturating_mul(interval)));
        self.late_max = self.late_max.max(late);
        let place = (0..BOUNDS).find(|it| late <= bound(*it)).unwrap_or(BOUNDS - 1);
        self.late[place] += 1;
        self.last = Some((run, number, now));
    }

    /// The observer itself slept for so long.
    pub fn excuse(&mut self, lateness: Duration) {
        if let Some((_, _, at)) = &mut self.last {
            *at = *at + lateness;
        }
    }

    /// Since when it is measured.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// Heartbeats that arrived.
    pub fn beats(&self) -> u64 {
        self.beats
    }

    /// Heartbeats that did not.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// The most that were lost in a row.
    pub fn run_max(&self) -> u64 {
        self.run_max
    }

    /// Whether none of its latest [`STEADY`] heartbeats was lost, and there were so
    /// many.
    pub fn is_steady(&self) -> bool {
        self.unbroken >= STEADY
    }

    /// The largest lateness.
    pub fn late_max(&self) -> Duration {
        self.late_max
    }

    /// How many were late by at most each [`bound`], and more than the one
    /// before; what is empty at the end is left out.
    pub fn late(&self) -> &[u64] {
        let used = self.late.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        &self.late[..used]
    }
}

/// The bound that so many thousandths of all are not later than.
pub fn percentile(late: &[u64], thousandths: u64) -> Option<Duration> {
    let all: u64 = late.iter().sum();
    let wanted = (all * thousandths).div_ceil(1_000).max(1);
    let mut sum = 0;
    let at = late.iter().position(|count| {
        sum += count;
        sum >= wanted
    });
    at.map(bound)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const RUN: Incarnation = Incarnation(1);
    const BEAT: Duration = Duration::from_millis(10);

    fn at(us: u64) -> Timestamp {
        Timestamp(us * 1_000)
    }

    /// After heartbeats with these numbers at these microseconds.
    fn after(beats: &[(u64, u64)]) -> Quality {
        let mut quality = Quality::new(at(0));
        for (number, us) in beats {
            quality.beat(at(*us), RUN, *number, BEAT);
        }
        quality
    }

    #[test]
    fn what_arrives_in_time_is_neither_lost_nor_late() {
        let quality = after(&[(1, 10_000), (2, 20_050), (3, 30_000)]);
        assert_eq!((quality.beats(), quality.lost()), (3, 0));
        assert_eq!(quality.late(), [2]);
    }

    #[test]
    fn a_lost_heartbeat_is_counted_and_makes_the_next_one_no_later() {
        let quality = after(&[(1, 10_000), (4, 40_000), (5, 50_000)]);
        assert_eq!((quality.lost(), quality.run_max()), (2, 2));
        assert_eq!(quality.late_max(), Duration::ZERO);
    }

    #[test]
    fn a_heartbeat_that_waits_is_late_and_not_lost() {
        let quality = after(&[(1, 10_000), (2, 50_000), (3, 50_010), (4, 50_020), (5, 50_030)]);
        assert_eq!(quality.lost(), 0);
        assert_eq!(quality.late_max(), Duration::from_millis(30));
    }

    #[test]
    fn heartbeats_out_of_turn_are_not_missing() {
        let quality = after(&[(1, 10_000), (3, 20_000)]);
        assert_eq!(quality.lost(), 0, "one number went to somebody else");
    }

    #[test]
    fn one_that_was_overtaken_was_not_lost() {
        assert_eq!(after(&[(1, 10_000), (3, 30_000), (2, 30_100)]).lost(), 0);
    }

    #[test]
    fn the_observers_own_sleep_is_nobodys_lateness() {
        let mut quality = after(&[(1, 10_000)]);
        quality.excuse(Duration::from_millis(30));
        quality.beat(at(50_000), RUN, 2, BEAT);
        assert_eq!((quality.lost(), quality.late_max()), (0, Duration::ZERO));
    }

    #[test]
    fn a_neighbour_is_steady_when_none_of_its_latest_64_was_lost() {
        let all: Vec<(u64, u64)> = (1..=STEADY).map(|at| (at, at * 10_000)).collect();
        assert!(after(&all).is_steady());
        assert!(!after(&all[1..]).is_steady(), "too few to tell");
        let without = |lost: u64| -> Vec<(u64, u64)> {
            (1..=STEADY + 1).filter(|at| *at != lost).map(|at| (at, at * 10_000)).collect()
        };
        assert!(!after(&without(2)).is_steady());
        assert!(after(&without(1)).is_steady());
    }

    #[test]
    fn another_run_counts_its_own_heartbeats() {
        let mut quality = after(&[(7, 10_000)]);
        quality.beat(at(90_000), Incarnation(2), 1, BEAT);
        assert_eq!(quality.lost(), 0);
    }

    #[test]
    fn percentiles_are_bounds_that_so_many_do_not_exceed() {
        let late = [990, 0, 9, 0, 1];
        assert_eq!(percentile(&late, 500), Some(Duration::from_micros(100)));
        assert_eq!(percentile(&late, 999), Some(Duration::from_micros(200)));
        assert_eq!(percentile(&late, 1_000), Some(Duration::from_micros(400)));
        assert_eq!(percentile(&[], 500), None);
    }
}
