//! How a large group takes its time: functions of how many there are.
//!
//! What all members would say to one of them at the same instant is spread, so
//! that it finds room in a receive buffer; what many ask for is gathered, so that
//! it is done once. Small groups do everything at once.

use core::time::Duration;

/// Groups of up to so many members do everything at once and tell everything in
/// full: their lists fit a datagram.
pub(crate) const SMALL: usize = 16;
/// More than so many are told something by multicast, fewer one by one.
pub(crate) const FEW: usize = 4;
/// Of this many members, all may speak to one at the same instant.
const AT_ONCE: usize = 64;
/// Time between two of more members than that: a receiver that needs less for
/// each has no queue.
const EACH: Duration = Duration::from_micros(20);
/// Of more known nodes than so many, one looks who is in sight only so often.
pub(crate) const CROWD: usize = 64;
/// For so many that want to join, the others are waited for once longer.
const JOINS: usize = 16;
/// At most so many times longer: who asked first must not give up.
const LONGER_MAX: usize = 8;

/// When the one at `rank` of `size` speaks, after all were asked at the same
/// instant; at most `limit` later.
pub(crate) fn spread(rank: usize, size: usize, limit: Duration) -> Duration {
    if size <= AT_ONCE {
        return Duration::ZERO;
    }
    let rank = u32::try_from(rank).unwrap_or(u32::MAX);
    EACH.saturating_mul(rank).min(limit)
}

/// How long those that want to join are waited for in all, when so many have
/// come: while they keep coming, a membership without the next ones would only
/// be one more.
pub(crate) fn gathering(window: Duration, joins: usize) -> Duration {
    let times = (1 + joins / JOINS).min(LONGER_MAX);
    window * u32::try_from(times).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(60);

    #[test]
    fn small_groups_speak_and_commit_at_once() {
        let window = Duration::from_millis(62);
        assert_eq!(spread(AT_ONCE - 1, AT_ONCE, LIMIT), Duration::ZERO);
        assert_eq!(gathering(window, JOINS - 1), window);
    }

    #[test]
    fn members_of_large_groups_speak_one_after_another_within_the_limit() {
        let at = |rank| spread(rank, 2_000, LIMIT);
        assert!((1..2_000).all(|rank| at(rank) > at(rank - 1)));
        assert!(at(1_999) <= LIMIT);
        assert_eq!(spread(1_000_000, 2_000_000, LIMIT), LIMIT);
    }

    #[test]
    fn the_more_join_the_longer_they_are_waited_for_and_never_too_long() {
        let window = Duration::from_millis(62);
        assert_eq!(gathering(window, JOINS), window * 2);
        assert_eq!(gathering(window, usize::MAX), window * 8);
    }
}
