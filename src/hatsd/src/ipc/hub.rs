//! Who is connected, and who of them is told what: requests are answered here,
//! events, changes and keep-alives go from here to all who want them.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use hats_core::time::Timestamp;
use hats_proto::ipc::{self, error::Kind, reply, request};

use super::{
    ConnectionId, Input, changes,
    conversation::{Conversation, Flow, Past, Slow, Stage, Subscription, frame, is_wanted},
    filter,
    permission::Readers,
    recent::Recent,
    replay::Replay,
};
use crate::journal::{Archive, Cursor};

/// A subscriber that was sent nothing for so long is sent a keep-alive.
const IDLE: Duration = Duration::from_secs(5);

/// A snapshot is taken once for all who ask within this time, as a thousand
/// subscribers do that have lost their daemon.
const SHARED: Duration = Duration::from_millis(20);

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
    readers: Readers,
    /// The events of this and earlier runs, if they are kept.
    archive: Option<Archive>,
    recent: Recent,
    connections: BTreeMap<ConnectionId, Conversation>,
    /// No subscriber is due a keep-alive earlier.
    next_keep_alive: Option<Timestamp>,
    /// What those who keep a view have been told; nothing when nobody does.
    view: Option<Arc<ipc::Snapshot>>,
    shared: Option<Shared>,
    slow: Vec<Slow>,
}

/// The snapshot that was given last.
#[derive(Debug)]
struct Shared {
    snapshot: Arc<ipc::Snapshot>,
    frame: Bytes,
    at: Place,
    /// It is what `view` says.
    is_view: bool,
}

impl Hub {
    /// Nobody is connected yet. `welcome` is what each is told, but for the
    /// place in the order of events.
    pub(crate) fn new(welcome: ipc::Welcome, readers: Readers, archive: Option<Archive>) -> Self {
        Hub {
            welcome,
            readers,
            archive,
            recent: Recent::new(),
            connections: BTreeMap::new(),
            next_keep_alive: None,
            view: None,
            shared: None,
            slow: Vec::new(),
        }
    }

    /// Takes what happened on a connection.
    pub(crate) fn take(&mut self, input: Input, place: Place) -> Option<Wants> {
        match input {
            Input::Opened { id, outbox, peer } => {
                let refusal = self.readers.refusal(&peer);
                let (client, since, stage) = (String::new(), place.now, Stage::New);
                let mut connection = Conversation { outbox, client, peer, since, stage };
                if let Some(why) = refusal {
                    connection.refuse(Kind::Permission, why);
                }
                self.connections.insert(id, connection);
                None
            }
            Input::Closed { id } => {
                self.connections.remove(&id);
                if !self.connections.values().any(Conversation::keeps_view) {
                    // The next view begins with one of its own.
                    (self.view, self.shared) = (None, None);
                }
                None
            }
            Input::Bad { id, why } => {
                self.connections.get_mut(&id)?.refuse(Kind::BadRequest, why);
                None
            }
            Input::Finished { id } => {
                let connection = self.connections.get_mut(&id)?;
                connection.stage = Stage::Ended;
                connection.outbox.close();
                None
            }
            Input::Drained { id } => match &mut self.connections.get_mut(&id)?.stage {
                Stage::Subscribed(subscription) => match subscription.flow {
                    Flow::Behind(lost) => {
                        subscription.flow = Flow::Live;
                        Some(Wants::plain(id, Some(lost)))
                    }
                    Flow::Live | Flow::Replaying => None,
                },
                Stage::New | Stage::Open | Stage::Asking(_) | Stage::Ended => None,
            },
            Input::Replayed { id, cursor, advanced, sent, gap } => {
                let past = self.connections.get_mut(&id)?.past()?;
                past.count += sent;
                past.gap |= gap;
                self.go_on(id, &cursor, !advanced, place)
            }
            Input::Asked { id, request } => {
                let wants = self.asked(id, request, place);
                if wants.is_none() {
                    self.connections.get_mut(&id)?.answered();
                }
                wants
            }
        }
    }

