//! Formats, filters and pages, against a fake daemon on a real socket.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;
mod support;

use std::time::{Duration, Instant};

use fake::{Conversation, Fake};
use hats_client::ipc::{Snapshot, request};
use support::{assert_golden, degraded, program, run, stderr, stdout, with_settings};

const VIEWS: [&str; 9] = [
    "overview",
    "networks",
    "nodes",
    "adapters",
    "verdicts",
    "nims",
    "subscribers",
    "params",
    "config",
];

fn shown(arguments: &[&str]) -> String {
    let output = run(&Fake::with_snapshot(with_settings()).socket(), arguments);
    assert_eq!(stderr(&output), "", "{arguments:?}");
    assert_eq!(output.status.code(), Some(1), "DEGRADED");
    stdout(&output)
}

fn of_all_views(format: &str) -> String {
    VIEWS
        .map(|view| format!("$ hats-status {view} -o {format}\n{}", shown(&[view, "-o", format])))
        .concat()
}

#[test]
fn every_view_has_every_format_and_each_is_as_agreed() {
    for format in ["json", "jsonl", "line", "nagios", "prom"] {
        assert_golden(&format!("all-{format}.txt"), &of_all_views(format));
    }
}

#[test]
fn the_tables_of_parameters_and_configuration_are_as_agreed() {
    let mut text = String::new();
    for arguments in [&["params"][..], &["params", "-o", "wide"], &["config"]] {
        text.push_str(&format!("$ hats-status {}\n{}", arguments.join(" "), shown(arguments)));
    }
    assert_golden("settings.txt", &text);
}

#[test]
fn the_drawings_are_as_agreed() {
    assert_golden("graph.svg", &shown(&["graph"]));
    assert_golden("graph.dot", &shown(&["graph", "-o", "dot"]));
}

#[test]
fn the_page_of_rsct_is_as_agreed() {
    let text = shown(&["lssrc"]);
    assert_golden("lssrc.txt", &text);
    // What scripts have taken from it for years.
    let row = text.lines().find(|line| line.starts_with("neta")).unwrap();
    let fields: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(fields[1..], ["[", "0]", "4", "3", "S", "192.28.4.2", "192.28.4.10"]);
    assert!(text.lines().any(|line| line == "NIM's PID: 901"), "{text}");
}

#[test]
fn what_params_and_config_show_is_asked_for_and_only_then() {
    for (view, expected) in
        [("params", (true, false)), ("config", (false, true)), ("nodes", (false, false))]
    {
        let fake = Fake::start(move |conversation| {
            conversation.greet();
            let Some(request::Body::GetSnapshot(asked)) = conversation.request() else {
                panic!("a snapshot is asked for");
            };
            assert_eq!((asked.params, asked.config), expected, "{view}");
            conversation.send(hats_client::ipc::reply::Body::Snapshot(with_settings()));
        });
        assert_eq!(run(&fake.socket(), &[view]).status.code(), Some(1));
    }
}

#[test]
fn an_older_daemon_that_does_not_tell_its_settings_is_said_to_be_one() {
    let fake = Fake::with_snapshot(degraded());
    for view in ["params", "config"] {
        let output = run(&fake.socket(), &[view]);
        assert_eq!(output.status.code(), Some(3));
        assert!(stderr(&output).contains("hatsd 0.1.0 does not tell this"), "{}", stderr(&output));
    }
}

#[test]
fn filters_choose_what_is_shown_and_judged() {
    let fake = Fake::with_snapshot(degraded());
    let ask = |arguments: &[&str]| {
        let output = run(&fake.socket(), arguments);
        assert_eq!(stderr(&output), "");
        (output.status.code().unwrap(), stdout(&output))
    };
    let (code, text) = ask(&["adapters", "-o", "line", "--state", "down"]);
    assert_eq!((code, text.lines().count()), (1, 3), "{text}");
    let (code, text) = ask(&["adapters", "-o", "line", "--node", "n1,n2", "--network", "neta"]);
    assert_eq!((code, text.lines().count()), (1, 2), "{text}: n1 has a failed path");
    let (code, text) = ask(&["adapters", "-o", "line", "--node", "n2"]);
    assert_eq!((code, text.lines().count()), (0, 2), "{text}");
    let (code, _) = ask(&["--node", "n9"]);
    assert_eq!(code, 2, "a node that is down");
    let (code, text) = ask(&["-o", "nagios", "--adapter", "193.28.4.1"]);
    assert!(code == 1 && text.starts_with("HATS WARNING"), "{text}");
    let (_, text) = ask(&["networks", "--network", "docker0"]);
    assert!(text.contains("left out"), "asked for by name: {text}");
    let overview = ask(&["--network", "netb"]).1;
    assert!(!overview.contains("neta"), "{overview}");
}

#[test]
fn a_plugin_that_watches_a_name_that_is_not_there_is_unknown_not_ok() {
    let fake = Fake::with_snapshot(degraded());
    let output = run(&fake.socket(), &["-o", "nagios", "--node", "n77"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).starts_with("HATS UNKNOWN - --node 'n77'"), "{}", stdout(&output));
}

