//! Who leads: a pure function of the members.

use core::net::IpAddr;

use crate::members::Members;

/// Who has which part in a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// The highest address: the authority of the group.
    pub leader: IpAddr,
    /// The second highest: watches the leader and takes over. None when alone.
    pub successor: Option<IpAddr>,
}

/// Elects leader and successor among the members that `may_lead`.
///
/// 1. Order the members by address, numerically, highest first.
/// 2. Leave out those that may not lead (they are about to leave the group).
/// 3. The first is the leader, the second the successor.
pub fn elect(members: &Members, may_lead: impl Fn(IpAddr) -> bool) -> Option<Roles> {
    let mut candidates = members.iter().map(|m| m.address).filter(|address| may_lead(*address));
    let leader = candidates.next()?;
    Some(Roles { leader, successor: candidates.next() })
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;

    use super::*;
    use crate::members::tests::member;

    fn subsets() -> impl Iterator<Item = Members> {
        (0u8..16)
            .map(|bits| Members::new((1..=4).filter(|n| bits & (1 << (n - 1)) != 0).map(member)))
    }

    #[test]
    fn nobody_is_elected_by_nobody() {
        assert_eq!(elect(&Members::default(), |_| true), None);
    }

    #[test]
    fn leader_and_successor_are_the_two_highest_of_every_set_of_up_to_four() {
        for members in subsets().filter(|m| !m.is_empty()) {
            let mut sorted: alloc::vec::Vec<_> = members.iter().map(|m| m.address).collect();
            sorted.sort();
            let roles = elect(&members, |_| true).expect("not empty");
            assert_eq!(Some(roles.leader), sorted.pop());
            assert_eq!(roles.successor, sorted.pop());
        }
    }

    #[test]
    fn removing_the_leader_promotes_the_successor() {
        for members in subsets().filter(|m| m.len() >= 2) {
            let before = elect(&members, |_| true).expect("not empty");
            let rest = members.changed(&BTreeSet::from([before.leader]), []);
            let after = elect(&rest, |_| true).expect("not empty");
            assert_eq!(Some(after.leader), before.successor);
            assert_eq!(elect(&members, |a| a != before.leader), Some(after));
        }
    }
}
