//! What can be done to an adapter.

use std::{net::IpAddr, time::Duration};

use crate::{host::Port, net::Conditions, queue::Happening, truth::Truth, world::World};

/// For so long after a change of any link the kernel holds others back, ...
const HELD_BACK: Duration = Duration::from_millis(1_200);
/// ... and the NIM asks for the carrier this often.
const ASKED_EVERY: Duration = Duration::from_millis(5);

impl World {
    /// The adapter neither sends nor receives; its carrier stays.
    pub fn cut(&mut self, node: &str, network: &str) {
        self.disturb(node, network, true, true, "cut");
    }

    /// The adapter receives nothing and still sends.
    pub fn deaf(&mut self, node: &str, network: &str) {
        self.disturb(node, network, true, false, "deaf");
    }

    /// The adapter sends nothing that arrives and still receives.
    pub fn mute(&mut self, node: &str, network: &str) {
        self.disturb(node, network, false, true, "mute");
    }

    /// Ends cut, deaf, mute and all bad conditions of the adapter.
    pub fn heal(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.done(format!("heal {node}/{network}"));
        let adapter = self.adapter_mut(port);
        (adapter.deaf, adapter.mute) = (false, false);
        (adapter.inward, adapter.outward) = (None, None);
    }

    fn disturb(&mut self, node: &str, network: &str, deaf: bool, mute: bool, what: &str) {
        let port = self.port_named(node, network);
        self.done(format!("{what} {node}/{network}"));
        let adapter = self.adapter_mut(port);
        (adapter.deaf, adapter.mute) = (deaf, mute);
    }

    /// The adapter loses or gets back its carrier; the kernel tells its NIM.
    pub fn carrier(&mut self, node: &str, network: &str, there: bool) {
        let port = self.port_named(node, network);
        self.adapter_mut(port).cable_turns += 1;
        let turn = self.adapter(port).cable_turns;
        self.carrier_turns(port, turn, there);
    }

    /// The cable is pulled or put back, unless something else was done to it
    /// since that was planned.
    pub(crate) fn carrier_turns(&mut self, port: Port, turn: u64, there: bool) {
        if self.adapter(port).cable_turns != turn {
            return;
        }
        let name = self.port_name(port);
        self.done(format!("carrier of {name} {}", if there { "back" } else { "lost" }));
        self.adapter_mut(port).carrier = there;
        self.kernel_tells(port);
    }

    /// The carrier is lost for `down`, `times` in a row, with `up` in between.
    pub fn flap(&mut self, node: &str, network: &str, times: u32, down: Duration, up: Duration) {
        let port = self.port_named(node, network);
        self.done(format!("{node}/{network} flaps {times} times: {down:?} down, {up:?} up"));
        self.adapter_mut(port).cable_turns += 1;
        let turn = self.adapter(port).cable_turns;
        let mut at = Duration::ZERO;
        for _ in 0..times {
            for (there, lasts) in [(false, down), (true, up)] {
                self.queue.put(self.after(at), Happening::CarrierTurns { port, turn, there });
                at += lasts;
            }
        }
    }

    /// The adapter's address is taken away; the kernel tells its NIM.
    pub fn address_lost(&mut self, node: &str, network: &str) {
        self.address(node, network, false);
    }

    /// The adapter's address is put back.
    pub fn address_back(&mut self, node: &str, network: &str) {
        self.address(node, network, true);
    }

    fn address(&mut self, node: &str, network: &str, there: bool) {
        let port = self.port_named(node, network);
        self.done(format!("address of {node}/{network} {}", if there { "back" } else { "lost" }));
        self.adapter_mut(port).has_address = there;
        self.kernel_tells(port);
    }

    /// The interface gets another address instead of the one it has; hatsd
    /// serves that one from then on.
    pub fn address_change(&mut self, node: &str, network: &str, address: &str) {
        let old = self.port_named(node, network);
        let address: IpAddr = address
            .parse()
            .unwrap_or_else(|_| panic!("address of {node} is {address:?}: expected an IP address"));
        let number = self.adapter(old).network;
        let new = Port { host: old.host, adapter: self.hosts[old.host].adapters.len() };
        let was = self.adapter(old).address;
        self.done(format!("address of {node}/{network} changes from {was} to {address}"));
        let renumbered = self.adapter(old).renumbered(address);
        let adapter = self.adapter_mut(old);
        // Its daemon is still in its group, until it hears of that.
        (adapter.has_address, adapter.replaced) = (false, true);
        self.hosts[old.host].adapters.push(renumbered);
        self.networks[number].take_away(was);
        let owner = self.networks[number].give(address, new);
        assert!(owner.is_none(), "address {address} is somebody else's: expected a free one");
        self.kernel_tells(old);
        if let Some(daemon) = &self.hosts[old.host].daemon {
            let seen = Happening::AddressesSeen {
                host: old.host,
                daemon: daemon.run,
                old: old.adapter,
                new: new.adapter,
            };
            let at = self.after(self.timing.netlink + self.timing.hop);
            self.queue.put(at, seen);
        }
    }

