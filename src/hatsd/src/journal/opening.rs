//! What a run writes before it publishes anything. Pure: what was found in, the
//! writes in their order out.
//!
//! A daemon is killed between any two writes, or within one; a host loses what
//! no disk was made to keep. What the next run is told must be true whichever
//! it was: no event is missing without a word, and there is no word when no
//! event is missing. The store ends with run E, its beginning and events; the
//! tail is of run P, or is none. Then
//!
//! 1. E was written down, and the disk made to keep it, before the tail became
//!    E's, and the tail was E's before E published anything (the order of
//!    [`steps`]); each event is in the tail before anybody sees it.
//! 2. So if P = E, what E published is in the store or in the tail, up to the
//!    last event in either.
//! 3. If P < E, E published nothing: it was killed between its beginning and
//!    its tail. What P published is in the store, as that was put there before
//!    E's beginning.
//! 4. If there is no tail, E may have published anything after its last event
//!    in the store, unless the store says where it ended: the host was started
//!    anew, or E could not write its tail. This must not be mistaken for case 3,
//!    so the absence of a tail is written down before the next run begins, as
//!    if E were a run of the fifth kind. A tail of an earlier boot of the host
//!    is none: disks do not keep writes in their order.
//! 5. A run that cannot do this says so instead ([`Record::Unkept`]), where it
//!    can, in the store and in the tail. That counts until a later run has
//!    begun, which tells it; a run that is E itself or later is not told yet.

use super::{
    record::{self, Began, Record},
    store::{Ending, Name},
    tail::{self, Left},
};

/// A write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// At the store's end; the first of the records is, or comes before, this.
    Store(Vec<u8>, Name),
    /// The disk is made to keep the store.
    Sync,
    /// In place of the tail.
    Tail(Vec<u8>),
}

/// What the run `epoch` writes, in this boot of the host.
pub(super) fn steps(ending: &Ending, left: &Left, epoch: u64, boot: u128) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut last = ending.last.unwrap_or_default();
    for event in &left.events {
        let this = (event.epoch, event.seq);
        if this > last {
            steps.push(Step::Store(record::event_bytes(event), this));
            last = this;
        }
    }
    // The tail tells how its run ended, a mark in the store does as well.
    let ended = left.last.max(ending.published).filter(|ended| *ended >= last);
    let mut unkept = ending.unkept.max(left.unkept);
    if left.last.is_none() {
        if ended.is_none() {
            unkept = unkept.max(Some(last.0));
        }
        steps.push(Step::Tail(tail::none(boot, unkept)));
    }
    let is_before_any = last.1 == 0 && left.last.is_some_and(|(run, _)| run < last.0);
    let published = ended.or(is_before_any.then_some(last));
    let more = published.is_none() || unkept.is_some_and(|run| run >= last.0);
    let began = Began { epoch, before: published.unwrap_or(last), more };
    steps.push(Step::Store(record::encode(&Record::Began(began)), (epoch, 0)));
    steps.push(Step::Sync);
    steps.push(Step::Tail(tail::of(boot, (epoch, 0))));
    steps
}
