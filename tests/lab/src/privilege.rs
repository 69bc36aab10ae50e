//! What a lab needs from the kernel, and how to say that it is missing.

use std::{fs, io::ErrorKind};

use anyhow::{Context, Result, bail};
use hats_sys::tap;
use nix::{
    errno::Errno,
    sched::{CloneFlags, unshare},
    unistd::{getegid, geteuid},
};

use crate::plan::Links;

/// Goes into namespaces that belong to the lab alone: of processes, mounts and
/// interfaces, and of users when not root. The process must have one thread;
/// its next child is the first process of the lab.
///
/// # Errors
///
/// Says which permission is missing and how to give it.
pub fn isolate() -> Result<()> {
    if !geteuid().is_root() {
        become_root_of_own()?;
    }
    unshare(CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).map_err(
        |error| {
            anyhow::anyhow!(
                "namespaces are not permitted here ({error}): in a container, run it with \
                 --privileged or with the capability SYS_ADMIN; elsewhere, run hats-lab as root"
            )
        },
    )
}

fn become_root_of_own() -> Result<()> {
    let (uid, gid) = (geteuid(), getegid());
    match unshare(CloneFlags::CLONE_NEWUSER) {
        Ok(()) => {}
        Err(Errno::EPERM | Errno::EACCES) => bail!(
            "unprivileged user namespaces are not permitted here: run hats-lab as root, or \
             allow them (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu \
             kernel.apparmor_restrict_unprivileged_userns=0)"
        ),
        Err(Errno::ENOSPC | Errno::EUSERS) => bail!(
            "no more user namespaces are allowed: raise sysctl user.max_user_namespaces, or run \
             hats-lab as root"
        ),
        Err(error) => bail!("create a user namespace: {error}: run hats-lab as root"),
    }
    let write = |path: &str, text: String| fs::write(path, text).context(path.to_owned());
    write("/proc/self/setgroups", "deny".into())?;
    write("/proc/self/uid_map", format!("0 {uid} 1"))?;
    write("/proc/self/gid_map", format!("0 {gid} 1")).context(
        "become root of an own user namespace (a security module may forbid it): run hats-lab \
         as root",
    )
}

/// Checks that tap devices can be made.
///
/// # Errors
///
/// Says what is missing and how to get it.
pub fn check_links(links: Links) -> Result<()> {
    if links == Links::Veth {
        return Ok(());
    }
    let device = tap::DEVICE;
    let Err(error) = fs::OpenOptions::new().read(true).write(true).open(device) else {
        return Ok(());
    };
    let veth = "or use --links veth, which can only cut and pull cables";
    if error.kind() == ErrorKind::NotFound {
        bail!(
            "{device} is missing: load the module (modprobe tun); in a container, pass the \
             device in (--device {device}); {veth}"
        );
    }
    if error.kind() == ErrorKind::PermissionDenied {
        bail!(
            "{device} may not be opened by this user: run hats-lab as root, or allow it \
             (chmod 666 {device}); {veth}"
        );
    }
    bail!("{device}: {error}: load the module (modprobe tun), {veth}")
}
