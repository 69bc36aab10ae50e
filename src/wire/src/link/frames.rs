//! The stream's frames: a length as a protobuf varint, then so many bytes.

use alloc::vec::Vec;

use super::LinkError;

/// The longest frame that is accepted.
pub const FRAME_MAX: usize = 1 << 20;

/// The most bytes of a length that can be accepted: 64 bits in groups of seven.
const LENGTH_BYTES_MAX: usize = 10;

/// Cuts a stream into frames, whatever pieces it arrives in.
///
/// Holds at most one unfinished frame and what was pushed last. A stream that
/// lied about a length has no next frame: the error stays.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// What lies before this was given out.
    start: usize,
    failed: Option<LinkError>,
}

impl Frames {
    /// A stream's beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame without its length; nothing when it has not come yet.
    #[expect(
        clippy::should_implement_trait,
        reason = "nothing yet is not the end, as an iterator's None would say"
    )]
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let rest = &self.bytes[self.start..];
        let (len, prefix) = match length(rest) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(error) => {
                self.bytes = Vec::new();
                self.start = 0;
                self.failed = Some(error.clone());
                return Err(error);
            }
        };
        let Some(frame) = rest.get(prefix..prefix + len) else {
            return Ok(None);
        };
        let frame = frame.to_vec();
        self.start += prefix + len;
        Ok(Some(frame))
    }

    /// Whether the stream stands between two frames, where it may end.
    pub fn is_between(&self) -> bool {
        self.failed.is_none() && self.unfinished() == 0
    }

    /// How many bytes there are of frames that have not been given out.
    pub fn unfinished(&self) -> usize {
        self.bytes.len() - self.start
    }
}

/// The frame's length and the length's own, when it is all there.
fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>, LinkError> {
    let mut len: u64 = 0;
    for (at, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        let group = u64::from(byte & 0x7f);
        // The tenth group has room for one bit.
        if at + 1 == LENGTH_BYTES_MAX && group > 1 {
            return Err(LinkError::BadLength);
        }
        len |= group << (7 * at);
        if byte & 0x80 == 0 {
            return match usize::try_from(len) {
                Ok(short) if short <= FRAME_MAX => Ok(Some((short, at + 1))),
                Ok(_) | Err(_) => Err(LinkError::TooLong { len }),
            };
        }
    }
    if bytes.len() >= LENGTH_BYTES_MAX { Err(LinkError::BadLength) } else { Ok(None) }
}
