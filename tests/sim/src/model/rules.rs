//! What must hold whenever a membership comes into force.

use std::collections::BTreeMap;

use hats_wire::GroupId;

use super::{
    catalogue::{Adoption, Belonging},
    names::{self, NODES, Set, has, only},
};

/// Of whom it is asked that a leave is seen from both sides: whoever leaves a
/// group must see all others of it leave before they are together again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Leaving {
    /// Of nobody.
    Unchecked,
    /// Of members that the others removed.
    #[default]
    OfRemoved,
    /// Also of members that left by themselves: they must be seen to leave.
    OfAll,
}

/// What of the past the rules need to know. It is part of the state: two pasts
/// that a rule tells apart are two states.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct History {
    /// Memberships of more than one that somebody adopted.
    memberships: BTreeMap<GroupId, (Set, [u64; NODES])>,
    /// The first removed the second with that instance, and the second lists
    /// the first still.
    left: BTreeMap<(u8, u8), u64>,
    /// The first, having seen the second leave, saw it back with that instance.
    back: BTreeMap<(u8, u8), u64>,
}

impl History {
    /// A node adopts a membership: the broken rule, if one is.
    pub(super) fn adopt(
        &mut self,
        node: u8,
        adoption: &Adoption,
        others: &[Option<Belonging>; NODES],
        leaving: Leaving,
    ) -> Result<(), String> {
        well_formed(node, &adoption.now)?;
        grows(node, adoption)?;
        self.one_membership(node, &adoption.now)?;
        self.symmetric_leave(node, adoption, others, leaving)
    }

    /// A node begins a new run: what its last one saw is over.
    pub(super) fn restarted(&mut self, node: u8) {
        self.left.retain(|(a, b), _| *a != node && *b != node);
        self.back.retain(|(a, b), _| *a != node && *b != node);
    }

    fn one_membership(&mut self, node: u8, now: &Belonging) -> Result<(), String> {
        if now.members == only(node) {
            return Ok(());
        }
        let these = (now.members, now.incarnations);
        let known = self.memberships.entry(now.group).or_insert(these);
        if *known == these {
            return Ok(());
        }
        Err(format!(
            "one membership per group instance: {} says {} is {}, but it was adopted as {}",
            names::name(node),
            names::group(&now.group),
            listed(these),
            listed(*known)
        ))
    }

    fn symmetric_leave(
        &mut self,
        node: u8,
        adoption: &Adoption,
        others: &[Option<Belonging>; NODES],
        leaving: Leaving,
    ) -> Result<(), String> {
        let (Some(before), now) = (adoption.before, adoption.now) else { return Ok(()) };
        if leaving == Leaving::Unchecked {
            return Ok(());
        }
        for other in names::nodes().filter(|other| *other != node) {
            if !has(before.members, other) && !self.left.contains_key(&(node, other)) {
                continue;
            }
            let at = usize::from(other);
            let same_run = before.incarnations[at] == now.incarnations[at];
            if has(before.members, other) && !(has(now.members, other) && same_run) {
                // This one sees the other leave.
                self.left.remove(&(other, node));
                self.back.remove(&(other, node));
                let lists = others[at].is_some_and(|it| has(it.members, node));
                if lists && (leaving == Leaving::OfAll || has(adoption.removed, other)) {
                    self.left.insert((node, other), now.group.instance);
                }
            } else if has(before.members, other) {
                let back = self.back.get(&(other, node));
                if back.is_some_and(|back| now.group.instance >= *back) {
                    return Err(never_left(other, node, &now.group));
                }
            } else if has(now.members, other) {
                // This one sees the other come back.
                let stays = others[at].is_some_and(|it| {
                    has(it.members, node) && it.group.instance >= now.group.instance
                });
                if stays {
                    return Err(never_left(node, other, &now.group));
                }
                self.back.insert((node, other), now.group.instance);
            }
        }
        Ok(())
    }
}

fn never_left(one: u8, other: u8, group: &GroupId) -> String {
    let (one, other) = (names::name(one), names::name(other));
    format!(
        "symmetric leave: {one} saw {other} leave and come back in {}, but {other} never saw {one} \
         leave",
        names::group(group)
    )
}

fn well_formed(node: u8, now: &Belonging) -> Result<(), String> {
    let what = || format!("{} [{}]", names::group(&now.group), names::names(now.members));
    if !has(now.members, node) {
        return Err(format!("{} adopted without itself: {}", names::name(node), what()));
    }
    let highest = names::nodes().rev().find(|it| has(now.members, *it));
    let leader = names::node(now.group.leader);
    if highest != Some(leader) || now.first != leader {
        return Err(format!("leader is not the highest: {} adopts {}", names::name(node), what()));
    }
    Ok(())
}

