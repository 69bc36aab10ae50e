//! What can be done to a world.

use std::time::Duration;

use hats_core::io::Input;
use hats_wire::Incarnation;

use crate::{host::Port, queue::Happening, truth::Truth, world::World};

/// What all clocks show when the world begins.
pub(crate) const START_MS: u64 = 1_000_000;

/// Which way a path is cut.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Way {
    /// Nothing gets through.
    Both,
    /// Nothing gets from the first to the second.
    There,
}

impl World {
    fn done(&mut self, what: String) {
        self.trace.fault(self, &what);
        self.truth.note(self.now, what);
    }

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

    /// Ends cut, deaf, mute and loss of the adapter.
    pub fn heal(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.done(format!("heal {node}/{network}"));
        let adapter = self.adapter_mut(port);
        (adapter.deaf, adapter.mute) = (false, false);
        (adapter.loss_in, adapter.loss_out) = (0.0, 0.0);
    }

    fn disturb(&mut self, node: &str, network: &str, deaf: bool, mute: bool, what: &str) {
        let port = self.port_named(node, network);
        self.truth.touch_adapter(port);
        self.done(format!("{what} {node}/{network}"));
        let adapter = self.adapter_mut(port);
        (adapter.deaf, adapter.mute) = (deaf, mute);
    }

    /// The adapter loses or gets back its carrier; the kernel tells its NIM.
    pub fn carrier(&mut self, node: &str, network: &str, there: bool) {
        let port = self.port_named(node, network);
        self.truth.touch_adapter(port);
        self.done(format!("carrier of {node}/{network} {}", if there { "back" } else { "lost" }));
        self.adapter_mut(port).carrier = there;
        self.kernel_tells(port);
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
        self.truth.touch_adapter(port);
        self.done(format!("address of {node}/{network} {}", if there { "back" } else { "lost" }));
        self.adapter_mut(port).has_address = there;
        self.kernel_tells(port);
    }

    fn kernel_tells(&mut self, port: Port) {
        let at = self.after(self.timing.netlink);
        if let Some(nim) = &self.adapter(port).nim {
            let run = nim.run;
            self.queue.put(at, Happening::LinkSeen { port, run });
        }
    }

    /// Of all datagrams on the network, the part `p` is lost.
    pub fn loss(&mut self, network: &str, p: f64) {
        let number = self.network_named(network);
        if Truth::is_loss_a_fault(p) {
            self.truth.touch_network(number);
        }
        self.done(format!("loss of {p} on {network}"));
        self.networks[number].loss = p;
    }

    /// Of the datagrams to and from one adapter, such parts are lost.
    pub fn adapter_loss(&mut self, node: &str, network: &str, inward: f64, outward: f64) {
        let port = self.port_named(node, network);
        if Truth::is_loss_a_fault(inward) || Truth::is_loss_a_fault(outward) {
            self.truth.touch_adapter(port);
        }
        self.done(format!("loss of {inward} to, {outward} from {node}/{network}"));
        let adapter = self.adapter_mut(port);
        (adapter.loss_in, adapter.loss_out) = (inward, outward);
    }

    /// Two well adapters do not reach each other any more.
    pub fn path(&mut self, a: &str, b: &str, network: &str, way: Way) {
        self.path_loss(a, b, network, way, 1.0);
    }

