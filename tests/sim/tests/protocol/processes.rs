//! Processes that do not run: what of it is said, and of whom.

use std::time::Duration;

use hats_core::{config::Profile, event::EventKind};
use hats_sim::Blame;
use hats_wire::Cause;

use crate::cases::{Case, settle};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_daemon_that_hangs_is_said_to_be_down_and_its_node_is_not() {
    for victim in ["n6", "n3"] {
        let mut case = Case::new(Profile::Default, victim);
        let mark = case.world.mark();
        case.world.hang_daemon(victim);
        let (witnesses, quiet) = (case.world.live(), case.quiet());
        // The lease is two seconds, and then another two without heartbeats.
        let bound = ms(4_000) + case.bound() + ms(250);
        case.world.expect(mark, &witnesses, &[Blame::daemon(victim)], bound, quiet);
        let back = case.world.mark();
        case.world.resume_daemon(victim);
        settle(&mut case.world, 10);
        case.world.run_for(ms(5_000));
        for witness in witnesses {
            let its = case.world.since(back).iter().filter(|said| said.observer == witness);
            let up = its.filter(|said| said.event.kind == EventKind::NodeUp);
            assert_eq!(up.count(), 1, "{witness} says once that {victim} is back");
        }
    }
}

#[test]
fn a_daemon_that_hangs_for_less_than_its_lease_is_not_noticed() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.hang_daemon("n3");
    case.world.run_for(ms(1_500));
    case.world.resume_daemon("n3");
    case.everybody_says(mark, &[]);
    assert!(case.world.settled());
}

#[test]
fn a_nim_that_hangs_is_its_adapters_fault_and_nobody_elses() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.hang_nim("n3", "neta");
    case.everybody_says(mark, &[Blame::adapter("n3", "neta", Cause::Both)]);
    case.world.resume_nim("n3", "neta");
    settle(&mut case.world, 10);
}

#[test]
fn a_nim_that_hangs_for_less_than_the_detection_time_is_not_noticed() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.hang_nim("n3", "neta");
    case.world.run_for(ms(600));
    case.world.resume_nim("n3", "neta");
    case.everybody_says(mark, &[]);
    assert!(case.world.settled());
}

#[test]
fn a_nim_that_takes_no_commands_is_killed_and_started_again() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.hang_nim("n3", "neta");
    case.world.run_for(Duration::from_secs(90));
    let died = case.world.since(mark).iter().find(|said| said.event.kind == EventKind::NimDied);
    assert!(died.is_some_and(|said| said.observer == "n3"), "{died:?}");
    settle(&mut case.world, 10);
}

#[test]
fn a_host_that_runs_late_by_less_than_a_probe_takes_blames_nobody() {
    for victim in ["n6", "n3"] {
        let mut case = Case::new(Profile::Default, victim);
        let mark = case.world.mark();
        let most = case.detection.probe_timeout / 4;
        case.world.starve_host(victim, most);
        case.world.run_for(case.detection.detection_time() * 12);
        case.world.starve_host(victim, Duration::ZERO);
        case.everybody_says(mark, &[]);
        assert!(case.world.settled());
    }
}

#[test]
fn a_starved_daemon_finds_a_crash_late_and_blames_nobody_else() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.starve_daemon("n5", ms(200));
    case.world.crash("n3");
    let down = |event: &hats_core::event::Event| event.node.as_deref() == Some("n3");
    // It answers late: rounds then wait for a detection time, and so does the judge's
    // acknowledgement; each of the two messages may find it out of the CPU.
    let bound = case.bound() + case.detection.detection_time() * 2 + ms(200) * 2;
    case.world
        .run_until(|world| world.all_said(mark, EventKind::NodeDown, down), bound)
        .expect("all say that n3 is down");
    case.world.run_for(case.quiet());
    for said in case.world.since(mark).iter().filter(|said| Blame::of(&said.event).is_some()) {
        assert_eq!(said.event.node.as_deref(), Some("n3"), "{said:?}");
    }
}

#[test]
fn a_starved_nim_blames_nobody() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    case.world.starve_nim("n3", "neta", ms(30));
    case.world.run_for(case.detection.detection_time() * 12);
    case.everybody_says(mark, &[]);
    assert!(case.world.settled());
}

#[test]
fn a_nim_that_dies_again_and_again_is_started_later_and_later() {
    let mut case = Case::new(Profile::Default, "n3");
    let mark = case.world.mark();
    let mut rests = Vec::new();
    for _ in 0..4 {
        let before = case.world.now();
        let deaths = case.world.since(mark).len();
        case.world.kill_nim("n3", "neta");
        let back = |world: &hats_sim::World| {
            let since = &world.since(mark)[deaths..];
            since.iter().any(|said| said.event.kind == EventKind::NimRestarted)
        };
        case.world.run_until(back, Duration::from_secs(5)).expect("it is started again");
        rests.push((case.world.now() - before).as_millis() / 100);
        case.world.run_for(ms(300));
    }
    assert_eq!(rests, [0, 1, 2, 4], "hundreds of milliseconds");
}
