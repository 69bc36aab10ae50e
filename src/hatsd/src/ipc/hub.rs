//! Who is connected, who subscribed to what, and what each is still to get.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use hats_core::time::Timestamp;
use hats_proto::ipc::{self, error::Kind, reply, request};
use prost::Message as _;

use super::{ConnectionId, Input, outbox::Outbox};

/// The version of the protocol spoken here.
const VERSION: u32 = 1;

/// The longest name of a subscriber that is kept, in characters.
const CLIENT_NAME_MAX: usize = 64;

/// A subscriber that was sent nothing for so long is sent a keep-alive.
const IDLE: Duration = Duration::from_secs(5);

/// A place in the order of events, and now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) now: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) next_seq: u64,
}

/// A connection that is to be given a snapshot; see [`Hub::give`].
#[derive(Debug)]
pub(crate) struct Wants {
    id: ConnectionId,
    lost: Option<u64>,
    /// What the snapshot is to have besides.
    pub(crate) besides: ipc::GetSnapshot,
}

impl Wants {
    fn plain(id: ConnectionId, lost: Option<u64>) -> Self {
        Wants { id, lost, besides: ipc::GetSnapshot::default() }
    }
}

/// All connections.
#[derive(Debug)]
pub(crate) struct Hub {
    welcome: ipc::Welcome,
    connections: BTreeMap<ConnectionId, Connection>,
    /// No subscriber is due a keep-alive earlier.
    next_keep_alive: Option<Timestamp>,
}

#[derive(Debug)]
struct Connection {
    outbox: Arc<Outbox>,
    client: String,
    pid: u32,
    uid: u32,
    since: Timestamp,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing said yet.
    New,
    /// Greeted.
    Open,
    /// Gets events.
    Subscribed(Subscription),
    /// Told what was wrong; nothing more is taken from it.
    Ended,
}

#[derive(Debug)]
struct Subscription {
    filter: ipc::Filter,
    last: Timestamp,
    /// Events it has lost and not been told of: it did not read, and gets
    /// nothing more before it has read what is queued.
    lost: Option<u64>,
    /// It has been reported as slow; once is enough.
    reported: bool,
}

/// A subscriber that began to lose events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Slow {
    pub(crate) client: String,
    pub(crate) pid: u32,
    pub(crate) uid: u32,
}

impl Hub {
    /// Nobody is connected yet. `welcome` is what each is told, but for the
    /// place in the order of events.
    pub(crate) fn new(welcome: ipc::Welcome) -> Self {
        Hub { welcome, connections: BTreeMap::new(), next_keep_alive: None }
    }

    /// Takes what happened on a connection.
    pub(crate) fn take(&mut self, input: Input, place: Place) -> Option<Wants> {
        match input {
            Input::Opened { id, outbox, pid, uid } => {
                let client = String::new();
                let (since, stage) = (place.now, Stage::New);
                self.connections.insert(id, Connection { outbox, client, pid, uid, since, stage });
                None
            }
            Input::Closed { id } => {
                self.connections.remove(&id);
                None
            }
            Input::Bad { id, why } => {
                let connection = self.connections.get_mut(&id)?;
                connection.refuse(Kind::BadRequest, why);
                None
            }
            Input::Drained { id } => match &mut self.connections.get_mut(&id)?.stage {
                Stage::Subscribed(subscription) => {
                    subscription.lost.take().map(|lost| Wants::plain(id, Some(lost)))
                }
                Stage::New | Stage::Open | Stage::Ended => None,
            },
            Input::Asked { id, request } => self.asked(id, request, place),
        }
    }

    fn asked(&mut self, id: ConnectionId, body: request::Body, place: Place) -> Option<Wants> {
        let connection = self.connections.get_mut(&id)?;
        match (&connection.stage, body) {
            (Stage::Ended, _) => None,
            (Stage::New, request::Body::Hello(hello)) => {
                connection.greet(&hello, &self.welcome, place);
                None
            }
            (Stage::New, _) => {
                connection.refuse(Kind::BadRequest, "expected Hello first".to_owned());
                None
            }
            (Stage::Open | Stage::Subscribed(_), request::Body::Hello(_)) => {
                connection.refuse(Kind::BadRequest, "expected one Hello only".to_owned());
                None
            }
            (Stage::Open | Stage::Subscribed(_), request::Body::Ping(ping)) => {
                let pong = ipc::Pong { token: ping.token };
                connection.outbox.answer(frame(reply::Body::Pong(pong)));
                None
            }
            (Stage::Open | Stage::Subscribed(_), request::Body::GetSnapshot(besides)) => {
                Some(Wants { id, lost: None, besides })
            }
            (Stage::Open, request::Body::Subscribe(subscribe)) => {
                let filter = subscribe.filter.unwrap_or_default();
                let (last, lost, reported) = (place.now, None, false);
                connection.stage = Stage::Subscribed(Subscription { filter, last, lost, reported });
                self.wake_at(place.now + IDLE);
                Some(Wants::plain(id, None))
            }
            (Stage::Subscribed(_), request::Body::Subscribe(_)) => {
                connection.refuse(Kind::BadRequest, "expected one Subscribe only".to_owned());
                None
            }
        }
    }

