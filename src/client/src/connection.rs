//! One stream to the daemon, as whole messages.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::BytesMut;
use hats_proto::ipc::{self, error::Kind, reply, request};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time,
};

use crate::{Error, frame};

/// A connect that finds the daemon's queue of new connections full is tried
/// again after this: a Unix socket does not wait by itself.
const QUEUE_FULL_RETRY: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub(crate) struct Connection {
    path: PathBuf,
    stream: UnixStream,
    buffer: BytesMut,
}

impl Connection {
    pub(crate) async fn open(path: &Path) -> Result<Self, Error> {
        loop {
            match UnixStream::connect(path).await {
                Ok(stream) => {
                    let buffer = BytesMut::with_capacity(8 << 10);
                    return Ok(Connection { path: path.to_owned(), stream, buffer });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    time::sleep(QUEUE_FULL_RETRY).await;
                }
                Err(error) => return Err(connect_error(path, error)),
            }
        }
    }

    /// Sends one request. A daemon that hangs up may have said why before, so
    /// that is for [`receive`](Self::receive) to find out.
    pub(crate) async fn send(&mut self, body: request::Body) -> Result<(), Error> {
        let bytes = frame::encode(body)?;
        match self.stream.write_all(&bytes).await {
            Ok(()) => Ok(()),
            Err(error) if is_hang_up(&error) => Ok(()),
            Err(error) => Err(self.io_error(error)),
        }
    }

    /// The next message; the daemon's `Error` is an error. May be cancelled
    /// without loss.
    pub(crate) async fn receive(&mut self) -> Result<reply::Body, Error> {
        loop {
            if let Some(body) = self.take_buffered()? {
                return Ok(body);
            }
            let read = self.stream.read_buf(&mut self.buffer).await;
            self.note_read(read)?;
        }
    }

    /// The next message if it has already arrived.
    pub(crate) fn receive_arrived(&mut self) -> Result<Option<reply::Body>, Error> {
        loop {
            if let Some(body) = self.take_buffered()? {
                return Ok(Some(body));
            }
            match self.stream.try_read_buf(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                read => self.note_read(read)?,
            }
        }
    }

    fn take_buffered(&mut self) -> Result<Option<reply::Body>, Error> {
        match frame::decode(&mut self.buffer)? {
            Some(reply::Body::Error(error)) => Err(self.daemon_error(error)),
            other => Ok(other),
        }
    }

    fn note_read(&self, read: io::Result<usize>) -> Result<(), Error> {
        match read {
            Err(error) if is_hang_up(&error) => Err(Error::Closed),
            Ok(0) if self.buffer.is_empty() => Err(Error::Closed),
            Ok(0) => Err(Error::Malformed {
                what: format!("a message cut short after {} bytes", self.buffer.len()),
            }),
            Ok(_) => Ok(()),
            Err(error) => Err(self.io_error(error)),
        }
    }

    fn io_error(&self, source: io::Error) -> Error {
        Error::Io { path: self.path.clone(), source }
    }

    fn daemon_error(&self, error: ipc::Error) -> Error {
        match error.kind() {
            Kind::Version => Error::Version { reason: error.message },
            Kind::Permission => {
                Error::Permission { path: self.path.clone(), reason: error.message }
            }
            kind @ (Kind::Unspecified | Kind::BadRequest | Kind::Full) => {
                Error::Daemon { kind, message: error.message }
            }
        }
    }
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}

fn connect_error(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    if source.kind() == io::ErrorKind::NotFound {
        Error::NotThere { path }
    } else if source.kind() == io::ErrorKind::ConnectionRefused {
        Error::Refused { path }
    } else if source.kind() == io::ErrorKind::PermissionDenied {
        Error::Permission { path, reason: source.to_string() }
    } else {
        Error::Io { path, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_connect_names_the_socket_and_the_group() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = connect_error(Path::new("/run/hats/hats.sock"), denied);
        assert!(matches!(error, Error::Permission { .. }));
        let text = error.to_string();
        assert!(text.contains("/run/hats/hats.sock") && text.contains("group `hats`"), "{text}");
    }
}
