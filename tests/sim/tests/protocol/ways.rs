//! Ways that are slow, lossy, or take only some datagrams: nobody is blamed for
//! what the detection time allows.

use std::time::Duration;

use hats_core::{config::Profile, event::EventKind};
use hats_sim::{Conditions, Mark, Way};

use crate::cases::{Case, settle};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Nothing is said of anybody, and all stay in their groups.
fn nobody_is_blamed(case: &mut Case, mark: Mark) {
    case.world.run_for(case.detection.detection_time() * 8);
    case.everybody_says(mark, &[]);
    assert!(case.world.settled(), "all is well");
}

fn late(least: Duration, most: Duration) -> Conditions {
    Conditions { delay: (least, most), ..Conditions::default() }
}

#[test]
fn a_network_that_loses_a_fifth_of_everything_blames_nobody() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.loss("neta", 0.2);
    nobody_is_blamed(&mut case, mark);
}

#[test]
fn an_adapter_that_loses_two_fifths_of_what_it_gets_is_not_blamed() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.adapter_loss("n3", "neta", 0.4, 0.0);
    nobody_is_blamed(&mut case, mark);
}

#[test]
fn a_leader_that_loses_two_fifths_of_what_it_sends_is_not_blamed() {
    let mut case = Case::new(Profile::Default, "n6");
    let mark = case.world.mark();
    case.world.adapter_loss("n6", "neta", 0.0, 0.4);
    nobody_is_blamed(&mut case, mark);
}

#[test]
fn a_path_that_loses_two_fifths_one_way_is_not_said_to_have_failed() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.path_loss("n4", "n3", "neta", Way::There, 0.4);
    nobody_is_blamed(&mut case, mark);
}

#[test]
fn ways_of_different_length_blame_nobody() {
    for profile in [Profile::Default, Profile::Fast] {
        let mut case = Case::new(profile, "n3");
        let mark = case.world.mark();
        let quarter = case.detection.probe_timeout / 4;
        case.world.conditions("neta", late(Duration::ZERO, quarter));
        let there = late(quarter, quarter + ms(2));
        case.world.path_conditions("n4", "n3", "neta", Way::There, there);
        case.world.adapter_conditions("n6", "neta", late(quarter, quarter), Conditions::default());
        nobody_is_blamed(&mut case, mark);
    }
}

#[test]
fn datagrams_that_arrive_twice_or_in_another_order_change_nothing() {
    for profile in [Profile::Default, Profile::Bfd] {
        let mut case = Case::new(profile, "n3");
        let mark = case.world.mark();
        let conditions = Conditions {
            duplication: 0.3,
            reordering: 0.3,
            held_back: case.detection.heartbeat_interval / 5,
            ..Conditions::default()
        };
        for network in ["neta", "netb"] {
            case.world.conditions(network, conditions);
        }
        nobody_is_blamed(&mut case, mark);
        let (mark, victim) = (case.world.mark(), case.victim);
        case.world.crash(victim);
        let down = |event: &hats_core::event::Event| event.node.as_deref() == Some("n3");
        let bound = case.bound() * 2;
        case.world
            .run_until(|world| world.all_said(mark, EventKind::NodeDown, down), bound)
            .expect("a crash is still found");
        case.world.restart(victim);
        settle(&mut case.world, 5);
    }
}

#[test]
fn a_network_that_takes_1280_bytes_takes_everything() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    for network in ["neta", "netb"] {
        case.world.conditions(network, Conditions { mtu: Some(1_280), ..Conditions::default() });
    }
    case.world.crash("n3");
    case.world.run_for(ms(200));
    case.world.restart("n3");
    settle(&mut case.world, 5);
    let others = case.world.since(mark).iter().filter(|said| said.observer != "n3");
    let wrong = others.filter(|said| said.event.kind == EventKind::AdapterDown);
    let wrong: Vec<_> = wrong.filter(|said| said.event.node.as_deref() != Some("n3")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn multicast_that_dies_under_a_group_blames_nobody_and_lets_nobody_out() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.multicast_dead("neta", true);
    case.world.run_for(case.detection.detection_time() * 8);
    case.everybody_says(mark, &[hats_sim::Blame::multicast("neta")]);
    assert!(case.world.settled(), "the group holds");
    let victim = case.victim;
    case.world.cut(victim, "neta");
    let mark = case.world.mark();
    let expected = [hats_sim::Blame::adapter(victim, "neta", hats_wire::Cause::Both)];
    case.everybody_says(mark, &expected);
    case.world.heal(victim, "neta");
    settle(&mut case.world, 10);
}

#[test]
fn a_small_mtu_keeps_heartbeats_and_blames_nobody() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.conditions("neta", Conditions { mtu: Some(300), ..Conditions::default() });
    case.world.run_for(case.detection.detection_time() * 20);
    case.everybody_says(mark, &[hats_sim::Blame::mtu("neta")]);
    assert!(case.world.settled(), "the group holds");
    let mark = case.world.mark();
    case.world.conditions("neta", Conditions::default());
    let any = |_: &hats_core::event::Event| true;
    case.world
        .run_until(|world| world.all_said(mark, EventKind::NetworkMtuRestored, any), ms(20_000))
        .expect("all say that long packets arrive again");
}
