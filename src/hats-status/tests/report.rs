//! The commands that ask once, against a fake daemon on a real socket.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;
mod support;

use std::{
    os::unix::net::UnixListener,
    process::{Command, Stdio},
};

use fake::{Conversation, Directory, Fake};
use hats_client::ipc::{Snapshot, error::Kind};
use support::{assert_golden, degraded, program, run, stderr, stdout};

fn shown(arguments: &[&str]) -> String {
    let output = run(&Fake::with_snapshot(degraded()).socket(), arguments);
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(1), "DEGRADED");
    stdout(&output)
}

#[test]
fn the_overview_of_a_degraded_cluster_is_as_agreed() {
    let text = shown(&[]);
    assert_golden("overview.txt", &text);
    assert_eq!(text, shown(&["overview"]), "it is the default");
    assert!(text.lines().all(|line| line.chars().count() <= 80));
    assert!(text.is_ascii(), "no colour, no drawing");
}

#[test]
fn each_table_is_as_agreed() {
    for command in ["networks", "nodes", "adapters", "verdicts", "nims", "subscribers"] {
        let text = shown(&[command]);
        assert_golden(&format!("{command}.txt"), &text);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{command}: {widest:?}");
    }
    assert_golden("networks-all.txt", &shown(&["networks", "--all"]));
    assert_golden("verdict.txt", &shown(&["verdicts", "n2-41-7"]));
    assert_golden("overview-line.txt", &shown(&["-o", "line"]));
    assert_golden("overview-nagios.txt", &shown(&["-o", "nagios"]));
}

#[test]
fn wide_tables_have_every_column() {
    let mut text = String::new();
    for command in ["overview", "networks", "nodes", "adapters", "verdicts", "nims"] {
        text.push_str(&format!("$ hats-status {command} -o wide\n"));
        text.push_str(&shown(&[command, "-o", "wide"]));
    }
    assert_golden("wide.txt", &text);
}

#[test]
fn json_is_the_messages_of_the_protocol() {
    let overview: serde_json::Value = serde_json::from_str(&shown(&["-o", "json"])).unwrap();
    assert_eq!(overview["schema"], "hats.status/1");
    assert_eq!(overview["overall"], "DEGRADED");
    assert_eq!(overview["nodes"][1]["self"], true, "n2, after n1");
    assert_eq!(overview["networks"].as_array().unwrap().len(), 3, "whole, with what is left out");

    let networks: serde_json::Value =
        serde_json::from_str(&shown(&["networks", "-o", "json"])).unwrap();
    assert_eq!(networks.as_array().unwrap().len(), 2);
    assert_eq!(networks[0]["leader"], "n10");
    let all = shown(&["networks", "--all", "-o", "json"]);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&all).unwrap().len(), 3);

    let verdict: serde_json::Value =
        serde_json::from_str(&shown(&["verdicts", "n2-41-7", "-o", "json"])).unwrap();
    assert_eq!(verdict["evidence"][2]["rtt_us"], 210);
    assert!(verdict.get("hint").is_none(), "absent fields are left out");
}

#[test]
fn jsonl_is_one_object_a_line() {
    let text = shown(&["adapters", "-o", "jsonl"]);
    let adapters: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(adapters.len(), 8);
    assert_eq!(shown(&["-o", "jsonl"]).lines().count(), 1);
}

#[test]
fn the_state_of_the_cluster_is_the_exit_status() {
    for (overall, code) in [("OK", 0), ("DEGRADED", 1), ("CRITICAL", 2), ("", 3), ("ODD", 3)] {
        let snapshot = Snapshot { overall: overall.into(), ..degraded() };
        let fake = Fake::with_snapshot(snapshot);
        for arguments in [&[][..], &["nodes"], &["-o", "nagios"], &["nims", "-o", "json"]] {
            let output = run(&fake.socket(), arguments);
            assert_eq!(output.status.code(), Some(code), "{overall} {arguments:?}");
        }
    }
}

#[test]
fn an_empty_daemon_is_shown_too() {
    let fake = Fake::with_snapshot(Snapshot { overall: "OK".into(), ..Snapshot::default() });
    for command in ["overview", "networks", "nodes", "adapters", "verdicts", "nims"] {
        let output = run(&fake.socket(), &[command]);
        assert_eq!(output.status.code(), Some(0), "{command}: {}", stderr(&output));
    }
}

