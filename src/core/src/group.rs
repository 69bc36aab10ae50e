//! Membership of one network, seen by one local adapter.
//!
//! ```text
//!            enable            listened one interval
//! Disabled ---------> Listening ---------> Member (alone, leading itself)
//!     ^                                      |  ^
//!     | disable        a higher leader       |  | dissolve (expelled, isolated)
//!     +----------------- proclaims: JOIN ----+--+
//!                                            v
//!                       PREPARE, ack, COMMIT: Member of the higher group
//! ```
//!
//! A leader proclaims, takes JOINs of lower leaders, and commits each change of
//! membership in two phases. Members that are to leave are `doomed` first, by a
//! verdict or a fact that every member learns; the highest member that is not
//! doomed acts as leader. It knows nothing of how verdicts are reached.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{Cause, GroupId, Member, Message, Pair, Removal};

use crate::{
    config::Detection,
    election::{Roles, elect},
    members::Members,
    ring::{Neighbours, neighbours},
    sizes::PATHS_MAX,
    time::Timestamp,
};

mod bases;
mod expel;
mod follow;
mod join;
mod lead;
mod sizes;
mod state;

use state::{Doomed, Duty, Follow, Lead, Membership, Phase, Prepared, Round, Timing, Unresponsive};

/// A committed membership.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupView {
    /// Who committed it, and which one it is.
    pub id: GroupId,
    /// By rank.
    pub members: Members,
    /// Pairs the ring goes round.
    pub failed_paths: BTreeSet<Pair>,
}

impl GroupView {
    fn digest(&self) -> u64 {
        self.members.digest(&self.failed_paths)
    }

    /// Leader and successor.
    pub fn roles(&self) -> Roles {
        elect(&self.members, |_| true).unwrap_or(Roles { leader: self.id.leader, successor: None })
    }
}

/// What a group wants done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Output {
    /// Send to one member, or to the whole network.
    Send {
        /// The member; none: the network.
        to: Option<IpAddr>,
        /// What.
        message: Message,
    },
    /// Make this group known to everybody who can be thought of.
    Proclaim,
    /// A membership is in force.
    Committed {
        /// What was in force until now.
        before: Option<GroupView>,
        /// What is in force now.
        view: GroupView,
        /// Who left with it.
        removed: Vec<Removal>,
        /// How it came about.
        why: Adopted,
    },
    /// The acting leader should have committed and did not: look at it.
    Overdue {
        /// The acting leader.
        leader: IpAddr,
    },
    /// These members do not acknowledge while others are being removed: look at
    /// them, they may have failed at the same instant.
    Missed {
        /// Who.
        members: Vec<IpAddr>,
        /// Since when.
        since: Timestamp,
    },
}

/// How a membership came to be in force.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Adopted {
    /// Alone, after listening.
    Started,
    /// By COMMIT, or from a List that made up for a missed one.
    Committed,
    /// Told by the others that this adapter is not a member any more.
    Expelled {
        /// Why.
        cause: Cause,
        /// The verdict behind it, if any.
        verdict_id: String,
    },
    /// On this node's own conclusion that it hears nobody.
    Isolated,
}

/// The machine. Inputs are methods that take `now`; what it wants done is
/// drained after each.
#[derive(Clone, Debug)]
pub struct Group {
    me: Member,
    timing: Timing,
    phase: Phase,
    /// The highest instance ever seen: the next one is higher.
    highest: u64,
    doomed: BTreeMap<IpAddr, Doomed>,
    path_changes: BTreeMap<Pair, bool>,
    unresponsive: BTreeMap<IpAddr, Unresponsive>,
    /// Members whose silence is being judged.
    suspects: BTreeSet<IpAddr>,
    /// The membership is to be committed anew though nothing changes.
    reaffirm: bool,
    /// This node stops: the membership stays as it is to the end.
    retired: bool,
    asked_list_at: Option<Timestamp>,
    /// Counts memberships and dooms.
    changes: u64,
    outputs: Vec<Output>,
}

impl Group {
    /// A group that is disabled until [`enable`](Self::enable). Instances
    /// begin after `first_instance`, which must grow with each start.
    pub fn new(me: Member, detection: &Detection, first_instance: u64) -> Self {
        Group {
            me,
            timing: Timing::new(detection),
            phase: Phase::Disabled,
            highest: first_instance,
            doomed: BTreeMap::new(),
            path_changes: BTreeMap::new(),
            unresponsive: BTreeMap::new(),
            suspects: BTreeSet::new(),
            reaffirm: false,
            retired: false,
            asked_list_at: None,
            changes: 0,
            outputs: Vec::new(),
        }
    }

