//! One NIM process: its link and its end.

use std::{
    collections::VecDeque,
    io,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream, unix::process::ExitStatusExt as _},
    path::Path,
    process::{ExitStatus, Stdio},
    task::{Context, Poll},
    time::Duration,
};

use hats_core::time::Timestamp;
use hats_wire::link::{Command, Frames, Report, decode_report, encode_command};
use tokio::{
    net::UnixStream,
    process::{Child, Command as Program},
    sync::{mpsc, oneshot},
    time::timeout,
};

/// Bytes that may wait for a NIM that does not read.
const OUT_MAX: usize = 256 << 10;

/// Bytes that are sent before more are gathered.
const OUT_PIECE: usize = 16 << 10;

/// Bytes read from one NIM before others have their turn: more than the kernel
/// keeps for it, so that after a pause everything said is heard at once.
const READ_MAX: usize = 1 << 20;

/// How a process ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Exit {
    pub(super) pid: u32,
    /// In words.
    pub(super) how: String,
}

/// Why a process must end, and how long it may take to do so by itself.
#[derive(Debug)]
struct Stop {
    grace: Duration,
    why: Option<String>,
}

/// A running NIM.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) started: Timestamp,
    /// It has answered Configure.
    pub(super) ready: bool,
    /// Commands that found the queue full.
    pub(super) dropped: u64,
    link: UnixStream,
    frames: Frames,
    out: VecDeque<u8>,
    /// Since when it has not taken all that was sent.
    blocked: Option<Timestamp>,
    /// Nothing more is read from it or sent to it.
    ended: bool,
    stop: Option<oneshot::Sender<Stop>>,
}

impl Process {
    /// Starts `program`; its end is told to `exits`.
    pub(super) fn start(
        program: &Path,
        now: Timestamp,
        exits: mpsc::UnboundedSender<Exit>,
    ) -> io::Result<Self> {
        let (ours, theirs) = StdStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = Program::new(program)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // Standard output is the event log, which is not the NIM's.
            .stdout(Stdio::null())
            // A ctrl-C at the terminal is for hatsd, which then ends its NIMs
            // in good order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let link = UnixStream::from_std(ours)?;
        let pid = child.id().ok_or_else(|| io::Error::other("the process ended at once"))?;
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(async move {
            let how = last(&mut child, stopped).await;
            // Nobody listens when the daemon is ending.
            let _ = exits.send(Exit { pid, how });
        });
        Ok(Process {
            pid,
            started: now,
            ready: false,
            dropped: 0,
            link,
            frames: Frames::new(),
            out: VecDeque::new(),
            blocked: None,
            ended: false,
            stop: Some(stop),
        })
    }

    /// Whether there is something to read, or room for what waits.
    pub(super) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ended {
            return Poll::Pending;
        }
        let readable = self.link.poll_read_ready(cx).is_ready();
        let writable = !self.out.is_empty() && self.link.poll_write_ready(cx).is_ready();
        if readable || writable { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Everything it has said by now.
    pub(super) fn receive(&mut self, buffer: &mut [u8]) -> Vec<Report> {
        let mut reports = Vec::new();
        let mut taken = 0;
        while !self.ended && taken < READ_MAX {
            match self.link.try_read(buffer) {
                Ok(0) => self.end(Duration::from_millis(100), "it closed its link".to_owned()),
                Ok(count) => {
                    taken += count;
                    self.frames.push(&buffer[..count]);
                    self.decode(&mut reports);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => self.end(Duration::ZERO, format!("its link failed: {error}")),
            }
        }
        reports
    }

    fn decode(&mut self, reports: &mut Vec<Report>) {
        loop {
            let decoded = match self.frames.next() {
                Ok(None) => return,
                Ok(Some(frame)) => decode_report(&frame),
                Err(error) => Err(error),
            };
            match decoded {
                Ok(report) => {
                    self.ready |= matches!(report, Report::Ready { .. });
                    reports.push(report);
                }
                Err(error) => {
                    self.end(Duration::ZERO, format!("it sent what is no report: {error}"));
                    return;
                }
            }
        }
    }

    /// Keeps a command until [`flush`](Self::flush), and until there is room: what is
    /// sent in one piece wakes the NIM once, which may take the CPU from us.
    pub(super) fn send(&mut self, command: &Command, now: Timestamp) {
        if self.ended {
            return;
        }
        let frame = encode_command(command);
        if self.out.len() + frame.len() > OUT_MAX {
            self.dropped += 1;
            return;
        }
        self.out.extend(frame);
        if self.out.len() >= OUT_PIECE {
            self.flush(now);
        }
    }

    /// Sends what there is room for.
    pub(super) fn flush(&mut self, now: Timestamp) {
        while !self.out.is_empty() && !self.ended {
            let (front, _) = self.out.as_slices();
            match self.link.try_write(front) {
                Ok(count) => {
                    self.out.drain(..count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked.get_or_insert(now);
                    return;
                }
                // It is ending; its last words may still be read.
                Err(_) => {
                    self.out.clear();
                }
            }
        }
        self.blocked = None;
    }

    /// Since when it has not taken all that was sent.
    pub(super) fn blocked_since(&self) -> Option<Timestamp> {
        self.blocked.filter(|_| !self.ended)
    }

    /// Ends it, by force when it does not end within `grace`.
    pub(super) fn end(&mut self, grace: Duration, why: String) {
        self.stop_with(Stop { grace, why: Some(why) });
        self.ended = true;
    }

    /// Lets it end in good order, by force when it does not within `grace`.
    pub(super) fn leave(&mut self, grace: Duration, now: Timestamp) {
        self.send(&Command::Shutdown, now);
        self.flush(now);
        self.stop_with(Stop { grace, why: None });
        self.ended = true;
    }

    fn stop_with(&mut self, stop: Stop) {
        if let Some(sender) = self.stop.take() {
            // Nobody listens when it has ended already.
            let _ = sender.send(stop);
        }
    }
}

/// Waits for the process's end, and brings it about when told to.
async fn last(child: &mut Child, stopped: oneshot::Receiver<Stop>) -> String {
    let stop = tokio::select! {
        status = child.wait() => return describe(&status, None),
        stop = stopped => stop,
    };
    let Ok(stop) = stop else {
        // Its supervisor is gone: the daemon is ending.
        let _ = child.start_kill();
        return describe(&child.wait().await, None);
    };
    if let Ok(status) = timeout(stop.grace, child.wait()).await {
        return describe(&status, None);
    }
    // It may have ended in this instant.
    let _ = child.start_kill();
    describe(&child.wait().await, stop.why.as_deref())
}

fn describe(status: &io::Result<ExitStatus>, why: Option<&str>) -> String {
    let how = match status {
        Err(error) => format!("gone ({error})"),
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => format!("exited with status {code}"),
            (None, Some(signal)) => format!("killed by signal {signal}"),
            (None, None) => "ended".to_owned(),
        },
    };
    why.map_or_else(|| how.clone(), |why| format!("{how}, because {why}"))
}
