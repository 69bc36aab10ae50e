//! The outer process of a lab. It goes into the lab's own namespaces, starts
//! the first process there, passes signals on and cleans up afterwards. When it
//! dies, the kernel ends everything inside.

use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    os::{
        fd::AsFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        prctl::set_pdeathsig,
        signal::{SigSet, Signal, kill},
        signalfd::{SfdFlags, SignalFd},
    },
    unistd::{Pid, setsid},
};

use crate::{control::Lab, files, plan::Plan, privilege};

/// Exit code of the first process when the files are to be kept.
pub const KEEP_FILES: i32 = 7;

/// The line that says that the lab is up.
pub const READY: &str = "ready";

/// How long the first process may take to end in good order.
const END_MAX: Duration = Duration::from_secs(3);

/// Arguments of the hidden subcommand.
#[derive(Clone, Debug, clap::Args)]
pub struct ServeArgs {
    /// The lab's directory.
    #[arg(long)]
    dir: PathBuf,
    /// Leave the terminal.
    #[arg(long)]
    detach: bool,
    /// End when the parent ends.
    #[arg(long)]
    die_with_parent: bool,
}

/// Starts a lab and waits until it is up.
///
/// `detached` labs go on until `down`; others end with the calling process.
///
/// # Errors
///
/// One runs there already, or what kept it from starting.
pub fn launch(dir: &Path, plan: &Plan, detached: bool) -> Result<Lab> {
    let dir = files::create_dir(dir)?;
    let lab = Lab::at(&dir);
    if lab.runs() {
        bail!(
            "a lab runs in {} already: end it with hats-lab down, or use another --dir",
            dir.display()
        );
    }
    let log = files::lab_log(&dir);
    let errors = File::create(&log).with_context(|| format!("create {}", log.display()))?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("hats-lab")
        .arg("serve")
        .arg("--dir")
        .arg(&dir)
        .arg(if detached { "--detach" } else { "--die-with-parent" })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .context("start the lab")?;
    let mut text = serde_json::to_string(plan).context("write the plan")?;
    text.push('\n');
    let stdin = child.stdin.as_mut().context("the lab's input is a pipe")?;
    // A lab that failed already says so below.
    let _ = stdin.write_all(text.as_bytes());
    let stdout = child.stdout.take().context("the lab's output is a pipe")?;
    let mut line = String::new();
    let read = BufReader::new(stdout).read_line(&mut line);
    if read.is_ok() && line.trim() == READY {
        return Ok(lab);
    }
    let _ = child.wait();
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    files::remove(&dir, (0..plan.hosts()).map(|host| plan.host_name(host)));
    bail!("{}", said.trim().trim_start_matches("hats-lab: "));
}

/// Runs the outer process; returns when the lab has ended.
///
/// # Errors
///
/// What kept the lab from starting.
pub fn serve(args: &ServeArgs) -> Result<()> {
    if args.detach {
        setsid().context("leave the terminal")?;
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("read the plan")?;
    let plan: Plan = serde_json::from_str(&line).context("read the plan")?;
    let lock = File::create(files::lock_file(&args.dir)).context("create the lab's lock")?;
    let lock = Flock::lock(lock, FlockArg::LockExclusiveNonblock)
        .map_err(|_| anyhow::anyhow!("a lab runs in {} already", args.dir.display()))?;
    privilege::isolate()?;
    privilege::check_links(plan.links)?;
    if args.die_with_parent {
        // Set here and not earlier: a change of user would have cleared it.
        set_pdeathsig(Signal::SIGTERM).context("ask to end with the parent")?;
    }
    let signals = signals(&[
        Signal::SIGTERM,
        Signal::SIGINT,
        Signal::SIGHUP,
        Signal::SIGCHLD,
        // Ends only this process and would leave the rest to the kernel.
        Signal::SIGQUIT,
    ])?;
    let mut child = Command::new("/proc/self/exe")
        .arg0("hats-lab")
        .arg("init")
        .arg("--dir")
        .arg(&args.dir)
        .stdin(Stdio::piped())
        .spawn()
        .context("start the first process of the lab")?;
    let mut pipe = child.stdin.take().context("the first process's input is a pipe")?;
    pipe.write_all(line.as_bytes()).context("hand over the plan")?;
    let code = wait(&mut child, &signals)?;
    drop(pipe);
    match code {
        KEEP_FILES => files::remove_control(&args.dir),
        // The command that started the lab shows the log, then cleans up.
        1 => std::process::exit(1),
        _ => files::remove(&args.dir, (0..plan.hosts()).map(|host| plan.host_name(host))),
    }
    drop(lock);
    Ok(())
}

/// Blocks signals and returns a file they are read from. To be called while
/// the process has one thread.
///
/// # Errors
///
/// What the kernel said.
pub fn signals(wanted: &[Signal]) -> Result<SignalFd> {
    let set: SigSet = wanted.iter().copied().collect();
    set.thread_block().context("block signals")?;
    SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
        .context("watch signals")
}

/// Waits for the first process, passing on the wish to end.
fn wait(child: &mut Child, signals: &SignalFd) -> Result<i32> {
    let pid = Pid::from_raw(i32::try_from(child.id()).context("a process number")?);
    let mut timeout = PollTimeout::NONE;
    loop {
        let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            Ok(0) => drop(kill(pid, Signal::SIGKILL)),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).context("wait for the lab"),
        }
        while let Ok(Some(signal)) = signals.read_signal() {
            if signal.ssi_signo != Signal::SIGCHLD as u32 {
                let _ = kill(pid, Signal::SIGTERM);
                timeout = PollTimeout::try_from(END_MAX).unwrap_or(PollTimeout::MAX);
            }
        }
        if let Some(status) = child.try_wait().context("wait for the lab")? {
            return Ok(status.code().unwrap_or(128 + status.signal().unwrap_or(0)));
        }
    }
}
