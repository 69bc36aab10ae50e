//! Events delivered by real programs and real requests.

// Clippy's leave for tests does not reach the helpers of a test program.
#![allow(clippy::unwrap_used)]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;
mod support;

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use hats_client::ipc::{Error, Event, ResumePoint, error::Kind, reply};

use crate::{
    fake::{EPOCH, Fake, event, snapshot_before},
    support::{Exec, Place, daemon, script, server, tls_server},
};

const SAY: &str = r#"echo "$HATS_ACTION $HATS_CODE $HATS_NODE $HATS_SEQ $HATS_ATTEMPT""#;

fn end(seq: u64) -> Event {
    Event {
        code: "HATS-2101".into(),
        event: "adapter.up".into(),
        level: "info".into(),
        clears: Some("HATS-2103".into()),
        cause: None,
        ..event(seq)
    }
}

#[test]
fn a_program_gets_the_event_in_its_environment_and_as_json_on_its_input() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1)]);
    let actions = script("page", &format!("{SAY}; cat"), "");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    assert_eq!(exec.line(), "page HATS-2103 n3 1 1");
    assert_eq!(exec.line(), hats_client::to_json(&event(1)));
}

#[test]
fn a_fault_and_its_end_come_in_order_and_what_is_not_wanted_does_not() {
    let place = Place::new();
    let started = Event { code: "HATS-1002".into(), level: "info".into(), ..event(1) };
    let elsewhere = Event { authority: false, ..event(2) };
    let (daemon, _) = daemon(vec![started, elsewhere, event(3), end(4), event(5)]);
    let actions = script("page", SAY, "level = \"error\"");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    assert_eq!(exec.line(), "page HATS-2103 n3 3 1");
    assert_eq!(exec.line(), "page HATS-2101 n3 4 1");
    assert_eq!(exec.line(), "page HATS-2103 n3 5 1");
}

#[test]
fn a_program_that_fails_is_run_again_before_the_next_event() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1), event(2)]);
    let actions = script("page", &format!("{SAY}; test $HATS_ATTEMPT = 3"), "pause = \"1ms\"");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    for (seq, attempt) in [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)] {
        assert_eq!(exec.line(), format!("page HATS-2103 n3 {seq} {attempt}"));
    }
    assert!(place.dead("page").is_empty());
}

#[test]
fn what_always_fails_is_a_dead_letter_and_the_next_event_is_delivered() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1), event(2)]);
    let actions =
        script("page", &format!("{SAY}; test $HATS_SEQ = 2"), "pause = \"1ms\"\nretries = 1");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    for line in ["1 1", "1 2", "2 1"] {
        assert_eq!(exec.line(), format!("page HATS-2103 n3 {line}"));
    }
    let dead = place.dead("page");
    assert_eq!(dead.len(), 1);
    assert_eq!((&dead[0]["attempts"], &dead[0]["event"]["seq"]), (&2.into(), &1.into()));
    assert_eq!(dead[0]["why"], "exit status: 1");
}

#[test]
fn dead_letters_are_delivered_once_more_and_what_fails_again_is_one_again() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1), event(2)]);
    let mut exec = Exec::start(&place, &daemon.socket(), &script("page", "exit 1", "retries = 0"));
    exec.says("HATS-2103 ");
    exec.says("HATS-2103 ");
    exec.end();
    assert_eq!(place.dead("page").len(), 2);
    let redeliver = |work: &str| {
        let actions = script("page", work, "retries = 0");
        let output = place.command(&actions).args(["--redeliver", "page"]).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let one = format!("{SAY}; test $HATS_SEQ = 1");
    let (code, said) = redeliver(&one);
    let each = |seq| format!("page HATS-2103 n3 {seq} 1\n");
    assert_eq!(code, Some(70));
    assert_eq!(said, each(1) + &each(2) + "page: 1 delivered, 1 not\n");
    assert_eq!(place.dead("page")[0]["event"]["seq"], 2);
    let (code, said) = redeliver(SAY);
    assert_eq!((code, said), (Some(0), each(2) + "page: 1 delivered, 0 not\n"));
    assert_eq!(redeliver(SAY), (Some(0), "page: 0 delivered, 0 not\n".to_owned()));
    assert!(!fs::exists(place.path("state").join("page.dead.jsonl")).unwrap());
}