    /// Gives a connection the snapshot it is to have, taken at `place`.
    pub(crate) fn give(&mut self, wants: &Wants, snapshot: ipc::Snapshot, place: Place) {
        let Some(connection) = self.connections.get_mut(&wants.id) else { return };
        if let Some(count) = wants.lost {
            let lost = ipc::Lost { count, epoch: place.epoch, next_seq: place.next_seq };
            connection.outbox.answer(frame(reply::Body::Lost(lost)));
        }
        connection.outbox.answer(frame(reply::Body::Snapshot(snapshot)));
        match &mut connection.stage {
            Stage::Subscribed(subscription) => subscription.last = place.now,
            Stage::New | Stage::Open | Stage::Ended => {}
        }
    }

    /// Gives an event to all who want it; tells who began to lose events.
    pub(crate) fn publish(&mut self, event: &ipc::Event, now: Timestamp) -> Vec<Slow> {
        let mut slow = Vec::new();
        let mut encoded: Option<Bytes> = None;
        for connection in self.connections.values_mut() {
            let Stage::Subscribed(subscription) = &mut connection.stage else { continue };
            if !passes(&subscription.filter, event) {
                continue;
            }
            if let Some(lost) = &mut subscription.lost {
                *lost += 1;
                continue;
            }
            let bytes =
                encoded.get_or_insert_with(|| frame(reply::Body::Event(event.clone()))).clone();
            if connection.outbox.offer(bytes) {
                subscription.last = now;
                continue;
            }
            subscription.lost = Some(1);
            connection.outbox.tell_when_empty();
            if !subscription.reported {
                subscription.reported = true;
                let (pid, uid) = (connection.pid, connection.uid);
                slow.push(Slow { client: connection.client.clone(), pid, uid });
            }
        }
        slow
    }

    /// When [`keep_alive`](Self::keep_alive) may have something to do.
    pub(crate) fn next_keep_alive(&self) -> Option<Timestamp> {
        self.next_keep_alive
    }

    /// Tells those that have heard nothing for long that the daemon lives.
    pub(crate) fn keep_alive(&mut self, place: Place) {
        if self.next_keep_alive.is_none_or(|at| at > place.now) {
            return;
        }
        self.next_keep_alive = None;
        let alive =
            ipc::KeepAlive { epoch: place.epoch, next_seq: place.next_seq, mono_ns: place.now.0 };
        let bytes = frame(reply::Body::KeepAlive(alive));
        let mut next = None;
        for connection in self.connections.values_mut() {
            let Stage::Subscribed(subscription) = &mut connection.stage else { continue };
            if subscription.last + IDLE <= place.now {
                subscription.last = place.now;
                // Whoever has something left to read needs no sign of life.
                if connection.outbox.counts().0 == 0 {
                    connection.outbox.answer(bytes.clone());
                }
            }
            let due = subscription.last + IDLE;
            next = Some(next.map_or(due, |next: Timestamp| next.min(due)));
        }
        self.next_keep_alive = next;
    }

    fn wake_at(&mut self, at: Timestamp) {
        self.next_keep_alive = Some(self.next_keep_alive.map_or(at, |next| next.min(at)));
    }

    /// The subscribers, for a snapshot.
    pub(crate) fn subscribers(&self, now: Timestamp) -> Vec<ipc::Subscriber> {
        let subscribed = |it: &&Connection| matches!(it.stage, Stage::Subscribed(_));
        self.connections
            .values()
            .filter(subscribed)
            .map(|connection| {
                let (queued, sent) = connection.outbox.counts();
                ipc::Subscriber {
                    client: connection.client.clone(),
                    pid: connection.pid,
                    uid: connection.uid,
                    queued,
                    sent,
                    since_ms: crate::clock::millis(now.since(connection.since)),
                }
            })
            .collect()
    }

    /// Whether everything for everybody has been written.
    pub(crate) fn is_drained(&self) -> bool {
        self.connections.values().all(|connection| connection.outbox.counts().0 == 0)
    }
}

impl Connection {
    fn greet(&mut self, hello: &ipc::Hello, welcome: &ipc::Welcome, place: Place) {
        if !(hello.version_min..=hello.version_max).contains(&VERSION) {
            let message = format!(
                "the subscriber speaks versions {} to {}, expected {VERSION}; hatsd is {}",
                hello.version_min, hello.version_max, welcome.daemon_version
            );
            self.refuse(Kind::Version, message);
            return;
        }
        self.client = hello
            .client
            .chars()
            .filter(|letter| !letter.is_control())
            .take(CLIENT_NAME_MAX)
            .collect();
        self.stage = Stage::Open;
        let welcome = ipc::Welcome { next_seq: place.next_seq, ..welcome.clone() };
        self.outbox.answer(frame(reply::Body::Welcome(welcome)));
    }

    fn refuse(&mut self, kind: Kind, message: String) {
        self.outbox.answer(error(kind, message));
        self.outbox.close();
        self.stage = Stage::Ended;
    }
}

/// Lists are combined with AND; an empty one lets everything through.
fn passes(filter: &ipc::Filter, event: &ipc::Event) -> bool {
    let named = |list: &[String], names: &[Option<&String>]| {
        list.is_empty() || names.iter().flatten().any(|name| list.contains(name))
    };
    named(&filter.codes, &[Some(&event.code)])
        && named(&filter.networks, &[event.network.as_ref()])
        && named(&filter.nodes, &[event.node.as_ref(), event.peer_node.as_ref()])
}

/// A reply as a frame, its length in front.
fn frame(body: reply::Body) -> Bytes {
    ipc::Reply { body: Some(body) }.encode_length_delimited_to_vec().into()
}

/// An Error as a frame.
pub(super) fn error(kind: Kind, message: String) -> Bytes {
    frame(reply::Body::Error(ipc::Error { kind: kind.into(), message }))
}
