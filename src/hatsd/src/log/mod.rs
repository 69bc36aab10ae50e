//! The event log: one line per event, on standard output or to the journal.
//!
//! Of each code only so many lines are written ([`bucket`]); in which form,
//! says [`form`].
//!
//! A thread of its own does the writing, behind a bounded queue: whoever reads
//! the log slowly, or not at all, must not stop the daemon. Lines that find the
//! queue full are counted and the count is said on standard error.

mod bucket;
mod form;

use std::{
    io::{self, Write},
    os::unix::net::UnixDatagram,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

use hats_proto::ipc;

use self::bucket::{Admission, Buckets};

/// Lines that may wait for the reader of the log.
const QUEUE_LINES: usize = 4096;

/// How long the daemon waits at its end for the last lines to be taken.
const LAST_LINES_WAIT: Duration = Duration::from_millis(500);

const JOURNAL: &str = "/run/systemd/journal/socket";

/// How events look in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line, the same as subscribers get.
    Json,
    /// For people.
    Text,
    /// To the systemd journal, with HATS_ fields.
    Journald,
}

/// Takes events; see the module.
#[derive(Debug)]
pub(crate) struct Log {
    format: Format,
    buckets: Buckets,
    lines: Option<SyncSender<Vec<u8>>>,
    finished: Receiver<()>,
    dropped: u64,
}

impl Log {
    /// Starts the writer. Fails when there is no journal to write to.
    pub(crate) fn open(format: Format) -> io::Result<Self> {
        let sink = match format {
            Format::Json | Format::Text => Sink::Stdout,
            Format::Journald => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(JOURNAL)?;
                Sink::Journal(socket)
            }
        };
        let (lines, receiver) = sync_channel(QUEUE_LINES);
        let (done, finished) = sync_channel(1);
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            write_all(&receiver, &sink);
            // Nobody waits when the daemon is already gone.
            let _ = done.send(());
        })?;
        let buckets = Buckets::default();
        Ok(Log { format, buckets, lines: Some(lines), finished, dropped: 0 })
    }

    /// Writes one event, or counts it.
    pub(crate) fn write(&mut self, event: &ipc::Event) {
        let Admission::Write { suppressed } = self.buckets.admit(event) else { return };
        let line = match self.format {
            Format::Json => form::json(event, suppressed),
            Format::Text => form::text(event, suppressed),
            Format::Journald => form::journal(event, suppressed),
        };
        let Some(lines) = &self.lines else { return };
        match lines.try_send(line) {
            Ok(()) if self.dropped > 0 => {
                tracing::warn!("{} log lines dropped: the log's reader was too slow", self.dropped);
                self.dropped = 0;
            }
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => self.dropped += 1,
        }
    }

    /// Waits, briefly, until the last line is written.
    pub(crate) fn close(mut self) {
        self.lines = None;
        if self.finished.recv_timeout(LAST_LINES_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last log lines were not taken");
        }
    }
}

enum Sink {
    Stdout,
    Journal(UnixDatagram),
}

fn write_all(lines: &Receiver<Vec<u8>>, sink: &Sink) {
    let mut failing = false;
    while let Ok(line) = lines.recv() {
        let written = match sink {
            Sink::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(&line).and_then(|()| out.flush())
            }
            Sink::Journal(socket) => socket.send(&line).map(|_| ()),
        };
        // A full disk may have room again: go on trying, and say it once.
        match (written, failing) {
            (Err(error), false) => {
                tracing::warn!(
                    "the event log cannot be written: {error}; until it can, events go to \
                     subscribers only"
                );
                failing = true;
            }
            (Ok(()), true) => {
                tracing::warn!("the event log can be written again; some events are missing");
                failing = false;
            }
            (Err(_), true) | (Ok(()), false) => {}
        }
    }
}
