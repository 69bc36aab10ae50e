//! The members of a group, in rank order.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use core::net::IpAddr;

use hats_wire::{Member, NodeId, Pair};

/// Members by falling address: the leader first, the successor second.
///
/// A list of thousands is kept in many places (what is in force, what is
/// prepared, what is reported): a clone shares it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Members(Arc<Inner>);

#[derive(PartialEq, Eq, Debug)]
struct Inner {
    list: Vec<Member>,
    /// The same, side by side: each member lies somewhere else.
    addresses: Vec<IpAddr>,
    /// Ranks by node, so that a node's member is found without a search.
    by_node: Vec<(NodeId, usize)>,
    digest: Digest,
}

impl Inner {
    /// Of a list that is in order already.
    fn new(list: Vec<Member>) -> Self {
        let mut by_node: Vec<(NodeId, usize)> =
            list.iter().enumerate().map(|(rank, member)| (member.node_id, rank)).collect();
        by_node.sort_unstable();
        let mut digest = Digest::default();
        for member in &list {
            digest.address(member.address);
            digest.number(member.node_id.0);
            digest.number(member.incarnation.0);
        }
        let addresses = list.iter().map(|member| member.address).collect();
        Inner { list, addresses, by_node, digest }
    }
}

impl Default for Members {
    fn default() -> Self {
        Members(Arc::new(Inner::new(Vec::new())))
    }
}

impl Members {
    /// The set of `members`; of two with one address the later one stays.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        let mut list: Vec<Member> = members.into_iter().collect();
        // Later ones first among equals, so that they are the ones that stay.
        list.reverse();
        list.sort_by_key(|member| core::cmp::Reverse(member.address));
        list.dedup_by_key(|member| member.address);
        Members(Arc::new(Inner::new(list)))
    }

    /// These without `gone` and with `added`, which replace those of the same address.
    pub fn changed(
        &self,
        gone: &BTreeSet<IpAddr>,
        added: impl IntoIterator<Item = Member>,
    ) -> Members {
        let stay = self.iter().filter(|member| !gone.contains(&member.address)).cloned();
        Members::new(stay.chain(added))
    }

    /// The member of this address.
    pub fn get(&self, address: IpAddr) -> Option<&Member> {
        self.rank(address).map(|at| &self.0.list[at])
    }

    /// Whether this address is a member's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.rank(address).is_some()
    }

    /// The members of this node, by rank.
    pub fn of_node(&self, node: NodeId) -> impl Iterator<Item = &Member> {
        let first = self.0.by_node.partition_point(|(other, _)| *other < node);
        let its = self.0.by_node[first..].iter().take_while(move |(other, _)| *other == node);
        its.map(|(_, rank)| &self.0.list[*rank])
    }

    /// How many are ranked before this address: 0 for the leader.
    pub fn rank(&self, address: IpAddr) -> Option<usize> {
        self.0.addresses.binary_search_by(|other| address.cmp(other)).ok()
    }

    /// The rank of the highest below this address, be that a member's or not; how
    /// many they are if there is none.
    pub(crate) fn first_below(&self, address: IpAddr) -> usize {
        self.0.addresses.partition_point(|other| *other >= address)
    }

    /// By rank.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Member> {
        self.0.list.iter()
    }

    /// By rank.
    pub fn as_slice(&self) -> &[Member] {
        &self.0.list
    }

    /// A copy for a message.
    pub fn to_vec(&self) -> Vec<Member> {
        self.0.list.clone()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.list.len()
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.0.list.is_empty()
    }

    /// A number that differs when the members or the failed paths differ.
    pub fn digest<'a>(&self, paths: impl IntoIterator<Item = &'a Pair>) -> u64 {
        let mut digest = self.0.digest;
        for pair in paths {
            digest.address(pair.low());
            digest.address(pair.high());
        }
        digest.value()
    }
}

/// FNV-1a, 64 bits: the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Digest(0xcbf2_9ce4_8422_2325)
    }
}

impl Digest {
    /// Takes bytes in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Takes a number in.
    pub fn number(&mut self, number: u64) {
        self.bytes(&number.to_be_bytes());
    }

    /// Takes an address in.
    pub fn address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(v4) => self.bytes(&v4.octets()),
            IpAddr::V6(v6) => self.bytes(&v6.octets()),
        }
    }

    /// The digest of all that was taken in.
    pub fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use alloc::format;

    use hats_wire::{Identity, Incarnation};

    use super::*;

    /// A member whose node is `n<last>` and whose address is 10.77.1.`last`.
    pub(crate) fn member(last: u8) -> Member {
        Member::from(Identity {
            address: IpAddr::from([10, 77, 1, last]),
            node_id: NodeId(u64::from(last)),
            incarnation: Incarnation(1),
            node: format!("n{last}"),
            interface: "eth0".into(),
        })
    }

    #[test]
    fn members_are_ranked_by_number_and_not_by_text() {
        let members = Members::new([member(9), member(10), member(2)]);
        let order: Vec<_> = members.iter().map(|m| m.address.to_string()).collect();
        assert_eq!(order, ["10.77.1.10", "10.77.1.9", "10.77.1.2"]);
        assert_eq!(members.rank(member(9).address), Some(1));
        assert_eq!(members.rank(member(3).address), None);
    }

    #[test]
    fn who_comes_below_an_address_is_found_for_one_that_is_no_member_too() {
        let members = Members::new([member(2), member(5), member(9)]);
        let below = |last| members.first_below(member(last).address);
        assert_eq!([10, 9, 7, 5, 2, 1].map(below), [0, 1, 1, 2, 3, 3]);
    }

    #[test]
    fn digest_tells_a_restarted_member_from_the_old_one() {
        let old = Members::new([member(1), member(2)]);
        let restarted = Identity { incarnation: Incarnation(2), ..Identity::clone(&member(2)) };
        let new = Members::new([member(1), restarted.into()]);
        assert_ne!(old.digest([]), new.digest([]));
        assert_eq!(old.digest([]), Members::new([member(2), member(1)]).digest([]));
    }

    use alloc::string::ToString;
}
