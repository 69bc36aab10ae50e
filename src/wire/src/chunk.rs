//! Long messages in parts.
//!
//! A part is not acknowledged: when one is lost the whole message is, and who
//! wanted it asks again, as for a message of one datagram.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::net::IpAddr;

use crate::{
    Chunk, DATAGRAM_MAX, DecodeError, Frame, HEADER_LEN, Header, Incarnation, Item, Message,
    NodeId,
    codec::{self, kind},
};

/// The most parts of one message.
pub const CHUNKS_MAX: usize = 256;
/// Bytes of one part: what a datagram holds beside its header and the longest
/// form of a chunk's other fields (11 bytes for the id, 3 each for index, count,
/// kind, and the part's tag and length).
pub const CHUNK_PART_MAX: usize = DATAGRAM_MAX - HEADER_LEN - 11 - 3 - 3 - 3 - 3;
/// The longest body that can be sent at all.
pub const MESSAGE_MAX: usize = CHUNKS_MAX * CHUNK_PART_MAX;
/// The most messages of which parts are kept, or that they were put together.
pub const PARTIAL_MAX: usize = 1024;
/// The most of them that are kept for one source address: who judges hundreds at
/// once tells hundreds of verdicts at once, and their parts arrive mixed.
pub const PARTIAL_PER_SENDER_MAX: usize = 512;
/// The most bytes that parts may need, when all have come.
pub const PARTIAL_BYTES_MAX: usize = 64 * MESSAGE_MAX;
/// The most bytes that those of one source address may need.
pub const PARTIAL_BYTES_PER_SENDER_MAX: usize = 8 * MESSAGE_MAX;
/// How long after its first part a message must be complete.
pub const PARTIAL_AGE_NS_MAX: u64 = 2_000_000_000;

/// Encodes `message` as one datagram, or as several [`Message::Chunk`]s when it
/// is too long for one. Their id follows from what the message says: parts of one
/// that is sent again make up for those that were lost of the first.
///
/// Gives nothing when the body is longer than [`MESSAGE_MAX`]: no receiver would
/// take it.
pub fn split(header: &Header, message: &Message) -> Vec<Vec<u8>> {
    split_within(header, message, DATAGRAM_MAX)
}

/// The same with datagrams of `longest` bytes, for ways that lose longer ones; of
/// more, where the message would have too many parts otherwise.
pub fn split_within(header: &Header, message: &Message, longest: usize) -> Vec<Vec<u8>> {
    let of = codec::message_type(message);
    let body = codec::encode_body(message);
    // A chunk in chunks would be refused, so it is sent whole or not at all.
    let longest = if of == kind::CHUNK { DATAGRAM_MAX } else { longest.min(DATAGRAM_MAX) };
    if HEADER_LEN + body.len() <= longest {
        return alloc::vec![codec::datagram(header, of, &body)];
    }
    if body.len() > MESSAGE_MAX || of == kind::CHUNK {
        return Vec::new();
    }
    let least = body.len().div_ceil(CHUNKS_MAX);
    let part = longest.saturating_sub(DATAGRAM_MAX - CHUNK_PART_MAX).max(least);
    let count = body.len().div_ceil(part);
    let message_id = id_of(of, count, &body);
    let chunk = |(index, part): (usize, &[u8])| Chunk {
        message_id,
        index: number(index),
        count: number(count),
        kind: of,
        part: part.to_vec(),
    };
    body.chunks(part)
        .enumerate()
        .map(|part| codec::encode(header, &Message::Chunk(chunk(part))))
        .collect()
}

