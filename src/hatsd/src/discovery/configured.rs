//! `[[network]]` entries: only what they name is used.

use std::net::IpAddr;

use hats_core::config::{AdapterSpec, Mode, NetworkSpec};
use ipnet::IpNet;

use super::{Address, Interface, LeftOut, Plan, Waiting, group_of, required};
use crate::config::{Adapter, Network, Settings};

pub(super) fn plan(settings: &Settings, interfaces: &[Interface]) -> Plan {
    let mut plan = Plan::default();
    for network in &settings.networks {
        adapters_on(&mut plan, settings, network, interfaces);
    }
    for adapter in settings.adapters.iter().filter(|adapter| adapter.network.is_none()) {
        let there = interfaces.iter().any(|it| it.name == adapter.interface);
        let said = plan.waiting.iter().any(|it| it.interface.as_ref() == Some(&adapter.interface));
        if !there && !said {
            plan.waiting.push(waiting(None, adapter, "does not exist"));
        }
    }
    for interface in interfaces.iter().filter(|interface| !interface.loopback) {
        for address in interface.addresses.iter().filter(|it| it.unusable().is_none()) {
            let used = |spec: &AdapterSpec| {
                spec.interface == interface.name && spec.address == address.address
            };
            if !address.is_link_local() && !plan.adapters.iter().any(used) {
                plan.left_out.push(LeftOut {
                    interface: interface.name.clone(),
                    subnet: address.subnet(),
                    reason: format!(
                        "no [[network]] takes {} of {}",
                        address.address, interface.name
                    ),
                });
            }
        }
    }
    plan
}

fn waiting(network: Option<&Network>, adapter: &Adapter, what: &str) -> Waiting {
    Waiting {
        network: network.map_or_else(String::new, |network| network.name.clone()),
        interface: Some(adapter.interface.clone()),
        address: adapter.address,
        reason: format!("interface {} {what}", adapter.interface),
    }
}

/// The adapters of one network, and what it waits for.
fn adapters_on(plan: &mut Plan, settings: &Settings, network: &Network, all: &[Interface]) {
    let assigned = |adapter: &&Adapter| adapter.network.as_ref() == Some(&network.name);
    let mut found = false;
    let mut named: Vec<&str> = network.interfaces.iter().map(String::as_str).collect();
    for adapter in settings.adapters.iter().filter(assigned) {
        if !named.contains(&adapter.interface.as_str()) {
            named.push(&adapter.interface);
        }
    }
    // Interfaces named: these, and the absent ones are waited for. None named:
    // whatever has an address in the subnet.
    for name in &named {
        let reason = match all.iter().find(|interface| interface.name == *name) {
            None => format!("interface {name} does not exist"),
            Some(interface) => match take(plan, settings, network, interface) {
                true => {
                    found = true;
                    continue;
                }
                false => format!("interface {name} has no address {}", fitting(network)),
            },
        };
        plan.waiting.push(Waiting {
            network: network.name.clone(),
            interface: Some((*name).to_owned()),
            address: None,
            reason,
        });
    }
    if network.interfaces.is_empty() {
        for interface in all.iter().filter(|it| !named.contains(&it.name.as_str())) {
            found |= take(plan, settings, network, interface);
        }
        if !found && named.is_empty() {
            plan.waiting.push(Waiting {
                network: network.name.clone(),
                interface: None,
                address: None,
                reason: format!("no interface has an address {}", fitting(network)),
            });
        }
    }
}

/// What an address must be to be on this network, in words.
fn fitting(network: &Network) -> String {
    match (network.subnet, wants_ipv4(network)) {
        (Some(subnet), _) => format!("in {subnet}"),
        (None, Some(true)) => "of IPv4 that can be used".to_owned(),
        (None, Some(false)) => "of IPv6 that can be used".to_owned(),
        (None, None) => "that can be used".to_owned(),
    }
}

/// The family that mode, group and peers leave open, or neither.
fn wants_ipv4(network: &Network) -> Option<bool> {
    match network.mode {
        Mode::Broadcast => Some(true),
        Mode::Multicast => network.group.map(|group| group.is_ipv4()),
        Mode::Unicast => network.peers.first().map(IpAddr::is_ipv4),
    }
}

/// Adds the adapter that `interface` has on `network`, if it has one.
fn take(plan: &mut Plan, settings: &Settings, network: &Network, interface: &Interface) -> bool {
    if interface.loopback {
        return false;
    }
    let fits = |address: &&Address| {
        address.unusable().is_none()
            && !address.tentative
            && network.subnet.is_none_or(|subnet| subnet.contains(&address.address))
            && wants_ipv4(network).is_none_or(|ipv4| address.address.is_ipv4() == ipv4)
            && said_to_be_here(&settings.adapters, network, interface, address.address)
            && !plan
                .adapters
                .iter()
                .any(|spec| spec.interface == interface.name && spec.address == address.address)
    };
    let best = interface
        .addresses
        .iter()
        .filter(fits)
        .min_by_key(|address| (!address.address.is_ipv4(), address.is_link_local()));
    let Some(address) = best else { return false };
    let Some(own) = address.subnet() else { return false };
    plan.adapters.push(AdapterSpec {
        network: specify(network, address.address, own),
        interface: interface.name.clone(),
        address: address.address,
        prefix_length: address.prefix_length,
        required_targets: required(told(&settings.adapters, network, interface), address.address),
    });
    true
}

/// Whether the `[[adapter]]` entries of this interface, if any, allow this
/// address on this network.
fn said_to_be_here(
    adapters: &[Adapter],
    network: &Network,
    interface: &Interface,
    address: IpAddr,
) -> bool {
    adapters.iter().all(|adapter| adapter.interface != interface.name)
        || told(adapters, network, interface)
            .any(|adapter| adapter.address.is_none_or(|named| named == address))
}

/// The `[[adapter]]` entries of this interface that may be meant on this network.
fn told<'a>(
    adapters: &'a [Adapter],
    network: &'a Network,
    interface: &'a Interface,
) -> impl Iterator<Item = &'a Adapter> {
    adapters.iter().filter(|adapter| {
        adapter.interface == interface.name
            && adapter.network.as_ref().is_none_or(|named| *named == network.name)
    })
}

fn specify(network: &Network, address: IpAddr, own: IpNet) -> NetworkSpec {
    let subnet = network.subnet.unwrap_or(own);
    let family = |other: &&IpAddr| other.is_ipv4() == address.is_ipv4();
    NetworkSpec {
        name: network.name.clone(),
        subnet: subnet.to_string(),
        mode: network.mode,
        group: group_of(network.mode, network.group, &subnet, &own),
        port: network.port,
        peers: network.peers.iter().filter(family).filter(|it| **it != address).copied().collect(),
        reference_targets: network.reference_targets.iter().filter(family).copied().collect(),
    }
}
