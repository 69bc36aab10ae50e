//! An adapter that fails silently, its carrier still up: who, which way, and
//! nobody else.

use hats_core::{config::Profile, event::EventKind};
use hats_sim::{Blame, Mark, Plan, World};
use hats_wire::Cause;

use crate::cases::{Case, for_each_victim, settle};

fn cut(mut case: Case) {
    let mark = case.world.mark();
    case.world.cut(case.victim, "neta");
    blamed_and_taken_back(case, mark, Cause::Both);
}

fn deaf(mut case: Case) {
    let mark = case.world.mark();
    case.world.deaf(case.victim, "neta");
    blamed_and_taken_back(case, mark, Cause::Receive);
}

fn mute(mut case: Case) {
    let mark = case.world.mark();
    case.world.mute(case.victim, "neta");
    blamed_and_taken_back(case, mark, Cause::Transmit);
}

fn blamed_and_taken_back(mut case: Case, mark: Mark, cause: Cause) {
    let victim = case.victim;
    case.everybody_says(mark, &[Blame::adapter(victim, "neta", cause)]);
    case.world.heal(victim, "neta");
    settle(&mut case.world, 5);
}

for_each_victim!(silent_cut_both_ways_is_the_adapters, cut);
for_each_victim!(receive_only_failure_is_the_adapters, deaf);
for_each_victim!(transmit_only_failure_is_the_adapters, mute);

/// On one machine, or on hosts with slow CPUs, what an arbitration sends is what
/// makes everybody late, and then there are more of them. Before rounds were
/// spared that nobody needs, letters sent once at first, and first rounds brief
/// where nothing was lost, it was five times as much.
#[test]
fn an_arbitration_among_eight_costs_few_hundred_datagrams() {
    let detection = Profile::Bfd.detection();
    for seed in 0..5 {
        let mut world = World::lan(8, 2).seed(seed).detection(detection).build();
        settle(&mut world, 5);
        let span = detection.verdict_bound();
        world.run_for(detection.heartbeat_interval * 80);
        let start = world.traffic().clone();
        world.run_for(span);
        let usual = world.traffic().since(&start).total().sent;
        let (mark, start) = (world.mark(), world.traffic().clone());
        world.cut("n7", "neta");
        world.run_for(span);
        let sent = world.traffic().since(&start).total().sent - usual;
        assert!(world.all_said(mark, EventKind::AdapterDown, |_| true), "seed {seed}: all know it");
        assert!(sent < 600, "seed {seed}: {sent} datagrams more than usual");
    }
}

fn one_network(nodes: u32) -> World {
    let mut world = World::lan(nodes, 1).seed(31).build();
    settle(&mut world, 3);
    world.run_for(std::time::Duration::from_secs(4));
    world
}

#[test]
fn with_one_network_a_cut_node_is_unreachable_to_the_others() {
    let mut world = one_network(5);
    let (mark, detection) = (world.mark(), Profile::Default.detection());
    world.cut("n3", "neta");
    let witnesses: Vec<String> = world.live().into_iter().filter(|node| node != "n3").collect();
    let expected =
        Blame::whole_node(Blame::node_for("n3", Cause::Unreachable), &["neta"], Cause::NodeDown);
    let quiet = detection.detection_time() * 3;
    let bound = detection.verdict_bound() + std::time::Duration::from_millis(20);
    world.expect(mark, &witnesses, &expected, bound, quiet);
    world.heal("n3", "neta");
    settle(&mut world, 5);
}

#[test]
fn two_nodes_alone_and_no_reference_blame_nobody_for_certain() {
    let mut world = one_network(2);
    let mark = world.mark();
    world.cut("n1", "neta");
    world.run_for(std::time::Duration::from_secs(5));
    assert!(world.all_said(mark, EventKind::AdapterInconclusive, |_| true), "said as such");
    let certain = [Cause::Both, Cause::Receive, Cause::Transmit];
    let wrong: Vec<_> = world
        .events()
        .iter()
        .filter(|said| said.event.cause.is_some_and(|cause| certain.contains(&cause)))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_cut_is_found_where_the_second_network_has_another_leader() {
    let mut plan = Plan::new(17).network("neta", "10.1.0.0/24").network("netb", "10.2.0.0/24");
    for i in 1..=4 {
        let node = format!("n{i}");
        plan = plan.adapter(&node, "neta", "eth0", &format!("10.1.0.{i}"));
        plan = plan.adapter(&node, "netb", "eth1", &format!("10.2.0.{}", 10 - i));
    }
    let mut world = plan.build();
    settle(&mut world, 3);
    let detection = Profile::Default.detection();
    world.run_for(detection.heartbeat_interval * 12);
    let mark = world.mark();
    world.cut("n2", "netb");
    let bound = detection.verdict_bound() + std::time::Duration::from_millis(20);
    let witnesses = world.live();
    let expected = [Blame::adapter("n2", "netb", Cause::Both)];
    world.expect(mark, &witnesses, &expected, bound, detection.detection_time() * 3);
}

#[test]
fn three_nodes_are_enough_to_tell_whose_fault_it_is() {
    for victim in ["n1", "n2", "n3"] {
        let mut world = World::lan(3, 2).seed(41).build();
        settle(&mut world, 3);
        let detection = Profile::Default.detection();
        world.run_for(detection.heartbeat_interval * 12);
        let mark = world.mark();
        world.cut(victim, "neta");
        let bound = detection.verdict_bound() + std::time::Duration::from_millis(20);
        let (witnesses, expected) = (world.live(), [Blame::adapter(victim, "neta", Cause::Both)]);
        world.expect(mark, &witnesses, &expected, bound, detection.detection_time() * 3);
    }
}
