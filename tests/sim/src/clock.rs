//! The monotonic clock of a host: where it began, how fast it runs.

/// Parts in a million.
const MILLION: u64 = 1_000_000;

/// CLOCK_MONOTONIC of one host, as a line through a point: at `world` it showed
/// `shown`, and since then it has gained `ppm` millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    world: u64,
    shown: u64,
    ppm: i32,
}

impl Clock {
    /// A clock that shows `shown` when the world begins, and runs true.
    pub(crate) fn new(shown: u64) -> Self {
        Clock { world: 0, shown, ppm: 0 }
    }

    /// What it shows at `now` of the world.
    pub(crate) fn at(&self, now: u64) -> u64 {
        let since = now.saturating_sub(self.world);
        if self.ppm == 0 {
            return self.shown + since;
        }
        let gained = u128::from(since) * u128::from(self.rate()) / u128::from(MILLION);
        self.shown + gained as u64
    }

    /// When, in the world's time, it shows `shown` or more for the first time.
    pub(crate) fn when(&self, shown: u64) -> u64 {
        let ahead = shown.saturating_sub(self.shown);
        if self.ppm == 0 {
            return self.world + ahead;
        }
        let took = (u128::from(ahead) * u128::from(MILLION)).div_ceil(u128::from(self.rate()));
        self.world.saturating_add(u64::try_from(took).unwrap_or(u64::MAX))
    }

    /// From `now` on it gains `ppm` millionths; it does not step.
    pub(crate) fn set_rate(&mut self, now: u64, ppm: i32) {
        *self = Clock { world: now, shown: self.at(now), ppm };
    }

    /// From `now` on it goes on at what it showed at `then`, as if the time in
    /// between had not been.
    pub(crate) fn skip(&mut self, then: u64, now: u64) {
        *self = Clock { world: now, shown: self.at(then), ppm: self.ppm };
    }

    fn rate(&self) -> u64 {
        MILLION.saturating_add_signed(i64::from(self.ppm)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_at_another_rate_shows_each_reading_when_it_says() {
        for ppm in [-200, 0, 1, 200, 10_000, -500_000] {
            let mut clock = Clock::new(5_000);
            clock.set_rate(1_000_000, ppm);
            for shown in [1_005_000, 1_005_001, 77_000_000, 3_600_000_000_123] {
                let when = clock.when(shown);
                assert!(clock.at(when) >= shown, "{ppm} ppm: not yet at {shown}");
                assert!(clock.at(when - 1) < shown || when == 1_000_000, "{ppm} ppm: too late");
            }
        }
    }

    #[test]
    fn a_change_of_rate_does_not_make_it_step() {
        let mut clock = Clock::new(7);
        clock.set_rate(1_000, 200);
        let before = clock.at(2_000_000_000);
        clock.set_rate(2_000_000_000, -200);
        assert_eq!(clock.at(2_000_000_000), before);
        assert_eq!(clock.at(3_000_000_000) - before, 999_800_000);
    }

    #[test]
    fn a_clock_that_stood_still_goes_on_where_it_stood() {
        let mut clock = Clock::new(0);
        clock.skip(1_000, 9_000);
        assert_eq!((clock.at(9_000), clock.at(9_500)), (1_000, 1_500));
    }
}
