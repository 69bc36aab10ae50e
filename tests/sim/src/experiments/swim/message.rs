//! What members tell each other, and how many bytes that takes.

use std::rc::Rc;

use super::Id;

/// A datagram carries at most so many bytes, as memberlist's do.
pub(crate) const DATAGRAM_MAX: usize = 1_400;
/// Every datagram: its type and how many updates follow.
const HEADER: usize = 2;
const SEQUENCE: usize = 4;
const MEMBER: usize = 4;
/// Of an update: status, member, incarnation.
const UPDATE: usize = 1 + MEMBER + 4;
/// Who is alive is said with the address: four bytes and a port.
const ADDRESS: usize = 6;

/// What is believed of a member.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Status {
    /// It answers, or has said that it lives.
    Alive,
    /// Somebody got no answer from it.
    Suspect,
    /// It did not refute that in time.
    Dead,
}

/// News of one member.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Update {
    pub(crate) member: Id,
    /// Raised by the member itself, to refute.
    pub(crate) incarnation: u32,
    pub(crate) status: Status,
}

impl Update {
    /// How many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        UPDATE + if self.status == Status::Alive { ADDRESS } else { 0 }
    }
}

/// Why a datagram is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    /// Asks whether the receiver lives.
    Ping { sequence: u32 },
    /// It does; or the one it was asked to ping does.
    Ack { sequence: u32 },
    /// Asks the receiver to ping `target`.
    PingRequest { sequence: u32, target: Id },
    /// Brings updates only.
    Gossip,
    /// Everything the sender believes; over a stream, so that it is not lost.
    State { entries: Rc<[Update]>, answer_wanted: bool },
}

/// A message and the updates that travel on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Datagram {
    pub(crate) message: Message,
    pub(crate) updates: Vec<Update>,
}

impl Message {
    /// How many bytes it takes without updates. memberlist writes names of
    /// members and of fields, and takes several times as much.
    pub(crate) fn size(&self) -> usize {
        HEADER
            + match self {
                Message::Ping { .. } | Message::Ack { .. } => SEQUENCE,
                Message::PingRequest { .. } => SEQUENCE + MEMBER,
                Message::Gossip => 0,
                Message::State { entries, .. } => entries.len() * (UPDATE + ADDRESS),
            }
    }
}

impl Datagram {
    /// How many bytes it takes.
    pub(crate) fn size(&self) -> usize {
        self.message.size() + self.updates.iter().map(Update::size).sum::<usize>()
    }

    /// Whether it goes over a stream.
    pub(crate) fn is_reliable(&self) -> bool {
        matches!(self.message, Message::State { .. })
    }
}
