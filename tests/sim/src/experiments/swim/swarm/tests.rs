use super::*;
use crate::experiments::swim::message::Status;

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn swarm(members: usize, seed: u64) -> Swarm {
    Swarm::new(members, seed, &Settings::default())
}

/// Who said that somebody died, of whom.
fn failures(swarm: &Swarm) -> Vec<(Id, Id)> {
    let happened = swarm.happened().iter();
    happened
        .filter_map(|it| match it.event {
            Event::Failed(member) => Some((it.observer, member)),
            Event::Suspected(_) | Event::Returned(_) => None,
        })
        .collect()
}

#[test]
fn without_faults_nobody_is_suspected() {
    let mut swarm = swarm(64, 1);
    swarm.run_for(secs(300));
    assert_eq!(swarm.happened(), []);
}

#[test]
fn a_member_costs_the_same_in_a_small_and_a_large_group() {
    let rates = [8, 128].map(|members| {
        let mut swarm = swarm(members, 1);
        swarm.run_for(secs(60));
        swarm.tally().rates(members, secs(60))[0]
    });
    // A ping and an ack each second, and an exchange now and then.
    assert!(rates.iter().all(|rate| (2.0..2.2).contains(rate)), "{rates:?}");
}

#[test]
fn a_crash_is_known_to_all_and_nobody_else_is_blamed() {
    let mut swarm = swarm(32, 2);
    swarm.run_for(secs(10));
    swarm.crash(7);
    swarm.run_for(secs(30));
    let mut said = failures(&swarm);
    said.sort_unstable();
    let expected: Vec<(Id, Id)> = (0..32).filter(|id| *id != 7).map(|id| (id, 7)).collect();
    assert_eq!(said, expected);
}

#[test]
fn loss_is_endured_by_indirect_probes_and_refutation() {
    let mut swarm = swarm(32, 3);
    swarm.loss(0.05);
    swarm.run_for(secs(300));
    let is_suspicion = |it: &&Happened| matches!(it.event, Event::Suspected(_));
    assert!(swarm.happened().iter().filter(is_suspicion).count() > 0);
    assert_eq!(failures(&swarm), []);
}

#[test]
fn a_cut_pair_reaches_each_other_through_others() {
    let mut swarm = swarm(8, 4);
    swarm.cut(0, 1);
    swarm.run_for(secs(120));
    assert_eq!(swarm.happened(), []);
}

#[test]
fn a_short_stop_is_refuted_and_a_long_one_is_not() {
    for (frozen, expected) in [(3, 0), (20, 15)] {
        let mut swarm = swarm(16, 5);
        swarm.run_for(secs(10));
        swarm.freeze(4, Freeze::Stopped);
        swarm.run_for(secs(frozen));
        swarm.thaw(4);
        swarm.run_for(secs(60));
        let said = failures(&swarm);
        assert!(said.iter().all(|(_, of)| *of == 4), "{said:?}");
        assert_eq!(said.len(), expected, "frozen for {frozen} s");
        let beliefs = (0..16).map(|id| swarm.machine(id).belief(4).0);
        assert!(beliefs.into_iter().all(|status| status == Status::Alive));
    }
}

#[test]
fn blocked_members_get_healthy_ones_blamed() {
    let mut swarm = swarm(64, 6);
    swarm.run_for(secs(15));
    let blocked: Vec<Id> = (0..16).collect();
    for _ in 0..3 {
        blocked.iter().for_each(|id| swarm.freeze(*id, Freeze::Blocked));
        swarm.run_for(secs(16));
        blocked.iter().for_each(|id| swarm.thaw(*id));
        swarm.run_for(Duration::from_millis(64));
    }
    let healthy = failures(&swarm).into_iter().filter(|(_, of)| !blocked.contains(of));
    assert!(healthy.count() > 0, "Lifeguard's anomaly does to SWIM what it is known for");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        let mut swarm = swarm(24, seed);
        swarm.loss(0.2);
        swarm.crash(3);
        swarm.run_for(secs(60));
        (swarm.happened().to_vec(), swarm.tally(), swarm.steps())
    };
    assert_eq!(run(9), run(9));
    assert_ne!(run(9).1, run(10).1);
}

/// Over many crashes, in seconds, from the crash to the first suspicion: the
/// mean and its standard error.
fn first_detection(settings: &Settings) -> (f64, f64) {
    const RUNS: u64 = 300;
    let mut times: Vec<f64> = Vec::new();
    for seed in 0..RUNS {
        let mut swarm = Swarm::new(MEMBERS, seed, settings);
        // Just before all members tick, if they tick together.
        swarm.run_for(secs(1) - Duration::from_millis(5));
        let crashed = swarm.now();
        swarm.crash(17);
        while swarm.happened().is_empty() {
            swarm.run_for(Duration::from_millis(100));
        }
        times.push((swarm.happened()[0].at - crashed).as_secs_f64());
    }
    let mean = times.iter().sum::<f64>() / RUNS as f64;
    let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
    (mean, squares.sqrt() / RUNS as f64)
}

const MEMBERS: usize = 40;

/// Sections 3.1 and 5 of the paper: with periods that all begin together, the
/// number of periods until somebody has picked the crashed member is
/// e / (e - 1) = 1.58 in the mean, whatever the size. The suspicion comes at the
/// end of that period.
#[test]
fn the_first_detection_takes_as_many_periods_as_the_paper_says() {
    let settings = Settings { staggered: false, ..Settings::default() };
    let (mean, error) = first_detection(&settings);
    // In rounds: nobody of M has picked it after k periods: (1 - k/M)^M, which
    // for many members is e^-k.
    let others = MEMBERS as f64 - 1.0;
    let expected: f64 = (0..MEMBERS - 1).map(|k| (1.0 - k as f64 / others).powf(others)).sum();
    assert!((expected - std::f64::consts::E / (std::f64::consts::E - 1.0)).abs() < 0.05);
    assert!((mean - expected).abs() < 4.0 * error, "{mean} +- {error}, expected {expected}");
}

/// With phases of their own, somebody's ping comes after one period in the
/// mean, and the suspicion one period after it.
#[test]
fn staggered_members_detect_within_two_periods_in_the_mean() {
    let (mean, error) = first_detection(&Settings::default());
    assert!((mean - 2.0).abs() < 4.0 * error, "{mean} +- {error}, expected 2");
}
