//! What a node knows of itself needs no arbitration and no waiting.

use std::time::Duration;

use hats_core::event::EventKind;
use hats_sim::Blame;
use hats_wire::Cause;

use crate::cases::{Case, for_each_victim, settle};

/// The others know it over their other network within this time.
const SOON: Duration = Duration::from_millis(10);

fn carrier(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.carrier(victim, "neta", false);
    let (witnesses, quiet) = (case.world.live(), case.quiet());
    let expected = [Blame::adapter(victim, "neta", Cause::LinkDown)];
    case.world.expect(mark, &witnesses, &expected, SOON, quiet);
    let own = case
        .world
        .since(mark)
        .iter()
        .find(|said| said.observer == victim && said.event.kind == EventKind::AdapterDown);
    let own = own.expect("expect() has seen it").at - case.world.time_of(mark);
    assert!(own <= Duration::from_millis(2), "its own node knew after {own:?}");
    case.world.carrier(victim, "neta", true);
    settle(&mut case.world, 5);
}

fn address(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.address_lost(victim, "neta");
    let (witnesses, quiet) = (case.world.live(), case.quiet());
    let expected = [Blame::adapter(victim, "neta", Cause::AddressLost)];
    case.world.expect(mark, &witnesses, &expected, SOON, quiet);
    case.world.address_back(victim, "neta");
    settle(&mut case.world, 5);
}

fn leave(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.leave(victim);
    let witnesses: Vec<String> =
        case.world.live().into_iter().filter(|node| node != victim).collect();
    case.these_say(mark, &witnesses, &[Blame::left(victim)]);
    assert!(!case.world.live().contains(&victim.to_owned()), "the daemon has exited");
    assert!(case.world.formed(), "the others go on");
    case.world.restart(victim);
    settle(&mut case.world, 5);
}

for_each_victim!(carrier_loss_is_known_everywhere_at_once, carrier);
for_each_victim!(lost_address_is_known_everywhere_at_once, address);
for_each_victim!(leaving_on_purpose_is_no_failure, leave);

#[test]
fn a_nim_restarted_within_the_detection_time_is_not_noticed_by_the_group() {
    let mut case = Case::new(hats_core::config::Profile::Default, "n3");
    let (mark, commits) = (case.world.mark(), case.world.commits_of("n1", "neta"));
    case.world.kill_nim("n3", "neta");
    case.everybody_says(mark, &[]);
    assert_eq!(case.world.commits_of("n1", "neta"), commits, "no new membership");
    let said = |kind| {
        let of = case.world.since(mark).iter().filter(move |said| said.event.kind == kind);
        of.map(|said| said.observer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(said(EventKind::NimDied), ["n3"]);
    assert_eq!(said(EventKind::NimRestarted), ["n3"]);
    assert!(case.world.settled());
}