#[test]
fn a_program_that_does_not_end_is_ended_with_all_that_it_has_started() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1)]);
    let actions = script(
        "page",
        "trap \"\" TERM; (sleep 5; echo survived) & echo began; wait",
        "timeout = \"50ms\"\nretries = 0",
    );
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    assert_eq!(exec.line(), "began");
    exec.says("no end after 50 ms");
    exec.end();
    assert_eq!(exec.line(), "");
}

#[test]
fn at_most_as_many_run_at_once_as_are_allowed_and_one_slow_action_holds_up_no_other() {
    let place = Place::new();
    let (daemon, _) = daemon((1..=4).map(event).collect());
    let gate = place.path("gate");
    nix::unistd::mkfifo(&gate, nix::sys::stat::Mode::S_IRWXU).unwrap();
    // Opening the gate for reading waits until somebody opens it for writing.
    let slow = format!("echo slow $HATS_SEQ; read x < {}", gate.display());
    let quick = script("quick", SAY, "events = [\"adapter.down\"]\ncodes = [\"HATS-2103\"]");
    let actions = script("slow", &slow, "concurrency = 2") + &quick;
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    let mut lines: Vec<String> = (0..6).map(|_| exec.line()).collect();
    lines.sort();
    assert_eq!(lines[4..], ["slow 1", "slow 2"], "{lines:?}");
    assert!(lines[..4].iter().all(|line| line.starts_with("quick")), "{lines:?}");
    fs::write(&gate, "on\non\n").unwrap();
    let next = exec.line();
    assert!(next.starts_with("slow "), "{next}");
}

#[test]
fn what_finds_the_queue_full_is_a_dead_letter() {
    let place = Place::new();
    let (daemon, _) = daemon((1..=4).map(event).collect());
    let actions = script("slow", "sleep 100", "queue = 1");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    exec.says("1 events were waiting already");
    assert!(!place.dead("slow").is_empty());
}

#[test]
fn after_an_end_it_goes_on_with_the_next_event() {
    let place = Place::new();
    let (daemon, asked) = daemon(vec![event(1), event(2)]);
    let actions = script("page", SAY, "");
    let mut exec = Exec::start(&place, &daemon.socket(), &actions);
    assert_eq!((exec.line().as_str(), exec.line().as_str()).1, "page HATS-2103 n3 2 1");
    exec.end();
    let _exec = Exec::start(&place, &daemon.socket(), &actions);
    assert_eq!(asked.recv().unwrap(), None);
    assert_eq!(asked.recv().unwrap(), Some(ResumePoint { epoch: EPOCH, seq: 2 }));
}

#[test]
fn what_was_not_finished_is_delivered_by_the_next_run() {
    let place = Place::new();
    let (daemon, asked) = daemon(vec![event(1), event(2)]);
    let hanging = script("page", "echo began; sleep 100", "");
    let mut exec = Exec::start(&place, &daemon.socket(), &hanging);
    assert_eq!(exec.line(), "began");
    exec.end();
    let mut exec = Exec::start(&place, &daemon.socket(), &script("page", SAY, ""));
    assert_eq!(asked.recv().unwrap(), None);
    assert_eq!(asked.recv().unwrap(), Some(ResumePoint { epoch: EPOCH, seq: 0 }));
    assert_eq!(exec.line(), "page HATS-2103 n3 1 1");
    assert_eq!(exec.line(), "page HATS-2103 n3 2 1");
}

#[test]
fn what_happens_after_a_first_run_without_events_is_delivered_by_the_next() {
    let place = Place::new();
    let (daemon, asked) = daemon(vec![]);
    let mut exec = Exec::start(&place, &daemon.socket(), &script("page", SAY, ""));
    exec.says("nothing is remembered");
    exec.kill();
    let _exec = Exec::start(&place, &daemon.socket(), &script("page", SAY, ""));
    assert_eq!(asked.recv().unwrap(), None);
    assert_eq!(asked.recv().unwrap(), Some(ResumePoint { epoch: EPOCH, seq: 0 }));
}

