//! Cables, switches and addresses that change.

use std::time::Duration;

use hats_core::{config::Profile, event::EventKind};
use hats_sim::{Blame, Mark};

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
        settle(&mut case.world, 10);
        blames_only(&case, mark, "n3");
        case.world.run_for(case.quiet());
        assert!(case.world.settled());
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