/// FNV-1a, 64 bits.
fn id_of(kind: u8, count: usize, body: &[u8]) -> u64 {
    let count = count.to_be_bytes();
    let bytes = [kind].into_iter().chain(count).chain(body.iter().copied());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Floods of `items`, as many in each as fit one datagram; one that does not
/// fit by itself has a flood of its own.
pub fn floods(items: impl IntoIterator<Item = Item>) -> Vec<Message> {
    let room = DATAGRAM_MAX - HEADER_LEN;
    let mut floods = Vec::new();
    let (mut some, mut size) = (Vec::new(), 0);
    for item in items {
        let length = codec::length_in_flood(&item);
        if !some.is_empty() && size + length > room {
            floods.push(Message::Flood { items: core::mem::take(&mut some) });
            size = 0;
        }
        size += length;
        some.push(item);
    }
    if !some.is_empty() {
        floods.push(Message::Flood { items: some });
    }
    floods
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("at most CHUNKS_MAX")
}

/// Whether a chunk can be a part of anything.
pub(crate) fn check(chunk: &Chunk) -> Result<(), DecodeError> {
    let count = usize::try_from(chunk.count).unwrap_or(usize::MAX);
    let bad = if !(1..=CHUNKS_MAX).contains(&count) {
        "chunk.count"
    } else if chunk.index >= chunk.count {
        "chunk.index"
    } else if !(kind::HEARTBEAT..=kind::SUMMARY).contains(&chunk.kind) || chunk.kind == kind::CHUNK
    {
        "chunk.kind"
    } else if chunk.part.is_empty() || chunk.part.len() > CHUNK_PART_MAX {
        "chunk.part"
    } else {
        return Ok(());
    };
    Err(DecodeError::BadField { field: bad })
}

/// What tells the messages apart. The source address is part of it: who cannot
/// send from another's address cannot spoil another's message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Key {
    from: IpAddr,
    cluster: u32,
    node_id: NodeId,
    incarnation: Incarnation,
    message_id: u64,
}

#[derive(Debug)]
struct Partial {
    began_ns: u64,
    kind: u8,
    count: u32,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The parts so far, by index.
    Waiting(BTreeMap<u32, Vec<u8>>),
    /// Given out; kept so that late duplicates do not begin it anew.
    Complete,
}

/// How much is kept.
#[derive(Clone, Copy, Default, Debug)]
struct Load {
    messages: usize,
    /// What those that are not complete need.
    bytes: usize,
}

impl Load {
    fn add(&mut self, partial: &Partial) {
        self.messages += 1;
        self.bytes += partial.needs();
    }

    fn take(&mut self, partial: &Partial) {
        self.messages -= 1;
        self.bytes -= partial.needs();
    }
}

/// Puts the parts of long messages together again, within bounds.
///
/// Parts may come in any order, twice, or not at all. Whatever comes, at most
/// [`PARTIAL_BYTES_MAX`] bytes of [`PARTIAL_MAX`] messages are kept.
#[derive(Debug, Default)]
pub struct Reassembly {
    partial: BTreeMap<Key, Partial>,
    /// Of all, and of each source address.
    load: Load,
    loads: BTreeMap<IpAddr, Load>,
    /// Nothing is older.
    oldest_ns: u64,
}

impl Reassembly {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one datagram's frame and where it came from; gives the whole
    /// message when it is complete. What is not a chunk passes straight through.
    pub fn accept(
        &mut self,
        now_ns: u64,
        from: IpAddr,
        frame: Frame,
    ) -> Result<Option<Frame>, DecodeError> {
        self.forget_old(now_ns);
        let header = frame.header;
        let Message::Chunk(chunk) = frame.message else {
            return Ok(Some(frame));
        };
        check(&chunk)?;
        let Header { cluster, node_id, incarnation } = header;
        let key = Key { from, cluster, node_id, incarnation, message_id: chunk.message_id };
        let mut partial = self.take(&key).unwrap_or_else(|| Partial {
            began_ns: now_ns,
            kind: chunk.kind,
            count: chunk.count,
            state: State::Waiting(BTreeMap::new()),
        });
        self.make_room(from, partial.needs());
        let added = partial.add(chunk);
        let kind = partial.kind;
        self.put(key, partial);
        let Some(body) = added? else {
            return Ok(None);
        };
        let message = codec::decode_body(kind, &body)?;
        Ok(Some(Frame { header, message }))
    }

    /// How many messages are known, complete or not.
    pub fn len(&self) -> usize {
        self.partial.len()
    }