#[test]
fn an_adapter_that_is_hidden_is_not_said_to_be_absent() {
    let fake = Fake::with_snapshot(degraded());
    let ask = |arguments: &[&str]| stdout(&run(&fake.socket(), arguments));
    let down = ask(&["--state", "down"]);
    assert_golden("overview-down.txt", &down);
    assert!(down.contains("hidden: has an adapter there"), "{down}");
    // n9's adapters are both of that address's node; n1 has no other one shown.
    let one = ask(&["--adapter", "192.28.4.1,193.28.4.9"]);
    let row = one.lines().find(|line| line.starts_with(" n1 ")).unwrap();
    assert!(row.ends_with("hidden") && !row.contains(" -"), "{one}");
    assert!(ask(&["--state", "left"]).contains("no node and no adapter is in a state"));
    assert!(!ask(&[]).contains("hidden") && !ask(&["--network", "neta"]).contains("hidden"));
}

#[test]
fn a_state_is_refused_where_it_would_hide_what_is_counted_or_there_is_none() {
    let fake = Fake::with_snapshot(with_settings());
    for arguments in [
        &["adapters", "--state", "dwn"][..],
        &["--state", "down,dwn"],
        &["nodes", "--state", "joining"],
        &["networks", "--state", "down"],
        &["nims", "--state", "up"],
        &["-o", "prom", "--state", "down"],
        &["tune", "--state", "down"],
        &["lssrc", "--state", "down"],
        &["verdicts", "--state", "down"],
        &["params", "--state", "down"],
        &["events", "--state", "down"],
    ] {
        let output = run(&fake.socket(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("--state '"), "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
    }
    let plugin = run(&fake.socket(), &["-o", "nagios", "--state", "down"]);
    assert_eq!(plugin.status.code(), Some(3));
    assert!(stdout(&plugin).starts_with("HATS UNKNOWN - --state 'down'"), "{}", stdout(&plugin));
    for (shown, lines) in [("DOWN", 3), ("absent", 1), ("up", 4)] {
        let output = run(&fake.socket(), &["adapters", "-o", "line", "--state", shown]);
        assert_eq!(stdout(&output).lines().count(), lines, "{shown}: {}", stderr(&output));
    }
}

#[test]
fn verdicts_that_are_not_selected_are_not_said_not_to_have_been() {
    let fake = Fake::with_snapshot(degraded());
    let text = stdout(&run(&fake.socket(), &["verdicts", "--node", "n9"]));
    assert!(text.ends_with("no verdicts about what is selected\n"), "{text}");
}

#[test]
fn colour_is_asked_for_or_on_a_terminal_and_says_nothing_new() {
    let fake = Fake::with_snapshot(degraded());
    let plain = stdout(&run(&fake.socket(), &[]));
    assert!(!plain.contains('\u{1b}'), "not a terminal");
    let coloured = stdout(&run(&fake.socket(), &["--color", "always"]));
    let mut stripped = String::new();
    for (number, part) in coloured.split('\u{1b}').enumerate() {
        stripped.push_str(if number == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert!(coloured.contains("\u{1b}[1;31mDOWN\u{1b}[0m"));
    assert_eq!(stripped, plain);
    for arguments in [&["--color", "never"][..], &["-o", "line", "--color", "always"]] {
        assert!(!stdout(&run(&fake.socket(), arguments)).contains('\u{1b}'), "{arguments:?}");
    }
}

#[test]
fn completions_need_no_daemon() {
    for (shell, holds) in
        [("bash", "complete "), ("zsh", "#compdef hats-status"), ("fish", "complete -c")]
    {
        let output = program("/nonexistent".as_ref(), &["completions", shell]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        let text = stdout(&output);
        assert!(text.contains(holds) && text.contains("adapters"), "{shell}");
    }
}

#[test]
fn a_daemon_that_hangs_half_way_is_unknown_within_the_timeout() {
    let half = |conversation: &mut Conversation| {
        conversation.greet();
        conversation.request();
        // Announces more than it will ever send.
        conversation.send_bytes(&[0xff, 0x7f, 0x12]);
        conversation.hold();
    };
    for (arguments, format) in
        [(&[][..], "table"), (&["-o", "nagios"], "nagios"), (&["-o", "prom"], "prom")]
    {
        let fake = Fake::start(half);
        let begun = Instant::now();
        let mut all = vec!["--timeout", "100ms"];
        all.extend(arguments);
        let output = run(&fake.socket(), &all);
        assert_eq!(output.status.code(), Some(3), "{format}");
        let told = stdout(&output) + &stderr(&output);
        assert!(told.contains("has not answered GetSnapshot within 100 ms"), "{told}");
        // Far less than the default of 2 s, however busy the machine is.
        assert!(begun.elapsed() < Duration::from_millis(1_900), "{:?}", begun.elapsed());
    }
}

#[test]
fn an_ok_cluster_has_no_faults_in_any_format() {
    let snapshot = Snapshot { overall: "OK".into(), ..Snapshot::default() };
    let fake = Fake::with_snapshot(snapshot);
    for view in &VIEWS[..7] {
        for format in ["table", "json", "jsonl", "line", "nagios", "prom"] {
            let output = run(&fake.socket(), &[view, "-o", format]);
            assert_eq!(output.status.code(), Some(0), "{view} {format}: {}", stderr(&output));
        }
    }
}
