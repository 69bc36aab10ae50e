//! What may have led to an event: the time that it may speak of.

use std::{collections::BTreeSet, time::Duration};

use hats_core::{config::Detection, event::EventKind, time::nanos};

use crate::{record::Said, truth::Moment, world::World};

/// An event speaks of now, or of a little while ago.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a World,
    /// Now.
    at: u64,
    /// How far back, in nanoseconds.
    memory: u64,
    /// Who says it, who decided it, whom it is about: where news came from. The
    /// time in which the first could not hear of the others does not count.
    parties: Vec<usize>,
}

impl<'a> Scene<'a> {
    /// What `observer` says at `at`, which `judge` decided, about `subject`; it
    /// may speak of the time that `memory` goes back.
    pub(crate) fn new(
        world: &'a World,
        at: Duration,
        memory: fn(&Detection) -> Duration,
        (observer, judge, subject): (usize, usize, Option<usize>),
    ) -> Self {
        let memory = nanos(memory(&world.hosts[observer].config.detection));
        let parties = [Some(observer), Some(judge), subject].into_iter().flatten().collect();
        Scene { world, at: nanos(at), memory, parties }
    }

    /// The same, as if the event might speak of a longer time.
    pub(crate) fn reaching_back(&self, span: Duration) -> Scene<'a> {
        let memory = self.memory + nanos(span);
        Scene { memory, parties: self.parties.clone(), ..*self }
    }

    /// Who decided it.
    pub(crate) fn judge(&self) -> usize {
        self.parties[1]
    }

    /// Who says it.
    pub(crate) fn observer(&self) -> usize {
        self.parties[0]
    }

    /// Whether it was ever so in the time that the event may speak of.
    pub(crate) fn ever(&self, so: impl Fn(&Moment<'a>) -> bool) -> bool {
        self.goes_back_to(|_, moment| so(moment))
    }

    /// Whether the observer can have heard, in the time that the event may speak
    /// of, that `host` was so: from one to the other as time went on. Who is not
    /// heard itself hears of others nevertheless until it is told.
    pub(crate) fn news_came(&self, host: usize, so: impl Fn(&Moment<'a>) -> bool) -> bool {
        let mut moments = Vec::new();
        self.goes_back_to(|_, moment| {
            moments.push(*moment);
            false
        });
        let mut informed = BTreeSet::new();
        for moment in moments.iter().rev() {
            if so(moment) {
                informed.insert(host);
            }
            moment.spread(&mut informed);
        }
        informed.contains(&self.observer())
    }

    /// Whether what the observer was told last of a node's daemon is of another run
    /// than the one there is: that one is over, however long ago.
    pub(crate) fn was_told_another_run(&self, host: usize) -> bool {
        let name = self.world.hosts[host].name();
        let observer = self.world.hosts[self.observer()].name();
        let up = |said: &&Said| {
            let event = &said.event;
            let of = event.kind == EventKind::NodeUp && event.node.as_deref() == Some(name);
            of && said.observer == observer
        };
        let before = |said: &&Said| nanos(said.at) < self.at;
        let told = self.world.events().iter().rev().filter(before).find(up);
        let now = Moment::new(self.world, self.at).host(host).and_then(|it| it.daemon);
        told.is_some_and(|told| told.event.incarnation != now)
    }

    /// Whether the event may speak of that time.
    pub(crate) fn speaks_of(&self, time: Duration) -> bool {
        let time = nanos(time);
        time + self.memory >= self.at || self.goes_back_to(|since, _| since <= time)
    }

    fn goes_back_to(&self, mut so: impl FnMut(u64, &Moment<'a>) -> bool) -> bool {
        let mut back_to = self.at.saturating_sub(self.memory);
        for (since, until) in self.world.truth.spans(self.at) {
            if until < back_to {
                return false;
            }
            let moment = Moment::new(self.world, until);
            if so(since, &moment) {
                return true;
            }
            if self.is_blind(&moment) {
                back_to = back_to.min(since.saturating_sub(self.memory));
            }
        }
        false
    }

    fn is_blind(&self, moment: &Moment<'_>) -> bool {
        let observer = self.observer();
        !moment.is_live(observer)
            || self.parties[1..].iter().any(|other| !moment.is_connected(observer, *other))
    }
}

/// How long after something was over it may still be decided.
///
/// A round that began while it lasted ends with its probes, and the silence
/// that it explains began before: that is the verdict's bound.
pub(crate) fn evidence(detection: &Detection) -> Duration {
    detection.verdict_bound()
}

/// How long after something was over, or was decided, it may still be told for
/// the first time.
///
/// What a flood did not bring, since all three of its copies were lost (the
/// last after two intervals), the comparison of databases does: within two
/// proclaims of a leader that has become quiet, four intervals apart.
pub(crate) fn news(detection: &Detection) -> Duration {
    detection.verdict_bound() + detection.heartbeat_interval * 10
}
