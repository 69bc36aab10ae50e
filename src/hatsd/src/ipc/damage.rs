//! Requests damaged in every way that one byte can be, cut at every byte and
//! sent in pieces: what is answered is worked out here a second time, and must
//! be that and nothing else, and nobody else may notice.

use hats_proto::ipc::{
    Event, Filter, GetEvents, GetSnapshot, Hello, Ping, Pong, ResumePoint, Snapshot, Subscribe,
    error::Kind, reply, request,
};
use prost::Message as _;
use tokio::io::AsyncWriteExt as _;

use super::{
    filter,
    tests::{Client, Server, block_on_for, seq},
    *,
};

/// The longest frame that any link of hats has.
const FRAME_MAX: u64 = 1 << 20;

fn bytes(body: request::Body) -> Vec<u8> {
    ipc::Request { body: Some(body) }.encode_length_delimited_to_vec()
}

fn bad(message: impl Into<String>) -> reply::Body {
    let (kind, message) = (Kind::BadRequest.into(), message.into());
    reply::Body::Error(ipc::Error { kind, message })
}

/// What these bytes and then the end are answered with, after a Hello, by a
/// daemon of epoch 7 that has published `events` and has no journal.
fn expected(mut rest: &[u8], events: &[Event]) -> Vec<reply::Body> {
    let mut answers = Vec::new();
    let mut is_subscribed = false;
    while !rest.is_empty() {
        let ended = || bad(format!("the connection ended {} bytes into a request", rest.len()));
        let (length, prefix) = match varint(rest) {
            Some(found) => found,
            None if rest.len() < 10 && rest.iter().all(|byte| byte & 0x80 != 0) => {
                answers.push(ended());
                break;
            }
            None => {
                answers.push(bad("a frame's length is no varint of 64 bits"));
                break;
            }
        };
        if length > FRAME_MAX {
            let text = format!("a frame of {length} bytes, at most {FRAME_MAX} are accepted");
            answers.push(bad(text));
            break;
        }
        let length = usize::try_from(length).unwrap();
        let Some(body) = rest.get(prefix..prefix + length) else {
            answers.push(ended());
            break;
        };
        rest = &rest[prefix + length..];
        let (told, is_end) = one(body, events, &mut is_subscribed);
        answers.extend(told);
        if is_end {
            break;
        }
    }
    answers
}

/// The answers to one request, and whether the connection ends with them.
fn one(body: &[u8], events: &[Event], is_subscribed: &mut bool) -> (Vec<reply::Body>, bool) {
    let request = match ipc::Request::decode(body) {
        Ok(ipc::Request { body: Some(request) }) => request,
        Ok(ipc::Request { body: None }) => return (vec![bad("a request of no known kind")], true),
        Err(error) => return (vec![bad(format!("not a Request in protobuf: {error}"))], true),
    };
    let next_seq = events.len() as u64 + 1;
    let snapshot = reply::Body::Snapshot(Snapshot { next_seq, ..Snapshot::default() });
    let refused = |why: &str| (vec![bad(why)], true);
    match request {
        request::Body::Hello(_) => refused("expected one Hello only"),
        request::Body::Ping(Ping { token }) => (vec![reply::Body::Pong(Pong { token })], false),
        request::Body::GetSnapshot(_) => (vec![snapshot], false),
        request::Body::Subscribe(_) if *is_subscribed => refused("expected one Subscribe only"),
        request::Body::GetEvents(_) if *is_subscribed => {
            refused("expected GetEvents on a connection that has not subscribed")
        }
        request::Body::Subscribe(Subscribe { filter, from, since_unix_ms, view }) => {
            let filter = filter.unwrap_or_default();
            if let Some(why) = filter::refusal(&filter) {
                return refused(&why);
            }
            *is_subscribed = true;
            if from.is_none() && since_unix_ms.is_none() {
                return (vec![snapshot], false);
            }
            let (mut told, gap) = past(&filter, from, events);
            told.extend((view || gap).then_some(snapshot));
            (told, false)
        }
        request::Body::GetEvents(GetEvents { filter, from, .. }) => {
            let filter = filter.unwrap_or_default();
            if let Some(why) = filter::refusal(&filter) {
                return refused(&why);
            }
            let (mut told, gap) = past(&filter, from, events);
            let count = (told.len() - usize::from(gap)) as u64;
            told.push(reply::Body::EventsEnd(ipc::EventsEnd { epoch: 7, next_seq, count }));
            (told, false)
        }
    }
}

