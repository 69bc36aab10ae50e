//! `hats-sim` on the command line.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
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

fn word(path: &Path) -> &str {
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
    assert!(first.stdout.len() > 50_000, "{} bytes", first.stdout.len());
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

/// A slice of the matrix: the figures, and whether it was well.
fn slice(more: &[&str]) -> (String, bool) {
    let matrix = ["matrix", "--worlds", "1", "--nodes", "3..4", "--loss", "0..10%"];
    let output = sim(&[&matrix, more].concat());
    (stdout(&output), output.status.success())
}

#[test]
fn a_slice_of_the_matrix_blames_nobody_wrongly_and_misses_nothing() {
    let (text, well) = slice(&["--jobs", "2"]);
    assert!(well, "{text}");
    assert!(text.contains("wrong culprits: 0; worlds that broke another rule: 0"), "{text}");
    assert!(text.contains("target 100.00 %: reached"), "{text}");
    for row in ["cut", "deaf", "mute", "crash"] {
        assert!(text.contains(&format!(" {row} ")), "{row}: {text}");
    }
}

#[test]
fn the_matrix_as_json_says_the_same_of_each_class() {
    let (text, well) = slice(&["--json", "--only", "mute"]);
    let json: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    assert!(well && json["well"] == true && json["wrong"] == 0, "{text}");
    let cells = json["cells"].as_array().expect("a list");
    let count = |key: &str| cells.iter().filter_map(|it| it[key].as_u64()).sum::<u64>();
    assert_eq!(json["faults"], count("faults"));
    assert!(cells.iter().all(|it| it["class"] == "mute"), "{text}");
}

#[test]
fn a_world_of_the_matrix_gives_the_same_trace_to_the_byte() {
    let world = || sim(&["matrix", "--from", "2", "--nodes", "2..2", "--trace", "events"]);
    let (first, second) = (world(), world());
    assert!(stderr(&first).contains("  fault 1: "), "{}", stderr(&first));
    assert!(first.stdout.len() > 1_000, "{} bytes", first.stdout.len());
    assert!(first.stdout == second.stdout);
}

#[test]
fn an_interrupted_campaign_ends_with_what_it_has() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("interrupted");
    let _ = fs::remove_dir_all(&folder);
    let campaign = Command::new(env!("CARGO_BIN_EXE_hats-sim"))
        .args(["campaign", "--seeds", "1000000", "--jobs", "1", "--save-failures", word(&folder)])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be run");
    // It listens to the signal before it makes the folder.
    while !folder.exists() {
        thread::yield_now();
    }
    let killed = Command::new("kill").args(["-INT", &campaign.id().to_string()]).status();
    assert!(killed.expect("there is kill").success());
    let output = campaign.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains(" runs, 0 failed\n"), "{}", stdout(&output));
}

#[test]
fn a_scenario_is_told_with_as_many_seeds_as_asked_for() {
    let text = r#"
name = "a node leaves"
seed = 5
profile = "fast"
networks = ["neta"]
nodes = ["n1 neta.1", "n2 neta.2"]

[[episode]]
pace = "one by one"
steps = [{ at = "0s", do = "leave n1", expect = ["node.left n1"] }]
"#;
    let told = |text: &str| {
        let path = file("seeds.scenario", text);
        sim(&["scenario", "--seeds", "2", word(&path)])
    };
    let good = told(text);
    assert!(stdout(&good).contains("well with 2 seeds"), "{}", stdout(&good));
    let bad = told(&text.replace("node.left", "node.down"));
    assert_eq!(bad.status.code(), Some(1));
    assert!(stdout(&bad).contains("FAILED with 2 of 2 seeds: 5 6"), "{}", stdout(&bad));
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
        (["matrix", "--nodes", "1..8", "--json"], "expected a number of nodes from 2 to 64"),
        (["matrix", "--loss", "0..31%", "--json"], "expected a percentage up to 30"),
        (["matrix", "--only", "gremlins", "--json"], "expected one of carrier, cut, deaf"),
    ] {
        let output = sim(&arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}");
        assert!(stderr(&output).contains(told), "{}", stderr(&output));
    }
}

/// Two cuts of which one is said to lead to nothing, in a cluster far larger
/// than that takes.
const MUCH_TOO_LARGE: &str = r#"
name = "a cut adapter is said to go unnoticed"
seed = 5
networks = ["neta", "netb", "netc"]
nodes = [
  "n1 neta.9 netb.1",
  "n2 neta.8 netb.2 netc.4",
  "n3 neta.3 netb.3",
  "n4 netb.4 netc.3",
  "n5 neta.5 netb.5",
]

[[episode]]
pace = "one by one"
steps = [
  { at = "11.111ms", do = "leave n4" },
]

[[episode]]
pace = "one by one"
steps = [
  { at = "123.456ms", do = "crash n5", for = "1.5s" },
  { at = "234.567ms", do = "cut n3/neta", for = "1s", expect = [] },
  { at = "10ms", do = "cut n2/netc" },
]
"#;

#[test]
fn a_story_that_fails_is_made_smaller_and_fails_in_the_same_way() {
    let (large, small) = (file("large.scenario", MUCH_TOO_LARGE), file("small.scenario", ""));
    let output = sim(&["minimize", word(&large), "--seeds", "1", "-o", word(&small)]);
    assert!(output.status.success(), "{}", stderr(&output));
    for dropped in ["1 of 2 episodes", "crash n5", "n4", "netc"] {
        assert!(stderr(&output).contains(dropped), "{dropped}: {}", stderr(&output));
    }
    let text = fs::read_to_string(&small).expect("written");
    // It takes two others to know who is silent, and one that is still heard by
    // another network.
    let left = r#"networks = ["neta", "netb"]
nodes = [
  "n1 neta.3 netb.1",
  "n2 neta.2",
  "n3 neta.1 netb.2",
]

[[episode]]
pace = "one by one"
steps = [
  { at = "0s", do = "cut n3/neta", expect = [] },
]
"#;
    assert!(text.ends_with(left), "{text}");
    let again = sim(&["scenario", word(&small)]);
    assert_eq!(again.status.code(), Some(1));
    assert!(stdout(&again).contains("should not: adapter.down n3/neta both"), "{}", stdout(&again));
}

#[test]
fn a_story_that_ends_well_is_not_made_smaller() {
    let output = sim(&["minimize", "134"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(stderr(&output).contains("134 ends well: expected one that fails"));
}
