//! Two well adapters that do not reach each other: nobody is blamed.

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

#[test]
fn path_that_carries_no_heartbeats_may_fail_without_blame() {
    // Heartbeats go down the ring, from the higher to the lower address.
    let mut case = Case::new(Profile::Default, "n2");
    let mark = case.world.mark();
    case.world.path("n2", "n3", "neta", Way::There);
    case.everybody_says(mark, &[]);
    assert!(case.world.settled());
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
