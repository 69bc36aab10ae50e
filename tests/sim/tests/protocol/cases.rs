//! The cluster that the faults are tried on, and who is the victim.

use std::time::Duration;

use hats_core::config::{Detection, Profile};
use hats_sim::{Blame, Mark, World};

/// On top of the printed bound: commit and flooding, a few round trips.
const SLACK: Duration = Duration::from_millis(20);

/// Six nodes on two networks, settled; n6 leads, n5 succeeds on both.
pub(crate) struct Case {
    pub(crate) world: World,
    pub(crate) victim: &'static str,
    pub(crate) detection: Detection,
}

impl Case {
    pub(crate) fn new(profile: Profile, victim: &'static str) -> Self {
        let detection = profile.detection();
        let mut world = World::lan(6, 2).seed(11).detection(detection).build();
        settle(&mut world, 5);
        // Past the times in which a group counts as unstable.
        world.run_for(detection.heartbeat_interval * 12);
        Case { world, victim, detection }
    }

    pub(crate) fn bound(&self) -> Duration {
        self.detection.verdict_bound() + SLACK
    }

    /// Long enough for every second thought.
    pub(crate) fn quiet(&self) -> Duration {
        self.detection.detection_time() * 4 + Duration::from_millis(300)
    }

    /// Everybody that lives now says exactly this, in time.
    pub(crate) fn everybody_says(&mut self, mark: Mark, expected: &[Blame]) -> Duration {
        let witnesses = self.world.live();
        self.these_say(mark, &witnesses, expected)
    }

    pub(crate) fn these_say(
        &mut self,
        mark: Mark,
        witnesses: &[String],
        expected: &[Blame],
    ) -> Duration {
        let (bound, quiet) = (self.bound(), self.quiet());
        self.world.expect(mark, witnesses, expected, bound, quiet)
    }
}

/// Runs until the cluster is settled, at most for so many seconds.
pub(crate) fn settle(world: &mut World, seconds: u64) -> Duration {
    match world.run_until(World::settled, Duration::from_secs(seconds)) {
        Ok(took) => took,
        Err(why) => panic!("{why}"),
    }
}

/// One test per profile and victim of a story `fn(Case)`.
macro_rules! for_each_victim {
    ($name:ident, $story:ident) => {
        mod $name {
            use super::$story;
            use crate::cases::Case;
            use hats_core::config::Profile::{Bfd, Default};

            #[test]
            fn default_leader() {
                $story(Case::new(Default, "n6"));
            }

            #[test]
            fn default_successor() {
                $story(Case::new(Default, "n5"));
            }

            #[test]
            fn default_middle() {
                $story(Case::new(Default, "n3"));
            }

            #[test]
            fn default_lowest() {
                $story(Case::new(Default, "n1"));
            }

            #[test]
            fn bfd_leader() {
                $story(Case::new(Bfd, "n6"));
            }

            #[test]
            fn bfd_successor() {
                $story(Case::new(Bfd, "n5"));
            }

            #[test]
            fn bfd_middle() {
                $story(Case::new(Bfd, "n3"));
            }

            #[test]
            fn bfd_lowest() {
                $story(Case::new(Bfd, "n1"));
            }
        }
    };
}

pub(crate) use for_each_victim;
