//! What the command line answers.

// Clippy's leave for tests does not reach the helpers of a test program.
#![allow(clippy::unwrap_used)]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;
mod support;

use std::process::Output;

use crate::support::{Place, script};

fn run(actions: &str, arguments: &[&str]) -> Output {
    Place::new().command(actions).args(arguments).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_wrong_configuration_is_explained_with_the_file_and_every_mistake() {
    let actions = script("page", ":", "events = [\"node.dwon\"]\ntimeout = \"5\"");
    for arguments in [&["--check-config"][..], &[]] {
        let output = run(&actions, arguments);
        assert_eq!(output.status.code(), Some(78));
        let said = stderr(&output);
        for words in
            ["hats-exec.toml", "is node.down meant?", "timeout` is `\"5\"`: it has no unit"]
        {
            assert!(said.contains(words), "{words} not in {said}");
        }
    }
    let good = run(&script("page", ":", ""), &["--check-config"]);
    assert!(good.status.success() && good.stdout.ends_with(b"1 action, no mistakes\n"));
}

#[test]
fn a_misspelt_key_is_shown_with_its_line() {
    let said = stderr(&run(&script("page", ":", "nods = []"), &["--check-config"]));
    assert!(said.contains("nods = []") && said.contains("hats-exec.toml:5:1"), "{said}");
}

#[test]
fn a_try_delivers_a_made_up_event_and_tells_what_became_of_it() {
    let actions =
        script("good", "echo \"$HATS_EVENT $HATS_MSG\"", "") + &script("bad", "exit 3", "");
    let output = run(&actions, &["--try", "2103"]);
    let said = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(said.contains("adapter.down this is a test"), "{said}");
    assert!(said.contains("good: delivered\nbad: not delivered: exit status: 3\n"), "{said}");
    assert_eq!(output.status.code(), Some(70));
    assert!(stderr(&output).contains("1 of 2 actions failed"));
}

#[test]
fn every_try_is_another_event() {
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let actions = script("good", "echo $HATS_OBSERVER-$HATS_EPOCH-$HATS_SEQ", "");
            let output = run(&actions, &["--try", "2103"]);
            String::from_utf8(output.stdout).unwrap()
        })
        .collect();
    assert!(keys[0].starts_with("hats-exec-1") && keys[0].contains("-1\n"), "{keys:?}");
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn a_try_that_nothing_is_for_says_so() {
    let output = run(&script("page", ":", "nodes = [\"n9\"]"), &["--try", "adapter.down"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("no action is for HATS-2103 adapter.down"));
    let output = run(&script("page", ":", ""), &["--try", "adapter.dwon"]);
    assert!(stderr(&output).contains("is adapter.down meant?"));
}
