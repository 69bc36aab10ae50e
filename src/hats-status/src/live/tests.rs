#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use hats_client::ipc::{
    Adapter, Daemon, Detection, Neighbour, Network, Node, Observation, Verdict,
};
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer, style::Color};

use super::*;
use crate::select::Selection;

fn adapter(network: &str, number: u64) -> Adapter {
    let subnet = if network == "neta" { "10.0.1" } else { "10.0.2" };
    let (state, cause) = match (network, number) {
        ("netb", 1) => ("down", Some("transmit")),
        ("netb", 4) => ("joining", None),
        _ => ("up", None),
    };
    let watches = [2, 3].map(|upstream| Neighbour {
        addr: format!("{subnet}.{}", upstream + 1),
        node: format!("n{}", upstream + 1),
        state: if network == "netb" && upstream == 3 { "late" } else { "fresh" }.into(),
        last_heard_ms: 100 * upstream,
        missed: 0,
        gap_max_us: Some(100_000 * upstream),
        measured: None,
    });
    Adapter {
        network: network.into(),
        node: format!("n{number}"),
        adapter: format!("eth{}", u8::from(network == "netb")),
        addr: format!("{subnet}.{number}"),
        self_: number == 2,
        state: state.into(),
        cause: cause.map(Into::into),
        reason: cause.map(|_| "sends nothing that others hear, still receives".into()),
        verdict_id: cause.map(|_| "n2-41-7".into()),
        since_ms: 72_000,
        watches: if number == 2 { watches.into() } else { Vec::new() },
        ..Adapter::default()
    }
}

fn network(name: &str, members: &[u64]) -> Network {
    let subnet = if name == "neta" { "10.0.1" } else { "10.0.2" };
    Network {
        name: name.into(),
        subnet: format!("{subnet}.0/24"),
        leader: Some(format!("n{}", members[0])),
        leader_addr: Some(format!("{subnet}.{}", members[0])),
        successor: Some(format!("n{}", members[1])),
        successor_addr: Some(format!("{subnet}.{}", members[1])),
        configured: 5,
        up: u32::try_from(members.len()).unwrap(),
        state: "stable".into(),
        since_ms: 72_000,
        members: members.iter().map(|number| format!("{subnet}.{number}")).collect(),
        local: true,
        ..Network::default()
    }
}

fn verdict() -> Verdict {
    let probe = |prober: &str, part: &str, target: &str, received| Observation {
        prober: prober.into(),
        part: part.into(),
        target: target.into(),
        network: "netb".into(),
        sent: 5,
        received,
        ..Observation::default()
    };
    Verdict {
        id: "n2-41-7".into(),
        ts: "2026-11-22T12:02:55.100Z".into(),
        kind: "adapter".into(),
        network: "netb".into(),
        node: Some("n1".into()),
        adapter: Some("eth1".into()),
        cause: Some("transmit".into()),
        confidence: "high".into(),
        reporter: "n2".into(),
        suspect: "n1".into(),
        arbiters: vec!["n5".into()],
        decided_by: "n5".into(),
        summary: "sends nothing that n2 or n5 hear, still receives; carrier up".into(),
        evidence: vec![probe("n2", "reporter", "n1", 0), probe("n5", "arbiter", "n2", 5)],
        took_ms: 1_120,
        ..Verdict::default()
    }
}

fn snapshot(at: u64) -> Snapshot {
    let node = |number: u64| Node {
        name: format!("n{number}"),
        self_: number == 2,
        state: "up".into(),
        ..Node::default()
    };
    Snapshot {
        ts: "2026-11-22T12:04:07.331Z".into(),
        mono_ns: at * 1_000_000_000,
        cluster: "atc".into(),
        overall: "DEGRADED".into(),
        reasons: vec!["adapter eth1 of n1 on netb is down".into()],
        daemon: Some(Daemon { node: "n2".into(), ..Daemon::default() }),
        detection: Some(Detection { detection_time_us: 1_000_000, ..Detection::default() }),
        networks: vec![network("neta", &[5, 4, 3, 2, 1]), network("netb", &[5, 3, 2])],
        nodes: (1..=5).map(node).collect(),
        adapters: ["neta", "netb"]
            .into_iter()
            .flat_map(|network| (1..=5).map(move |number| adapter(network, number)))
            .collect(),
        verdicts: vec![verdict()],
        ..Snapshot::default()
    }
}