    fn asked(&mut self, id: ConnectionId, body: request::Body, place: Place) -> Option<Wants> {
        let connection = self.connections.get_mut(&id)?;
        let bad = match (&connection.stage, body) {
            (Stage::Ended, _) => return None,
            (Stage::New, request::Body::Hello(hello)) => {
                connection.greet(&hello, &self.welcome, place);
                return None;
            }
            (Stage::New, _) => "expected Hello first".to_owned(),
            (_, request::Body::Hello(_)) => "expected one Hello only".to_owned(),
            (_, request::Body::Ping(ping)) => {
                let pong = ipc::Pong { token: ping.token };
                connection.outbox.answer(frame(reply::Body::Pong(pong)));
                return None;
            }
            (_, request::Body::GetSnapshot(besides)) => {
                return Some(Wants { id, lost: None, besides });
            }
            (Stage::Subscribed(_), request::Body::Subscribe(_)) => {
                "expected one Subscribe only".to_owned()
            }
            (Stage::Subscribed(_), request::Body::GetEvents(_)) => {
                "expected GetEvents on a connection that has not subscribed".to_owned()
            }
            (Stage::Open | Stage::Asking(_), request::Body::GetEvents(get)) => {
                let filter = get.filter.unwrap_or_default();
                match filter::refusal(&filter) {
                    Some(why) => why,
                    None => {
                        let since = since(get.since_unix_ms, get.from);
                        let past = Past { filter, since, ..Past::default() };
                        connection.stage = Stage::Asking(past);
                        return self.go_on(id, &cursor(get.from), false, place);
                    }
                }
            }
            (Stage::Open | Stage::Asking(_), request::Body::Subscribe(subscribe)) => {
                let filter = subscribe.filter.clone().unwrap_or_default();
                match filter::refusal(&filter) {
                    Some(why) => why,
                    None => return self.subscribe(id, filter, &subscribe, place),
                }
            }
        };
        connection.refuse(Kind::BadRequest, bad);
        None
    }

    fn subscribe(
        &mut self,
        id: ConnectionId,
        filter: ipc::Filter,
        subscribe: &ipc::Subscribe,
        place: Place,
    ) -> Option<Wants> {
        let since = since(subscribe.since_unix_ms, subscribe.from);
        let past = Past { filter, since, ..Past::default() };
        let is_now = subscribe.from.is_none() && past.since.is_none();
        let flow = if is_now { Flow::Live } else { Flow::Replaying };
        let (view, last, reported) = (subscribe.view, place.now, false);
        let connection = self.connections.get_mut(&id)?;
        connection.stage = Stage::Subscribed(Subscription { past, view, last, flow, reported });
        self.wake_at(place.now + IDLE);
        if is_now {
            return Some(Wants::plain(id, None));
        }
        self.go_on(id, &cursor(subscribe.from), false, place)
    }

    /// Gives what comes after `cursor`: out of memory if it is all there, else
    /// from the journal, which takes a while and comes back here. `tried`: it
    /// has nothing more.
    fn go_on(
        &mut self,
        id: ConnectionId,
        cursor: &Cursor,
        tried: bool,
        place: Place,
    ) -> Option<Wants> {
        let connection = self.connections.get_mut(&id)?;
        let outbox = Arc::clone(&connection.outbox);
        let past = connection.past()?;
        let last = cursor.last();
        let here = last.filter(|last| last.0 == place.epoch).map(|last| last.1);
        let in_memory = here.is_some_and(|seq| self.recent.after(seq).is_some());
        if let (false, false, Some(archive)) = (in_memory, tried, &self.archive) {
            let (archive, cursor) = (archive.clone(), cursor.clone());
            let (filter, since) = (past.filter.clone(), past.since);
            outbox.replay(Replay { archive, cursor, filter, since });
            return None;
        }
        let first = self.recent.first_seq();
        let after = match (here, last) {
            (Some(seq), _) if in_memory => seq,
            // Everything that is kept was asked for, and this is it.
            (None, None) => first - 1,
            (here, _) => {
                let future = here.is_some_and(|seq| seq >= place.next_seq);
                let next_seq = if future { place.next_seq } else { first };
                let count = here.map_or(0, |seq| next_seq.saturating_sub(seq.saturating_add(1)));
                let more = here.is_none() || future;
                let lost = ipc::Lost { count, epoch: place.epoch, next_seq, more };
                outbox.answer(frame(reply::Body::Lost(lost)));
                past.gap = true;
                next_seq - 1
            }
        };
        for bytes in self.recent.after(after).into_iter().flatten() {
            if is_wanted(past, bytes) {
                past.count += 1;
                outbox.answer(bytes.clone());
            }
        }
        outbox.hold(false);
        match &mut connection.stage {
            Stage::Asking(past) => {
                let Place { epoch, next_seq, .. } = place;
                let end = ipc::EventsEnd { epoch, next_seq, count: past.count };
                outbox.answer(frame(reply::Body::EventsEnd(end)));
                connection.stage = Stage::Open;
                None
            }
            Stage::Subscribed(subscription) => {
                subscription.flow = Flow::Live;
                subscription.last = place.now;
                (subscription.view || subscription.past.gap).then_some(Wants::plain(id, None))
            }
            Stage::New | Stage::Open | Stage::Ended => None,
        }
    }