fn grows(node: u8, adoption: &Adoption) -> Result<(), String> {
    let (Some(before), now) = (&adoption.before, &adoption.now) else { return Ok(()) };
    if now.group.instance > before.group.instance {
        return Ok(());
    }
    Err(format!(
        "instances only grow: {} went from {} to {}",
        names::name(node),
        names::group(&before.group),
        names::group(&now.group)
    ))
}

fn listed((members, incarnations): (Set, [u64; NODES])) -> String {
    let word = |node: u8| format!("{} run {}", names::name(node), incarnations[usize::from(node)]);
    let words: Vec<String> =
        names::nodes().rev().filter(|it| has(members, *it)).map(word).collect();
    format!("[{}]", words.join(", "))
}

/// Histories by number.
#[derive(Debug, Default)]
pub(super) struct Histories {
    list: Vec<History>,
    numbers: BTreeMap<History, u32>,
}

impl Histories {
    pub(super) fn get(&self, number: u32) -> &History {
        &self.list[number as usize]
    }

    pub(super) fn number(&mut self, history: History) -> u32 {
        if let Some(known) = self.numbers.get(&history) {
            return *known;
        }
        let number = u32::try_from(self.list.len()).expect("fewer than 2^32 histories");
        self.list.push(history.clone());
        self.numbers.insert(history, number);
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: [Option<Belonging>; NODES] = [None; NODES];

    fn belonging(instance: u64, leader: u8, members: Set) -> Belonging {
        let run = |node: usize| u64::from(has(members, node as u8));
        Belonging {
            group: GroupId { instance, leader: names::address(leader) },
            members,
            incarnations: std::array::from_fn(run),
            first: leader,
        }
    }

    fn adoption(before: Option<Belonging>, now: Belonging, removed: Set) -> Adoption {
        Adoption { before, now, removed, why: "committed" }
    }

    fn adopts(node: u8, now: Belonging) -> Result<(), String> {
        let mut history = History::default();
        history.adopt(node, &adoption(None, now, 0), &NOBODY, Leaving::OfAll)
    }

    #[track_caller]
    fn refused(result: Result<(), String>, rule: &str) {
        let why = result.expect_err("a rule is broken");
        assert!(why.contains(rule), "{why}");
    }

    #[test]
    fn nobody_adopts_a_membership_without_itself() {
        assert_eq!(adopts(1, belonging(7, 2, 0b110)), Ok(()));
        refused(adopts(0, belonging(7, 2, 0b110)), "without itself: n3#7 [n3 n2]");
    }

    #[test]
    fn a_leader_that_is_not_the_highest_is_refused() {
        refused(adopts(0, belonging(7, 1, 0b111)), "leader is not the highest");
    }

    #[test]
    fn an_instance_that_does_not_grow_is_refused() {
        let mut history = History::default();
        let step = adoption(Some(belonging(7, 2, 0b111)), belonging(7, 1, 0b011), 0b100);
        refused(history.adopt(0, &step, &NOBODY, Leaving::OfAll), "instances only grow");
    }

    #[test]
    fn one_instance_with_two_memberships_is_refused() {
        let mut history = History::default();
        let first = adoption(None, belonging(7, 2, 0b111), 0);
        assert_eq!(history.adopt(2, &first, &NOBODY, Leaving::OfAll), Ok(()));
        let other = adoption(None, belonging(7, 2, 0b110), 0);
        let why = history.adopt(1, &other, &NOBODY, Leaving::OfAll);
        refused(why, "n2 says n3#7 is [n3 run 1, n2 run 1], but it was adopted as [n3 run 1,");
    }

    /// n2 removes n3, which lists it still, and comes back to it.
    fn n3_keeps_n2(leaving: Leaving, removed: Set) -> Result<(), String> {
        let mut history = History::default();
        let (all, two) = (belonging(7, 2, 0b111), belonging(8, 1, 0b011));
        let others = [Some(all), None, Some(all)];
        history.adopt(1, &adoption(Some(all), two, removed), &others, leaving)?;
        let again = belonging(9, 2, 0b111);
        let others = [Some(two), Some(two), None];
        history.adopt(2, &adoption(Some(all), again, 0), &others, leaving)?;
        let others = [Some(two), None, Some(again)];
        history.adopt(1, &adoption(Some(two), again, 0), &others, leaving)
    }

    #[test]
    fn one_that_was_removed_and_did_not_see_it_is_not_to_be_back() {
        let why = "n2 saw n3 leave and come back in n3#9, but n3 never saw n2 leave";
        refused(n3_keeps_n2(Leaving::OfRemoved, 0b100), why);
        refused(n3_keeps_n2(Leaving::OfAll, 0), why);
        assert_eq!(n3_keeps_n2(Leaving::OfRemoved, 0), Ok(()), "nobody was removed");
        assert_eq!(n3_keeps_n2(Leaving::Unchecked, 0b100), Ok(()));
    }
}
