//! Flap damping: an adapter that keeps coming back is held until it has been
//! quiet.
//!
//! Each loss of the adapter adds to a penalty that halves with time. Above one
//! bound the adapter is held, below another it is released; in between losses
//! are only counted. It knows nothing of links, groups or events: that is
//! [`node`](crate::node)'s.
//!
//! ```text
//!   penalty   4 |            ,___ held, at most
//!             3 |        /|-/    `--.
//!   HELD  2.5 - |    /|-/ |         `--.
//!             1 | /|/     |             `--. RELEASED
//!               +----------------------------------> time
//!                lost lost lost: held      released
//! ```

use core::time::Duration;

use crate::time::{Timestamp, nanos};

/// What one loss adds, in thousandths.
const LOSS: u64 = 1_000;
/// From this penalty on it is held: the third loss in short time.
const HELD: u64 = 2_500;
/// Below this it is released.
const RELEASED: u64 = 1_000;
/// Below this earlier losses are forgotten.
const FORGOTTEN: u64 = 500;
/// More is not added up, so that it is known how long a quiet adapter is held.
const MOST: u64 = 4_000;
/// In this time the penalty halves.
const HALF_LIFE: Duration = Duration::from_secs(10);

/// After this long without a loss an adapter is held no more: two half-lives.
pub const HELD_MAX: Duration = Duration::from_secs(20);

/// Whether one adapter is held, and why.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Damper {
    /// In thousandths, as of `at`.
    penalty: u64,
    at: Timestamp,
    /// Losses since the penalty began to grow.
    losses: u64,
    held: bool,
}

impl Damper {
    /// The adapter was lost. True if it is held from now on.
    pub fn lost(&mut self, now: Timestamp) -> bool {
        self.fade(now);
        if !self.held && self.penalty < FORGOTTEN {
            self.losses = 0;
        }
        self.losses += 1;
        self.penalty = (self.penalty + LOSS).min(MOST);
        let begins = !self.held && self.penalty >= HELD;
        self.held |= begins;
        begins
    }

    /// Lets go what has been quiet for long enough. True if it was held.
    pub fn wake(&mut self, now: Timestamp) -> bool {
        let due = self.held_until().is_some_and(|until| now >= until);
        if due {
            self.fade(now);
            self.held = false;
        }
        due
    }

    /// When it is released if it is not lost again; none when it is not held.
    pub fn held_until(&self) -> Option<Timestamp> {
        self.held.then(|| self.at + time_to_fade(self.penalty))
    }

    /// The losses that it is held for.
    pub fn losses(&self) -> u64 {
        self.losses
    }

    fn fade(&mut self, now: Timestamp) {
        self.penalty = faded(self.penalty, now.since(self.at));
        self.at = now;
    }
}

/// What is left of a penalty: half of it after each half-life, and on a straight
/// line in between.
fn faded(penalty: u64, span: Duration) -> u64 {
    let half_life = nanos(HALF_LIFE);
    let (halves, rest) = (nanos(span) / half_life, nanos(span) % half_life);
    let whole = u32::try_from(halves).ok().and_then(|halves| penalty.checked_shr(halves));
    let whole = whole.unwrap_or(0);
    // Milliseconds are fine enough, and fit.
    let part = whole * (rest / 1_000_000) / (half_life / 1_000_000) / 2;
    whole - part
}

/// After how long it is below the bound at which it is released.
fn time_to_fade(mut penalty: u64) -> Duration {
    let mut span = Duration::ZERO;
    while penalty >= 2 * RELEASED {
        penalty /= 2;
        span += HALF_LIFE;
    }
    let Some(above) = penalty.checked_sub(RELEASED) else { return span };
    let half_life = nanos(HALF_LIFE);
    let part = half_life / penalty.max(1) * 2 * above;
    span + Duration::from_nanos(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    #[test]
    fn the_third_loss_in_short_time_holds_the_adapter() {
        let mut damper = Damper::default();
        assert!(!damper.lost(at(0)) && !damper.lost(at(2_000)));
        assert_eq!(damper.held_until(), None);
        assert!(damper.lost(at(4_000)), "that is the third");
        assert_eq!(damper.losses(), 3);
        assert!(!damper.lost(at(6_000)), "it is told once");
        assert_eq!(damper.losses(), 4);
    }

    #[test]
    fn losses_that_are_far_apart_hold_nothing() {
        let mut damper = Damper::default();
        for loss in 0..100 {
            assert!(!damper.lost(at(loss * 20_000)), "loss {loss}");
        }
        assert!(damper.losses() <= 2, "{damper:?}");
    }

    #[test]
    fn thirty_flaps_a_minute_are_one_hold_and_all_are_counted() {
        let mut damper = Damper::default();
        let (mut begun, mut ended) = (0, 0);
        for loss in 0..30 {
            let now = at(loss * 2_000);
            ended += u32::from(damper.wake(now));
            begun += u32::from(damper.lost(now));
        }
        assert_eq!((begun, ended, damper.losses()), (1, 0, 30));
        let until = damper.held_until().unwrap();
        assert!(!damper.wake(Timestamp(until.0 - 1)));
        assert!(damper.wake(until) && !damper.wake(until));
        assert!(until.since(at(58_000)) <= HELD_MAX);
    }

    #[test]
    fn a_released_adapter_may_be_lost_once_more_without_being_held() {
        let mut damper = Damper::default();
        for loss in 0..9 {
            damper.lost(at(loss * 100));
        }
        let until = damper.held_until().unwrap();
        assert!(damper.wake(until));
        assert!(!damper.lost(until));
        assert_eq!(damper.held_until(), None);
    }

    #[test]
    fn the_release_time_is_when_the_penalty_has_faded() {
        for losses in 3..9 {
            let mut damper = Damper::default();
            for loss in 0..losses {
                damper.lost(at(loss * 700));
            }
            let until = damper.held_until().unwrap();
            let left = |now| faded(damper.penalty, Timestamp(now).since(damper.at));
            // In whole thousandths.
            assert!(left(until.0) <= RELEASED + 2, "{losses}: {}", left(until.0));
            assert!(left(until.0 - 20_000_000) >= RELEASED, "{losses}");
        }
    }
}
