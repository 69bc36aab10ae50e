//! Which of this host's interfaces become adapters, on which networks.
//!
//! [`plan`] is a pure function of the settings and the interfaces; [`Roster`]
//! holds what is being served and says what changes when the plan does. The
//! rules are told to people in `docs/configuration.md`.

mod configured;
mod found;
mod roster;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use hats_core::config::{AdapterSpec, Mode, NetworkSpec};
use ipnet::IpNet;

use crate::config::{Adapter, Settings};

pub(crate) use roster::{Change, Roster};

/// One interface of this host, as the kernel tells it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Interface {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// The kernel's word for virtual kinds: bridge, veth, tun, ...; empty for
    /// real hardware.
    pub(crate) kind: String,
    pub(crate) loopback: bool,
    /// Has no neighbours but one: most tunnels.
    pub(crate) point_to_point: bool,
    /// The bridge or bond it is a part of.
    pub(crate) master: Option<u32>,
    /// Empty where frames have no addresses (tells tun from tap).
    pub(crate) mac: Vec<u8>,
    pub(crate) addresses: Vec<Address>,
    /// Where its default routes lead, IPv4 and IPv6.
    pub(crate) gateways: Vec<IpAddr>,
}

/// One address of an interface.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    pub(crate) address: IpAddr,
    pub(crate) prefix_length: u8,
    /// An IPv6 privacy address, which goes away by itself.
    pub(crate) temporary: bool,
    /// The kernel still asks whether somebody has it already.
    pub(crate) tentative: bool,
}

impl Address {
    /// Its subnet; none when the prefix length is impossible.
    fn subnet(&self) -> Option<IpNet> {
        IpNet::new(self.address, self.prefix_length).ok().map(|net| net.trunc())
    }

    /// Why no network can ever be made of it.
    fn unusable(&self) -> Option<String> {
        let bits = if self.address.is_ipv4() { 32 } else { 128 };
        if self.prefix_length == bits {
            Some(format!("{}/{bits} is a single host, not a subnet", self.address))
        } else if self.temporary {
            Some(format!("{} is a temporary (privacy) address", self.address))
        } else if self.address.is_loopback() || self.address.is_unspecified() {
            Some(format!("{} is a loopback address", self.address))
        } else {
            None
        }
    }

    fn is_link_local(&self) -> bool {
        match self.address {
            IpAddr::V4(_) => false,
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        }
    }
}

/// What is to be served, and what is not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Plan {
    pub(crate) adapters: Vec<AdapterSpec>,
    pub(crate) left_out: Vec<LeftOut>,
    pub(crate) waiting: Vec<Waiting>,
}

/// An interface, or one subnet of it, that is not used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct LeftOut {
    pub(crate) interface: String,
    pub(crate) subnet: Option<IpNet>,
    pub(crate) reason: String,
}

/// Something configured that is not there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Waiting {
    /// Empty when it would follow from the address.
    pub(crate) network: String,
    /// None: any interface in the network's subnet.
    pub(crate) interface: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) reason: String,
}

/// The interfaces as [`plan`] wants them.
pub(crate) fn interfaces(table: &hats_sys::Interfaces) -> Vec<Interface> {
    let address = |it: &hats_sys::Address| Address {
        address: it.address,
        prefix_length: it.prefix_length,
        temporary: it.secondary && it.address.is_ipv6(),
        // One that somebody has is taken: its NIM says so.
        tentative: it.tentative && !it.duplicate,
    };
    table
        .iter()
        .map(|it| Interface {
            index: it.index,
            name: it.name.clone(),
            kind: it.kind.clone().unwrap_or_default(),
            loopback: it.is_loopback,
            point_to_point: it.is_point_to_point,
            master: it.controller,
            mac: it.mac.clone(),
            addresses: it.addresses.iter().map(address).collect(),
            gateways: [false, true].iter().filter_map(|v6| table.gateway(it.index, *v6)).collect(),
        })
        .collect()
}

/// Which adapters there are to be.
pub(crate) fn plan(settings: &Settings, interfaces: &[Interface]) -> Plan {
    let mut plan = if settings.networks.is_empty() {
        found::plan(&settings.adapters, interfaces)
    } else {
        configured::plan(settings, interfaces)
    };
    one_adapter_a_network(&mut plan);
    plan.left_out.sort();
    plan.waiting.sort();
    plan
}

/// Of several interfaces on one network the first is served: the kernel does not
/// carry datagrams between addresses of one host, so they could not watch each
/// other, and a host with two ways into a network says little by losing one.
fn one_adapter_a_network(plan: &mut Plan) {
    let mut first: BTreeMap<String, String> = BTreeMap::new();
    let adapters = std::mem::take(&mut plan.adapters);
    for spec in adapters {
        match first.get(&spec.network.name) {
            Some(other) => plan.left_out.push(LeftOut {
                interface: spec.interface.clone(),
                subnet: spec.network.subnet.parse().ok(),
                reason: format!(
                    "{} of {} is on network {}, which {other} serves already",
                    spec.address, spec.interface, spec.network.name
                ),
            }),
            None => {
                first.insert(spec.network.name.clone(), spec.interface.clone());
                plan.adapters.push(spec);
            }
        }
    }
}

/// The group of a network that names none: in the scope for one organisation
/// (IPv4) or one link (IPv6), told from others by a hash of the subnet.
pub(crate) fn derived_group(subnet: &IpNet) -> IpAddr {
    let [high, low] = fold(&subnet.to_string()).to_be_bytes();
    match subnet {
        IpNet::V4(_) => IpAddr::V4(Ipv4Addr::new(239, 255, high, low)),
        IpNet::V6(_) => {
            let last = u16::from_be_bytes([high, low]);
            IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0x4841, last))
        }
    }
}

/// FNV-1a of 32 bits, its halves combined: nodes of any version must agree.
fn fold(text: &str) -> u16 {
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let [a, b, c, d] = hash.to_be_bytes();
    u16::from_be_bytes([a ^ c, b ^ d])
}

/// The address that messages to the whole network go to.
fn group_of(mode: Mode, given: Option<IpAddr>, subnet: &IpNet, own: &IpNet) -> Option<IpAddr> {
    match mode {
        Mode::Multicast => Some(given.unwrap_or_else(|| derived_group(subnet))),
        Mode::Broadcast => Some(own.broadcast()),
        Mode::Unicast => None,
    }
}

/// What an adapter with this address must reach, by the `[[adapter]]` entries of
/// its interface: targets of the other family are another adapter's.
fn required<'a>(told: impl Iterator<Item = &'a Adapter>, address: IpAddr) -> Vec<IpAddr> {
    told.filter(|adapter| adapter.address.is_none_or(|named| named == address))
        .flat_map(|adapter| adapter.required_targets.iter().copied())
        .filter(|target| target.is_ipv4() == address.is_ipv4())
        .collect()
}

/// A network of one subnet with nothing configured.
fn zero_configuration(name: String, subnet: IpNet) -> NetworkSpec {
    NetworkSpec {
        name,
        subnet: subnet.to_string(),
        mode: Mode::Multicast,
        group: group_of(Mode::Multicast, None, &subnet, &subnet),
        port: crate::config::DEFAULT_PORT,
        peers: Vec::new(),
        reference_targets: Vec::new(),
    }
}
