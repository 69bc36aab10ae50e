//! The link-state database: what every node and leader says of itself.
//!
//! Items are flooded; the newest version of each wins. Leaders put a digest of
//! what they have into PROCLAIM, so that a member that missed an item notices
//! and compares ([`Summary`]): a small database item by item, a large one by
//! buckets first.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    string::String,
    vec::Vec,
};
use core::net::{IpAddr, Ipv4Addr};

use hats_wire::{
    GroupReport, Incarnation, Item, ItemBody, ItemKey, ItemVersion, Member, NodeId, NodeReport,
    Summary, Verdict,
};

use crate::{
    members::{Digest, Members},
    sizes::{Each, Size},
};

/// Verdicts kept; older ones are forgotten.
pub const VERDICTS_MAX: usize = 64;
/// Items kept of nodes and groups; what comes beyond is refused.
pub const ITEMS_MAX: usize = 16_384;
/// Parts of a database that are compared one by one: the digests of all of them
/// fit a datagram, and the items of one of a few thousand do nearly.
pub const BUCKETS: usize = 64;

/// See the module.
#[derive(Debug)]
pub struct Database {
    incarnation: Incarnation,
    sequence: u64,
    items: BTreeMap<ItemKey, Item>,
    /// Verdicts by arrival.
    verdicts: VecDeque<String>,
    /// Sums of the digests of the items in each bucket: what was done in another
    /// order sums up to the same.
    buckets: [u64; BUCKETS],
    /// Counts changes of what groups report, and of which adapters a node has.
    changes: u64,
    /// Nodes that say that an adapter of theirs loses datagrams: few, where all
    /// would be asked again and again.
    losers: BTreeSet<NodeId>,
}

impl Database {
    pub(crate) fn new(incarnation: Incarnation) -> Self {
        Database {
            incarnation,
            sequence: 0,
            items: BTreeMap::new(),
            verdicts: VecDeque::new(),
            buckets: [0; BUCKETS],
            changes: 0,
            losers: BTreeSet::new(),
        }
    }

    pub(crate) fn sizes(&self) -> [Size; 3] {
        [
            Size::new("items", self.items.len(), ITEMS_MAX).each(Each::Item),
            Size::new("nodes that lose datagrams", self.losers.len(), ITEMS_MAX).each(Each::Node),
            Size::new("verdicts", self.verdicts.len(), VERDICTS_MAX),
        ]
    }

    /// A new version of an item of this node's own; it is in the database.
    pub(crate) fn originate(&mut self, body: ItemBody) -> Item {
        self.sequence += 1;
        let item = Item { incarnation: self.incarnation, sequence: self.sequence, body };
        self.insert(item.clone());
        item
    }

    /// Takes an item if it is newer than what is there; says whether it was.
    pub(crate) fn insert(&mut self, mut item: Item) -> bool {
        let key = key_of(&item.body);
        match self.items.get(&key) {
            Some(known) if version(known) >= version(&item) => return false,
            // A verdict is said once: a second decider's has the same id.
            Some(_) if matches!(key, ItemKey::Verdict(_)) => return false,
            Some(_) => {}
            None if self.items.len() >= ITEMS_MAX => return false,
            None => {}
        }
        if let ItemBody::Group(report) = &mut item.body
            && !report.members.is_sorted_by(|a, b| a.address > b.address)
        {
            report.members = Members::new(core::mem::take(&mut report.members)).to_vec();
        }
        match &item.body {
            ItemBody::Verdict(verdict) => self.make_room_for_verdict(&verdict.id),
            ItemBody::Group(report) if self.is_superseded(report) => return false,
            ItemBody::Group(report) => {
                self.changes += 1;
                self.forget_superseded(report);
            }
            // What its earlier report did not list, groups may have listed in vain.
            ItemBody::Node(report) => {
                let before = self.node(report.node_id);
                let other = before.is_some_and(|(before, run)| {
                    run != item.incarnation || !lists_the_same(before, report)
                });
                self.changes += u64::from(other);
                if report.adapters.iter().any(|it| it.loss.is_some()) {
                    self.losers.insert(report.node_id);
                } else {
                    self.losers.remove(&report.node_id);
                }
            }
        }
        let digest = digest_of(&key, version(&item));
        let place = bucket_of(&key);
        if let Some(before) = self.items.insert(key, item) {
            let key = key_of(&before.body);
            self.buckets[place] =
                self.buckets[place].wrapping_sub(digest_of(&key, version(&before)));
        }
        self.buckets[place] = self.buckets[place].wrapping_add(digest);
        true
    }

