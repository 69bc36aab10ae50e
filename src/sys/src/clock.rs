//! The kernel's clocks.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of CLOCK_MONOTONIC: it never steps and stands still in suspend.
pub fn monotonic_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// Nanoseconds of CLOCK_BOOTTIME: the same, but it goes on in suspend.
pub fn boottime_ns() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("Linux always has these two clocks");
    let positive = |value: i64| u64::try_from(value).unwrap_or(0);
    positive(time.tv_sec()) * 1_000_000_000 + positive(time.tv_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_go_forward() {
        let (monotonic, boottime) = (monotonic_ns(), boottime_ns());
        assert!(monotonic > 0 && monotonic <= monotonic_ns());
        assert!(boottime > 0 && boottime <= boottime_ns());
    }
}
