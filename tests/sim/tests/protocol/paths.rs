//! Two well adapters that do not reach each other: nobody is blamed.

use hats_core::config::Profile;
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
fn path_that_fails_upwards_has_its_direction() {
    path_fails(Profile::Default, "n2", "n3", Way::There);
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
fn path_that_fails_to_the_leader_has_its_direction() {
    path_fails(Profile::Bfd, "n5", "n6", Way::There);
}
