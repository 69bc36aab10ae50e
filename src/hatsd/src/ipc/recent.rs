//! The last events of this run, as frames: who was away for a moment is served
//! from here.

use std::collections::VecDeque;

use bytes::Bytes;

/// How many events are kept, and how many bytes of them.
const EVENTS_MAX: usize = 4096;
const BYTES_MAX: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub(super) struct Recent {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// The number of the event after the last one.
    next_seq: u64,
}

impl Recent {
    /// None yet.
    pub(super) fn new() -> Self {
        Recent { frames: VecDeque::new(), bytes: 0, next_seq: 1 }
    }

    /// Takes the next event.
    pub(super) fn push(&mut self, seq: u64, frame: Bytes) {
        self.bytes += frame.len();
        self.frames.push_back(frame);
        self.next_seq = seq + 1;
        while self.frames.len() > EVENTS_MAX || self.bytes > BYTES_MAX {
            let Some(oldest) = self.frames.pop_front() else { return };
            self.bytes -= oldest.len();
        }
    }

    /// The number of the oldest event that is kept.
    pub(super) fn first_seq(&self) -> u64 {
        self.next_seq - self.frames.len() as u64
    }

    /// All events after `seq`; nothing when some of them are no longer here.
    pub(super) fn after(&self, seq: u64) -> Option<impl Iterator<Item = &Bytes>> {
        let skip = seq.checked_add(1)?.checked_sub(self.first_seq())?;
        let skip = usize::try_from(skip).ok().filter(|skip| *skip <= self.frames.len())?;
        Some(self.frames.iter().skip(skip))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recent(count: u64, length: usize) -> Recent {
        let mut recent = Recent::new();
        for seq in 1..=count {
            recent.push(seq, vec![0; length].into());
        }
        recent
    }

    #[test]
    fn all_after_a_number_are_there_or_none_are_given() {
        let few = recent(10, 10);
        for (seq, left) in [(0, Some(10)), (4, Some(6)), (10, Some(0)), (11, None)] {
            assert_eq!(few.after(seq).map(Iterator::count), left, "{seq}");
        }
        let many = recent(EVENTS_MAX as u64 + 5, 10);
        assert_eq!(many.first_seq(), 6);
        assert!(many.after(4).is_none() && many.after(u64::MAX).is_none());
        assert_eq!(many.after(5).map(Iterator::count), Some(EVENTS_MAX));
    }

    #[test]
    fn large_events_push_others_out() {
        assert_eq!(recent(100, BYTES_MAX / 10).after(90).map(Iterator::count), Some(10));
        assert!(recent(100, BYTES_MAX / 10).after(89).is_none());
    }
}
