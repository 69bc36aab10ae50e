//! Reading the journal while it is written, piece by piece: whoever reads it
//! slowly holds one piece.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt as _,
    path::{Path, PathBuf},
};

use hats_proto::ipc;

use super::{
    order::{Gap, Order, Step},
    record::{self, Found, RECORD_MAX, Record},
    store::{self, Name},
};

/// How much is read at once; room for a whole record in any case.
const PIECE_BYTES: usize = 128 << 10;
const _: () = assert!(PIECE_BYTES >= RECORD_MAX);

/// The journal, for reading. Costs nothing to copy.
#[derive(Clone, Debug)]
pub(crate) struct Archive {
    dir: PathBuf,
}

/// A place in the journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cursor {
    order: Order,
    /// The segment that is being read, and how far.
    at: Option<(Name, u64)>,
}

impl Cursor {
    /// After this event; without one, at the beginning.
    pub(crate) fn after(last: Option<(u64, u64)>) -> Self {
        Cursor { order: Order::after(last), at: None }
    }

    /// The last event that was read.
    pub(crate) fn last(&self) -> Option<(u64, u64)> {
        self.order.last()
    }
}

/// What was read.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Item {
    Event(Box<ipc::Event>),
    /// Before the next event, something is missing or the epoch changes.
    Gap(Gap),
}

/// A piece of the journal.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) items: Vec<Item>,
    /// There is nothing after it, for now.
    pub(crate) is_last: bool,
}

impl Archive {
    pub(super) fn new(dir: &Path) -> Self {
        Archive { dir: dir.to_owned() }
    }

    /// Where the newest segments begin, of at most so many bytes together.
    pub(crate) fn newest(&self, bytes: u64) -> io::Result<Cursor> {
        let names = store::segments(&self.dir)?;
        let (mut left, mut first) = (bytes, None);
        for name in names.iter().rev() {
            let length = match fs::metadata(store::path(&self.dir, *name)) {
                Ok(of) => of.len(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                Err(error) => return Err(error),
            };
            match left.checked_sub(length) {
                Some(rest) => left = rest,
                None => break,
            }
            first = Some((*name, 0));
        }
        Ok(Cursor { order: Order::after(None), at: first.or(names.last().map(|it| (*it, 0))) })
    }

    /// Reads the next piece.
    pub(crate) fn read(&self, cursor: &mut Cursor) -> io::Result<Piece> {
        let mut items = Vec::new();
        let names = store::segments(&self.dir)?;
        let at = cursor.at.or_else(|| first_segment(&names, cursor.order.last()));
        let Some((name, offset)) = at else {
            return Ok(Piece { items, is_last: true });
        };
        let next = next_segment(&names, name);
        let mut bytes = vec![0; PIECE_BYTES];
        let length = match File::open(store::path(&self.dir, name)) {
            Ok(file) => read_full(&file, &mut bytes, offset)?,
            // Removed meanwhile; the gap shows.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        bytes.truncate(length);
        // No more will come after these bytes.
        let is_all = length < PIECE_BYTES && next.is_some();
        let taken = scan(&bytes, is_all, &mut cursor.order, &mut items);
        let done = length < PIECE_BYTES;
        cursor.at = match next {
            Some(next) if done => Some((next, 0)),
            Some(_) | None => Some((name, offset + taken as u64)),
        };
        let is_last = done && next.is_none();
        if is_last {
            items.extend(cursor.order.end().map(Item::Gap));
        }
        Ok(Piece { items, is_last })
    }
}

/// Takes what there is out of some bytes; tells how many have been taken.
fn scan(bytes: &[u8], is_all: bool, order: &mut Order, items: &mut Vec<Item>) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let found = if is_all { record::next_of_all(rest) } else { record::next(rest) };
        match found {
            Found::Record(Record::Event(event), length) => {
                at += length;
                match order.event(event.epoch, event.seq) {
                    Step::Old => {}
                    Step::New(gap) => {
                        items.extend(gap.map(Item::Gap));
                        items.push(Item::Event(event));
                    }
                }
            }
            Found::Record(Record::Began(began), length) => {
                at += length;
                order.began(&began);
            }
            Found::Record(
                Record::Mark { .. } | Record::Unkept { .. } | Record::Boot { .. },
                length,
            )
            | Found::Damage(length) => at += length,
            Found::Unfinished => return at,
        }
    }
}

/// Where to begin so that nothing after `last` is passed over.
fn first_segment(names: &[Name], last: Option<(u64, u64)>) -> Option<(Name, u64)> {
    let found = match last {
        // One begins with what comes before its first event.
        Some(last) => names.iter().rev().find(|name| **name <= last).or(names.first()),
        None => names.first(),
    };
    found.map(|name| (*name, 0))
}

fn next_segment(names: &[Name], name: Name) -> Option<Name> {
    names.iter().find(|other| **other > name).copied()
}

fn read_full(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], offset + length as u64) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}
