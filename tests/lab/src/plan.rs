//! What a lab consists of: nodes, networks and their addresses. Pure.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use anyhow::{Result, bail, ensure};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// Most nodes a lab may have.
pub const NODES_MAX: usize = 250;
/// Most networks a lab may have: their names run from `neta` to `netz`.
pub const NETWORKS_MAX: usize = 26;

/// The host without hats.
const GATEWAY: &str = "gw";
/// Its host number.
const GATEWAY_NUMBER: usize = 254;

/// What carries the frames between the nodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Links {
    /// Tap devices and a switch inside the lab process: every fault is possible.
    Tap,
    /// Virtual Ethernet pairs and the kernel's bridge: only cut and carrier.
    Veth,
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Links::Tap => "tap",
            Links::Veth => "veth",
        })
    }
}

/// Everything that is decided before the first namespace exists.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// How many nodes: n1, n2, ...
    pub nodes: usize,
    /// The networks, in the order of the interfaces eth0, eth1, ...
    pub networks: Vec<Network>,
    /// What carries the frames.
    pub links: Links,
    /// The network whose adapter has the default route, by index.
    pub default_route: Option<usize>,
    /// Whether a host without hats is on every network, and is each adapter's
    /// default gateway.
    pub gateway: bool,
    /// The detection profile in each node's configuration.
    pub profile: String,
    /// Whether the configuration names the networks; otherwise hatsd finds them.
    pub name_networks: bool,
    /// Whether hatsd is run in the nodes.
    pub daemons: bool,
    /// TOML merged over each node's configuration.
    pub config_extra: String,
    /// Where the switch's dice start.
    pub seed: u64,
}

/// One network of a lab.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Network {
    /// `neta`, `netb`, ...
    pub name: String,
    /// Where its addresses come from.
    pub subnet: IpNet,
}

/// One end of a cable: a node's adapter on a network, both by index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Port {
    /// Index of the node: 0 is n1.
    pub node: usize,
    /// Index of the network: 0 is neta, and the interface eth0.
    pub network: usize,
}

impl Port {
    /// The place of this port in a table of all ports.
    pub fn index(self, networks: usize) -> usize {
        self.node * networks + self.network
    }

    /// The port at a place of that table.
    pub fn at(index: usize, networks: usize) -> Port {
        Port { node: index / networks, network: index % networks }
    }
}

impl Plan {
    /// Builds the networks: the subnets given, then the usual ones.
    ///
    /// # Errors
    ///
    /// A number out of range, a subnet too small, or two that overlap.
    pub fn networks(
        nodes: usize,
        networks: usize,
        ipv6: bool,
        subnets: &[IpNet],
    ) -> Result<Vec<Network>> {
        ensure!(
            (1..=NODES_MAX).contains(&nodes),
            "--nodes {nodes}: expected 1 to {NODES_MAX} nodes"
        );
        ensure!(
            (1..=NETWORKS_MAX).contains(&networks),
            "--networks {networks}: expected 1 to {NETWORKS_MAX} networks"
        );
        ensure!(
            subnets.len() <= networks,
            "--subnet was given {} times, but there are {networks} networks",
            subnets.len()
        );
        let mut made: Vec<Network> = Vec::with_capacity(networks);
        for index in 0..networks {
            let subnet = match subnets.get(index) {
                Some(subnet) => subnet.trunc(),
                None => usual_subnet(index, ipv6),
            };
            check_room(subnet, nodes)?;
            if let Some(other) = made.iter().find(|n| overlap(n.subnet, subnet)) {
                bail!("--subnet {subnet}: overlaps {} of {}", other.subnet, other.name);
            }
            made.push(Network { name: network_name(index), subnet });
        }
        Ok(made)
    }

    /// The name of a node.
    pub fn node_name(node: usize) -> String {
        format!("n{}", node + 1)
    }

    /// The name of a host: a node, or the gateway, which comes after them.
    pub fn host_name(&self, host: usize) -> String {
        if host < self.nodes { Plan::node_name(host) } else { GATEWAY.to_owned() }
    }

    /// How many hosts there are: the nodes, and the gateway if there is one.
    pub fn hosts(&self) -> usize {
        self.nodes + usize::from(self.gateway)
    }

    /// The gateway's address on a network.
    pub fn gateway_on(&self, network: usize) -> IpAddr {
        self.address(Port { node: self.nodes, network })
    }

