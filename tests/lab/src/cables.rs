//! Lays the cables between the nodes and breaks them.

use std::{fs::File, os::fd::AsRawFd};

use anyhow::{Context, Result, bail};
use hats_sys::tap;
use netlink_packet_route::link::LinkAttribute;

use crate::{
    faults::{Fault, Faults},
    netlink::Netlink,
    netns::{self, Namespaces},
    plan::{Links, Plan, Port},
    switch::{Counters, Switch},
    wiring::{self, SharedSwitch},
};

/// Frames a tap device holds for the switch: enough for any burst of a lab.
const QUEUE_LEN: u32 = 10_000;

/// The cables of a lab.
pub enum Cables {
    /// Tap devices and our own switch.
    Tap {
        /// One file for each port, in the order of [`Port::index`].
        taps: Vec<File>,
        /// How many networks there are.
        networks: usize,
        /// Where the faults are.
        switch: SharedSwitch,
    },
    /// Virtual Ethernet pairs on bridges in the lab's own namespace.
    Veth {
        /// What is broken, for show; the kernel does the breaking.
        faults: Faults,
    },
}

impl Cables {
    /// Lays a cable for every port of the plan and configures the interfaces.
    ///
    /// # Errors
    ///
    /// What the kernel refused.
    pub fn lay(plan: &Plan, nodes: &[Namespaces]) -> Result<Cables> {
        match plan.links {
            Links::Tap => lay_taps(plan, nodes),
            Links::Veth => lay_veths(plan, nodes),
        }
    }

    /// Breaks one port.
    ///
    /// # Errors
    ///
    /// The fault is not possible on these cables, or the kernel refused.
    pub fn set(&mut self, port: Port, fault: Fault) -> Result<()> {
        match self {
            Cables::Tap { taps, networks, switch } => {
                if fault == Fault::Carrier {
                    tap::set_carrier(&taps[port.index(*networks)], false)
                        .context("pull the carrier of a tap device")?;
                }
                wiring::lock(switch).faults.set(port, fault);
            }
            Cables::Veth { faults } => {
                let mut netlink = Netlink::open()?;
                let index = netlink.index(&veth_name(port))?;
                match fault {
                    Fault::Cut => {
                        netlink.change(index, None, vec![LinkAttribute::Controller(0)])?;
                    }
                    Fault::Carrier => netlink.change(index, Some(false), Vec::new())?,
                    Fault::Deaf
                    | Fault::Mute
                    | Fault::Loss(_)
                    | Fault::Delay(_)
                    | Fault::Reorder(_)
                    | Fault::Duplicate(_)
                    | Fault::NoMulticast
                    | Fault::MaxFrame(_) => bail!(
                        "with --links veth only cut and carrier are possible; \
                         the other faults need --links tap"
                    ),
                }
                faults.set(port, fault);
            }
        }
        Ok(())
    }

    /// Breaks what goes from one port to another.
    ///
    /// # Errors
    ///
    /// The fault is not possible on these cables.
    pub fn set_pair(&mut self, from: Port, to: Port, fault: Fault) -> Result<()> {
        match self {
            Cables::Tap { switch, .. } => wiring::lock(switch).faults.set_pair(from, to, fault),
            Cables::Veth { .. } => bail!("with --links veth a path can't fail: use --links tap"),
        }
    }

    /// Joins the switches of two networks.
    ///
    /// # Errors
    ///
    /// These cables cannot do it.
    pub fn join(&mut self, one: usize, other: usize) -> Result<()> {
        match self {
            Cables::Tap { switch, .. } => wiring::lock(switch).join(one, other),
            Cables::Veth { .. } => bail!("with --links veth networks stay apart: use --links tap"),
        }
        Ok(())
    }

    /// Takes such cables away.
    pub fn part(&mut self) {
        match self {
            Cables::Tap { switch, .. } => wiring::lock(switch).part(),
            Cables::Veth { .. } => {}
        }
    }