    /// Whether none is known.
    pub fn is_empty(&self) -> bool {
        self.partial.is_empty()
    }

    fn put(&mut self, key: Key, partial: Partial) {
        if self.partial.is_empty() {
            self.oldest_ns = partial.began_ns;
        }
        self.oldest_ns = self.oldest_ns.min(partial.began_ns);
        self.load.add(&partial);
        self.loads.entry(key.from).or_default().add(&partial);
        self.partial.insert(key, partial);
    }

    fn take(&mut self, key: &Key) -> Option<Partial> {
        let partial = self.partial.remove(key)?;
        self.load.take(&partial);
        if let Some(its) = self.loads.get_mut(&key.from) {
            its.take(&partial);
            if its.messages == 0 {
                self.loads.remove(&key.from);
            }
        }
        Some(partial)
    }

    fn forget_old(&mut self, now_ns: u64) {
        let is_old = |began_ns: u64| now_ns.saturating_sub(began_ns) >= PARTIAL_AGE_NS_MAX;
        if !is_old(self.oldest_ns) {
            return;
        }
        let old = self.partial.iter().filter(|(_, one)| is_old(one.began_ns));
        let old: Vec<Key> = old.map(|(key, _)| *key).collect();
        for key in old {
            self.take(&key);
        }
        let left = self.partial.values().map(|partial| partial.began_ns);
        self.oldest_ns = left.min().unwrap_or(now_ns);
    }

    /// Makes room for one more message of `from`, that needs so many bytes: at the
    /// expense of its own, or of who has most.
    fn make_room(&mut self, from: IpAddr, needs: usize) {
        while let Some(its) = self.loads.get(&from).copied() {
            let bytes = its.bytes + needs > PARTIAL_BYTES_PER_SENDER_MAX;
            if !bytes && its.messages < PARTIAL_PER_SENDER_MAX {
                break;
            }
            self.drop_oldest(&BTreeSet::from([from]), bytes);
        }
        loop {
            let bytes = self.load.bytes + needs > PARTIAL_BYTES_MAX;
            if !bytes && self.load.messages < PARTIAL_MAX {
                return;
            }
            let of = |load: &Load| if bytes { load.bytes } else { load.messages };
            let most = self.loads.values().map(of).max();
            let with_most = self.loads.iter().filter(|(_, load)| Some(of(load)) == most);
            let with_most = with_most.map(|(from, _)| *from).collect();
            self.drop_oldest(&with_most, bytes);
        }
    }

    /// Drops one message of these senders: one that is not complete where `bytes` are
    /// short, since the others have none; else complete ones first, as nothing is lost
    /// with them.
    fn drop_oldest(&mut self, senders: &BTreeSet<IpAddr>, bytes: bool) {
        let waits = |one: &Partial| matches!(one.state, State::Waiting(_));
        let oldest = self
            .partial
            .iter()
            .filter(|(key, one)| senders.contains(&key.from) && (!bytes || waits(one)))
            .min_by_key(|(_, one)| (waits(one), one.began_ns))
            .map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.take(&key);
        }
    }
}

impl Partial {
    /// Bytes, when all parts have come; none any more when it is complete.
    fn needs(&self) -> usize {
        match self.state {
            State::Waiting(_) => usize::try_from(self.count).unwrap_or(CHUNKS_MAX) * CHUNK_PART_MAX,
            State::Complete => 0,
        }
    }

    /// Takes a part; gives the body when it was the last one missing.
    fn add(&mut self, chunk: Chunk) -> Result<Option<Vec<u8>>, DecodeError> {
        if chunk.count != self.count {
            return Err(DecodeError::BadField { field: "chunk.count" });
        }
        if chunk.kind != self.kind {
            return Err(DecodeError::BadField { field: "chunk.kind" });
        }
        let State::Waiting(parts) = &mut self.state else {
            return Ok(None);
        };
        parts.entry(chunk.index).or_insert(chunk.part);
        if parts.len() < self.count as usize {
            return Ok(None);
        }
        let body = parts.values().flatten().copied().collect();
        self.state = State::Complete;
        Ok(Some(body))
    }
}
