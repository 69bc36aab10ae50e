//! What can be done to networks and to the paths on them.

use crate::{faults::Way, host::Port, net::Conditions, world::World};

impl World {
    /// Of all datagrams on the network, the part `p` is lost.
    pub fn loss(&mut self, network: &str, p: f64) {
        self.conditions(network, Conditions { loss: p, ..Conditions::default() });
    }

    /// What becomes of all datagrams on the network.
    pub fn conditions(&mut self, network: &str, conditions: Conditions) {
        let number = self.network_named(network);
        self.done(format!("{conditions} on {network}"));
        self.networks[number].conditions = conditions;
    }

    /// Two well adapters do not reach each other any more.
    pub fn path(&mut self, a: &str, b: &str, network: &str, way: Way) {
        self.path_loss(a, b, network, way, 1.0);
    }

    /// Between two adapters, the part `p` is lost.
    pub fn path_loss(&mut self, a: &str, b: &str, network: &str, way: Way, p: f64) {
        let lossy = Conditions { loss: p, ..Conditions::default() };
        self.path_conditions(a, b, network, way, lossy);
    }

    /// What becomes of datagrams between two adapters.
    pub fn path_conditions(
        &mut self,
        a: &str,
        b: &str,
        network: &str,
        way: Way,
        conditions: Conditions,
    ) {
        let (from, to) = (self.port_named(a, network), self.port_named(b, network));
        self.done(format!("path {a} - {b} on {network}: {conditions} {way:?}"));
        let number = self.network_named(network);
        let paths = &mut self.networks[number].paths;
        paths.insert((from, to), conditions);
        if way == Way::Both {
            paths.insert((to, from), conditions);
        }
    }

    /// Two adapters reach each other again.
    pub fn heal_path(&mut self, a: &str, b: &str, network: &str) {
        let (from, to) = (self.port_named(a, network), self.port_named(b, network));
        self.done(format!("path {a} - {b} on {network} healed"));
        let number = self.network_named(network);
        self.networks[number].paths.remove(&(from, to));
        self.networks[number].paths.remove(&(to, from));
    }

    /// The network falls into `sides`; nodes not named stay with the first.
    pub fn partition(&mut self, network: &str, sides: &[&[&str]]) {
        let number = self.network_named(network);
        self.done(format!("partition of {network}: {sides:?}"));
        self.set_sides(number, |_| 0);
        for (side, nodes) in sides.iter().enumerate() {
            for node in *nodes {
                let port = self.port_named(node, network);
                self.adapter_mut(port).side = side;
            }
        }
    }

    /// The parts of the network find each other again.
    pub fn heal_partition(&mut self, network: &str) {
        let number = self.network_named(network);
        self.done(format!("partition of {network} healed"));
        self.set_sides(number, |_| 0);
    }

    fn set_sides(&mut self, network: usize, side: impl Fn(usize) -> usize) {
        for (at, host) in self.hosts.iter_mut().enumerate() {
            for adapter in host.adapters.iter_mut().filter(|adapter| adapter.network == network) {
                adapter.side = side(at);
            }
        }
    }

    /// Nothing gets anywhere on the network, with all carriers up.
    pub fn network_dead(&mut self, network: &str, dead: bool) {
        let number = self.network_named(network);
        self.done(format!("{network} {}", if dead { "dead" } else { "healed" }));
        self.networks[number].dead = dead;
    }

    /// The switch loses its power, or gets it back: all carriers with it.
    pub fn switch_off(&mut self, network: &str, off: bool) {
        let number = self.network_named(network);
        self.done(format!("switch of {network} {}", if off { "off" } else { "on" }));
        let ports: Vec<Port> = self.networks[number].owners.values().copied().collect();
        for port in ports {
            self.adapter_mut(port).carrier = !off;
            self.kernel_tells(port);
        }
    }

    /// A cable joins the switches of two networks, or is taken away.
    pub fn cross(&mut self, one: &str, other: &str, joined: bool) {
        self.done(format!("{one} and {other} {}", if joined { "joined" } else { "apart" }));
        let (one, other) = (self.network_named(one), self.network_named(other));
        for (here, there) in [(one, other), (other, one)] {
            if joined {
                self.networks[here].joined.insert(there);
            } else {
                self.networks[here].joined.remove(&there);
            }
        }
    }

    /// Multicast gets nowhere on the network; unicast is well.
    pub fn multicast_dead(&mut self, network: &str, dead: bool) {
        let number = self.network_named(network);
        self.done(format!("multicast on {network} {}", if dead { "dead" } else { "healed" }));
        self.networks[number].multicast_dead = dead;
    }
}