    /// The name of the interface on a network.
    pub fn interface_name(network: usize) -> String {
        format!("eth{network}")
    }

    /// The address of a port: host number i on node i; 254 on the gateway, or
    /// the next after the nodes where the subnet is smaller.
    pub fn address(&self, port: Port) -> IpAddr {
        let subnet = self.networks[port.network].subnet;
        let gateway = port.node == self.nodes && check_room(subnet, GATEWAY_NUMBER).is_ok();
        host_address(subnet, if gateway { GATEWAY_NUMBER } else { port.node + 1 })
    }

    /// The hardware address of a port: telling, and the same in each run.
    pub fn mac(port: Port) -> [u8; 6] {
        let node = u16::try_from(port.node + 1).expect("nodes are at most NODES_MAX");
        let network = u8::try_from(port.network + 1).expect("networks are at most NETWORKS_MAX");
        let [high, low] = node.to_be_bytes();
        [0x02, 0x68, 0x61, network, high, low]
    }

    /// Every port of a node, node by node.
    pub fn ports(&self) -> impl Iterator<Item = Port> + use<> {
        ports(self.nodes, self.networks.len())
    }

    /// Every port, host by host.
    pub fn all_ports(&self) -> impl Iterator<Item = Port> + use<> {
        ports(self.hosts(), self.networks.len())
    }

    /// Finds a node by name or number, or the gateway by its name.
    ///
    /// # Errors
    ///
    /// Names the value and the nodes there are.
    pub fn find_node(&self, word: &str) -> Result<usize> {
        if self.gateway && word == GATEWAY {
            return Ok(self.nodes);
        }
        let number = word.strip_prefix('n').unwrap_or(word);
        match usize::from_str(number) {
            Ok(i) if (1..=self.nodes).contains(&i) && !number.starts_with(['+', '0']) => Ok(i - 1),
            _ => bail!("no node {word:?}: expected {}", span("n", 1, self.nodes)),
        }
    }

    /// Finds a network by its own name, or by that of the interfaces on it.
    ///
    /// # Errors
    ///
    /// Names the value and the adapters there are.
    pub fn find_network(&self, word: &str) -> Result<usize> {
        let found = self
            .networks
            .iter()
            .enumerate()
            .position(|(i, n)| n.name == word || Plan::interface_name(i) == word);
        match found {
            Some(index) => Ok(index),
            None => {
                let names: Vec<_> = self
                    .networks
                    .iter()
                    .enumerate()
                    .map(|(i, n)| format!("{} ({})", Plan::interface_name(i), n.name))
                    .collect();
                bail!("no adapter {word:?}: expected one of {}", names.join(", "))
            }
        }
    }

    /// Finds a port by the names of its node and adapter.
    ///
    /// # Errors
    ///
    /// Names what was not found and what there is.
    pub fn find_port(&self, node: &str, adapter: &str) -> Result<Port> {
        Ok(Port { node: self.find_node(node)?, network: self.find_network(adapter)? })
    }
}

fn ports(hosts: usize, networks: usize) -> impl Iterator<Item = Port> {
    (0..hosts).flat_map(move |node| (0..networks).map(move |network| Port { node, network }))
}

fn span(prefix: &str, first: usize, last: usize) -> String {
    match last - first {
        0 => format!("{prefix}{first}"),
        1 => format!("{prefix}{first} or {prefix}{last}"),
        _ => format!("{prefix}{first} to {prefix}{last}"),
    }
}

fn network_name(index: usize) -> String {
    let letter = u8::try_from(index).expect("networks are at most NETWORKS_MAX");
    format!("net{}", char::from(b'a' + letter))
}

fn usual_subnet(index: usize, ipv6: bool) -> IpNet {
    let number = u8::try_from(index + 1).expect("networks are at most NETWORKS_MAX");
    if ipv6 {
        let address = Ipv6Addr::new(0xfd77, u16::from(number), 0, 0, 0, 0, 0, 0);
        IpNet::new_assert(IpAddr::V6(address), 64)
    } else {
        IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(10, 77, number, 0)), 24)
    }
}

