//! Being told what happens.

use std::time::Duration;

use hats_proto::ipc::{Event, KeepAlive, Lost, ResumePoint, Snapshot, Welcome, reply};
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
    /// Events were dropped because they were not read; a snapshot follows.
    Lost(Lost),
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
}

impl Subscription {
    pub(crate) fn new(
        connection: Connection,
        welcome: Welcome,
        filtered: bool,
        from: Option<ResumePoint>,
    ) -> Self {
        let next = from.map(|from| (from.epoch, from.seq.saturating_add(1)));
        let heard_at = Instant::now();
        Subscription { connection, welcome, silence_max: SILENCE_MAX, heard_at, filtered, next }
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
            reply::Body::KeepAlive(keep_alive) => Ok(Update::KeepAlive(keep_alive)),
            other @ (reply::Body::Welcome(_) | reply::Body::Pong(_) | reply::Body::Error(_)) => {
                Err(unexpected("an event", &other))
            }
        }
    }

    fn check_order(&self, event: &Event) -> Result<(), Error> {
        let Some((epoch, seq)) = self.next else {
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
}