    /// Repairs one port and every pair it belongs to.
    ///
    /// # Errors
    ///
    /// What the kernel refused.
    pub fn heal(&mut self, port: Port, plan: &Plan) -> Result<()> {
        match self {
            Cables::Tap { taps, networks, switch } => {
                let pulled = {
                    let mut switch = wiring::lock(switch);
                    let pulled = switch.faults.carrier_lost(port);
                    switch.faults.heal(port);
                    pulled
                };
                if pulled {
                    tap::set_carrier(&taps[port.index(*networks)], true)
                        .context("give a tap device its carrier back")?;
                }
            }
            Cables::Veth { faults } => {
                let mut netlink = Netlink::open()?;
                let index = netlink.index(&veth_name(port))?;
                let bridge = netlink.index(&plan.networks[port.network].name)?;
                netlink.change(index, Some(true), vec![LinkAttribute::Controller(bridge)])?;
                faults.heal(port);
            }
        }
        Ok(())
    }

    /// The faults of a port in words.
    pub fn faults(&self, port: Port) -> Vec<String> {
        match self {
            Cables::Tap { switch, .. } => wiring::lock(switch).faults.words(port),
            Cables::Veth { faults } => faults.words(port),
        }
    }

    /// What has passed a port; only our own switch counts.
    pub fn counters(&self, port: Port) -> Option<Counters> {
        match self {
            Cables::Tap { switch, .. } => Some(wiring::lock(switch).counters(port)),
            Cables::Veth { .. } => None,
        }
    }
}

fn lay_taps(plan: &Plan, nodes: &[Namespaces]) -> Result<Cables> {
    let networks = plan.networks.len();
    let mut taps = Vec::with_capacity(plan.hosts() * networks);
    for port in plan.all_ports() {
        let name = Plan::interface_name(port.network);
        let tap = netns::within(&nodes[port.node].net, || {
            let tap = tap::open(&name)
                .with_context(|| format!("create tap device {name} through {}", tap::DEVICE))?;
            configure(plan, port, vec![LinkAttribute::TxQueueLen(QUEUE_LEN)])?;
            Ok(tap)
        })?;
        taps.push(tap);
    }
    let switch = Switch::new(plan.hosts(), networks, plan.seed);
    let switch = SharedSwitch::new(switch.into());
    let copies =
        taps.iter().map(File::try_clone).collect::<Result<_, _>>().context("share a tap device")?;
    wiring::start(copies, networks, SharedSwitch::clone(&switch))?;
    Ok(Cables::Tap { taps, networks, switch })
}

fn lay_veths(plan: &Plan, nodes: &[Namespaces]) -> Result<Cables> {
    let mut netlink = Netlink::open()?;
    for network in &plan.networks {
        netlink.add_bridge(&network.name)?;
        let bridge = netlink.index(&network.name)?;
        netlink.change(bridge, Some(true), Vec::new())?;
    }
    for port in plan.all_ports() {
        let near = veth_name(port);
        let far = Plan::interface_name(port.network);
        let node = &nodes[port.node];
        netlink.add_veth(&near, &far, node.net.as_raw_fd())?;
        let index = netlink.index(&near)?;
        let bridge = netlink.index(&plan.networks[port.network].name)?;
        netlink.change(index, Some(true), vec![LinkAttribute::Controller(bridge)])?;
        netns::within(&node.net, || configure(plan, port, Vec::new()))?;
    }
    Ok(Cables::Veth { faults: Faults::default() })
}

/// The end of a veth pair that is on the bridge.
fn veth_name(port: Port) -> String {
    format!("{}-{}", Plan::node_name(port.node), Plan::interface_name(port.network))
}

/// Gives the interface of a port its addresses; runs in the node's namespace.
fn configure(plan: &Plan, port: Port, mut attributes: Vec<LinkAttribute>) -> Result<()> {
    let mut netlink = Netlink::open()?;
    let index = netlink.index(&Plan::interface_name(port.network))?;
    attributes.push(LinkAttribute::Address(Plan::mac(port).to_vec()));
    netlink.change(index, None, attributes)?;
    netlink.change(index, Some(true), Vec::new())?;
    let address = plan.address(port);
    netlink.add_address(index, address, plan.networks[port.network].subnet)?;
    if plan.gateway && port.node < plan.nodes {
        // One for each network; the first is the one that is used.
        let metric = u32::try_from(port.network).unwrap_or(u32::MAX).saturating_add(100);
        netlink.add_gateway(index, plan.gateway_on(port.network), metric)?;
    }
    if plan.default_route == Some(port.network) {
        netlink.add_default_route(index, address.is_ipv6())?;
    }
    Ok(())
}
