//! A node's interfaces, changed as an operator would while hatsd runs.

use std::{fs::File, net::IpAddr};

use anyhow::Result;
use ipnet::IpNet;

use crate::{
    netlink::Netlink,
    netns,
    plan::{Plan, Port},
};

/// Sets an interface up or down.
///
/// # Errors
///
/// What the kernel said.
pub fn set_up(net: &File, port: Port, up: bool) -> Result<()> {
    netns::within(net, || {
        let mut netlink = Netlink::open()?;
        let index = netlink.index(&Plan::interface_name(port.network))?;
        netlink.change(index, Some(up), Vec::new())
    })
}

/// Leaves an interface with exactly these addresses of a subnet.
///
/// # Errors
///
/// What the kernel said.
pub fn set_addresses(net: &File, port: Port, subnet: IpNet, wanted: &[IpAddr]) -> Result<()> {
    netns::within(net, || {
        let mut netlink = Netlink::open()?;
        let index = netlink.index(&Plan::interface_name(port.network))?;
        let has = netlink.addresses(index)?;
        for address in has.iter().filter(|it| subnet.contains(*it) && !wanted.contains(it)) {
            netlink.remove_address(index, *address, subnet)?;
        }
        for address in wanted.iter().filter(|address| !has.contains(address)) {
            netlink.add_address(index, *address, subnet)?;
        }
        Ok(())
    })
}

/// Makes an interface what the plan says: up, with its own address alone.
///
/// # Errors
///
/// What the kernel said.
pub fn restore(net: &File, port: Port, plan: &Plan) -> Result<()> {
    set_up(net, port, true)?;
    // An IPv6 address goes when the interface is set down.
    let subnet = plan.networks[port.network].subnet;
    set_addresses(net, port, subnet, &[plan.address(port)])
}
