//! The switch between the nodes' adapters: which frame goes where, and when.
//!
//! Pure: the thread that reads and writes the tap devices is in `wiring`. One
//! switch serves all networks of a lab; nothing passes from one to another, unless
//! they are joined.

use std::{collections::HashMap, time::Duration};

use crate::{
    faults::{Dice, Faults, Passage},
    plan::Port,
};

/// Shortest frame that has both addresses and a type.
const HEADER_LEN: usize = 14;

/// Addresses remembered for each network; more are flooded.
const ADDRESSES_MAX: usize = 4096;

/// One copy of a frame on its way out of the switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// Where it goes.
    pub to: Port,
    /// How long it is held.
    pub delay: Duration,
}

/// What has passed a port, seen from the node.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counters {
    /// Frames the node sent.
    pub sent: u64,
    /// Frames handed to the node.
    pub received: u64,
    /// Frames that a fault swallowed at this port.
    pub lost: u64,
}

/// The state of the switch.
#[derive(Debug)]
pub struct Switch {
    nodes: usize,
    networks: usize,
    learnt: Vec<HashMap<[u8; 6], Port>>,
    counters: Vec<Counters>,
    dice: Dice,
    /// Networks with a cable between them.
    joined: Vec<[usize; 2]>,
    /// The faults in force.
    pub faults: Faults,
}

impl Switch {
    /// A switch without faults.
    pub fn new(nodes: usize, networks: usize, seed: u64) -> Switch {
        Switch {
            nodes,
            networks,
            learnt: vec![HashMap::new(); networks],
            counters: vec![Counters::default(); nodes * networks],
            dice: Dice::new(seed),
            joined: Vec::new(),
            faults: Faults::default(),
        }
    }

    /// Lays a cable between the switches of two networks.
    pub fn join(&mut self, one: usize, other: usize) {
        self.joined.push([one, other]);
    }

    /// Takes away all cables between networks.
    pub fn part(&mut self) {
        self.joined.clear();
        // What was learnt behind them is not there any more.
        for (network, table) in self.learnt.iter_mut().enumerate() {
            table.retain(|_, port| port.network == network);
        }
    }

    /// What has passed a port.
    pub fn counters(&self, port: Port) -> Counters {
        self.counters[port.index(self.networks)]
    }

    /// Takes a frame that a node sent and adds its deliveries to `out`.
    pub fn forward(&mut self, from: Port, frame: &[u8], out: &mut Vec<Delivery>) {
        let index = from.index(self.networks);
        self.counters[index].sent += 1;
        if frame.len() < HEADER_LEN {
            return;
        }
        let Some(left) = self.faults.leave(from, frame, &mut self.dice) else {
            self.counters[index].lost += 1;
            return;
        };
        let (to, source) = addresses(frame);
        let wire = self.wire(from.network);
        for network in &wire {
            let table = &mut self.learnt[*network];
            if source[0] & 1 == 0 && (table.len() < ADDRESSES_MAX || table.contains_key(&source)) {
                table.insert(source, from);
            }
        }
        match self.learnt[from.network].get(&to).copied() {
            Some(port) if port == from => {}
            Some(port) => self.deliver(from, port, frame, left, out),
            None => {
                for network in wire {
                    let all = (0..self.nodes).map(|node| Port { node, network });
                    for port in all.filter(|port| *port != from) {
                        self.deliver(from, port, frame, left, out);
                    }
                }
            }
        }
    }

    /// The networks that share a wire with this one, itself included.
    fn wire(&self, network: usize) -> Vec<usize> {
        let mut wire = vec![network];
        let mut at = 0;
        while let Some(here) = wire.get(at).copied() {
            for pair in self.joined.iter().filter(|pair| pair.contains(&here)) {
                wire.extend(
                    pair.iter().filter(|it| !wire.contains(it)).copied().collect::<Vec<_>>(),
                );
            }
            at += 1;
        }
        wire
    }

