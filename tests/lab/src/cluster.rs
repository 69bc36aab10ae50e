//! The running lab: nodes, their daemons, and what can be done to them.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    net::IpAddr,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::{signal::Signal, wait::WaitStatus},
    time::{ClockId, clock_gettime},
};

use crate::{
    binaries::Binaries,
    cables::Cables,
    config,
    control::{EnterReply, NodeStatus, PortStatus, Status},
    faults::Fault,
    files::NodeFiles,
    interface,
    netns::Namespaces,
    ping::{End, Pair},
    plan::{Plan, Port},
    process::{self, Process},
};

/// Everything the lab process holds.
pub struct Cluster {
    plan: Plan,
    files: Vec<NodeFiles>,
    nodes: Vec<Namespaces>,
    daemons: Vec<Daemon>,
    cables: Cables,
    binaries: Option<Binaries>,
    host_proc: Option<File>,
    own_pid: String,
    warnings: Vec<String>,
    /// Ports whose interface is not as the plan has it.
    disturbed: BTreeSet<Port>,
}

#[derive(Default)]
struct Daemon {
    pid: Option<i32>,
    started_ns: u64,
    /// How it ended, in words, when nobody here ended it.
    ended: Option<String>,
}

/// CLOCK_MONOTONIC, as in the events of all nodes: they share this host's clock.
pub fn mono_ns() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |t| t.tv_sec() as u64 * 1_000_000_000 + t.tv_nsec() as u64)
}

impl Cluster {
    /// Creates the namespaces and cables of a plan; no daemon runs yet.
    /// `host_proc` is the host's /proc, opened before it was covered.
    ///
    /// # Errors
    ///
    /// What the kernel refused.
    pub fn build(plan: Plan, dir: &Path, host_proc: Option<File>) -> Result<Cluster> {
        let mut files = Vec::new();
        let mut nodes = Vec::new();
        for index in 0..plan.hosts() {
            let name = plan.host_name(index);
            let own = NodeFiles::create(dir, &name, &config::text(&plan, index)?)?;
            let node = Namespaces::create(&name, &own.machine_id)
                .with_context(|| format!("create node {name}"))?;
            files.push(own);
            nodes.push(node);
        }
        let cables = Cables::lay(&plan, &nodes)?;
        let own_pid = fs::read_link("/proc/self").context("find this process in /proc")?;
        let mut warnings: Vec<_> = nodes.iter().flat_map(|n| n.warnings.clone()).collect();
        warnings.dedup();
        Ok(Cluster {
            binaries: if plan.daemons { Some(Binaries::find()?) } else { None },
            daemons: (0..plan.nodes).map(|_| Daemon::default()).collect(),
            own_pid: own_pid.to_string_lossy().into_owned(),
            plan,
            files,
            nodes,
            cables,
            host_proc,
            warnings,
            disturbed: BTreeSet::new(),
        })
    }

    /// What was built.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Notes something that works less well than it should.
    pub fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Starts every daemon that should run and does not.
    ///
    /// # Errors
    ///
    /// A process could not be started.
    pub fn start_daemons(&mut self) -> Result<()> {
        (0..self.plan.nodes).try_for_each(|node| self.start_daemon(node))
    }

    fn start_daemon(&mut self, node: usize) -> Result<()> {
        let Some(binaries) = &self.binaries else { return Ok(()) };
        if self.daemons[node].pid.is_some() {
            return Ok(());
        }
        let files = &self.files[node];
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .open(&files.log)
            .with_context(|| format!("open {}", files.log.display()))?;
        let spaces = &self.nodes[node];
        let mut enter = Command::new("/proc/self/exe");
        enter.arg("enter");
        for (flag, file) in [("--net", &spaces.net), ("--mnt", &spaces.mnt), ("--uts", &spaces.uts)]
        {
            enter.arg(flag).arg(format!("/proc/{}/fd/{}", self.own_pid, file.as_raw_fd()));
        }
        enter.arg("--").arg(&binaries.hatsd);
        enter.arg("--config").arg(&files.config);
        enter.arg("--socket").arg(&files.socket);
        enter.arg("--state-dir").arg(&files.state);
        enter.args(["--log", "json"]);
        enter.stdin(Stdio::null());
        enter.stdout(log.try_clone().context("share the log file")?).stderr(log);
        let started_ns = mono_ns();
        let child = enter.spawn().context("start hatsd")?;
        let pid = i32::try_from(child.id()).context("a process number")?;
        self.daemons[node] = Daemon { pid: Some(pid), started_ns, ended: None };
        Ok(())
    }

