//! Events that were published before anybody asked.

use std::time::Duration;

use hats_proto::ipc::{Event, EventsEnd, Lost, reply};

use crate::{
    Error,
    client::{bounded, unexpected},
    connection::Connection,
};

/// One thing of the past.
#[derive(Clone, PartialEq, Debug)]
pub enum PastUpdate {
    /// An event.
    Event(Box<Event>),
    /// Events are missing before the next one; with a count of 0 and no `more`
    /// none is, and another epoch begins.
    Lost(Lost),
    /// There are no more.
    End(EventsEnd),
}

/// The answer to [`Client::events`](crate::Client::events), read bit by bit.
/// Read it to its end: the connection is of no use for anything else before.
#[derive(Debug)]
pub struct Past<'a> {
    connection: &'a mut Connection,
    unfinished: &'a mut bool,
    timeout: Duration,
    end: Option<EventsEnd>,
}

impl<'a> Past<'a> {
    pub(crate) fn new(
        connection: &'a mut Connection,
        unfinished: &'a mut bool,
        timeout: Duration,
    ) -> Self {
        Past { connection, unfinished, timeout, end: None }
    }

    /// The next event or gap; after the last one [`PastUpdate::End`], again and
    /// again.
    pub async fn next(&mut self) -> Result<PastUpdate, Error> {
        if let Some(end) = self.end {
            return Ok(PastUpdate::End(end));
        }
        match bounded("GetEvents", self.timeout, self.connection.receive()).await? {
            reply::Body::Event(event) => Ok(PastUpdate::Event(Box::new(event))),
            reply::Body::Lost(lost) => Ok(PastUpdate::Lost(lost)),
            reply::Body::EventsEnd(end) => {
                self.end = Some(end);
                *self.unfinished = false;
                Ok(PastUpdate::End(end))
            }
            other @ (reply::Body::Welcome(_)
            | reply::Body::Snapshot(_)
            | reply::Body::Error(_)
            | reply::Body::KeepAlive(_)
            | reply::Body::Pong(_)
            | reply::Body::Changes(_)) => Err(unexpected("an event of the past", &other)),
        }
    }
}
