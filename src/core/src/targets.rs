//! Required targets: whether one of those that an adapter must reach answers.
//!
//! For virtual adapters whose carrier never drops: up only while one of some
//! hosts answers ICMP echo. This says whom to ask and when, and what follows
//! from the answers; asking, and telling the world, is
//! [`node`](crate::node)'s.
//!
//! ```text
//!            usable                 an answer
//!  Unusable --------> Waiting ---------------------> Answered
//!     ^                  |                           |      ^
//!     |                  | UNANSWERED_MIN or more    |      |
//!     |                  | askings in a row          |      |
//!     |  not usable      +---------> Silent <--------+      | an answer
//!     +----------------- (any)          +-------------------+
//! ```

use alloc::{collections::BTreeMap, vec::Vec};
use core::{net::IpAddr, time::Duration};

use hats_wire::link::ProbeDone;

use crate::{config::Detection, time::Timestamp};

/// Targets of one adapter; more are not asked.
pub const TARGETS_MAX: usize = 16;
/// A target is asked at most so often: hosts limit how many they answer.
const EVERY_MIN: Duration = Duration::from_millis(100);
/// At least so many askings in a row without an answer are silence.
const UNANSWERED_MIN: u32 = 3;
/// Echo requests to each target once the last asking had no answer: what is
/// lost by chance shall not be taken for silence.
const REQUESTS_AGAIN: u32 = 5;

/// What is known of the targets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// The adapter cannot be used: nobody is asked.
    Unusable,
    /// None has answered since the adapter can be used.
    Waiting,
    Answered,
    Silent,
}

/// What follows for the adapter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Nothing is required of it, or what is required is so, or nobody can ask.
    Well,
    /// Not known yet.
    Waiting,
    /// None answers.
    Silent,
}

/// One round of questions: to whom, and how many requests to each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Asking {
    pub targets: Vec<IpAddr>,
    pub requests: u32,
    pub timeout: Duration,
}

/// The required targets of one adapter.
#[derive(Clone, Debug)]
pub(crate) struct Targets {
    addresses: Vec<IpAddr>,
    every: Duration,
    limit: u32,
    state: State,
    /// This process may not send ICMP echo.
    unable: bool,
    /// Who answered last: asked alone while it does.
    answers: Option<IpAddr>,
    /// When the next are asked; none while some are.
    due: Option<Timestamp>,
    asked_at: Timestamp,
    running: BTreeMap<u64, IpAddr>,
    /// Whether any of those asked now has answered; whether any was asked at all.
    heard: bool,
    sent: bool,
    /// Askings in a row without an answer.
    unanswered: u32,
}

impl Targets {
    pub(crate) fn new(addresses: &[IpAddr], detection: &Detection) -> Self {
        Targets {
            addresses: addresses.iter().take(TARGETS_MAX).copied().collect(),
            every: detection.heartbeat_interval.max(EVERY_MIN),
            limit: detection.sensitivity.saturating_sub(1).max(UNANSWERED_MIN),
            state: State::Unusable,
            unable: false,
            answers: None,
            due: None,
            asked_at: Timestamp::default(),
            running: BTreeMap::new(),
            heard: false,
            sent: false,
            unanswered: 0,
        }
    }

    pub(crate) fn addresses(&self) -> &[IpAddr] {
        &self.addresses
    }

    pub(crate) fn standing(&self) -> Standing {
        if self.addresses.is_empty() || self.unable {
            return Standing::Well;
        }
        match self.state {
            State::Unusable | State::Waiting => Standing::Waiting,
            State::Answered => Standing::Well,
            State::Silent => Standing::Silent,
        }
    }

    /// The adapter can be used, or cannot any more.
    pub(crate) fn usable(&mut self, now: Timestamp, usable: bool) {
        match (usable, self.state) {
            (true, State::Unusable) => {
                self.state = State::Waiting;
                self.unanswered = 0;
                self.answers = None;
                self.due = (!self.addresses.is_empty()).then_some(now);
            }
            (true, State::Waiting | State::Answered | State::Silent) => {}
            (false, _) => {
                self.state = State::Unusable;
                self.running.clear();
                self.due = None;
            }
        }
    }

    /// Whether its NIM may send ICMP echo. Without, nothing can be required.
    pub(crate) fn permitted(&mut self, permitted: bool) {
        self.unable = !permitted;
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.due.filter(|_| !self.unable)
    }

    /// Whom to ask now. Each question is to be noted with [`asked`](Self::asked).
    pub(crate) fn wake(&mut self, now: Timestamp) -> Option<Asking> {
        self.next_deadline().filter(|due| now >= *due)?;
        self.due = None;
        self.asked_at = now;
        (self.heard, self.sent) = (false, false);
        let again = self.unanswered > 0;
        let targets = match self.answers.filter(|_| !again) {
            Some(one) => Vec::from([one]),
            None => self.addresses.clone(),
        };
        let requests = if again { REQUESTS_AGAIN } else { 1 };
        Some(Asking { targets, requests, timeout: self.every })
    }

