//! `hats-status events`, against a fake daemon on a real socket.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../client/tests/fake/mod.rs"]
mod fake;
mod support;

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Stdio},
    sync::{
        Arc, Barrier,
        atomic::{AtomicU32, Ordering},
    },
};

use fake::{Conversation, EPOCH, Fake, event, snapshot_before};
use hats_client::ipc::{Event, EventsEnd, Filter, Lost, ResumePoint, Subscribe, reply, request};
use support::{program, run, stderr, stdout};

fn subscribe(conversation: &mut Conversation) -> Subscribe {
    conversation.greet();
    match conversation.request() {
        Some(request::Body::Subscribe(subscribe)) => subscribe,
        other => panic!("{other:?}"),
    }
}

/// The first request that is not for a snapshot, in which names are looked up.
fn asked(conversation: &mut Conversation) -> Option<request::Body> {
    conversation.greet();
    loop {
        let request = conversation.request()?;
        if !matches!(request, request::Body::GetSnapshot(_)) {
            return Some(request);
        }
        conversation.send(reply::Body::Snapshot(support::degraded()));
    }
}

/// Greets, sends a snapshot and `bodies`, and hangs up.
fn telling(bodies: Vec<reply::Body>) -> Fake {
    Fake::start(move |conversation| {
        subscribe(conversation);
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        for body in bodies.clone() {
            conversation.send(body);
        }
    })
}

