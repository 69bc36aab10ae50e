//! The protocol at the socket, byte by byte: what is answered to what.

use std::{
    io::{Read as _, Write as _},
    os::unix::process::CommandExt as _,
    path::PathBuf,
};

use hats_proto::ipc::{
    Event, Filter, GetEvents, ResumePoint, Snapshot, Subscribe, error::Kind, reply, request,
};
use prost::Message as _;
use tokio::io::AsyncWriteExt as _;

use super::{
    tests::{Client, Server, assert_refused, block_on, hello, seq},
    *,
};
use crate::journal::{self, Journal, Limits};

fn bytes(body: request::Body) -> Vec<u8> {
    ipc::Request { body: Some(body) }.encode_length_delimited_to_vec()
}

fn subscribe(from: Option<(u64, u64)>) -> request::Body {
    let from = from.map(|(epoch, seq)| ResumePoint { epoch, seq });
    request::Body::Subscribe(Subscribe { from, ..Subscribe::default() })
}

/// What is said to these bytes after a Hello, up to the end of the connection.
async fn answer(server: &mut Server, bytes: &[u8]) -> Vec<reply::Body> {
    let mut client = server.greeted().await;
    // The daemon may have hung up before the last of them.
    let _ = client.stream.write_all(bytes).await;
    let _ = client.stream.shutdown().await;
    let mut answers = Vec::new();
    while let Some(answer) = server.during(client.next()).await {
        answers.push(answer);
    }
    answers
}

#[test]
fn a_conversation_that_comes_one_byte_at_a_time_is_the_same() {
    block_on(async {
        let mut server = Server::start();
        let mut all = bytes(hello(1, 1));
        all.extend(bytes(request::Body::Ping(ipc::Ping { token: 300 })));
        all.extend(bytes(request::Body::GetSnapshot(ipc::GetSnapshot::default())));
        all.extend(bytes(subscribe(None)));
        let mut client = server.connect().await;
        for byte in all {
            client.stream.write_all(&[byte]).await.unwrap();
            server.during(tokio::task::yield_now()).await;
        }
        let mut kinds = Vec::new();
        for _ in 0..4 {
            kinds.push(match server.during(client.next()).await {
                Some(reply::Body::Welcome(_)) => "welcome",
                Some(reply::Body::Pong(pong)) => {
                    assert_eq!(pong.token, 300);
                    "pong"
                }
                Some(reply::Body::Snapshot(_)) => "snapshot",
                other => panic!("{other:?}"),
            });
        }
        assert_eq!(kinds, ["welcome", "pong", "snapshot", "snapshot"]);
    });
}

/// Replies as they are on the wire, so that no later change of the types can
/// change them.
#[test]
fn bytes_of_the_first_messages_are_what_they_have_always_been() {
    assert_eq!(bytes(hello(1, 1)), b"\x0c\x0a\x0a\x08\x01\x10\x01\x1a\x04test");
    assert_eq!(bytes(subscribe(None)), b"\x02\x1a\x00");
    assert_eq!(bytes(subscribe(Some((7, 300)))), b"\x09\x1a\x07\x12\x05\x08\x07\x10\xac\x02");
    assert_eq!(bytes(request::Body::Ping(ipc::Ping { token: 5 })), b"\x04\x22\x02\x08\x05");
    let lost = ipc::Lost { count: 3, epoch: 7, next_seq: 9, more: false };
    assert_eq!(
        &conversation::frame(reply::Body::Lost(lost))[..],
        b"\x08\x22\x06\x08\x03\x10\x07\x18\x09"
    );
    let refusal = conversation::error(Kind::Full, "no".to_owned());
    assert_eq!(&refusal[..], b"\x08\x2a\x06\x08\x04\x12\x02no");
}

