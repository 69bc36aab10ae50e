//! The updates that are still to be spread.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{Id, message::Update};

/// How often it was sent, then: the newest first.
type Rank = (u32, Reverse<u64>);

/// Updates that travel on whatever is sent, each a limited number of times,
/// those sent least often first. One per member: the newest.
#[derive(Debug, Default)]
pub(crate) struct Gossip {
    waiting: BTreeMap<Rank, Update>,
    rank_of: BTreeMap<Id, Rank>,
    order: u64,
}

impl Gossip {
    /// Something new; it takes the place of older news of the same member.
    pub(crate) fn spread(&mut self, update: Update) {
        if let Some(rank) = self.rank_of.remove(&update.member) {
            self.waiting.remove(&rank);
        }
        self.order += 1;
        self.insert((0, Reverse(self.order)), update);
    }

    fn insert(&mut self, rank: Rank, update: Update) {
        self.rank_of.insert(update.member, rank);
        self.waiting.insert(rank, update);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// As many updates as fit into `room` bytes. Each has then been sent once
    /// more, and is dropped when that was the last of `limit` times.
    pub(crate) fn take(&mut self, mut room: usize, limit: u32) -> Vec<Update> {
        let mut taken: Vec<(Rank, Update)> = Vec::new();
        for (rank, update) in &self.waiting {
            if update.size() > room {
                break;
            }
            room -= update.size();
            taken.push((*rank, *update));
        }
        for ((times, order), update) in &taken {
            self.waiting.remove(&(*times, *order));
            self.rank_of.remove(&update.member);
            if times + 1 < limit {
                self.insert((times + 1, *order), *update);
            }
        }
        taken.into_iter().map(|(_, update)| update).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::swim::message::Status;

    fn update(member: Id, incarnation: u32) -> Update {
        Update { member, incarnation, status: Status::Suspect }
    }

    fn members(updates: &[Update]) -> Vec<Id> {
        updates.iter().map(|update| update.member).collect()
    }

    #[test]
    fn an_update_is_sent_as_often_as_the_limit_says() {
        let mut gossip = Gossip::default();
        gossip.spread(update(1, 0));
        for _ in 0..3 {
            assert_eq!(members(&gossip.take(100, 3)), [1]);
        }
        assert!(gossip.is_empty());
    }

    #[test]
    fn what_was_sent_least_goes_first_and_the_newest_of_those() {
        let mut gossip = Gossip::default();
        gossip.spread(update(1, 0));
        gossip.spread(update(2, 0));
        assert_eq!(members(&gossip.take(100, 9)), [2, 1]);
        gossip.spread(update(3, 0));
        let size = update(3, 0).size();
        assert_eq!(members(&gossip.take(size * 2, 9)), [3, 2]);
    }

    #[test]
    fn newer_news_of_a_member_replace_older_ones() {
        let mut gossip = Gossip::default();
        gossip.spread(update(1, 0));
        gossip.take(100, 9);
        gossip.spread(update(1, 1));
        assert_eq!(gossip.take(100, 9), [update(1, 1)]);
    }
}
