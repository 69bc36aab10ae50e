//! What can be done to a world.

use std::time::Duration;

use hats_core::time::nanos;

use crate::world::World;

mod adapters;
mod clocks;
mod hosts;
mod networks;
mod processes;

pub use hosts::Suspend;

/// What all clocks show when the world begins.
pub(crate) const START_MS: u64 = 1_000_000;

/// Less than this is no network that IPv4 could use; hats gets along with what
/// fits.
const MTU_MIN: u16 = 576;

/// Which way a path is cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// Nothing gets through.
    Both,
    /// Nothing gets from the first to the second.
    There,
}

impl World {
    pub(crate) fn done(&mut self, what: String) {
        self.trace.fault(self, &what);
        self.truth.note(self.now, what);
    }

    /// Whether being so late, for once, is as long as a silence that counts.
    pub(crate) fn is_long(&self, late: Duration) -> bool {
        self.hosts.iter().any(|host| {
            let detection = &host.config.detection;
            late + detection.heartbeat_interval >= detection.detection_time()
        })
    }

    /// A time from `least` to `most`.
    fn between(&mut self, least: Duration, most: Duration) -> Duration {
        Duration::from_nanos(self.chance.between(nanos(least), nanos(most)))
    }
}
