//! Databases in step: what is told to a group, what a newcomer brings and
//! lacks, and what got lost.
//!
//! In a small group everybody tells everybody at once. In a large one that would
//! be as many datagrams as members, to each of them: a newcomer tells its leader,
//! the leader tells the group, what comes in a burst travels together, and what
//! many lack is sent to all.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::net::IpAddr;

use hats_wire::{
    DATAGRAM_MAX, Item, ItemBody, ItemKey, Message, NodeId, Summary, Verdict, VerdictKind, encode,
    floods, link::Mode,
};

use super::{Node, news::origin};
use crate::{
    group::GroupView,
    io::AdapterIndex,
    linkstate::{BUCKETS, Database, ITEMS_MAX, VERDICTS_MAX, key_of},
    pace,
    sizes::{Each, MEMBERS_MAX, Size},
    time::Timestamp,
};

/// So many nodes pass an item from one group on to another.
const GATEWAYS: usize = 2;
/// Items that are repeated at one time; in a burst, digests repair.
pub(super) const REPEATS_MAX: usize = 64;

/// A verdict that is missed is asked for so often, of one member after the other.
const WANTED_MAX: u32 = 12;

/// What is still to be said in one group.
#[derive(Debug, Default)]
pub(super) struct Sync {
    /// The leader's digest differed so often in a row.
    differs: u32,
    /// When this member says what it has.
    ask_at: Option<Timestamp>,
    /// When this newcomer tells its leader of itself.
    greet_at: Option<Timestamp>,
    /// The digests of those that asked.
    asked: BTreeMap<IpAddr, Vec<u64>>,
    answer_at: Option<Timestamp>,
    /// What is told together, and when something was told last.
    outbox: BTreeMap<ItemKey, Item>,
    told_at: Timestamp,
    /// Verdicts by which members were removed and that did not come, with how often
    /// they were asked for.
    wanted: BTreeMap<String, u32>,
    want_at: Option<Timestamp>,
}

impl Sync {
    pub(super) fn next_deadline(&self, pause: core::time::Duration) -> Option<Timestamp> {
        let tell = (!self.outbox.is_empty()).then(|| self.told_at + pause);
        let times = [self.ask_at, self.greet_at, self.answer_at, self.want_at, tell];
        times.into_iter().flatten().min()
    }

    pub(super) fn sizes(&self) -> [Size; 3] {
        [
            Size::new("members that asked what is lacking", self.asked.len(), MEMBERS_MAX)
                .under_way()
                .each(Each::Adapter),
            Size::new("items to tell", self.outbox.len(), ITEMS_MAX).under_way().each(Each::Item),
            Size::new("verdicts wanted", self.wanted.len(), VERDICTS_MAX).under_way(),
        ]
    }
}

/// An item that is said again, in case it was lost.
#[derive(Debug)]
pub(super) struct Repeat {
    pub(super) at: Timestamp,
    /// So many times more after this.
    again: u32,
    item: Item,
}

impl Node {
    /// Time in which what is to be told in a large group is told together.
    pub(super) fn pause(&self) -> core::time::Duration {
        self.config.detection.heartbeat_interval / 16
    }

    /// Tells the group: at once, unless it is large and was told something just now.
    pub(super) fn tell(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        items: impl IntoIterator<Item = Item>,
    ) {
        let pause = self.pause();
        let large = self.is_large(index);
        let Some(local) = self.locals.get_mut(&index) else { return };
        let sync = &mut local.sync;
        sync.outbox.extend(items.into_iter().map(|item| (key_of(&item.body), item)));
        if !large || now >= sync.told_at + pause {
            self.empty_outbox(now, index);
        }
    }

    fn empty_outbox(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let items = core::mem::take(&mut local.sync.outbox);
        if items.is_empty() {
            return;
        }
        local.sync.told_at = now;
        self.flood(index, None, items.into_values());
    }

    pub(super) fn flood(
        &mut self,
        index: AdapterIndex,
        to: Option<IpAddr>,
        items: impl IntoIterator<Item = Item>,
    ) {
        let news = items.into_iter().filter(|item| match &item.body {
            ItemBody::Group(report) => !self.is_leaderless(report),
            ItemBody::Node(_) | ItemBody::Verdict(_) => true,
        });
        for message in floods(news) {
            self.send(index, to, &message);
        }
    }

