//! The event log: one line per event, on standard output or to the journal.
//!
//! A thread of its own does the writing, behind a bounded queue: whoever reads
//! the log slowly, or not at all, must not stop the daemon. Lines that find the
//! queue full are counted and the count is said on standard error.

use std::{
    io::{self, Write},
    os::unix::net::UnixDatagram,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    thread,
    time::Duration,
};

use hats_proto::ipc;

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
        Ok(Log { format, lines: Some(lines), finished, dropped: 0 })
    }

    /// Writes one event.
    pub(crate) fn write(&mut self, event: &ipc::Event) {
        let line = match self.format {
            Format::Json => json(event),
            Format::Text => text(event).into_bytes(),
            Format::Journald => journal(event),
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

fn json(event: &ipc::Event) -> Vec<u8> {
    // An event is text and numbers under fixed names: it always serialises.
    let mut line = serde_json::to_vec(event).unwrap_or_default();
    line.push(b'\n');
    line
}

/// `12:04:07.331 ERROR HATS-2103 neta: eth0 of n3 down: ...`
fn text(event: &ipc::Event) -> String {
    // The time within RFC 3339's "2026-11-22T12:04:07.331Z".
    let time = event.ts.get(11..23).unwrap_or(&event.ts);
    let hint = event.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
    let level = event.level.to_uppercase();
    let mut line = format!("{time} {level:<5} {} {}{hint}", event.code, event.msg);
    // Names come from other hosts: nothing of them may steer a terminal.
    if line.contains(char::is_control) {
        line = line.replace(char::is_control, "?");
    }
    line.push('\n');
    line
}

/// The journal's native protocol: `NAME=value` lines; a value with line ends
/// goes with its length instead.
fn journal(event: &ipc::Event) -> Vec<u8> {
    let mut out = Vec::new();
    let priority = match event.level.as_str() {
        "error" => "3",
        "warn" => "4",
        _ => "6",
    };
    field(&mut out, "MESSAGE", &format!("{} {}", event.code, event.msg));
    field(&mut out, "PRIORITY", priority);
    field(&mut out, "SYSLOG_IDENTIFIER", "hatsd");
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(event) else { return out };
    for (name, value) in fields {
        let value = match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Array(items) => {
                let texts: Vec<&str> = items.iter().filter_map(|item| item.as_str()).collect();
                texts.join(" ")
            }
            serde_json::Value::Null => continue,
            other @ (serde_json::Value::Bool(_)
            | serde_json::Value::Number(_)
            | serde_json::Value::Object(_)) => other.to_string(),
        };
        field(&mut out, &format!("HATS_{}", name.to_uppercase()), &value);
    }
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> ipc::Event {
        ipc::Event {
            ts: "2026-11-22T12:04:07.331Z".to_owned(),
            level: "error".to_owned(),
            code: "HATS-2103".to_owned(),
            event: "adapter.down".to_owned(),
            node: Some("n3".to_owned()),
            arbiters: vec!["n1".to_owned(), "n4".to_owned()],
            msg: "neta: eth0 of n3 down".to_owned(),
            seq: 12,
            ..ipc::Event::default()
        }
    }

    #[test]
    fn text_is_one_line_for_people() {
        assert_eq!(text(&event()), "12:04:07.331 ERROR HATS-2103 neta: eth0 of n3 down\n");
        let hinted = ipc::Event { hint: Some("look at the switch".to_owned()), ..event() };
        assert!(text(&hinted).ends_with("down (look at the switch)\n"));
    }

    #[test]
    fn names_from_other_hosts_cannot_steer_a_terminal() {
        let event = ipc::Event { msg: "node \u{1b}[2Jx\nfaked line".to_owned(), ..event() };
        assert_eq!(text(&event), "12:04:07.331 ERROR HATS-2103 node ?[2Jx?faked line\n");
    }

    #[test]
    fn json_is_one_line() {
        let event = ipc::Event { msg: "two\nlines".to_owned(), ..event() };
        let line = String::from_utf8(json(&event)).unwrap();
        assert_eq!(line.matches('\n').count(), 1);
        assert!(line.ends_with("}\n"));
    }

    #[test]
    fn the_journal_gets_fields_and_long_values_with_their_length() {
        let event = ipc::Event { msg: "two\nlines".to_owned(), ..event() };
        let bytes = journal(&event);
        let text = String::from_utf8_lossy(&bytes);
        for part in ["PRIORITY=3\n", "HATS_NODE=n3\n", "HATS_ARBITERS=n1 n4\n", "HATS_SEQ=12\n"] {
            assert!(text.contains(part), "{part} not in {text}");
        }
        let mut message = b"MESSAGE\n".to_vec();
        message.extend_from_slice(&19u64.to_le_bytes());
        message.extend_from_slice(b"HATS-2103 two\nlines\n");
        assert!(bytes.starts_with(&message), "{text}");
    }
}
