//! Adapters that come and go: what the kernel says of this node's own, and how
//! long they are held.

use core::net::IpAddr;

use hats_wire::{
    Cause, Held, floods,
    link::{Command, Link},
    split,
};

use super::{Local, Node};
use crate::{damping::Damper, io::AdapterIndex, targets::Standing, time::Timestamp};

impl Node {
    /// The kernel says what a link is like.
    pub(super) fn link(&mut self, now: Timestamp, index: AdapterIndex, link: Link) {
        let fault = fault_of(&link);
        let Some(local) = self.locals.get_mut(&index) else { return };
        let was_well = local.link.as_ref().is_some_and(|link| fault_of(link).is_none());
        let was_taken = local.link.as_ref().is_some_and(|link| link.address_duplicate);
        let taken = link.address_duplicate;
        let told = local.link.as_ref().map_or(&[][..], |link| &link.mac);
        let new_mac = told != link.mac;
        local.link = Some(link);
        local.targets.usable(now, fault.is_none());
        // A NIM has a back-off of its own.
        let lost = matches!(fault, Some(Cause::LinkDown | Cause::AddressLost | Cause::Removed));
        self.stands_otherwise(now, index, was_well && lost);
        if taken != was_taken {
            self.say_taken(index, taken);
        }
        if new_mac {
            self.report_self(now);
        }
    }

    /// What is known of an adapter has changed, and it may have been lost by that.
    /// One that was lost too often lately is not taken for well again before it
    /// has been quiet.
    pub(super) fn stands_otherwise(&mut self, now: Timestamp, index: AdapterIndex, lost: bool) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        let begins = lost && local.damper.lost(now);
        // Nothing is known yet of one that waits for its targets.
        let Some(fault) = fault_now(local) else { return };
        if local.damper.held_until().is_some() && fault.is_none() {
            return;
        }
        let told = local.fault == fault;
        self.set_fault(now, index, fault);
        if begins {
            if told {
                self.report_self(now);
            }
            self.say_held(now, index);
        }
    }

    /// Tells one that probes an adapter that is held, though its link carries. Its
    /// NIM answers: who does not hear of it by another network would keep it as a
    /// member, and its leader.
    pub(super) fn say_it_is_held(&mut self, index: AdapterIndex, to: IpAddr) {
        let Some(local) = self.locals.get(&index) else { return };
        let carries = local.link.as_ref().is_some_and(|link| fault_of(link).is_none());
        if local.damper.held_until().is_none() || !carries {
            return;
        }
        let own = self.database.own_node(self.config.node_id);
        for message in floods(own) {
            for datagram in split(&self.header, &message) {
                self.nim(index, Command::Send { to: Some(to), datagram });
            }
        }
    }

    /// Releases an adapter that has been quiet for long enough.
    pub(super) fn check_damping(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get_mut(&index) else { return };
        if !local.damper.wake(now) {
            return;
        }
        let fault = fault_now(local).unwrap_or(local.fault);
        let told = local.fault == fault;
        self.say_held(now, index);
        self.set_fault(now, index, fault);
        if told {
            self.report_self(now);
        }
        self.refresh_nodes(now);
    }

    /// An adapter that is not served any more is not held any more either: who
    /// was told that it is must hear so.
    pub(super) fn end_hold(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get(&index) else { return };
        if local.damper.held_until().is_none() {
            return;
        }
        let held = Held { for_ms: None, losses: local.damper.losses() };
        let (network, address) = (local.spec.network.name.clone(), local.me.address);
        let event = self.topology.adapter_held(now, &network, address, Some(held));
        self.publish_as(event, true);
    }

    fn say_held(&mut self, now: Timestamp, index: AdapterIndex) {
        let Some(local) = self.locals.get(&index) else { return };
        let held = held_of(now, &local.damper);
        let (network, me) = (local.spec.network.name.clone(), local.me.clone());
        let event = self.topology.adapter_held(now, &network, me.address, held);
        self.publish_as(event, true);
    }
}

/// What others are told of it.
pub(super) fn held_of(now: Timestamp, damper: &Damper) -> Option<Held> {
    let losses = damper.losses();
    let span = damper.held_until().map(|until| until.since(now).as_millis());
    let for_ms = span.map(|span| u64::try_from(span).unwrap_or(u64::MAX));
    (losses > 0).then_some(Held { for_ms, losses })
}

/// What is wrong with an adapter, if that is known.
fn fault_now(local: &Local) -> Option<Option<Cause>> {
    let fault = local.link.as_ref().map_or(local.fault, fault_of);
    match (fault, local.targets.standing()) {
        (Some(_), _) | (None, Standing::Well) => Some(fault),
        (None, Standing::Waiting) => None,
        (None, Standing::Silent) => Some(Some(Cause::TargetsUnreachable)),
    }
}

fn fault_of(link: &Link) -> Option<Cause> {
    if !link.present {
        Some(Cause::Removed)
    } else if !link.admin_up || !link.carrier {
        Some(Cause::LinkDown)
    } else if !link.address {
        Some(Cause::AddressLost)
    } else if !link.open {
        Some(Cause::NimFailed)
    } else {
        None
    }
}
