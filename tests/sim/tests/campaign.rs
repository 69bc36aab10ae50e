//! A slice of the random campaign, and the stories that once found something.

use std::{
    fs,
    num::NonZero,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
};

use hats_sim::campaign::{self, Ending, Scenario};

/// The scenarios in a folder of `scenarios/`, in the order of their names.
fn scenarios(folder: &str) -> Vec<(PathBuf, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(folder);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{folder:?} is empty");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("readable");
        let scenario = Scenario::read(&path.display().to_string(), &text);
        let scenario = scenario.unwrap_or_else(|error| panic!("{error}"));
        (path, scenario)
    };
    files.into_iter().map(read).collect()
}

/// Tells them all, on as many threads as there are cores.
fn are_well(folder: &str) {
    let stories = Mutex::new(scenarios(folder));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some((_, it)) = { stories.lock().expect("no panic").pop() } {
                    if let Some(why) = campaign::tell(it.story).failure {
                        failed.lock().expect("no panic").push(format!("{}: {why}", it.name));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().expect("no panic");
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn kept_stories_stay_well() {
    are_well("kept");
}

#[test]
fn directed_stories_go_as_they_say() {
    are_well("directed");
}

#[test]
fn a_file_of_a_scenario_is_called_what_it_says() {
    for (path, scenario) in scenarios("kept").into_iter().chain(scenarios("directed")) {
        let name = scenario.name.replace(' ', "-").replace([',', '\'', ':'], "");
        assert_eq!(path.file_stem().and_then(|stem| stem.to_str()), Some(name.as_str()));
        assert_eq!(path.extension().and_then(|it| it.to_str()), Some("scenario"));
    }
}

fn told(seed: u64) -> Ending {
    campaign::run(seed)
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

#[test]
fn a_seed_of_every_kind_of_fault_is_one_run_too() {
    for seed in 1..=4 {
        let tell = || campaign::tell(campaign::Story::of_all_kinds(seed));
        let (first, second) = (tell(), tell());
        assert_eq!(first.story, second.story);
        assert_eq!((first.figures, first.details), (second.figures, second.details), "{seed}");
    }
}