    fn make_room_for_verdict(&mut self, id: &str) {
        self.verdicts.push_back(id.into());
        if self.verdicts.len() > VERDICTS_MAX
            && let Some(oldest) = self.verdicts.pop_front()
        {
            self.items.remove(&ItemKey::Verdict(oldest));
        }
    }

    /// Whether a later report lists all that this one does: it says nothing then.
    fn is_superseded(&self, report: &GroupReport) -> bool {
        self.groups_of(&report.network).any(|other| supersedes(other, report))
    }

    fn forget_superseded(&mut self, report: &GroupReport) {
        let old = self.groups_of(&report.network).filter(|other| supersedes(report, other));
        let old: Vec<IpAddr> = old.map(|other| other.group.leader).collect();
        for leader in old {
            self.forget_group(&report.network, leader);
        }
    }

    pub(crate) fn has_verdict(&self, id: &str) -> bool {
        self.verdicts.iter().any(|known| known == id)
    }

    /// Equal where two databases agree on nodes and groups. Verdicts are
    /// repeated instead: which of them are still kept differs by node.
    pub(crate) fn digest(&self) -> u64 {
        self.buckets.iter().fold(0, |sum: u64, bucket| sum.wrapping_add(*bucket))
    }

    /// The digests of its parts.
    pub(crate) fn buckets(&self) -> Vec<u64> {
        self.buckets.to_vec()
    }

    /// The parts that differ from another database's.
    pub(crate) fn differing(&self, theirs: &[u64]) -> BTreeSet<usize> {
        let same = |place: &usize| theirs.get(*place) == Some(&self.buckets[*place]);
        (0..BUCKETS).filter(|place| !same(place)).collect()
    }

    /// What is in these parts.
    pub(crate) fn items_in(&self, buckets: &BTreeSet<usize>) -> Vec<Item> {
        self.listed(|place| buckets.contains(&place)).map(|(_, item)| item.clone()).collect()
    }

    /// What is there, for another node to compare with.
    pub(crate) fn summary(&self) -> Summary {
        self.summary_of(|_| true)
    }

    /// What is in some parts, for another node to compare with.
    pub(crate) fn summary_in(&self, buckets: &BTreeSet<usize>) -> Summary {
        let covers = buckets.iter().filter_map(|place| u32::try_from(*place).ok()).collect();
        Summary { covers, ..self.summary_of(|place| buckets.contains(&place)) }
    }

    fn summary_of(&self, which: impl Fn(usize) -> bool) -> Summary {
        let version_of = |(key, item): (&ItemKey, &Item)| ItemVersion {
            key: key.clone(),
            incarnation: item.incarnation,
            sequence: item.sequence,
        };
        Summary { have: self.listed(which).map(version_of).collect(), ..Summary::default() }
    }

    /// Items of nodes and groups, in some parts.
    fn listed(&self, which: impl Fn(usize) -> bool) -> impl Iterator<Item = (&ItemKey, &Item)> {
        self.items
            .iter()
            .filter(|(key, _)| !matches!(key, ItemKey::Verdict(_)))
            .filter(move |(key, _)| which(bucket_of(key)))
    }

