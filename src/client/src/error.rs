//! What can go wrong between a subscriber and the daemon.

use std::{io, path::PathBuf, time::Duration};

use hats_proto::ipc;

use crate::{REPLY_MAX, VERSION};

/// Why a connection could not be made, or ended.
///
/// None is recoverable on the same connection: connect again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no socket file.
    #[error(
        "no socket at {}: is hatsd running? (--socket or HATS_SOCKET names another)",
        path.display()
    )]
    NotThere {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// There is a socket file, and nobody listens behind it.
    #[error("nobody listens at {}: hatsd has stopped and left its socket behind", path.display())]
    Refused {
        /// Where it was tried.
        path: PathBuf,
    },
    /// The caller's user may not.
    #[error(
        "no permission to use {} ({reason}): reading needs membership of group `hats` \
         (usermod -aG hats USER, then log in again)",
        path.display()
    )]
    Permission {
        /// The socket.
        path: PathBuf,
        /// What the kernel or the daemon said.
        reason: String,
    },
    /// The socket could not be used for another reason.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// No protocol version in common.
    #[error("the daemon does not speak version {VERSION} of the protocol: {reason}")]
    Version {
        /// What the daemon said.
        reason: String,
    },
    /// No answer in time.
    #[error("hatsd has not answered {request} within {} ms", after.as_millis())]
    Timeout {
        /// What was asked.
        request: &'static str,
        /// How long was waited.
        after: Duration,
    },
    /// A subscription heard nothing, not even a keep-alive.
    #[error(
        "hatsd has been silent for {} ms, not even a keep-alive has come",
        after.as_millis()
    )]
    Stale {
        /// How long was waited.
        after: Duration,
    },
    /// The daemon ended the connection.
    #[error("hatsd closed the connection")]
    Closed,
    /// An earlier request on this connection was not finished, so that its
    /// answer could be taken for that of the next.
    #[error("an earlier request on this connection was not finished: connect again")]
    Unfinished,
    /// A message announced more than is ever sent.
    #[error("a message of {length} bytes was announced, expected at most {REPLY_MAX}")]
    TooLong {
        /// The length announced.
        length: u64,
    },
    /// The request is longer than the daemon reads.
    #[error("the request is {length} bytes long, the daemon reads at most {}", crate::REQUEST_MAX)]
    RequestTooLong {
        /// The length of the request.
        length: usize,
    },
    /// What was read is no message, or not one that can come here.
    #[error("hatsd sent something unexpected: {what}")]
    Malformed {
        /// What was wrong.
        what: String,
    },
    /// The daemon refused the request.
    #[error("hatsd refused: {message}")]
    Daemon {
        /// The kind.
        kind: ipc::error::Kind,
        /// In words.
        message: String,
    },
}