fn check_room(subnet: IpNet, nodes: usize) -> Result<()> {
    let bits = subnet.max_prefix_len() - subnet.prefix_len();
    // The network's own address and, for IPv4, the broadcast address are not hosts.
    let room = 1_usize.checked_shl(u32::from(bits)).unwrap_or(usize::MAX).saturating_sub(2);
    ensure!(nodes <= room, "--subnet {subnet}: has room for {room} hosts, expected {nodes}");
    Ok(())
}

fn overlap(a: IpNet, b: IpNet) -> bool {
    a.contains(&b) || b.contains(&a)
}

fn host_address(subnet: IpNet, host: usize) -> IpAddr {
    let host = u32::try_from(host).expect("nodes are at most NODES_MAX");
    match subnet {
        IpNet::V4(net) => IpAddr::V4(Ipv4Addr::from(u32::from(net.network()) + host)),
        IpNet::V6(net) => IpAddr::V6(Ipv6Addr::from(u128::from(net.network()) + u128::from(host))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(nodes: usize, networks: usize) -> Plan {
        Plan {
            nodes,
            networks: Plan::networks(nodes, networks, false, &[]).unwrap(),
            links: Links::Tap,
            default_route: None,
            gateway: false,
            profile: "default".into(),
            name_networks: true,
            daemons: true,
            config_extra: String::new(),
            seed: 1,
        }
    }

    #[test]
    fn node_i_has_host_number_i_on_every_network() {
        let plan = plan(12, 2);
        let last = Port { node: 11, network: 1 };
        assert_eq!(plan.address(last).to_string(), "10.77.2.12");
        assert_eq!(plan.ports().count(), 24);
        assert_eq!(plan.ports().last(), Some(last));
    }

    #[test]
    fn the_gateway_comes_after_the_nodes_and_is_none_of_them() {
        let plan = Plan { gateway: true, ..plan(3, 2) };
        assert_eq!(plan.gateway_on(1).to_string(), "10.77.2.254");
        assert_eq!((plan.find_node("gw").unwrap(), plan.host_name(3).as_str()), (3, "gw"));
        assert_eq!((plan.ports().count(), plan.all_ports().count()), (6, 8));
    }

    #[test]
    fn given_subnets_come_before_the_usual_ones() {
        let given = ["192.28.4.0/24".parse().unwrap()];
        let networks = Plan::networks(3, 2, false, &given).unwrap();
        assert_eq!(networks[0].subnet.to_string(), "192.28.4.0/24");
        assert_eq!(networks[1].subnet.to_string(), "10.77.2.0/24");
    }

    #[test]
    fn ipv6_networks_are_numbered_in_the_second_group() {
        let networks = Plan::networks(3, 2, true, &[]).unwrap();
        assert_eq!(networks[1].subnet.to_string(), "fd77:2::/64");
        assert_eq!(host_address(networks[1].subnet, 3).to_string(), "fd77:2::3");
    }

    #[test]
    fn a_subnet_must_hold_every_node() {
        let small = ["10.0.0.0/30".parse().unwrap()];
        assert!(Plan::networks(2, 1, false, &small).is_ok());
        let error = Plan::networks(3, 1, false, &small).unwrap_err().to_string();
        assert_eq!(error, "--subnet 10.0.0.0/30: has room for 2 hosts, expected 3");
    }

    #[test]
    fn overlapping_subnets_are_refused() {
        let both = ["10.0.0.0/16".parse().unwrap(), "10.0.1.0/24".parse().unwrap()];
        assert!(Plan::networks(2, 2, false, &both).is_err());
    }

    #[test]
    fn an_unknown_node_is_named_with_the_nodes_there_are() {
        let plan = plan(5, 2);
        assert_eq!(plan.find_node("n5").unwrap(), 4);
        assert_eq!(plan.find_node("5").unwrap(), 4);
        for word in ["n6", "n0", "n05", "+5", "eth0", ""] {
            let error = plan.find_node(word).unwrap_err().to_string();
            assert_eq!(error, format!("no node {word:?}: expected n1 to n5"));
        }
    }

    #[test]
    fn an_unknown_adapter_is_named_with_the_adapters_there_are() {
        let plan = plan(5, 2);
        assert_eq!(plan.find_network("netb").unwrap(), 1);
        assert_eq!(plan.find_network("eth1").unwrap(), 1);
        let error = plan.find_network("eth2").unwrap_err().to_string();
        assert_eq!(error, "no adapter \"eth2\": expected one of eth0 (neta), eth1 (netb)");
    }
}
