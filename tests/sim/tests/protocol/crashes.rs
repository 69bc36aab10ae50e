//! Nodes and daemons that die.

use hats_core::{config::Profile, event::EventKind};
use hats_sim::Blame;
use hats_wire::Cause;

use crate::cases::{Case, for_each_victim, settle};

const BOTH: [&str; 2] = ["neta", "netb"];

fn crash(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.crash(victim);
    let expected = Blame::whole_node(Blame::node(victim), &BOTH, Cause::NodeDown);
    case.everybody_says(mark, &expected);
    assert!(case.world.formed(), "the others are one group on each network");
    case.world.restart(victim);
    settle(&mut case.world, 5);
}

fn kill_daemon(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.kill_daemon(victim);
    // daemon.down speaks for the adapters behind it: none of them is blamed.
    case.everybody_says(mark, &[Blame::daemon(victim)]);
    assert!(case.world.formed(), "the others are one group on each network");
    case.world.restart(victim);
    settle(&mut case.world, 5);
}

for_each_victim!(crashed_node_is_down_with_its_adapters, crash);
for_each_victim!(killed_daemon_is_told_from_a_crashed_node, kill_daemon);

fn two_crash(profile: Profile, first: &str, second: &str) {
    let mut case = Case::new(profile, "n6");
    let mark = case.world.mark();
    case.world.crash(first);
    case.world.crash(second);
    let mut expected = Blame::whole_node(Blame::node(first), &BOTH, Cause::NodeDown);
    expected.extend(Blame::whole_node(Blame::node(second), &BOTH, Cause::NodeDown));
    case.everybody_says(mark, &expected);
    assert!(case.world.formed());
}

#[test]
fn leader_and_successor_crash_together_default() {
    two_crash(Profile::Default, "n6", "n5");
}

#[test]
fn leader_and_successor_crash_together_bfd() {
    two_crash(Profile::Bfd, "n6", "n5");
}

#[test]
fn two_neighbours_crash_together_default() {
    two_crash(Profile::Default, "n3", "n2");
}

#[test]
fn two_neighbours_crash_together_bfd() {
    two_crash(Profile::Bfd, "n3", "n2");
}

#[test]
fn leader_and_lowest_crash_together() {
    two_crash(Profile::Default, "n6", "n1");
}

#[test]
fn successor_takes_over_when_the_leader_crashes() {
    let mut case = Case::new(Profile::Default, "n6");
    let mark = case.world.mark();
    case.world.crash("n6");
    let bound = case.bound();
    let leads = |world: &hats_sim::World| {
        ["neta", "netb"].iter().all(|network| {
            world.all_said(mark, EventKind::NetworkLeader, |event| {
                event.network.as_deref() == Some(network)
                    && event.leader.as_ref().is_some_and(|(node, _)| node == "n5")
                    && event.successor.as_ref().is_some_and(|(node, _)| node == "n4")
            })
        })
    };
    if let Err(why) = case.world.run_until(leads, bound) {
        panic!("n5 does not lead with n4 as successor everywhere: {why}");
    }
}

#[test]
fn one_crash_is_one_commit() {
    for victim in ["n6", "n5", "n3", "n1"] {
        let mut case = Case::new(Profile::Default, victim);
        let before = case.world.commits_of("n2", "neta");
        case.world.crash(victim);
        case.world.run_for(case.quiet() + case.bound());
        assert_eq!(case.world.commits_of("n2", "neta"), before + 1, "{victim}");
    }
}

#[test]
fn half_of_a_cluster_crashes_at_once() {
    let mut case = Case::new(Profile::Default, "n6");
    let mark = case.world.mark();
    for node in ["n6", "n4", "n2"] {
        case.world.crash(node);
    }
    case.world.run_for(case.bound() * 3);
    assert!(case.world.formed());
    for node in ["n6", "n4", "n2"] {
        let down = |event: &hats_core::event::Event| event.node.as_deref() == Some(node);
        assert!(case.world.all_said(mark, EventKind::NodeDown, down), "{node}");
    }
}