    /// Says an item again after a while, and once more: a verdict on a path three times
    /// more, for nobody is removed by it who would make others ask. What does not fit a
    /// datagram is left to the digests, which tell nobody of a verdict.
    pub(super) fn repeat(&mut self, now: Timestamp, item: Item) {
        let key = key_of(&item.body);
        let verdict = matches!(key, ItemKey::Verdict(_));
        let path = |verdict: &Verdict| verdict.kind == VerdictKind::Path;
        let again = match &item.body {
            ItemBody::Verdict(verdict) if path(verdict) => 3,
            ItemBody::Verdict(_) | ItemBody::Node(_) | ItemBody::Group(_) => 1,
        };
        let flood = Message::Flood { items: Vec::from([item]) };
        let short = encode(&self.header, &flood).len() <= DATAGRAM_MAX;
        let room = self.repeats.len() < REPEATS_MAX || self.repeats.contains_key(&key);
        let Message::Flood { items } = flood else { return };
        for item in items.into_iter().filter(|_| (short || verdict) && room) {
            let at = now + self.config.detection.heartbeat_interval / 2;
            self.repeats.insert(key.clone(), Repeat { at, again, item });
        }
    }

    pub(super) fn repeat_items(&mut self, now: Timestamp) {
        let due: Vec<Repeat> =
            self.repeats.extract_if(.., |_, repeat| now >= repeat.at).map(|(_, it)| it).collect();
        if due.is_empty() {
            return;
        }
        for index in self.indices() {
            if self.in_company(index) {
                self.tell(now, index, due.iter().map(|repeat| repeat.item.clone()));
            }
        }
        let interval = self.config.detection.heartbeat_interval;
        for Repeat { at, again, item } in due.into_iter().filter(|repeat| repeat.again > 0) {
            let at = at + interval * 3 / 2;
            self.repeats.insert(key_of(&item.body), Repeat { at, again: again - 1, item });
        }
    }

    pub(super) fn in_company(&self, index: AdapterIndex) -> bool {
        self.size(index) > 1
    }

    fn is_large(&self, index: AdapterIndex) -> bool {
        self.size(index) > pace::SMALL
    }

    fn size(&self, index: AdapterIndex) -> usize {
        let view = self.locals.get(&index).and_then(|local| local.group.view());
        view.map_or(0, |view| view.members.len())
    }

    /// Passes news on: to the group they came from, when they were told to its
    /// leader alone; to others, whose members do not hear their origin.
    pub(super) fn pass_news_on(
        &mut self,
        now: Timestamp,
        from: AdapterIndex,
        sender: NodeId,
        to_group: bool,
        fresh: &[Item],
    ) {
        for to in self.indices() {
            let due: Vec<Item> = if !self.in_company(to) {
                Vec::new()
            } else if from == to {
                let leads = self.locals.get(&from).is_some_and(|local| local.group.leads());
                let its_own = |item: &Item| origin(item) == Some(sender);
                let told =
                    |item: &Item| to_group || (self.tells_each(from, sender) && its_own(item));
                fresh.iter().filter(|item| leads && !told(item)).cloned().collect()
            } else if self.is_gateway(from, to) {
                let hears = |node| self.is_at_work(to, node);
                fresh.iter().filter(|it| !origin(it).is_some_and(hears)).cloned().collect()
            } else {
                Vec::new()
            };
            if !due.is_empty() {
                self.tell(now, to, due);
            }
        }
    }

    /// Of the nodes that are in both groups, the two highest in the second pass
    /// things on (one may just have failed).
    pub(super) fn is_gateway(&self, from: AdapterIndex, to: AdapterIndex) -> bool {
        let Some(target) = self.locals.get(&to).and_then(|local| local.group.view()) else {
            return false;
        };
        let gateways = target.members.iter().map(|member| member.node_id).filter(|node| {
            *node == self.config.node_id
                || (self.is_at_work(to, *node) && self.is_at_work(from, *node))
        });
        gateways.take(GATEWAYS).any(|node| node == self.config.node_id)
    }

    /// Whether the node is a member of that group, and is to stay one.
    pub(super) fn is_at_work(&self, index: AdapterIndex, node: NodeId) -> bool {
        self.locals.get(&index).is_some_and(|local| {
            let members =
                local.group.view().into_iter().flat_map(|view| view.members.of_node(node));
            members.into_iter().any(|member| !local.group.is_doomed(member.address))
        })
    }