    pub(crate) fn asked(&mut self, probe: u64, target: IpAddr) {
        self.running.insert(probe, target);
    }

    /// A question is over. True if the adapter stands otherwise now.
    pub(crate) fn done(&mut self, now: Timestamp, done: &ProbeDone) -> bool {
        let Some(target) = self.running.remove(&done.id) else { return false };
        let before = self.state;
        self.sent |= done.icmp_sent > 0;
        if done.icmp_received > 0 {
            self.heard = true;
            self.answers = Some(target);
            self.unanswered = 0;
            self.state = State::Answered;
        }
        if self.running.is_empty() {
            self.due = Some((self.asked_at + self.every).max(now));
            // What was not sent is no evidence.
            if self.sent && !self.heard {
                self.unanswered += 1;
                if self.unanswered >= self.limit {
                    self.state = State::Silent;
                }
            }
        }
        self.state != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Profile;

    const ONE: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 77, 1, 253));
    const OTHER: IpAddr = IpAddr::V4(core::net::Ipv4Addr::new(10, 77, 1, 254));

    fn at(ms: u64) -> Timestamp {
        Timestamp(ms * 1_000_000)
    }

    fn usable() -> Targets {
        let mut targets = Targets::new(&[ONE, OTHER], &Profile::Default.detection());
        targets.usable(at(0), true);
        targets
    }

    /// Asks what is due and gives each the answers there are; who was asked.
    fn round(targets: &mut Targets, answering: &[IpAddr]) -> Vec<IpAddr> {
        let due = targets.next_deadline().unwrap();
        let asking = targets.wake(due).unwrap();
        for (id, target) in asking.targets.iter().enumerate() {
            targets.asked(id as u64, *target);
        }
        for (id, target) in asking.targets.iter().enumerate() {
            let answered = u32::from(answering.contains(target));
            let done = ProbeDone {
                id: id as u64,
                icmp_sent: asking.requests,
                icmp_received: answered,
                ..ProbeDone::default()
            };
            let over = if answered == 1 { due } else { due + asking.timeout };
            targets.done(over, &done);
        }
        asking.targets
    }

    #[test]
    fn an_adapter_without_required_targets_is_well_at_once() {
        let targets = Targets::new(&[], &Profile::Default.detection());
        assert_eq!(targets.standing(), Standing::Well);
        assert_eq!(targets.next_deadline(), None);
    }

    #[test]
    fn it_is_not_well_before_one_has_answered() {
        let mut targets = usable();
        assert_eq!(targets.standing(), Standing::Waiting);
        assert_eq!(round(&mut targets, &[OTHER]), [ONE, OTHER]);
        assert_eq!(targets.standing(), Standing::Well);
        assert_eq!(round(&mut targets, &[OTHER]), [OTHER], "the one that answers is enough");
    }

    #[test]
    fn it_is_silent_after_a_detection_time_and_not_before() {
        let mut targets = usable();
        round(&mut targets, &[ONE]);
        round(&mut targets, &[]);
        assert_eq!(round(&mut targets, &[]), [ONE, OTHER], "now all are asked");
        assert_eq!(targets.standing(), Standing::Well);
        round(&mut targets, &[]);
        assert_eq!(targets.standing(), Standing::Silent);
        assert_eq!(targets.next_deadline(), Some(at(1_000)));
        round(&mut targets, &[OTHER]);
        assert_eq!(targets.standing(), Standing::Well);
    }

    #[test]
    fn one_answer_forgives_what_was_lost_before() {
        let mut targets = usable();
        for answering in [&[][..], &[], &[ONE], &[], &[]] {
            round(&mut targets, answering);
        }
        assert_eq!(targets.standing(), Standing::Well);
    }

    #[test]
    fn a_question_that_was_never_sent_says_nothing() {
        let mut targets = usable();
        for _ in 0..10 {
            let due = targets.next_deadline().unwrap();
            targets.wake(due).unwrap();
            targets.asked(7, ONE);
            targets.done(due, &ProbeDone { id: 7, ..ProbeDone::default() });
        }
        assert_eq!(targets.standing(), Standing::Waiting);
    }

    #[test]
    fn without_permission_to_ask_nothing_is_required() {
        let mut targets = usable();
        targets.permitted(false);
        assert_eq!(targets.standing(), Standing::Well);
        assert_eq!(targets.next_deadline(), None);
    }

    #[test]
    fn an_adapter_that_is_usable_again_has_to_be_answered_again() {
        let mut targets = usable();
        round(&mut targets, &[ONE]);
        targets.usable(at(2_000), false);
        assert_eq!(targets.next_deadline(), None);
        targets.usable(at(3_000), true);
        assert_eq!(targets.standing(), Standing::Waiting);
        assert_eq!(targets.next_deadline(), Some(at(3_000)));
    }
}
