//! The first process of a lab: process 1 of its process namespace. It holds the
//! namespaces, the cables and the daemons, and serves the control socket.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::{Context, Result};
use nix::{
    errno::Errno,
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl::set_pdeathsig,
        signal::Signal,
        signalfd::SignalFd,
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
};
use serde::Serialize;

use crate::{
    cluster::{Cluster, mono_ns},
    control::{self, Done, Reply, Request},
    faults::Fault,
    files,
    plan::Plan,
    serve::{self, KEEP_FILES, READY},
};

/// Arguments of the hidden subcommand.
#[derive(Clone, Debug, clap::Args)]
pub struct InitArgs {
    /// The lab's directory.
    #[arg(long)]
    dir: PathBuf,
}

type Shared = Arc<Mutex<Cluster>>;

fn lock(cluster: &Shared) -> MutexGuard<'_, Cluster> {
    cluster.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the lab until it is told to end; returns the exit code.
///
/// # Errors
///
/// What kept the lab from starting.
pub fn run(args: &InitArgs) -> Result<i32> {
    set_pdeathsig(Signal::SIGKILL).context("ask to end with the parent")?;
    let signals =
        serve::signals(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGCHLD])?;
    let mut plan_line = String::new();
    std::io::stdin().lock().read_line(&mut plan_line).context("read the plan")?;
    let plan: Plan = serde_json::from_str(&plan_line).context("read the plan")?;

    let (host_proc, warning) = own_files()?;
    let mut cluster = Cluster::build(plan, &args.dir, host_proc)?;
    if let Some(warning) = warning {
        cluster.warn(warning);
    }
    let socket = files::control_socket(&args.dir);
    let _ = fs::remove_file(&socket);
    let listener =
        UnixListener::bind(&socket).with_context(|| format!("listen on {}", socket.display()))?;
    listener.set_nonblocking(true).context("listen")?;
    cluster.start_daemons()?;
    let cluster = Arc::new(Mutex::new(cluster));
    let mut stdout = std::io::stdout();
    // Whoever started the lab may be gone; the lab is up all the same.
    let _ = writeln!(stdout, "{READY}").and_then(|()| stdout.flush());
    watch(&signals, &listener, &cluster)
}

/// Makes mounts private and shows this process namespace in /proc. Returns the
/// host's /proc, and what did not work.
fn own_files() -> Result<(Option<File>, Option<String>)> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .context("make the lab's mounts its own")?;
    let host_proc = File::open("/proc").ok();
    let restricted = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    let mounted = mount(Some("proc"), "/proc", Some("proc"), restricted, none);
    Ok((
        host_proc,
        mounted
            .err()
            .map(|error| format!("/proc is the host's, not the lab's (mount proc: {error})")),
    ))
}

fn watch(signals: &SignalFd, listener: &UnixListener, cluster: &Shared) -> Result<i32> {
    let stdin = std::io::stdin();
    loop {
        let mut fds = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("wait for work"),
        }
        let parent_gone = fds[2].any().unwrap_or(false);
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                return Ok(0);
            }
        }
        reap(cluster);
        // The outer process keeps the pipe open for as long as it lives.
        if parent_gone && stdin.lock().read(&mut [0]).is_ok_and(|n| n == 0) {
            return Ok(0);
        }
        while let Ok((stream, _)) = listener.accept() {
            let cluster = Arc::clone(cluster);
            thread::spawn(move || answer(&stream, &cluster));
        }
    }
}

fn reap(cluster: &Shared) {
    // Held from before the wait, so that a daemon just started is known here.
    let mut cluster = lock(cluster);
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) | Err(_) => return,
            Ok(status) => cluster.reap(status),
        }
    }
}

fn answer(stream: &UnixStream, cluster: &Shared) {
    let mut reader = BufReader::new(stream);
    while let Ok(Some(request)) = control::read_line::<Request>(&mut reader) {
        let end = if let Request::Down { keep } = request {
            Some(if keep { KEEP_FILES } else { 0 })
        } else {
            None
        };
        let reply = match perform(request, cluster) {
            Ok(value) => Reply::Ok(value),
            Err(error) => Reply::Error(format!("{error:#}")),
        };
        if control::write_line(stream, &reply).is_err() && end.is_none() {
            return;
        }
        if let Some(code) = end {
            // The kernel kills everything else in the lab with its first process.
            std::process::exit(code);
        }
    }
}

fn perform(request: Request, cluster: &Shared) -> Result<serde_json::Value> {
    if let Request::Ping { from, to, network, count } = &request {
        let pair = lock(cluster).pair(from, to, network)?;
        return value(&pair.ping(*count)?);
    }
    let mut lab = lock(cluster);
    let at = match request {
        Request::Status => return value(&lab.status()),
        Request::Enter { node } => return value(&lab.enter(&node)?),
        Request::Down { .. } | Request::Ping { .. } => mono_ns(),
        Request::Fault { node, adapter, fault } => {
            lab.fault(&node, &adapter, fault.parse::<Fault>()?)?
        }
        Request::Path { from, to, network, one_way, fault } => {
            lab.fault_path(&from, &to, network.as_deref(), one_way, fault.parse::<Fault>()?)?
        }
        Request::Crash { node } => lab.crash(&node)?,
        Request::KillDaemon { node } => lab.signal_daemon(&node, Signal::SIGKILL)?,
        Request::HangDaemon { node } => lab.signal_daemon(&node, Signal::SIGSTOP)?,
        Request::KillNim { node, adapter } => lab.signal_nim(&node, &adapter, Signal::SIGKILL)?,
        Request::HangNim { node, adapter } => lab.signal_nim(&node, &adapter, Signal::SIGSTOP)?,
        Request::Cross { one, other } => lab.cross(&one, &other)?,
        Request::Pause { node } => lab.pause(&node)?,
        Request::LinkDown { node, adapter } => lab.link_down(&node, &adapter)?,
        Request::Address { node, adapter, to } => lab.change_address(&node, &adapter, to)?,
        Request::Heal { node, adapter } => lab.heal(node.as_deref(), adapter.as_deref())?,
    };
    value(&Done { mono_ns: at })
}

fn value(message: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(message).context("write the answer")
}
