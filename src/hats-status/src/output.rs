//! Standard output: whole pieces, flushed at once.

use std::{
    io::{self, Write},
    os::fd::AsFd,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::failure::Failure;

/// Writes `text` in one piece and flushes it.
pub(crate) fn write(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Says something to the person at the terminal; if that fails, nobody is there.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr(), "hats-status: {text}"));
}

/// Whether the reader of a pipe has gone: `hats-status events -f | head -1`
/// must end though no event comes on which a write would fail.
pub(crate) fn reader_has_gone() -> bool {
    let stdout = io::stdout();
    // Errors and hang-ups are always reported, so nothing is asked for.
    let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    if poll(&mut fds, PollTimeout::ZERO).is_err() {
        return false;
    }
    fds[0].revents().is_some_and(|got| got.intersects(PollFlags::POLLERR | PollFlags::POLLHUP))
}
