//! Frames to bytes and back.
//!
//! One file per family of messages; each value's two directions stand side by
//! side. Decoding is total: what protobuf leaves open and the protocol does not
//! is a [`DecodeError::BadField`] that names the field.

mod group;
mod item;
mod letter;
mod part;

use alloc::vec::Vec;

use hats_proto::wire as pb;
use prost::Message as _;

use self::part::{Body, all, host, optional, put_all, required};
use crate::{
    CaseId, DATAGRAM_MAX, DecodeError, Frame, HEADER_LEN, Header, Item, Message, PROBE_MAX,
    address, chunk, header::KIND_AT,
};

/// The message types of headers.
pub(crate) mod kind {
    pub(crate) const HEARTBEAT: u8 = 1;
    pub(crate) const PROCLAIM: u8 = 2;
    pub(crate) const JOIN: u8 = 3;
    pub(crate) const PREPARE: u8 = 4;
    pub(crate) const PREPARE_ACK: u8 = 5;
    pub(crate) const COMMIT: u8 = 6;
    pub(crate) const LIST_REQUEST: u8 = 7;
    pub(crate) const LIST: u8 = 8;
    pub(crate) const EXPELLED: u8 = 9;
    pub(crate) const LEAVE: u8 = 10;
    pub(crate) const LEAVE_ACK: u8 = 11;
    pub(crate) const GOODBYE: u8 = 12;
    pub(crate) const PROBE: u8 = 13;
    pub(crate) const PROBE_REPLY: u8 = 14;
    pub(crate) const RELAY: u8 = 15;
    pub(crate) const CHUNK: u8 = 16;
    pub(crate) const ENVELOPE: u8 = 17;
    pub(crate) const FLOOD: u8 = 18;
    pub(crate) const SUMMARY: u8 = 19;
}

/// The message's type in the header.
pub fn message_type(message: &Message) -> u8 {
    match message {
        Message::Heartbeat { .. } => kind::HEARTBEAT,
        Message::Proclaim(_) => kind::PROCLAIM,
        Message::Join(_) => kind::JOIN,
        Message::Prepare(_) => kind::PREPARE,
        Message::PrepareAck { .. } => kind::PREPARE_ACK,
        Message::Commit { .. } => kind::COMMIT,
        Message::ListRequest { .. } => kind::LIST_REQUEST,
        Message::List(_) => kind::LIST,
        Message::Expelled { .. } => kind::EXPELLED,
        Message::Leave { .. } => kind::LEAVE,
        Message::LeaveAck { .. } => kind::LEAVE_ACK,
        Message::Goodbye { .. } => kind::GOODBYE,
        Message::Probe { .. } => kind::PROBE,
        Message::ProbeReply { .. } => kind::PROBE_REPLY,
        Message::Relay { .. } => kind::RELAY,
        Message::Chunk(_) => kind::CHUNK,
        Message::Envelope(_) => kind::ENVELOPE,
        Message::Flood { .. } => kind::FLOOD,
        Message::Summary(_) => kind::SUMMARY,
    }
}

/// The bytes of one datagram.
///
/// Longer than [`DATAGRAM_MAX`] when the message is, and then refused by every
/// receiver: [`split`](crate::split) is for messages that can grow.
pub fn encode(header: &Header, message: &Message) -> Vec<u8> {
    datagram(header, message_type(message), &encode_body(message))
}

/// The bytes an item takes in the body of a flood.
pub(crate) fn length_in_flood(item: &Item) -> usize {
    let length = item.put().encoded_len();
    1 + prost::length_delimiter_len(length) + length
}

/// One datagram of a body that is encoded already.
pub(crate) fn datagram(header: &Header, kind: u8, body: &[u8]) -> Vec<u8> {
    let len = HEADER_LEN + body.len();
    let said = u16::try_from(len).unwrap_or(u16::MAX);
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&header.to_bytes(kind, said));
    bytes.extend_from_slice(body);
    bytes
}

