//! The adapters being served, and how they change with the plan.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use hats_core::{config::AdapterSpec, io::AdapterIndex, time::Timestamp};
use ipnet::IpNet;

use super::{Interface, Plan};

/// In zero configuration an adapter whose address has been gone this long is
/// forgotten: nobody asked for it by name.
const FORGET_AFTER: Duration = Duration::from_secs(600);

/// The adapters being served. Numbers are never used twice.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    next: u32,
    held: BTreeMap<AdapterIndex, Held>,
}

#[derive(Debug)]
struct Held {
    spec: AdapterSpec,
    /// Since when its interface does not have its address.
    gone: Option<Timestamp>,
    /// The default gateway, as last told.
    gateway: Option<IpAddr>,
}

/// What the node must be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Change {
    Added(AdapterIndex, AdapterSpec),
    Removed(AdapterIndex),
}

impl Roster {
    /// Takes over a new plan. An adapter whose address went away stays (that
    /// is a failure, which its NIM reports) until another address of the same
    /// interface takes its place on the network.
    pub(crate) fn follow(
        &mut self,
        plan: &Plan,
        interfaces: &[Interface],
        now: Timestamp,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        for (index, held) in &mut self.held {
            let present = interfaces.iter().any(|interface| {
                interface.name == held.spec.interface
                    && interface.addresses.iter().any(|it| it.address == held.spec.address)
            });
            if present {
                held.gone = None;
            } else {
                held.gone.get_or_insert(now);
            }
            let replaced = plan.adapters.iter().any(|wanted| replaces(wanted, held));
            if replaced || (present && is_stopgap(&held.spec, plan)) {
                changes.push(Change::Removed(*index));
            }
        }
        self.forget(&changes);
        for wanted in &plan.adapters {
            if self.held.values().any(|held| stands_for(held, wanted)) {
                continue;
            }
            let index = AdapterIndex(self.next);
            self.next += 1;
            self.held.insert(index, Held { spec: wanted.clone(), gone: None, gateway: None });
            changes.push(Change::Added(index, wanted.clone()));
        }
        changes
    }

    /// The adapters whose default gateway is another one than was told last.
    pub(crate) fn gateways(
        &mut self,
        interfaces: &[Interface],
    ) -> Vec<(AdapterIndex, Option<IpAddr>)> {
        let mut changes = Vec::new();
        for (index, held) in &mut self.held {
            let interface = interfaces.iter().find(|it| it.name == held.spec.interface);
            let gateways = interface.map_or(&[][..], |it| &it.gateways);
            let gateway = gateways.iter().copied().find(|it| is_beside(&held.spec, *it));
            if gateway != held.gateway {
                held.gateway = gateway;
                changes.push((*index, gateway));
            }
        }
        changes
    }

    /// Forgets what has been gone for long. Only for zero configuration.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Vec<Change> {
        let changes: Vec<Change> = self
            .held
            .iter()
            .filter(|(_, held)| held.gone.is_some_and(|gone| gone + FORGET_AFTER <= now))
            .map(|(index, _)| Change::Removed(*index))
            .collect();
        self.forget(&changes);
        changes
    }

    /// When [`expire`](Self::expire) has something to do.
    pub(crate) fn next_expiry(&self) -> Option<Timestamp> {
        self.held.values().filter_map(|held| held.gone).min().map(|gone| gone + FORGET_AFTER)
    }

    fn forget(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Removed(index) => {
                    self.held.remove(index);
                }
                Change::Added(..) => {}
            }
        }
    }
}

/// Whether `wanted` takes the place of `held`.
fn replaces(wanted: &AdapterSpec, held: &Held) -> bool {
    let spec = &held.spec;
    if wanted.interface != spec.interface || wanted == spec {
        return false;
    }
    if wanted.address == spec.address {
        // The same address with another prefix or on another network.
        return true;
    }
    held.gone.is_some() && wanted.network.name == spec.network.name
}

/// Whether it was taken for want of another address, which has come since:
/// at boot an interface has its link-local address first.
fn is_stopgap(spec: &AdapterSpec, plan: &Plan) -> bool {
    let link_local = is_link_local(spec.address);
    let mut wanted = plan.adapters.iter().filter(|it| it.interface == spec.interface).peekable();
    link_local && wanted.peek().is_some() && wanted.all(|it| it.address != spec.address)
}

/// Whether `held` serves what `wanted` asks for.
fn stands_for(held: &Held, wanted: &AdapterSpec) -> bool {
    // A link-local address is taken for want of another; one that went away
    // (an interface set down loses its IPv6 addresses) is waited for instead.
    let stopgap = is_link_local(wanted.address) && !is_link_local(held.spec.address);
    held.spec.interface == wanted.interface
        && (stopgap
            || held.spec.address == wanted.address
            || held.spec.network.name == wanted.network.name)
}

/// Whether a gateway is in the adapter's own subnet; routers of IPv6 call
/// themselves by their link-local address.
fn is_beside(spec: &AdapterSpec, gateway: IpAddr) -> bool {
    let subnet = IpNet::new(spec.address, spec.prefix_length);
    let inside = subnet.is_ok_and(|subnet| subnet.contains(&gateway));
    let family = gateway.is_ipv4() == spec.address.is_ipv4();
    family && gateway != spec.address && (inside || is_link_local(gateway))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}
