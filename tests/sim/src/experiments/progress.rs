//! That long work goes on, for those who wait.

use std::time::{Duration, Instant};

/// So often at most.
const SHOWN_EVERY: Duration = Duration::from_secs(5);

/// Lines on standard error, a few seconds apart. Nothing measured comes from
/// here: it is the only place of an experiment that knows the wall clock.
#[derive(Debug)]
pub struct Progress {
    begun: Instant,
    shown: Option<Instant>,
}

impl Progress {
    /// Says something every few seconds.
    pub fn shown() -> Self {
        let now = Instant::now();
        Progress { begun: now, shown: Some(now) }
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Progress { begun: Instant::now(), shown: None }
    }

    /// What is being done, and how far it is; asked for only when it is time.
    #[expect(clippy::print_stderr, reason = "it is there to be read")]
    pub fn at(&mut self, what: impl FnOnce() -> String) {
        if self.shown.is_some_and(|shown| shown.elapsed() >= SHOWN_EVERY) {
            self.shown = Some(Instant::now());
            eprintln!("{:>6} s  {}", self.begun.elapsed().as_secs(), what());
        }
    }

    /// Wall-clock time since it began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}
