//! The last events on disk, bounded by size and age, so that they can still be
//! asked for after the daemon was started anew.
//!
//! What is promised: an event that a subscriber may have seen is in the journal
//! or is known to be missing, whatever moment the daemon is killed at. Three
//! places make that so. [`tail`] takes each event before any subscriber does
//! and waits for no disk; a thread writes the [`store`]; the next daemon puts
//! what only the tail has into the store, and writes down what is known of its
//! predecessor's last event ([`record::Began`]); [`opening`] is the proof.
//! [`archive`] reads, [`order`] finds the gaps.
//!
//! It is never fatal: without a journal, or with a damaged one, there are gaps,
//! and each is told.

mod archive;
mod opening;
mod order;
mod record;
mod store;
mod tail;

#[cfg(test)]
mod kills;
#[cfg(test)]
mod tests;

use std::{
    io,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use hats_proto::ipc;

use opening::Step;
use record::Record;
use store::Store;
use tail::Tail;

use crate::clock;

pub(crate) use archive::{Archive, Cursor, Item};
pub(crate) use store::Limits;

/// Events that may wait for the disk. More are left out of the journal.
const QUEUE_EVENTS: usize = 4096;

/// Written at once at most.
const BATCH_BYTES: usize = 256 << 10;

/// When nothing is to be written, the disk is made to keep what was.
const SYNC_AFTER: Duration = Duration::from_secs(1);

/// How often it is looked for what is too old.
const EXPIRE_EVERY: Duration = Duration::from_secs(600);

/// How long the daemon waits at its end for the disk.
const LAST_WAIT: Duration = Duration::from_millis(500);

/// Takes events; see the module.
#[derive(Debug)]
pub(crate) struct Journal {
    epoch: u64,
    tail: Option<Tail>,
    queue: Option<SyncSender<Entry>>,
    finished: Receiver<()>,
    numbers: Arc<Numbers>,
    archive: Archive,
    dropped: u64,
}

/// How far this run is.
#[derive(Debug, Default)]
struct Numbers {
    /// The last event that was taken.
    taken: AtomicU64,
    /// The last event in the store.
    journaled: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    seq: u64,
    bytes: Vec<u8>,
}

/// Where the journal is and how large it may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The directory of its segments.
    pub(crate) dir: &'a Path,
    /// The tail's file.
    pub(crate) tail: &'a Path,
    pub(crate) limits: Limits,
}

/// Says of the run `epoch`, which keeps no events, that there may have been
/// some: in the journal, if there is one, and in the tail.
pub(crate) fn skip(dir: Option<&Path>, tail: &Path, epoch: u64) -> io::Result<()> {
    let in_store = dir.map(|dir| Store::skip(dir, epoch));
    let in_tail = Tail::skip(tail, epoch);
    // One of them is enough until the host is started anew.
    if matches!(in_store, Some(Ok(()))) { Ok(()) } else { in_tail }
}

impl Journal {
    /// Opens the journal for the run `epoch`, and tells what was wrong with it.
    pub(crate) fn open(place: Place<'_>, epoch: u64) -> io::Result<(Self, Vec<String>)> {
        let boot = tail::boot();
        let (mut store, steps, warnings) = Self::find(place, epoch, boot)?;
        let mut tail = None;
        for step in &steps {
            tail = perform(step, &mut store, place.tail, boot)?.or(tail);
        }
        let numbers = Arc::new(Numbers::default());
        let (queue, entries) = sync_channel(QUEUE_EVENTS);
        let (done, finished) = sync_channel(1);
        let writer = Writer { store, epoch, numbers: Arc::clone(&numbers), is_failing: false };
        thread::Builder::new().name("journal".to_owned()).spawn(move || {
            writer.run(&entries);
            // Nobody waits when the daemon is already gone.
            let _ = done.send(());
        })?;
        let archive = Archive::new(place.dir);
        let queue = Some(queue);
        let journal = Journal { epoch, tail, queue, finished, numbers, archive, dropped: 0 };
        Ok((journal, warnings))
    }

    /// What is there, and what the run `epoch` is to write before it publishes.
    fn find(
        place: Place<'_>,
        epoch: u64,
        boot: u128,
    ) -> io::Result<(Store, Vec<Step>, Vec<String>)> {
        let (mut store, mut ending) = Store::open(place.dir, place.limits)?;
        let mut left = Tail::left(place.tail, boot);
        let mut warnings = Vec::new();
        if ending.damaged > 0 {
            let dir = place.dir.display();
            let damaged = ending.damaged;
            warnings.push(format!(
                "the journal in {dir} is damaged: {damaged} bytes at its end are passed over"
            ));
        }
        if ending.last.max(left.last).is_some_and(|last| last.0 >= epoch) {
            let dir = place.dir.display();
            warnings.push(format!(
                "the journal in {dir} is of a later time than now: it is begun anew"
            ));
            store.clear()?;
            (ending, left) = (store::Ending::default(), tail::Left::default());
        }
        let steps = opening::steps(&ending, &left, epoch, boot);
        Ok((store, steps, warnings))
    }

