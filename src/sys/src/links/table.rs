//! The table of interfaces, and what a message changes in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::message::{Gateway, Item, Link};

/// The interfaces of one network namespace, by index.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interfaces {
    by_index: BTreeMap<u32, Interface>,
    /// Default routes; those of interfaces still unknown are kept, too.
    gateways: BTreeSet<Gateway>,
}

/// One network interface.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Interface {
    /// Its number now; a re-created interface has another one.
    pub index: u32,
    /// Its name now.
    pub name: String,
    /// Its administrator set it up.
    pub admin_up: bool,
    /// It has carrier. The kernel may push a change of this up to a second late.
    pub carrier: bool,
    /// Its hardware address; empty when it has none.
    pub mac: Vec<u8>,
    /// Its largest packet.
    pub mtu: u32,
    /// What made it, as `veth`, `bridge`, `tun`; nothing for a plain device.
    pub kind: Option<String>,
    /// The bridge or bond that it is a port of.
    pub controller: Option<u32>,
    /// It leads back to this host.
    pub is_loopback: bool,
    /// It has exactly one other end.
    pub is_point_to_point: bool,
    /// It can send to all.
    pub can_broadcast: bool,
    /// It can send to groups.
    pub can_multicast: bool,
    /// Its addresses, in the order they were first seen.
    pub addresses: Vec<Address>,
}

/// An address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// The length of its subnet's prefix.
    pub prefix_length: u8,
    /// Where it is valid.
    pub scope: Scope,
    /// Not usable yet: the kernel is asking whether anybody has it already.
    pub tentative: bool,
    /// Somebody has it already.
    pub duplicate: bool,
    /// Not to be used for new connections.
    pub deprecated: bool,
    /// IPv4: a further address of a subnet. IPv6: a temporary (privacy) address.
    pub secondary: bool,
}

impl Address {
    /// Whether datagrams can be sent from it.
    pub fn is_usable(&self) -> bool {
        !self.tentative && !self.duplicate
    }
}

/// Where an address is valid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Everywhere.
    Global,
    /// Within a site, or as its administrator says.
    Site,
    /// On its link.
    Link,
    /// On this host.
    Host,
}

impl Interfaces {
    /// Every interface, by index.
    pub fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.by_index.values()
    }

    /// The interface of that name.
    pub fn named(&self, name: &str) -> Option<&Interface> {
        self.iter().find(|interface| interface.name == name)
    }

    /// The interface of that index.
    pub fn indexed(&self, index: u32) -> Option<&Interface> {
        self.by_index.get(&index)
    }

    /// The best default gateway of an interface's IPv4 or IPv6. Only a
    /// [`LinkWatcher`](super::LinkWatcher) knows any.
    pub fn gateway(&self, index: u32, v6: bool) -> Option<IpAddr> {
        self.gateways
            .iter()
            .filter(|gateway| gateway.index == index && gateway.address.is_ipv6() == v6)
            .min_by_key(|gateway| gateway.metric)
            .map(|gateway| gateway.address)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_index.is_empty()
    }

    /// Takes one message; whether it changed anything.
    pub(super) fn apply(&mut self, item: &Item) -> bool {
        match item {
            Item::Link(link) => self.link(link),
            Item::LinkGone { index } => {
                let before = self.gateways.len();
                self.gateways.retain(|gateway| gateway.index != *index);
                self.by_index.remove(index).is_some() || self.gateways.len() != before
            }
            Item::Address { index, address } => self.address(*index, address),
            Item::AddressGone { index, address, prefix_length } => {
                let Some(interface) = self.by_index.get_mut(index) else { return false };
                let before = interface.addresses.len();
                interface.addresses.retain(|known| {
                    (known.address, known.prefix_length) != (*address, *prefix_length)
                });
                interface.addresses.len() != before
            }
            Item::Gateway(gateway) => self.gateways.insert(gateway.clone()),
            Item::GatewayGone(gateway) => self.gateways.remove(gateway),
            Item::Done | Item::Failed(_) | Item::Other => false,
        }
    }

    fn link(&mut self, link: &Link) -> bool {
        let interface = self.by_index.entry(link.index).or_default();
        let flag = |flag: libc::c_int| link.flags & flag.cast_unsigned() != 0;
        let carrier = link.carrier.unwrap_or(true) && flag(libc::IFF_LOWER_UP);
        let admin_up = flag(libc::IFF_UP);
        let after = Interface {
            index: link.index,
            name: link.name.clone(),
            admin_up,
            // Some drivers leave the carrier on when they are set down.
            carrier: carrier && admin_up,
            mac: link.mac.clone(),
            mtu: link.mtu,
            kind: link.kind.clone(),
            controller: link.controller,
            is_loopback: flag(libc::IFF_LOOPBACK),
            is_point_to_point: flag(libc::IFF_POINTOPOINT),
            can_broadcast: flag(libc::IFF_BROADCAST),
            can_multicast: flag(libc::IFF_MULTICAST),
            addresses: interface.addresses.clone(),
        };
        let changed = *interface != after;
        *interface = after;
        changed
    }

    fn address(&mut self, index: u32, address: &Address) -> bool {
        let Some(interface) = self.by_index.get_mut(&index) else { return false };
        let same = |known: &&mut Address| {
            (known.address, known.prefix_length) == (address.address, address.prefix_length)
        };
        match interface.addresses.iter_mut().find(same) {
            Some(known) if *known == *address => false,
            Some(known) => {
                *known = *address;
                true
            }
            None => {
                interface.addresses.push(*address);
                true
            }
        }
    }
}