    /// An address that nobody has on the network of the adapter: its own, but
    /// for the first bit of its last byte, or near that.
    pub fn free_address(&self, node: &str, network: &str) -> String {
        let adapter = self.adapter(self.port_named(node, network));
        let owners = &self.networks[adapter.network].owners;
        let with_last = |last: u8| match adapter.address {
            IpAddr::V4(v4) => {
                let [a, b, c, _] = v4.octets();
                IpAddr::from([a, b, c, last])
            }
            IpAddr::V6(v6) => {
                let mut octets = v6.octets();
                octets[15] = last;
                IpAddr::from(octets)
            }
        };
        let own = match adapter.address {
            IpAddr::V4(v4) => v4.octets()[3],
            IpAddr::V6(v6) => v6.octets()[15],
        };
        let candidates = (0..=u8::MAX).map(|more| (own ^ 0x80).wrapping_add(more));
        let mut usable = candidates.filter(|last| !matches!(*last, 0 | u8::MAX)).map(with_last);
        let free = usable.find(|address| !owners.contains_key(address));
        free.expect("fewer than 254 nodes share a last byte").to_string()
    }

    /// The address of the adapter now.
    pub fn address_of(&self, node: &str, network: &str) -> IpAddr {
        self.adapter(self.port_named(node, network)).address
    }

    pub(super) fn kernel_tells(&mut self, port: Port) {
        let last = self.hosts[port.host].link_changed.replace(self.now);
        let soon = last.is_some_and(|last| {
            Duration::from_nanos(self.now - last) < HELD_BACK && last < self.now
        });
        let netlink = self.timing.netlink;
        let after = if soon { self.between(netlink, ASKED_EVERY.max(netlink)) } else { netlink };
        if let Some(nim) = &self.adapter(port).nim {
            let run = nim.run;
            self.queue.put(self.after(after), Happening::LinkSeen { port, run });
        }
    }

    /// Of the datagrams to and from one adapter, such parts are lost.
    pub fn adapter_loss(&mut self, node: &str, network: &str, inward: f64, outward: f64) {
        let lossy = |loss| Conditions { loss, ..Conditions::default() };
        self.adapter_conditions(node, network, lossy(inward), lossy(outward));
    }

    /// What becomes of datagrams to and from one adapter.
    pub fn adapter_conditions(
        &mut self,
        node: &str,
        network: &str,
        inward: Conditions,
        outward: Conditions,
    ) {
        let port = self.port_named(node, network);
        self.done(format!("{inward} to, {outward} from {node}/{network}"));
        let adapter = self.adapter_mut(port);
        let unless_well = |it: Conditions| (!it.are_well()).then(|| Box::new(it));
        (adapter.inward, adapter.outward) = (unless_well(inward), unless_well(outward));
    }

    /// What becomes of datagrams to one adapter.
    pub fn conditions_to(&mut self, node: &str, network: &str, conditions: Conditions) {
        let outward = self.adapter(self.port_named(node, network)).outward.as_deref().copied();
        self.adapter_conditions(node, network, conditions, outward.unwrap_or_default());
    }

    /// What becomes of datagrams from one adapter.
    pub fn conditions_from(&mut self, node: &str, network: &str, conditions: Conditions) {
        let inward = self.adapter(self.port_named(node, network)).inward.as_deref().copied();
        self.adapter_conditions(node, network, inward.unwrap_or_default(), conditions);
    }

    /// Whether somebody may be blamed for such conditions.
    pub(crate) fn are_a_fault(&self, conditions: &Conditions) -> bool {
        let Conditions { loss, delay, reordering, held_back, mtu, .. } = conditions;
        let late = delay.1 + if *reordering > 0.0 { *held_back } else { Duration::ZERO };
        Truth::is_loss_a_fault(*loss)
            || (!late.is_zero() && self.is_long(late))
            || mtu.is_some_and(|mtu| mtu < super::MTU_MIN)
    }
}
