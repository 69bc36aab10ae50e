//! What was published and adopted, when and by whom.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc, time::Duration};

use hats_core::event::{Event, EventKind};
use hats_wire::GroupId;

use crate::{host::Port, world::World};

/// One event as one node published it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// When, since the world began.
    pub at: Duration,
    /// The node that published it.
    pub observer: String,
    /// Which run of its daemon: the incarnation.
    pub run: u64,
    /// What it published.
    pub event: Event,
}

/// Members in address order; one copy for all that adopted the same.
pub(crate) type Members = Rc<[IpAddr]>;

/// A node took over a membership on one of its adapters.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Adoption {
    pub(crate) at: Duration,
    pub(crate) port: Port,
    pub(crate) run: u64,
    pub(crate) group: GroupId,
    pub(crate) members: Members,
}

/// A daemon told the NIM of one of its adapters who its neighbours are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Order {
    pub(crate) port: Port,
    pub(crate) run: u64,
    /// Instance 0: it is in no group.
    pub(crate) group: GroupId,
    pub(crate) feed: Vec<IpAddr>,
    pub(crate) expect: Vec<IpAddr>,
}

/// Everything that was ever published or adopted, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) said: Vec<Said>,
    pub(crate) adoptions: Vec<Adoption>,
    pub(crate) orders: Vec<Order>,
    /// Every membership that was adopted, by group; more than one for a group
    /// only if the members disagree.
    memberships: BTreeMap<GroupId, Vec<Members>>,
}

impl Records {
    pub(crate) fn said(&mut self, said: Said) {
        self.said.push(said);
    }

    pub(crate) fn adopted(&mut self, adoption: Adoption) {
        self.adoptions.push(adoption);
    }

    /// The one copy of this membership.
    pub(crate) fn membership(&mut self, group: GroupId, members: &[IpAddr]) -> Members {
        let known = self.memberships.entry(group).or_default();
        if let Some(same) = known.iter().find(|known| known[..] == *members) {
            return Rc::clone(same);
        }
        let new: Members = members.into();
        known.push(Rc::clone(&new));
        new
    }

    /// The members of that group, as whoever adopted it first said.
    pub(crate) fn members_of(&self, group: GroupId) -> Option<&Rc<[IpAddr]>> {
        self.memberships.get(&group)?.first()
    }

    /// Of what was said after the first `from`, only what `keeps` says stays:
    /// thousands of nodes that say of thousands that they are up fill a memory.
    pub(crate) fn forget(&mut self, from: usize, keeps: &dyn Fn(&Event) -> bool) {
        let new = self.said.split_off(from);
        self.said.extend(new.into_iter().filter(|said| keeps(&said.event)));
    }

    /// Grows with everything that is recorded.
    pub(crate) fn changes(&self) -> usize {
        self.said.len() + self.adoptions.len()
    }
}

/// A place in the list of events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mark {
    pub(crate) index: usize,
    pub(crate) at: Duration,
}

impl World {
    /// Every event of every node so far.
    pub fn events(&self) -> &[Said] {
        &self.records.said
    }

    /// Here and now.
    pub fn mark(&self) -> Mark {
        Mark { index: self.records.said.len(), at: self.now() }
    }

    /// When `mark` was made.
    pub fn time_of(&self, mark: Mark) -> Duration {
        mark.at
    }

    /// What was published after `mark`.
    pub fn since(&self, mark: Mark) -> &[Said] {
        &self.records.said[mark.index..]
    }

    /// What `node` published.
    pub fn events_of(&self, node: &str) -> impl Iterator<Item = &Said> {
        self.records.said.iter().filter(move |said| said.observer == node)
    }

    /// The nodes whose daemon runs, not stopped, on a host that is awake.
    pub fn live(&self) -> Vec<String> {
        self.hosts
            .iter()
            .filter(|host| host.is_awake() && host.has_working_daemon())
            .map(|host| host.name().to_owned())
            .collect()
    }

    /// Whether every live node, and there is one, has published such an event
    /// since `mark`.
    pub fn all_said(&self, mark: Mark, kind: EventKind, such: impl Fn(&Event) -> bool) -> bool {
        let live = self.live();
        !live.is_empty()
            && live.iter().all(|node| {
                self.since(mark).iter().any(|said| {
                    &said.observer == node && said.event.kind == kind && such(&said.event)
                })
            })
    }
}
