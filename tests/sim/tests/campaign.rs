//! A slice of the random campaign, and the seeds that found something.

use hats_sim::campaign::{self, Ending};

/// What each seed found, as the behaviour it keeps.
const KEPT: &[(&str, u64)] = &[
    ("a restarted node is not told old verdicts as news", 9),
    ("an old inconclusive verdict isolates nobody after the merge", 13),
    ("a lone adapter that others cannot judge is not up for bystanders", 14),
    ("the group report of a leader that left raises nobody", 15),
    ("a leader of itself does not speak for its network", 34),
    ("a node that comes back is not blamed by what its leader remembers", 49),
    ("a path that is restored does not fail again by old evidence", 56),
    ("adapters of a restarted daemon do not stay down", 59),
    ("a verdict gets past a gateway that is the culprit", 61),
    ("a path to the leader of the only network is restored", 64),
    ("a reporter in a small part does not take its adapter for broken", 90),
    ("a removal without a known verdict is no restart", 123),
    ("a failed path ends for an end that was isolated meanwhile", 130),
    ("an adapter alone on its network is up again after its fault", 210),
    ("a survey that reaches everybody is no partition", 225),
    ("a probe that began before the address was lost does not spin", 226),
    ("a reporter with one network hears the suspect's word by others", 298),
    ("a late removal of the old run does not mark the new one", 349),
    ("a node that was cut off is up again in the same group", 352),
];

fn told(seed: u64) -> Ending {
    campaign::run(seed)
}

#[test]
fn kept_seeds_stay_well() {
    let failed: Vec<String> = KEPT
        .iter()
        .filter_map(|(name, seed)| {
            told(*seed).failure.map(|why| format!("seed {seed}, {name}: {why}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn a_slice_of_the_campaign_is_well() {
    let failed: Vec<String> = (1..=20)
        .map(told)
        .filter_map(|ending| {
            let why = ending.failure?;
            Some(format!("{}{why}", ending.story))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn one_seed_is_one_run() {
    let (first, second) = (told(17), told(17));
    assert_eq!(first.story, second.story);
    assert_eq!(first.figures, second.figures);
}
