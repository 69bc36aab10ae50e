//! What a NIM counts, and when that is reported.

use alloc::{borrow::ToOwned, collections::BTreeMap, vec::Vec};
use core::time::Duration;

use hats_wire::link::{Heard, Statistics};

use crate::time::{Timestamp, nanos};

/// At most one report in this time.
const PERIOD: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub(super) struct Counters {
    /// Its `rejected` and `heard` stay empty: they are filled in for a report.
    pub(super) total: Statistics,
    rejected: BTreeMap<&'static str, u64>,
    reported: Statistics,
    reported_rejected: u64,
    reported_at: Option<Timestamp>,
    due: Option<Timestamp>,
}

impl Counters {
    pub(super) fn reject(&mut self, reason: &'static str, count: u64) {
        *self.rejected.entry(reason).or_default() += count;
    }

    pub(super) fn lateness(&mut self, lateness: Duration) {
        self.total.lateness_max_ns = self.total.lateness_max_ns.max(nanos(lateness));
    }

    /// Plans a report, be there news or not.
    pub(super) fn schedule_anyway(&mut self, now: Timestamp) {
        let next = self.reported_at.map_or(now, |at| (at + PERIOD).max(now));
        self.due.get_or_insert(next);
    }

    /// Plans a report if something has changed since the last one.
    pub(super) fn schedule(&mut self, now: Timestamp) {
        if self.due.is_some() {
            return;
        }
        // Being a little late is no news by itself: it would be reported for ever.
        let reported =
            Statistics { lateness_max_ns: self.total.lateness_max_ns, ..self.reported.clone() };
        let changed = self.total != reported || self.rejections() != self.reported_rejected;
        if changed {
            self.schedule_anyway(now);
        }
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    /// The report; `missed_now` are the misses of neighbours that are still missing.
    pub(super) fn report(
        &mut self,
        missed_now: u64,
        heard: Vec<Heard>,
        now: Timestamp,
    ) -> Statistics {
        let mut report = self.total.clone();
        report.heartbeats_missed += missed_now;
        report.heard = heard;
        report.rejected =
            self.rejected.iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect();
        self.total.lateness_max_ns = 0;
        self.reported = self.total.clone();
        self.reported_rejected = self.rejections();
        self.reported_at = Some(now);
        self.due = None;
        report
    }

    fn rejections(&self) -> u64 {
        self.rejected.values().sum()
    }
}
