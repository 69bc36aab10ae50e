//! What a world is made of, before it begins.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use hats_core::{
    config::{Config, Detection, Mode, NetworkSpec, Profile},
    told::OpenFaults,
};
use hats_wire::{Incarnation, NodeId};

use crate::{
    clock::Clock,
    host::{Adapter, Host},
    net::Network,
    world::World,
};

/// How long things take in a world.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// A datagram's way from adapter to adapter, shortest and longest.
    pub latency: (Duration, Duration),
    /// At most this much more for a datagram; only this can change their order
    /// beyond what `latency` does.
    pub jitter: Duration,
    /// Between a daemon and its NIM.
    pub hop: Duration,
    /// A timer fires at most this much late.
    pub wake_late: Duration,
    /// From a change of the link until the NIM sees it.
    pub netlink: Duration,
    /// From starting a NIM process until it can be talked to.
    pub nim_start: Duration,
    /// From the death of a NIM until the daemon knows.
    pub nim_death: Duration,
    /// Daemons start within this time after the world begins.
    pub start_spread: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let us = Duration::from_micros;
        Timing {
            latency: (us(50), us(150)),
            jitter: us(20),
            hop: us(20),
            wake_late: us(80),
            netlink: us(300),
            nim_start: us(3_000),
            nim_death: us(500),
            start_spread: us(100_000),
        }
    }
}

struct AdapterPlan {
    node: String,
    network: String,
    interface: String,
    address: IpAddr,
}

/// A world on paper.
///
/// [`Plan::lan`] for the usual one; otherwise networks first, then adapters;
/// nodes come into being with their first adapter.
pub struct Plan {
    seed: u64,
    timing: Timing,
    detection: Detection,
    networks: Vec<NetworkSpec>,
    adapters: Vec<AdapterPlan>,
    plain: Vec<String>,
    /// Node, network, and the targets that its adapter there must reach.
    required: Vec<(String, String, Vec<IpAddr>)>,
    dormant: Vec<String>,
}

impl Plan {
    /// Nothing yet, with seed `seed`, usual timing and the default profile.
    pub fn new(seed: u64) -> Self {
        Plan {
            seed,
            timing: Timing::default(),
            detection: Profile::Default.detection(),
            networks: Vec::new(),
            adapters: Vec::new(),
            plain: Vec::new(),
            required: Vec::new(),
            dormant: Vec::new(),
        }
    }

    /// Nodes `n1`.. with adapters `eth0`.. on networks `neta`..: node I has
    /// 10.77.K.I on network K (counted from 1). With more nodes than such a
    /// subnet holds, network K is 10.(100+K).0.0/16; addresses grow with I.
    pub fn lan(seed: u64, nodes: u32, networks: u8) -> Self {
        let wide = nodes > 254;
        let mut plan = Plan::new(seed);
        for k in 1..=networks {
            let subnet =
                if wide { format!("10.{}.0.0/16", 100 + k) } else { format!("10.77.{k}.0/24") };
            plan = plan.network(&network_name(k), &subnet);
        }
        for i in 1..=nodes {
            for k in 1..=networks {
                let interface = format!("eth{}", k - 1);
                let address = if wide {
                    format!("10.{}.{}.{}", 100 + k, i / 250, i % 250 + 1)
                } else {
                    format!("10.77.{k}.{i}")
                };
                plan = plan.adapter(&format!("n{i}"), &network_name(k), &interface, &address);
            }
        }
        plan
    }

    /// Another seed.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Other times.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// How fast failures are to be noticed.
    pub fn detection(mut self, detection: Detection) -> Self {
        self.detection = detection;
        self
    }

    /// How fast failures are to be noticed, by name.
    pub fn profile(self, profile: Profile) -> Self {
        self.detection(profile.detection())
    }

    /// One more network with multicast, IPv4 or IPv6 by its subnet.
    pub fn network(mut self, name: &str, subnet: &str) -> Self {
        let number = u8::try_from(self.networks.len() + 1).expect("fewer than 256 networks");
        let group = if subnet.contains(':') {
            IpAddr::from([0xff02, 0, 0, 0, 0, 0, 0x4854, u16::from(number)])
        } else {
            IpAddr::from([239, 77, number, 1])
        };
        self.networks.push(NetworkSpec {
            name: name.to_owned(),
            subnet: subnet.to_owned(),
            mode: Mode::Multicast,
            group: Some(group),
            port: 12347,
            peers: Vec::new(),
            reference_targets: Vec::new(),
        });
        self
    }

