//! What goes out on a local adapter: to one, to the network, round failed paths.

use alloc::vec::Vec;
use core::net::IpAddr;

use hats_wire::{
    Cause, Message, Pair,
    link::{Command, Mode},
};

use super::Node;
use crate::io::AdapterIndex;

impl Node {
    /// Sends on a local adapter, to one address or to the network.
    pub(super) fn send(&mut self, index: AdapterIndex, to: Option<IpAddr>, message: &Message) {
        let copies = if to.is_none() { self.copies(index) } else { Vec::new() };
        let Some(local) = self.locals.get(&index) else { return };
        if local.fault.is_some_and(|fault| fault != Cause::TargetsUnreachable) {
            return;
        }
        let me = local.me.address;
        let mode = local.spec.network.mode;
        let view = local.group.view();
        let detour = to.and_then(|to| local.detours.way(self.now, to, self.detours_last()));
        let mut direct = Vec::new();
        let mut around = Vec::new();
        match (to, view) {
            // Of two, with nobody to go by, one still tries: the path may be well again.
            (Some(to), Some(_))
                if local.group.is_failed(Pair::new(me, to))
                    && self.relay_to(index, to).is_some() =>
            {
                around.push(to);
            }
            (Some(to), _) => direct.push(Some(to)),
            (None, Some(_)) => {
                around.extend(local.group.cut_off());
                if mode != Mode::Unicast {
                    direct.push(None);
                }
                let each = copies.into_iter().filter(|to| *to != me && !around.contains(to));
                direct.extend(each.map(Some));
            }
            (None, None) => {}
        }
        let mut relays: Vec<(IpAddr, IpAddr)> =
            around.iter().filter_map(|to| Some((self.relay_to(index, *to)?, *to))).collect();
        if relays.is_empty() {
            relays.extend(detour.zip(to));
        }
        let datagrams = hats_wire::split(&self.header, message);
        for datagram in datagrams {
            for to in &direct {
                self.nim(index, Command::Send { to: *to, datagram: datagram.clone() });
            }
            for (relay, to) in &relays {
                self.relay(index, me, *relay, *to, &datagram);
            }
        }
    }
}
