//! Texts that are read back as they were written, and texts that are refused.

use std::time::Duration;

use super::*;

const GOOD: &str = r#"
# Comments are allowed.
name = "a deaf adapter is told from a mute one"
why = "because"
seed = 18446744073709551615
profile = "fast"
networks = ["neta", "netb"]
nodes = [
  "n1 neta.1 netb.1",
  "n2 neta.2 netb.2",
  "n3 neta.3 netb.3",
]

[[episode]]
pace = "one by one"
steps = [
  { at = "100ms", do = "deaf n3/neta", expect = ["adapter.down n3/neta receive"] },
  { at = "0s", do = "pause n2", for = "20ms", expect = [], by = ["n1"] },
]
"#;

fn scenario_of(seed: u64) -> Scenario {
    Scenario { name: format!("seed {seed}"), why: None, story: Story::of(seed) }
}

#[test]
fn every_story_reads_as_it_was_written() {
    for seed in 0..1_000 {
        let scenario = scenario_of(seed);
        let text = scenario.write();
        assert_eq!(Scenario::read("x", &text).as_ref(), Ok(&scenario), "{text}");
    }
}

#[test]
fn a_scenario_by_hand_reads_as_it_is_written() {
    let scenario = Scenario::read("x", GOOD).unwrap();
    assert_eq!(scenario.story.seed, u64::MAX);
    let text = scenario.write();
    assert_eq!(Scenario::read("x", &text).as_ref(), Ok(&scenario), "{text}");
    assert!(text.contains(r#"expect = ["adapter.down n3/neta receive"]"#), "{text}");
}

#[test]
fn the_scenario_in_the_manual_goes_as_it_says() {
    let manual = include_str!("../../../../../docs/hats-sim.md");
    let (_, rest) = manual.split_once("```toml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let scenario = Scenario::read("docs/hats-sim.md", text).unwrap();
    let ending = crate::campaign::tell(scenario.story);
    assert_eq!(ending.failure, None);
    assert_eq!(ending.figures.faults, ["mute", "pause", "crash", "path-one-way"]);
}

#[test]
fn detection_values_of_no_profile_are_kept() {
    let values = "heartbeat_interval = \"20ms\"\nsensitivity = 5\nprobe_timeout = \"7ms\"";
    let scenario = Scenario::read("x", &GOOD.replace("profile = \"fast\"", values)).unwrap();
    assert_eq!(scenario.story.detection().detection_time(), Duration::from_millis(100));
    assert_eq!(Scenario::read("x", &scenario.write()).as_ref(), Ok(&scenario));
}

#[test]
fn a_mistake_is_told_with_its_line_its_value_and_what_was_expected() {
    let mistakes = [
        ("\"fast\"", "\"quick\"", "x:6: profile is \"quick\": expected one of default, fast"),
        ("deaf n3/neta\"", "deaf n9/neta\"", "x:17: do is \"deaf n9/neta\": n9 is no node"),
        ("deaf n3/neta\"", "daef n3/neta\"", "x:17: do is \"daef n3/neta\": expected one of cut"),
        ("deaf n3/neta\"", "deaf n3/netz\"", "netz is no network: expected one of neta netb"),
        ("deaf n3/neta\"", "deaf n3\"", "expected an adapter as NODE/NETWORK"),
        ("deaf n3/neta\"", "pause n3\"", "x:17: do is \"pause n3\": expected `for`"),
        ("100ms", "100", "x:17: at is \"100\": expected a number and a unit"),
        ("n3/neta receive", "n3/neta recieve", "cause is \"recieve\": expected one of transmit"),
        ("adapter.down", "adapter.dawn", "x:17: expect is \"adapter.dawn n3/neta receive\""),
        ("n2 neta.2", "n2 neta.1", "x:10: node is \"n2 neta.1 netb.2\": neta.1 is n1's"),
        ("n2 neta.2", "n2 neta.0", "neta.0 is no adapter: expected NETWORK.NUMBER, 1 to 254"),
        ("n2 neta", "n1 neta", "n1 is there already: expected another name"),
        ("one by one", "slow", "x:15: pace is \"slow\": expected one of one by one, overlapping"),
        ("one by one", "overlapping", "expected it at the episode"),
        ("expect = [], ", "", "x:18: \"n1\" stands without expect: expected it"),
        ("do = \"pause n2\"", "do = \"deaf n3/neta\"", "is in force: expected one at a time"),
        ("why =", "whi =", "x:4: unknown field `whi`, expected one of"),
        ("seed = 1", "seed = -1", "x:5: "),
        ("seed = 18446744073709551615", "seed = x", "x:5: "),
        ("\"a deaf adapter is told from a mute one\"", "\"deaf\"", "expected a sentence"),
    ];
    for (right, wrong, told) in mistakes {
        assert!(GOOD.contains(right), "{right}");
        let why = Scenario::read("x", &GOOD.replacen(right, wrong, 1)).unwrap_err().to_string();
        assert!(why.contains(told), "{wrong} gives {why:?}, not {told:?}");
    }
}
