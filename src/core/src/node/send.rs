//! What goes out on a local adapter: to one, to the network, round failed paths.

use alloc::{collections::VecDeque, vec::Vec};
use core::net::IpAddr;

use hats_wire::{
    Cause, Message, Pair,
    link::{Command, Mode},
};

use super::Node;
use crate::{io::AdapterIndex, sizes::Size};

/// Messages of more bytes are long: what every IPv4 host takes, less the headers.
const SHORT: usize = 512;
/// Messages of more datagrams are sent again as they were.
const PARTS_MAX: usize = 16;
/// Long messages remembered for each adapter.
const LONG_MAX: usize = 16;

/// What was sent that was long, as digests.
///
/// What is sent again was not answered or not heard: perhaps because only short
/// datagrams get there, which is found out much later.
#[derive(Debug, Default)]
pub(super) struct LongSent(VecDeque<u64>);

impl LongSent {
    /// Whether the same was sent lately.
    fn again(&mut self, digest: u64) -> bool {
        if self.0.contains(&digest) {
            return true;
        }
        if self.0.len() == LONG_MAX {
            self.0.pop_front();
        }
        self.0.push_back(digest);
        false
    }

    pub(super) fn size(&self) -> Size {
        Size::new("long messages sent", self.0.len(), LONG_MAX)
    }
}

impl Node {
    /// A message as datagrams: short ones where long ones are known to get lost,
    /// or if it is said again.
    fn in_datagrams(&mut self, index: AdapterIndex, message: &Message) -> Vec<Vec<u8>> {
        let longest = self.datagram_max(index);
        let datagrams = hats_wire::split_within(&self.header, message, longest);
        let is_short = datagrams.iter().all(|it| it.len() <= SHORT);
        let Some(local) = self.locals.get_mut(&index) else { return datagrams };
        if is_short || datagrams.len() > PARTS_MAX || !local.long_sent.again(digest(&datagrams)) {
            return datagrams;
        }
        hats_wire::split_within(&self.header, message, SHORT)
    }

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
        let datagrams = self.in_datagrams(index, message);
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

/// FNV-1a, 64 bits.
fn digest(datagrams: &[Vec<u8>]) -> u64 {
    datagrams.iter().flatten().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_known_and_the_oldest_forgotten() {
        let mut sent = LongSent::default();
        assert!(!sent.again(0));
        assert!(sent.again(0));
        for other in 1..=LONG_MAX as u64 {
            assert!(!sent.again(other));
        }
        assert!(!sent.again(0));
        assert_eq!(sent.0.len(), LONG_MAX);
    }
}