/// The program at work, and killed in the end.
struct Following {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Following {
    fn start(fake: &Fake, arguments: &[&str]) -> Self {
        let mut child = program(&fake.socket(), &["events", "--follow"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Following { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn each_event_is_a_json_line_that_is_there_before_the_next_event() {
    let heard = Arc::new(Barrier::new(2));
    let printed = Arc::clone(&heard);
    let fake = Fake::start(move |conversation| {
        subscribe(conversation);
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        for seq in 10..13 {
            conversation.send(reply::Body::Event(event(seq)));
            conversation.keep_alive();
            printed.wait();
        }
        conversation.hold();
    });
    for format in ["jsonl", "json"] {
        let mut following = Following::start(&fake, &["-o", format]);
        for seq in 10..13 {
            assert_eq!(following.line(), hats_client::to_json(&event(seq)));
            heard.wait();
        }
    }
}

#[test]
fn the_snapshot_is_printed_only_when_asked_for() {
    let fake = telling(vec![reply::Body::Event(event(10))]);
    let output = run(&fake.socket(), &["events", "-f", "-o", "jsonl"]);
    assert_eq!(stdout(&output).lines().count(), 1);

    let output = run(&fake.socket(), &["events", "-f", "-o", "jsonl", "--snapshot"]);
    let text = stdout(&output);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with(r#"{"schema":"hats.status/1","#), "{}", lines[0]);
    assert_eq!(lines[1..], [hats_client::to_json(&event(10))]);
}

#[test]
fn a_daemon_that_goes_away_ends_it_with_unknown() {
    let output = run(&telling(vec![]).socket(), &["events", "--follow"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("closed the connection"), "{}", stderr(&output));
    let missing = Fake::start(|_| {}).socket();
    assert_eq!(run(&missing, &["events", "--follow"]).status.code(), Some(3));
}

#[test]
fn the_text_and_line_forms_are_one_line_an_event() {
    let forged = Event { msg: "two\nlines | and a bar".into(), ..event(11) };
    let fake = telling(vec![reply::Body::Event(event(10)), reply::Body::Event(forged)]);
    let text = stdout(&run(&fake.socket(), &["events", "-f"]));
    assert_eq!(
        text.lines().collect::<Vec<_>>(),
        [
            "2026-11-22T12:04:07.331Z error HATS-2103 adapter.down: \
             neta: eth0 of n3 (10.77.1.3) down, number 10",
            "2026-11-22T12:04:07.331Z error HATS-2103 adapter.down: two?lines | and a bar",
        ]
    );
    let text = stdout(&run(&fake.socket(), &["events", "-f", "-o", "line"]));
    let second = text.lines().nth(1).unwrap();
    assert!(second.starts_with("event:11|code=HATS-2103|name=adapter.down|"), "{second}");
    assert!(second.ends_with("|msg=two%0Alines %7C and a bar"), "{second}");
    let text = stdout(&run(&fake.socket(), &["events", "-f", "-o", "wide"]));
    assert!(text.contains("number 10 [n2 1795432/10 authority]\n"), "{text}");
}

#[test]
fn lost_events_are_told_in_every_form() {
    let lost = Lost { count: 8, epoch: EPOCH, next_seq: 19, more: false };
    let fake = telling(vec![
        reply::Body::Event(event(10)),
        reply::Body::Lost(lost),
        reply::Body::Snapshot(snapshot_before(19)),
        reply::Body::Event(event(19)),
    ]);
    for (format, expected) in [
        ("jsonl", r#"{"lost":8,"epoch":1795432,"next_seq":19}"#),
        ("line", "lost:8|epoch=1795432|next_seq=19"),
        ("table", "! 8 events lost, going on with 19"),
    ] {
        let text = stdout(&run(&fake.socket(), &["events", "-f", "-o", format]));
        assert_eq!(text.lines().count(), 3, "{text}");
        assert_eq!(text.lines().nth(1), Some(expected));
    }
}

#[test]
fn a_gap_that_the_daemon_does_not_admit_is_an_error() {
    let fake = telling(vec![reply::Body::Event(event(10)), reply::Body::Event(event(12))]);
    let output = run(&fake.socket(), &["events", "-f", "-o", "jsonl"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(stdout(&output).lines().count(), 1);
    assert!(stderr(&output).contains("event 12"), "{}", stderr(&output));
}

#[test]
fn filters_go_to_the_daemon_and_hold_even_if_it_ignores_them() {
    let other = |seq, change: fn(&mut Event)| {
        let mut event = event(seq);
        change(&mut event);
        reply::Body::Event(event)
    };
    let fake = Fake::start(move |conversation| {
        let expected = Filter {
            codes: vec!["HATS-2103".into(), "HATS-2101".into()],
            networks: vec!["neta".into()],
            nodes: vec!["n3".into()],
            ..Filter::default()
        };
        let Some(request::Body::Subscribe(subscribe)) = asked(conversation) else { return };
        assert_eq!(subscribe.filter, Some(expected));
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.send(other(11, |event| event.code = "HATS-1001".into()));
        conversation.send(other(12, |event| event.network = None));
        conversation.send(other(13, |event| event.node = Some("n1".into())));
        conversation.send(other(14, |event| {
            event.node = Some("n1".into());
            event.peer_node = Some("n3".into());
        }));
    });
    let filter = ["--code", "2103,HATS-2101", "--network", "neta", "--node", "n3"];
    let output = run(&fake.socket(), &[&["events", "-f", "-o", "line"], &filter[..]].concat());
    let numbers: Vec<String> =
        stdout(&output).lines().map(|line| line.split('|').next().unwrap().to_owned()).collect();
    assert_eq!(numbers, ["event:10", "event:14"], "{}", stderr(&output));
}

#[test]
fn it_ends_when_its_reader_does_though_no_event_comes() {
    let fake = Fake::start(|conversation| {
        subscribe(conversation);
        conversation.send(reply::Body::Snapshot(snapshot_before(10)));
        conversation.send(reply::Body::Event(event(10)));
        conversation.hold();
    });
    let mut child = program(&fake.socket(), &["events", "-f"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
}

#[test]
fn with_reconnect_it_resumes_after_the_last_event() {
    let connections = Arc::new(AtomicU32::new(0));
    let fake = Fake::start(move |conversation| {
        let from = subscribe(conversation).from;
        match connections.fetch_add(1, Ordering::SeqCst) {
            0 => {
                assert_eq!(from, None);
                conversation.send(reply::Body::Snapshot(snapshot_before(10)));
                conversation.send(reply::Body::Event(event(10)));
            }
            1 => {
                assert_eq!(from, Some(ResumePoint { epoch: EPOCH, seq: 10 }));
                conversation.send(reply::Body::Event(event(11)));
            }
            // It can no longer tell what came after 11.
            _ => {
                assert_eq!(from, Some(ResumePoint { epoch: EPOCH, seq: 11 }));
                conversation.send(reply::Body::Snapshot(snapshot_before(15)));
                conversation.send(reply::Body::Event(event(15)));
                conversation.hold();
            }
        }
    });
    let mut following = Following::start(&fake, &["--reconnect", "-o", "jsonl"]);
    let lines: Vec<String> = (0..4).map(|_| following.line()).collect();
    let gap = r#"{"lost":3,"epoch":1795432,"next_seq":15}"#.to_owned();
    let [ten, eleven, fifteen] = [10, 11, 15].map(|seq| hats_client::to_json(&event(seq)));
    assert_eq!(lines, [ten, eleven, gap, fifteen]);
}

#[test]
fn a_restarted_daemon_is_a_gap_of_unknown_length() {
    let connections = Arc::new(AtomicU32::new(0));
    let fake = Fake::start(move |conversation| {
        subscribe(conversation);
        let mut snapshot = snapshot_before(10);
        if connections.fetch_add(1, Ordering::SeqCst) > 0 {
            snapshot.epoch = EPOCH + 1;
            snapshot.next_seq = 3;
        }
        let again = snapshot.epoch > EPOCH;
        conversation.send(reply::Body::Snapshot(snapshot));
        if again {
            conversation.hold();
        }
    });
    let mut following = Following::start(&fake, &["--reconnect", "-o", "jsonl"]);
    assert_eq!(following.line(), r#"{"lost":null,"epoch":1795433,"next_seq":3}"#);
}

#[test]
fn without_follow_it_prints_what_the_daemon_still_has_and_ends() {
    let fake = Fake::start(|conversation| {
        let Some(request::Body::GetEvents(get)) = asked(conversation) else { return };
        let filter = get.filter.unwrap_or_default();
        assert_eq!((filter.nodes, get.from), (vec!["n3".to_owned()], None));
        assert_eq!(get.since_unix_ms, Some(1_795_348_800_000));
        let lost = |count, more| reply::Body::Lost(Lost { count, epoch: EPOCH, next_seq: 7, more });
        (4..7).for_each(|seq| conversation.send(reply::Body::Event(event(seq))));
        // Another run begins, and nothing is missing: not worth a word.
        conversation.send(lost(0, false));
        conversation.send(reply::Body::Event(event(7)));
        conversation.send(lost(0, true));
        conversation.send(reply::Body::EventsEnd(EventsEnd::default()));
        conversation.hold();
    });
    let since = ["--since", "2026-11-22T12:00:00Z"];
    let line = [&["events", "-o", "jsonl", "--node", "n3"], &since[..]].concat();
    let output = run(&fake.socket(), &line);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut lines: Vec<String> = (4..8).map(|seq| hats_client::to_json(&event(seq))).collect();
    lines.push(r#"{"lost":null,"epoch":1795432,"next_seq":7}"#.to_owned());
    assert_eq!(stdout(&output).lines().collect::<Vec<_>>(), lines);
}

#[test]
fn followed_since_a_time_it_asks_for_the_events_since_then() {
    let fake = Fake::start(|conversation| {
        assert_eq!(subscribe(conversation).since_unix_ms, Some(1_795_348_800_000));
        conversation.send(reply::Body::Event(event(4)));
        conversation.send(reply::Body::Event(event(5)));
    });
    let output = run(&fake.socket(), &["events", "-f", "--since", "2026-11-22T12:00:00Z"]);
    assert_eq!(stdout(&output).lines().count(), 2, "{}", stderr(&output));
}

#[test]
fn a_name_that_nobody_has_now_is_a_warning_since_events_are_of_other_times_too() {
    let fake = Fake::start(|conversation| {
        if asked(conversation).is_some() {
            conversation.send(reply::Body::EventsEnd(EventsEnd::default()));
        }
    });
    let output = run(&fake.socket(), &["events", "--node", "n77"]);
    assert_eq!(output.status.code(), Some(0));
    let expected = "warning: --node 'n77': there is no such node; known: n1, n2, n9, n10";
    assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    assert_eq!(stderr(&run(&fake.socket(), &["events", "--node", "n9"])), "");
}
