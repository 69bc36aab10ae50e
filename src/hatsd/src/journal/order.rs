//! Whether anything is missing between one event and the next. Pure: numbers
//! in, gaps out.

use super::record::Began;

/// Events that are not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Gap {
    /// Known to be missing.
    pub(crate) count: u64,
    /// There may be others.
    pub(crate) more: bool,
    /// What comes after the gap.
    pub(crate) next: (u64, u64),
}

impl Gap {
    /// Whether anything is, or may be, missing: else only the epoch changes.
    pub(crate) fn is_loss(&self) -> bool {
        self.count > 0 || self.more
    }
}

/// Follows the numbers of events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Order {
    /// The last event seen; none: whatever comes first is the beginning.
    last: Option<(u64, u64)>,
    /// A gap before an event that has not come yet.
    open: Option<(u64, bool)>,
}

/// What an event is in its order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// It was seen, or comes before what was.
    Old,
    /// The next one, after this gap if there is one.
    New(Option<Gap>),
}

impl Order {
    /// Goes on after `last`.
    pub(crate) fn after(last: Option<(u64, u64)>) -> Self {
        Order { last, open: None }
    }

    /// The last event seen.
    pub(crate) fn last(&self) -> Option<(u64, u64)> {
        self.last
    }

    /// A run began.
    pub(super) fn began(&mut self, began: &Began) {
        let Some((epoch, seq)) = self.last else {
            self.last = Some((began.epoch, 0));
            return;
        };
        if began.epoch <= epoch {
            return;
        }
        let (count, more) = if began.before.0 == epoch {
            (began.before.1.saturating_sub(seq), began.more)
        } else {
            (0, true)
        };
        let (open, open_more) = self.open.unwrap_or_default();
        self.open = Some((open.saturating_add(count), open_more || more));
        self.last = Some((began.epoch, 0));
    }

    /// An event with this number.
    pub(super) fn event(&mut self, epoch: u64, seq: u64) -> Step {
        let Some((last_epoch, last_seq)) = self.last else {
            self.last = Some((epoch, seq));
            return Step::New(None);
        };
        if (epoch, seq) <= (last_epoch, last_seq) {
            return Step::Old;
        }
        let (skipped, unlinked) = if epoch == last_epoch {
            (seq - last_seq - 1, false)
        } else {
            // That run's beginning was not written, or is damaged.
            (seq.saturating_sub(1), true)
        };
        self.last = Some((epoch, seq));
        let open = self.open.take();
        let gap = (skipped > 0 || unlinked || open.is_some()).then(|| {
            let (count, more) = open.unwrap_or_default();
            Gap { count: count.saturating_add(skipped), more: more || unlinked, next: (epoch, seq) }
        });
        Step::New(gap)
    }

    /// The gap after the last event, when nothing more is read.
    pub(super) fn end(&mut self) -> Option<Gap> {
        let (count, more) = self.open.take()?;
        let (epoch, seq) = self.last?;
        Some(Gap { count, more, next: (epoch, seq.saturating_add(1)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(count: u64, more: bool, next: (u64, u64)) -> Step {
        Step::New(Some(Gap { count, more, next }))
    }

    #[test]
    fn consecutive_numbers_have_no_gap_and_what_was_seen_is_old() {
        let mut order = Order::after(Some((5, 3)));
        assert_eq!(order.event(5, 2), Step::Old);
        assert_eq!(order.event(5, 3), Step::Old);
        assert_eq!(order.event(4, 9), Step::Old);
        assert_eq!(order.event(5, 4), Step::New(None));
        assert_eq!(order.event(5, 7), gap(2, false, (5, 7)));
        assert_eq!(order.end(), None);
    }

    #[test]
    fn a_run_that_is_linked_to_the_one_before_counts_what_is_missing() {
        let mut order = Order::after(Some((5, 3)));
        order.began(&Began { epoch: 8, before: (5, 3), more: false });
        assert_eq!(order.event(8, 1), gap(0, false, (8, 1)));
        order.began(&Began { epoch: 9, before: (8, 4), more: false });
        assert_eq!(order.event(9, 1), gap(3, false, (9, 1)));
        order.began(&Began { epoch: 11, before: (9, 1), more: true });
        assert_eq!(order.event(11, 2), gap(1, true, (11, 2)));
    }

    #[test]
    fn a_run_that_is_not_linked_may_have_lost_any_number() {
        let mut order = Order::after(Some((5, 3)));
        order.began(&Began { epoch: 8, before: (7, 3), more: false });
        assert_eq!(order.event(8, 1), gap(0, true, (8, 1)));
        assert_eq!(order.event(9, 3), gap(2, true, (9, 3)), "its beginning is damaged");
    }

    #[test]
    fn a_run_without_events_ends_in_a_gap_that_is_told() {
        let mut order = Order::after(Some((5, 3)));
        order.began(&Began { epoch: 8, before: (5, 4), more: false });
        assert_eq!(order.end(), Some(Gap { count: 1, more: false, next: (8, 1) }));
        assert_eq!(order.event(8, 1), Step::New(None));
    }

    #[test]
    fn from_the_beginning_nothing_is_missing_before_the_first() {
        let mut order = Order::default();
        assert_eq!(order.event(5, 30), Step::New(None));
        let mut order = Order::default();
        order.began(&Began { epoch: 5, before: (0, 0), more: true });
        assert_eq!(order.event(5, 1), Step::New(None));
    }
}