    /// The adapter can be used: listen, then form a group.
    pub fn enable(&mut self, now: Timestamp) {
        if matches!(self.phase, Phase::Disabled) {
            let until = now + self.timing.interval;
            self.phase = Phase::Listening { until, heard: None };
        }
    }

    /// The adapter cannot be used. Gives the membership that ends with it.
    pub(crate) fn disable(&mut self) -> Option<GroupView> {
        self.changes += 1;
        self.doomed.clear();
        self.path_changes.clear();
        match core::mem::replace(&mut self.phase, Phase::Disabled) {
            Phase::Member(membership) => Some(membership.view),
            Phase::Disabled | Phase::Listening { .. } => None,
        }
    }

    /// Another group of the network is at this instance: what is committed here from
    /// now on comes after it.
    pub(crate) fn heard_of(&mut self, group: GroupId) {
        self.highest = self.highest.max(group.instance);
    }

    /// The membership in force.
    pub fn view(&self) -> Option<&GroupView> {
        self.membership().map(|membership| &membership.view)
    }

    /// Grows when the membership in force changes, or who is to leave it.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Who left with the commit that brought it.
    pub(crate) fn removed(&self) -> &[Removal] {
        self.membership().map_or(&[], |membership| &membership.removed)
    }

    /// When it came into force.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        self.membership().map(|membership| membership.since)
    }

    /// No change for ten heartbeat intervals.
    pub(crate) fn is_stable(&self, now: Timestamp) -> bool {
        self.since().is_some_and(|since| now >= since + self.timing.interval * 10)
    }

    /// Whether the path has failed, be it that the commit that says so is yet to come.
    pub(crate) fn is_failed(&self, pair: Pair) -> bool {
        self.path_changes.get(&pair) == Some(&true)
            || self.view().is_some_and(|view| view.failed_paths.contains(&pair))
    }

    /// All paths that have failed, those included.
    pub(crate) fn failed_paths(&self) -> BTreeSet<Pair> {
        let failed = self.path_changes.iter().filter(|(_, failed)| **failed);
        let known = self.view().into_iter().flat_map(|view| view.failed_paths.iter());
        failed.map(|(pair, _)| *pair).chain(known.copied()).collect()
    }

    /// Members to which this adapter's path has failed.
    pub(crate) fn cut_off(&self) -> BTreeSet<IpAddr> {
        let me = self.me.address;
        self.failed_paths().into_iter().filter_map(|pair| pair.other(me)).collect()
    }

    /// This adapter's place in the ring.
    pub fn neighbours(&self) -> Neighbours {
        self.view().map_or_else(Neighbours::default, |view| {
            neighbours(&view.members, &view.failed_paths, self.me.address)
        })
    }

    /// The highest member that is not about to leave.
    pub(crate) fn acting_leader(&self) -> Option<IpAddr> {
        self.acting_roles().map(|roles| roles.leader)
    }

    /// Leader and successor among those that are not about to leave.
    pub(crate) fn acting_roles(&self) -> Option<Roles> {
        elect(&self.view()?.members, |address| !self.doomed.contains_key(&address))
    }

    /// Whether this member is about to leave.
    pub fn is_doomed(&self, address: IpAddr) -> bool {
        self.doomed.contains_key(&address)
    }

    /// Whether this adapter leads the group, or acts as its leader.
    pub(crate) fn leads(&self) -> bool {
        self.acting_leader() == Some(self.me.address)
    }

    /// What it wants done, in order.
    pub fn drain(&mut self) -> Vec<Output> {
        core::mem::take(&mut self.outputs)
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Whom it concerns that something is said to the whole network: the members,
    /// and those that are being taken in.
    pub(crate) fn audience(&self) -> BTreeSet<IpAddr> {
        let Some(membership) = self.membership() else { return BTreeSet::new() };
        let round = match &membership.duty {
            Duty::Lead(lead) => lead.round.as_ref(),
            Duty::Joining(_) | Duty::Follow(_) => None,
        };
        let next = round.into_iter().flat_map(|round| round.next.members.iter());
        membership.view.members.iter().chain(next).map(|member| member.address).collect()
    }

    /// The next proclaim comes by then, if it is this adapter's.
    pub(crate) fn proclaim_by(&mut self, at: Timestamp) {
        if let Some(lead) = self.lead() {
            lead.proclaim_at = lead.proclaim_at.min(at);
        }
    }

    /// This node stops: neither joins nor takes anybody in any more.
    pub fn retire(&mut self) {
        self.retired = true;
    }

    /// When to wake it.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        if self.retired {
            return None;
        }
        match &self.phase {
            Phase::Disabled => None,
            Phase::Listening { until, .. } => Some(*until),
            Phase::Member(membership) => {
                let prepared = membership.prepared.as_ref().map(Prepared::next_deadline);
                let duty = match &membership.duty {
                    Duty::Lead(lead) => lead.next_deadline(),
                    Duty::Joining(joining) => Some(joining.again_at.min(joining.give_up_at)),
                    Duty::Follow(follow) => follow.commit_due,
                };
                prepared.into_iter().chain(duty).min()
            }
        }
    }

    /// Whose silence is being judged now: a round that removes others waits for
    /// what comes of it.
    pub(crate) fn suspects(&mut self, members: BTreeSet<IpAddr>) {
        self.suspects = members;
    }

    /// Does what is overdue, once.
    pub fn wake(&mut self, now: Timestamp) {
        if let Phase::Listening { until, heard } = self.phase {
            if now >= until {
                self.stand_alone(now, Adopted::Started);
                // There is one to join: nobody needs to hear of a group of one.
                if let Some((leader, group)) = heard {
                    self.join(now, leader, group);
                }
            }
            return;
        }
        self.wake_prepared(now);
        match self.membership().map(|membership| &membership.duty) {
            Some(Duty::Lead(_)) => self.wake_lead(now),
            Some(Duty::Joining(_)) => self.wake_joining(now),
            Some(Duty::Follow(_)) => self.wake_follow(now),
            None => {}
        }
    }

    /// A message about membership arrived from the adapter at `from`.
    pub fn handle(&mut self, now: Timestamp, from: IpAddr, message: Message) {
        if from == self.me.address || self.retired {
            return;
        }
        if let (Phase::Listening { heard, .. }, Message::Proclaim(proclaim)) =
            (&mut self.phase, &message)
        {
            let highest = heard.map_or(self.me.address, |(leader, _)| leader);
            if from >= highest {
                *heard = Some((from, proclaim.group));
            }
            self.highest = self.highest.max(proclaim.group.instance);
        }
        if self.membership().is_none() {
            return;
        }
        match message {
            Message::Proclaim(proclaim) => self.on_proclaim(now, from, proclaim.group),
            Message::Join(join) => self.on_join(now, from, join),
            Message::Prepare(prepare) => self.on_prepare(now, from, prepare),
            Message::PrepareAck { group, have } => self.on_prepare_ack(now, from, group, have),
            Message::Commit { group, digest, absent } => {
                self.on_commit(now, from, group, digest, absent);
            }
            Message::ListRequest { have } => self.on_list_request(now, from, have),
            Message::List(list) => self.on_list(now, list),
            Message::Expelled { group, cause, verdict_id, members } => {
                let expelled = expel::Expelled { group, cause, verdict_id, members };
                self.on_expelled(now, from, expelled);
            }
            Message::Leave { group } => self.on_leave(now, from, group),
            Message::LeaveAck { .. }
            | Message::Heartbeat { .. }
            | Message::Goodbye { .. }
            | Message::Probe { .. }
            | Message::ProbeReply { .. }
            | Message::Relay { .. }
            | Message::Chunk(_)
            | Message::Envelope(_)
            | Message::Flood { .. }
            | Message::Summary(_) => {}
        }
    }

    /// A member is to leave: a verdict or a fact says so.
    pub fn doom(&mut self, now: Timestamp, address: IpAddr, cause: Cause, verdict_id: &str) {
        if self.note_doomed(address, cause, verdict_id) {
            self.changes_wanted(now);
        }
    }

    /// Whether that is new.
    fn note_doomed(&mut self, address: IpAddr, cause: Cause, verdict_id: &str) -> bool {
        let Some(membership) = self.membership() else { return false };
        let Some(member) = membership.view.members.get(address).cloned() else { return false };
        if address == self.me.address || self.doomed.contains_key(&address) {
            return false;
        }
        let removal = Removal { member, cause, verdict_id: verdict_id.into() };
        let instance = membership.view.id.instance;
        self.changes += 1;
        self.doomed.insert(address, Doomed { removal, instance });
        true
    }

    /// A path failed or works again: the next commit says so.
    pub(crate) fn set_path(&mut self, now: Timestamp, pair: Pair, failed: bool) {
        let Some(membership) = self.membership() else { return };
        let view = &membership.view;
        let known = view.failed_paths.contains(&pair) == failed;
        let members = view.members.contains(pair.low()) && view.members.contains(pair.high());
        if known || !members {
            self.path_changes.remove(&pair);
            return;
        }
        if self.path_changes.len() >= PATHS_MAX {
            // Failed paths are judged or tried again.
            return;
        }
        self.path_changes.insert(pair, failed);
        self.changes_wanted(now);
    }

    /// A group that does not hear this one has removed members of it. Who leads commits
    /// the same membership anew: a later group that lists them takes that back, wherever
    /// it is known.
    pub(crate) fn reaffirm(&mut self, now: Timestamp) {
        if self.leads() && self.view().is_some_and(|view| view.members.len() > 1) {
            self.reaffirm = true;
            self.changes_wanted(now);
        }
    }

    /// This node concluded that it hears nobody, or that the adapter is dead:
    /// be a group of one.
    pub fn isolate(&mut self, now: Timestamp) {
        if self.view().is_some_and(|view| view.members.len() > 1) {
            self.stand_alone(now, Adopted::Isolated);
        }
    }

    fn membership(&self) -> Option<&Membership> {
        match &self.phase {
            Phase::Member(membership) => Some(membership),
            Phase::Disabled | Phase::Listening { .. } => None,
        }
    }

    fn membership_mut(&mut self) -> Option<&mut Membership> {
        match &mut self.phase {
            Phase::Member(membership) => Some(membership),
            Phase::Disabled | Phase::Listening { .. } => None,
        }
    }

    fn send(&mut self, to: impl Into<Option<IpAddr>>, message: Message) {
        self.outputs.push(Output::Send { to: to.into(), message });
    }

    /// A group of one, led by itself.
    fn stand_alone(&mut self, now: Timestamp, why: Adopted) {
        self.highest += 1;
        let view = GroupView {
            id: GroupId { instance: self.highest, leader: self.me.address },
            members: Members::new([self.me.clone()]),
            failed_paths: BTreeSet::new(),
        };
        self.doomed.clear();
        self.adopt(now, view, Vec::new(), why);
    }

    /// The one place where a membership comes into force.
    fn adopt(&mut self, now: Timestamp, view: GroupView, removed: Vec<Removal>, why: Adopted) {
        self.highest = self.highest.max(view.id.instance);
        self.reaffirm = false;
        let leads = view.id.leader == self.me.address;
        self.changes += 1;
        self.doomed.retain(|address, doomed| {
            view.members.get(*address) == Some(&doomed.removal.member)
                && view.id.instance <= doomed.instance + 1
        });
        self.path_changes.retain(|pair, failed| {
            view.failed_paths.contains(pair) != *failed
                && view.members.contains(pair.low())
                && view.members.contains(pair.high())
        });
        let duty = if leads {
            Duty::Lead(Lead { proclaim_at: now, ..Lead::default() })
        } else {
            Duty::Follow(Follow::default())
        };
        // Who stands alone goes on from nothing.
        let bases = match (&self.phase, &why) {
            (Phase::Member(before), Adopted::Committed) => before.bases_after(&view),
            (Phase::Member(_) | Phase::Disabled | Phase::Listening { .. }, _) => Vec::new(),
        };
        let removed_now = removed.clone();
        let membership =
            Membership { view, since: now, removed: removed_now, duty, prepared: None, bases };
        let adopted = membership.view.clone();
        let before = match core::mem::replace(&mut self.phase, Phase::Member(membership)) {
            Phase::Member(before) => Some(before.view),
            Phase::Disabled | Phase::Listening { .. } => None,
        };
        self.outputs.push(Output::Committed { before, view: adopted, removed, why });
        if !self.doomed.is_empty() || !self.path_changes.is_empty() {
            self.changes_wanted(now);
        }
    }

    /// Somebody is doomed, or a path changed: act as leader, or see that the
    /// leader does.
    fn changes_wanted(&mut self, now: Timestamp) {
        if self.leads() {
            if let Some(membership) = self.membership_mut()
                && !matches!(membership.duty, Duty::Lead(_))
            {
                membership.duty = Duty::Lead(Lead { proclaim_at: now, ..Lead::default() });
            }
            self.begin_round(now);
            return;
        }
        let rank = self.view().and_then(|view| view.members.rank(self.me.address)).unwrap_or(0);
        let steps = u32::try_from(rank).unwrap_or(u32::MAX).min(8);
        let due = now + self.timing.overdue + self.timing.interval * steps;
        if let Some(Membership { duty: Duty::Follow(follow), .. }) = self.membership_mut() {
            follow.commit_due.get_or_insert(due);
        }
    }
}

#[cfg(test)]
mod tests;