    /// A newcomer tells what it is, and in a small group asks for what it lacks;
    /// in a large one it lacks most of what all the others lack, too, and is told
    /// so by the leader's digest if it has not come by itself.
    pub(super) fn greet(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        before: Option<&GroupView>,
        view: &GroupView,
    ) {
        let newcomer = before.is_none_or(|before| !before.members.contains(view.id.leader));
        let Some(local) = self.locals.get_mut(&index) else { return };
        if view.members.len() < 2 || !newcomer {
            return;
        }
        local.sync.differs = 0;
        let me = local.me.address;
        if view.members.len() > pace::SMALL && local.spec.network.mode != Mode::Unicast {
            let interval = self.config.detection.heartbeat_interval;
            let rank = view.members.rank(me).unwrap_or(0);
            let wait = pace::spread(rank, view.members.len(), interval / 4);
            local.sync.greet_at = Some(now + wait);
            return;
        }
        let own = self.database.own_node(self.config.node_id);
        self.flood(index, None, own);
        if view.id.leader != me {
            let summary = Summary { answer_wanted: true, ..self.database.summary() };
            self.send(index, Some(view.id.leader), &Message::Summary(summary));
        }
    }

    /// Does what is due in all groups.
    pub(super) fn wake_sync(&mut self, now: Timestamp) {
        let pause = self.pause();
        for index in self.indices() {
            let Some(local) = self.locals.get_mut(&index) else { continue };
            let sync = &mut local.sync;
            let due = |at: &mut Timestamp| now >= *at;
            let greet = sync.greet_at.take_if(due).is_some();
            let ask = sync.ask_at.take_if(due).is_some();
            let answer = sync.answer_at.take_if(due).is_some();
            let tell = now >= sync.told_at + pause;
            let me = local.me.address;
            let leader = local.group.view().map(|view| view.id.leader);
            let leader = leader.filter(|leader| *leader != me);
            if greet && leader.is_some() {
                let own = self.database.own_node(self.config.node_id);
                self.flood(index, leader, own);
            }
            if let Some(leader) = leader.filter(|_| ask) {
                self.compare_in_full(index, leader);
            }
            if answer {
                self.answer(index);
            }
            if tell {
                self.empty_outbox(now, index);
            }
            self.ask_for_verdicts(now, index);
        }
    }

    /// Somebody was removed by a verdict that has not come here: all three of its
    /// floods may be lost. Who goes on without that member must know why.
    pub(super) fn want_verdict(&mut self, now: Timestamp, index: AdapterIndex, id: &str) {
        // It may be on its way.
        let wait = self.config.detection.heartbeat_interval / 4;
        let Some(local) = self.locals.get_mut(&index) else { return };
        let sync = &mut local.sync;
        if sync.wanted.len() < VERDICTS_MAX && !sync.wanted.contains_key(id) {
            sync.wanted.insert(id.into(), 0);
            sync.want_at.get_or_insert(now + wait);
        }
    }

    fn ask_for_verdicts(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if local.sync.want_at.take_if(|at| now >= *at).is_none() {
            return;
        }
        let database = &self.database;
        let wanted = &mut local.sync.wanted;
        wanted.retain(|id, tries| *tries < WANTED_MAX && !database.has_verdict(id));
        let Some(tries) = wanted.values().copied().min() else { return };
        wanted.values_mut().for_each(|tries| *tries += 1);
        local.sync.want_at = Some(now + self.config.detection.heartbeat_interval / 2);
        let Some(view) = local.group.view() else { return };
        let others = || {
            let members = view.members.iter().map(|member| member.address);
            members.filter(|it| *it != local.me.address && !local.group.is_doomed(*it))
        };
        let count = others().count();
        let Some(turn) = usize::try_from(tries).ok().and_then(|it| it.checked_rem(count)) else {
            return;
        };
        let Some(to) = others().nth(turn) else { return };
        let summary = Database::asking_for(local.sync.wanted.keys());
        self.send(index, Some(to), &Message::Summary(summary));
    }

    /// The leader's digest differs from ours twice in a row: compare.
    pub(super) fn compare_databases(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        theirs: u64,
    ) {
        let ours = self.database.digest();
        let Some(local) = self.locals.get_mut(&index) else { return };
        let view = local.group.view().filter(|view| view.id.leader == from && theirs != ours);
        let Some(view) = view else {
            local.sync.differs = 0;
            return;
        };
        local.sync.differs += 1;
        if local.sync.differs < 2 {
            return;
        }
        local.sync.differs = 0;
        if view.members.len() > pace::SMALL {
            let rank = view.members.rank(local.me.address).unwrap_or(0);
            let limit = self.config.detection.heartbeat_interval / 4;
            let wait = pace::spread(rank, view.members.len(), limit);
            local.sync.ask_at = Some(now + wait);
        } else {
            self.compare_in_full(index, from);
        }
    }

