//! Cables, switches and addresses that change.

use std::time::Duration;

use hats_core::{config::Profile, damping::HELD_MAX, event::EventKind};
use hats_sim::{Blame, Mark, World};

use crate::cases::{Case, settle};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn blames_only(case: &Case, mark: Mark, victim: &str) {
    for said in case.world.since(mark).iter().filter(|said| Blame::of(&said.event).is_some()) {
        assert_eq!(said.event.node.as_deref(), Some(victim), "{said:?}");
    }
}

#[test]
fn an_interface_that_flaps_is_well_again_after_it_and_others_are_not_blamed() {
    for (down, up) in [(ms(3), ms(3)), (ms(40), ms(60)), (ms(700), ms(900))] {
        let mut case = Case::new(Profile::Default, "n3");
        let mark = case.world.mark();
        case.world.flap("n3", "neta", 6, down, up);
        case.world.run_for((down + up) * 6);
        settle(&mut case.world, 10 + HELD_MAX.as_secs());
        blames_only(&case, mark, "n3");
        case.world.run_for(case.quiet());
        assert!(case.world.settled());
    }
}

#[test]
fn thirty_flaps_a_minute_are_told_as_one_hold_and_are_counted() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.flap("n3", "neta", 30, ms(1_000), ms(1_000));
    case.world.run_for(ms(60_000));
    let held = |world: &World, by: &str| {
        let view = world.view(by).unwrap();
        let adapter = view.adapters.iter().find(|it| it.node == "n3" && it.network == "neta");
        adapter.unwrap().held
    };
    for node in case.world.live() {
        assert!(held(&case.world, &node).is_some(), "{node} shows when it is released");
    }
    settle(&mut case.world, HELD_MAX.as_secs() + 10);
    for node in case.world.live() {
        let told = case.world.since(mark).iter().filter(|said| said.observer == node);
        let told = told.map(|said| &said.event);
        let told = told.filter(|it| it.node.as_deref() == Some("n3") && it.addr.is_some());
        let told: Vec<(EventKind, Option<u64>)> = told.map(|it| (it.kind, it.count)).collect();
        let (up, down) = ((EventKind::AdapterUp, None), (EventKind::AdapterDown, None));
        let held = (EventKind::AdapterDamped, Some(3));
        let released = (EventKind::AdapterReleased, Some(30));
        assert_eq!(told, [down, up, down, up, down, held, released, up], "by {node}");
    }
}

#[test]
fn an_address_that_changes_is_served_in_place_of_the_old_one() {
    for victim in ["n6", "n3", "n1"] {
        let mut case = Case::new(Profile::Default, victim);
        let mark = case.world.mark();
        case.world.address_change(victim, "neta", "10.77.1.200");
        settle(&mut case.world, 10);
        case.world.run_for(case.quiet());
        assert!(case.world.settled());
        blames_only(&case, mark, victim);
        assert_eq!(case.world.group_of("n2", "neta").first().map(String::as_str), Some(victim));
    }
}

#[test]
fn a_switch_without_power_is_told_by_every_carrier_and_comes_back() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.switch_off("neta", true);
    case.world.run_for(case.quiet());
    let nodes = case.world.live();
    for node in &nodes {
        let down = |event: &hats_core::event::Event| event.node.as_ref() == Some(node);
        assert!(case.world.all_said(mark, EventKind::AdapterDown, down), "of {node}");
    }
    case.world.switch_off("neta", false);
    settle(&mut case.world, 10);
}
