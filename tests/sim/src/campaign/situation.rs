//! A cluster on paper with faults that are in force: who reaches whom.

use std::collections::BTreeSet;

use super::{
    fault::{AdapterFault, Fault, NodeFault},
    story::Story,
    weather::Ways,
};
use crate::faults::Way;

/// Who reaches whom while all of some faults are in force. Those that the
/// protocol has to endure do not count.
#[derive(Clone, Debug)]
pub(crate) struct Situation<'a> {
    pub(crate) story: &'a Story,
    pub(crate) faults: Vec<&'a Fault>,
}

impl<'a> Situation<'a> {
    pub(crate) fn new(story: &'a Story, faults: impl IntoIterator<Item = &'a Fault>) -> Self {
        let detection = story.detection();
        let count = |fault: &&Fault| !fault.is_endured(&detection);
        Situation { story, faults: faults.into_iter().filter(count).collect() }
    }

    /// What was done to this adapter itself.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub(crate) fn of_adapter(&self, node: &str, network: &str) -> Option<AdapterFault> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::Adapter(what, n, net) => (n == node && net == network).then_some(*what),
            Fault::SwitchOff(net) => (net == network).then_some(AdapterFault::Carrier),
            _ => None,
        })
    }

    /// What was done to this node as a whole.
    pub(crate) fn of_node(&self, node: &str) -> Option<NodeFault> {
        self.faults.iter().find_map(|fault| {
            let Fault::Node(what, n) = fault else { return None };
            (n == node).then_some(*what)
        })
    }

    /// Whether the whole network was touched.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub(crate) fn is_network_touched(&self, network: &str) -> bool {
        self.faults.iter().any(|fault| match fault {
            Fault::Partition { network: n, .. }
            | Fault::NetworkDead(n)
            | Fault::SwitchOff(n)
            | Fault::Weather(_, Ways::Network(n)) => n == network,
            _ => false,
        })
    }

    /// Whether some path on the network was touched.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    pub(crate) fn is_path_touched(&self, network: &str) -> bool {
        let path = |fault: &&Fault| match fault {
            Fault::Path { network: n, .. } | Fault::Weather(_, Ways::Path(_, _, n, _)) => {
                n == network
            }
            _ => false,
        };
        self.faults.iter().any(path)
    }

    /// Nothing was done to the adapter and its node.
    pub(crate) fn is_well(&self, node: &str, network: &str) -> bool {
        self.of_node(node).is_none() && self.of_adapter(node, network).is_none()
    }

    /// Datagrams get from `a` to `b` on the network.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are not of that sort")]
    fn hears(&self, a: &str, b: &str, network: &str) -> bool {
        self.faults.iter().all(|fault| match fault {
            Fault::Path { a: from, b: to, network: n, way } if n == network => {
                let there = a == from && b == to;
                let back = *way == Way::Both && a == to && b == from;
                !there && !back
            }
            Fault::Partition { network: n, sides } if n == network => {
                // Who is not named stays with the first side.
                let of = |node: &str| {
                    sides.iter().position(|side| side.iter().any(|it| it == node)).unwrap_or(0)
                };
                of(a) == of(b)
            }
            Fault::NetworkDead(n) => n != network,
            _ => true,
        })
    }

    /// Both are well and exchange datagrams on the network.
    pub(crate) fn reaches(&self, a: &str, b: &str, network: &str) -> bool {
        a != b
            && self.is_well(a, network)
            && self.is_well(b, network)
            && self.hears(a, b, network)
            && self.hears(b, a, network)
    }

    /// Whom the adapter exchanges datagrams with.
    pub(crate) fn peers(&self, node: &str, network: &str) -> Vec<&'a str> {
        let members = self.story.on(network);
        if !members.contains(&node) {
            return Vec::new();
        }
        members.into_iter().filter(|other| self.reaches(node, other, network)).collect()
    }

    /// Two well members that would exchange datagrams with the adapter if it
    /// were well, and do so with each other: they can tell that it is not.
    pub(crate) fn has_third_voice(&self, node: &str, network: &str) -> bool {
        let near: Vec<&str> = self
            .story
            .on(network)
            .into_iter()
            .filter(|other| *other != node && self.is_well(other, network))
            .filter(|other| self.hears(node, other, network) && self.hears(other, node, network))
            .collect();
        near.iter().any(|one| near.iter().any(|other| self.reaches(one, other, network)))
    }

    /// The nodes connected to `node`, itself included, on all networks but one.
    pub(crate) fn connected(&self, node: &'a str, except: Option<&str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            let networks = self.story.networks.iter().filter(|name| Some(name.as_str()) != except);
            for network in networks.filter(|_| self.of_node(next).is_none()) {
                for peer in self.peers(next, network) {
                    if found.insert(peer) {
                        open.push(peer);
                    }
                }
            }
        }
        found
    }

    /// The networks that a node has adapters on.
    pub(crate) fn networks_of(&self, node: &str) -> Vec<&'a str> {
        let nodes = self.story.nodes.iter().filter(|member| member.name == node);
        nodes.flat_map(|member| member.adapters.iter()).map(|(name, _)| name.as_str()).collect()
    }
}
