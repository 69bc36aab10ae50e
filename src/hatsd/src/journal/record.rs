//! What a journal file is made of: records, one after the other, nothing else.
//!
//! ```text
//! "HEv1"  length u32  crc32 u32  | kind u8  body ...
//! 4       4           4          | length bytes, over which the crc is
//! ```
//!
//! Numbers are little-endian. Wherever bytes are damaged or missing, the next
//! intact record is found by its mark and its checksum: what is lost is what
//! was touched.

use hats_proto::ipc;
use prost::Message as _;

/// Begins each record, and names the version of the format.
const MARK: [u8; 4] = *b"HEv1";
const HEADER: usize = 12;

/// The longest record after its header. An event is text of bounded names and
/// lists; a longer one is cut short by its writer.
pub(super) const BODY_MAX: usize = 64 << 10;

/// The longest record.
pub(super) const RECORD_MAX: usize = HEADER + BODY_MAX;

/// One thing that was written down.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Record {
    /// An event, as it was published.
    Event(Box<ipc::Event>),
    /// A run of the daemon began.
    Began(Began),
    /// Everything up to here had been published: a run's end, or where the
    /// events before this have been put elsewhere.
    Mark { epoch: u64, seq: u64 },
    /// What this run published after its last event here is not written down.
    Unkept { epoch: u64 },
    /// The boot of the host in which this was written.
    Boot { id: u128 },
}

/// The beginning of a run, and what is known of the one before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Began {
    pub(super) epoch: u64,
    /// The run before it, and the last event that one published.
    pub(super) before: (u64, u64),
    /// That one may have published more.
    pub(super) more: bool,
}

/// The record as bytes.
pub(super) fn encode(record: &Record) -> Vec<u8> {
    match record {
        Record::Event(event) => event_bytes(event),
        Record::Began(began) => {
            let numbers = [began.epoch, began.before.0, began.before.1, u64::from(began.more)];
            numbers_bytes(b'B', &numbers)
        }
        Record::Mark { epoch, seq } => numbers_bytes(b'M', &[*epoch, *seq]),
        Record::Unkept { epoch } => numbers_bytes(b'U', &[*epoch]),
        Record::Boot { id } => {
            let low = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
            let high = u64::try_from(id >> 64).unwrap_or_default();
            numbers_bytes(b'H', &[low, high])
        }
    }
}

/// An event as a record. One that is too long loses its lists and the end of
/// its text, and if that is not enough all but what it is: its number must not
/// be missing.
pub(super) fn event_bytes(event: &ipc::Event) -> Vec<u8> {
    let body = |event: &ipc::Event| {
        let mut body = vec![b'E'];
        // A vector has room for everything.
        let _ = event.encode(&mut body);
        body
    };
    let whole = body(event);
    if whole.len() <= BODY_MAX {
        return framed(&whole);
    }
    let msg: String = event.msg.chars().take(BODY_MAX / 16).collect();
    let (sets, arbiters) = (Vec::new(), Vec::new());
    let short = body(&ipc::Event { msg: msg.clone(), sets, arbiters, ..event.clone() });
    if short.len() <= BODY_MAX {
        return framed(&short);
    }
    let least = ipc::Event {
        ts: event.ts.clone(),
        level: event.level.clone(),
        code: event.code.clone(),
        event: event.event.clone(),
        epoch: event.epoch,
        seq: event.seq,
        msg,
        ..ipc::Event::default()
    };
    framed(&body(&least))
}

fn numbers_bytes(kind: u8, numbers: &[u64]) -> Vec<u8> {
    let mut body = vec![kind];
    body.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    framed(&body)
}

fn framed(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEADER + body.len());
    bytes.extend_from_slice(&MARK);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32(body).to_le_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// What stands at the beginning of some bytes.
#[derive(Debug)]
pub(super) enum Found {
    /// A record of this many bytes.
    Record(Record, usize),
    /// This many bytes are no record.
    Damage(usize),
    /// So far the beginning of a record, or nothing.
    Unfinished,
}