#[test]
fn without_a_daemon_it_is_unknown_and_says_where_it_looked() {
    let directory = Directory::new();
    let missing = directory.path().join("hats.sock");
    let output = run(&missing, &[]);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(3), ""));
    assert!(stderr(&output).contains(missing.to_str().unwrap()), "{}", stderr(&output));

    drop(UnixListener::bind(&missing).unwrap());
    let output = run(&missing, &["nodes"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("nobody listens"), "{}", stderr(&output));

    let output = run(&missing, &["-o", "nagios"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).starts_with("HATS UNKNOWN - nobody listens"), "{}", stdout(&output));
}

#[test]
fn a_daemon_that_does_not_answer_is_unknown() {
    let fake = Fake::start(Conversation::hold);
    let output = run(&fake.socket(), &["--timeout", "30ms"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("has not answered Hello within 30 ms"), "{}", stderr(&output));
}

#[test]
fn garbage_and_oversized_answers_are_unknown() {
    for bytes in [&b"HTTP/1.1 400 Bad Request\r\n"[..], &[0xff; 64], &[0xff, 0xff, 0xff, 0x7f]] {
        let fake = Fake::start(move |conversation| {
            conversation.request();
            conversation.send_bytes(bytes);
        });
        let output = run(&fake.socket(), &[]);
        assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
        assert!(!stderr(&output).is_empty() && !stderr(&output).contains("panicked"));
    }
}

#[test]
fn a_refused_user_is_told_the_socket_and_the_group() {
    let fake = Fake::refusing(Kind::Permission, "uid 1000 is not in group hats");
    let output = run(&fake.socket(), &[]);
    assert_eq!(output.status.code(), Some(77));
    let text = stderr(&output);
    assert!(text.contains("uid 1000") && text.contains("group `hats`"), "{text}");
    assert!(text.contains(fake.socket().to_str().unwrap()), "{text}");
}

#[test]
fn a_wrong_command_line_is_usage() {
    let fake = Fake::with_snapshot(degraded());
    for arguments in [
        &["nonsense"][..],
        &["--nonsense"],
        &["-o", "xml"],
        &["--timeout", "2"],
        &["events", "-o", "nagios"],
        &["events", "-o", "prom"],
        &["lssrc", "-o", "json"],
        &["graph", "-o", "json"],
        &["nodes", "-o", "svg"],
        &["nodes", "--node", "n99"],
        &["--network", "netz"],
        &["adapters", "--adapter", "eth99"],
        &["events", "--code", "adapter.down"],
        &["events", "--snapshot"],
        &["events", "--since", "yesterday"],
        &["verdicts", "n99-1-1"],
    ] {
        let output = run(&fake.socket(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_and_version_are_no_errors() {
    let directory = Directory::new();
    for argument in ["--help", "--version", "-h"] {
        let output = run(directory.path(), &[argument]);
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
        assert!(stdout(&output).contains("hats-status"));
    }
}

#[test]
fn an_unknown_verdict_is_answered_with_those_there_are() {
    let output = run(&Fake::with_snapshot(degraded()).socket(), &["verdicts", "n99-1-1"]);
    assert!(stderr(&output).contains("n2-41-7"), "{}", stderr(&output));
}

#[test]
fn the_variable_names_the_socket_and_the_option_wins() {
    let fake = Fake::with_snapshot(degraded());
    let ask = |command: &mut Command| command.arg("nodes").output().unwrap().status.code();
    let binary = env!("CARGO_BIN_EXE_hats-status");
    assert_eq!(ask(Command::new(binary).env("HATS_SOCKET", fake.socket())), Some(1));
    let mut elsewhere = program(&fake.socket(), &[]);
    assert_eq!(ask(elsewhere.env("HATS_SOCKET", "/nonexistent/hats.sock")), Some(1));
}

#[test]
fn a_closed_output_ends_it_quietly() {
    let fake = Fake::with_snapshot(degraded());
    let mut child = program(&fake.socket(), &["-o", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn names_that_hold_escape_codes_do_not_reach_the_terminal() {
    let mut snapshot = degraded();
    snapshot.nodes[0].name = "n1\u{1b}[2J\nn2 up".into();
    snapshot.reasons = vec!["\u{7}\u{1b}]0;title".into()];
    let fake = Fake::with_snapshot(snapshot);
    for format in ["table", "wide", "line", "nagios"] {
        let text = stdout(&run(&fake.socket(), &["-o", format]));
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{format}: {text:?}");
        assert!(!text.contains("\nn2 up"), "{format}: {text:?}");
    }
}