    /// Takes note of a process that ended.
    pub fn reap(&mut self, status: WaitStatus) {
        let (pid, how) = match status {
            WaitStatus::Exited(pid, code) => (pid, format!("exited with code {code}")),
            WaitStatus::Signaled(pid, signal, _) => (pid, format!("killed by {signal}")),
            WaitStatus::Stopped(..)
            | WaitStatus::PtraceEvent(..)
            | WaitStatus::PtraceSyscall(_)
            | WaitStatus::Continued(_)
            | WaitStatus::StillAlive => return,
        };
        if let Some(daemon) = self.daemons.iter_mut().find(|d| d.pid == Some(pid.as_raw())) {
            daemon.pid = None;
            daemon.ended = Some(how);
        }
    }

    /// Breaks an adapter's cable.
    ///
    /// # Errors
    ///
    /// No such node or adapter, or a fault that these cables can't have.
    pub fn fault(&mut self, node: &str, adapter: &str, fault: Fault) -> Result<u64> {
        let port = self.plan.find_port(node, adapter)?;
        let at = mono_ns();
        self.cables.set(port, fault)?;
        Ok(at)
    }

    /// Breaks what goes between two nodes, on one network or on all.
    ///
    /// # Errors
    ///
    /// No such nodes or network, or a fault that a path can't have.
    pub fn fault_path(
        &mut self,
        from: &str,
        to: &str,
        network: Option<&str>,
        one_way: bool,
        fault: Fault,
    ) -> Result<u64> {
        let (from, to) = (self.plan.find_node(from)?, self.plan.find_node(to)?);
        ensure!(from != to, "a path needs two nodes, and both are {}", Plan::node_name(from));
        let networks = match network {
            Some(word) => vec![self.plan.find_network(word)?],
            None => (0..self.plan.networks.len()).collect(),
        };
        let at = mono_ns();
        for network in networks {
            let (from, to) = (Port { node: from, network }, Port { node: to, network });
            self.cables.set_pair(from, to, fault)?;
            if !one_way {
                self.cables.set_pair(to, from, fault)?;
            }
        }
        Ok(at)
    }

    /// Joins the switches of two networks.
    ///
    /// # Errors
    ///
    /// No such networks, or cables that cannot do it.
    pub fn cross(&mut self, one: &str, other: &str) -> Result<u64> {
        let (one, other) = (self.plan.find_network(one)?, self.plan.find_network(other)?);
        ensure!(one != other, "a cable joins two networks, and both are {}", one);
        let at = mono_ns();
        self.cables.join(one, other)?;
        Ok(at)
    }

    /// Ends a node as a power failure would: its cables are cut first, so that
    /// no process has a last word, then everything in it is killed.
    ///
    /// # Errors
    ///
    /// No such node.
    pub fn crash(&mut self, node: &str) -> Result<u64> {
        let node = self.plan.find_node(node)?;
        let at = mono_ns();
        for network in 0..self.plan.networks.len() {
            self.cables.set(Port { node, network }, Fault::Cut)?;
        }
        process::kill_all(&self.nodes[node].net)?;
        Ok(at)
    }

    /// Sends a signal to a node's hatsd and to nothing else.
    ///
    /// # Errors
    ///
    /// No such node, or its daemon does not run.
    pub fn signal_daemon(&mut self, node: &str, signal: Signal) -> Result<u64> {
        let index = self.plan.find_node(node)?;
        let Some(pid) = self.daemons.get(index).and_then(|daemon| daemon.pid) else {
            bail!("hatsd of {node} does not run: hats-lab heal {node} starts it");
        };
        let at = mono_ns();
        process::signal(pid, signal)?;
        Ok(at)
    }

