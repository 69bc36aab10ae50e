//! The world itself: a seed is a run.

use std::time::Duration;

use hats_core::event::EventKind;
use hats_sim::World;

fn story(seed: u64) -> (u64, Vec<String>) {
    let mut world = World::lan(5, 2).seed(seed).build();
    world.loss("neta", 0.1);
    world.run_for(Duration::from_secs(3));
    world.cut("n3", "neta");
    world.run_for(Duration::from_secs(3));
    world.crash("n5");
    world.run_for(Duration::from_secs(3));
    let events = world.events().iter().map(|said| format!("{said:?}")).collect();
    (world.steps(), events)
}

#[test]
fn a_cluster_is_not_settled_before_its_daemons_run() {
    let mut world = World::lan(3, 1).build();
    assert!(!world.settled());
    assert!(!world.all_said(world.mark(), EventKind::NodeUp, |_| true));
    world.run_for(Duration::from_millis(1));
    assert!(!world.settled());
}

#[test]
fn one_seed_is_one_run() {
    assert_eq!(story(77), story(77));
}

#[test]
fn another_seed_is_another_run() {
    assert_ne!(story(77), story(78));
}
