//! Who feeds and who watches whom: pure functions of the members.
//!
//! The members stand in a ring by falling address. Each feeds the next ones
//! after it and is watched by them, so the leader is watched by the successor.
//! A pair that cannot reach each other is stepped over, which keeps every
//! member watched by somebody who can hear it.

use alloc::{collections::BTreeSet, vec::Vec};
use core::net::IpAddr;

use hats_wire::Pair;

use crate::members::Members;

/// One member's place in the ring.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Neighbours {
    /// Downstream: heartbeats go to these.
    pub feed: Vec<IpAddr>,
    /// Upstream: heartbeats are expected from these.
    pub watch: Vec<IpAddr>,
}

/// How many downstream neighbours each member feeds: two when the group has
/// four or more, so that two neighbours that die together are both seen at once.
pub fn degree(members: usize) -> usize {
    if members >= 4 { 2 } else { 1 }
}

/// The place of `me` in the ring of `members`.
pub fn neighbours(members: &Members, failed: &BTreeSet<Pair>, me: IpAddr) -> Neighbours {
    let Some(at) = members.rank(me) else {
        return Neighbours::default();
    };
    let list = members.as_slice();
    let n = list.len();
    // Who watches me can have been stepped over to at most once per failed pair.
    let reach = (degree(n) + failed.len()).min(n - 1);
    let watch = (1..=reach)
        .map(|back| (at + n - back) % n)
        .filter(|upstream| downstream(members, failed, *upstream).contains(&me))
        .map(|upstream| list[upstream].address)
        .collect();
    Neighbours { feed: downstream(members, failed, at), watch }
}

fn downstream(members: &Members, failed: &BTreeSet<Pair>, of: usize) -> Vec<IpAddr> {
    let list = members.as_slice();
    let n = list.len();
    let me = list[of].address;
    (1..n)
        .map(|step| list[(of + step) % n].address)
        .filter(|other| !failed.contains(&Pair::new(me, *other)))
        .take(degree(n))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::members::tests::member;

    fn ring(n: u8) -> Members {
        Members::new((1..=n).map(member))
    }

    fn address(last: u8) -> IpAddr {
        member(last).address
    }

    #[test]
    fn successor_watches_the_leader() {
        for n in 2..12 {
            let members = ring(n);
            let place = neighbours(&members, &BTreeSet::new(), address(n - 1));
            assert!(place.watch.contains(&address(n)), "group of {n}");
        }
    }

    #[test]
    fn feeding_and_watching_are_two_sides_of_one_relation() {
        let failed = BTreeSet::from([
            Pair::new(address(6), address(5)),
            Pair::new(address(6), address(4)),
            Pair::new(address(1), address(6)),
        ]);
        for n in 1..10 {
            for failed in [&failed, &BTreeSet::new()] {
                let members = ring(n);
                for a in members.iter() {
                    let feeds = neighbours(&members, failed, a.address).feed;
                    for b in members.iter() {
                        let watches = neighbours(&members, failed, b.address).watch;
                        assert_eq!(feeds.contains(&b.address), watches.contains(&a.address));
                    }
                }
            }
        }
    }

    #[test]
    fn every_member_stays_watched_when_a_path_fails() {
        for n in 3..9 {
            let members = ring(n);
            for a in 1..=n {
                for b in 1..a {
                    let failed = BTreeSet::from([Pair::new(address(a), address(b))]);
                    for m in members.iter() {
                        let place = neighbours(&members, &failed, m.address);
                        assert!(!place.feed.is_empty(), "{n} members, path {a}-{b}");
                        assert!(!place.feed.contains(&m.address));
                    }
                    let end = neighbours(&members, &failed, address(a));
                    assert!(!end.feed.contains(&address(b)) && !end.watch.contains(&address(b)));
                }
            }
        }
    }

    #[test]
    fn degree_is_two_from_four_members_on() {
        assert_eq!(neighbours(&ring(3), &BTreeSet::new(), address(1)).feed.len(), 1);
        assert_eq!(neighbours(&ring(4), &BTreeSet::new(), address(1)).feed.len(), 2);
    }
}