fn event(seq: u64, level: &str, msg: &str, verdict: Option<&str>) -> Entry {
    Entry::Event(Box::new(Event {
        ts: format!("2026-11-22T12:03:{seq:02}.331Z"),
        level: level.into(),
        code: "HATS-2103".into(),
        node: Some("n1".into()),
        verdict_id: verdict.map(Into::into),
        seq,
        msg: msg.into(),
        ..Event::default()
    }))
}

fn app() -> App {
    let mut app = App::new(Selection::default());
    for at in 1..=12 {
        let mut snapshot = snapshot(at);
        for own in snapshot.adapters.iter_mut().filter(|it| it.self_) {
            own.watches[0].gap_max_us = Some(80_000 * at);
        }
        app.take_snapshot(snapshot);
    }
    app.take_entry(event(1, "info", "netb: n5 leads, n3 succeeds", None));
    app.take_entry(event(2, "error", "netb: eth1 of n1 down: sends nothing", Some("n2-41-7")));
    app.take_entry(Entry::Gap("! 3 events lost".into()));
    app.take_entry(event(3, "warn", "neta: eth0 of n4 is late", None));
    app
}

fn drawn(app: &App, width: u16, height: u16, colour: bool) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw::draw(frame, app, Theme { colour })).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let width = usize::from(buffer.area.width);
    let rows = buffer.content.chunks(width);
    rows.map(|row| {
        row.iter().map(|cell| cell.symbol()).collect::<String>().trim_end().to_owned() + "\n"
    })
    .collect()
}

/// Compares with `tests/golden/NAME`; with HATS_BLESS=1 writes it instead.
fn assert_golden(name: &str, actual: &str) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("HATS_BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(golden == actual, "{name} differs (HATS_BLESS=1 accepts):\n{actual}\nwas:\n{golden}");
}

fn press(app: &mut App, keys: &[Key]) {
    for key in keys {
        app.key(*key);
    }
}

#[test]
fn the_screen_is_as_agreed() {
    let app = app();
    assert_golden("watch.txt", &text(&drawn(&app, 80, 24, false)));
    assert_golden("watch-wide.txt", &text(&drawn(&app, 120, 36, false)));
}

#[test]
fn the_cursor_moves_to_an_adapter_and_opens_its_evidence() {
    let mut app = app();
    // netb, n1: after neta and its five.
    press(&mut app, &[Key::PageDown, Key::Home, Key::Char('j'), Key::End]);
    press(&mut app, &[Key::Up, Key::Up, Key::Up, Key::Up]);
    assert_golden("watch-adapter.txt", &text(&drawn(&app, 80, 24, false)));
    app.key(Key::Enter);
    let screen = text(&drawn(&app, 80, 24, false));
    assert_golden("watch-evidence.txt", &screen);
    assert!(screen.contains("n5 (arbiter)"), "{screen}");
    app.key(Key::Escape);
    assert!(app.popup.is_none() && !app.is_done());
}

#[test]
fn an_event_opens_the_verdict_that_it_names() {
    let mut app = app();
    press(&mut app, &[Key::Tab, Key::Down, Key::Down, Key::Enter]);
    assert_eq!(app.popup.as_ref().unwrap().title, "verdict n2-41-7");
    press(&mut app, &[Key::Escape, Key::Tab, Key::Enter]);
    assert_eq!(app.popup.as_ref().unwrap().title, "verdict n2-41-7", "from the verdicts");
    press(&mut app, &[Key::Escape, Key::Char('v'), Key::Home, Key::Down, Key::Enter]);
    assert_eq!(app.popup.as_ref().unwrap().title, "no verdict", "neta/n1 is well");
}

