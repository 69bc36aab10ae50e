//! Waiting without tokio: for a few descriptors, until a point in time.

use std::{io, os::fd::BorrowedFd};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};

use crate::{Error, monotonic_ns};

/// What a descriptor is ready for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readiness {
    /// It can be read, has ended or has failed: reading says which.
    pub readable: bool,
    /// It can be written.
    pub writable: bool,
}

/// Waits until a descriptor is ready or CLOCK_MONOTONIC has reached `until_ns`.
///
/// Each descriptor comes with whether its being writable matters, too. The
/// answers stand in the same order.
///
/// # Errors
///
/// When the kernel cannot wait for one of the descriptors.
pub fn wait_readable<const N: usize>(
    fds: [Option<(BorrowedFd<'_>, bool)>; N],
    until_ns: Option<u64>,
) -> Result<[Readiness; N], Error> {
    let mut polled: Vec<PollFd<'_>> = Vec::with_capacity(N);
    for (fd, writable) in fds.into_iter().flatten() {
        let out = if writable { PollFlags::POLLOUT } else { PollFlags::empty() };
        polled.push(PollFd::new(fd, PollFlags::POLLIN | out));
    }
    loop {
        let timeout = until_ns.map(|until| span(until.saturating_sub(monotonic_ns())));
        match ppoll(&mut polled, timeout, None) {
            Ok(_) => break,
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(Error::new("wait", io::Error::from(errno))),
        }
    }
    let mut answers = polled.iter().map(|fd| {
        let events = fd.revents().unwrap_or(PollFlags::empty());
        let writable = events.contains(PollFlags::POLLOUT);
        Readiness { readable: events.intersects(!PollFlags::POLLOUT), writable }
    });
    Ok(fds.map(|fd| fd.and_then(|_| answers.next()).unwrap_or_default()))
}

fn span(nanos: u64) -> TimeSpec {
    let seconds = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
    TimeSpec::new(seconds, i64::try_from(nanos % 1_000_000_000).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::{fd::AsFd, unix::net::UnixStream},
    };

    use super::*;

    #[test]
    fn time_that_has_passed_does_not_wait() {
        let (a, _b) = UnixStream::pair().unwrap();
        let ready = wait_readable([Some((a.as_fd(), false))], Some(1)).unwrap();
        assert_eq!(ready, [Readiness::default()]);
    }

    #[test]
    fn ready_descriptor_is_named_by_its_place() {
        let (a, _b) = UnixStream::pair().unwrap();
        let (c, mut d) = UnixStream::pair().unwrap();
        d.write_all(b"x").unwrap();
        let fds = [Some((a.as_fd(), false)), None, Some((c.as_fd(), true))];
        let ready = wait_readable(fds, None).unwrap();
        assert_eq!(ready[0], Readiness::default());
        assert_eq!(ready[1], Readiness::default());
        assert_eq!(ready[2], Readiness { readable: true, writable: true });
    }

    #[test]
    fn closed_other_end_is_readable() {
        let (a, b) = UnixStream::pair().unwrap();
        drop(b);
        assert!(wait_readable([Some((a.as_fd(), false))], None).unwrap()[0].readable);
    }
}