    /// Asks for verdicts: as one that has them, of before any run. A node that does
    /// not know of that tells what it has in the same part.
    pub(crate) fn asking_for<'a>(verdicts: impl Iterator<Item = &'a String>) -> Summary {
        let (incarnation, sequence) = (Incarnation(0), 0);
        let none = |key| ItemVersion { key, incarnation, sequence };
        let have: Vec<ItemVersion> =
            verdicts.map(|id| none(ItemKey::Verdict(id.clone()))).collect();
        let covers: BTreeSet<usize> = have.iter().map(|it| bucket_of(&it.key)).collect();
        let covers = covers.into_iter().filter_map(|place| u32::try_from(place).ok()).collect();
        Summary { have, covers, ..Summary::default() }
    }

    /// The verdicts that are asked for so, if anything is.
    pub(crate) fn asked_for(&self, theirs: &Summary) -> Vec<Item> {
        let verdicts = theirs.have.iter().filter(|it| matches!(it.key, ItemKey::Verdict(_)));
        verdicts.filter_map(|it| self.items.get(&it.key).cloned()).collect()
    }

    /// Compares with another node's summary: what it lacks, and whether it has
    /// something that is lacking here. Verdicts are news when they are made and
    /// history later: who missed one and must know it asks for it.
    pub(crate) fn compare(&self, theirs: &Summary) -> (Vec<Item>, bool) {
        let covers: BTreeSet<usize> =
            theirs.covers.iter().filter_map(|place| usize::try_from(*place).ok()).collect();
        let theirs: BTreeMap<&ItemKey, (Incarnation, u64)> =
            theirs.have.iter().map(|v| (&v.key, (v.incarnation, v.sequence))).collect();
        let lacking_there = self
            .listed(|place| covers.is_empty() || covers.contains(&place))
            .filter(|(key, item)| theirs.get(key).is_none_or(|had| *had < version(item)))
            .map(|(_, item)| item.clone())
            .collect();
        let lacking_here = theirs.iter().any(|(key, had)| {
            !matches!(key, ItemKey::Verdict(_))
                && self.items.get(*key).is_none_or(|item| version(item) < *had)
        });
        (lacking_there, lacking_here)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<(&NodeReport, Incarnation)> {
        match self.items.get(&ItemKey::Node(id)) {
            Some(Item { body: ItemBody::Node(report), incarnation, .. }) => {
                Some((report, *incarnation))
            }
            Some(_) | None => None,
        }
    }

    /// What nodes say of themselves, and the runs of their daemons.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (&NodeReport, Incarnation)> {
        self.items.values().filter_map(|item| match &item.body {
            ItemBody::Node(report) => Some((report, item.incarnation)),
            ItemBody::Group(_) | ItemBody::Verdict(_) => None,
        })
    }

    /// What those nodes say of themselves of which an adapter loses datagrams.
    pub(crate) fn losers(&self) -> impl Iterator<Item = &NodeReport> {
        self.losers.iter().filter_map(|id| self.node(*id).map(|(report, _)| report))
    }

    /// The item of a node's own report.
    pub(crate) fn own_node(&self, id: NodeId) -> Option<Item> {
        self.items.get(&ItemKey::Node(id)).cloned()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &GroupReport> {
        self.groups_from("")
    }

    pub(crate) fn groups_of(&self, network: &str) -> impl Iterator<Item = &GroupReport> {
        self.groups_from(network).take_while(move |report| report.network == network)
    }

    fn groups_from(&self, network: &str) -> impl Iterator<Item = &GroupReport> {
        let lowest = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let later = self.items.range(ItemKey::Group(network.into(), lowest)..);
        later.map_while(|(_, item)| match &item.body {
            ItemBody::Group(report) => Some(report),
            ItemBody::Node(_) | ItemBody::Verdict(_) => None,
        })
    }

    /// What is reported of the group of this leader.
    pub(crate) fn group(&self, network: &str, leader: IpAddr) -> Option<&GroupReport> {
        match self.items.get(&ItemKey::Group(network.into(), leader)) {
            Some(Item { body: ItemBody::Group(report), .. }) => Some(report),
            Some(_) | None => None,
        }
    }

    /// Forgets a group that is over.
    pub(crate) fn forget_group(&mut self, network: &str, leader: IpAddr) {
        let key = ItemKey::Group(network.into(), leader);
        if let Some(item) = self.items.remove(&key) {
            let place = bucket_of(&key);
            self.buckets[place] = self.buckets[place].wrapping_sub(digest_of(&key, version(&item)));
            self.changes += 1;
        }
    }

    /// Grows whenever [`groups`](Self::groups) gives something else, or a node that
    /// was known lists other adapters.
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// A verdict, to be told to one that missed it.
    pub(crate) fn verdict_item(&self, id: &str) -> Option<Item> {
        self.items.get(&ItemKey::Verdict(id.into())).cloned()
    }

    pub(crate) fn verdict(&self, id: &str) -> Option<&Verdict> {
        match self.items.get(&ItemKey::Verdict(id.into())) {
            Some(Item { body: ItemBody::Verdict(verdict), .. }) => Some(verdict),
            Some(_) | None => None,
        }
    }
}

