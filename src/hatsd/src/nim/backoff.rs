//! When a NIM that died is started again.

use std::time::Duration;

/// The first restart is immediate: a NIM that dies once in a while must not
/// cost a detection time. What dies again and again waits longer and longer.
const FIRST: Duration = Duration::from_millis(100);
const MAX: Duration = Duration::from_secs(10);

/// A NIM that lived this long was well.
const WELL_AFTER: Duration = Duration::from_secs(60);

/// Counts deaths in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Backoff {
    deaths: u32,
}

impl Backoff {
    /// How long to wait after a life of `lived`.
    pub(super) fn died(&mut self, lived: Duration) -> Duration {
        if lived >= WELL_AFTER {
            self.deaths = 0;
        }
        let wait = match self.deaths.checked_sub(1) {
            None => Duration::ZERO,
            Some(doublings) => FIRST.saturating_mul(1 << doublings.min(16)).min(MAX),
        };
        self.deaths = self.deaths.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHORT: Duration = Duration::from_secs(1);

    fn waits(backoff: &mut Backoff, count: usize) -> Vec<u128> {
        (0..count).map(|_| backoff.died(SHORT).as_millis()).collect()
    }

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_wait_twice_as_long_each() {
        let mut backoff = Backoff::default();
        let expected = [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000];
        assert_eq!(waits(&mut backoff, 10), expected);
    }

    #[test]
    fn a_minute_of_life_starts_over() {
        let mut backoff = Backoff::default();
        waits(&mut backoff, 5);
        assert_eq!(backoff.died(Duration::from_millis(59_999)).as_millis(), 1600);
        assert_eq!(backoff.died(Duration::from_secs(60)), Duration::ZERO);
        assert_eq!(waits(&mut backoff, 2), [100, 200]);
    }

    #[test]
    fn no_number_of_deaths_overflows() {
        let mut backoff = Backoff { deaths: u32::MAX };
        assert_eq!(backoff.died(SHORT), MAX);
        assert_eq!(backoff.died(SHORT), MAX);
    }
}
