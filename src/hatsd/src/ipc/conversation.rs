//! One connection as the daemon sees it: how far its conversation is, and what
//! it is still owed. Of the others, and of what there is to tell, [`Hub`] knows.
//!
//! [`Hub`]: super::Hub

use std::sync::Arc;

use bytes::Bytes;
use hats_core::time::Timestamp;
use hats_proto::ipc::{self, error::Kind, reply};
use prost::Message as _;

use super::{Place, filter, outbox::Outbox, permission::Peer, replay::is_since};

/// The version of the protocol spoken here.
const VERSION: u32 = 1;

/// The longest name of a subscriber that is kept, in characters.
const CLIENT_NAME_MAX: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) outbox: Arc<Outbox>,
    pub(super) client: String,
    pub(super) peer: Peer,
    pub(super) since: Timestamp,
    pub(super) stage: Stage,
}

#[derive(Debug)]
pub(super) enum Stage {
    /// Nothing said yet.
    New,
    /// Greeted.
    Open,
    /// Gets the events of the past it has asked for.
    Asking(Past),
    /// Gets events.
    Subscribed(Subscription),
    /// Told what was wrong; nothing more is taken from it.
    Ended,
}

/// Events of the past that are wanted.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    pub(super) filter: ipc::Filter,
    /// Milliseconds since 1970.
    pub(super) since: Option<u64>,
    /// Sent so far.
    pub(super) count: u64,
    /// Some were no longer there.
    pub(super) gap: bool,
}

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) past: Past,
    /// Wants to be told what changes.
    pub(super) view: bool,
    pub(super) last: Timestamp,
    pub(super) flow: Flow,
    /// It has been reported as slow; once is enough.
    pub(super) reported: bool,
}

#[derive(Debug)]
pub(super) enum Flow {
    /// Gets what it has missed.
    Replaying,
    /// Gets each event as it happens.
    Live,
    /// It did not read: it has lost so many events and not been told, and gets
    /// nothing more before it has read what is queued.
    Behind(u64),
}

/// A subscriber that began to lose events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Slow {
    pub(crate) client: String,
    pub(crate) pid: u32,
    pub(crate) uid: u32,
}

impl Conversation {
    pub(super) fn greet(&mut self, hello: &ipc::Hello, welcome: &ipc::Welcome, place: Place) {
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

    pub(super) fn refuse(&mut self, kind: Kind, message: String) {
        self.outbox.answer(error(kind, message));
        self.outbox.close();
        self.stage = Stage::Ended;
    }

    pub(super) fn keeps_view(&self) -> bool {
        matches!(&self.stage, Stage::Subscribed(subscription) if subscription.view)
    }

    pub(super) fn past(&mut self) -> Option<&mut Past> {
        match &mut self.stage {
            Stage::Asking(past) => Some(past),
            Stage::Subscribed(subscription) => Some(&mut subscription.past),
            Stage::New | Stage::Open | Stage::Ended => None,
        }
    }

    pub(super) fn give(&mut self, lost: Option<u64>, snapshot: Bytes, place: Place) {
        if let Some(count) = lost {
            let Place { epoch, next_seq, .. } = place;
            let lost = ipc::Lost { count, epoch, next_seq, more: false };
            self.outbox.answer(frame(reply::Body::Lost(lost)));
        }
        self.outbox.answer(snapshot);
        match &mut self.stage {
            Stage::Subscribed(subscription) => subscription.last = place.now,
            Stage::New | Stage::Open | Stage::Asking(_) | Stage::Ended => {}
        }
        self.answered();
    }

    /// A further request may be looked at, unless this one is answered in parts.
    pub(super) fn answered(&self) {
        let is_whole = match &self.stage {
            Stage::Asking(_) => false,
            Stage::Subscribed(subscription) => !matches!(subscription.flow, Flow::Replaying),
            Stage::New | Stage::Open | Stage::Ended => true,
        };
        if is_whole {
            self.outbox.hold(false);
        }
    }

    /// Queues what comes of itself, if it is live. Without room for it the
    /// connection is behind, with so many events lost.
    pub(super) fn offer(&mut self, bytes: &Bytes, events: u64) -> Option<Slow> {
        let Stage::Subscribed(subscription) = &mut self.stage else { return None };
        if !matches!(subscription.flow, Flow::Live) || self.outbox.offer(bytes.clone()) {
            return None;
        }
        subscription.flow = Flow::Behind(events);
        self.outbox.tell_when_empty();
        let again = std::mem::replace(&mut subscription.reported, true);
        let (client, pid, uid) = (self.client.clone(), self.peer.pid, self.peer.uid);
        (!again).then_some(Slow { client, pid, uid })
    }
}

/// Whether one of the recent events is among those asked for.
pub(super) fn is_wanted(past: &Past, bytes: &Bytes) -> bool {
    if past.since.is_none() && past.filter == ipc::Filter::default() {
        return true;
    }
    let reply = ipc::Reply::decode_length_delimited(bytes.clone());
    match reply.ok().and_then(|reply| reply.body) {
        Some(reply::Body::Event(event)) => {
            is_since(past.since, &event) && filter::passes(&past.filter, &event)
        }
        Some(_) | None => false,
    }
}

/// A reply as a frame, its length in front.
pub(super) fn frame(body: reply::Body) -> Bytes {
    ipc::Reply { body: Some(body) }.encode_length_delimited_to_vec().into()
}

/// An Error as a frame.
pub(super) fn error(kind: Kind, message: String) -> Bytes {
    frame(reply::Body::Error(ipc::Error { kind: kind.into(), message }))
}