    /// Gives a connection a snapshot that was just given to another; false
    /// when there is none, and one is to be taken.
    pub(crate) fn give_shared(&mut self, wants: &Wants, place: Place) -> bool {
        let Some(connection) = self.connections.get_mut(&wants.id) else { return true };
        let Some(shared) = &self.shared else { return false };
        let is_fresh = shared.at.next_seq == place.next_seq && shared.at.now + SHARED > place.now;
        let is_plain = wants.besides == ipc::GetSnapshot::default();
        let serves = is_fresh && is_plain && (shared.is_view || !connection.keeps_view());
        if serves {
            connection.give(wants.lost, shared.frame.clone(), place);
        }
        serves
    }

    /// The snapshot that was taken last, for who asks often and not for an
    /// instant, as scrapes do.
    pub(crate) fn shared(&self, now: Timestamp) -> Option<Arc<ipc::Snapshot>> {
        let shared = self.shared.as_ref()?;
        (shared.at.now + SHARED > now).then(|| Arc::clone(&shared.snapshot))
    }

    /// Keeps a snapshot taken at `place` for whoever else asks.
    pub(crate) fn share(&mut self, snapshot: ipc::Snapshot, place: Place) -> Arc<ipc::Snapshot> {
        let bytes = frame(reply::Body::Snapshot(snapshot.clone()));
        let snapshot = Arc::new(snapshot);
        let copy = Arc::clone(&snapshot);
        self.shared = Some(Shared { snapshot: copy, frame: bytes, at: place, is_view: false });
        snapshot
    }

    /// Gives a connection the snapshot it is to have, taken at `place`.
    pub(crate) fn give(&mut self, wants: &Wants, snapshot: ipc::Snapshot, place: Place) {
        let Some(connection) = self.connections.get(&wants.id) else { return };
        let is_view = connection.keeps_view();
        let bytes = frame(reply::Body::Snapshot(snapshot.clone()));
        let snapshot = Arc::new(snapshot);
        if is_view {
            // All views are of one instant, so that one difference serves them.
            self.tell_changes(Arc::clone(&snapshot), Some(wants.id));
        }
        let is_plain = wants.besides == ipc::GetSnapshot::default();
        let frame = bytes.clone();
        self.shared = is_plain.then_some(Shared { snapshot, frame, at: place, is_view });
        if let Some(connection) = self.connections.get_mut(&wants.id) {
            connection.give(wants.lost, bytes, place);
        }
    }

    /// Whether [`tell_changes`](Self::tell_changes) has anybody to tell.
    pub(crate) fn has_view(&self) -> bool {
        self.view.is_some()
    }

    /// Tells those who keep a view what is different in it, but for the one that
    /// is to have all of it.
    pub(crate) fn tell_changes(
        &mut self,
        snapshot: impl Into<Arc<ipc::Snapshot>>,
        except: Option<ConnectionId>,
    ) {
        let snapshot = snapshot.into();
        self.shared = None;
        let old = self.view.take();
        let changes = old.and_then(|old| changes::between(&old, &snapshot));
        self.view = Some(snapshot);
        let Some(changes) = changes else { return };
        let bytes = frame(reply::Body::Changes(changes));
        for (id, connection) in &mut self.connections {
            if connection.keeps_view() && Some(*id) != except {
                self.slow.extend(connection.offer(&bytes, 0));
            }
        }
    }

    /// Gives an event to all who want it; tells who began to lose events.
    pub(crate) fn publish(&mut self, event: &ipc::Event, now: Timestamp) -> Vec<Slow> {
        let bytes = frame(reply::Body::Event(event.clone()));
        self.recent.push(event.seq, bytes.clone());
        for connection in self.connections.values_mut() {
            let Stage::Subscribed(subscription) = &mut connection.stage else { continue };
            match &mut subscription.flow {
                Flow::Replaying => {}
                Flow::Behind(lost) => *lost += 1,
                Flow::Live if filter::passes(&subscription.past.filter, event) => {
                    subscription.last = now;
                    self.slow.extend(connection.offer(&bytes, 1));
                }
                Flow::Live => {}
            }
        }
        std::mem::take(&mut self.slow)
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
                // Whoever has something left to read needs no sign of life, and
                // what is replayed comes before the place this one stands for.
                let is_live = matches!(subscription.flow, Flow::Live);
                if is_live && connection.outbox.counts().0 == 0 {
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
        let subscribed = |it: &&Conversation| matches!(it.stage, Stage::Subscribed(_));
        self.connections
            .values()
            .filter(subscribed)
            .map(|connection| {
                let (queued, sent) = connection.outbox.counts();
                ipc::Subscriber {
                    client: connection.client.clone(),
                    pid: connection.peer.pid,
                    uid: connection.peer.uid,
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

/// From when on; a place says it better, and what is missing after it is told.
fn since(unix_ms: Option<u64>, from: Option<ipc::ResumePoint>) -> Option<u64> {
    unix_ms.filter(|_| from.is_none())
}

fn cursor(from: Option<ipc::ResumePoint>) -> Cursor {
    Cursor::after(from.map(|from| (from.epoch, from.seq)))
}
