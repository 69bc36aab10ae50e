//! What comes back within the detection time is never silently merged.

use std::time::Duration;

use hats_core::event::EventKind;
use hats_sim::{Blame, Mark, World};

use crate::cases::{Case, for_each_victim, settle};

fn reset(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.crash(victim);
    case.world.run_for(case.detection.detection_time() / 4);
    case.world.restart(victim);
    seen_by_all(case, mark);
}

fn daemon(mut case: Case) {
    let (mark, victim) = (case.world.mark(), case.victim);
    case.world.kill_daemon(victim);
    case.world.run_for(case.detection.detection_time() / 4);
    case.world.restart(victim);
    seen_by_all(case, mark);
}

fn seen_by_all(mut case: Case, mark: Mark) {
    let victim = case.victim;
    settle(&mut case.world, 5);
    case.world.run_for(case.quiet());
    assert!(case.world.settled());
    let others = case.world.live().into_iter().filter(|node| node != victim);
    for node in others.collect::<Vec<_>>() {
        let restarts =
            case.world.since(mark).iter().filter(|said| {
                said.observer == node && said.event.kind == EventKind::NodeRestarted
            });
        let about: Vec<_> = restarts.map(|said| said.event.node.as_deref()).collect();
        assert_eq!(about, [Some(victim)], "{node} says node.restarted once, of {victim}");
    }
    nobody_else_is_blamed(&case.world, mark, victim);
}

fn nobody_else_is_blamed(world: &World, mark: Mark, victim: &str) {
    for said in world.since(mark).iter().filter(|said| Blame::of(&said.event).is_some()) {
        assert_eq!(said.event.node.as_deref(), Some(victim), "{said:?}");
    }
}

for_each_victim!(host_reset_within_the_detection_time, reset);
for_each_victim!(daemon_restarted_within_the_detection_time, daemon);

#[test]
fn a_node_suspended_for_long_is_taken_back_and_blames_nobody() {
    for victim in ["n6", "n3", "n1"] {
        let mut case = Case::new(hats_core::config::Profile::Default, victim);
        let mark = case.world.mark();
        case.world.pause(victim);
        case.world.run_for(Duration::from_secs(10));
        case.world.resume(victim);
        settle(&mut case.world, 5);
        nobody_else_is_blamed(&case.world, mark, victim);
    }
}

#[test]
fn a_node_suspended_for_less_than_the_detection_time_blames_nobody() {
    let mut case = Case::new(hats_core::config::Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.pause("n3");
    case.world.run_for(Duration::from_millis(600));
    case.world.resume("n3");
    case.world.run_for(case.quiet());
    nobody_else_is_blamed(&case.world, mark, "n3");
    assert!(case.world.settled());
}
