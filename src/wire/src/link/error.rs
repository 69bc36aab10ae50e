//! What can be wrong with a stream between processes of one node.

use core::fmt;

use super::FRAME_MAX;

/// Why a stream or a message on it was refused. The other end is our own
/// program: whoever sees one of these ends the connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LinkError {
    /// A frame longer than [`FRAME_MAX`].
    TooLong {
        /// How long it would be.
        len: u64,
    },
    /// A length that does not end.
    BadLength,
    /// Not the protobuf message that it should be.
    Malformed {
        /// Which message it should be.
        expected: &'static str,
    },
    /// A field that the protocol requires is missing or impossible.
    BadField {
        /// Which one.
        field: &'static str,
    },
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::TooLong { len } => {
                write!(f, "a frame of {len} bytes, at most {FRAME_MAX} are accepted")
            }
            LinkError::BadLength => f.write_str("a frame's length is no varint of 64 bits"),
            LinkError::Malformed { expected } => write!(f, "not a {expected} in protobuf"),
            LinkError::BadField { field } => {
                write!(f, "field {field} is missing or impossible")
            }
        }
    }
}

impl core::error::Error for LinkError {}
