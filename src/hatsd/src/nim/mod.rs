//! The NIM processes: one per adapter, kept running.
//!
//! What a NIM says and is told is the node's affair; here it is started,
//! listened to, written to without ever waiting for it, and started again.

mod backoff;
mod process;

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    task::{Context, Poll},
    time::Duration,
};

use hats_core::{
    config::AdapterSpec,
    io::{AdapterIndex, Input},
    time::Timestamp,
};
use hats_wire::link::Command;
use tokio::sync::mpsc;

use backoff::Backoff;
use process::{Exit, Process};

/// The NIM's program.
const PROGRAM: &str = "hats-nim";

/// A NIM that takes no command for the detection time, and at least so long,
/// is stuck.
const STUCK_MIN: Duration = Duration::from_secs(1);

/// How long a NIM may take to end in good order.
const LEAVE_WAIT: Duration = Duration::from_secs(1);

/// All NIMs of this node.
#[derive(Debug)]
pub(crate) struct Nims {
    program: PathBuf,
    stuck_after: Duration,
    nims: BTreeMap<AdapterIndex, Nim>,
    exits: mpsc::UnboundedReceiver<Exit>,
    exit: mpsc::UnboundedSender<Exit>,
    /// Exits that were seen while waiting and not dealt with yet.
    seen: Vec<Exit>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Nim {
    spec: AdapterSpec,
    state: State,
    backoff: Backoff,
    restarts: u32,
    /// The last start failed, and the node knows.
    unstartable: bool,
}

#[derive(Debug)]
enum State {
    Running(Process),
    /// To be started at this time.
    Resting(Timestamp),
}

/// What status output says of a NIM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Facts {
    pub(crate) adapter: AdapterIndex,
    pub(crate) spec: AdapterSpec,
    pub(crate) pid: Option<u32>,
    /// It has answered Configure.
    pub(crate) ready: bool,
    pub(crate) restarts: u32,
    /// Commands it did not take.
    pub(crate) dropped: u64,
}