    /// Suspends a node: its cables are cut first, so that its kernel answers
    /// nobody, then everything in it is stopped.
    ///
    /// # Errors
    ///
    /// No such node.
    pub fn pause(&mut self, node: &str) -> Result<u64> {
        let node = self.plan.find_node(node)?;
        let at = mono_ns();
        for network in 0..self.plan.networks.len() {
            self.cables.set(Port { node, network }, Fault::Cut)?;
        }
        process::signal_all(&self.nodes[node].net, Signal::SIGSTOP);
        Ok(at)
    }

    /// Sets an interface down.
    ///
    /// # Errors
    ///
    /// No such node or adapter, or what the kernel said.
    pub fn link_down(&mut self, node: &str, adapter: &str) -> Result<u64> {
        let port = self.plan.find_port(node, adapter)?;
        let at = mono_ns();
        interface::set_up(&self.nodes[port.node].net, port, false)?;
        self.disturbed.insert(port);
        Ok(at)
    }

    /// Takes an adapter's address away, or puts another one in its place.
    ///
    /// # Errors
    ///
    /// No such node or adapter, an address of another subnet, or what the
    /// kernel said.
    pub fn change_address(&mut self, node: &str, adapter: &str, to: Option<IpAddr>) -> Result<u64> {
        let port = self.plan.find_port(node, adapter)?;
        let subnet = self.plan.networks[port.network].subnet;
        if let Some(to) = to {
            ensure!(subnet.contains(&to), "address {to}: expected one of {subnet}");
        }
        let at = mono_ns();
        interface::set_addresses(&self.nodes[port.node].net, port, subnet, to.as_slice())?;
        self.disturbed.insert(port);
        Ok(at)
    }

    /// Sends a signal to the NIM of one adapter.
    ///
    /// # Errors
    ///
    /// No such node or adapter, or no NIM of it was found.
    pub fn signal_nim(&mut self, node: &str, adapter: &str, signal: Signal) -> Result<u64> {
        let port = self.plan.find_port(node, adapter)?;
        let binaries = self.binaries.as_ref().context("no daemons run in this lab")?;
        let interface = Plan::interface_name(port.network);
        let nims = binaries.status(&self.files[port.node].socket, &["nims"])?;
        let pid = find_nim(&nims, &interface)
            .with_context(|| format!("hats-status shows no running NIM of {interface}"))?;
        let at = mono_ns();
        process::signal(pid, signal)?;
        Ok(at)
    }

    /// Undoes every fault: of one adapter, one node or all.
    ///
    /// # Errors
    ///
    /// No such node or adapter, or a daemon could not be started.
    pub fn heal(&mut self, node: Option<&str>, adapter: Option<&str>) -> Result<u64> {
        let node = node.map(|word| self.plan.find_node(word)).transpose()?;
        let network = adapter.map(|word| self.plan.find_network(word)).transpose()?;
        let at = mono_ns();
        for port in self.plan.all_ports() {
            let chosen =
                node.is_none_or(|n| n == port.node) && network.is_none_or(|n| n == port.network);
            if chosen {
                self.cables.heal(port, &self.plan)?;
                if self.disturbed.remove(&port) {
                    let net = &self.nodes[port.node].net;
                    interface::restore(net, port, &self.plan)?;
                }
            }
        }
        if node.is_none() && network.is_none() {
            self.cables.part();
        }
        if network.is_none() {
            for index in (0..self.plan.hosts()).filter(|i| node.is_none_or(|n| n == *i)) {
                process::signal_all(&self.nodes[index].net, Signal::SIGCONT);
                if index < self.plan.nodes {
                    self.start_daemon(index)?;
                }
            }
        }
        Ok(at)
    }

