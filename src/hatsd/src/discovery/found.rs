//! Zero configuration: every subnet found is a network.

use hats_core::config::AdapterSpec;

use super::{Address, Interface, LeftOut, Plan, Waiting, required, zero_configuration};
use crate::config::Adapter;

/// Kinds of interfaces that carry other interfaces' traffic, not a network of
/// their own. A tun is told from a tap, which has the same kind, by its link.
const TUNNELS: [&str; 16] = [
    "wireguard",
    "gre",
    "gretap",
    "erspan",
    "ip6gre",
    "ip6gretap",
    "ip6erspan",
    "ip6tnl",
    "ipip",
    "sit",
    "vti",
    "vti6",
    "xfrm",
    "vxlan",
    "geneve",
    "ppp",
];

/// Names that container engines and hypervisors give their own bridges.
const CONTAINER_BRIDGES: [&str; 7] = ["docker", "br-", "virbr", "lxcbr", "lxdbr", "cni", "podman"];

pub(super) fn plan(adapters: &[Adapter], interfaces: &[Interface]) -> Plan {
    let mut plan = Plan::default();
    for interface in interfaces.iter().filter(|interface| !interface.loopback) {
        let told: Vec<&Adapter> =
            adapters.iter().filter(|adapter| adapter.interface == interface.name).collect();
        let reason = if told.is_empty() { left_out(interface, interfaces) } else { None };
        match reason {
            Some(reason) => leave_out(&mut plan, interface, reason),
            None => take(&mut plan, interface, &told),
        }
    }
    for adapter in adapters {
        let there = interfaces.iter().find(|interface| interface.name == adapter.interface);
        let reason = match (there, adapter.address) {
            (None, _) => format!("interface {} does not exist", adapter.interface),
            (Some(interface), Some(address)) if !has(interface, address) => {
                format!("interface {} does not have the address {address}", adapter.interface)
            }
            (Some(interface), None) if interface.addresses.is_empty() => {
                format!("interface {} has no address", adapter.interface)
            }
            (Some(_), _) => continue,
        };
        plan.waiting.push(Waiting {
            network: String::new(),
            interface: Some(adapter.interface.clone()),
            address: adapter.address,
            reason,
        });
    }
    plan
}

fn has(interface: &Interface, address: std::net::IpAddr) -> bool {
    interface.addresses.iter().any(|it| it.address == address)
}

/// Why an interface of this kind is not a network of its own.
fn left_out(interface: &Interface, all: &[Interface]) -> Option<String> {
    let name = &interface.name;
    if let Some(master) = interface.master {
        let master = all.iter().find(|it| it.index == master);
        let master = master.map_or("another interface", |it| it.name.as_str());
        return Some(format!("{name} is a port of {master}"));
    }
    if interface.kind == "bridge" {
        let named = CONTAINER_BRIDGES.iter().any(|prefix| name.starts_with(prefix));
        let mut ports = all.iter().filter(|it| it.master == Some(interface.index));
        if named || !ports.any(is_wire) {
            return Some(format!("{name} is a bridge of containers or virtual machines"));
        }
    }
    if TUNNELS.contains(&interface.kind.as_str()) {
        return Some(format!("{name} is a tunnel ({})", interface.kind));
    }
    if interface.point_to_point || (interface.kind == "tun" && interface.mac.is_empty()) {
        return Some(format!("{name} is a tunnel or another point-to-point link"));
    }
    None
}

/// Whether a bridge's port leads out of this host.
fn is_wire(port: &Interface) -> bool {
    matches!(port.kind.as_str(), "" | "bond" | "team" | "vlan")
}

fn leave_out(plan: &mut Plan, interface: &Interface, reason: String) {
    let usable = interface.addresses.iter().filter(|it| it.unusable().is_none());
    let mut subnets: Vec<_> = usable.filter_map(Address::subnet).collect();
    subnets.dedup();
    if interface.master.is_some() || subnets.is_empty() {
        // A bridge's port has link-local addresses that nobody looks for.
        return;
    }
    plan.left_out.extend(subnets.into_iter().map(|subnet| LeftOut {
        interface: interface.name.clone(),
        subnet: Some(subnet),
        reason: reason.clone(),
    }));
}

fn take(plan: &mut Plan, interface: &Interface, told: &[&Adapter]) {
    let wanted = |address: &Address| {
        told.is_empty()
            || told.iter().any(|it| it.address.is_none_or(|named| named == address.address))
    };
    let mut usable: Vec<&Address> = Vec::new();
    let settled = interface.addresses.iter().filter(|address| !address.tentative);
    for address in settled.filter(|address| wanted(address)) {
        match address.unusable() {
            Some(reason) => plan.left_out.push(LeftOut {
                interface: interface.name.clone(),
                subnet: None,
                reason,
            }),
            None => usable.push(address),
        }
    }
    let only_link_local = usable.iter().all(|address| address.is_link_local());
    let mut names: Vec<String> = Vec::new();
    for address in usable {
        let Some(subnet) = address.subnet() else { continue };
        let name = match (address.is_link_local(), only_link_local) {
            (true, false) => continue,
            // Each link has the same link-local prefix.
            (true, true) => format!("{subnet}%{}", interface.name),
            (false, _) => subnet.to_string(),
        };
        if names.contains(&name) {
            continue;
        }
        names.push(name.clone());
        plan.adapters.push(AdapterSpec {
            network: zero_configuration(name, subnet),
            interface: interface.name.clone(),
            address: address.address,
            prefix_length: address.prefix_length,
            required_targets: required(told.iter().copied(), address.address),
        });
    }
}