/// How many bytes of padding make a datagram of `len` bytes without any one of
/// `wanted` bytes, or of one less where there is none of just as many.
pub fn padding(len: usize, wanted: usize) -> u16 {
    // The field's tag, and a length of one byte, or two from 128 on.
    let short = wanted.saturating_sub(len + 2);
    let bytes = if short < 128 { short } else { (short - 1).max(127) };
    u16::try_from(bytes.min(PROBE_MAX)).expect("PROBE_MAX fits")
}

/// The frame in one datagram.
pub fn decode(bytes: &[u8]) -> Result<Frame, DecodeError> {
    let longest = if bytes.get(KIND_AT) == Some(&kind::PROBE) { PROBE_MAX } else { DATAGRAM_MAX };
    if bytes.len() > longest {
        return Err(DecodeError::TooLong { len: bytes.len() });
    }
    let (header, kind, body) = Header::from_bytes(bytes)?;
    Ok(Frame { header, message: decode_body(kind, body)? })
}

/// The bytes after the header.
pub(crate) fn encode_body(message: &Message) -> Vec<u8> {
    let of_group = |group| Some(Body::put(group));
    match message {
        Message::Heartbeat { sequence, group, stalled } => {
            let group = of_group(group);
            pb::Heartbeat { sequence: *sequence, group, stalled: *stalled }.encode_to_vec()
        }
        Message::Proclaim(proclaim) => proclaim.put().encode_to_vec(),
        Message::Join(join) => join.put().encode_to_vec(),
        Message::Prepare(prepare) => prepare.put().encode_to_vec(),
        Message::PrepareAck { group, have } => {
            let have = have.as_ref().map(Body::put);
            pb::PrepareAck { group: of_group(group), have }.encode_to_vec()
        }
        Message::Commit { group, digest, absent } => {
            let absent = absent.iter().copied().map(address::to_bytes).collect();
            pb::Commit { group: of_group(group), digest: *digest, absent }.encode_to_vec()
        }
        Message::ListRequest { have } => pb::ListRequest { have: of_group(have) }.encode_to_vec(),
        Message::List(list) => list.put().encode_to_vec(),
        Message::Expelled { group, cause, verdict_id, members } => pb::Expelled {
            group: of_group(group),
            cause: part::put_cause(*cause),
            verdict_id: verdict_id.clone(),
            members: members.iter().copied().map(address::to_bytes).collect(),
        }
        .encode_to_vec(),
        Message::Leave { group } => pb::Leave { group: of_group(group) }.encode_to_vec(),
        Message::LeaveAck { group } => pb::LeaveAck { group: of_group(group) }.encode_to_vec(),
        Message::Goodbye { group } => pb::Goodbye { group: of_group(group) }.encode_to_vec(),
        Message::Probe { case, sequence, probe, padding } => pb::Probe {
            case_id: case.0,
            sequence: *sequence,
            probe_id: *probe,
            padding: alloc::vec![0; usize::from(*padding)],
        }
        .encode_to_vec(),
        Message::ProbeReply { case, sequence, probe, stalled } => pb::ProbeReply {
            case_id: case.0,
            sequence: *sequence,
            probe_id: *probe,
            stalled: *stalled,
        }
        .encode_to_vec(),
        Message::Relay { from, to, datagram } => pb::Relay {
            from: address::to_bytes(*from),
            to: address::to_bytes(*to),
            datagram: datagram.clone(),
        }
        .encode_to_vec(),
        Message::Chunk(chunk) => chunk.put().encode_to_vec(),
        Message::Envelope(envelope) => envelope.put().encode_to_vec(),
        Message::Flood { items } => pb::Flood { items: put_all(items) }.encode_to_vec(),
        Message::Summary(summary) => summary.put().encode_to_vec(),
    }
}