/// The NIM's program: beside this one, or in PATH.
pub(crate) fn find_program() -> Result<PathBuf, String> {
    let beside = env::current_exe().ok().and_then(|path| Some(path.parent()?.join(PROGRAM)));
    let path = env::var_os("PATH").unwrap_or_default();
    let in_path = env::split_paths(&path).map(|dir| dir.join(PROGRAM));
    let mut candidates = beside.clone().into_iter().chain(in_path);
    candidates.find(|candidate| is_program(candidate)).ok_or_else(|| {
        let beside = beside.unwrap_or_else(|| PathBuf::from(PROGRAM));
        format!("no NIM program: expected {} or {PROGRAM} in PATH", beside.display())
    })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

impl Nims {
    /// None yet.
    pub(crate) fn new(program: PathBuf, detection_time: Duration) -> Self {
        let (exit, exits) = mpsc::unbounded_channel();
        Nims {
            program,
            stuck_after: detection_time.max(STUCK_MIN),
            nims: BTreeMap::new(),
            exits,
            exit,
            seen: Vec::new(),
            buffer: vec![0; 16 << 10],
        }
    }

    /// An adapter that needs a NIM, from now on.
    pub(crate) fn add(&mut self, adapter: AdapterIndex, spec: AdapterSpec, now: Timestamp) {
        let (state, backoff) = (State::Resting(now), Backoff::default());
        self.nims.insert(adapter, Nim { spec, state, backoff, restarts: 0, unstartable: false });
    }

    /// An adapter that needs none any more.
    pub(crate) fn remove(&mut self, adapter: AdapterIndex, now: Timestamp) {
        if let Some(Nim { state: State::Running(mut process), .. }) = self.nims.remove(&adapter) {
            process.leave(LEAVE_WAIT, now);
        }
    }

    /// Passes a command on, with the next [`flush`](Self::flush); dropped when the NIM
    /// does not run.
    pub(crate) fn send(&mut self, adapter: AdapterIndex, command: &Command, now: Timestamp) {
        match self.nims.get_mut(&adapter).map(|nim| &mut nim.state) {
            Some(State::Running(process)) => process.send(command, now),
            Some(State::Resting(_)) | None => {}
        }
    }

    /// Sends what was passed on since the last time, as far as there is room.
    pub(crate) fn flush(&mut self, now: Timestamp) {
        for process in self.running() {
            process.flush(now);
        }
    }

    /// Ends one by force; its death is collected like any other.
    pub(crate) fn end(&mut self, adapter: AdapterIndex, why: String) {
        match self.nims.get_mut(&adapter).map(|nim| &mut nim.state) {
            Some(State::Running(process)) => process.end(Duration::ZERO, why),
            Some(State::Resting(_)) | None => {}
        }
    }

    /// Whether [`collect`](Self::collect) has something to do.
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut ready = !self.seen.is_empty();
        while let Poll::Ready(Some(exit)) = self.exits.poll_recv(cx) {
            self.seen.push(exit);
            ready = true;
        }
        for process in self.running() {
            ready |= process.poll_ready(cx).is_ready();
        }
        if ready { Poll::Ready(()) } else { Poll::Pending }
    }

    fn running(&mut self) -> impl Iterator<Item = &mut Process> {
        self.nims.values_mut().filter_map(|nim| match &mut nim.state {
            State::Running(process) => Some(process),
            State::Resting(_) => None,
        })
    }

    /// Everything that NIMs have said and done, in order for each; starts
    /// those whose time has come.
    pub(crate) fn collect(&mut self, now: Timestamp) -> Vec<Input> {
        let mut inputs = Vec::new();
        for (adapter, nim) in &mut self.nims {
            let State::Running(process) = &mut nim.state else { continue };
            let reports = process.receive(&mut self.buffer).into_iter();
            inputs.extend(reports.map(|report| Input::Nim { adapter: *adapter, report }));
            process.flush(now);
            if process.blocked_since().is_some_and(|since| since + self.stuck_after <= now) {
                let seconds = self.stuck_after.as_secs_f32();
                let why = format!("it did not take its commands for {seconds:.1} s");
                process.end(Duration::ZERO, why);
            }
        }
        while let Ok(exit) = self.exits.try_recv() {
            self.seen.push(exit);
        }
        for exit in std::mem::take(&mut self.seen) {
            inputs.extend(self.died(exit, now));
        }
        inputs.extend(self.start_due(now));
        inputs
    }

    fn died(&mut self, exit: Exit, now: Timestamp) -> Option<Input> {
        let (adapter, nim) = self.nims.iter_mut().find(|(_, nim)| nim.pid() == Some(exit.pid))?;
        let lived = match &nim.state {
            State::Running(process) => now.since(process.started),
            State::Resting(_) => Duration::ZERO,
        };
        nim.state = State::Resting(now + nim.backoff.died(lived));
        nim.restarts = nim.restarts.saturating_add(1);
        Some(Input::NimDied { adapter: *adapter, pid: exit.pid, how: exit.how })
    }

    fn start_due(&mut self, now: Timestamp) -> Vec<Input> {
        let mut inputs = Vec::new();
        for (adapter, nim) in &mut self.nims {
            match &nim.state {
                State::Resting(at) if *at <= now => {}
                State::Resting(_) | State::Running(_) => continue,
            }
            match Process::start(&self.program, now, self.exit.clone()) {
                Ok(process) => {
                    nim.state = State::Running(process);
                    nim.unstartable = false;
                    inputs.push(Input::NimStarted { adapter: *adapter });
                }
                Err(error) => {
                    let (program, interface) = (self.program.display(), &nim.spec.interface);
                    tracing::error!("{program} cannot be started for {interface}: {error}");
                    if !nim.unstartable {
                        nim.unstartable = true;
                        let how = format!("{program} cannot be started: {error}");
                        inputs.push(Input::NimDied { adapter: *adapter, pid: 0, how });
                    }
                    nim.state = State::Resting(now + nim.backoff.died(Duration::ZERO));
                }
            }
        }
        inputs
    }

    /// When [`collect`](Self::collect) has something to do by itself.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let deadlines = self.nims.values().filter_map(|nim| match &nim.state {
            State::Resting(at) => Some(*at),
            State::Running(process) => process.blocked_since().map(|at| at + self.stuck_after),
        });
        deadlines.min()
    }

    /// What status output says of each.
    pub(crate) fn facts(&self) -> Vec<Facts> {
        let facts = |(adapter, nim): (&AdapterIndex, &Nim)| {
            let (ready, dropped) = match &nim.state {
                State::Running(process) => (process.ready, process.dropped),
                State::Resting(_) => (false, 0),
            };
            Facts {
                adapter: *adapter,
                spec: nim.spec.clone(),
                pid: nim.pid(),
                ready,
                restarts: nim.restarts,
                dropped,
            }
        };
        self.nims.iter().map(facts).collect()
    }

    /// Ends all, in good order if they do so within a second.
    pub(crate) async fn leave(mut self, now: Timestamp) {
        let mut left = 0;
        for process in self.running() {
            process.leave(LEAVE_WAIT, now);
            left += 1;
        }
        while left > 0 && self.exits.recv().await.is_some() {
            left -= 1;
        }
    }
}

impl Nim {
    fn pid(&self) -> Option<u32> {
        match &self.state {
            State::Running(process) => Some(process.pid),
            State::Resting(_) => None,
        }
    }
}