#[test]
fn what_cannot_be_read_is_answered_with_what_was_wrong_and_the_end() {
    block_on(async {
        let mut server = Server::start();
        let mut other = server.subscribed(Filter::default()).await;
        let long = [vec![0xff, 0xff, 0x3f], vec![0; 70_000]].concat();
        let huge = [0xff, 0xff, 0xff, 0xff, 0x7f];
        let cases: [(&[u8], &str); 8] = [
            (&[0xff; 16], "length"),
            (&huge, "bytes"),
            (&long, "too long"),
            (&[0x00], "no known kind"),
            (&[0x03, 0x0a, 0xff, 0x01], "not a Request in protobuf"),
            (&[0x02, 0xff, 0xff], "not a Request in protobuf"),
            (&[0x04, 0x22, 0x02], "ended 3 bytes into a request"),
            (&[0x80], "ended 1 bytes into a request"),
        ];
        for (sent, part) in cases {
            let answers = answer(&mut server, sent).await;
            assert_eq!(answers.len(), 1, "{sent:?}");
            assert_refused(&answers[0], Kind::BadRequest, part);
        }
        server.publish("neta", 0);
        assert_eq!(seq(server.during(other.next()).await), 1);
    });
}

#[test]
fn versions_and_filters_are_refused_by_what_is_wrong_in_them() {
    block_on(async {
        let mut server = Server::start();
        for (least, most, part) in
            [(2, 5, "2 to 5, expected 1"), (0, 0, "0 to 0"), (3, 1, "3 to 1")]
        {
            let mut client = server.connect().await;
            let answer = server.during(client.ask(hello(least, most))).await;
            assert_refused(&answer, Kind::Version, part);
            assert_eq!(server.during(client.next()).await, None);
        }
        let filter = Some(Filter { levels: vec!["fatal".to_owned()], ..Filter::default() });
        for request in [
            request::Body::Subscribe(Subscribe { filter: filter.clone(), ..Subscribe::default() }),
            request::Body::GetEvents(GetEvents { filter, ..GetEvents::default() }),
        ] {
            let answers = answer(&mut server, &bytes(request)).await;
            assert_refused(
                &answers[0],
                Kind::BadRequest,
                "\"fatal\", expected error, warn or info",
            );
        }
    });
}

/// Whom the kernel says is at the other end decides: root asks as nobody, with
/// the socket's mode open to all.
#[test]
fn who_may_not_read_is_told_so_and_gets_nothing() {
    const NOBODY: u32 = 65_534;
    if let Some(path) = std::env::var_os("HATS_TEST_ASK_AT") {
        let mut stream = std::os::unix::net::UnixStream::connect(path).unwrap();
        // Refused, it may be closed already.
        let _ = stream.write_all(&bytes(hello(1, 1)));
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        print!("<<{answers:?}>>");
        return;
    }
    let is_root = nix::unistd::Uid::effective().is_root();
    block_on(async {
        let readers = Readers { owner: u32::MAX - 1, group: None };
        let mut server = Server::with(readers, None);
        let mut other = if is_root { Some(server.greeted().await) } else { None };
        for path in server.path().ancestors().take(3) {
            let all = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(path, all).unwrap();
        }
        // As this very file, which may be where nobody else may look.
        let mut child = std::process::Command::new("/proc/self/exe");
        let name = "ipc::conformance::who_may_not_read_is_told_so_and_gets_nothing";
        child.args([name, "--exact", "--nocapture"]).env("HATS_TEST_ASK_AT", server.path());
        let uid = if is_root { NOBODY } else { nix::unistd::Uid::effective().as_raw() };
        if is_root {
            child.uid(NOBODY).gid(NOBODY);
        }
        let asking = tokio::task::spawn_blocking(move || child.output().unwrap());
        let output = server.during(asking).await.unwrap();
        let told = String::from_utf8(output.stdout).unwrap();
        let list = told.split_once("<<[").and_then(|(_, rest)| rest.split_once("]>>"));
        let list = list.unwrap_or_else(|| panic!("{told}")).0;
        let answers: Vec<u8> = list.split(", ").map(|it| it.parse().unwrap()).collect();
        let one = ipc::Reply::decode_length_delimited(answers.as_slice()).unwrap();
        assert_eq!(one.encode_length_delimited_to_vec(), answers, "nothing comes after it");
        let answer = one.body.unwrap();
        assert_refused(&answer, Kind::Permission, &format!("uid {uid} (process "));
        assert_refused(&answer, Kind::Permission, "may not read; expected root");
        if let Some(other) = &mut other {
            other.send(request::Body::Ping(ipc::Ping { token: 4 })).await;
            let pong = server.during(other.next()).await;
            assert_eq!(pong, Some(reply::Body::Pong(ipc::Pong { token: 4 })));
        }
    });
}

