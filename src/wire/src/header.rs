//! The fixed header in front of every body.
//!
//! ```text
//!  0       4     5     6     7       8         10    11    12
//! +-------+-----+-----+-----+-------+---------+-----+-----+-------------+
//! | HATS  | cur | min | max | type  | length  | key | 0   | cluster tag |
//! +-------+-----+-----+-----+-------+---------+-----+-----+-------------+
//!  16                        24                       32
//! +-------------------------+------------------------+------ - -
//! | node id                 | incarnation            | body
//! +-------------------------+------------------------+------ - -
//! ```
//!
//! All numbers big-endian. `length` counts header and body. `key` 0 means not
//! sealed. The first eight bytes keep their place in every future version, so
//! that nodes of different versions can always tell each other what they speak.

use crate::{DecodeError, Incarnation, NodeId};

/// The first bytes of every datagram.
pub const MAGIC: [u8; 4] = *b"HATS";
/// The version this code writes; it reads no other.
pub const WIRE_VERSION: u8 = 1;
/// Where the message type stands.
pub(crate) const KIND_AT: usize = 7;
/// Bytes before the body.
pub const HEADER_LEN: usize = 32;

/// Who sent a datagram, and to which cluster it belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// From [`cluster_tag`].
    pub cluster: u32,
    /// The sending node.
    pub node_id: NodeId,
    /// The run of the sending node's daemon.
    pub incarnation: Incarnation,
}

/// The short form of a cluster's name in every header (FNV-1a, 32 bits).
///
/// A tag that differs means another cluster; one that agrees is not proof,
/// which is why Proclaim carries the name itself.
pub fn cluster_tag(name: &str) -> u32 {
    name.bytes()
        .fold(0x811c_9dc5, |hash: u32, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

impl Header {
    /// The header's bytes for a datagram of `len` bytes with message type `kind`.
    pub(crate) fn to_bytes(self, kind: u8, len: u16) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..7].fill(WIRE_VERSION);
        bytes[KIND_AT] = kind;
        bytes[8..10].copy_from_slice(&len.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.cluster.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.node_id.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&self.incarnation.0.to_be_bytes());
        bytes
    }

    /// Reads a header; gives it with the message type and the body.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<(Self, u8, &[u8]), DecodeError> {
        if bytes.len() >= 4 && bytes[..4] != MAGIC {
            return Err(DecodeError::NotOurs);
        }
        let Some((head, body)) = bytes.split_first_chunk::<HEADER_LEN>() else {
            return Err(DecodeError::TooShort { len: bytes.len() });
        };
        let (min, max) = (head[5], head[6]);
        if !(min..=max).contains(&WIRE_VERSION) {
            return Err(DecodeError::Version { min, max });
        }
        let said = usize::from(u16::from_be_bytes([head[8], head[9]]));
        if said != bytes.len() {
            return Err(DecodeError::LengthLies { said, was: bytes.len() });
        }
        if head[10] != 0 {
            return Err(DecodeError::UnknownKey { key: head[10] });
        }
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&head[at..at + 8]);
            u64::from_be_bytes(word)
        };
        let header = Header {
            cluster: u32::from_be_bytes([head[12], head[13], head[14], head[15]]),
            node_id: NodeId(word(16)),
            incarnation: Incarnation(word(24)),
        };
        Ok((header, head[KIND_AT], body))
    }
}