#[test]
fn a_filter_is_typed_kept_and_taken_back() {
    let mut app = app();
    press(&mut app, &[Key::Char('/'), Key::Char('N'), Key::Char('1'), Key::Char('x')]);
    press(&mut app, &[Key::Backspace, Key::Enter]);
    let screen = text(&drawn(&app, 80, 24, false));
    assert!(screen.contains("showing \"N1\"") && !screen.contains("n5 eth"), "{screen}");
    assert_eq!(app.things().len(), 4, "two networks with one adapter each");
    app.key(Key::Escape);
    assert_eq!(app.things().len(), 12);
    app.key(Key::Char('f'));
    assert_eq!(app.things().len(), 3, "netb, what is down and what is joining");
    // A letter that is a command elsewhere is text here.
    press(&mut app, &[Key::Char('/'), Key::Char('q')]);
    assert!(!app.is_done() && app.filter == "q");
}

#[test]
fn the_selection_stays_on_its_adapter_when_others_come_and_go() {
    let mut app = app();
    press(&mut app, &[Key::Home, Key::Down, Key::Down, Key::Down]);
    let named = |app: &App| {
        let things = app.things();
        format!("{:?}", things[app.thing_at(&things)])
    };
    let before = named(&app);
    let mut next = snapshot(99);
    next.adapters.retain(|it| it.node != "n1");
    app.take_snapshot(next);
    assert_eq!(named(&app), before);
}

#[test]
fn what_is_selected_on_the_command_line_is_all_there_is() {
    let select = Selection { network: vec!["neta".into()], ..Selection::default() };
    let mut app = App::new(select);
    app.take_snapshot(snapshot(1));
    assert_eq!(app.things().len(), 6);
    assert!(text(&drawn(&app, 80, 24, false)).contains("OK"), "neta is well");
}

#[test]
fn a_held_picture_stays_and_says_so() {
    let mut app = app();
    app.key(Key::Char(' '));
    app.take_snapshot(Snapshot { cluster: "another".into(), ..snapshot(99) });
    let screen = text(&drawn(&app, 80, 24, false));
    assert!(screen.contains("cluster atc") && screen.contains("HELD"), "{screen}");
}

#[test]
fn a_daemon_that_is_gone_is_said_over_its_last_view() {
    let mut app = app();
    app.lose("hatsd closed the connection".into());
    let screen = text(&drawn(&app, 80, 24, false));
    assert!(screen.contains("! hatsd closed the connection") && screen.contains("n1 eth1"));
    app.take_snapshot(snapshot(99));
    assert!(!text(&drawn(&app, 80, 24, false)).contains("closed"));
}

#[test]
fn colour_is_never_the_only_sign() {
    let app = app();
    let (plain, coloured) = (drawn(&app, 80, 24, false), drawn(&app, 80, 24, true));
    assert_eq!(text(&plain), text(&coloured));
    let colours = |buffer: &Buffer| buffer.content.iter().any(|cell| cell.fg != Color::Reset);
    assert!(!colours(&plain) && colours(&coloured));
}

#[test]
fn any_size_can_be_drawn_with_anything_on_the_screen() {
    let mut app = app();
    for keys in [&[][..], &[Key::Enter], &[Key::Escape, Key::Tab], &[Key::Tab], &[Key::Char('?')]] {
        press(&mut app, keys);
        for (width, height) in [(1, 1), (2, 3), (10, 5), (20, 8), (80, 10), (300, 90)] {
            drawn(&app, width, height, true);
        }
    }
    drawn(&App::new(Selection::default()), 80, 24, true);
}

#[test]
fn names_cannot_move_the_cursor() {
    let mut app = App::new(Selection::default());
    let mut snapshot = snapshot(1);
    snapshot.adapters[0].node = "n1\u{1b}[2J".into();
    snapshot.cluster = "\u{7}atc".into();
    app.take_snapshot(snapshot);
    let screen = text(&drawn(&app, 80, 24, true));
    assert!(!screen.contains(['\u{1b}', '\u{7}']), "{screen:?}");
}

#[test]
fn a_thousand_nodes_and_events_are_bounded() {
    let mut app = App::new(Selection::default());
    let mut snapshot = snapshot(1);
    for number in 6..1_000 {
        snapshot.adapters.push(Adapter { state: "down".into(), ..adapter("neta", number) });
    }
    app.take_snapshot(snapshot);
    for seq in 0..2_000 {
        app.take_entry(event(seq % 60, "info", "an event", None));
    }
    assert_eq!(app.entries().len(), 500);
    let screen = text(&drawn(&app, 80, 24, false));
    assert!(screen.contains("and 990 more"), "{screen}");
}
