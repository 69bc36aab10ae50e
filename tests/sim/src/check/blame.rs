//! Nobody says of anything healthy that it failed.

use hats_core::event::{Event, EventKind};
use hats_wire::Cause;

use super::{Checker, News};
use crate::{host::Port, record::Said, summary::Summary, world::World};

/// Nobody says of anything healthy that it failed.
#[derive(Debug, Default)]
pub(crate) struct HealthyIsNotBlamed;

impl Checker for HealthyIsNotBlamed {
    fn name(&self) -> &'static str {
        super::NOTHING_HEALTHY_IS_BLAMED
    }

    fn check(&mut self, world: &World, news: &News<'_>) -> Result<(), String> {
        news.said.iter().try_for_each(|said| judge(world, said))
    }
}

fn judge(world: &World, said: &Said) -> Result<(), String> {
    let event = &said.event;
    let fair = if event.kind == EventKind::AdapterDown {
        adapter_may_be_down(world, &said.observer, event)?
    } else if event.kind == EventKind::PathFailed {
        path_may_have_failed(world, event)?
    } else if event.kind == EventKind::NodeDown {
        node_may_be_down(world, &said.observer, event)?
    } else if event.kind == EventKind::DaemonDown {
        world.truth.may_blame_daemon(host_of(world, event)?)
    } else {
        true
    };
    if fair {
        return Ok(());
    }
    Err(format!("{} says {}", said.observer, Summary(world).event(event)))
}

fn adapter_may_be_down(world: &World, observer: &str, event: &Event) -> Result<bool, String> {
    let Some(port) = port_of(world, event)? else {
        return Err(format!("{} names no adapter", Summary(world).event(event)));
    };
    if world.truth.may_blame_adapter(port) {
        return Ok(true);
    }
    // Out of sight is not unwell: a verdict that says no more is fair, and so
    // is one that follows from it for the adapters of the node.
    let says_no_more = matches!(event.cause, Some(Cause::Unreachable | Cause::NodeDown));
    Ok(says_no_more && out_of_sight(world, observer, port.host))
}

fn path_may_have_failed(world: &World, event: &Event) -> Result<bool, String> {
    match (port_of(world, event)?, peer_of(world, event)) {
        (Some(a), Some(b)) => Ok(world.truth.may_blame_pair(a, b)),
        (None, _) | (_, None) => Err(format!("{} names no two ends", Summary(world).event(event))),
    }
}

fn node_may_be_down(world: &World, observer: &str, event: &Event) -> Result<bool, String> {
    let host = host_of(world, event)?;
    if world.truth.may_blame_host(host) {
        return Ok(true);
    }
    Ok(event.cause == Some(Cause::Unreachable) && out_of_sight(world, observer, host))
}

fn out_of_sight(world: &World, observer: &str, host: usize) -> bool {
    world.truth.may_be_unreachable(world, host) || world.truth.may_be_cut_off(world, observer)
}

fn host_of(world: &World, event: &Event) -> Result<usize, String> {
    let node = event.node.as_deref().unwrap_or("");
    world
        .names
        .get(node)
        .copied()
        .ok_or_else(|| format!("{} names no known node", Summary(world).event(event)))
}

fn port_of(world: &World, event: &Event) -> Result<Option<Port>, String> {
    let host = host_of(world, event)?;
    Ok(port_on(world, host, event.network.as_deref()))
}

fn peer_of(world: &World, event: &Event) -> Option<Port> {
    let peer = event.peer_node.as_deref().and_then(|peer| world.names.get(peer));
    peer.and_then(|&host| port_on(world, host, event.network.as_deref()))
}

fn port_on(world: &World, host: usize, network: Option<&str>) -> Option<Port> {
    let adapters = &world.hosts[host].adapters;
    adapters
        .iter()
        .position(|adapter| {
            let name = Some(world.networks[adapter.network].spec.name.as_str());
            name == network && !adapter.replaced
        })
        .map(|adapter| Port { host, adapter })
}
