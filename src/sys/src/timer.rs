//! An absolute timer for tokio.

use std::{io, os::fd::OwnedFd};

use nix::sys::{
    time::TimeSpec,
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};

use crate::{Error, async_fd::Watched};

/// Fires at a point in CLOCK_MONOTONIC, some 0.1 ms late at most on an idle
/// machine; tokio's own timers are 1 to 2 ms late by construction.
#[derive(Debug)]
pub struct Timer {
    timer: TimerFd,
    /// The same timer, as tokio watches it.
    watched: Watched,
}

impl Timer {
    /// A timer that is not set. Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// When the kernel has no descriptor left to give.
    pub fn new() -> Result<Self, Error> {
        let create = || -> io::Result<Self> {
            let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
            let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
            let copy: OwnedFd = std::os::fd::AsFd::as_fd(&timer).try_clone_to_owned()?;
            Ok(Timer { timer, watched: Watched::new(copy)? })
        };
        create().map_err(|source| Error::new("create a timer", source))
    }

    /// Fires at `at_ns` of CLOCK_MONOTONIC, at once if that has passed; never
    /// when there is none. Replaces what was set before.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the time.
    pub fn set(&self, at_ns: Option<u64>) -> Result<(), Error> {
        let result = match at_ns {
            None => self.timer.unset(),
            Some(at_ns) => {
                // Zero would disarm it.
                let at_ns = at_ns.max(1);
                let seconds = i64::try_from(at_ns / 1_000_000_000).unwrap_or(i64::MAX);
                let nanos = i64::try_from(at_ns % 1_000_000_000).unwrap_or(0);
                let at = Expiration::OneShot(TimeSpec::new(seconds, nanos));
                self.timer.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
            }
        };
        result.map_err(|errno| Error::new("set a timer", errno))
    }

    /// Returns once the time set has come. Cancel safe.
    ///
    /// # Errors
    ///
    /// When tokio cannot wait.
    pub async fn expired(&self) -> Result<(), Error> {
        let failed = |source| Error::new("wait for a timer", source);
        loop {
            let mut guard = self.watched.readable().await.map_err(failed)?;
            match self.timer.wait() {
                Ok(()) => return Ok(()),
                Err(nix::errno::Errno::EAGAIN) => guard.clear_ready(),
                Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(failed(errno.into())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monotonic_ns;

    fn block_on(future: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(future);
    }

    #[test]
    fn timer_fires_at_its_time_and_not_before() {
        block_on(async {
            let timer = Timer::new().unwrap();
            let at = monotonic_ns() + 3_000_000;
            timer.set(Some(at)).unwrap();
            timer.expired().await.unwrap();
            assert!(monotonic_ns() >= at);
        });
    }

    #[test]
    fn time_that_has_passed_fires_at_once() {
        block_on(async {
            let timer = Timer::new().unwrap();
            timer.set(Some(0)).unwrap();
            timer.expired().await.unwrap();
        });
    }
}
