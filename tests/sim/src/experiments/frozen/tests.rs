use std::time::Duration;

use super::*;

fn quick() -> Request {
    Request { seed: 1, quick: true, nodes: None, grid: super::super::Grid::Small }
}

fn tried(who: Who, how: Freeze) -> Counts {
    let what = Plan::of(&quick()).anomalies(how)[0];
    try_one(who, 8, &what, 7).unwrap()
}

#[test]
fn members_that_stand_still_blame_nobody_who_is_well() {
    for how in Freeze::ALL {
        let ours = tried(Who::Hats("default"), how);
        assert_eq!((ours.of_healthy(), ours.others), (0, 0), "{how}: {:?}", ours.first_wrong);
        // That they stand still is noticed, and said in the word for it.
        assert!(ours.frozen > 0, "{how}");
        assert_eq!(ours.words.keys().copied().collect::<Vec<_>>(), ["daemon.down"], "{how}");
    }
}

#[test]
fn the_baseline_blames_healthy_members_when_others_are_blocked() {
    let tried = |how| {
        let what = Plan::of(&quick()).anomalies(how)[0];
        let (duration, run) = (Duration::from_secs(8), Duration::from_secs(60));
        let what = Anomalies { concurrent: 4, duration, run, ..what };
        try_one(Who::Swim, 16, &what, 7).unwrap().of_healthy()
    };
    assert!(tried(Freeze::Blocked) > 0);
    // Not so when the processes stop and find everything in their sockets.
    assert_eq!(tried(Freeze::Stopped), 0);
}

#[test]
fn a_crash_is_noticed_sooner_than_by_the_baseline_and_by_all() {
    let plan = Plan::of(&quick());
    let of = |who| crash_all(who, &plan, 3, &mut Progress::silent()).unwrap();
    let (hats, swim) = (of(Who::Hats("default")), of(Who::Swim));
    for detection in [&hats, &swim] {
        assert_eq!((detection.missed, detection.wrong), (0, 0));
        assert_eq!(detection.full.len(), 2);
    }
    assert!(hats.full.iter().all(|hats| swim.first.iter().all(|swim| hats < swim)));
}

#[test]
fn what_is_said_of_a_member_that_never_stood_still_is_a_false_positive() {
    let blame = |observer, member| contest::Blame {
        at: Duration::ZERO,
        observer,
        member,
        words: "dead",
        is_failure: true,
    };
    let anomalous = [1, 2].into();
    let mut counts = Counts::default();
    counts.add(blame(1, 5), &anomalous, true);
    counts.add(blame(4, 5), &anomalous, false);
    counts.add(blame(4, 1), &anomalous, true);
    counts.add(blame(4, 1), &anomalous, false);
    counts.add(contest::Blame { is_failure: false, ..blame(4, 5) }, &anomalous, false);
    assert_eq!((counts.of_healthy(), counts.healthy_by_healthy), (2, 1));
    assert_eq!((counts.frozen, counts.thawed, counts.others), (1, 1, 1));
    assert_eq!(counts.of_anybody(), 4);
    assert_eq!(counts.first_wrong.map(|blame| blame.observer), Some(1));
}

#[test]
fn the_same_seed_is_the_same_outcome() {
    let what = Plan::of(&quick()).anomalies(Freeze::Stopped)[0];
    let what = Anomalies { run: Duration::from_secs(17), ..what };
    let run = |seed| try_one(Who::Hats("default"), 4, &what, seed).unwrap();
    assert_eq!(run(5), run(5));
    assert_ne!(run(5).tally, run(6).tally);
}