    /// Takes one event, before any subscriber does.
    pub(crate) fn write(&mut self, event: &ipc::Event) {
        let bytes = record::event_bytes(event);
        self.numbers.taken.store(event.seq, Ordering::Relaxed);
        let journaled = self.numbers.journaled.load(Ordering::Relaxed);
        if let Some(tail) = &mut self.tail
            && let Err(error) = tail.write(&bytes, (self.epoch, event.seq), journaled)
        {
            tracing::warn!("the last events cannot be kept beside the socket: {error}");
            self.give_up_tail();
        }
        let Some(queue) = &self.queue else { return };
        match queue.try_send(Entry { seq: event.seq, bytes }) {
            Ok(()) if self.dropped > 0 => {
                tracing::warn!("{} events are missing in the journal: slow disk", self.dropped);
                self.dropped = 0;
            }
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => self.dropped += 1,
        }
    }

    /// A tail that is no longer written to must not be believed.
    fn give_up_tail(&mut self) {
        let removed = self.tail.take().map_or(Ok(()), Tail::give_up);
        if let (Err(_), Some(queue)) = (removed, &self.queue) {
            // The store says it, unless the daemon is killed before it can: the
            // file system is then broken in a way that nothing here can mend.
            let bytes = record::encode(&Record::Unkept { epoch: self.epoch });
            let seq = self.numbers.journaled.load(Ordering::Relaxed);
            let _ = queue.try_send(Entry { seq, bytes });
        }
    }

    /// For reading it.
    pub(crate) fn archive(&self) -> Archive {
        self.archive.clone()
    }

    /// Waits, briefly, until the last event is written.
    pub(crate) fn close(mut self) {
        self.queue = None;
        if self.finished.recv_timeout(LAST_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last events have not reached the journal");
        }
    }
}

fn perform(step: &Step, store: &mut Store, tail: &Path, boot: u128) -> io::Result<Option<Tail>> {
    match step {
        Step::Store(bytes, at) => store.append(bytes, *at).map(|()| None),
        Step::Sync => store.sync().map(|()| None),
        Step::Tail(content) => Tail::begin(tail, boot, content).map(Some),
    }
}

struct Writer {
    store: Store,
    epoch: u64,
    numbers: Arc<Numbers>,
    is_failing: bool,
}

impl Writer {
    fn run(mut self, entries: &Receiver<Entry>) {
        let mut is_synced = true;
        let mut expired_at = clock::wall();
        loop {
            let wait = if is_synced { EXPIRE_EVERY } else { SYNC_AFTER };
            match entries.recv_timeout(wait) {
                Ok(first) => {
                    let mut batch = first.bytes;
                    let mut seq = first.seq;
                    while batch.len() < BATCH_BYTES
                        && let Ok(next) = entries.try_recv()
                    {
                        batch.extend_from_slice(&next.bytes);
                        seq = next.seq;
                    }
                    let written = self.store.append(&batch, (self.epoch, first.seq));
                    if self.note(written) {
                        self.numbers.journaled.store(seq, Ordering::Relaxed);
                    }
                    is_synced = false;
                }
                Err(RecvTimeoutError::Timeout) => {
                    let synced = self.store.sync();
                    self.note(synced);
                    is_synced = true;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let now = clock::wall();
            if now.duration_since(expired_at).is_ok_and(|age| age >= EXPIRE_EVERY) {
                let expired = self.store.expire(now);
                self.note(expired);
                expired_at = now;
            }
        }
        // Nothing is taken any more; what was left out is counted by this.
        let last = self.numbers.taken.load(Ordering::Relaxed);
        let mark = record::encode(&Record::Mark { epoch: self.epoch, seq: last });
        let ended =
            self.store.append_after(&mark, (self.epoch, last)).and_then(|()| self.store.sync());
        self.note(ended);
    }

    /// A full disk may have room again: goes on trying, and says it once.
    fn note(&mut self, result: io::Result<()>) -> bool {
        match (result, self.is_failing) {
            (Err(error), false) => {
                tracing::warn!("the journal cannot be written: {error}; events are missing in it");
                self.is_failing = true;
                false
            }
            (Err(_), true) => false,
            (Ok(()), true) => {
                tracing::warn!("the journal can be written again; some events are missing in it");
                self.is_failing = false;
                true
            }
            (Ok(()), false) => true,
        }
    }
}
