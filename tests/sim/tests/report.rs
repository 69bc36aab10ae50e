//! The report: every experiment comes to something, and every plot can be read.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use hats_sim::{
    experiments::{ALL, Grid, Progress, Request, named},
    report::{Arguments, report},
};

/// Experiments in which hats is nowhere worse than what it is measured against.
/// The others say themselves where it is.
const NOWHERE_WORSE: [&str; 3] = ["bootstrap", "pair", "failover"];

/// Where a test of this name may write.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report").join(test);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("it was written by an earlier run");
    }
    folder
}

fn reports(name: &str) {
    let out = folder(name);
    let arguments =
        Arguments { quick: true, out: out.clone(), seed: 1, only: vec![name.to_owned()] };
    let code = report(&arguments, &mut Progress::silent()).expect("it can be written");
    assert_eq!(code, ExitCode::SUCCESS, "{name} ends");
    let page = fs::read_to_string(out.join("experiments.md")).expect("the page");
    let begin = page.find(&format!("\n## {name}\n")).expect("its section");
    let rows = page[begin..].lines().filter(|line| line.starts_with("| ")).count();
    assert!(rows > 1, "{name} has figures:\n{page}");
    if NOWHERE_WORSE.contains(&name) {
        assert!(!page.contains("**worse**"), "{name} is nowhere worse:\n{page}");
    }
    let pictures = page.match_indices("](experiments/").map(|(at, open)| {
        let rest = &page[at + open.len()..];
        rest.split_once(')').expect("a link ends").0
    });
    let pictures: BTreeSet<&str> = pictures.collect();
    assert!(!pictures.is_empty(), "{name} is drawn:\n{page}");
    for picture in pictures {
        let text = fs::read_to_string(out.join("experiments").join(picture)).expect(picture);
        let xml =
            roxmltree::Document::parse(&text).unwrap_or_else(|why| panic!("{picture}: {why}"));
        assert_eq!(xml.root_element().tag_name().name(), "svg", "{picture}");

        assert!(
            xml.descendants().any(|node| node.has_tag_name("polyline")),
            "{picture} has a line"
        );
    }
}

macro_rules! each_experiment {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { reports($name); })*

        #[test]
        fn every_experiment_is_tested_here() {
            let tested = BTreeSet::from([$($name),*]);
            assert_eq!(tested, ALL.iter().map(|it| it.name).collect());
        }
    };
}

each_experiment! {
    frozen_is_reported "frozen"
    steady_is_reported "steady"
    bootstrap_is_reported "bootstrap"
    crashes_are_reported "crashes"
    flip_flop_is_reported "flip-flop"
    loss_is_reported "loss"
    pair_is_reported "pair"
    failover_is_reported "failover"
    split_is_reported "split"
    cold_start_is_reported "cold-start"
}

#[test]
fn the_same_seed_gives_the_same_outcome_and_another_one_another() {
    let experiment = named("cold-start").expect("there is one");
    let outcome = |seed| {
        let request = Request { seed, quick: true, nodes: None, grid: Grid::Small };
        (experiment.run)(&request, &mut Progress::silent()).expect("it ends").json()
    };
    assert_eq!(outcome(7), outcome(7));
    let other = outcome(8).replace("\"seed\":8", "\"seed\":7");
    assert_ne!(outcome(7), other);
}
