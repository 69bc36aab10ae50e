//! `[[network]]` and `[[adapter]]`: what is watched.

use std::net::IpAddr;

use hats_config::{At, Problem, Section, Source};
use hats_core::{config::Mode, targets::TARGETS_MAX};
use ipnet::IpNet;

use super::{Adapter, DEFAULT_PORT, Network, name};

/// The kernel's limit on names of interfaces, less the closing zero.
const INTERFACE_NAME_MAX: usize = 15;

const SUBNET: &str = "expected a subnet in quotes, as \"192.28.4.0/24\"";
const ADDRESS: &str = "expected an IP address in quotes, as \"192.28.4.5\"";
const INTERFACE: &str = "expected the name of an interface: 1 to 15 characters, no slash or space";

/// A network while its place in the file still matters.
struct Draft {
    network: Network,
    /// The table, for what is missing; with the name if it has one.
    whole: Problem,
    subnet: Option<At<IpNet>>,
    interfaces: Vec<At<String>>,
    name: At<String>,
}

/// All networks and adapters.
pub(super) fn read(root: &Section<'_, '_>) -> (Vec<Network>, Vec<Adapter>) {
    let source = root.source();
    let mut drafts: Vec<Draft> = Vec::new();
    for section in root.tables("network") {
        if let Some(draft) = network(&section) {
            together(source, &drafts, &draft);
            drafts.push(draft);
        }
        section.finish();
    }
    let mut adapters: Vec<Adapter> = Vec::new();
    for section in root.tables("adapter") {
        if let Some(adapter) = adapter(&section, &drafts, &adapters) {
            adapters.push(adapter);
        }
        section.finish();
    }
    for draft in &drafts {
        let named = adapters.iter().any(|it| it.network.as_ref() == Some(&draft.network.name));
        if draft.network.subnet.is_none() && draft.network.interfaces.is_empty() && !named {
            source.error(draft.whole.clone());
        }
    }
    (drafts.into_iter().map(|draft| draft.network).collect(), adapters)
}

fn network(section: &Section<'_, '_>) -> Option<Draft> {
    let source = section.source();
    let name = name(section, "name");
    let subnet = section.parsed::<IpNet>("subnet", SUBNET).filter(|at| subnet_works(source, at));
    let interfaces = interfaces(section);
    let mode = mode(section);
    let peers = section.addresses("peers");
    let reference_targets = section.addresses("reference_targets");
    let group = section.parsed::<IpAddr>("group", "expected a multicast address in quotes");
    let port = section
        .integer("port", 1, 65_535)
        .map_or(DEFAULT_PORT, |at| u16::try_from(at.value).unwrap_or(DEFAULT_PORT));

    check_mode(section, mode, subnet.as_ref(), group.as_ref(), &peers);
    for peer in peers.iter().chain(&reference_targets) {
        check_host(source, peer, subnet.as_ref());
    }
    for peer in &peers {
        if let Some(subnet) = subnet.as_ref().filter(|subnet| !subnet.value.contains(&peer.value))
            && same_family(&peer.value, &subnet.value)
        {
            let expected = format!("expected an address in the network's subnet, {}", subnet.value);
            source.error(peer.wrong(source, expected));
        }
    }
    let Some(name) = name else {
        if !section.has("name") {
            source.error(section.wrong("it has no `name`, expected the same name on every node"));
        }
        return None;
    };
    let whole = section
        .wrong(format!("network \"{}\" says neither `subnet` nor `interfaces`", name.value))
        .help("give one of them, or an [[adapter]] with `network` set to this name");
    let network = Network {
        name: name.value.clone(),
        subnet: subnet.as_ref().map(|at| at.value),
        interfaces: interfaces.iter().map(|at| at.value.clone()).collect(),
        mode,
        group: group.map(|at| at.value),
        port,
        peers: peers.into_iter().map(|at| at.value).collect(),
        reference_targets: reference_targets.into_iter().map(|at| at.value).collect(),
    };
    Some(Draft { network, whole, subnet, interfaces, name })
}

fn mode(section: &Section<'_, '_>) -> Mode {
    let Some(word) = section.text("mode") else { return Mode::Multicast };
    let modes = [Mode::Multicast, Mode::Broadcast, Mode::Unicast];
    modes.into_iter().find(|mode| mode.word() == word.value).unwrap_or_else(|| {
        let source = section.source();
        source.error(word.wrong(source, "expected one of multicast, broadcast, unicast"));
        Mode::Multicast
    })
}