fn lists_the_same(one: &NodeReport, other: &NodeReport) -> bool {
    fn which(report: &NodeReport) -> BTreeSet<(&str, IpAddr)> {
        report.adapters.iter().map(|it| (&*it.network, it.address)).collect()
    }
    which(one) == which(other)
}

pub(crate) fn key_of(body: &ItemBody) -> ItemKey {
    match body {
        ItemBody::Node(report) => ItemKey::Node(report.node_id),
        ItemBody::Group(report) => ItemKey::Group(report.network.clone(), report.group.leader),
        ItemBody::Verdict(verdict) => ItemKey::Verdict(verdict.id.clone()),
    }
}

/// The member of this address in a report of the database: members are by rank.
pub(crate) fn member_of(report: &GroupReport, address: IpAddr) -> Option<&Member> {
    let found = report.members.binary_search_by(|member| address.cmp(&member.address));
    found.ok().map(|at| &report.members[at])
}

fn version(item: &Item) -> (Incarnation, u64) {
    (item.incarnation, item.sequence)
}

/// Whether a group came after another one and has all of its members, be it
/// with another address of theirs: nobody belongs to that one any more.
fn supersedes(later: &GroupReport, earlier: &GroupReport) -> bool {
    let moved = |member: &Member| {
        let mut others = later.members.iter();
        others.any(|it| {
            (it.node_id, &it.interface) == (member.node_id, &member.interface)
                && it.incarnation >= member.incarnation
        })
    };
    let has = |member: &Member| member_of(later, member.address).is_some() || moved(member);
    later.group.leader != earlier.group.leader
        && later.group > earlier.group
        && earlier.members.iter().all(has)
}

fn key_digest(key: &ItemKey) -> Digest {
    let mut digest = Digest::default();
    match key {
        ItemKey::Node(node) => digest.number(node.0),
        ItemKey::Group(network, leader) => {
            digest.bytes(network.as_bytes());
            digest.address(*leader);
        }
        ItemKey::Verdict(id) => digest.bytes(id.as_bytes()),
    }
    digest
}

fn bucket_of(key: &ItemKey) -> usize {
    // The last byte counts in the lowest bits, and in those from the 40th on.
    usize::try_from((key_digest(key).value() >> 40) % BUCKETS as u64).unwrap_or(0)
}