    /// How to enter a node from outside the lab.
    ///
    /// # Errors
    ///
    /// No such node, or the host's /proc can't be read.
    pub fn enter(&self, node: &str) -> Result<EnterReply> {
        let index = self.plan.find_node(node)?;
        let host = self.host_proc_path().context("the host's /proc could not be opened")?;
        let own = fs::read_link(host.join("self")).context("find the lab in the host's /proc")?;
        let spaces = &self.nodes[index];
        let at = |file: &File| format!("/proc/{}/fd/{}", own.display(), file.as_raw_fd());
        Ok(EnterReply {
            lab: own.display().to_string(),
            net: at(&spaces.net),
            mnt: at(&spaces.mnt),
            uts: at(&spaces.uts),
            socket: self.files[index].socket.clone(),
        })
    }

    /// Two adapters of one network, to be tried without holding the lab up.
    ///
    /// # Errors
    ///
    /// No such nodes or network.
    pub fn pair(&self, from: &str, to: &str, network: &str) -> Result<Pair> {
        let end = |node: &str| {
            let port = self.plan.find_port(node, network)?;
            let net = self.nodes[port.node].net.try_clone().context("share a namespace")?;
            let interface = Plan::interface_name(port.network);
            Ok::<_, anyhow::Error>(End { net, interface, address: self.plan.address(port) })
        };
        Ok(Pair { from: end(from)?, to: end(to)? })
    }

    /// Everything there is to show.
    pub fn status(&self) -> Status {
        let nodes = (0..self.plan.nodes).map(|index| {
            let daemon = &self.daemons[index];
            NodeStatus {
                node: Plan::node_name(index),
                hatsd: daemon.pid,
                started_ns: daemon.started_ns,
                ended: daemon.ended.clone(),
                socket: self.files[index].socket.clone(),
                log: self.files[index].log.clone(),
                processes: self.processes(index),
                ports: self.ports(index),
            }
        });
        Status {
            plan: self.plan.clone(),
            nodes: nodes.collect(),
            warnings: self.warnings.clone(),
            lab_cpu_ms: process::own_cpu_ms(),
        }
    }

    fn processes(&self, node: usize) -> Vec<Process> {
        let mut processes = process::in_network(&self.nodes[node].net);
        if let Some(host) = self.host_proc_path() {
            process::add_host_pids(&host, &mut processes);
        }
        processes
    }

    fn ports(&self, node: usize) -> Vec<PortStatus> {
        (0..self.plan.networks.len())
            .map(|network| {
                let port = Port { node, network };
                let counters = self.cables.counters(port);
                PortStatus {
                    adapter: Plan::interface_name(network),
                    network: self.plan.networks[network].name.clone(),
                    addr: self.plan.address(port),
                    faults: self.cables.faults(port),
                    sent: counters.map(|c| c.sent),
                    received: counters.map(|c| c.received),
                    lost: counters.map(|c| c.lost),
                }
            })
            .collect()
    }

    fn host_proc_path(&self) -> Option<PathBuf> {
        let file = self.host_proc.as_ref()?;
        Some(format!("/proc/self/fd/{}", file.as_raw_fd()).into())
    }
}

/// The process number of an adapter's NIM, in what `hats-status nims -o json` said.
fn find_nim(nims: &serde_json::Value, interface: &str) -> Option<i32> {
    let list = nims.as_array().or_else(|| nims.get("nims")?.as_array())?;
    let nim = list.iter().find(|nim| nim["adapter"] == interface)?;
    i32::try_from(nim["pid"].as_i64()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nim_is_found_by_its_interface() {
        let nims = serde_json::json!({"nims": [
            {"adapter": "eth0", "pid": 41}, {"adapter": "eth1"},
        ]});
        assert_eq!(find_nim(&nims, "eth0"), Some(41));
        assert_eq!(find_nim(&nims, "eth1"), None);
        assert_eq!(find_nim(&nims["nims"], "eth0"), Some(41));
        assert_eq!(find_nim(&serde_json::json!("no"), "eth0"), None);
    }
}
