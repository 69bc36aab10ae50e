//! What waits to be written to one connection. Bounded: a connection that does
//! not read costs this much memory and nobody else's time.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::Notify;

use super::replay::Replay;

/// Frames and bytes that may wait for one connection. An answer that was asked
/// for is taken beyond that; see [`Outbox::settled`].
/// A thousand nodes that fail at once on two networks are a few thousand events.
pub(super) const FRAMES_MAX: usize = 4096;
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Above this no further request of the connection is looked at.
const BYTES_BUSY: usize = 256 << 10;

/// What is handed to one write.
const BATCH_BYTES: usize = 64 << 10;

/// The queue between the daemon and a connection's writer.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    more: Notify,
    less: Notify,
    /// Bytes that the other end's socket has taken.
    taken: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
    sent: u64,
    /// The daemon wants to hear when everything is written.
    tell_when_empty: bool,
    closed: bool,
    /// A request is on its way to the daemon, or not answered to its end.
    held: bool,
}

#[derive(Debug)]
enum Item {
    Frame(Bytes),
    Replay(Box<Replay>),
}

/// What the writer is to do next.
#[derive(Debug)]
pub(crate) enum Next {
    Write(Vec<u8>),
    /// Write events of the past, and tell the daemon.
    Replay(Box<Replay>),
    /// Tell the daemon that everything is written.
    Tell,
    Close,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A queue is valid at every instant, so a panic elsewhere spoils nothing.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues an event; false when there is no room for it.
    pub(crate) fn offer(&self, frame: Bytes) -> bool {
        let mut queue = self.lock();
        if queue.items.len() >= FRAMES_MAX || queue.bytes + frame.len() > BYTES_MAX {
            return false;
        }
        // The writer waits only when it has found nothing: who adds to something
        // need not wake it.
        let is_first = queue.items.is_empty();
        queue.push(frame);
        drop(queue);
        if is_first {
            self.more.notify_one();
        }
        true
    }

    /// Queues the answer to a request, of which one at a time is looked at.
    pub(crate) fn answer(&self, frame: Bytes) {
        self.lock().push(frame);
        self.more.notify_one();
    }

    /// Queues events of the past.
    pub(super) fn replay(&self, replay: Replay) {
        self.lock().items.push_back(Item::Replay(Box::new(replay)));
        self.more.notify_one();
    }

    /// From now on no request is looked at, or again.
    pub(crate) fn hold(&self, held: bool) {
        self.lock().held = held;
        self.less.notify_one();
    }

    /// Asks the writer to say when everything is written.
    pub(crate) fn tell_when_empty(&self) {
        self.lock().tell_when_empty = true;
        self.more.notify_one();
    }

    /// Lets the writer end after what is queued.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.more.notify_one();
    }

    /// Frames that wait, and frames written so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let queue = self.lock();
        (queue.items.len() as u64, queue.sent)
    }

    /// So many bytes have been written.
    pub(super) fn note_taken(&self, bytes: usize) {
        self.taken.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// How many bytes have been written.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// What to write next.
    pub(crate) async fn next(&self) -> Next {
        loop {
            if let Some(next) = self.lock().next() {
                self.less.notify_one();
                return next;
            }
            self.more.notified().await;
        }
    }

    /// Waits until a further request may be answered.
    pub(crate) async fn settled(&self) {
        loop {
            let is_settled = {
                let queue = self.lock();
                queue.bytes <= BYTES_BUSY && !queue.held
            };
            if is_settled {
                return;
            }
            self.less.notified().await;
        }
    }
}

impl Queue {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.items.push_back(Item::Frame(frame));
    }

    fn next(&mut self) -> Option<Next> {
        let mut batch = Vec::new();
        while let Some(Item::Frame(frame)) = self.items.front() {
            if !batch.is_empty() && batch.len() + frame.len() > BATCH_BYTES {
                break;
            }
            batch.extend_from_slice(frame);
            self.bytes -= frame.len();
            self.sent += 1;
            self.items.pop_front();
        }
        if !batch.is_empty() {
            return Some(Next::Write(batch));
        }
        if let Some(Item::Replay(replay)) = self.items.pop_front() {
            return Some(Next::Replay(replay));
        }
        if std::mem::take(&mut self.tell_when_empty) {
            return Some(Next::Tell);
        }
        self.closed.then_some(Next::Close)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_writer_is_woken_by_the_first_frame_and_takes_those_after_it() {
        let outbox = Outbox::default();
        for frames in [vec![1, 2], vec![3], vec![4, 5, 6], vec![7]] {
            let told = async {
                // The writer is waiting by now.
                tokio::task::yield_now().await;
                frames.iter().for_each(|it| assert!(outbox.offer(Bytes::from(vec![*it]))));
            };
            let next = timeout(Duration::from_secs(1), outbox.next());
            let (next, ()) = tokio::join!(next, told);
            let Ok(Next::Write(bytes)) = next else { panic!("{next:?}") };
            assert_eq!(bytes, frames);
        }
    }
}