fn subnet_works(source: &Source<'_>, at: &At<IpNet>) -> bool {
    let subnet = at.value;
    let expected = if subnet.addr() != subnet.network() {
        format!("expected the subnet without host bits, \"{}\"", subnet.trunc())
    } else if subnet.prefix_len() == subnet.max_prefix_len() {
        "expected a subnet with room for more than one host".to_owned()
    } else if subnet.addr().is_loopback() || subnet.addr().is_multicast() {
        "expected a subnet of hosts, neither loopback nor multicast".to_owned()
    } else {
        return true;
    };
    source.error(at.wrong(source, expected));
    false
}

/// Whether the kernel could have an interface of this name.
fn interface_name_is_possible(name: &str) -> bool {
    (1..=INTERFACE_NAME_MAX).contains(&name.len())
        && !name.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
}

fn interfaces(section: &Section<'_, '_>) -> Vec<At<String>> {
    let source = section.source();
    let listed = section.list::<String>("interfaces", "names of interfaces in quotes");
    let mut interfaces: Vec<At<String>> = Vec::new();
    for at in listed.unwrap_or_default() {
        if !interface_name_is_possible(&at.value) {
            source.error(at.wrong(source, INTERFACE));
        } else if interfaces.iter().any(|seen| seen.value == at.value) {
            source.error(at.wrong(source, "expected each interface once"));
        } else {
            interfaces.push(at);
        }
    }
    interfaces
}

fn check_mode(
    section: &Section<'_, '_>,
    mode: Mode,
    subnet: Option<&At<IpNet>>,
    group: Option<&At<IpAddr>>,
    peers: &[At<IpAddr>],
) {
    let source = section.source();
    if let Some(group) = group {
        check_group(source, mode, group, subnet);
    }
    match mode {
        Mode::Unicast if peers.is_empty() => {
            source.error(section.wrong(
                "mode is \"unicast\" and there are no `peers`, expected the addresses of the \
                 other nodes",
            ));
        }
        Mode::Unicast => {}
        Mode::Broadcast | Mode::Multicast => {
            if let Some(subnet) = subnet
                && mode == Mode::Broadcast
                && matches!(subnet.value, IpNet::V6(_))
            {
                source.error(subnet.wrong(
                    source,
                    "mode is \"broadcast\", which IPv6 does not have, expected an IPv4 subnet or \
                     mode \"multicast\"",
                ));
            }
        }
    }
}

fn check_group(source: &Source<'_>, mode: Mode, group: &At<IpAddr>, subnet: Option<&At<IpNet>>) {
    match mode {
        Mode::Multicast => {}
        Mode::Broadcast | Mode::Unicast => {
            let expected = format!("mode is \"{}\", expected no group", mode.word());
            source.error(group.wrong(source, expected));
            return;
        }
    }
    let address = group.value;
    if !address.is_multicast() {
        let expected = "expected a multicast address, as \"239.28.4.1\" (224.0.0.0/4, \
             best in 239.0.0.0/8) or \
             \"ff02::4841:1\" (ff02::/16)";
        source.error(group.wrong(source, expected));
        return;
    }
    if let Some(subnet) = subnet.filter(|subnet| !same_family(&address, &subnet.value)) {
        let expected = format!("expected an address of the subnet's family, {}", subnet.value);
        source.error(group.wrong(source, expected));
        return;
    }
    let unwise = match address {
        IpAddr::V4(v4) if v4.octets()[..3] == [224, 0, 0] => {
            "224.0.0.0/24 is reserved for routing protocols; better is an address in 239.0.0.0/8"
        }
        IpAddr::V4(v4) if v4.octets()[0] != 239 => {
            "outside 239.0.0.0/8, which is meant for use within one organisation (RFC 2365)"
        }
        IpAddr::V6(v6) if v6.segments()[0] & 0xf != 2 => {
            "not of link-local scope (ff02::/16), so routers may pass it on"
        }
        IpAddr::V4(_) | IpAddr::V6(_) => return,
    };
    source.warning(group.wrong(source, unwise));
}