/// The message whose type and body these are.
pub(crate) fn decode_body(kind: u8, body: &[u8]) -> Result<Message, DecodeError> {
    let body = Bytes { kind, body };
    Ok(match kind {
        kind::HEARTBEAT => {
            let pb::Heartbeat { sequence, group, stalled } = body.read()?;
            Message::Heartbeat { sequence, group: required(group, "heartbeat.group")?, stalled }
        }
        kind::PROCLAIM => Message::Proclaim(body.value()?),
        kind::JOIN => Message::Join(body.value()?),
        kind::PREPARE => Message::Prepare(body.value()?),
        kind::PREPARE_ACK => {
            let pb::PrepareAck { group, have } = body.read()?;
            let (group, have) = (required(group, "prepare_ack.group")?, optional(have)?);
            Message::PrepareAck { group, have }
        }
        kind::COMMIT => {
            let pb::Commit { group, digest, absent } = body.read()?;
            let absent = absent.iter().map(|address| host(address, "commit.absent"));
            Message::Commit {
                group: required(group, "commit.group")?,
                digest,
                absent: absent.collect::<Result<_, _>>()?,
            }
        }
        kind::LIST_REQUEST => {
            let pb::ListRequest { have } = body.read()?;
            Message::ListRequest { have: required(have, "list_request.have")? }
        }
        kind::LIST => Message::List(body.value()?),
        kind::EXPELLED => {
            let pb::Expelled { group, cause, verdict_id, members } = body.read()?;
            let members = members.iter().map(|address| host(address, "expelled.members"));
            Message::Expelled {
                group: required(group, "expelled.group")?,
                cause: part::cause(cause, "expelled.cause")?,
                verdict_id,
                members: members.collect::<Result<_, _>>()?,
            }
        }
        kind::LEAVE => {
            let pb::Leave { group } = body.read()?;
            Message::Leave { group: required(group, "leave.group")? }
        }
        kind::LEAVE_ACK => {
            let pb::LeaveAck { group } = body.read()?;
            Message::LeaveAck { group: required(group, "leave_ack.group")? }
        }
        kind::GOODBYE => {
            let pb::Goodbye { group } = body.read()?;
            Message::Goodbye { group: required(group, "goodbye.group")? }
        }
        kind::PROBE => {
            let pb::Probe { case_id, sequence, probe_id, padding } = body.read()?;
            let padding = u16::try_from(padding.len())
                .map_err(|_| DecodeError::BadField { field: "probe.padding" })?;
            Message::Probe { case: CaseId(case_id), sequence, probe: probe_id, padding }
        }
        kind::PROBE_REPLY => {
            let pb::ProbeReply { case_id, sequence, probe_id, stalled } = body.read()?;
            Message::ProbeReply { case: CaseId(case_id), sequence, probe: probe_id, stalled }
        }
        kind::RELAY => {
            let pb::Relay { from, to, datagram } = body.read()?;
            Message::Relay {
                from: host(&from, "relay.from")?,
                to: host(&to, "relay.to")?,
                datagram,
            }
        }
        kind::CHUNK => {
            let whole = body.value()?;
            chunk::check(&whole)?;
            Message::Chunk(whole)
        }
        kind::ENVELOPE => Message::Envelope(body.value()?),
        kind::FLOOD => {
            let pb::Flood { items } = body.read()?;
            Message::Flood { items: all(items)? }
        }
        kind::SUMMARY => Message::Summary(body.value()?),
        kind => return Err(DecodeError::UnknownType { kind }),
    })
}

/// A body that is not read yet.
struct Bytes<'a> {
    kind: u8,
    body: &'a [u8],
}

impl Bytes<'_> {
    fn read<P: prost::Message + Default>(&self) -> Result<P, DecodeError> {
        P::decode(self.body).map_err(|_| DecodeError::Malformed { kind: self.kind })
    }

    fn value<T: Body<Proto: prost::Message + Default>>(&self) -> Result<T, DecodeError> {
        T::get(self.read()?)
    }
}
