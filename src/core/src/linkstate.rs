//! The link-state database: what every node and leader says of itself.
//!
//! Items are flooded; the newest version of each wins. Leaders put a digest of
//! what they have into PROCLAIM, so that a member that missed an item notices
//! and compares ([`Summary`](hats_wire::Message::Summary)).

use alloc::{
    collections::{BTreeMap, VecDeque},
    string::String,
    vec::Vec,
};

use hats_wire::{
    GroupReport, Incarnation, Item, ItemBody, ItemKey, ItemVersion, NodeId, NodeReport, Verdict,
};

use crate::members::Digest;

/// Verdicts kept; older ones are forgotten.
pub const VERDICTS_MAX: usize = 64;
/// Items kept of nodes and groups; what comes beyond is refused.
pub const ITEMS_MAX: usize = 16_384;

/// See the module.
#[derive(Debug)]
pub struct Database {
    incarnation: Incarnation,
    sequence: u64,
    items: BTreeMap<ItemKey, Item>,
    /// Verdicts by arrival.
    verdicts: VecDeque<String>,
}

impl Database {
    pub(crate) fn new(incarnation: Incarnation) -> Self {
        Database { incarnation, sequence: 0, items: BTreeMap::new(), verdicts: VecDeque::new() }
    }

    /// A new version of an item of this node's own; it is in the database.
    pub(crate) fn originate(&mut self, body: ItemBody) -> Item {
        self.sequence += 1;
        let item = Item { incarnation: self.incarnation, sequence: self.sequence, body };
        self.insert(item.clone());
        item
    }

    /// Takes an item if it is newer than what is there; says whether it was.
    pub(crate) fn insert(&mut self, item: Item) -> bool {
        let key = key_of(&item.body);
        match self.items.get(&key) {
            Some(known) if version(known) >= version(&item) => return false,
            // A verdict is said once: a second decider's has the same id.
            Some(_) if matches!(key, ItemKey::Verdict(_)) => return false,
            Some(_) => {}
            None if self.items.len() >= ITEMS_MAX => return false,
            None => {}
        }
        if let ItemKey::Verdict(id) = &key {
            self.verdicts.push_back(id.clone());
            if self.verdicts.len() > VERDICTS_MAX
                && let Some(oldest) = self.verdicts.pop_front()
            {
                self.items.remove(&ItemKey::Verdict(oldest));
            }
        }
        self.items.insert(key, item);
        true
    }

    pub(crate) fn has_verdict(&self, id: &str) -> bool {
        self.verdicts.iter().any(|known| known == id)
    }

    /// Equal where two databases agree on nodes and groups. Verdicts are
    /// repeated instead: which of them are still kept differs by node.
    pub(crate) fn digest(&self) -> u64 {
        let mut digest = Digest::default();
        for (key, item) in &self.items {
            match key {
                ItemKey::Node(node) => digest.number(node.0),
                ItemKey::Group(network, leader) => {
                    digest.bytes(network.as_bytes());
                    digest.address(*leader);
                }
                ItemKey::Verdict(_) => continue,
            }
            digest.number(item.incarnation.0);
            digest.number(item.sequence);
        }
        digest.value()
    }

    /// What is there, for another node to compare with.
    pub(crate) fn summary(&self) -> Vec<ItemVersion> {
        self.items
            .iter()
            .map(|(key, item)| ItemVersion {
                key: key.clone(),
                incarnation: item.incarnation,
                sequence: item.sequence,
            })
            .collect()
    }

    /// Compares with another node's summary: what it lacks, and whether it has
    /// something that is lacking here. Verdicts are news when they are made and
    /// history later: who missed one has the state of groups and nodes.
    pub(crate) fn compare(&self, theirs: &[ItemVersion]) -> (Vec<Item>, bool) {
        let theirs: BTreeMap<&ItemKey, (Incarnation, u64)> =
            theirs.iter().map(|v| (&v.key, (v.incarnation, v.sequence))).collect();
        let lacking_there = self
            .items
            .iter()
            .filter(|(key, _)| !matches!(key, ItemKey::Verdict(_)))
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

    /// The item of a node's own report.
    pub(crate) fn own_node(&self, id: NodeId) -> Option<Item> {
        self.items.get(&ItemKey::Node(id)).cloned()
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = &GroupReport> {
        self.items.values().filter_map(|item| match &item.body {
            ItemBody::Group(report) => Some(report),
            ItemBody::Node(_) | ItemBody::Verdict(_) => None,
        })
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

pub(crate) fn key_of(body: &ItemBody) -> ItemKey {
    match body {
        ItemBody::Node(report) => ItemKey::Node(report.node_id),
        ItemBody::Group(report) => ItemKey::Group(report.network.clone(), report.group.leader),
        ItemBody::Verdict(verdict) => ItemKey::Verdict(verdict.id.clone()),
    }
}

fn version(item: &Item) -> (Incarnation, u64) {
    (item.incarnation, item.sequence)
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

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

    #[test]
    fn database_refuses_what_exceeds_its_bound() {
        let mut database = Database::new(Incarnation(1));
        for node in 0..=ITEMS_MAX as u64 {
            let item = Item { incarnation: Incarnation(1), sequence: 1, body: report(node) };
            assert_eq!(database.insert(item), node < ITEMS_MAX as u64);
        }
    }
}
