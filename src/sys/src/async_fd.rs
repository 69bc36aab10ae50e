//! Waiting for a descriptor inside tokio.
#![expect(unsafe_code, reason = "tokio's registration must be told that the descriptor stays")]

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use tokio::io::unix::{AsyncFd, AsyncFdReadyGuard};

/// A descriptor that tokio watches for as long as it lives.
#[derive(Debug)]
pub(crate) struct Watched(AsyncFd<Kept>);

/// Gives out no access that could replace or close the descriptor.
#[derive(Debug)]
struct Kept(OwnedFd);

impl AsRawFd for Kept {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Watched {
    /// Registers the descriptor; must be called inside a tokio runtime.
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        // SAFETY: `Kept` owns the descriptor, always names the same one, and
        // nothing here can close or replace it before the `AsyncFd` is dropped.
        let fd = unsafe { AsyncFd::register(Kept(fd)) }.map_err(io::Error::from)?;
        Ok(Watched(fd))
    }

    pub(crate) async fn readable(&self) -> io::Result<AsyncFdReadyGuard<'_, impl AsRawFd>> {
        self.0.readable().await
    }
}