/// None of a verdict: see [`Database::digest`].
fn digest_of(key: &ItemKey, (incarnation, sequence): (Incarnation, u64)) -> u64 {
    if matches!(key, ItemKey::Verdict(_)) {
        return 0;
    }
    let mut digest = key_digest(key);
    digest.number(incarnation.0);
    digest.number(sequence);
    digest.value()
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use hats_wire::{AdapterReport, GroupId, Loss};

    use super::*;
    use crate::members::tests::member;

    fn report(node: u64) -> ItemBody {
        ItemBody::Node(NodeReport {
            node_id: NodeId(node),
            node: alloc::format!("n{node}"),
            version: "1".to_string(),
            adapters: vec![],
            leaving: false,
            maintenance: false,
        })
    }

    #[test]
    fn newest_version_wins_whatever_the_order() {
        let mut origin = Database::new(Incarnation(5));
        let first = origin.originate(report(1));
        let second = origin.originate(report(1));
        let mut forward = Database::new(Incarnation(1));
        assert!(forward.insert(first.clone()));
        assert!(forward.insert(second.clone()));
        let mut backward = Database::new(Incarnation(1));
        assert!(backward.insert(second.clone()));
        assert!(!backward.insert(first));
        assert!(!backward.insert(second));
        assert_eq!(forward.digest(), backward.digest());
    }

    #[test]
    fn a_new_incarnation_outranks_any_sequence_of_the_old_one() {
        let mut old = Database::new(Incarnation(1));
        for _ in 0..9 {
            old.originate(report(1));
        }
        let item = Database::new(Incarnation(2)).originate(report(1));
        assert!(old.insert(item));
    }

    #[test]
    fn comparing_finds_what_each_side_lacks() {
        let mut ours = Database::new(Incarnation(1));
        let mut theirs = Database::new(Incarnation(1));
        ours.originate(report(1));
        theirs.originate(report(2));
        let (lacking_there, lacking_here) = ours.compare(&theirs.summary());
        assert_eq!(lacking_there.len(), 1);
        assert!(lacking_here);
        for item in lacking_there {
            assert!(theirs.insert(item));
        }
        let (lacking_here, more) = theirs.compare(&ours.summary());
        assert!(!more);
        for item in lacking_here {
            assert!(ours.insert(item));
        }
        assert_eq!(ours.digest(), theirs.digest());
    }

    fn group(network: &str, instance: u64, members: &[u8]) -> Item {
        let members: Vec<Member> = members.iter().map(|last| member(*last)).collect();
        let leader = members[0].address;
        let report = GroupReport {
            network: network.to_string(),
            subnet: String::new(),
            group: GroupId { instance, leader },
            leader_node: members[0].node_id,
            members,
            failed_paths: vec![],
            removed: vec![],
        };
        Item { incarnation: Incarnation(1), sequence: instance, body: ItemBody::Group(report) }
    }

    #[test]
    fn a_group_whose_members_are_all_in_a_later_one_is_forgotten_in_whatever_order_it_comes() {
        let items = [
            group("neta", 5, &[1]),
            group("neta", 6, &[3, 2]),
            group("neta", 7, &[4, 2]),
            group("neta", 9, &[5, 3, 2, 1]),
            group("netb", 5, &[1]),
        ];
        let mut forward = Database::new(Incarnation(1));
        let mut backward = Database::new(Incarnation(1));
        for item in &items {
            forward.insert(item.clone());
        }
        for item in items.iter().rev() {
            backward.insert(item.clone());
        }
        for database in [&forward, &backward] {
            let left = database.groups().map(|report| (&*report.network, report.group.instance));
            // One of the third is in no other group.
            assert_eq!(left.collect::<Vec<_>>(), [("neta", 7), ("neta", 9), ("netb", 5)]);
        }
        assert_eq!(forward.digest(), backward.digest());
        let mut only = Database::new(Incarnation(1));
        for item in &items[2..] {
            only.insert(item.clone());
        }
        assert_eq!(only.digest(), forward.digest(), "nothing of the others is left");
    }

    fn adapter(last: u8, loss: Option<Loss>) -> AdapterReport {
        AdapterReport {
            network: "neta".to_string(),
            interface: "eth0".to_string(),
            address: member(last).address,
            fault: None,
            group: None,
            held: None,
            mac: Vec::new(),
            loss,
            multicast: hats_wire::Multicast::Unknown,
            narrow: Vec::new(),
            overheard: Vec::new(),
        }
    }

    #[test]
    fn losers_are_those_whose_newest_report_says_so() {
        let loses = Some(Loss { inward: 50, outward: 0, own: false });
        let said = |sequence, losses: &[Option<Loss>]| {
            let ItemBody::Node(mut report) = report(1) else { panic!("of a node") };
            let its = losses.iter().zip(1..).map(|(loss, last)| adapter(last, *loss));
            report.adapters = its.collect();
            Item { incarnation: Incarnation(1), sequence, body: ItemBody::Node(report) }
        };
        let mut database = Database::new(Incarnation(1));
        let mut counts = Vec::new();
        for item in [said(2, &[None, loses]), said(1, &[None]), said(3, &[None, None])] {
            database.insert(item);
            counts.push(database.losers().count());
        }
        assert_eq!(counts, [1, 1, 0], "what is older says nothing");
    }

    #[test]
    fn a_node_that_lists_an_adapter_again_is_a_change() {
        let report = |sequence, addresses: &[u8]| {
            let ItemBody::Node(mut report) = report(1) else { panic!("of a node") };
            report.adapters = addresses.iter().map(|last| adapter(*last, None)).collect();
            Item { incarnation: Incarnation(1), sequence, body: ItemBody::Node(report) }
        };
        let mut database = Database::new(Incarnation(1));
        let mut changes = Vec::new();
        for (sequence, addresses) in [(1, &[1, 2][..]), (2, &[1, 2]), (3, &[1]), (4, &[1, 2])] {
            assert!(database.insert(report(sequence, addresses)));
            changes.push(database.changes());
        }
        assert_eq!(changes, [0, 0, 1, 2]);
    }

    #[test]
    fn buckets_that_differ_hold_what_is_lacking() {
        let mut ours = Database::new(Incarnation(1));
        let mut theirs = Database::new(Incarnation(1));
        for node in 0..500 {
            let item = Item { incarnation: Incarnation(1), sequence: 1, body: report(node) };
            ours.insert(item.clone());
            if node % 100 != 7 {
                theirs.insert(item);
            }
        }
        let differing = ours.differing(&theirs.buckets());
        assert!((1..=5).contains(&differing.len()), "{differing:?}");
        let there = ours.items_in(&differing);
        assert!(there.len() < 100, "a few buckets of many: {}", there.len());
        let (lacking_there, lacking_here) = ours.compare(&theirs.summary_in(&differing));
        assert_eq!((lacking_there.len(), lacking_here), (5, false));
        let (lacking_here, lacking_there) = theirs.compare(&ours.summary_in(&differing));
        assert!(lacking_here.is_empty() && lacking_there);
        for item in there {
            theirs.insert(item);
        }
        assert_eq!(ours.buckets(), theirs.buckets());
        assert_eq!(ours.digest(), theirs.digest());
    }

    #[test]
    fn items_spread_over_all_buckets() {
        let mut database = Database::new(Incarnation(1));
        for node in 0..2_000 {
            database.originate(report(0x1000 + node));
        }
        let sizes = (0..BUCKETS).map(|place| database.items_in(&BTreeSet::from([place])).len());
        let sizes: Vec<usize> = sizes.collect();
        assert!(sizes.iter().all(|size| (10..60).contains(size)), "{sizes:?}");
    }

    #[test]
    fn database_refuses_what_exceeds_its_bound() {
        let mut database = Database::new(Incarnation(1));
        for node in 0..=ITEMS_MAX as u64 {
            let item = Item { incarnation: Incarnation(1), sequence: 1, body: report(node) };
            assert_eq!(database.insert(item), node < ITEMS_MAX as u64);
        }
    }
}