/// The events after a place, which have no time, and whether a gap comes first.
fn past(filter: &Filter, from: Option<ResumePoint>, events: &[Event]) -> (Vec<reply::Body>, bool) {
    let next_seq = events.len() as u64 + 1;
    let (first, lost) = match from {
        None => (1, None),
        Some(from) if from.epoch != 7 => (1, Some(1)),
        Some(from) if from.seq >= next_seq => (next_seq, Some(next_seq)),
        Some(from) => (from.seq + 1, None),
    };
    let mut told = Vec::new();
    if let Some(next_seq) = lost {
        told.push(reply::Body::Lost(ipc::Lost { count: 0, epoch: 7, next_seq, more: true }));
    }
    let wanted = |event: &&Event| event.seq >= first && filter::passes(filter, event);
    told.extend(events.iter().filter(wanted).cloned().map(reply::Body::Event));
    (told, lost.is_some())
}

/// A number and how many bytes it is, if it has an end within ten.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let sum =
        bytes[..length].iter().rev().fold(0_u128, |sum, byte| sum << 7 | u128::from(byte & 0x7f));
    Some((u64::try_from(sum).ok()?, length))
}

struct Tried {
    server: Server,
    other: Client,
    events: Vec<Event>,
}

impl Tried {
    async fn start() -> Tried {
        let mut server = Server::start();
        let other = server.subscribed(Filter::default()).await;
        let mut tried = Tried { server, other, events: Vec::new() };
        tried.publish().await;
        tried
    }

    /// The other subscriber still gets every event.
    async fn publish(&mut self) {
        self.events.push(self.server.publish("neta", 0));
        let next = self.server.during(self.other.next()).await;
        assert_eq!(seq(next), self.events.len() as u64);
    }

    /// Sends these pieces and the end on a connection of its own.
    async fn send(&mut self, pieces: &[&[u8]]) {
        let mut client = self.server.greeted().await;
        for piece in pieces {
            // The daemon may have hung up before the last of them.
            let _ = client.stream.write_all(piece).await;
            self.server.during(tokio::task::yield_now()).await;
        }
        let _ = client.stream.shutdown().await;
        let mut answers = Vec::new();
        while let Some(answer) = self.server.during(client.next()).await {
            answers.push(answer);
        }
        assert_eq!(answers, expected(&pieces.concat(), &self.events), "{pieces:x?}");
    }
}

/// One of each kind, with everything in it that there may be.
fn requests() -> Vec<Vec<u8>> {
    let one = |text: &str| vec![text.to_owned()];
    let filter = Some(Filter {
        codes: one("HATS-2101"),
        networks: one("neta"),
        kinds: one("adapter"),
        levels: one("warn"),
        ..Filter::default()
    });
    let from = Some(ResumePoint { epoch: 7, seq: 1 });
    let since_unix_ms = Some(5);
    [
        request::Body::Hello(Hello { version_min: 1, version_max: 1, client: "x".to_owned() }),
        request::Body::Ping(Ping { token: 300 }),
        request::Body::GetSnapshot(GetSnapshot { params: true, config: true }),
        request::Body::GetEvents(GetEvents { filter: filter.clone(), from, since_unix_ms }),
        request::Body::Subscribe(Subscribe { filter, from, since_unix_ms, view: true }),
    ]
    .map(bytes)
    .to_vec()
}

#[test]
fn every_request_with_any_byte_replaced_by_any_other_is_answered_exactly() {
    block_on_for(Duration::from_secs(120), async {
        let mut tried = Tried::start().await;
        for whole in requests() {
            for at in 0..whole.len() {
                let mut damaged = whole.clone();
                // Every value where a byte says what all others are.
                for value in (0..=255).step_by(if at < 2 { 1 } else { 7 }) {
                    damaged[at] = value;
                    tried.send(&[&damaged]).await;
                }
                tried.publish().await;
            }
        }
        // Lengths, which one byte does not make long enough.
        for length in [
            &[0x80, 0x80, 0x40][..],
            &[0x81, 0x80, 0x40],
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
            &[0xff; 9],
            &[0xff; 10],
            &[0xff; 16],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
        ] {
            tried.send(&[length]).await;
        }
    });
}

#[test]
fn requests_cut_at_any_byte_and_sent_in_two_or_single_bytes_are_answered_exactly() {
    block_on_for(Duration::from_secs(120), async {
        let mut tried = Tried::start().await;
        for whole in requests() {
            let ping = bytes(request::Body::Ping(Ping { token: 9 }));
            let both = [ping, whole].concat();
            for at in 0..=both.len() {
                tried.send(&[&both[..at]]).await;
                tried.send(&[&both[..at], &both[at..]]).await;
                let single: Vec<&[u8]> = both[..at].chunks(1).collect();
                tried.send(&single).await;
                tried.publish().await;
            }
        }
    });
}
