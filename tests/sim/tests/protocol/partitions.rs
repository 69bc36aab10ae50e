//! A network in parts: both sides live, each goes on, and they find each other again.

use std::time::Duration;

use hats_core::{config::Profile, event::EventKind};
use hats_sim::{Blame, World};

use crate::cases::{Case, settle};

fn splits_and_merges(profile: Profile, low: &[&str], high: &[&str]) {
    let mut case = Case::new(profile, "n6");
    let mark = case.world.mark();
    case.world.partition("neta", &[low, high]);
    case.everybody_says(mark, &[Blame::partition("neta")]);
    for side in [low, high] {
        let mut expected: Vec<String> = side.iter().map(|node| (*node).to_owned()).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        for node in side {
            assert_eq!(case.world.group_of(node, "neta"), expected, "{node}");
        }
    }
    let healed = case.world.mark();
    case.world.heal_partition("neta");
    settle(&mut case.world, 5);
    case.world.run_for(case.quiet());
    assert!(case.world.settled());
    assert!(case.world.all_said(healed, EventKind::NetworkMerged, |event| {
        event.network.as_deref() == Some("neta")
    }));
}

#[test]
fn halves_split_and_merge_default() {
    splits_and_merges(Profile::Default, &["n1", "n2", "n3"], &["n4", "n5", "n6"]);
}

#[test]
fn halves_split_and_merge_bfd() {
    splits_and_merges(Profile::Bfd, &["n1", "n2", "n3"], &["n4", "n5", "n6"]);
}

#[test]
fn interleaved_sides_split_and_merge() {
    splits_and_merges(Profile::Default, &["n1", "n3", "n5"], &["n2", "n4", "n6"]);
}

#[test]
fn two_against_four_split_and_merge() {
    splits_and_merges(Profile::Default, &["n5", "n6"], &["n1", "n2", "n3", "n4"]);
}

#[test]
fn with_one_network_each_side_goes_on_and_no_adapter_is_blamed() {
    let mut world = World::lan(6, 1).seed(51).build();
    settle(&mut world, 3);
    world.partition("neta", &[&["n1", "n2", "n3"], &["n4", "n5", "n6"]]);
    world.run_for(Duration::from_secs(6));
    assert_eq!(world.group_of("n1", "neta"), ["n3", "n2", "n1"]);
    assert_eq!(world.group_of("n6", "neta"), ["n6", "n5", "n4"]);
    world.heal_partition("neta");
    settle(&mut world, 5);
}

#[test]
fn a_dead_network_is_said_to_be_dead_and_comes_back() {
    let mut case = Case::new(Profile::Default, "n6");
    let mark = case.world.mark();
    case.world.network_dead("neta", true);
    case.everybody_says(mark, &[Blame::network("neta")]);
    case.world.network_dead("neta", false);
    settle(&mut case.world, 5);
}

#[test]
fn a_switch_that_falls_in_three_is_a_partition_and_blames_nobody() {
    let mut case = Case::new(Profile::Default, "n6");
    let mark = case.world.mark();
    case.world.partition("neta", &[&["n1", "n4"], &["n2", "n5"], &["n3", "n6"]]);
    // Two sides are seen first; that one of them is in parts itself is told when
    // it is found.
    let (witnesses, partition) = (case.world.live(), [Blame::partition("neta")]);
    let (bound, quiet) = (case.bound(), case.quiet());
    case.world.expect_besides(mark, &witnesses, (&partition, &partition), bound, quiet);
    assert_eq!(case.world.group_of("n3", "neta"), ["n6", "n3"]);
    case.world.heal_partition("neta");
    settle(&mut case.world, 5);
}