#[test]
fn connections_beyond_the_limit_are_refused_and_those_before_are_unharmed() {
    block_on(async {
        let mut server = Server::start();
        let mut first = server.subscribed(Filter::default()).await;
        let is_root = nix::unistd::Uid::effective().is_root();
        let most = if is_root { CONNECTIONS_MAX } else { CONNECTIONS_MAX - CONNECTIONS_ROOT };
        // Opened and left: as many as descriptors allow, both ends being here.
        raise(4096).unwrap();
        let mut open = Vec::new();
        for _ in 1..most {
            open.push(server.connect().await);
        }
        let mut refused = 0;
        for _ in 0..500 {
            let mut client = server.connect().await;
            let answer = server.during(client.next()).await.unwrap();
            assert_refused(&answer, Kind::Full, &format!("{most} connections are open"));
            assert_eq!(server.during(client.next()).await, None);
            refused += 1;
        }
        assert_eq!(refused, 500);
        server.publish("neta", 0);
        assert_eq!(seq(server.during(first.next()).await), 1);
        // One that leaves makes room for one.
        drop(open.pop());
        loop {
            let mut client = server.connect().await;
            // Refused, it may be closed already.
            let _ = client.stream.write_all(&bytes(hello(1, 1))).await;
            if let Some(reply::Body::Welcome(_)) = server.during(client.next()).await {
                break;
            }
        }
    });
}

/// As far as this process may.
pub(super) fn raise(wanted: u64) -> nix::Result<()> {
    let resource = nix::sys::resource::Resource::RLIMIT_NOFILE;
    let (_, hard) = nix::sys::resource::getrlimit(resource)?;
    nix::sys::resource::setrlimit(resource, wanted.min(hard), hard)
}

/// A journal of an earlier run, and the one of the server's.
struct Kept {
    journal: Journal,
    _dir: tempfile::TempDir,
}

impl Kept {
    fn open(dir: tempfile::TempDir, epoch: u64) -> Kept {
        let (events, tail): (PathBuf, PathBuf) = (dir.path().join("e"), dir.path().join("t"));
        let limits = Limits { bytes: 16 << 20, age: Duration::from_secs(3600) };
        let place = journal::Place { dir: &events, tail: &tail, limits };
        Kept { journal: Journal::open(place, epoch).unwrap().0, _dir: dir }
    }

    /// Events 1 to 20 of epoch 5, and the journal of epoch 7, as the server has.
    fn new() -> Kept {
        let mut earlier = Kept::open(tempfile::tempdir().unwrap(), 5);
        for seq in 1..=20 {
            let ts = format!("2026-11-22T12:00:{seq:02}.000Z");
            let network = Some(if seq % 2 == 0 { "netb" } else { "neta" }.to_owned());
            let event = Event { epoch: 5, seq, ts, network, ..Event::default() };
            earlier.journal.write(&event);
        }
        let Kept { journal, _dir } = earlier;
        journal.close();
        Kept::open(_dir, 7)
    }
}

/// The answers to a request, as short texts, up to the first `Snapshot` or
/// `EventsEnd`.
async fn told(server: &mut Server, request: request::Body) -> String {
    let mut client = server.greeted().await;
    client.send(request).await;
    told_by(server, &mut client).await
}

