//! Time, for those who are told it.

use std::time::{Duration, SystemTime};

use hats_core::time::Timestamp;

/// CLOCK_MONOTONIC now.
pub(crate) fn now() -> Timestamp {
    Timestamp(hats_sys::monotonic_ns())
}

/// The wall clock, for the ages of files.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Whole milliseconds of a span.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Whole microseconds of a span.
pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The worst of the last minute or two: two buckets of a minute each.
#[derive(Debug, Default)]
pub(crate) struct Worst {
    since: Timestamp,
    current: Duration,
    previous: Duration,
}

impl Worst {
    const BUCKET: Duration = Duration::from_secs(60);

    /// Takes one value.
    pub(crate) fn note(&mut self, value: Duration, now: Timestamp) {
        self.turn(now);
        self.current = self.current.max(value);
    }

    /// The worst seen.
    pub(crate) fn get(&mut self, now: Timestamp) -> Duration {
        self.turn(now);
        self.current.max(self.previous)
    }

    fn turn(&mut self, now: Timestamp) {
        let age = now.since(self.since);
        if age >= Self::BUCKET * 2 {
            (self.since, self.previous, self.current) = (now, Duration::ZERO, Duration::ZERO);
        } else if age >= Self::BUCKET {
            (self.since, self.previous) = (now, self.current);
            self.current = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_is_forgotten_after_two_minutes() {
        let at = |seconds: u64| Timestamp(seconds * 1_000_000_000);
        let mut worst = Worst::default();
        worst.note(Duration::from_millis(70), at(1000));
        worst.note(Duration::from_millis(20), at(1030));
        assert_eq!(worst.get(at(1059)), Duration::from_millis(70));
        worst.note(Duration::from_millis(5), at(1061));
        assert_eq!(worst.get(at(1100)), Duration::from_millis(70));
        assert_eq!(worst.get(at(1122)), Duration::from_millis(5));
    }
}
