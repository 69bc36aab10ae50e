//! The last events, where writing waits for no disk: a small file beside the
//! socket, in a file system in memory.
//!
//! The journal is written by a thread, because a disk may take seconds. An event
//! that a subscriber has seen must not be forgotten when the daemon is killed
//! in between: it is here, and the next daemon puts it into the journal.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use hats_proto::ipc;

use super::record::{self, Found, Record};

/// Emptied above this, when everything in it is in the journal.
const BYTES_USUAL: u64 = 128 << 10;

/// Emptied above this in any case.
const BYTES_MAX: u64 = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    file: File,
    bytes: u64,
}

/// What a daemon left behind.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Its last events, in order.
    pub(super) events: Vec<ipc::Event>,
    /// The last event it published; nothing when that cannot be known.
    pub(super) last: Option<(u64, u64)>,
    /// After that a run kept nothing.
    pub(super) is_unkept: bool,
}

impl Tail {
    /// What the daemon before this one left at `path`.
    pub(super) fn left(path: &Path) -> Left {
        let mut left = Left::default();
        // A host that has been started anew has no such file.
        let bytes = fs::read(path).unwrap_or_default();
        let mut at = 0;
        loop {
            match record::next_of_all(&bytes[at..]) {
                Found::Record(Record::Event(event), length) => {
                    left.last = left.last.max(Some((event.epoch, event.seq)));
                    left.events.push(*event);
                    at += length;
                }
                Found::Record(Record::Mark { epoch, seq }, length) => {
                    left.last = left.last.max(Some((epoch, seq)));
                    at += length;
                }
                Found::Record(Record::Began(_), length) => {
                    left.is_unkept = true;
                    at += length;
                }
                Found::Damage(length) => at += length,
                Found::Unfinished => return left,
            }
        }
    }

    /// An empty one, after which nothing but event `seq` of `epoch` is known.
    pub(super) fn begin(path: &Path, epoch: u64, seq: u64) -> io::Result<Self> {
        let mark = record::encode(&Record::Mark { epoch, seq });
        let file = replace(path, &mark)?;
        Ok(Tail { path: path.to_owned(), file, bytes: mark.len() as u64 })
    }

    /// Adds to what was left that the run `epoch` keeps nothing: what it
    /// publishes will be missing, nobody knows how much.
    pub(super) fn skip(path: &Path, epoch: u64) -> io::Result<()> {
        if Self::left(path).is_unkept {
            return Ok(());
        }
        let mut bytes = fs::read(path).unwrap_or_default();
        let began = record::Began { epoch, before: (0, 0), more: true };
        bytes.extend(record::encode(&Record::Began(began)));
        replace(path, &bytes).map(drop)
    }

    /// Adds the event `seq`, already a record. `journaled` tells up to where
    /// the journal has them.
    pub(super) fn write(
        &mut self,
        bytes: &[u8],
        (epoch, seq): (u64, u64),
        journaled: u64,
    ) -> io::Result<()> {
        let is_spare = self.bytes > BYTES_USUAL && journaled + 1 >= seq;
        if is_spare || self.bytes > BYTES_MAX {
            *self = Self::begin(&self.path, epoch, seq.saturating_sub(1))?;
        }
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Removes it: nobody may take it for the truth.
    pub(super) fn give_up(self) {
        // If even this fails the next daemon finds a gap that is too small; the
        // file system is then broken in a way that nothing here can mend.
        let _ = fs::remove_file(&self.path);
    }
}

/// At every instant there is the old file or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(OsString::from(".new"));
    let fresh = PathBuf::from(name);
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes)?;
    fs::rename(&fresh, path)?;
    Ok(file)
}
