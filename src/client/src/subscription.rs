//! Being told what happens.

use std::time::Duration;

use hats_proto::ipc::{
    Changes, Event, Filter, GetSnapshot, KeepAlive, Lost, ResumePoint, Snapshot, Subscribe,
    Welcome, reply, request,
};
use tokio::time::{self, Instant};

use crate::{Error, client::unexpected, connection::Connection};

/// A daemon that says nothing for this long is stale: a keep-alive is due
/// every 5 s, and a busy host may delay one.
pub const SILENCE_MAX: Duration = Duration::from_secs(15);

/// What a subscription yields.
#[derive(Clone, PartialEq, Debug)]
pub enum Update {
    /// Everything the daemon knows; the events that follow come after it.
    Snapshot(Box<Snapshot>),
    /// One event.
    Event(Box<Event>),
    /// Events are missing, and a snapshot or the event after the gap follows;
    /// or, with a count of 0 and no `more`, nothing is and another epoch begins.
    Lost(Lost),
    /// What is different in the snapshot; only if asked for.
    Changes(Box<Changes>),
    /// Nothing else to say.
    KeepAlive(KeepAlive),
}

/// A connection on which the daemon tells and the subscriber listens.
///
/// It holds the daemon to its promise: an event that is missing or out of order
/// is an error and never passed on.
#[derive(Debug)]
pub struct Subscription {
    connection: Connection,
    welcome: Welcome,
    silence_max: Duration,
    /// Kept over calls: cancelling one must not make a silent daemon look alive.
    heard_at: Instant,
    filtered: bool,
    /// The epoch and number of the next event, where they are known.
    next: Option<(u64, u64)>,
    /// The first message may be any event of the past.
    starts_anywhere: bool,
}

impl Subscription {
    pub(crate) fn new(connection: Connection, welcome: Welcome, subscribe: &Subscribe) -> Self {
        let filtered = subscribe.filter.as_ref().is_some_and(|it| *it != Filter::default());
        let next = subscribe.from.map(|from| (from.epoch, from.seq.saturating_add(1)));
        let starts_anywhere = next.is_none() && subscribe.since_unix_ms.is_some();
        let (silence_max, heard_at) = (SILENCE_MAX, Instant::now());
        Subscription { connection, welcome, silence_max, heard_at, filtered, next, starts_anywhere }
    }

    /// Another bound on the daemon's silence than [`SILENCE_MAX`].
    pub fn with_silence_max(mut self, silence_max: Duration) -> Self {
        // Further ahead than this a clock may not be able to count.
        self.silence_max = silence_max.min(Duration::from_secs(365 * 86_400));
        self
    }

    /// What the daemon said about itself.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Where a later subscription has to resume to miss nothing; none before
    /// the first snapshot or event.
    pub fn resume_point(&self) -> Option<ResumePoint> {
        let (epoch, next_seq) = self.next?;
        Some(ResumePoint { epoch, seq: next_seq.checked_sub(1)? })
    }

    /// Asks for another snapshot, which comes as an update.
    pub(crate) async fn ask_snapshot(&mut self) -> Result<(), Error> {
        self.connection.send(request::Body::GetSnapshot(GetSnapshot::default())).await
    }

    /// The next update. May be cancelled without loss.
    pub async fn next(&mut self) -> Result<Update, Error> {
        let stale_at = self.heard_at + self.silence_max;
        let body = match time::timeout_at(stale_at, self.connection.receive()).await {
            Ok(body) => body?,
            // The time may have passed while this process was stopped, with
            // messages waiting: only an empty socket proves the daemon silent.
            Err(_) => self
                .connection
                .receive_arrived()?
                .ok_or(Error::Stale { after: self.silence_max })?,
        };
        self.heard_at = Instant::now();
        self.accept(body)
    }

    fn accept(&mut self, body: reply::Body) -> Result<Update, Error> {
        match body {
            reply::Body::Snapshot(snapshot) => {
                self.next = Some((snapshot.epoch, snapshot.next_seq));
                Ok(Update::Snapshot(Box::new(snapshot)))
            }
            reply::Body::Event(event) => {
                self.check_order(&event)?;
                self.next = Some((event.epoch, event.seq.saturating_add(1)));
                Ok(Update::Event(Box::new(event)))
            }
            reply::Body::Lost(lost) => {
                self.next = Some((lost.epoch, lost.next_seq));
                Ok(Update::Lost(lost))
            }
            reply::Body::KeepAlive(keep_alive) => {
                self.check_place(&keep_alive)?;
                // With a filter it is the only sign of what did not pass.
                self.next = self.next.max(Some((keep_alive.epoch, keep_alive.next_seq)));
                Ok(Update::KeepAlive(keep_alive))
            }
            reply::Body::Changes(changes) => Ok(Update::Changes(Box::new(changes))),
            other @ (reply::Body::Welcome(_)
            | reply::Body::Pong(_)
            | reply::Body::EventsEnd(_)
            | reply::Body::Error(_)) => Err(unexpected("an event", &other)),
        }
    }

    fn check_order(&self, event: &Event) -> Result<(), Error> {
        let Some((epoch, seq)) = self.next else {
            if self.starts_anywhere {
                return Ok(());
            }
            return Err(Error::Malformed { what: "an Event before the Snapshot".into() });
        };
        let in_order =
            event.epoch == epoch && (event.seq == seq || self.filtered && event.seq > seq);
        if in_order {
            return Ok(());
        }
        let what = format!(
            "event {} of epoch {} where {seq} of epoch {epoch} was due",
            event.seq, event.epoch
        );
        Err(Error::Malformed { what })
    }

    /// All events before a keep-alive have been sent, or did not pass the filter.
    fn check_place(&self, alive: &KeepAlive) -> Result<(), Error> {
        let missing = match self.next {
            Some((epoch, seq)) if epoch == alive.epoch => alive.next_seq.saturating_sub(seq),
            Some(_) | None => return Ok(()),
        };
        if missing == 0 || self.filtered {
            return Ok(());
        }
        let what = format!("{missing} events are missing before event {}", alive.next_seq);
        Err(Error::Malformed { what })
    }
}