/// Peers and reference targets are single hosts of the network's family.
fn check_host(source: &Source<'_>, at: &At<IpAddr>, subnet: Option<&At<IpNet>>) {
    let address = at.value;
    if address.is_multicast() || address.is_unspecified() || address.is_loopback() {
        source.error(at.wrong(source, "expected the address of one other host"));
    } else if let Some(subnet) = subnet.filter(|subnet| !same_family(&address, &subnet.value)) {
        let expected = format!("expected an address of the subnet's family, {}", subnet.value);
        source.error(at.wrong(source, expected));
    }
}

/// A required target is another host that an adapter of this address can reach.
fn check_target(source: &Source<'_>, target: &At<IpAddr>, own: Option<&At<IpAddr>>) {
    check_host(source, target, None);
    let Some(own) = own else { return };
    if target.value == own.value {
        source.error(target.wrong(source, "expected another host than this adapter"));
    } else if target.value.is_ipv4() != own.value.is_ipv4() {
        let expected = format!("expected an address of the adapter's family, {}", own.value);
        source.error(target.wrong(source, expected));
    }
}

fn same_family(address: &IpAddr, subnet: &IpNet) -> bool {
    address.is_ipv4() == subnet.addr().is_ipv4()
}

/// How a network fits with those before it.
fn together(source: &Source<'_>, earlier: &[Draft], draft: &Draft) {
    for other in earlier {
        let other_name = &other.network.name;
        if *other_name == draft.network.name {
            let expected = "expected another name, a network before it has this one";
            source.error(draft.name.wrong(source, expected));
        }
        if let (Some(mine), Some(theirs)) = (&draft.subnet, &other.subnet)
            && (mine.value.contains(&theirs.value) || theirs.value.contains(&mine.value))
        {
            let expected = format!(
                "expected subnets that do not overlap, network \"{other_name}\" has {}",
                theirs.value
            );
            source.error(mine.wrong(source, expected));
        }
        if draft.subnet.is_some() && other.subnet.is_some() {
            continue;
        }
        for mine in &draft.interfaces {
            if other.network.interfaces.contains(&mine.value) {
                let expected = format!(
                    "network \"{other_name}\" has this interface, expected a `subnet` in both to \
                     tell them apart"
                );
                source.error(mine.wrong(source, expected));
            }
        }
    }
}

fn adapter(section: &Section<'_, '_>, networks: &[Draft], earlier: &[Adapter]) -> Option<Adapter> {
    let source = section.source();
    let interface = section.text("interface");
    let address = section.parsed::<IpAddr>("address", ADDRESS);
    let network = section.text("network");
    let required_targets = section.addresses("required_targets");
    for target in &required_targets {
        check_target(source, target, address.as_ref());
    }
    if let Some(beyond) = required_targets.get(TARGETS_MAX) {
        source.error(beyond.wrong(source, format!("expected at most {TARGETS_MAX} targets")));
    }
    if let Some(network) = &network {
        adapter_fits(source, network, address.as_ref(), networks);
    }
    let Some(interface) = interface else {
        if !section.has("interface") {
            source.error(section.wrong("it has no `interface`, expected the name of one"));
        }
        return None;
    };
    if !interface_name_is_possible(&interface.value) {
        source.error(interface.wrong(source, INTERFACE));
        return None;
    }
    let address = address.map(|at| at.value);
    let same = |it: &&Adapter| it.interface == interface.value && it.address == address;
    if earlier.iter().any(|it| same(&it)) {
        let expected = "expected each interface once, or with another `address`";
        source.error(interface.wrong(source, expected));
        return None;
    }
    Some(Adapter {
        interface: interface.value,
        address,
        network: network.map(|at| at.value),
        required_targets: required_targets.into_iter().map(|at| at.value).collect(),
    })
}

fn adapter_fits(
    source: &Source<'_>,
    network: &At<String>,
    address: Option<&At<IpAddr>>,
    networks: &[Draft],
) {
    let Some(draft) = networks.iter().find(|draft| draft.network.name == network.value) else {
        source.error(network.wrong(source, "expected the name of a [[network]] in this file"));
        return;
    };
    if let (Some(address), Some(subnet)) = (address, &draft.subnet)
        && !subnet.value.contains(&address.value)
    {
        let expected = format!("expected an address in that network's subnet, {}", subnet.value);
        source.error(address.wrong(source, expected));
    }
}
