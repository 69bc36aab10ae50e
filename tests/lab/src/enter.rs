//! Starts a program inside a node.

use std::{
    env,
    ffi::OsString,
    fs::{self, File},
    os::unix::{
        fs::MetadataExt,
        process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::Command,
};

use anyhow::{Context, Result};
use nix::{
    sched::{CloneFlags, setns},
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, Signal},
    },
};

use crate::{
    binaries::own_directory,
    control::{EnterReply, Lab, Request},
};

/// Arguments of the hidden subcommand that becomes a program inside a node.
#[derive(Clone, Debug, clap::Args)]
pub struct EnterArgs {
    /// The network namespace.
    #[arg(long)]
    net: PathBuf,
    /// The mount namespace.
    #[arg(long)]
    mnt: PathBuf,
    /// The host name namespace.
    #[arg(long)]
    uts: PathBuf,
    /// Be killed when the parent ends.
    #[arg(long)]
    die_with_parent: bool,
    /// The program and its arguments.
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Goes into the namespaces and becomes the program.
///
/// # Errors
///
/// A namespace could not be entered, or there is no such program.
pub fn enter(args: &EnterArgs) -> Result<()> {
    if args.die_with_parent {
        set_pdeathsig(Signal::SIGKILL).context("ask to end with the parent")?;
    }
    let open = |path: &PathBuf| {
        File::open(path).with_context(|| format!("open the namespace {}", path.display()))
    };
    // All are opened first: afterwards /proc is another one.
    let (net, mnt, uts) = (open(&args.net)?, open(&args.mnt)?, open(&args.uts)?);
    let here = env::current_dir().ok();
    setns(net, CloneFlags::CLONE_NEWNET).context("enter the node's network")?;
    setns(uts, CloneFlags::CLONE_NEWUTS).context("enter the node's host name")?;
    setns(mnt, CloneFlags::CLONE_NEWNS).context("enter the node's files")?;
    // Entering the files went to their root; a directory that is gone stays behind.
    if let Some(here) = here {
        let _ = env::set_current_dir(here);
    }
    let error = Command::new(&args.command[0]).args(&args.command[1..]).exec();
    Err(error).with_context(|| format!("run {}", args.command[0].to_string_lossy()))
}

/// Runs a command in a node, on this terminal, and returns its exit code.
///
/// # Errors
///
/// No such node, or the lab's namespaces could not be entered.
pub fn run_in_node(lab: &Lab, node: &str, command: &[OsString]) -> Result<i32> {
    let reply: EnterReply = lab.ask(&Request::Enter { node: node.to_owned() })?;
    join_lab(&reply)?;
    let mut child = Command::new("/proc/self/exe");
    child.args(["enter", "--die-with-parent", "--net", &reply.net, "--mnt", &reply.mnt]);
    child.args(["--uts", &reply.uts, "--"]).args(command);
    child.env("HATS_SOCKET", &reply.socket).env("HATS_LAB_NODE", node);
    if let (Some(dir), Some(path)) = (own_directory(), env::var_os("PATH")) {
        // So that `exec n1 -- hats-status` finds the one the lab runs with.
        let places = std::iter::once(dir).chain(env::split_paths(&path));
        if let Ok(joined) = env::join_paths(places) {
            child.env("PATH", joined);
        }
    }
    // Ctrl-C is for the command; this process waits for how it takes it. Blocked only
    // now: the command would begin with what is blocked here.
    let mut running = child.spawn().context("start the command")?;
    let mut terminal = SigSet::empty();
    terminal.add(Signal::SIGINT);
    terminal.add(Signal::SIGQUIT);
    terminal.thread_block().context("leave the keyboard's signals to the command")?;
    let status = running.wait().context("wait for the command")?;
    Ok(status.code().or_else(|| status.signal().map(|s| 128 + s)).unwrap_or(1))
}

/// Enters what a lab shares among its nodes: the users, where it is another
/// user namespace, and the processes.
fn join_lab(reply: &EnterReply) -> Result<()> {
    let space = |kind: &str| format!("/proc/{}/ns/{kind}", reply.lab);
    let theirs = fs::metadata(space("user")).context("look at the lab's user namespace")?;
    let own = fs::metadata("/proc/self/ns/user").context("look at the own user namespace")?;
    let pid = File::open(space("pid")).context("open the lab's process namespace")?;
    if (theirs.dev(), theirs.ino()) != (own.dev(), own.ino()) {
        let users = File::open(space("user")).context("open the lab's user namespace")?;
        setns(users, CloneFlags::CLONE_NEWUSER)
            .context("enter the lab's user namespace: run this as the user who started the lab")?;
    }
    setns(pid, CloneFlags::CLONE_NEWPID)
        .context("enter the lab: run this as root, or as the user who started it")
}
