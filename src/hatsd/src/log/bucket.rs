//! How many lines of one code are written: a token bucket for each.
//!
//! What repeats without end must not fill a disk. The line with authority of a
//! fault, of what has an end, and of the end is always written: an alert without
//! it would not begin, or never be over. Those are as many as there are faults,
//! and faults are rare; their copies in the logs of the other nodes are bounded
//! like the rest.

use std::{collections::BTreeMap, time::Duration};

use hats_core::{
    event::{EventKind, Level},
    time::Timestamp,
};
use hats_proto::ipc;

/// Lines of one code that are written without a pause.
const BURST_LINES: u32 = 1000;

/// The time after which one more may be.
const REFILL: Duration = Duration::from_millis(100);

/// A bucket for each code that was ever seen: as many as there are kinds.
#[derive(Default, Debug)]
pub(crate) struct Buckets {
    of: BTreeMap<String, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    /// When the last token came.
    filled: Timestamp,
    /// Lines that were not written and of which no line has told.
    suppressed: u64,
}

/// What becomes of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Admission {
    /// It is written, and says how many before it were not.
    Write { suppressed: u64 },
    /// It is counted.
    Suppress,
}

impl Buckets {
    /// Decides about one line, by the time in it.
    pub(crate) fn admit(&mut self, event: &ipc::Event) -> Admission {
        let now = Timestamp(event.mono_ns);
        let bucket = self.of.entry(event.code.clone()).or_insert(Bucket {
            tokens: BURST_LINES,
            filled: now,
            suppressed: 0,
        });
        if !bucket.take(now) && !is_owed(event) {
            bucket.suppressed += 1;
            return Admission::Suppress;
        }
        let suppressed = if event.code == EventKind::Alive.code() {
            // Said every five minutes: nothing stays untold for longer.
            self.of.values_mut().map(Bucket::tell).sum()
        } else {
            bucket.tell()
        };
        Admission::Write { suppressed }
    }
}

impl Bucket {
    fn take(&mut self, now: Timestamp) -> bool {
        let waited = now.0.saturating_sub(self.filled.0);
        let refill = u64::try_from(REFILL.as_nanos()).unwrap_or(u64::MAX);
        let fresh = waited / refill;
        self.filled = Timestamp(self.filled.0 + fresh * refill);
        let tokens = u64::from(self.tokens).saturating_add(fresh).min(u64::from(BURST_LINES));
        self.tokens = u32::try_from(tokens).unwrap_or(BURST_LINES);
        let taken = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        taken
    }

    fn tell(&mut self) -> u64 {
        std::mem::take(&mut self.suppressed)
    }
}

/// An alert hangs on this line.
fn is_owed(event: &ipc::Event) -> bool {
    let is_fault = event.level == Level::Error.word();
    event.authority && (is_fault || event.clears.is_some() || has_end(&event.code))
}

fn has_end(code: &str) -> bool {
    EventKind::ALL.iter().any(|kind| kind.code() == code && kind.has_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind, at: Duration) -> ipc::Event {
        ipc::Event {
            code: kind.code().to_owned(),
            level: kind.level().word().to_owned(),
            mono_ns: u64::try_from(at.as_nanos()).unwrap(),
            ..ipc::Event::default()
        }
    }

    const WRITE: Admission = Admission::Write { suppressed: 0 };
    const START: Duration = Duration::from_secs(1000);

    /// Buckets out of which the burst of `kind` was taken.
    fn emptied(kind: EventKind) -> Buckets {
        let mut buckets = Buckets::default();
        for _ in 0..BURST_LINES {
            assert_eq!(buckets.admit(&event(kind, START)), WRITE);
        }
        buckets
    }

    #[test]
    fn a_burst_is_written_and_what_exceeds_it_is_counted_and_said_by_the_next_line() {
        let mut buckets = emptied(EventKind::SelfLate);
        for _ in 0..7 {
            assert_eq!(buckets.admit(&event(EventKind::SelfLate, START)), Admission::Suppress);
        }
        let later = event(EventKind::SelfLate, START + REFILL);
        assert_eq!(buckets.admit(&later), Admission::Write { suppressed: 7 });
        assert_eq!(buckets.admit(&later), Admission::Suppress);
    }

    #[test]
    fn a_token_comes_after_the_refill_and_not_before() {
        let just_before = START + REFILL - Duration::from_nanos(1);
        let mut buckets = emptied(EventKind::SelfLate);
        assert_eq!(buckets.admit(&event(EventKind::SelfLate, just_before)), Admission::Suppress);
        let at = event(EventKind::SelfLate, START + REFILL);
        assert_eq!(buckets.admit(&at), Admission::Write { suppressed: 1 });
    }

    #[test]
    fn a_long_silence_fills_the_bucket_and_no_more() {
        let mut buckets = emptied(EventKind::SelfLate);
        let year = START + Duration::from_secs(365 * 86_400);
        for _ in 0..BURST_LINES {
            assert_eq!(buckets.admit(&event(EventKind::SelfLate, year)), WRITE);
        }
        assert_eq!(buckets.admit(&event(EventKind::SelfLate, year)), Admission::Suppress);
    }

    #[test]
    fn codes_do_not_share_a_bucket() {
        let mut buckets = emptied(EventKind::SelfLate);
        assert_eq!(buckets.admit(&event(EventKind::NimDegraded, START)), WRITE);
    }

    #[test]
    fn faults_and_their_ends_are_always_written_by_the_node_with_authority() {
        let mut buckets = emptied(EventKind::AdapterDown);
        let copy = event(EventKind::AdapterDown, START);
        let fault = ipc::Event { authority: true, ..copy.clone() };
        assert_eq!(buckets.admit(&copy), Admission::Suppress);
        assert_eq!(buckets.admit(&fault), Admission::Write { suppressed: 1 });
        let mut buckets = emptied(EventKind::AdapterUp);
        let joined = ipc::Event { authority: true, ..event(EventKind::AdapterUp, START) };
        assert_eq!(buckets.admit(&joined), Admission::Suppress, "ends nothing");
        let end = ipc::Event { clears: Some("HATS-2103".to_owned()), ..joined };
        assert_eq!(buckets.admit(&end), Admission::Write { suppressed: 1 });
    }

    #[test]
    fn a_warning_that_has_an_end_is_always_written_by_the_node_with_authority() {
        for kind in [EventKind::AdapterDamped, EventKind::AdapterInconclusive] {
            let mut buckets = emptied(kind);
            let owed = ipc::Event { authority: true, ..event(kind, START) };
            assert_eq!(buckets.admit(&owed), WRITE, "{}", kind.name());
        }
        let mut buckets = emptied(EventKind::AdapterLate);
        let endless = ipc::Event { authority: true, ..event(EventKind::AdapterLate, START) };
        assert_eq!(buckets.admit(&endless), Admission::Suppress);
    }

    #[test]
    fn the_alive_line_tells_what_no_line_of_its_own_code_has_told() {
        let mut buckets = emptied(EventKind::SelfLate);
        buckets.admit(&event(EventKind::SelfLate, START));
        let alive = event(EventKind::Alive, START);
        assert_eq!(buckets.admit(&alive), Admission::Write { suppressed: 1 });
        assert_eq!(buckets.admit(&alive), WRITE);
    }
}
