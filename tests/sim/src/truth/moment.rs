//! One instant: who could hear whom.

use std::collections::BTreeSet;

use super::{AdapterIs, HostIs, NetworkIs, Nim, Passage};
use crate::{host::Port, world::World};

/// What was so at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    world: &'a World,
    at: u64,
}

impl<'a> Moment<'a> {
    /// That instant, in nanoseconds since the world began; not a later one than
    /// the world has come to.
    pub(crate) fn new(world: &'a World, at: u64) -> Self {
        Moment { world, at }
    }

    /// What the host was like, if there was one.
    pub(crate) fn host(&self, host: usize) -> Option<&'a HostIs> {
        self.world.truth.hosts.get(host)?.at(self.at)
    }

    /// What the adapter was like, if there was one.
    pub(crate) fn adapter(&self, port: Port) -> Option<&'a AdapterIs> {
        self.world.truth.adapters.get(&port)?.at(self.at)
    }

    /// What the network was like.
    pub(crate) fn network(&self, network: usize) -> Option<&'a NetworkIs> {
        self.world.truth.networks.get(network)?.at(self.at)
    }

    /// The adapters on a network whose address was theirs, in address order.
    pub(crate) fn ports(&self, network: usize) -> impl Iterator<Item = Port> {
        let owners = &self.world.networks[network];
        let all = owners.owners.values().chain(owners.former.values()).copied();
        all.filter(move |port| self.adapter(*port).is_some_and(|adapter| !adapter.replaced))
    }

    /// Its daemon ran, and was scheduled in time.
    pub(crate) fn is_live(&self, host: usize) -> bool {
        self.host(host).is_some_and(|host| {
            host.awake && !host.blocked && host.daemon.is_some() && !host.stalled
        })
    }

    /// How well datagrams got out of one adapter and into another.
    pub(crate) fn passage(&self, from: Port, to: Port) -> Passage {
        let (Some(sender), Some(receiver)) = (self.adapter(from), self.adapter(to)) else {
            return Passage::No;
        };
        let Some(network) = self.network(sender.network) else { return Passage::No };
        if sender.network != receiver.network || sender.side != receiver.side {
            return Passage::No;
        }
        let path = network.paths.get(&(from, to)).copied().unwrap_or(Passage::Yes);
        let ends = self.end(from, sender).min(self.end(to, receiver));
        ends.min(network.passage).min(path).min(sender.outward).min(receiver.inward)
    }

    /// Whether there was a process at that end that took part.
    fn end(&self, port: Port, adapter: &AdapterIs) -> Passage {
        let Some(host) = self.host(port.host) else { return Passage::No };
        if !host.awake || host.blocked || !adapter.carrier || !adapter.address || adapter.replaced {
            return Passage::No;
        }
        match adapter.nim {
            // A host without hats answers ICMP echo.
            Nim::Absent if host.plain => Passage::Yes,
            Nim::Absent | Nim::Stopped => Passage::No,
            Nim::Starved => Passage::Poor,
            Nim::Runs => Passage::Yes,
        }
    }

    /// Whether datagrams went both ways as they should.
    pub(crate) fn exchange(&self, a: Port, b: Port) -> bool {
        self.passage(a, b) == Passage::Yes && self.passage(b, a) == Passage::Yes
    }

    /// The adapters of other live nodes that it exchanged datagrams with.
    pub(crate) fn company(&self, port: Port) -> impl Iterator<Item = Port> {
        let network = self.adapter(port).map(|adapter| adapter.network);
        let all = network.into_iter().flat_map(|network| self.ports(network));
        all.filter(move |other| {
            *other != port && self.is_live(other.host) && self.exchange(port, *other)
        })
    }

    /// Whether it exchanged datagrams with any live node.
    pub(crate) fn has_company(&self, port: Port) -> bool {
        self.company(port).next().is_some()
    }

    /// Whether any live node heard it as it should.
    pub(crate) fn is_heard(&self, port: Port) -> bool {
        self.others(port).any(|other| self.passage(port, other) == Passage::Yes)
    }

    /// Whether it heard any live node as it should.
    pub(crate) fn hears(&self, port: Port) -> bool {
        self.others(port).any(|other| self.passage(other, port) == Passage::Yes)
    }

    /// The adapters of other live nodes on its network.
    fn others(&self, port: Port) -> impl Iterator<Item = Port> {
        let network = self.adapter(port).map(|adapter| adapter.network);
        let all = network.into_iter().flat_map(|network| self.ports(network));
        all.filter(move |other| *other != port && self.is_live(other.host))
    }

    /// No other live node had an adapter on its network.
    pub(crate) fn is_sole(&self, port: Port) -> bool {
        self.others(port).next().is_none()
    }

    /// The adapters of a host.
    pub(crate) fn adapters_of(&self, host: usize) -> impl Iterator<Item = Port> {
        let count = self.world.hosts[host].adapters.len();
        let all = (0..count).map(move |adapter| Port { host, adapter });
        all.filter(|port| self.adapter(*port).is_some_and(|adapter| !adapter.replaced))
    }

    /// Whether live nodes that exchange datagrams connected the two.
    pub(crate) fn is_connected(&self, one: usize, other: usize) -> bool {
        one == other
            || self.meet(one, other)
            || self.reached_from(one, Some(other)).contains(&other)
    }

    /// Whether two live nodes exchanged datagrams with no help of others: most
    /// do, and to ask all others first takes long where there are many.
    fn meet(&self, one: usize, other: usize) -> bool {
        self.is_live(one)
            && self.is_live(other)
            && self
                .adapters_of(one)
                .any(|from| self.adapters_of(other).any(|to| self.exchange(from, to)))
    }

    /// Adds those hosts that some datagram may have got to from these, by live
    /// nodes that pass it on, be it one way only.
    pub(crate) fn spread(&self, informed: &mut BTreeSet<usize>) {
        let mut open: Vec<usize> = informed.iter().copied().collect();
        while let Some(next) = open.pop() {
            if !self.is_live(next) {
                continue;
            }
            for port in self.adapters_of(next) {
                for other in self.others(port) {
                    if self.passage(port, other) > Passage::No && informed.insert(other.host) {
                        open.push(other.host);
                    }
                }
            }
        }
    }

    /// The hosts that live nodes connect to this one; until `wanted` is found.
    pub(crate) fn reached_from(&self, host: usize, wanted: Option<usize>) -> BTreeSet<usize> {
        let mut found = BTreeSet::from([host]);
        let mut open = vec![host];
        while let Some(next) = open.pop() {
            if !self.is_live(next) {
                continue;
            }
            for port in self.adapters_of(next) {
                for peer in self.company(port) {
                    if found.insert(peer.host) {
                        open.push(peer.host);
                    }
                }
            }
            if wanted.is_some_and(|wanted| found.contains(&wanted)) {
                break;
            }
        }
        found
    }

    /// The live adapters of a network, in parts that exchanged datagrams, by
    /// one another's help if not at first hand.
    pub(crate) fn parts(&self, network: usize) -> Vec<BTreeSet<Port>> {
        let mut left: BTreeSet<Port> =
            self.ports(network).filter(|port| self.is_live(port.host)).collect();
        let mut parts = Vec::new();
        while let Some(first) = left.pop_first() {
            let mut part = BTreeSet::from([first]);
            let mut open = vec![first];
            while let Some(next) = open.pop() {
                for peer in self.company(next) {
                    if left.remove(&peer) {
                        part.insert(peer);
                        open.push(peer);
                    }
                }
            }
            parts.push(part);
        }
        parts
    }
}
