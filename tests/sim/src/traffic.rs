//! How much was sent and how much arrived, by type of message.

use hats_wire::{Message, decode};

use crate::world::World;

/// Types of messages are numbered below this.
const TYPES: usize = 32;
/// Where a datagram has its type: see the header in `hats_wire`.
const TYPE_AT: usize = 7;
/// The type of a part of a long message.
const CHUNK: u8 = 16;

/// Datagrams and their bytes, without what the network puts around them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// Datagrams handed to the network; one to many counts once.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Datagrams that got to an open socket; one to many counts at each.
    pub arrived: u64,
    /// Their bytes.
    pub arrived_bytes: u64,
}

/// Counts by type of message; parts of a long message count as what they are
/// parts of.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Traffic([Count; TYPES]);

impl Traffic {
    /// What was sent and arrived of messages of one type.
    pub fn of(&self, kind: u8) -> Count {
        self.0.get(usize::from(kind)).copied().unwrap_or_default()
    }

    /// Of all types.
    pub fn total(&self) -> Count {
        self.0.iter().fold(Count::default(), |sum, count| Count {
            sent: sum.sent + count.sent,
            sent_bytes: sum.sent_bytes + count.sent_bytes,
            arrived: sum.arrived + count.arrived,
            arrived_bytes: sum.arrived_bytes + count.arrived_bytes,
        })
    }

    /// What came after `earlier`.
    pub fn since(&self, earlier: &Traffic) -> Traffic {
        let mut rest = self.clone();
        for (count, before) in rest.0.iter_mut().zip(&earlier.0) {
            count.sent -= before.sent;
            count.sent_bytes -= before.sent_bytes;
            count.arrived -= before.arrived;
            count.arrived_bytes -= before.arrived_bytes;
        }
        rest
    }

    /// One datagram goes to as many sockets as `arriving` says.
    pub(crate) fn count(&mut self, bytes: &[u8], arriving: u64) {
        let length = bytes.len() as u64;
        if let Some(count) = self.0.get_mut(usize::from(kind_of(bytes))) {
            count.sent += 1;
            count.sent_bytes += length;
            count.arrived += arriving;
            count.arrived_bytes += arriving * length;
        }
    }
}

fn kind_of(bytes: &[u8]) -> u8 {
    let kind = bytes.get(TYPE_AT).copied().unwrap_or(0);
    if kind != CHUNK {
        return kind;
    }
    match decode(bytes).map(|frame| frame.message) {
        Ok(Message::Chunk(chunk)) => chunk.kind,
        Ok(_) | Err(_) => kind,
    }
}

impl World {
    /// What was sent over the networks since the world began.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }
}
