//! The namespaces of one node.
//!
//! They have no name anywhere: the open files held here keep them, so they are
//! gone with the lab process.

use std::{
    fs::{self, File},
    path::Path,
    thread,
};

use anyhow::{Context, Result, anyhow};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, setns, unshare},
    unistd::sethostname,
};

use crate::netlink::Netlink;

/// One node's network, mount and host name namespaces.
pub struct Namespaces {
    /// Its interfaces.
    pub net: File,
    /// Its view of files: own /sys, own machine id.
    pub mnt: File,
    /// Its host name.
    pub uts: File,
    /// What could not be had, in words.
    pub warnings: Vec<String>,
}

impl Namespaces {
    /// Creates a node's namespaces. `machine_id` is a file to show in place of
    /// /etc/machine-id, so that the nodes are not taken for one host.
    ///
    /// # Errors
    ///
    /// What the kernel refused.
    pub fn create(host_name: &str, machine_id: &Path) -> Result<Namespaces> {
        let host_name = host_name.to_owned();
        let machine_id = machine_id.to_owned();
        on_own_thread(move || {
            unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWUTS)
                .context("create the namespaces of a node")?;
            sethostname(&host_name).context("set the host name of a node")?;
            let warnings = prepare_files(&machine_id);
            let mut netlink = Netlink::open()?;
            let loopback = netlink.index("lo")?;
            netlink.change(loopback, Some(true), Vec::new())?;
            Ok(Namespaces { net: open("net")?, mnt: open("mnt")?, uts: open("uts")?, warnings })
        })
    }
}

/// Runs something in a network namespace, on a thread of its own.
///
/// # Errors
///
/// What `work` returned, or that the namespace could not be entered.
pub fn within<T: Send>(net: &File, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    on_own_thread(|| {
        setns(net, CloneFlags::CLONE_NEWNET).context("enter a node's network")?;
        work()
    })
}

/// Namespaces belong to threads: what changes them gets its own.
fn on_own_thread<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    thread::scope(|scope| match scope.spawn(work).join() {
        Ok(result) => result,
        Err(_) => Err(anyhow!("a thread of the lab panicked")),
    })
}

fn open(kind: &str) -> Result<File> {
    let path = format!("/proc/thread-self/ns/{kind}");
    File::open(&path).with_context(|| format!("open {path}"))
}

fn prepare_files(machine_id: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let none = None::<&str>;
    let restricted = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if let Err(error) = mount(Some("sysfs"), "/sys", Some("sysfs"), restricted, none) {
        warnings.push(format!("/sys is the host's, not the node's (mount sysfs: {error})"));
    }
    let system = Path::new("/etc/machine-id");
    if system.exists()
        && let Err(error) = mount(Some(machine_id), system, none, MsFlags::MS_BIND, none)
    {
        warnings.push(format!("the nodes share /etc/machine-id (bind mount: {error})"));
    }
    // A daemon of this host may live there; the node must not find it.
    if fs::metadata("/run/hats").is_ok_and(|m| m.is_dir())
        && let Err(error) = mount(Some("tmpfs"), "/run/hats", Some("tmpfs"), restricted, none)
    {
        warnings.push(format!("the nodes see the host's /run/hats (mount tmpfs: {error})"));
    }
    warnings
}