    /// `node` gets an adapter with `address` on `network`.
    pub fn adapter(mut self, node: &str, network: &str, interface: &str, address: &str) -> Self {
        assert!(
            self.networks.iter().any(|spec| spec.name == network),
            "network {network} of {node} is not planned: call network() first"
        );
        let address = address
            .parse()
            .unwrap_or_else(|_| panic!("address of {node} is {address:?}: expected an IP address"));
        let (node, network, interface) =
            (node.to_owned(), network.to_owned(), interface.to_owned());
        self.adapters.push(AdapterPlan { node, network, interface, address });
        self
    }

    /// A host without hats that answers ICMP echo, configured as a reference
    /// target of `network`.
    pub fn reference_target(mut self, name: &str, network: &str, address: &str) -> Self {
        self = self.bystander(name, network, "eth0", address);
        let target = self.adapters[self.adapters.len() - 1].address;
        for spec in self.networks.iter_mut().filter(|spec| spec.name == network) {
            spec.reference_targets.push(target);
        }
        self
    }

    /// A host without hats that answers ICMP echo, which nobody is told of.
    pub fn bystander(mut self, name: &str, network: &str, interface: &str, address: &str) -> Self {
        self = self.adapter(name, network, interface, address);
        self.plain.push(name.to_owned());
        self
    }

    /// The adapter of `node` on `network` is up only if one of `targets` answers.
    pub fn required_targets(mut self, node: &str, network: &str, targets: &[&str]) -> Self {
        let address = |text: &&str| {
            text.parse().unwrap_or_else(|_| panic!("target {text:?}: expected an IP address"))
        };
        let targets = targets.iter().map(address).collect();
        self.required.push((node.to_owned(), network.to_owned(), targets));
        self
    }

    /// The daemon of `node` is not started until [`World::start`].
    pub fn dormant(mut self, node: &str) -> Self {
        self.dormant.push(node.to_owned());
        self
    }

    /// The world begins.
    pub fn build(self) -> World {
        let networks = self.networks.iter().cloned().map(Network::new).collect();
        let mut hosts: Vec<Host> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for plan in &self.adapters {
            let at = *places.entry(&plan.node).or_insert_with(|| {
                hosts.push(self.host(hosts.len(), &plan.node));
                hosts.len() - 1
            });
            let network = self
                .networks
                .iter()
                .position(|spec| spec.name == plan.network)
                .expect("adapter() refuses unknown networks");
            let prefix = prefix_length(&self.networks[network].subnet);
            let mut adapter = Adapter::new(network, &plan.interface, plan.address, prefix);
            let its = self.required.iter();
            let its = its.filter(|(node, net, _)| *node == plan.node && *net == plan.network);
            adapter.required = its.flat_map(|(_, _, targets)| targets.iter().copied()).collect();
            hosts[at].adapters.push(adapter);
        }
        let starting: Vec<String> = hosts
            .iter()
            .filter(|host| !host.plain && !self.dormant.iter().any(|name| name == host.name()))
            .map(|host| host.name().to_owned())
            .collect();
        let mut world = World::new(self.seed, self.timing, hosts, networks);
        for name in starting {
            world.start_within(&name, self.timing.start_spread);
        }
        world
    }

    fn host(&self, number: usize, name: &str) -> Host {
        Host {
            config: Config {
                cluster: "sim".to_owned(),
                node: name.to_owned(),
                node_id: NodeId(0x1000 + number as u64),
                incarnation: Incarnation(crate::faults::START_MS),
                version: "sim".to_owned(),
                detection: self.detection,
                realtime_priority: 0,
                lock_memory: false,
            },
            plain: self.plain.iter().any(|plain| plain == name),
            up: true,
            asleep: false,
            suspended: None,
            held: Vec::new(),
            blocked: None,
            clock: Clock::new(0),
            wall_ms: 0,
            link_changed: None,
            starved: 0,
            hangs: false,
            adapters: Vec::new(),
            daemon: None,
            told: OpenFaults::default(),
            runs: 0,
            daemon_run: 0,
        }
    }
}

/// `neta` for 1, `netb` for 2.
fn network_name(number: u8) -> String {
    format!("net{}", char::from(b'a' + number - 1))
}

fn prefix_length(subnet: &str) -> u8 {
    subnet
        .split_once('/')
        .and_then(|(_, length)| length.parse().ok())
        .unwrap_or_else(|| panic!("subnet is {subnet:?}: expected address/prefix length"))
}
