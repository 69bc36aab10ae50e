//! `hats-sim` on the command line.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hats-sim")).args(arguments).output().expect("it can be run")
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A file of this name that belongs to one test.
fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("can be written");
    path
}

fn word(path: &PathBuf) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_seed_gives_the_same_trace_to_the_byte_and_so_does_its_file() {
    let path = file("trace.scenario", "");
    let saved = sim(&["run", "--seed", "16", "--save", word(&path)]);
    assert!(saved.status.success(), "{}", stderr(&saved));
    let trace = |what| sim(&["replay", what, "--trace", "all", "--until", "3"]);
    let (first, second, from_file) = (trace("16"), trace("16"), trace(word(&path)));
    assert!(first.status.success(), "{}", stderr(&first));
    assert!(first.stdout.len() > 100_000, "{} bytes", first.stdout.len());
    assert!(first.stdout == second.stdout);
    assert!(first.stdout == from_file.stdout);
}

#[test]
fn a_trace_keeps_to_the_nodes_networks_and_times_asked_for() {
    let options = ["--nodes", "n1,n2", "--networks", "neta", "--from", "1", "--until", "2500ms"];
    let narrow = sim(&[["replay", "16", "--trace"].as_slice(), &options].concat());
    let text = stdout(&narrow);
    assert!(text.lines().count() > 10, "{text}");
    for line in text.lines() {
        let (time, rest) = line.trim_start().split_once(' ').expect("a time");
        assert!((1.0..=2.5).contains(&time.parse::<f64>().expect("seconds")), "{line}");
        let place = rest.split_whitespace().next();
        let places = ["n1", "n2", "n1/neta", "n2/neta", "--------"];
        assert!(place.is_some_and(|place| places.contains(&place)), "{line}");
    }
}

#[test]
fn a_campaign_comes_to_the_same_with_one_thread_as_with_three() {
    let summary = |jobs| {
        let output = sim(&["campaign", "--seeds", "3", "--from", "132", "--jobs", jobs]);
        assert!(output.status.success(), "{}", stdout(&output));
        let text = stdout(&output);
        let (figures, speed) = text.rsplit_once("seeds 132 to 134 in ").expect("ends with a speed");
        assert!(speed.contains("steps/s"), "{text}");
        figures.to_owned()
    };
    let figures = summary("1");
    assert!(figures.starts_with("3 runs, 0 failed"), "{figures}");
    assert_eq!(figures, summary("3"));
}

#[test]
fn a_mistake_in_a_file_is_told_with_its_line() {
    let path = file("mistake.scenario", "name = \"no such thing\"\nseed = 1\nprofile = 7\n");
    for output in [sim(&["scenario", word(&path)]), sim(&["replay", word(&path)])] {
        assert_eq!(output.status.code(), Some(64));
        let told = format!("{}:3: ", word(&path));
        assert!(stderr(&output).contains(&told), "{}", stderr(&output));
    }
}

#[test]
fn what_cannot_be_asked_is_told_with_what_was_expected() {
    for (arguments, told) in [
        (["replay", "17", "--nodes", "n99"], "--nodes is \"n99\": expected some of n1,"),
        (["replay", "17", "--trace", "most"], "expected events, 1 or all"),
        (["replay", "17", "--from", "soon"], "expected seconds, as 12.5, or a duration"),
        (["campaign", "--seeds", "1", "--minutes=-1"], "expected a number of minutes"),
        (["run", "--seed", "17", "--name=x"], "--save"),
    ] {
        let output = sim(&arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}
