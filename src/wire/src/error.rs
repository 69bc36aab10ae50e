//! What can be wrong with bytes from outside.

use core::fmt;

/// Why a datagram or a link message was refused. Counted by [`reason`](Self::reason),
/// never fatal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// Fewer bytes than a header.
    TooShort {
        /// How many there were.
        len: usize,
    },
    /// More bytes than a datagram of ours may have.
    TooLong {
        /// How many there were.
        len: usize,
    },
    /// It does not begin with the magic bytes: not ours.
    NotOurs,
    /// The sender cannot speak a version that we can.
    Version {
        /// The lowest version the sender speaks.
        min: u8,
        /// The highest version the sender speaks.
        max: u8,
    },
    /// The header's length is not the datagram's.
    LengthLies {
        /// What the header says.
        said: usize,
        /// What arrived.
        was: usize,
    },
    /// A message type that this version does not know.
    UnknownType {
        /// The number in the header.
        kind: u8,
    },
    /// Sealed with a key we do not have.
    UnknownKey {
        /// The key id in the header.
        key: u8,
    },
    /// The body is not the protobuf message the header promises.
    Malformed {
        /// The message type.
        kind: u8,
    },
    /// A field that the protocol requires is missing or impossible.
    BadField {
        /// Which one.
        field: &'static str,
    },
}

impl DecodeError {
    /// The name of the counter: one word per variant.
    pub fn reason(&self) -> &'static str {
        match self {
            DecodeError::TooShort { .. } => "too_short",
            DecodeError::TooLong { .. } => "too_long",
            DecodeError::NotOurs => "not_ours",
            DecodeError::Version { .. } => "version",
            DecodeError::LengthLies { .. } => "length_lies",
            DecodeError::UnknownType { .. } => "unknown_type",
            DecodeError::UnknownKey { .. } => "unknown_key",
            DecodeError::Malformed { .. } => "malformed",
            DecodeError::BadField { .. } => "bad_field",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::TooShort { len } => write!(f, "{len} bytes are too few for a header"),
            DecodeError::TooLong { len } => write!(f, "{len} bytes are more than a datagram"),
            DecodeError::NotOurs => f.write_str("not a hats datagram"),
            DecodeError::Version { min, max } => {
                write!(f, "the sender speaks wire versions {min} to {max}, we speak 1")
            }
            DecodeError::LengthLies { said, was } => {
                write!(f, "the header says {said} bytes, {was} arrived")
            }
            DecodeError::UnknownType { kind } => write!(f, "message type {kind} is unknown"),
            DecodeError::UnknownKey { key } => write!(f, "sealed with unknown key {key}"),
            DecodeError::Malformed { kind } => {
                write!(f, "the body of message type {kind} is malformed")
            }
            DecodeError::BadField { field } => {
                write!(f, "field {field} is missing or impossible")
            }
        }
    }
}

impl core::error::Error for DecodeError {}