    fn deliver(
        &mut self,
        from: Port,
        to: Port,
        frame: &[u8],
        left: Passage,
        out: &mut Vec<Delivery>,
    ) {
        let index = to.index(self.networks);
        let Some(arrived) = self.faults.arrive(from, to, frame, &mut self.dice) else {
            self.counters[index].lost += 1;
            return;
        };
        let copies = if left.twice || arrived.twice { 2 } else { 1 };
        for _ in 0..copies {
            self.counters[index].received += 1;
            out.push(Delivery { to, delay: left.delay + arrived.delay });
        }
    }
}

fn addresses(frame: &[u8]) -> ([u8; 6], [u8; 6]) {
    let mut to = [0; 6];
    let mut source = [0; 6];
    to.copy_from_slice(&frame[..6]);
    source.copy_from_slice(&frame[6..12]);
    (to, source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{faults::Fault, plan::Plan};

    const NOBODY: [usize; 0] = [];

    fn at(node: usize) -> Port {
        Port { node, network: 0 }
    }

    fn frame(to: [u8; 6], from: Port) -> Vec<u8> {
        let mut frame = vec![0; 60];
        frame[..6].copy_from_slice(&to);
        frame[6..12].copy_from_slice(&Plan::mac(from));
        frame
    }

    fn forward(switch: &mut Switch, from: Port, frame: &[u8]) -> Vec<usize> {
        let mut out = Vec::new();
        switch.forward(from, frame, &mut out);
        out.iter().map(|d| d.to.node).collect()
    }

    fn broadcast(switch: &mut Switch, from: usize) -> Vec<usize> {
        forward(switch, at(from), &frame([0xff; 6], at(from)))
    }

    fn unicast(switch: &mut Switch, from: usize, to: usize) -> Vec<usize> {
        forward(switch, at(from), &frame(Plan::mac(at(to)), at(from)))
    }

    /// Three nodes that know each other's place.
    fn learnt() -> Switch {
        let mut switch = Switch::new(3, 2, 1);
        for node in 0..3 {
            broadcast(&mut switch, node);
        }
        switch
    }

    #[test]
    fn an_unknown_address_is_flooded_until_it_has_spoken() {
        let mut switch = Switch::new(3, 2, 1);
        assert_eq!(unicast(&mut switch, 0, 2), [1, 2]);
        broadcast(&mut switch, 2);
        assert_eq!(unicast(&mut switch, 0, 2), [2]);
    }

    #[test]
    fn an_address_that_moved_is_found_at_its_new_port() {
        let mut switch = learnt();
        let moved = frame([0xff; 6], at(0));
        forward(&mut switch, at(1), &moved);
        assert_eq!(unicast(&mut switch, 2, 0), [1]);
    }

    #[test]
    fn nothing_passes_from_one_network_to_another() {
        let mut switch = learnt();
        let other = Port { node: 0, network: 1 };
        let mut out = Vec::new();
        switch.forward(other, &frame([0xff; 6], other), &mut out);
        assert!(out.iter().all(|d| d.to.network == 1));
        assert_eq!(out.len(), 2);
    }

    #[test]
    fn a_frame_for_its_own_port_is_not_sent_back() {
        let mut switch = learnt();
        assert_eq!(unicast(&mut switch, 0, 0), NOBODY);
    }

    #[test]
    fn a_cut_adapter_neither_sends_nor_receives() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::Cut);
        assert_eq!(broadcast(&mut switch, 0), NOBODY);
        assert_eq!(broadcast(&mut switch, 1), [2]);
        assert_eq!(unicast(&mut switch, 1, 0), NOBODY);
    }

    #[test]
    fn a_deaf_adapter_sends_and_a_mute_one_receives() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::Deaf);
        switch.faults.set(at(1), Fault::Mute);
        assert_eq!(broadcast(&mut switch, 0), [1, 2]);
        assert_eq!(broadcast(&mut switch, 1), NOBODY);
        assert_eq!(broadcast(&mut switch, 2), [1]);
    }

    #[test]
    fn a_pulled_cable_stops_both_directions() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::Carrier);
        assert_eq!(broadcast(&mut switch, 0), NOBODY);
        assert_eq!(broadcast(&mut switch, 1), [2]);
    }

    #[test]
    fn a_cut_pair_still_reaches_everyone_else() {
        let mut switch = learnt();
        switch.faults.set_pair(at(0), at(1), Fault::Cut).unwrap();
        assert_eq!(broadcast(&mut switch, 0), [2]);
        assert_eq!(broadcast(&mut switch, 1), [0, 2], "one way only");
    }

    #[test]
    fn multicast_can_be_lost_alone() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::NoMulticast);
        let multicast = frame([0x01, 0x00, 0x5e, 1, 2, 3], at(0));
        assert_eq!(forward(&mut switch, at(0), &multicast), NOBODY);
        let ours = frame([0x33, 0x33, 0x48, 0x41, 1, 2], at(0));
        assert_eq!(forward(&mut switch, at(0), &ours), NOBODY);
        let solicitation = frame([0x33, 0x33, 0xff, 1, 2, 3], at(0));
        assert_eq!(forward(&mut switch, at(0), &solicitation), [1, 2]);
        assert_eq!(broadcast(&mut switch, 0), [1, 2]);
        assert_eq!(unicast(&mut switch, 0, 1), [1]);
    }

    #[test]
    fn only_frames_over_the_limit_are_lost() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::MaxFrame(60));
        let mut long = frame(Plan::mac(at(1)), at(0));
        assert_eq!(forward(&mut switch, at(0), &long), [1]);
        long.push(0);
        assert_eq!(forward(&mut switch, at(0), &long), NOBODY);
    }

    #[test]
    fn delays_of_both_ports_add_up() {
        let mut switch = learnt();
        switch.faults.set(at(0), "delay=10ms".parse().unwrap());
        switch.faults.set(at(1), "delay=5ms".parse().unwrap());
        let mut out = Vec::new();
        switch.forward(at(0), &frame(Plan::mac(at(1)), at(0)), &mut out);
        assert_eq!(out, [Delivery { to: at(1), delay: Duration::from_millis(15) }]);
    }

    #[test]
    fn joined_networks_are_one_until_they_are_parted() {
        let mut switch = Switch::new(2, 2, 1);
        let everybody = frame([0xff; 6], at(0));
        let reached = |switch: &mut Switch, frame: &[u8]| {
            let mut out = Vec::new();
            switch.forward(at(0), frame, &mut out);
            let mut ports: Vec<(usize, usize)> =
                out.iter().map(|it| (it.to.network, it.to.node)).collect();
            ports.sort_unstable();
            ports
        };
        assert_eq!(reached(&mut switch, &everybody), [(0, 1)]);
        switch.join(0, 1);
        assert_eq!(reached(&mut switch, &everybody), [(0, 1), (1, 0), (1, 1)]);
        let other = Port { node: 1, network: 1 };
        switch.forward(other, &frame([0xff; 6], other), &mut Vec::new());
        let to_other = frame(Plan::mac(other), at(0));
        assert_eq!(reached(&mut switch, &to_other), [(1, 1)]);
        switch.part();
        assert_eq!(reached(&mut switch, &to_other), [(0, 1)]);
    }

    #[test]
    fn a_duplicated_frame_arrives_twice() {
        let mut switch = learnt();
        switch.faults.set(at(0), "duplicate=100%".parse().unwrap());
        assert_eq!(unicast(&mut switch, 0, 1), [1, 1]);
    }

    #[test]
    fn counters_are_seen_from_the_node() {
        let mut switch = learnt();
        switch.faults.set(at(0), Fault::Deaf);
        unicast(&mut switch, 1, 0);
        let counters = switch.counters(at(0));
        assert_eq!((counters.sent, counters.received, counters.lost), (1, 2, 1));
    }

    #[test]
    fn a_frame_without_a_whole_header_goes_nowhere() {
        let mut switch = learnt();
        assert_eq!(forward(&mut switch, at(0), &[0xff; 13]), NOBODY);
    }
}
