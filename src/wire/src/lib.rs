//! What bytes mean, and nothing about what to do with them.
//!
//! Two languages are spoken here: the datagrams that nodes exchange
//! ([`Frame`], a fixed [`Header`] and a protobuf body) and the link between
//! hatsd and its NIMs ([`link`]). Both are plain values with total decoders:
//! any byte string gives a value or a [`DecodeError`] that says what was wrong.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod address;
mod chunk;
mod codec;
mod error;
mod header;
mod id;
mod item;
mod letter;
pub mod link;
mod message;

pub use chunk::{
    CHUNK_PART_MAX, CHUNKS_MAX, MESSAGE_MAX, PARTIAL_AGE_NS_MAX, PARTIAL_BYTES_MAX,
    PARTIAL_BYTES_PER_SENDER_MAX, PARTIAL_MAX, PARTIAL_PER_SENDER_MAX, Reassembly, floods, split,
    split_within,
};
pub use codec::{decode, encode, message_type, padding};
pub use error::DecodeError;
pub use header::{HEADER_LEN, Header, MAGIC, WIRE_VERSION, cluster_tag};
pub use id::{CaseId, Cause, Confidence, Direction, GroupId, Incarnation, NodeId, Pair, case_name};
pub use item::*;
pub use letter::*;
pub use message::*;

/// The longest padded probe: what a packet of 9,216 bytes holds beside its IPv4
/// and UDP headers. It says nothing that another one does not, so that no harm is
/// done when it is lost.
pub const PROBE_MAX: usize = 9_188;

/// The longest datagram ever sent, but for padded probes: what an IPv6 path must carry without
/// fragmentation (1,280 bytes, RFC 8200 section 5) less the IPv6 and UDP headers.
pub const DATAGRAM_MAX: usize = 1232;
