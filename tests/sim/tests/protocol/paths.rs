//! Two well adapters that do not reach each other: nobody is blamed.

use std::time::Duration;

use hats_core::{
    config::Profile,
    event::{Event, EventKind},
};
use hats_sim::{Blame, Way};
use hats_wire::Direction;

use crate::cases::{Case, settle};

fn path_fails(profile: Profile, a: &'static str, b: &'static str, way: Way) {
    let mut case = Case::new(profile, a);
    let mark = case.world.mark();
    case.world.path(a, b, "neta", way);
    let direction = match way {
        Way::Both => Direction::Both,
        Way::There => Direction::ToPeer,
    };
    case.everybody_says(mark, &[Blame::path(a, b, "neta", direction)]);
    assert!(case.world.formed(), "both ends stay members");
    case.world.heal_path(a, b, "neta");
    settle(&mut case.world, 5);
}

#[test]
fn path_between_two_neighbours_is_routed_around_default() {
    path_fails(Profile::Default, "n2", "n3", Way::Both);
}

#[test]
fn path_between_two_neighbours_is_routed_around_bfd() {
    path_fails(Profile::Bfd, "n2", "n3", Way::Both);
}

#[test]
fn path_between_leader_and_successor_default() {
    path_fails(Profile::Default, "n6", "n5", Way::Both);
}

#[test]
fn path_between_leader_and_successor_bfd() {
    path_fails(Profile::Bfd, "n6", "n5", Way::Both);
}

#[test]
fn path_between_leader_and_lowest_default() {
    path_fails(Profile::Default, "n6", "n1", Way::Both);
}

#[test]
fn path_between_leader_and_lowest_bfd() {
    path_fails(Profile::Bfd, "n6", "n1", Way::Both);
}

#[test]
fn path_that_fails_downwards_has_its_direction() {
    path_fails(Profile::Default, "n3", "n2", Way::There);
}

#[test]
fn path_that_fails_from_the_leader_has_its_direction() {
    path_fails(Profile::Default, "n6", "n5", Way::There);
}

#[test]
fn path_that_fails_to_the_leader_from_the_lowest_has_its_direction() {
    path_fails(Profile::Bfd, "n1", "n6", Way::There);
}

/// A path that no heartbeats use is found by the patrol: one member after the
/// other is probed, four each second.
fn patrol_finds(profile: Profile, from: &'static str, to: &'static str, way: Way) {
    let mut case = Case::new(profile, from);
    let mark = case.world.mark();
    case.world.path(from, to, "neta", way);
    let direction = match way {
        Way::Both => Direction::Both,
        Way::There => Direction::ToPeer,
    };
    let others = u32::try_from(case.world.live().len()).expect("few nodes") - 1;
    let every = case.detection.heartbeat_interval.max(Duration::from_millis(250));
    let bound = every * others + case.detection.verdict_bound() * 2;
    let (witnesses, quiet) = (case.world.live(), case.quiet());
    let expected = [Blame::path(from, to, "neta", direction)];
    case.world.expect(mark, &witnesses, &expected, bound, quiet);
    assert!(case.world.formed(), "both ends stay members");
}

#[test]
fn path_that_fails_against_the_heartbeats_is_found_by_the_patrol() {
    // Heartbeats go down the ring, from the higher to the lower address.
    patrol_finds(Profile::Default, "n2", "n3", Way::There);
}

#[test]
fn path_between_members_that_are_no_neighbours_is_found_by_the_patrol() {
    patrol_finds(Profile::Default, "n6", "n3", Way::Both);
    patrol_finds(Profile::Bfd, "n6", "n3", Way::Both);
}

#[test]
fn a_member_whose_answers_do_not_reach_the_leader_is_not_blamed_for_it() {
    let mut case = Case::new(Profile::Default, "n5");
    case.world.path("n5", "n6", "neta", Way::There);
    let mark = case.world.mark();
    case.world.crash("n2");
    let down = |event: &Event| event.node.as_deref() == Some("n2");
    let bound = case.bound();
    if let Err(why) =
        case.world.run_until(|world| world.all_said(mark, EventKind::NodeDown, down), bound)
    {
        panic!("not everybody says that n2 is down: {why}");
    }
    case.world.run_for(case.quiet());
    assert!(case.world.formed(), "n5 is still a member");
}
