//! What a group is doing: its phases, duties and the times they take.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::{net::IpAddr, time::Duration};

use hats_wire::{GroupId, Member, Message, Pair, Removal};

use super::GroupView;
use crate::{config::Detection, members::Members, pace, time::Timestamp};

/// How long things take, from the detection parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    pub(super) interval: Duration,
    /// JOINs are gathered this long before PREPARE.
    pub(super) gather: Duration,
    /// A missing acknowledgement is asked for again after this.
    pub(super) ack_retry: Duration,
    /// A round ends after this, whoever acknowledged.
    pub(super) round: Duration,
    /// A lower leader that is not taken in within this leads itself again.
    pub(super) join: Duration,
    /// A doomed member must be committed out within this.
    pub(super) overdue: Duration,
    /// Members that are missed hold up a round for so long at most.
    pub(super) missed: Duration,
}

impl Timing {
    pub(crate) fn new(detection: &Detection) -> Self {
        let interval = detection.heartbeat_interval;
        let ack_retry = (interval / 2).max(Duration::from_millis(5));
        let round = (interval * 2).max(ack_retry * 4);
        Timing {
            interval,
            gather: interval / 4,
            ack_retry,
            round,
            join: round * 2 + interval,
            overdue: round * 2,
            missed: detection.detection_time() * 2,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    Disabled,
    Listening {
        until: Timestamp,
        /// The highest leader heard meanwhile, and its group.
        heard: Option<(IpAddr, GroupId)>,
    },
    Member(Membership),
}

/// What a member does besides heartbeats.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) view: GroupView,
    pub(super) since: Timestamp,
    /// Who left with the commit that brought it.
    pub(super) removed: Vec<Removal>,
    pub(super) duty: Duty,
    pub(super) prepared: Option<Prepared>,
    /// What members may have in force that have not heard of this one yet.
    pub(super) bases: Vec<Base>,
}

/// A membership that this one came after, for those who had it.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub(super) id: GroupId,
    /// Who has left since: who has this one still has not seen them go.
    pub(super) gone: BTreeSet<IpAddr>,
}

/// So many memberships back a member may be and still catch up; besides, one for
/// each group that the latest one took in is remembered until the next.
pub(super) const BASES_MAX: usize = 8;
/// Leaders remembered that do not take this group in; beyond, the one that is
/// to be listened to first again is forgotten.
pub(super) const UNRESPONSIVE_MAX: usize = 64;

#[derive(Clone, Debug)]
pub(super) enum Duty {
    Lead(Lead),
    /// A leader that asked a higher one to take its group.
    Joining(Joining),
    Follow(Follow),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Lead {
    /// Each interval; each fourth once the group is stable.
    pub(super) proclaim_at: Timestamp,
    /// What is wanted until then is prepared together.
    pub(super) gathering: Option<Gathering>,
    pub(super) joins: BTreeMap<IpAddr, Member>,
    pub(super) join_paths: BTreeSet<Pair>,
    /// The groups they come from, by leader.
    pub(super) asked: BTreeMap<IpAddr, Asked>,
    pub(super) round: Option<Round>,
    /// COMMIT is said twice, in case the first is lost.
    pub(super) commit_again: Option<(Timestamp, Message)>,
}

impl Lead {
    /// What is wanted waits for more of its kind, but not for ever.
    pub(super) fn gather(&mut self, now: Timestamp, window: Duration) {
        let since = self.gathering.map_or(now, |gathering| gathering.since);
        let limit = since + pace::gathering(window, self.joins.len());
        self.gathering = Some(Gathering { since, until: (now + window).min(limit) });
    }
}

/// Changes that are wanted are being waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gathering {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
}

/// A group that is to be taken in, as its leader said it is.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) group: GroupId,
    pub(super) listed: Members,
    /// Whom it lists besides.
    pub(super) leaving: BTreeSet<IpAddr>,
}

#[derive(Clone, Debug)]
pub(super) struct Round {
    pub(super) next: GroupView,
    pub(super) removed: Vec<Removal>,
    /// Who acknowledged, and what is in force there until then.
    pub(super) acks: BTreeMap<IpAddr, Option<GroupId>>,
    /// The groups that newcomers come from, by leader.
    pub(super) asked: BTreeMap<IpAddr, Asked>,
    /// When it, or the one that it took the place of, began.
    pub(super) began: Timestamp,
    pub(super) resend_at: Timestamp,
    /// Some were asked again, each for itself.
    pub(super) resent: bool,
    pub(super) deadline: Timestamp,
    /// How often nobody had answered by then.
    pub(super) extended: u32,
}

impl Round {
    /// Whether somebody may still acknowledge who is not about to leave.
    pub(super) fn is_waiting(&self, doomed: &BTreeMap<IpAddr, Doomed>) -> bool {
        let in_vain = |address: &&IpAddr| {
            self.next.members.contains(**address) && !self.acks.contains_key(*address)
        };
        self.acks.len() + doomed.keys().filter(in_vain).count() < self.next.members.len()
    }
}

#[derive(Clone, Debug)]
pub(super) struct Joining {
    pub(super) leader: IpAddr,
    pub(super) into: GroupId,
    pub(super) again_at: Timestamp,
    pub(super) give_up_at: Timestamp,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Follow {
    /// A doomed member must be gone by then.
    pub(super) commit_due: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) next: GroupView,
    pub(super) removed: Vec<Removal>,
    pub(super) until: Timestamp,
    /// When it is acknowledged, and (in a large group) acknowledged again.
    pub(super) ack_at: Option<Timestamp>,
}

/// A member that is to leave.
#[derive(Clone, Debug)]
pub(super) struct Doomed {
    pub(super) removal: Removal,
    /// The membership in force when that became known: the next one may have
    /// been prepared before, one after that lists it because it came back.
    pub(super) instance: u64,
}

/// A leader that proclaims but does not take this group in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unresponsive {
    pub(super) until: Timestamp,
    pub(super) times: u32,
}
