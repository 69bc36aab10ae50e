//! Heartbeats that the daemon should know about: of those that are not expected,
//! and of those whose group, node or incarnation changed.

use alloc::collections::BTreeMap;
use core::{net::IpAddr, time::Duration};

use hats_wire::{GroupId, Incarnation, NodeId};

use crate::time::Timestamp;

/// Addresses remembered; a flood of invented ones must not fill the memory.
pub(super) const ADDRESSES_MAX: usize = 64;

/// How often one that stays strange is told again.
const REPEAT: Duration = Duration::from_secs(1);

/// What a heartbeat says of its sender.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) group: GroupId,
    pub(super) node_id: NodeId,
    pub(super) incarnation: Incarnation,
    pub(super) stalled: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Strangers {
    known: BTreeMap<IpAddr, (Said, Timestamp)>,
}

/// Whether a heartbeat is to be reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Judgement {
    /// Nothing new.
    Known,
    /// Tell the daemon.
    Tell,
    /// It would be told, but too many strangers were just now.
    TooMany,
}

impl Strangers {
    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Judges one heartbeat; `fits` is whether it was expected and names our group.
    pub(super) fn judge(
        &mut self,
        from: IpAddr,
        said: Said,
        fits: bool,
        now: Timestamp,
    ) -> Judgement {
        if let Some((last, told)) = self.known.get_mut(&from) {
            let again = !fits && now.since(*told) >= REPEAT;
            if *last == said && !again {
                return Judgement::Known;
            }
            (*last, *told) = (said, now);
            return Judgement::Tell;
        }
        if self.known.len() >= ADDRESSES_MAX && !self.forget_oldest(now) {
            return Judgement::TooMany;
        }
        self.known.insert(from, (said, now));
        Judgement::Tell
    }

    /// Makes room, unless all of them are recent.
    fn forget_oldest(&mut self, now: Timestamp) -> bool {
        let oldest = self.known.iter().min_by_key(|(_, (_, told))| *told);
        let Some((address, told)) = oldest.map(|(address, (_, told))| (*address, *told)) else {
            return true;
        };
        let old = now.since(told) >= REPEAT;
        if old {
            self.known.remove(&address);
        }
        old
    }
}
