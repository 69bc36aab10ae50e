//! What can be done to the processes of a node.

use std::time::Duration;

use hats_core::time::nanos;

use crate::{host::Port, process::Process, queue::Happening, world::World};

impl World {
    /// The daemon dies; its NIMs say Goodbye and exit, the host lives on.
    pub fn kill_daemon(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("kill the daemon of {node}"));
        self.daemon_ends(host);
    }

    /// One NIM dies without a word; the daemon starts another one.
    pub fn kill_nim(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.done(format!("kill the NIM of {node}/{network}"));
        self.nim_dies(port, "killed by signal 9");
    }

    pub(crate) fn nim_dies(&mut self, port: Port, how: &str) {
        let adapter = self.adapter_mut(port);
        if adapter.nim.take().is_none() {
            return;
        }
        self.truth.changed(port.host);
        let adapter = self.adapter_mut(port);
        let pid = adapter.nim_pid;
        if let Some(daemon) = &self.hosts[port.host].daemon {
            let daemon = daemon.run;
            let at = self.after(self.timing.nim_death);
            let seen = Happening::NimDeathSeen { port, daemon, pid, how: how.to_owned() };
            self.queue.put(at, seen);
        }
    }

    /// The daemon alone is stopped: its NIMs beat until its lease runs out. One that
    /// starts before it is to go on hangs from the start.
    pub fn hang_daemon(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("stop the daemon of {node}"));
        self.hosts[host].hangs = true;
        self.stop(Process::Daemon(host), true);
    }

    /// The daemon goes on; it finds what its NIMs have said meanwhile.
    pub fn resume_daemon(&mut self, node: &str) {
        let host = self.host_named(node);
        self.done(format!("the daemon of {node} goes on"));
        self.hosts[host].hangs = false;
        self.stop(Process::Daemon(host), false);
    }

    /// One NIM is stopped: it neither beats nor answers, and its sockets fill.
    pub fn hang_nim(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.done(format!("stop the NIM of {node}/{network}"));
        self.stop(Process::Nim(port), true);
    }

    /// The NIM goes on; it finds what its sockets could hold.
    pub fn resume_nim(&mut self, node: &str, network: &str) {
        let port = self.port_named(node, network);
        self.done(format!("the NIM of {node}/{network} goes on"));
        self.stop(Process::Nim(port), false);
    }

    fn stop(&mut self, process: Process, stopped: bool) {
        let Some(gate) = self.gate_mut(process) else { return };
        gate.stopped = stopped;
        let host = match process {
            Process::Daemon(host) | Process::Nim(Port { host, .. }) => host,
        };
        // On a host that is suspended it goes on with the others.
        if !stopped && !self.hosts[host].asleep {
            self.schedule(process);
        }
    }

    /// Whenever the daemon is to run, it gets the CPU at most so much late, at
    /// random; [`Duration::ZERO`] ends it. Nobody may be blamed for a lateness
    /// that the detection time allows.
    pub fn starve_daemon(&mut self, node: &str, most: Duration) {
        let host = self.host_named(node);
        self.done(format!("the daemon of {node} runs up to {most:?} late"));
        self.starve(Process::Daemon(host), most);
    }

    /// The same for one NIM.
    pub fn starve_nim(&mut self, node: &str, network: &str, most: Duration) {
        let port = self.port_named(node, network);
        self.done(format!("the NIM of {node}/{network} runs up to {most:?} late"));
        self.starve(Process::Nim(port), most);
    }

    /// The same for all of hats on the node. Its kernel is not late.
    pub fn starve_host(&mut self, node: &str, most: Duration) {
        let host = self.host_named(node);
        self.done(format!("daemon and NIMs of {node} run up to {most:?} late"));
        self.starve(Process::Daemon(host), most);
        for adapter in 0..self.hosts[host].adapters.len() {
            self.starve(Process::Nim(Port { host, adapter }), most);
        }
    }

    fn starve(&mut self, process: Process, most: Duration) {
        let most = nanos(most);
        match process {
            Process::Daemon(host) => self.hosts[host].starved = most,
            Process::Nim(port) => self.adapter_mut(port).starved = most,
        }
        let Some(gate) = self.gate_mut(process) else { return };
        gate.most = most;
        // Without anything that keeps it, it needs no gate.
        self.schedule(process);
    }
}
