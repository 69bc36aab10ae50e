//! What passed one way only: an adapter that fails does so towards everybody.

use alloc::collections::BTreeSet;
use core::net::IpAddr;

use hats_wire::Observation;

use super::{Evidence, REFERENCE};

impl Evidence<'_> {
    fn here(&self) -> impl Iterator<Item = &Observation> {
        self.observations.iter().filter(|o| o.network == self.network && o.target != REFERENCE)
    }

    fn probes(&self, of: IpAddr, target: IpAddr) -> impl Iterator<Item = &Observation> {
        self.here().filter(move |o| o.prober_address == of && o.target_address == target)
    }

    /// Whether something of the reporter's came to the suspect, and of the
    /// suspect's to the reporter.
    pub(crate) fn carried(&self) -> [bool; 2] {
        let (reporter, suspect) = (self.reporter.address, self.suspect.address);
        [self.carries(reporter, suspect), self.carries(suspect, reporter)]
    }

    /// Something that `one` sent has arrived at `other`.
    pub(super) fn carries(&self, one: IpAddr, other: IpAddr) -> bool {
        let seen = |o: &Observation| o.seen_by_target.is_some_and(|count| count > 0);
        self.probes(one, other).any(|o| o.received > 0 || seen(o))
            || self.probes(other, one).any(|o| o.received > 0 || o.heard_from_target > 0)
    }

    /// What `one` sent to `other` has not arrived, though it listened.
    fn loses(&self, one: IpAddr, other: IpAddr) -> bool {
        let sent = || self.probes(one, other).filter(|o| o.sent > 0);
        let told = sent().any(|o| o.seen_by_target == Some(0));
        // Who has been told of a probe probes back.
        let back = |o: &Observation| o.elsewhere == Some(true) || sent().next().is_some();
        (told || self.probes(other, one).any(|o| o.sent > 0 && back(o)))
            && !self.carries(one, other)
    }

    fn everybody(&self) -> BTreeSet<IpAddr> {
        self.here().flat_map(|o| [o.prober_address, o.target_address]).collect()
    }

    /// Somebody hears this adapter, or is heard by it, and another that works
    /// does not: some way or side has failed, and not the adapter.
    pub(super) fn is_partial(&self, party: IpAddr) -> bool {
        let mut all = self.everybody();
        all.remove(&party);
        let works = |it: &IpAddr| all.iter().any(|other| other != it && self.meet(*it, *other));
        let any = |so: &dyn Fn(IpAddr) -> bool| all.iter().any(|other| so(*other));
        let working = |so: &dyn Fn(IpAddr) -> bool| all.iter().any(|it| so(*it) && works(it));
        any(&|from| self.carries(from, party)) && working(&|from| self.loses(from, party))
            || any(&|to| self.carries(party, to)) && working(&|to| self.loses(party, to))
    }

    /// Anything at all has arrived anywhere on the network.
    pub(super) fn anything_passes(&self) -> bool {
        let seen = |o: &Observation| o.seen_by_target.is_some_and(|count| count > 0);
        self.here().any(|o| o.received > 0 || o.heard_from_target > 0 || seen(o))
    }

    /// Anybody hears this adapter.
    pub(super) fn is_heard(&self, party: IpAddr) -> bool {
        self.everybody().into_iter().any(|other| other != party && self.carries(party, other))
    }

    /// It was tried with somebody other than the two parties.
    pub(super) fn is_tried_with_others(&self, party: IpAddr) -> bool {
        let parties = [self.reporter.address, self.suspect.address];
        self.here().filter(|o| o.sent > 0).any(|o| {
            let ends = [o.prober_address, o.target_address];
            ends.contains(&party) && ends.iter().any(|end| !parties.contains(end))
        })
    }
}
