//! The journal's files: segments in one directory, the oldest removed first.
//!
//! A segment is named after the first event in it, `EPOCH-SEQ.events` in
//! hexadecimal, so that names in order are events in order. Only ever the last
//! one is written to, and only at its end.

use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use super::record::{self, Record};
use crate::clock;

const ENDING: &str = ".events";

/// Files at most, however small.
const SEGMENTS_MAX: usize = 512;

/// Runs that begin within so many milliseconds share a segment, so that a daemon
/// that keeps dying does not push out what happened before. Epochs are
/// milliseconds, or further apart; age is a whole segment's, so not for longer.
const SHARED_MS: u64 = 3_600_000;

/// How large a segment grows: an eighth of everything, within these.
const SEGMENT_BYTES: (u64, u64) = (64 << 10, 4 << 20);

/// What bounds the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// Of all segments together.
    pub(crate) bytes: u64,
    /// Of the youngest event of a segment.
    pub(crate) age: Duration,
}

/// A segment's place in the order.
pub(super) type Name = (u64, u64);

/// The segments of a directory, in order; what is named otherwise is no
/// business of ours.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        names.extend(parse(&entry?.file_name()));
    }
    names.sort_unstable();
    Ok(names)
}

fn parse(name: &OsString) -> Option<Name> {
    let (epoch, seq) = name.to_str()?.strip_suffix(ENDING)?.split_once('-')?;
    let number = |text: &str| {
        let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
    };
    Some((number(epoch)?, number(seq)?))
}

/// Where a segment is.
pub(super) fn path(dir: &Path, name: Name) -> PathBuf {
    dir.join(format!("{:016x}-{:016x}{ENDING}", name.0, name.1))
}

/// What the end of the journal says.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Ending {
    /// The last event; none in an empty journal.
    pub(super) last: Option<(u64, u64)>,
    /// The last event that was published, where a run said so at its end.
    pub(super) published: Option<(u64, u64)>,
    /// The last run that said that it keeps nothing here.
    pub(super) unkept: Option<u64>,
    /// Bytes in the last segment that are no record.
    pub(super) damaged: u64,
}

/// Writes segments.
#[derive(Debug)]
pub(super) struct Store {
    dir: PathBuf,
    limits: Limits,
    current: Option<Segment>,
    /// The last segment of earlier runs is intact, so that it can go on.
    is_intact: bool,
}

#[derive(Debug)]
struct Segment {
    file: File,
    bytes: u64,
}

impl Store {
    /// Opens the directory, and tells how the journal ends.
    pub(super) fn open(dir: &Path, limits: Limits) -> io::Result<(Self, Ending)> {
        fs::create_dir_all(dir)?;
        let ending = ending(dir)?;
        let (dir, is_intact) = (dir.to_owned(), ending.damaged == 0);
        Ok((Store { dir, limits, current: None, is_intact }, ending))
    }

    /// Writes records, the first of which is, or comes before, event `at`.
    pub(super) fn append(&mut self, bytes: &[u8], at: Name) -> io::Result<()> {
        let full = self.full();
        if self.current.as_ref().is_none_or(|segment| segment.bytes >= full) {
            self.begin(at)?;
        }
        self.write(bytes)
    }

