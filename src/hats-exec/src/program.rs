//! Running a program for an event.

use std::{process::Stdio, time::Duration};

use hats_client::{ipc::Event, to_json};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::AsyncWriteExt,
    process::{Child, Command},
    time,
};

use crate::{action::Failure, variables::variables};

/// What a program that is too slow has for ending by itself.
const TERMINATION_GRACE: Duration = Duration::from_secs(1);

/// Runs `command` with the event in its environment and, as a line of JSON, on
/// its standard input. Its exit status says whether it did what it had to.
pub(crate) async fn run(
    command: &[String],
    action: &str,
    event: &Event,
    attempt: u32,
    timeout: Duration,
) -> Result<(), Failure> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| Failure::Never("no program is named".to_owned()))?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables(event))
        .env("HATS_ACTION", action)
        .env("HATS_ATTEMPT", attempt.to_string())
        .stdin(Stdio::piped())
        // A group of its own, so that what it has started ends with it.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::Again(format!("{program} cannot be started: {error}")))?;
    let group = Group::of(&child);
    let stdin = child.stdin.take();
    let input = to_json(event) + "\n";
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A program need not read it.
            drop(stdin.write_all(input.as_bytes()).await);
        }
    };
    let finished = time::timeout(timeout, async { tokio::join!(child.wait(), feed).0 }).await;
    let Ok(status) = finished else {
        group.signal(Signal::SIGTERM);
        drop(time::timeout(TERMINATION_GRACE, child.wait()).await);
        return Err(Failure::Again(format!("no end after {} ms", timeout.as_millis())));
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Again(status.to_string())),
        Err(error) => Err(Failure::Again(format!("its end cannot be waited for: {error}"))),
    }
}

/// The processes of one attempt: none of them outlives it.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let pid = child.id().and_then(|pid| i32::try_from(pid).ok());
        Group(pid.map(Pid::from_raw))
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.0 {
            // There may be none left.
            let _ = killpg(group, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::SIGKILL);
    }
}