    /// Between two adapters, the part `p` is lost.
    pub fn path_loss(&mut self, a: &str, b: &str, network: &str, way: Way, p: f64) {
        let (from, to) = (self.port_named(a, network), self.port_named(b, network));
        if Truth::is_loss_a_fault(p) {
            self.truth.touch_pair(from, to);
        }
        self.done(format!("path {a} - {b} on {network} loses {p} {way:?}"));
        let number = self.network_named(network);
        let paths = &mut self.networks[number].paths;
        paths.insert((from, to), p);
        if way == Way::Both {
            paths.insert((to, from), p);
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
        self.truth.touch_network(number);
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
        self.truth.touch_network(number);
        self.done(format!("{network} {}", if dead { "dead" } else { "healed" }));
        self.networks[number].dead = dead;
    }

    /// Multicast gets nowhere on the network; unicast is well.
    pub fn multicast_dead(&mut self, network: &str, dead: bool) {
        let number = self.network_named(network);
        self.done(format!("multicast on {network} {}", if dead { "dead" } else { "healed" }));
        self.networks[number].multicast_dead = dead;
    }

    /// Power is gone: everything on the node is silent at once.
    pub fn crash(&mut self, node: &str) {
        let host = self.host_named(node);
        self.truth.touch_host(host);
        self.done(format!("crash {node}"));
        self.power_off(host);
    }

    fn power_off(&mut self, host: usize) {
        let at = &mut self.hosts[host];
        (at.up, at.asleep, at.daemon, at.daemon_run) = (false, false, None, 0);
        at.held.clear();
        for adapter in &mut at.adapters {
            (adapter.nim, adapter.group) = (None, None);
        }
    }

    /// The daemon dies; its NIMs say Goodbye and exit, the host lives on.
    pub fn kill_daemon(&mut self, node: &str) {
        let host = self.host_named(node);
        self.truth.touch_host(host);
        self.done(format!("kill the daemon of {node}"));
        self.daemon_ends(host);
    }

    /// Starts the daemon of a node that has none yet.
    pub fn start(&mut self, node: &str) {
        self.done(format!("start {node}"));
        self.start_within(node, Duration::ZERO);
    }

    pub(crate) fn start_within(&mut self, node: &str, spread: Duration) {
        let host = self.host_named(node);
        let run = self.hosts[host].next_run();
        self.hosts[host].daemon_run = run;
        let late = self.chance.between(0, spread.as_nanos() as u64);
        self.queue.put(self.now + late, Happening::DaemonStarts { host, run });
    }

    /// The node comes back as a new incarnation. A daemon that still runs is
    /// ended without a word, as by a reset of the host.
    pub fn restart(&mut self, node: &str) {
        let host = self.host_named(node);
        self.truth.touch_host(host);
        self.done(format!("restart {node}"));
        if self.hosts[host].daemon.is_some() || !self.hosts[host].up {
            self.power_off(host);
        }
        self.hosts[host].up = true;
        let Incarnation(before) = self.hosts[host].config.incarnation;
        // As hatsd does: milliseconds, and more than before.
        let clock = START_MS + self.now / 1_000_000;
        self.hosts[host].config.incarnation = Incarnation(clock.max(before + 1));
        self.start_within(node, Duration::ZERO);
    }

    /// One NIM dies without a word; the daemon starts another one.
    pub fn kill_nim(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.truth.touch_adapter(port);
        self.done(format!("kill the NIM of {node}/{network}"));
        let adapter = self.adapter_mut(port);
        adapter.nim = None;
        let pid = adapter.nim_pid;
        if let Some(daemon) = &self.hosts[port.host].daemon {
            let daemon = daemon.run;
            let seen = self.after(self.timing.nim_death);
            self.queue.put(seen, Happening::NimDeathSeen { port, daemon, pid });
            let started = self.after(self.timing.nim_restart);
            self.queue.put(started, Happening::NimStarts { port, daemon });
        }
    }

    /// The whole host is suspended: no process runs, no packet is taken.
    pub fn pause(&mut self, node: &str) {
        let host = self.host_named(node);
        self.truth.touch_host(host);
        self.done(format!("pause {node}"));
        self.hosts[host].asleep = true;
    }

    /// The host goes on; what was due meanwhile is late.
    pub fn resume(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("resume {node}"));
        self.hosts[host].asleep = false;
        for what in std::mem::take(&mut self.hosts[host].held) {
            // Alarms are set anew below: all that is overdue is one wake-up.
            if !matches!(what, Happening::NodeWakes { .. } | Happening::NimWakes { .. }) {
                self.queue.put(self.now, what);
            }
        }
        if let Some(daemon) = &mut self.hosts[host].daemon {
            daemon.wake = None;
            self.set_node_alarm(host);
        }
        for adapter in 0..self.hosts[host].adapters.len() {
            let port = Port { host, adapter };
            if let Some(nim) = &mut self.adapter_mut(port).nim {
                nim.wake = None;
                self.set_nim_alarm(port);
            }
        }
    }

    /// Stops in good order.
    pub fn leave(&mut self, node: &str) {
        let host = self.host_named(node);
        self.truth.touch_host(host);
        self.done(format!("{node} leaves"));
        self.tell_node(host, Port { host, adapter: 0 }, Input::Leave);
    }
}
