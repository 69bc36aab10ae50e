//! The checkers: what must hold after every step, whatever was done.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc};

use hats_core::event::{Event, EventKind};
use hats_wire::{Cause, GroupId};

use crate::{host::Port, record::Members, summary::Summary, world::World};

/// One rule, watched over a whole run. It reads what is new since it last
/// looked, so that looking after every step costs nothing.
pub trait Checker {
    /// The rule in a few words.
    fn name(&self) -> &'static str;

    /// Whether it held until now; else who broke it, and how.
    fn check(&mut self, world: &World) -> Result<(), String>;
}

/// The name of that rule.
pub(crate) const NOTHING_HEALTHY_IS_BLAMED: &str = "nothing healthy is blamed";

/// One of each.
pub(crate) fn all() -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(OneMembership::default()),
        Box::new(InstancesGrow::default()),
        Box::new(HealthyIsNotBlamed::default()),
    ]
}

/// Whoever is in a group agrees who else is, and that its leader is the highest.
#[derive(Debug, Default)]
pub(crate) struct OneMembership {
    seen: usize,
    groups: BTreeMap<(usize, GroupId), (Port, Members)>,
}

impl Checker for OneMembership {
    fn name(&self) -> &'static str {
        "one membership per group instance"
    }

    fn check(&mut self, world: &World) -> Result<(), String> {
        let adoptions = &world.records.adoptions;
        while let Some(adoption) = adoptions.get(self.seen) {
            self.seen += 1;
            let (group, members) = (adoption.group, &adoption.members);
            let name = || {
                let group = Summary(world).group(&group);
                format!("{} of {}", world.port_name(adoption.port), group)
            };
            let names = |members: &[IpAddr]| Summary(world).names(members);
            if members.last() != Some(&group.leader) {
                return Err(format!("leader is not the highest: {} [{}]", name(), names(members)));
            }
            let own = world.adapter(adoption.port).address;
            if !members.contains(&own) {
                return Err(format!("adopted without itself: {} [{}]", name(), names(members)));
            }
            let key = (world.adapter(adoption.port).network, group);
            let (first, known) =
                self.groups.entry(key).or_insert_with(|| (adoption.port, Rc::clone(members)));
            // One copy for all that adopted the same: mostly no comparing.
            if !Rc::ptr_eq(known, members) && known != members {
                return Err(format!(
                    "{} says [{}], but {} said [{}]",
                    name(),
                    names(members),
                    world.port_name(*first),
                    names(known)
                ));
            }
        }
        Ok(())
    }
}

/// An adapter never goes back to an earlier instance within one run of its
/// daemon, and the run of a daemon never goes back either.
#[derive(Debug, Default)]
pub(crate) struct InstancesGrow {
    seen: usize,
    last: BTreeMap<Port, (u64, GroupId)>,
}

impl Checker for InstancesGrow {
    fn name(&self) -> &'static str {
        "instances and incarnations only grow"
    }

    fn check(&mut self, world: &World) -> Result<(), String> {
        let adoptions = &world.records.adoptions;
        while let Some(adoption) = adoptions.get(self.seen) {
            self.seen += 1;
            let now = (adoption.run, adoption.group);
            if let Some(before) = self.last.insert(adoption.port, now) {
                let grows =
                    now.0 > before.0 || (now.0 == before.0 && now.1.instance > before.1.instance);
                if !grows {
                    return Err(format!(
                        "{} went from run {} {} to run {} {}",
                        world.port_name(adoption.port),
                        before.0,
                        Summary(world).group(&before.1),
                        now.0,
                        Summary(world).group(&now.1)
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Nobody says of anything healthy that it failed.
#[derive(Debug, Default)]
pub(crate) struct HealthyIsNotBlamed {
    seen: usize,
}

impl Checker for HealthyIsNotBlamed {
    fn name(&self) -> &'static str {
        NOTHING_HEALTHY_IS_BLAMED
    }

    fn check(&mut self, world: &World) -> Result<(), String> {
        while let Some(said) = world.events().get(self.seen) {
            self.seen += 1;
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
            if !fair {
                return Err(format!("{} says {}", said.observer, Summary(world).event(event)));
            }
        }
        Ok(())
    }
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

#[cfg(test)]
mod tests;
