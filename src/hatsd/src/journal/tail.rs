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

use super::record::{self, Record};

/// Emptied above this, when everything in it is in the journal.
const BYTES_USUAL: u64 = 128 << 10;

/// Emptied above this in any case.
const BYTES_MAX: u64 = 4 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Tail {
    path: PathBuf,
    boot: u128,
    file: File,
    bytes: u64,
}

/// What a daemon left behind.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Left {
    /// Its last events, in order.
    pub(super) events: Vec<ipc::Event>,
    /// The last event it published; nothing when that cannot be known.
    pub(super) last: Option<(u64, u64)>,
    /// A run that kept nothing.
    pub(super) unkept: Option<u64>,
}

/// This boot of the host.
pub(super) fn boot() -> u128 {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    // Where it cannot be read, all boots are one.
    u128::from_str_radix(&text.trim().replace('-', ""), 16).unwrap_or_default()
}

/// The content of a tail after which nothing but this event is known.
pub(super) fn of(boot: u128, (epoch, seq): (u64, u64)) -> Vec<u8> {
    let mut bytes = record::encode(&Record::Boot { id: boot });
    bytes.extend(record::encode(&Record::Mark { epoch, seq }));
    bytes
}

/// The content of a tail of no run, which says that there was none.
pub(super) fn none(boot: u128, unkept: Option<u64>) -> Vec<u8> {
    let mut bytes = of(boot, (0, 0));
    bytes.extend(unkept.into_iter().flat_map(|epoch| record::encode(&Record::Unkept { epoch })));
    bytes
}

impl Left {
    /// What `bytes` say in this boot of the host.
    pub(super) fn of(bytes: &[u8], boot: u128) -> Self {
        let mut left = Left::default();
        let mut is_of_boot = false;
        for record in record::all(bytes).0 {
            match record {
                Record::Event(event) => {
                    left.last = left.last.max(Some((event.epoch, event.seq)));
                    left.events.push(*event);
                }
                Record::Mark { epoch, seq } => left.last = left.last.max(Some((epoch, seq))),
                Record::Unkept { epoch } => left.unkept = left.unkept.max(Some(epoch)),
                Record::Boot { id } => is_of_boot = id == boot,
                Record::Began(_) => {}
            }
        }
        left.last = left.last.filter(|_| is_of_boot);
        left
    }
}

impl Tail {
    /// What the daemon before this one left at `path` in this boot of the host.
    /// One that has been started anew has no such file, as a rule.
    pub(super) fn left(path: &Path, boot: u128) -> Left {
        Left::of(&fs::read(path).unwrap_or_default(), boot)
    }

    /// One with this content.
    pub(super) fn begin(path: &Path, boot: u128, content: &[u8]) -> io::Result<Self> {
        let file = replace(path, content)?;
        Ok(Tail { path: path.to_owned(), boot, file, bytes: content.len() as u64 })
    }

    /// Adds to what was left that the run `epoch` keeps nothing.
    pub(super) fn skip(path: &Path, epoch: u64) -> io::Result<()> {
        let bytes = fs::read(path).unwrap_or_default();
        let records = record::all(&bytes).0.into_iter();
        // Of such runs the latest is enough.
        let others = records.filter(|record| !matches!(record, Record::Unkept { .. }));
        let unkept = [Record::Unkept { epoch }];
        let bytes: Vec<u8> = others.chain(unkept).flat_map(|it| record::encode(&it)).collect();
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
            let content = of(self.boot, (epoch, seq.saturating_sub(1)));
            *self = Self::begin(&self.path, self.boot, &content)?;
        }
        self.file.write_all(bytes)?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Removes it: nobody may take it for the truth.
    pub(super) fn give_up(self) -> io::Result<()> {
        fs::remove_file(&self.path)
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
