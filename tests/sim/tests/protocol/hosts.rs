//! Hosts that are suspended, and clocks that are wrong.

use std::time::Duration;

use hats_core::{config::Profile, event::EventKind};
use hats_sim::{Blame, Suspend};

use crate::cases::{Case, settle};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn blames_only(case: &Case, mark: hats_sim::Mark, victim: &str) {
    for said in case.world.since(mark).iter().filter(|said| Blame::of(&said.event).is_some()) {
        assert_eq!(said.event.node.as_deref(), Some(victim), "{said:?}");
    }
}

#[test]
fn a_host_that_was_suspended_blames_nobody_however_it_was() {
    for how in [Suspend::Frozen, Suspend::Queueing, Suspend::Asleep] {
        for (victim, span) in [("n6", 6_000), ("n3", 1_500)] {
            let mut case = Case::new(Profile::Default, victim);
            let mark = case.world.mark();
            case.world.suspend(victim, how);
            case.world.run_for(ms(span));
            case.world.resume(victim);
            settle(&mut case.world, 10);
            case.world.run_for(case.quiet());
            assert!(case.world.settled(), "{how:?} for {span} ms");
            blames_only(&case, mark, victim);
        }
    }
}

#[test]
fn a_host_that_is_suspended_for_long_is_said_to_be_down() {
    for how in [Suspend::Frozen, Suspend::Queueing, Suspend::Asleep] {
        let mut case = Case::new(Profile::Default, "n3");
        let mark = case.world.mark();
        case.world.suspend("n3", how);
        let down = |event: &hats_core::event::Event| event.node.as_deref() == Some("n3");
        let bound = case.bound();
        case.world
            .run_until(|world| world.all_said(mark, EventKind::NodeDown, down), bound)
            .expect("in time");
    }
}

#[test]
fn clocks_that_run_at_other_rates_blame_nobody() {
    for (profile, ppm) in [(Profile::Default, 20_000), (Profile::Bfd, 200)] {
        let mut case = Case::new(profile, "n3");
        let mark = case.world.mark();
        for (at, node) in ["n1", "n2", "n3", "n4", "n5", "n6"].into_iter().enumerate() {
            case.world.clock_rate(node, if at % 2 == 0 { ppm } else { -ppm });
        }
        case.world.run_for(case.detection.detection_time() * 30);
        case.everybody_says(mark, &[]);
        assert!(case.world.settled());
    }
}

#[test]
fn a_wall_clock_that_steps_changes_nothing_and_incarnations_grow_all_the_same() {
    for step in [3_600_000, -500_000] {
        let mut case = Case::new(Profile::Default, "n3");
        let mark = case.world.mark();
        let steps = case.world.steps();
        case.world.wall_clock_step("n3", step);
        case.everybody_says(mark, &[]);
        assert!(case.world.settled() && case.world.steps() > steps);
        // The first incarnation after it, and one more: the checkers watch.
        for _ in 0..2 {
            case.world.kill_daemon("n3");
            case.world.run_for(ms(300));
            case.world.restart("n3");
            settle(&mut case.world, 5);
        }
    }
}
