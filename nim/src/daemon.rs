//! The link to hatsd: commands in, reports out, never waiting.

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use anyhow::{Context, bail};
use hats_wire::link::{Command, Frames, Report, decode_command, encode_report};

/// Bytes that wait for a slow daemon before datagrams for it are dropped.
const SOFT_MAX: usize = 1 << 20;

/// Bytes beyond which nothing can be said any more.
const HARD_MAX: usize = 4 << 20;

/// hatsd, as seen from here.
pub(crate) struct Daemon {
    socket: UnixStream,
    frames: Frames,
    out: VecDeque<u8>,
    ended: bool,
}

impl Daemon {
    pub(crate) fn new(socket: UnixStream) -> anyhow::Result<Self> {
        socket.set_nonblocking(true).context("cannot use standard input without waiting")?;
        Ok(Daemon { socket, frames: Frames::new(), out: VecDeque::new(), ended: false })
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    pub(crate) fn wants_to_write(&self) -> bool {
        !self.out.is_empty()
    }

    /// The daemon is gone: nothing will come any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Takes what has come in. What it means is given out by
    /// [`next_command`](Self::next_command).
    pub(crate) fn read(&mut self) {
        let mut bytes = [0; 4096];
        while !self.ended {
            match self.socket.read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(len) => {
                    self.frames.push(&bytes[..len]);
                    if len < bytes.len() {
                        return;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A reset is an end, too.
                Err(_) => self.ended = true,
            }
        }
    }

    /// The next whole command.
    pub(crate) fn next_command(&mut self) -> anyhow::Result<Option<Command>> {
        let frame = self.frames.next().context("what hatsd sends is no frame")?;
        frame
            .map(|frame| decode_command(&frame).context("what hatsd sends is no command"))
            .transpose()
    }

    /// Says something; whether there was room for it. Only datagrams and probes
    /// that arrived can find none: their amount is for others to decide.
    pub(crate) fn report(&mut self, report: &Report) -> anyhow::Result<bool> {
        let waiting = self.out.len();
        if waiting > HARD_MAX {
            bail!("hatsd does not read: {waiting} bytes wait for it, expected at most {HARD_MAX}");
        }
        let of_others = matches!(report, Report::Received { .. } | Report::ProbeSeen { .. });
        if waiting > SOFT_MAX && of_others {
            return Ok(false);
        }
        self.out.extend(encode_report(report));
        Ok(true)
    }

    /// Writes as much as hatsd takes.
    pub(crate) fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.socket.write(self.out.as_slices().0) {
                Ok(len) => drop(self.out.drain(..len)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    // It cannot be told any more; reading says that it is gone.
                    self.out.clear();
                    self.ended = true;
                }
            }
        }
    }
}