    /// Tells another member what there is here, and asks for what is lacking.
    pub(super) fn compare_in_full(&mut self, index: AdapterIndex, with: IpAddr) {
        let summary = if self.is_large(index) {
            Summary { buckets: self.database.buckets(), ..Summary::default() }
        } else {
            self.database.summary()
        };
        let summary = Summary { answer_wanted: true, ..summary };
        self.send(index, Some(with), &Message::Summary(summary));
    }

    /// A member says what it has.
    pub(super) fn summarised(
        &mut self,
        now: Timestamp,
        index: AdapterIndex,
        from: IpAddr,
        summary: Summary,
    ) {
        if summary.buckets.len() == BUCKETS {
            let interval = self.config.detection.heartbeat_interval;
            let Some(local) = self.locals.get_mut(&index) else { return };
            let size = local.group.view().map_or(0, |view| view.members.len());
            if local.sync.asked.len() >= MEMBERS_MAX && !local.sync.asked.contains_key(&from) {
                return;
            }
            // As long as others may still be about to ask.
            let wait = interval / 16 + pace::spread(size, size, interval / 4);
            local.sync.asked.insert(from, summary.buckets);
            local.sync.answer_at.get_or_insert(now + wait);
            return;
        }
        let verdicts = self.database.asked_for(&summary);
        if !verdicts.is_empty() {
            self.flood(index, Some(from), verdicts);
            return;
        }
        let (lacking_there, lacking_here) = self.database.compare(&summary);
        self.flood(index, Some(from), lacking_there);
        if lacking_here && summary.answer_wanted {
            let buckets = covered(&summary);
            let have = match buckets.is_empty() {
                true => self.database.summary(),
                false => self.database.summary_in(&buckets),
            };
            self.send(index, Some(from), &Message::Summary(have));
        }
    }

    /// Answers all that asked. What more than a few lack is sent to all; of what
    /// it lacks itself, one of them is asked.
    fn answer(&mut self, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let asked = core::mem::take(&mut local.sync.asked);
        let differing: BTreeMap<IpAddr, BTreeSet<usize>> =
            asked.iter().map(|(from, theirs)| (*from, self.database.differing(theirs))).collect();
        let mut all = BTreeSet::new();
        let mut few: BTreeMap<IpAddr, BTreeSet<usize>> = BTreeMap::new();
        let mut first: BTreeMap<IpAddr, BTreeSet<usize>> = BTreeMap::new();
        for bucket in 0..BUCKETS {
            let who = || differing.iter().filter(|(_, its)| its.contains(&bucket));
            if who().count() > pace::FEW {
                all.insert(bucket);
                for (from, _) in who().take(1) {
                    first.entry(*from).or_default().insert(bucket);
                }
            } else {
                for (from, _) in who() {
                    few.entry(*from).or_default().insert(bucket);
                }
            }
        }
        if !all.is_empty() {
            let items = self.database.items_in(&all);
            self.flood(index, None, items);
        }
        for (from, buckets) in first {
            self.send(index, Some(from), &Message::Summary(self.database.summary_in(&buckets)));
        }
        for (from, buckets) in few {
            self.answer_one(index, from, &buckets, &asked[&from]);
        }
    }

    /// What it has nothing of at all, it gets; the rest is compared.
    fn answer_one(
        &mut self,
        index: AdapterIndex,
        from: IpAddr,
        buckets: &BTreeSet<usize>,
        theirs: &[u64],
    ) {
        let (empty, some): (BTreeSet<usize>, BTreeSet<usize>) =
            buckets.iter().partition(|bucket| theirs.get(**bucket) == Some(&0));
        if !empty.is_empty() {
            let items = self.database.items_in(&empty);
            self.flood(index, Some(from), items);
        }
        if !some.is_empty() {
            let summary = Summary { answer_wanted: true, ..self.database.summary_in(&some) };
            self.send(index, Some(from), &Message::Summary(summary));
        }
    }
}

/// The parts of a database that a summary is about; none: all.
fn covered(summary: &Summary) -> BTreeSet<usize> {
    let places = summary.covers.iter().filter_map(|place| usize::try_from(*place).ok());
    places.filter(|place| *place < BUCKETS).collect()
}
