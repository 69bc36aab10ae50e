//! Events of the past, from the journal to one connection. It reads a piece,
//! has it written, reads the next: a connection that does not read holds one
//! piece and its own task.

use std::io;

use hats_proto::ipc::{self, reply};
use prost::Message as _;
use tokio::{net::unix::OwnedWriteHalf, task::spawn_blocking};

use super::{ConnectionId, Input, connection::put, filter, outbox::Outbox};
use crate::journal::{Archive, Cursor, Item};

/// What is to be replayed.
#[derive(Debug)]
pub(crate) struct Replay {
    pub(super) archive: Archive,
    pub(super) cursor: Cursor,
    pub(super) filter: ipc::Filter,
    /// Milliseconds since 1970.
    pub(super) since: Option<u64>,
}

impl Replay {
    /// Writes what the journal has, and says how far that was.
    pub(super) async fn run(
        self,
        id: ConnectionId,
        writer: &mut OwnedWriteHalf,
        outbox: &Outbox,
    ) -> io::Result<Input> {
        let Replay { archive, cursor, filter, since } = self;
        let began = cursor.last();
        let mut at = Some(cursor);
        let mut replayed = (0, false);
        // Before the first event that is wanted nothing is missed.
        let mut begun = since.is_none();
        while let Some(mut cursor) = at.take() {
            let archive = archive.clone();
            let reading = spawn_blocking(move || {
                let piece = archive.read(&mut cursor);
                (cursor, piece)
            });
            let (cursor, piece) = reading.await.map_err(io::Error::other)?;
            let piece = match piece {
                Ok(piece) => piece,
                Err(error) => {
                    tracing::warn!("the journal cannot be read: {error}");
                    return Ok(Self::ended(id, cursor, began, replayed));
                }
            };
            let mut bytes = Vec::new();
            for item in piece.items {
                match item {
                    Item::Event(event) if !is_since(since, &event) => {}
                    Item::Event(event) => {
                        begun = true;
                        if filter::passes(&filter, &event) {
                            replayed.0 += 1;
                            encode(reply::Body::Event(*event), &mut bytes);
                        }
                    }
                    Item::Gap(_) if !begun => {}
                    Item::Gap(gap) => {
                        replayed.1 |= gap.is_loss();
                        let (epoch, next_seq) = gap.next;
                        let lost = ipc::Lost { count: gap.count, epoch, next_seq, more: gap.more };
                        encode(reply::Body::Lost(lost), &mut bytes);
                    }
                }
            }
            put(writer, outbox, &bytes).await?;
            if piece.is_last {
                return Ok(Self::ended(id, cursor, began, replayed));
            }
            at = Some(cursor);
        }
        Ok(Self::ended(id, Cursor::after(began), began, replayed))
    }

    fn ended(
        id: ConnectionId,
        cursor: Cursor,
        began: Option<(u64, u64)>,
        (sent, gap): (u64, bool),
    ) -> Input {
        let advanced = cursor.last() != began;
        Input::Replayed { id, cursor, advanced, sent, gap }
    }
}

/// Whether an event is not earlier than that. One whose time cannot be read is
/// not hidden.
pub(super) fn is_since(since: Option<u64>, event: &ipc::Event) -> bool {
    let Some(since) = since else { return true };
    let since = i64::try_from(since).unwrap_or(i64::MAX);
    event.ts.parse::<jiff::Timestamp>().map_or(true, |ts| ts.as_millisecond() >= since)
}

fn encode(body: reply::Body, bytes: &mut Vec<u8>) {
    // A vector has room for everything.
    let _ = ipc::Reply { body: Some(body) }.encode_length_delimited(bytes);
}
