//! The members of a group, in rank order.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_wire::{Member, NodeId, Pair};

/// Members by falling address: the leader first, the successor second.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Members(Vec<Member>);

impl Members {
    /// The set of `members`; of two with one address the later one stays.
    pub fn new(members: impl IntoIterator<Item = Member>) -> Self {
        let mut set = Members::default();
        for member in members {
            set.insert(member);
        }
        set
    }

    /// Puts `member` in its place; replaces one with the same address.
    pub fn insert(&mut self, member: Member) {
        match self.position(member.address) {
            Ok(at) => self.0[at] = member,
            Err(at) => self.0.insert(at, member),
        }
    }

    /// Takes the member of this address out.
    pub fn remove(&mut self, address: IpAddr) -> Option<Member> {
        self.position(address).ok().map(|at| self.0.remove(at))
    }

    /// The member of this address.
    pub fn get(&self, address: IpAddr) -> Option<&Member> {
        self.position(address).ok().map(|at| &self.0[at])
    }

    /// Whether this address is a member's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.position(address).is_ok()
    }

    /// The first member of this node.
    pub fn of_node(&self, node: NodeId) -> Option<&Member> {
        self.0.iter().find(|member| member.node_id == node)
    }

    /// How many are ranked before this address: 0 for the leader.
    pub fn rank(&self, address: IpAddr) -> Option<usize> {
        self.position(address).ok()
    }

    /// By rank.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Member> {
        self.0.iter()
    }

    /// By rank.
    pub fn as_slice(&self) -> &[Member] {
        &self.0
    }

    /// A copy for a message.
    pub fn to_vec(&self) -> Vec<Member> {
        self.0.clone()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A number that differs when the members or the failed paths differ.
    pub fn digest<'a>(&self, paths: impl IntoIterator<Item = &'a Pair>) -> u64 {
        let mut digest = Digest::default();
        for member in &self.0 {
            digest.address(member.address);
            digest.number(member.node_id.0);
            digest.number(member.incarnation.0);
        }
        for pair in paths {
            digest.address(pair.low());
            digest.address(pair.high());
        }
        digest.value()
    }

    fn position(&self, address: IpAddr) -> Result<usize, usize> {
        self.0.binary_search_by(|member| address.cmp(&member.address))
    }
}

/// FNV-1a, 64 bits: the same on every machine.
#[derive(Clone, Copy, Debug)]
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

    use hats_wire::Incarnation;

    use super::*;

    /// A member whose node is `n<last>` and whose address is 10.77.1.`last`.
    pub(crate) fn member(last: u8) -> Member {
        Member {
            address: IpAddr::from([10, 77, 1, last]),
            node_id: NodeId(u64::from(last)),
            incarnation: Incarnation(1),
            node: format!("n{last}"),
            interface: "eth0".into(),
        }
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
    fn digest_tells_a_restarted_member_from_the_old_one() {
        let old = Members::new([member(1), member(2)]);
        let mut restarted = member(2);
        restarted.incarnation = Incarnation(2);
        let new = Members::new([member(1), restarted]);
        assert_ne!(old.digest([]), new.digest([]));
        assert_eq!(old.digest([]), Members::new([member(2), member(1)]).digest([]));
    }

    use alloc::string::ToString;
}