/// Looks at the beginning of `bytes`.
pub(super) fn next(bytes: &[u8]) -> Found {
    if bytes.is_empty() {
        return Found::Unfinished;
    }
    match record(bytes) {
        Look::Record(record, length) => Found::Record(record, length),
        Look::Unfinished => unfinished(bytes),
        Look::Not => Found::Damage(1 + until_mark(&bytes[1..])),
    }
}

/// What has no end yet, unless a whole record comes after it: only ever the last
/// one is being written.
fn unfinished(bytes: &[u8]) -> Found {
    let mut at = 1 + until_mark(&bytes[1..]);
    while at < bytes.len() {
        if let Look::Record(..) = record(&bytes[at..]) {
            return Found::Damage(at);
        }
        at += 1 + until_mark(&bytes[at + 1..]);
    }
    Found::Unfinished
}

/// Where no more will be added: what is unfinished there is damage as well.
pub(super) fn next_of_all(bytes: &[u8]) -> Found {
    match next(bytes) {
        Found::Unfinished if !bytes.is_empty() => Found::Damage(1 + until_mark(&bytes[1..])),
        found @ (Found::Record(..) | Found::Damage(_) | Found::Unfinished) => found,
    }
}

/// All records of what is complete, and how many bytes between them are none.
pub(super) fn all(bytes: &[u8]) -> (Vec<Record>, u64) {
    let (mut records, mut damaged) = (Vec::new(), 0);
    let mut at = 0;
    loop {
        match next_of_all(&bytes[at..]) {
            Found::Record(record, length) => {
                records.push(record);
                at += length;
            }
            Found::Damage(length) => {
                damaged += length as u64;
                at += length;
            }
            Found::Unfinished => return (records, damaged),
        }
    }
}

enum Look {
    Record(Record, usize),
    Unfinished,
    Not,
}

fn record(bytes: &[u8]) -> Look {
    let there = bytes.len().min(MARK.len());
    if bytes[..there] != MARK[..there] {
        return Look::Not;
    }
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else { return Look::Unfinished };
    let number = |at: usize| header.get(at..at + 4).and_then(|four| four.try_into().ok());
    let (Some(length), Some(crc)) = (number(4), number(8)) else { return Look::Not };
    let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length == 0 || length > BODY_MAX {
        return Look::Not;
    }
    let Some(body) = rest.get(..length) else { return Look::Unfinished };
    if crc32(body) != u32::from_le_bytes(crc) {
        return Look::Not;
    }
    decode(body).map_or(Look::Not, |record| Look::Record(record, HEADER + length))
}

fn decode(body: &[u8]) -> Option<Record> {
    let (kind, rest) = body.split_first()?;
    let numbers = |count: usize| -> Option<Vec<u64>> {
        let (chunks, left) = rest.as_chunks::<8>();
        let whole = chunks.len() == count && left.is_empty();
        whole.then(|| chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect())
    };
    match kind {
        b'E' => Some(Record::Event(Box::new(ipc::Event::decode(rest).ok()?))),
        b'B' => {
            let numbers = numbers(4)?;
            let (epoch, before, more) = (numbers[0], (numbers[1], numbers[2]), numbers[3] != 0);
            Some(Record::Began(Began { epoch, before, more }))
        }
        b'M' => {
            let numbers = numbers(2)?;
            Some(Record::Mark { epoch: numbers[0], seq: numbers[1] })
        }
        b'U' => Some(Record::Unkept { epoch: numbers(1)?[0] }),
        b'H' => {
            let numbers = numbers(2)?;
            let id = u128::from(numbers[1]) << 64 | u128::from(numbers[0]);
            Some(Record::Boot { id })
        }
        _ => None,
    }
}

/// How many bytes come before the next mark, or what may become one.
fn until_mark(bytes: &[u8]) -> usize {
    (0..bytes.len())
        .find(|at| {
            let there = (bytes.len() - at).min(MARK.len());
            bytes[*at..at + there] == MARK[..there]
        })
        .unwrap_or(bytes.len())
}

/// CRC-32 as in Ethernet and zlib.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut index = 0;
        while index < 256 {
            let mut value = index as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    let step = |crc: u32, byte: &u8| {
        let index = usize::from(crc.to_le_bytes()[0] ^ byte);
        (crc >> 8) ^ TABLE[index]
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn checksum_is_the_well_known_one() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