async fn told_by(server: &mut Server, client: &mut Client) -> String {
    let mut told = Vec::new();
    loop {
        match server.during(client.next()).await {
            Some(reply::Body::Event(event)) => told.push(format!("{}:{}", event.epoch, event.seq)),
            Some(reply::Body::Lost(lost)) => {
                let more = if lost.more { "?" } else { "" };
                told.push(format!("+{}{more}>{}:{}", lost.count, lost.epoch, lost.next_seq));
            }
            Some(reply::Body::Snapshot(Snapshot { next_seq, .. })) => {
                told.push(format!("snapshot {next_seq}"));
                return told.join(" ");
            }
            Some(reply::Body::EventsEnd(end)) => {
                told.push(format!("end {} {}", end.next_seq, end.count));
                return told.join(" ");
            }
            Some(reply::Body::KeepAlive(alive)) => {
                told.push(format!("alive {}", alive.next_seq));
                return told.join(" ");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn without_a_journal_a_resumed_stream_has_what_memory_has_or_says_what_is_lost() {
    block_on(async {
        let mut server = Server::start();
        for _ in 0..3 {
            server.publish("neta", 0);
        }
        let same = told(&mut server, subscribe(Some((6, 9)))).await;
        assert_eq!(same, "+0?>7:1 7:1 7:2 7:3 snapshot 4", "another run");
        let ahead = told(&mut server, subscribe(Some((7, 9)))).await;
        assert_eq!(ahead, "+0?>7:4 snapshot 4", "never published");
        for _ in 0..5_000 {
            server.publish("neta", 0);
        }
        let behind = told(&mut server, subscribe(Some((7, 1)))).await;
        assert!(behind.starts_with("+906>7:908 7:908 "), "{}", &behind[..40]);
        assert!(behind.ends_with("7:5003 snapshot 5004"));
        // Nothing is lost: the events, and then those to come, without a snapshot.
        let mut client = server.greeted().await;
        client.send(subscribe(Some((7, 5001)))).await;
        assert_eq!(seq(server.during(client.next()).await), 5002);
        assert_eq!(seq(server.during(client.next()).await), 5003);
        server.publish("neta", 0);
        assert_eq!(seq(server.during(client.next()).await), 5004);
    });
}

#[test]
fn a_stream_is_resumed_across_runs_from_the_journal() {
    block_on(async {
        let mut kept = Kept::new();
        let mut server = Server::with(Readers::of_host(), Some(kept.journal.archive()));
        for _ in 0..2 {
            let event = server.publish("neta", 0);
            kept.journal.write(&event);
        }
        let mut client = server.greeted().await;
        client.send(subscribe(Some((5, 18)))).await;
        for (epoch, number) in [(5, 19), (5, 20)] {
            let event = server.during(client.next()).await;
            let Some(reply::Body::Event(event)) = event else { panic!("{event:?}") };
            assert_eq!((event.epoch, event.seq), (epoch, number));
        }
        let lost = server.during(client.next()).await;
        let Some(reply::Body::Lost(lost)) = lost else { panic!("{lost:?}") };
        assert_eq!((lost.count, lost.more, lost.epoch, lost.next_seq), (0, false, 7, 1));
        assert_eq!(seq(server.during(client.next()).await), 1);
        assert_eq!(seq(server.during(client.next()).await), 2);
        server.publish("neta", 0);
        assert_eq!(seq(server.during(client.next()).await), 3);
    });
}

#[test]
fn a_place_counts_more_than_a_time_and_a_new_run_after_it_is_told() {
    block_on(async {
        let kept = Kept::new();
        let mut server = Server::with(Readers::of_host(), Some(kept.journal.archive()));
        let from = Some(ResumePoint { epoch: 5, seq: 20 });
        let at: jiff::Timestamp = "2026-11-22T13:00:00Z".parse().unwrap();
        let since_unix_ms = u64::try_from(at.as_millisecond()).ok();
        let both = Subscribe { from, since_unix_ms, view: true, ..Subscribe::default() };
        let resumed = told(&mut server, request::Body::Subscribe(both)).await;
        assert_eq!(resumed, "+0>7:1 snapshot 1");
        let from = Some(ResumePoint { epoch: 5, seq: 18 });
        let both = GetEvents { from, since_unix_ms, ..GetEvents::default() };
        let past = told(&mut server, request::Body::GetEvents(both)).await;
        assert_eq!(past, "5:19 5:20 +0>7:1 end 1 2");
    });
}

#[test]
fn events_of_the_past_are_given_by_time_place_and_filter() {
    block_on(async {
        let kept = Kept::new();
        let mut server = Server::with(Readers::of_host(), Some(kept.journal.archive()));
        server.publish("netb", 0);
        let networks = vec!["netb".to_owned()];
        let filter = Some(Filter { networks, ..Filter::default() });
        let get = |filter: &Option<Filter>, from: Option<(u64, u64)>, since| {
            let from = from.map(|(epoch, seq)| ResumePoint { epoch, seq });
            let filter = filter.clone();
            request::Body::GetEvents(GetEvents { filter, from, since_unix_ms: since })
        };
        let of = |text: &str| {
            let at: jiff::Timestamp = text.parse().unwrap();
            u64::try_from(at.as_millisecond()).ok()
        };
        let all = told(&mut server, get(&None, None, None)).await;
        assert!(all.starts_with("5:1 5:2 ") && all.ends_with(" 5:20 +0>7:1 7:1 end 2 21"), "{all}");
        let after = told(&mut server, get(&filter, Some((5, 16)), None)).await;
        assert_eq!(after, "5:18 5:20 +0>7:1 7:1 end 2 3");
        // The event published here has no time, which hides nothing.
        let since = told(&mut server, get(&filter, None, of("2026-11-22T12:00:17Z"))).await;
        assert_eq!(since, "5:18 5:20 +0>7:1 7:1 end 2 3");
        // And one connection may ask again, then subscribe.
        let mut client = server.greeted().await;
        client.send(get(&filter, Some((5, 20)), None)).await;
        assert_eq!(told_by(&mut server, &mut client).await, "+0>7:1 7:1 end 2 1");
        client.send(get(&filter, Some((7, 1)), None)).await;
        assert_eq!(told_by(&mut server, &mut client).await, "end 2 0");
        client.send(subscribe(None)).await;
        assert_eq!(told_by(&mut server, &mut client).await, "snapshot 2");
        let answers = answer(&mut server, &bytes(subscribe(None))).await;
        assert!(matches!(answers[0], reply::Body::Snapshot(_)), "{answers:?}");
    });
}

#[test]
fn what_was_asked_for_is_answered_though_nothing_more_will_be_asked() {
    block_on(async {
        let kept = Kept::new();
        let mut server = Server::with(Readers::of_host(), Some(kept.journal.archive()));
        server.publish("neta", 0);
        let get =
            GetEvents { from: Some(ResumePoint { epoch: 5, seq: 18 }), ..GetEvents::default() };
        let get = bytes(request::Body::GetEvents(get));
        // All at once, and the end: each has its answer, in its order.
        let answers = answer(&mut server, &[get.clone(), get].concat()).await;
        let ends: Vec<u64> = answers
            .iter()
            .filter_map(|answer| {
                let reply::Body::EventsEnd(end) = answer else { return None };
                Some(end.count)
            })
            .collect();
        assert_eq!(ends, [3, 3], "{answers:?}");
        let answers = answer(&mut server, &bytes(subscribe(Some((5, 19))))).await;
        let Some(reply::Body::Event(last)) = answers.last() else { panic!("{answers:?}") };
        assert_eq!((answers.len(), last.epoch, last.seq), (3, 7, 1), "{answers:?}");
    });
}