#[test]
fn a_daemon_of_another_version_ends_it_after_what_is_under_way() {
    let place = Place::new();
    // Opening one end of such a file waits for who opens the other.
    let (begun, gate) = (place.path("begun"), place.path("gate"));
    for fifo in [&begun, &gate] {
        nix::unistd::mkfifo(fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    }
    let work = format!("echo > {}; read x < {}; {SAY}", begun.display(), gate.display());
    let connections = Arc::new(AtomicU32::new(0));
    let daemon = Fake::start(move |conversation| {
        if connections.fetch_add(1, Ordering::Relaxed) == 0 {
            conversation.greet();
            conversation.request();
            conversation.send(reply::Body::Snapshot(snapshot_before(1)));
            conversation.send(reply::Body::Event(event(1)));
            fs::read(&begun).unwrap();
        } else {
            let (kind, message) = (Kind::Version.into(), "this daemon speaks 2".to_owned());
            conversation.send(reply::Body::Error(Error { kind, message }));
            // It hangs up when it has read that; its program still waits.
            conversation.hold();
            fs::write(&gate, "on\n").unwrap();
        }
    });
    let mut exec = Exec::start(&place, &daemon.socket(), &script("page", &work, ""));
    assert_eq!(exec.line(), "page HATS-2103 n3 1 1", "the program was not killed");
    exec.says("this daemon speaks 2");
    assert_eq!(exec.status(), Some(70));
    let kept = fs::read_to_string(place.path("state").join("resume")).unwrap();
    assert_eq!(kept, format!("{EPOCH} 1\n"));
}

#[test]
fn a_web_hook_gets_the_event_and_is_called_again_when_the_server_is_busy() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1)]);
    let (url, requests) = server(&[503, 200]);
    let actions = format!(
        "[[action]]\nname = \"hook\"\nwebhook = \"{url}\"\npause = \"1ms\"\n\
         headers = {{ Authorization = \"Bearer x\" }}\n"
    );
    let _exec = Exec::start(&place, &daemon.socket(), &actions);
    let (first, second) = (requests.recv().unwrap(), requests.recv().unwrap());
    assert_eq!(first, second);
    assert!(first.starts_with("POST /hook HTTP/1.1\r\n"), "{first}");
    let (head, body) = first.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, hats_client::to_json(&event(1)));
    let head = head.to_lowercase();
    for line in [
        "content-type: application/json",
        "authorization: bearer x",
        &format!("idempotency-key: n2-{EPOCH}-1"),
    ] {
        assert!(head.contains(line), "{line} not in {head}");
    }
}

#[test]
fn a_web_hook_over_https_trusts_the_ca_that_is_named_and_no_other() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1)]);
    let (url, requests, pem) = tls_server(&[200]);
    fs::write(place.path("ca.pem"), pem).unwrap();
    let ca = place.path("ca.pem");
    let actions =
        format!("[[action]]\nname = \"hook\"\nwebhook = \"{url}\"\nca = \"{}\"\n", ca.display());
    let _exec = Exec::start(&place, &daemon.socket(), &actions);
    let got = requests.recv().unwrap();
    assert!(got.ends_with(&hats_client::to_json(&event(1))), "{got}");

    let (url, _, _) = tls_server(&[200, 200]);
    for ca in [String::new(), format!("ca = \"{}\"\n", ca.display())] {
        let actions = format!("[[action]]\nname = \"hook\"\nwebhook = \"{url}\"\n{ca}");
        let output = place.command(&actions).args(["--try", "2103"]).output().unwrap();
        assert_eq!(output.status.code(), Some(70));
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.contains("not delivered") && said.contains("certificate"), "{said}");
    }
}

#[test]
fn a_web_hook_that_does_not_want_an_event_gets_it_once() {
    let place = Place::new();
    let (daemon, _) = daemon(vec![event(1), event(2)]);
    let (url, requests) = server(&[404, 200]);
    let actions = format!("[[action]]\nname = \"hook\"\nwebhook = \"{url}\"\npause = \"1ms\"\n");
    let _exec = Exec::start(&place, &daemon.socket(), &actions);
    assert!(requests.recv().unwrap().ends_with(&hats_client::to_json(&event(1))));
    assert!(requests.recv().unwrap().ends_with(&hats_client::to_json(&event(2))));
    let dead = place.dead("hook");
    assert_eq!((dead.len(), &dead[0]["attempts"]), (1, &1.into()));
    assert!(dead[0]["why"].as_str().unwrap().contains("404"), "{dead:?}");
}

#[test]
fn a_daemon_that_is_not_there_is_waited_for() {
    let place = Place::new();
    let socket = place.path("hats.sock");
    let mut exec = Exec::start(&place, &socket, &script("page", SAY, ""));
    exec.says("waiting for the daemon");
    let (daemon, _) = daemon(vec![event(1)]);
    fs::hard_link(daemon.socket(), &socket).unwrap();
    exec.says("following the daemon");
    assert_eq!(exec.line(), "page HATS-2103 n3 1 1");
}