    /// Writes what is said of the events before it, the last of which is `at`:
    /// in the segment that has them, however full, so that the newest segment
    /// is never one without an event.
    pub(super) fn append_after(&mut self, bytes: &[u8], at: Name) -> io::Result<()> {
        if self.current.is_none() {
            self.begin(at)?;
        }
        self.write(bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(segment) = &mut self.current else { return Ok(()) };
        let written = segment.file.write_all(bytes);
        if written.is_err() {
            // Half a record would only be passed over; without it there may be
            // room for the next.
            let _ = segment.file.set_len(segment.bytes);
        } else {
            segment.bytes += bytes.len() as u64;
        }
        written
    }

    /// How large a segment grows.
    fn full(&self) -> u64 {
        let (least, most) = SEGMENT_BYTES;
        (self.limits.bytes / 8).clamp(least, most)
    }

    fn begin(&mut self, at: Name) -> io::Result<()> {
        self.current = None;
        self.expire(clock::wall())?;
        let shared = self.shared(at)?;
        self.is_intact = false;
        let mut options = File::options();
        // Reading events needs membership of a group; so does reading this.
        options.append(true).create(true).mode(0o600);
        let file = options.open(path(&self.dir, shared.unwrap_or(at)))?;
        if shared.is_none() {
            File::open(&self.dir)?.sync_all()?;
        }
        let bytes = file.metadata()?.len();
        self.current = Some(Segment { file, bytes });
        Ok(())
    }

    /// The last segment, if this run may go on in it: where its end is damaged,
    /// what comes after would be found only by its mark.
    fn shared(&self, at: Name) -> io::Result<Option<Name>> {
        let Some(last) = segments(&self.dir)?.pop().filter(|_| self.is_intact) else {
            return Ok(None);
        };
        let is_near = last <= at && at.0 - last.0 < SHARED_MS;
        let is_full = fs::metadata(path(&self.dir, last))?.len() >= self.full();
        Ok(Some(last).filter(|_| is_near && !is_full))
    }

    /// Removes what is too much or too old, the last segment never.
    pub(super) fn expire(&self, now: SystemTime) -> io::Result<()> {
        let mut names = segments(&self.dir)?;
        if self.current.is_some() {
            names.pop();
        }
        // Room for the one that is being written.
        let mut left = self.limits.bytes.saturating_sub(self.full());
        let mut count = SEGMENTS_MAX - 1;
        let mut remove = false;
        for name in names.into_iter().rev() {
            let file = path(&self.dir, name);
            let metadata = fs::metadata(&file)?;
            let age = metadata.modified().ok().and_then(|at| now.duration_since(at).ok());
            remove = remove
                || count == 0
                || metadata.len() > left
                || age.is_some_and(|age| age > self.limits.age);
            if remove {
                fs::remove_file(&file)?;
            } else {
                left -= metadata.len();
                count -= 1;
            }
        }
        Ok(())
    }

    /// Removes everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.current = None;
        segments(&self.dir)?.into_iter().try_for_each(|name| fs::remove_file(path(&self.dir, name)))
    }

    /// Says at the end of a journal that the run `epoch` keeps nothing in it.
    pub(super) fn skip(dir: &Path, epoch: u64) -> io::Result<()> {
        if !dir.try_exists()? {
            return Ok(());
        }
        let Some(name) = segments(dir)?.pop() else { return Ok(()) };
        // Nothing is removed for this.
        let limits = Limits { bytes: u64::MAX, age: Duration::MAX };
        let (mut store, ending) = Store::open(dir, limits)?;
        if ending.unkept.map(|run| (run, 0)) >= ending.last {
            // So has an earlier one, and none has told it yet.
            return Ok(());
        }
        // Not under this run's name: what the tail has left is still to come, and
        // the last segment is where a reader looks for what comes last.
        let at = ending.last.unwrap_or_default().max(name);
        store.append(&record::encode(&Record::Unkept { epoch }), at)?;
        store.sync()
    }

    /// Has the disk keep what was written.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.current.as_ref().map_or(Ok(()), |segment| segment.file.sync_data())
    }
}

/// Looks at segments from the last backwards until one has an event.
fn ending(dir: &Path) -> io::Result<Ending> {
    let mut ending = Ending::default();
    for name in segments(dir)?.into_iter().rev() {
        let (records, damaged) = record::all(&fs::read(path(dir, name))?);
        ending.damaged += damaged;
        for record in records {
            match record {
                Record::Event(event) => {
                    ending.last = ending.last.max(Some((event.epoch, event.seq)));
                }
                Record::Began(began) => ending.last = ending.last.max(Some((began.epoch, 0))),
                Record::Mark { epoch, seq } => {
                    ending.published = ending.published.max(Some((epoch, seq)));
                }
                Record::Unkept { epoch } => ending.unkept = ending.unkept.max(Some(epoch)),
                Record::Boot { .. } => {}
            }
        }
        if ending.last.is_some() {
            break;
        }
    }
    Ok(ending)
}
